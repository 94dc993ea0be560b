"""A study: two replies to a patient side by side, judged blind, in one folder.

``study.sqlite`` (0600) holds cards, raters and every click, and names no model; ``key.json``
(0600) says who wrote what and is read by `Study.unblinded` alone; ``codes.csv`` (0600) is for
handing out and read by nothing.

The sample is drawn from a seed that anybody may know. Sides, repeats, checks, orders and card
ids are drawn from a random number that is written into the key alone: who knows it and the
dialogues can work out who wrote what.
"""

from __future__ import annotations

import hmac
import json
import math
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from time import time

import numpy as np
import pandas as pd

from ..data import subset
from ..schema import ROOT, digest, runs_folder
from .sample import CRITERIA, StudyError, check_title, plain

DATABASE, KEY, CODES = "study.sqlite", "key.json", "codes.csv"
VERSION = 2
VERDICTS = ("left", "tie", "right")
TITLE = "Which reply is better?"
SENIOR_SEES = ("both", "none")
SIMULATED = "simulated-"  # how the id of a simulated rater begins
LONGEST_COMMENT = 10_000  # characters
SESSION = 12 * 3600  # seconds, after which a rater types the code again
SHUFFLES = 200
WRONG_CODE = "This code is not known here. Check it against the one you were given."
CLOSED = "The study is closed: nothing can be changed any more. Ask whoever organises it."
BLIND = "The study is open: who wrote what is read once nobody rates any more. Close it first."
TABLES = Path(__file__).with_suffix(".sql")


def place(folder: str | Path) -> Path:
    """A study's folder: a path, or a bare name for one under the runs' folder."""
    name = str(folder)
    is_path = any(mark in name for mark in (os.sep, "/", "~")) or name in (".", "..")
    return Path(name).expanduser() if is_path else runs_folder() / "human_eval" / name


