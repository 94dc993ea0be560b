"""Making a study folder: the sample, the sides, the orders, the codes.

The sample is drawn from a seed that anybody may know. Sides, repeats, checks, orders
and card ids are drawn from a random number that is written into the key alone: who
knows it and the dialogues can work out who wrote what.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from ..datasets import subset
from . import codes, layout
from .criteria import CRITERIA
from .folder import (
    CARDS,
    CODES,
    DESIGN,
    ORDERS,
    RATINGS,
    VERSION,
    StudyError,
    as_json,
    file_digest,
    plain,
    write_text,
)
from .folder_study import Study, open_study
from .key import write_key
from .validation import all_simulated, check_new_folder, check_shares, check_title, people, texts

TITLE = "Which reply is better?"
SENIOR_SEES = ("both", "none")


def create_study(
    folder: str | Path,
    dialogues: Sequence,
    replies: Mapping[str, Mapping[str, str] | Sequence[str]],
    *,
    comparisons: Sequence[tuple[str, str]] | None = None,
    items: int | None = None,
    raters: Sequence[str] = ("rater-1", "rater-2"),
    senior: str | None = "senior",
    repeats: float = 0.1,
    checks: float = 0.05,
    seed: int = 0,
    blinding: int | None = None,
    senior_sees: str = "both",
    title: str = TITLE,
    flags: Mapping[str, Sequence[str]] | None = None,
    record: Mapping | None = None,
    synthetic: bool = False,
) -> Study:
    """Write a new study folder.

    Parameters
    ----------
    folder : path-like
        Must not exist, or be empty. It comes to be whole or not at all.
    dialogues : sequence of Dialogue
        Questions to draw from; ids are unique.
    replies : mapping
        Model to its replies: by dialogue id, or a sequence as long as `dialogues`.
    comparisons : sequence of pairs of str, optional
        Models to compare, (a, b); by default every two of `replies`.
    items : int, optional
        Dialogues to draw; by default all. Each is rated once a comparison.
    raters : sequence of str
        Ids; each rates every card.
    senior : str, optional
        Id of who settles disagreements; None for a study without.
    repeats : float
        Share of the pairs, in [0, 1], that come a second time with sides swapped.
    checks : float
        Number of attention checks as a share of the pairs, in [0, 1], rounded up. A
        check shows one reply on both sides; its dialogue is one that was not drawn, as
        long as there are any.
    seed : int
        The sample is drawn from it, and nothing else.
    blinding : int, optional
        Sides, repeats, checks, orders and card ids are drawn from it. By default a
        secret random number; give one only to have a trial repeated, for whoever
        guesses it knows who wrote what.
    senior_sees : {"both", "none"}
        Whether the senior is shown the raters' verdicts.
    title : str
        Heads the rating page; may not name a model.
    flags : mapping, optional
        Dialogue id to what is noted of it, for the key.
    record : mapping, optional
        How the replies were made, for the key.
    synthetic : bool
        Whether the questions are made up; every table of the study will say so.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If the folder is in use, or what is asked for cannot be made; nothing is
        written then.

    Notes
    -----
    Of each comparison's pairs the first model stands on the left in half, drawn at
    random. All raters see the same sides. Of 200 random orders a rater gets the first
    in which a repeat is far from its original (a twentieth of all cards), or the one
    with the fewest that are not.
    """
    folder = Path(folder).expanduser()
    check_new_folder(folder)
    roles = people(raters, senior)
    check_shares(repeats=repeats, checks=checks)
    if senior_sees not in SENIOR_SEES:
        raise StudyError(f"senior_sees is {senior_sees!r}; expected both or none.")
    check_title(title, replies)
    shown = texts(dialogues, replies)
    pairs = layout.comparisons(comparisons, tuple(replies))
    drawn = draw(dialogues, items, seed)
    blinding = secrets.randbits(128) if blinding is None else blinding
    cards = layout.pairs(drawn, pairs, Random(f"{blinding}:sides"))
    cards += layout.repeats(cards, repeats, Random(f"{blinding}:repeats"))
    n_checks = math.ceil(checks * len(drawn) * len(pairs))
    cards += layout.checks(dialogues, drawn, n_checks, tuple(replies), blinding)
    cards = layout.named(cards, Random(f"{blinding}:cards"))
    questions = {item.id: plain(item.question).strip() for item in dialogues}
    lines = []
    for name, card in cards.items():
        left, right = (shown[card[side]][card["item"]] for side in ("left", "right"))
        card["equal"] = left == right
        card["flags"] = sorted((flags or {}).get(card["item"], ()))
        question = questions[card["item"]]
        lines.append({"card": name, "question": question, "left": left, "right": right})
    orders = {}
    for rater, role in roles.items():
        own = [x for x in cards if role == "rater" or cards[x]["kind"] == "pair"]
        orders[rater] = layout.order(own, cards, Random(f"{blinding}:order:{rater}"))
    kinds = Counter(card["kind"] for card in cards.values())
    handed = {rater: codes.new_code() for rater in roles}
    design = {
        "version": VERSION,
        "title": plain(title).strip(),
        "created": datetime.now(UTC).date().isoformat(),
        "criteria": [dataclasses.asdict(item) for item in CRITERIA.values()],
        "counts": {
            "items": len(drawn),
            "comparisons": len(pairs),
            "pairs": kinds["pair"],
            "repeats": kinds["repeat"],
            "checks": kinds["check"],
            "cards": len(cards),
        },
        "shares": {"repeats": repeats, "checks": checks},
        "senior_sees": senior_sees,
        "simulated": all_simulated(roles),
        "synthetic": synthetic,
        "raters": [
            {"id": rater, "role": role, **codes.hashed(handed[rater])}
            for rater, role in roles.items()
        ],
    }
    key = {
        "seed": seed,
        "blinding": blinding,
        "models": list(replies),
        "comparisons": [list(pair) for pair in pairs],
        "record": dict(record or {}),
        "cards": cards,
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        partial.chmod(0o755)
        _write(partial, design, lines, orders, key, handed)
        os.rename(partial, folder)
    except OSError as error:
        raise StudyError(f"{folder} could not be made ({error.strerror}).") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_study(folder)


def draw(dialogues: Sequence, items: int | None, seed: int) -> list:
    """The sample, in the order of the dialogues.

    Of one seed a larger sample contains the smaller one.
    """
    if items is not None and (not isinstance(items, int) or not 0 < items <= len(dialogues)):
        raise StudyError(
            f"{items} items are asked for and {len(dialogues)} dialogues can be used. Ask for "
            f"1 to {len(dialogues)}."
        )
    return subset(dialogues, items, seed)


def _write(folder: Path, design, lines, orders, key, handed) -> None:
    rows = (json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
    write_text(folder / CARDS, "".join(rows))
    design["cards_sha256"] = file_digest(folder / CARDS)
    write_text(folder / ORDERS, as_json(orders))
    write_text(folder / DESIGN, as_json(design))
    write_key(folder, key)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([("rater", "code"), *handed.items()])
    write_text(folder / CODES, table.getvalue(), private=True)
    (folder / RATINGS).mkdir()
