"""What a new study is asked to be: refused before anything is written.

Everything here raises `StudyError`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..schema import ROOT
from .folder import StudyError, plain
from .identity import PERSONS, PHYSICIAN, telling

RATER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def check_new_folder(folder: Path) -> None:
    """Refuse a folder that is in use, or whose files could come to be committed."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder} is in use. Name a folder that is empty or does not exist.")
    place = folder.resolve()
    if place.is_relative_to(ROOT) and not place.is_relative_to(ROOT / "runs"):
        raise StudyError(
            f"{folder} is inside the repository, where patients' questions could be committed. "
            "Name a folder under runs/, which is not, or one elsewhere."
        )


def people(raters: Sequence[str], senior: str | None) -> dict[str, str]:
    """Rater ids to roles, in the given order, the senior last."""
    if isinstance(raters, str) or not raters:
        raise StudyError(f"raters is {raters!r}; expected one or more ids.")
    ids = [*raters, *([senior] if senior is not None else [])]
    for rater in ids:
        if not isinstance(rater, str) or not RATER_ID.fullmatch(rater):
            raise StudyError(
                f"{rater!r} cannot be a rater's id. Use letters, digits, hyphens and "
                "underscores, 64 at most; it names a file."
            )
    if len({rater.lower() for rater in ids}) < len(ids):
        raise StudyError(f"Two of these are one id, case left aside: {', '.join(ids)}.")
    all_simulated(ids)
    return {rater: "senior" if rater == senior else "rater" for rater in ids}


def all_simulated(ids: Iterable[str]) -> bool:
    """Whether these raters are simulated, all of them; a mixture is refused."""
    from .analysis import SIMULATED, is_simulated

    faked = [rater for rater in ids if is_simulated([rater])]
    people = [rater for rater in ids if rater not in faked]
    for rater in people:
        if "simulat" in rater.casefold():
            raise StudyError(
                f"{rater!r} looks like a simulated rater and does not count as one. Begin the "
                f"id with {SIMULATED!r}, or give a person another one."
            )
    if faked and people:
        raise StudyError(
            f"{', '.join(faked)} would be simulated and {', '.join(people)} would not. Simulated "
            "raters, the senior too, need a study of their own."
        )
    return bool(faked)


def check_title(title: str, models: Iterable[str]) -> None:
    """Refuse a title that says who wrote the replies: every rater reads it."""
    own = {re.split(r"[/:\\]", model.partition("#")[0])[-1] for model in models}
    own -= {PHYSICIAN}
    words = "|".join(re.escape(name) for name in own if len(name) > 3)
    named = re.search(rf"(?<![\w-])(?:{words})(?![\w-])", title, re.I) if words else None
    person = re.search(rf"\b{PERSONS}\b", title)
    place = next(iter(telling(title, models)), None)
    if found := named or person:
        start, end = found.span()
    elif place:
        start, end = place.start, place.end
    else:
        return
    raise StudyError(
        f"The title has {title[start:end]!r} in it, which tells raters who wrote the replies. "
        "Give another title."
    )


def check_shares(**shares: float) -> None:
    """Refuse what is not a share, by its name."""
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise StudyError(f"{name} is {share!r}; expected a share from 0 to 1.")


def texts(dialogues: Sequence, replies: Mapping) -> dict[str, dict[str, str]]:
    """Model to dialogue id to reply, all there and none blank."""
    ids = [item.id for item in dialogues]
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise StudyError(f"Dialogue {twice[0]!r} comes twice. Each needs an id of its own.")
    blank = [item.id for item in dialogues if not plain(item.question).strip()]
    if blank:
        raise StudyError(f"Dialogue {blank[0]!r} has no question. Leave it out.")
    if len(replies) < 2:
        raise StudyError("A study compares two models or more; give the replies of two.")
    found = {}
    for model, given in replies.items():
        if not isinstance(given, Mapping):
            if isinstance(given, str) or len(given) != len(ids):
                raise StudyError(
                    f"{model}: {len(given)} replies to {len(ids)} dialogues. Give one for each."
                )
            given = dict(zip(ids, given, strict=True))
        missing = [name for name in ids if not plain(given.get(name) or "").strip()]
        if missing:
            raise StudyError(
                f"{model} has no reply to {len(missing)} dialogues, {missing[0]!r} the first. "
                "Leave those out for all models."
            )
        found[model] = {name: plain(given[name]).strip() for name in ids}
    return found