class Study:
    """A study folder, opened; nothing of the rating side reads the key.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    path : Path
    title : str
    raters, seniors : tuple of str
        Ids by role.
    senior_sees : {"both", "none"}
        Whether the senior is shown the raters' verdicts.
    synthetic, simulated : bool
        Whether the questions, or the raters, are made up.

    Raises
    ------
    StudyError
        If it is not one.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        if not (self.path / DATABASE).is_file():
            raise StudyError(
                f"{self.path} is not a study folder (no {DATABASE}); `create` makes one."
            )
        about = {name: json.loads(value) for name, value in self._sql("select * from about")}
        if about["version"] != VERSION:
            raise StudyError(f"{self.path} is of version {about['version']}, not of {VERSION}.")
        self.title, self.senior_sees = about["title"], about["senior_sees"]
        self.synthetic, self.simulated = about["synthetic"], about["simulated"]
        self.roles = dict(self._sql("select rater, role from raters order by rowid"))
        self.raters = tuple(rater for rater, role in self.roles.items() if role == "rater")
        self.seniors = tuple(rater for rater, role in self.roles.items() if role == "senior")

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection for one act: whole or not at all, on disk when it ends."""
        file = f"{(self.path / DATABASE).resolve().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(file, uri=True, timeout=60)) as database, database:
                database.executescript("pragma synchronous = full; pragma foreign_keys = on;")
                yield database
        except sqlite3.Error as error:
            problem = f"{self.path / DATABASE}: {error}. Nothing was kept. Is the disk full?"
            raise StudyError(CLOSED if str(error) == "closed" else problem) from None

    def _sql(self, query: str, *given) -> list[tuple]:
        """One statement's rows."""
        with self._database() as database:
            return database.execute(query, given).fetchall()

    def log_in(self, code: str) -> str:
        """A new session's token for whoever's code it is; case, spaces and hyphens do not matter.

        Raises
        ------
        StudyError
            If it is nobody's by now.
        """
        given, owner, token = _hash(_letters(code)), None, secrets.token_urlsafe(24)
        for rater, stored in self._sql("select rater, code from raters"):
            owner = rater if hmac.compare_digest(given, stored) else owner
        if owner is None:
            raise StudyError(WRONG_CODE)
        self._sql("insert into sessions values (?, ?, ?)", _hash(token), owner, time())
        return token

    def rater_of(self, token: str) -> str | None:
        """Whose session a token is; None if nobody's by now."""
        query = "select rater from sessions where token = ? and at > ?"
        rows = self._sql(query, _hash(token), time() - SESSION)
        return rows[0][0] if rows else None

    def log_out(self, token: str) -> None:
        """End a session."""
        self._sql("delete from sessions where token = ?", _hash(token))

    def renew_code(self, rater: str) -> str:
        """A new code for a rater who lost theirs; the old one, and open pages, no longer work."""
        self.order(rater)
        code = new_code()
        with self._database() as database:
            given = _hash(_letters(code)), rater
            database.execute("update raters set code = ? where rater = ?", given)
            database.execute("delete from sessions where rater = ?", (rater,))
        return code

    def cards(self) -> pd.DataFrame:
        """``card, question, left, right``: a row a card, by id; nothing tells a repeat or check."""
        rows = self._sql("select * from cards order by card")
        return pd.DataFrame(rows, columns=["card", "question", "left", "right"])

    def order(self, rater: str) -> list[str]:
        """A rater's cards in the rater's order; for the senior all that may come."""
        if rater not in self.roles:
            raise StudyError(f"There is no rater {rater!r}. Known: {', '.join(self.roles)}.")
        query = "select card from orders where rater = ? order by place"
        return [card for (card,) in self._sql(query, rater)]

    def asked(self, rater: str) -> list[str]:
        """The cards that a rater is shown; the senior's are those to settle, and those begun."""
        cards = self.order(rater)
        if rater in self.seniors:
            wanted = self.due() | self.said(rater).keys()
            cards = [card for card in cards if card in wanted]
        return cards

    def card(self, card: str) -> dict[str, str]:
        """``question``, ``left`` and ``right`` of a card."""
        rows = self._sql("select question, left, right from cards where card = ?", card)
        return dict(zip(("question", "left", "right"), rows[0], strict=True))

    def rate(self, rater: str, events: Iterable[tuple[str, str, object]]) -> None:
        """Keep what a rater says; all of it is on disk when this returns, or nothing.

        Parameters
        ----------
        rater : str
        events : iterable of (card, field, value)
            ``field`` is a criterion (``left``, ``tie``, ``right``), ``difficult`` (bool: have the
            senior decide) or ``comment`` (text, in place of an earlier one).

        Raises
        ------
        StudyError
            If a card is not this rater's, a value is not one, or the study is closed.
        """
        own, at = set(self.order(rater)), datetime.now(UTC).isoformat(timespec="microseconds")
        rows = []
        for card, field, value in events:
            if card not in own:
                raise StudyError(f"Card {card!r} is not one of {rater}'s. Reload the page.")
            rows.append((at, rater, card, field, json.dumps(checked(field, value))))
        with self._database() as database:
            insert = "insert into clicks (at, rater, card, field, value) values (?, ?, ?, ?, ?)"
            database.executemany(insert, rows)

    def said(self, rater: str, until: int | None = None) -> dict[str, dict[str, object]]:
        """What a rater has said of each card by now, or by a click's id: field to value."""
        query = "select card, field, value from clicks where rater = ? and id <= ? order by id"
        found: dict[str, dict] = {}
        for card, field, value in self._sql(query, rater, 2**62 if until is None else until):
            found.setdefault(card, {})[field] = json.loads(value)
        return found

    def last_click(self) -> int:
        """The id of anybody's last click; 0 before the first."""
        return self._sql("select coalesce(max(id), 0) from clicks")[0][0]

    def complete(self, rater: str, said: Mapping[str, object]) -> bool:
        """Whether all criteria of a card are judged, or a rater has left it to the senior."""
        left = rater in self.raters and said.get("difficult", False)
        return bool(left) or said.keys() >= CRITERIA.keys()

    def _standing(self) -> dict[tuple[str, str], dict[str, tuple[object, str]]]:
        """(rater, card) to field to (value, when), of the clicks that count.

        From the senior's first verdict on a card in dispute on, the raters' change nothing.
        """
        said, settled = {}, set()
        query = "select rater, card, field, value, at from clicks order by id"
        for rater, card, field, value, at in self._sql(query):
            if rater in self.raters and card in settled:
                continue
            said.setdefault((rater, card), {})[field] = (json.loads(value), at)
            if rater in self.seniors and field in CRITERIA and self._disputed(said, card):
                settled.add(card)
        return said

    def _own(self, standing: Mapping, card: str) -> list[dict[str, object]]:
        """Field to value of what each rater said of a card."""
        own = (standing.get((rater, card), {}) for rater in self.raters)
        return [{field: value for field, (value, _) in one.items()} for one in own]

    def _disputed(self, standing: Mapping, card: str) -> bool:
        """Whether all raters are done with a card, and differ or find it difficult."""
        own = self._own(standing, card)
        verdicts = {tuple(one.get(key) for key in CRITERIA) for one in own}
        differ = len(verdicts) > 1 or any(one.get("difficult") for one in own)
        return differ and all(map(self.complete, self.raters, own))

    def due(self) -> set[str]:
        """Cards that ask for the senior, by the verdicts that count."""
        standing = self._standing()
        cards = {card for senior in self.seniors for card in self.order(senior)}
        return {card for card in cards if self._disputed(standing, card)}

    def others(self, rater: str, card: str) -> list[dict[str, object]]:
        """What the raters said of a card, without names, for a senior who may see it."""
        may_see = rater in self.seniors and self.senior_sees == "both"
        return self._own(self._standing(), card) if may_see else []

    def _by_rater(self) -> Iterator[tuple]:
        """Card, rater, role, and what counts of what was said, in the raters' orders."""
        standing = self._standing()
        for rater, role in self.roles.items():
            for card in self.order(rater):
                if said := standing.get((rater, card)):
                    yield card, rater, role, said

    def votes(self) -> pd.DataFrame:
        """The verdicts that count: each rater's last.

        Of a card that the senior has settled they are what the raters had said then; a later
        change of theirs is kept, and does not count.

        Returns
        -------
        DataFrame
            ``card, criterion, rater, role, verdict, at``: ``role`` is ``rater`` or ``senior``,
            ``verdict`` ``left``, ``tie`` or ``right``, ``at`` in UTC.
        """
        rows = [
            (card, key, rater, role, *said[key])
            for card, rater, role, said in self._by_rater()
            for key in CRITERIA
            if key in said
        ]
        return _frame(rows, ["card", "criterion", "rater", "role", "verdict", "at"])

    def marks(self) -> pd.DataFrame:
        """``card, rater, role, difficult, comment, at``: of each card that a rater spoke of.

        It may be marked as difficult and not judged.
        """
        rows = []
        for card, rater, role, said in self._by_rater():
            difficult, comment = said.get("difficult", [False])[0], said.get("comment", [""])[0]
            rows.append((card, rater, role, difficult, comment, max(at for _, at in said.values())))
        frame = _frame(rows, ["card", "rater", "role", "difficult", "comment", "at"])
        return frame.astype({"difficult": bool})

    def status(self) -> pd.DataFrame:
        """Progress of each rater, still blind.

        Returns
        -------
        DataFrame
            ``rater, role, cards`` (the senior's: those to settle by now), ``complete`` (all
            criteria judged, or left to the senior), ``begun`` (some of them), ``left``,
            ``difficult``, ``comments``, ``last`` (UTC; missing before the first click).
        """
        rows = []
        for rater, role in self.roles.items():
            said = self.said(rater)
            judged = [said.get(card, {}) for card in self.asked(rater)]
            done = [self.complete(rater, one) for one in judged]
            begun = sum(any(key in one for key in CRITERIA) for one in judged)
            begun -= sum(all(key in one for key in CRITERIA) for one in judged)
            row = {"rater": rater, "role": role, "cards": len(done), "complete": sum(done)}
            row |= {"begun": begun, "left": len(done) - sum(done)}
            row["difficult"] = sum(one.get("difficult", False) for one in judged)
            row["comments"] = sum(bool(one.get("comment")) for one in judged)
            row["at"] = self._sql("select max(at) from clicks where rater = ?", rater)[0][0]
            rows.append(row)
        return _frame(rows, None).rename(columns={"at": "last"})

    @property
    def closed(self) -> bool:
        """Whether nothing may be rated by now."""
        return bool(self._sql("select 1 from about where name = 'closed'"))

    def close(self) -> None:
        """Have every page, open ones too, refuse to write; closing twice is no error."""
        self._sql("insert or ignore into about values ('closed', 'true')")

    def reopen(self) -> None:
        """Let raters go on."""
        self._sql("delete from about where name = 'closed'")

    def _seal(self) -> str:
        """What the key belongs to: cards and orders."""
        cards = self._sql("select * from cards order by card")
        return digest([cards, self._sql("select * from orders order by rater, place")])

    def unblinded(self, key: str | Path | None = None) -> pd.DataFrame:
        """Who wrote what, a row a card; joins `votes` on ``card``.

        Parameters
        ----------
        key : path-like, optional
            The key file, if it is kept elsewhere.

        Returns
        -------
        DataFrame
            ``card, item`` (dialogue id), ``kind`` (``pair``, ``repeat``, ``check``), ``repeat_of``
            (a card), ``model_a, model_b`` (the comparison, in the key's order; on a check twice
            the same), ``a_side`` (``left``, ``right``; on a check ``left``), ``equal`` (both sides
            show one text), ``flags`` (what was noted of dialogue and replies, a tuple). Pairs in
            the order of comparisons and items.

        Raises
        ------
        StudyError
            While the study is not closed; if there is no key, or it is another study's.
        """
        if not self.closed:
            raise StudyError(BLIND)
        path = Path(key).expanduser() if key is not None else self.path / KEY
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            fits = found["seal"] == self._seal()
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"There is no key at {path} ({type(error).__name__}); say where it is kept."
            raise StudyError(problem) from None
        if not fits:
            raise StudyError(f"{path} was not written for this study. Use the key made with it.")
        columns = "card item kind repeat_of model_a model_b a_side equal flags".split()
        cards = pd.DataFrame(found["cards"], columns=columns)
        return cards.assign(flags=cards["flags"].map(tuple))


def _frame(rows: list, columns: list[str] | None) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    frame["at"] = pd.to_datetime(frame["at"], utc=True, format="ISO8601")
    return frame


def create(
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
    """Make a new study folder, whole or not at all.

    Parameters
    ----------
    folder : path-like
        Must not exist, or be empty.
    dialogues : sequence of Dialogue
        Questions to draw from; ids are unique.
    replies : mapping
        Model to its replies: by dialogue id, or a sequence as long as `dialogues`.
    comparisons : sequence of pairs of str, optional
        Models to compare, (a, b); by default every two of `replies`.
    items : int, optional
        Dialogues to draw; by default all. Each is rated once a comparison.
    raters : sequence of str
        Ids; each rates every card. Those of simulated ones begin with ``simulated-``.
    senior : str, optional
        Id of who settles disagreements; None for a study without.
    repeats : float
        Share of the pairs, in [0, 1], that come a second time with sides swapped.
    checks : float
        Attention checks as a share of the pairs, in [0, 1], rounded up. A check shows one reply
        on both sides, of a dialogue that was not drawn as long as there are any.
    seed : int
        The sample is drawn from it, and nothing else.
    blinding : int, optional
        Sides, repeats, checks, orders and card ids are drawn from it: by default a secret random
        number. Give one only to have a trial repeated, for whoever guesses it knows who wrote what.
    senior_sees : {"both", "none"}
        Whether the senior is shown the raters' verdicts.
    title : str
        Heads the rating page; may not name a model.
    flags : mapping, optional
        Dialogue id to what is noted of it, for the key.
    record : mapping, optional
        How the replies were made, for the key.
    synthetic : bool
        Whether the questions are made up.

    Raises
    ------
    StudyError
        If the folder is in use, or what is asked for cannot be made; nothing is written then.

    Notes
    -----
    Of each comparison's pairs the first model stands on the left in half, drawn at random. All
    raters see the same sides. Of 200 random orders a rater gets the first in which a repeat is far
    from its original (a twentieth of all cards), or the one with the fewest that are not.
    """
    asked = list(replies), comparisons, raters, senior, title
    folder, roles, pairs = check(folder, *asked, repeats=repeats, checks=checks)
    if senior_sees not in SENIOR_SEES:
        raise StudyError(f"senior_sees is {senior_sees!r}; expected both or none.")
    texts = _texts(dialogues, replies)
    drawn = draw(dialogues, items, seed)
    secret = secrets.randbits(128) if blinding is None else blinding
    rng = np.random.default_rng(secret)
    cards = _deal(dialogues, drawn, pairs, list(replies), repeats, checks, rng)
    cards["flags"] = [sorted((flags or {}).get(item, ())) for item in cards["item"]]
    questions, rows, orders = {one.id: plain(one.question) for one in dialogues}, [], []
    for card in cards.itertuples():
        sides = [texts[card.model_a][card.item], texts[card.model_b][card.item]]
        sides = sides if card.a_side == "left" else sides[::-1]
        rows.append((card.card, questions[card.item], *sides))
    cards["equal"] = [left == right for _, _, left, right in rows]
    for rater, role in roles.items():
        own = cards if role == "rater" else cards[cards["kind"] == "pair"]
        orders += [(rater, at, card) for at, card in enumerate(_order(own, rng))]
    codes = {rater: new_code() for rater in roles}
    about = {"version": VERSION, "title": plain(title), "senior_sees": senior_sees}
    about |= {"created": datetime.now(UTC).date().isoformat(), "synthetic": synthetic}
    about["simulated"] = any(map(is_simulated, roles))
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        partial.chmod(0o755)
        _private(partial / DATABASE, "")
        with closing(sqlite3.connect(partial / DATABASE)) as database, database:
            database.executescript(TABLES.read_text(encoding="utf-8"))
            given = [(name, json.dumps(value)) for name, value in about.items()]
            database.executemany("insert into about values (?, ?)", given)
            given = [(rater, role, _hash(_letters(codes[rater]))) for rater, role in roles.items()]
            database.executemany("insert into raters values (?, ?, ?)", given)
            database.executemany("insert into cards values (?, ?, ?, ?)", sorted(rows))
            database.executemany("insert into orders values (?, ?, ?)", orders)
        key = {"seed": seed, "blinding": secret, "models": list(replies)}
        key |= {"comparisons": [list(pair) for pair in pairs], "record": dict(record or {})}
        known = cards.astype(object).where(cards.notna(), None).to_dict("records")
        key |= {"cards": known, "seal": Study(partial)._seal()}
        _private(partial / KEY, json.dumps(key, indent=1, ensure_ascii=False) + "\n")
        table = [("rater", "code"), *codes.items()]
        _private(partial / CODES, "".join(f"{rater},{code}\n" for rater, code in table))
        os.rename(partial, folder)
    except OSError as error:
        raise StudyError(f"{folder} could not be made ({error.strerror}).") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Study(folder)


def _private(path: Path, text: str) -> None:
    """Write a new file that its owner alone can read, and wait until it is on disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def draw(dialogues: Sequence, items: int | None, seed: int) -> list:
    """The sample, in the order of the dialogues; of one seed a larger one contains a smaller."""
    most = len(dialogues)
    if items is not None and (not isinstance(items, int) or not 0 < items <= most):
        raise StudyError(f"{items} items cannot be had of {most} dialogues. Ask for 1 to {most}.")
    return subset(dialogues, items, seed)


def _deal(dialogues, drawn, pairs, models, repeats, checks, rng) -> pd.DataFrame:
    """All cards under random ids: pairs, repeats and checks, and on which side each model is."""
    rows = [(one.id, "pair", a, b) for a, b in pairs for one in drawn]
    cards = pd.DataFrame(rows, columns=["item", "kind", "model_a", "model_b"])
    turns = [np.resize(rng.permutation(["left", "right"]), len(drawn)) for _ in pairs]
    cards["a_side"] = np.concatenate([rng.permutation(turn) for turn in turns])
    again = cards.sample(round(repeats * len(cards)), random_state=rng)
    swapped = again["a_side"].map({"left": "right", "right": "left"})
    again = again.assign(kind="repeat", a_side=swapped, repeat_of=again.index)
    inside = [one.id for one in drawn]
    outside = sorted({one.id for one in dialogues} - set(inside))
    # dialogues that were not drawn come first; too few are followed by drawn ones
    source = [*rng.permutation(outside), *rng.permutation(inside)]
    items = np.resize(source, number := math.ceil(checks * len(cards)))
    turns = np.resize(rng.permutation(models), number)
    check = pd.DataFrame({"item": items, "model_a": turns, "model_b": turns})
    check = check.assign(kind="check", a_side="left")
    cards = pd.concat([cards, again, check], ignore_index=True)
    names = rng.choice(2**44, len(cards), replace=False)
    cards.insert(0, "card", [f"c{name:011x}" for name in names])  # no spreadsheet's number
    return cards.assign(repeat_of=cards["repeat_of"].map(cards["card"]))


def _order(cards: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """A random order in which repeats are far from their originals, if that can be."""
    names, is_repeat = cards["card"].to_numpy(), cards["kind"].eq("repeat").to_numpy()
    again = is_repeat.nonzero()[0]
    first = pd.Index(names).get_indexer(cards["repeat_of"][is_repeat])
    far, best, fewest = max(2, len(names) // 20), None, math.inf
    for _ in range(SHUFFLES):
        order = rng.permutation(len(names))
        place_of = np.argsort(order)
        near = (abs(place_of[again] - place_of[first]) < far).sum()
        if near < fewest:
            best, fewest = order, near
        if not near:
            break
    return list(names[best])


def check(
    folder, models, comparisons=None, raters=("rater-1",), senior=None, title=TITLE, **shares
) -> tuple[Path, dict[str, str], list[tuple[str, str]]]:
    """What a study is asked to be, refused before anything is asked of a model, or written.

    Parameters
    ----------
    folder, comparisons, raters, senior, title, shares
        As for `create`.
    models : list of str

    Returns
    -------
    Path, dict, list
        The folder, rater ids to roles, and the pairs of models.
    """
    folder = Path(folder).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder} is in use. Name a folder that is empty or does not exist.")
    whole = folder.resolve()
    if whole.is_relative_to(ROOT) and not whole.is_relative_to(ROOT / "runs"):
        raise StudyError(f"{folder} could be committed. Name one under runs/ or outside the clone.")
    if isinstance(raters, str) or not raters:
        raise StudyError(f"raters is {raters!r}; expected one or more ids.")
    ids = [*raters, *([senior] if senior is not None else [])]
    for rater in ids:
        if not isinstance(rater, str) or not re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", rater, re.A):
            raise StudyError(f"{rater!r} cannot be a rater's id. Use letters, digits, hyphens, _.")
    if len({rater.casefold() for rater in ids}) < len(ids):
        raise StudyError(f"Two of these are one id, case left aside: {', '.join(ids)}.")
    if any("simulat" in rater.casefold() for rater in ids) and not all(map(is_simulated, ids)):
        raise StudyError(f"Simulated raters are called {SIMULATED}..., in a study of their own.")
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise StudyError(f"{name} is {share!r}; expected a share from 0 to 1.")
    pairs = list(combinations(models, 2) if comparisons is None else map(tuple, comparisons))
    for pair in pairs:
        if len(set(pair)) != 2 or not set(pair) <= set(models):
            raise StudyError(f"{pair!r} is no comparison. Name two of: {', '.join(models)}.")
    if len(models) < 2 or not pairs or len(set(map(frozenset, pairs))) < len(pairs):
        raise StudyError("Name two models or more, and each comparison once, at least one.")
    check_title(title, models)
    return folder, {rater: "senior" if rater == senior else "rater" for rater in ids}, pairs


def is_simulated(rater: str) -> bool:
    """Whether an id is that of a simulated rater."""
    return rater.casefold().startswith(SIMULATED)


def _texts(dialogues: Sequence, replies: Mapping) -> dict[str, dict[str, str]]:
    """Model to dialogue id to reply, all there and none blank."""
    ids = [one.id for one in dialogues]
    if twice := [name for name, count in Counter(ids).items() if count > 1]:
        raise StudyError(f"Dialogue {twice[0]!r} comes twice. Each needs an id of its own.")
    if blank := [one.id for one in dialogues if not plain(one.question)]:
        raise StudyError(f"Dialogue {blank[0]!r} has no question. Leave it out.")
    found = {}
    for model, given in replies.items():
        if not isinstance(given, Mapping):
            if isinstance(given, str) or len(given) != len(ids):
                raise StudyError(
                    f"{model}: {len(given)} replies to {len(ids)} dialogues; give all."
                )
            given = dict(zip(ids, given, strict=True))
        found[model] = {name: plain(given.get(name) or "") for name in ids}
        if missing := [name for name in ids if not found[model][name]]:
            told = f"{len(missing)} dialogues, {missing[0]!r} the first"
            raise StudyError(f"{model} has no reply to {told}. Leave those out for all models.")
    return found


def checked(field: str, value):
    """A field's value as it is kept; what it cannot be is refused.

    Raises
    ------
    StudyError
    """
    fits = dict.fromkeys(CRITERIA, value in VERDICTS)
    fits |= {"difficult": isinstance(value, bool), "comment": isinstance(value, str)}
    if not fits.get(field):
        known = f"{', '.join(CRITERIA)}: {', '.join(VERDICTS)}; difficult: true, false; comment"
        raise StudyError(f"{field!r} cannot be {value!r}. Known: {known}.")
    value = plain(value) if field == "comment" else value
    if field == "comment" and len(value) > LONGEST_COMMENT:
        raise StudyError(
            f"The comment has {len(value):,} characters; shorten to {LONGEST_COMMENT:,}."
        )
    return value


def new_code() -> str:
    """A code such as ``3f07-9b2c-e41d-a855``: 64 bits of chance, no letters that look alike."""
    digits = secrets.token_hex(8)
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))


def _letters(code: str) -> str:
    return re.sub(r"[\s-]", "", str(code)[:100]).lower()


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
