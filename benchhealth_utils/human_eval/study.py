"""A study: two replies to a patient side by side, judged blind, in one folder.

``study.sqlite`` (0600) holds cards, raters and every click, and names no model; ``key.json``
(0600) says who wrote what and is read by `Study.unblinded` alone; ``codes.csv`` (0600) is for
handing out and read by nothing.

The sample is drawn from a seed that anybody may know. Sides, repeats, checks, orders and card
ids are drawn from a random number that is written into the key alone: who knows it and the
dialogues can work out who wrote what.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, combinations
from pathlib import Path
from time import time

import numpy as np
import pandas as pd

from ..data import subset
from ..schema import ROOT, runs_folder, write_atomic
from .sample import CHOICES, CRITERIA, SIMULATED, StudyError, expect, is_simulated, plain

DATABASE, KEY, CODES = "study.sqlite", "key.json", "codes.csv"
VERSION = 2
LONGEST_COMMENT = 10_000  # characters
SESSION = 12 * 3600  # seconds, after which a rater types the code again
CLOSED = "The study is closed: nothing can be changed any more. Ask whoever organises it."
SETTLED = "The senior has decided this card: it cannot be changed any more."
BLIND = "The study is open: who wrote what is read once nobody rates any more. Close it first."
TABLES = Path(__file__).with_suffix(".sql")
VIEWS = Path(__file__).with_name("views.sql").read_text("utf-8").format(criteria=len(CRITERIA))


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
        known = (self.path / DATABASE).is_file()
        expect(known, f"{self.path} is not a study folder (no {DATABASE}); `create` makes one.")
        about = {name: json.loads(value) for name, value in self._sql("select * from about")}
        expect(about["version"] == VERSION, f"{self.path} is of version {about['version']}.")
        self.senior_sees, self.synthetic = about["senior_sees"], about["synthetic"]
        self.roles = dict(self._sql("select rater, role from raters order by rowid"))
        self.raters = tuple(x for x in self.roles if self.roles[x] == "rater")
        self.seniors = tuple(x for x in self.roles if self.roles[x] == "senior")
        self.simulated = is_simulated(self.roles)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection for one act: whole or not at all, on disk when it ends."""
        file = f"{(self.path / DATABASE).resolve().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(file, uri=True, timeout=60)) as database, database:
                start = "pragma synchronous = full; pragma foreign_keys = on;"
                database.executescript(f"{start} {VIEWS}")
                yield database
        except sqlite3.Error as error:
            problem = f"{self.path / DATABASE}: {error}. Nothing was kept. Is the disk full?"
            raise StudyError(CLOSED if str(error) == "closed" else problem) from None

    def _sql(self, query: str, *given) -> list[tuple]:
        """One statement's rows."""
        with self._database() as database:
            return database.execute(query, given).fetchall()

    def _frame(self, table: str) -> pd.DataFrame:
        with self._database() as database:
            return pd.read_sql_query(f"select * from {table}", database)

    def log_in(self, code: str) -> str | None:
        """A new session's token for whoever's code it is; None if it is nobody's by now.

        Case, spaces and hyphens do not matter.
        """
        if not (found := self._sql("select rater from raters where code = ?", _hash(code))):
            return None
        token = secrets.token_hex(24)
        self._sql("insert into sessions values (?, ?, ?)", _hash(token), found[0][0], time())
        return token

    def rater_of(self, token: str) -> str | None:
        """Whose session a token is; None if nobody's by now."""
        query = "select rater from sessions where token = ? and at > ?"
        return next((rater for (rater,) in self._sql(query, _hash(token), time() - SESSION)), None)

    def log_out(self, token: str) -> None:
        """End a session."""
        self._sql("delete from sessions where token = ?", _hash(token))

    def renew_code(self, rater: str) -> str:
        """A new code for a rater who lost theirs; the old one, and open pages, no longer work."""
        self.order(rater)
        code = new_code()
        self._sql("update raters set code = ? where rater = ?", _hash(code), rater)
        self._sql("delete from sessions where rater = ?", rater)
        return code

    def cards(self) -> pd.DataFrame:
        """``card, question, left, right``: a row a card, by id; nothing tells a repeat or check."""
        return self._frame("cards order by card")

    def order(self, rater: str) -> list[str]:
        """A rater's cards in the rater's order; for the senior all that may come."""
        return self._cards("orders", rater, "order by place")

    def _cards(self, table: str, rater: str, order: str = "") -> list[str]:
        known = ", ".join(self.roles)
        expect(rater in self.roles, f"There is no rater {rater!r}. Known: {known}.")
        query = f"select card from {table} where rater = ? {order}"
        return [card for (card,) in self._sql(query, rater)]

    def asked(self, rater: str) -> list[str]:
        """The cards that a rater is shown; the senior's are those to settle, and those begun."""
        return self._cards("asked", rater, "order by place")

    def done(self, rater: str) -> list[str]:
        """The cards of which all criteria are judged, or which a rater has left to the senior."""
        return self._cards("done", rater)

    def settled(self, rater: str) -> set[str]:
        """Cards on which the senior has begun to decide: this rater's verdicts stand."""
        return {*self._cards("settled", rater)}

    def card(self, card: str) -> dict[str, str]:
        """``question``, ``left`` and ``right`` of a card."""
        return self.cards().set_index("card").loc[card].to_dict()

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
            If a card is not this rater's or settled, a value is not one, or the study is closed.
        """
        own, at = set(self.order(rater)), datetime.now(UTC).isoformat(timespec="microseconds")
        rows, settled = [], self.settled(rater)
        for card, field, value in events:
            expect(card in own, f"Card {card!r} is not one of {rater}'s. Reload the page.")
            expect(card not in settled, f"Card {card!r}: {SETTLED}")
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

    def locked(self, rater: str, card: str) -> str:
        """Why a rater can change nothing of a card; empty if it can be changed."""
        return CLOSED if self.closed else SETTLED if card in self.settled(rater) else ""

    def others(self, rater: str, card: str) -> list[dict[str, object]]:
        """What the raters said of a card, without names, for a senior who may see it."""
        may_see = rater in self.seniors and self.senior_sees == "both"
        return [self.said(one).get(card, {}) for one in self.raters] if may_see else []

    def votes(self) -> pd.DataFrame:
        """The verdicts that count: each rater's last.

        Returns
        -------
        DataFrame
            ``card, criterion, rater, role, verdict``: ``role`` is ``rater`` or ``senior``,
            ``verdict`` ``left``, ``tie`` or ``right``.
        """
        return self._frame("votes")

    def marks(self) -> pd.DataFrame:
        """``card, rater, role, difficult, comment``: of each card that a rater spoke of.

        It may be marked as difficult and not judged.
        """
        return self._frame("marks").astype({"difficult": bool})

    def status(self) -> pd.DataFrame:
        """Progress of each rater, still blind.

        Returns
        -------
        DataFrame
            ``rater, role, cards`` (the senior's: those to settle by now), ``complete`` (all
            criteria judged, or left to the senior), ``left``, ``difficult``, ``last`` (UTC;
            missing before the first click).
        """
        frame = self._frame("progress")
        return frame.assign(last=pd.to_datetime(frame["last"], utc=True, format="ISO8601"))

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
            show one text), ``flags`` (rules that question or replies fall under, a tuple). Pairs
            in the order of comparisons and items.

        Raises
        ------
        StudyError
            While the study is not closed; if there is no key, or it is another study's.
        """
        expect(self.closed, BLIND)
        path = Path(key).expanduser() if key is not None else self.path / KEY
        try:
            found = json.loads(path.read_text(encoding="utf-8"))["cards"]
            columns = "card item kind repeat_of model_a model_b a_side equal flags".split()
            cards = pd.DataFrame(found, columns=columns)
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"There is no key at {path} ({type(error).__name__}); say where it is kept."
            raise StudyError(problem) from None
        fits = {*cards["card"]} == {*self.cards()["card"]}
        expect(fits, f"{path} was not written for this study. Use the key made with it.")
        return cards.assign(flags=cards["flags"].map(tuple))


def create(
    folder: str | Path,
    dialogues: Sequence,
    replies: Mapping[str, Mapping[str, str]],
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
        Model to dialogue id to reply.
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
    flags : mapping, optional
        Dialogue id to what is noted of it, for the key: ``RULE``, or ``MODEL: RULE``.
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
    raters see the same sides, each in a random order of their own in which a repeat is, but for
    chance, a quarter of all cards or more from its original.
    """
    asked = raters, senior, senior_sees, repeats, checks
    folder, roles, pairs = check(folder, list(replies), comparisons, *asked)
    texts, questions = _texts(dialogues, replies)
    drawn = [one.id for one in draw(dialogues, items, seed)]
    secret = secrets.randbits(128) if blinding is None else blinding
    rng = np.random.default_rng(secret)
    cards = deal(list(questions), drawn, pairs, repeats, checks, rng)
    rows, orders, noted = [], [], []
    for card in cards.itertuples():
        shown = [card.model_a, card.model_b]
        sides = [texts[model][card.item] for model in shown[:: 1 if card.a_side == "left" else -1]]
        rows.append((card.card, questions[card.item], *sides))
        own = (flags or {}).get(card.item, ())
        noted.append([flag for flag in own if flag.rpartition(": ")[0] in ("", *shown)])
    cards = cards.assign(equal=[left == right for _, _, left, right in rows], flags=noted)
    for rater, role in roles.items():
        own = cards if role == "rater" else cards[cards["kind"] == "pair"]
        orders += [(rater, at, card) for at, card in enumerate(_order(own, rng))]
    codes = {rater: new_code() for rater in roles}
    about = {"version": VERSION, "senior_sees": senior_sees, "synthetic": synthetic}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as scratch:
        partial = Path(scratch) / "study"
        partial.mkdir()
        tables = {"about": [(name, json.dumps(value)) for name, value in about.items()]}
        tables["raters"] = [(x, role, _hash(codes[x])) for x, role in roles.items()]
        tables |= {"cards": sorted(rows), "orders": orders}
        with closing(sqlite3.connect(partial / DATABASE)) as database, database:
            database.executescript(TABLES.read_text(encoding="utf-8"))
            for name, given in tables.items():
                marks = ", ".join("?" * len(given[0]))
                database.executemany(f"insert into {name} values ({marks})", given)
        key = {"seed": seed, "blinding": secret, "models": list(replies), "comparisons": pairs}
        key["record"] = dict(record or {})
        key["cards"] = cards.astype(object).where(cards.notna(), None).to_dict("records")
        write_atomic(partial / KEY, json.dumps(key, indent=1, ensure_ascii=False) + "\n")
        handed_out = "".join(f"{rater},{code}\n" for rater, code in codes.items())
        write_atomic(partial / CODES, f"rater,code\n{handed_out}")
        for path in partial.iterdir():  # in a folder that its owner alone can enter
            path.chmod(0o600)
        os.rename(partial, folder)
    return Study(folder)


def draw(dialogues: Sequence, items: int | None, seed: int) -> list:
    """The sample, in the order of the dialogues; of one seed a larger one contains a smaller."""
    most = len(dialogues)
    known = items is None or 0 < items <= most
    expect(known, f"{items} items cannot be had of {most} dialogues. Ask for 1 to {most}.")
    return subset(dialogues, items, seed)


def deal(items, drawn, pairs, repeats, checks, rng) -> pd.DataFrame:
    """All cards of a study: pairs, repeats and checks, and on which side each model is.

    Parameters
    ----------
    items, drawn : list of str
        Ids of all questions, and of those to be rated.
    pairs : list of pairs of str
        Models to compare.
    repeats, checks : float
        As for `create`.
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        ``card`` (a random id), ``item, kind, model_a, model_b, a_side, repeat_of``.
    """
    rows = [(item, "pair", a, b) for a, b in pairs for item in drawn]
    cards = pd.DataFrame(rows, columns=["item", "kind", "model_a", "model_b"])
    turns = [np.resize(rng.permutation(["left", "right"]), len(drawn)) for _ in pairs]
    cards["a_side"] = np.concatenate([rng.permutation(turn) for turn in turns])
    again = cards.sample(round(repeats * len(cards)), random_state=rng)
    swapped = again["a_side"].map({"left": "right", "right": "left"})
    again = again.assign(kind="repeat", a_side=swapped, repeat_of=again.index)
    # questions that were not drawn come first; too few are followed by drawn ones
    source = [*rng.permutation(sorted({*items} - {*drawn})), *rng.permutation(drawn)]
    number, models = math.ceil(checks * len(cards)), list(dict.fromkeys(chain(*pairs)))
    shown = np.resize(rng.permutation(models), number)
    check = pd.DataFrame({"item": np.resize(source, number), "model_a": shown, "model_b": shown})
    check = check.assign(kind="check", a_side="left")
    cards = pd.concat([cards, again, check], ignore_index=True)
    names = rng.choice(2**44, len(cards), replace=False)
    cards.insert(0, "card", [f"c{name:011x}" for name in names])  # no spreadsheet's number
    return cards.assign(repeat_of=cards["repeat_of"].map(cards["card"]))


def _order(cards: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """A random order; round a circle, a repeat is a quarter or more from its original."""
    place_of = pd.Series(rng.random(len(cards)), cards["card"])
    again = cards[cards["kind"] == "repeat"].set_index("card")["repeat_of"]
    apart = rng.uniform(0.25, 0.75, len(again))
    place_of[again.index] = (place_of[again].to_numpy() + apart) % 1
    return list(place_of.sort_values().index)


def check(folder, models, comparisons, raters, senior, senior_sees, *shares) -> tuple:
    """What a study is asked to be, refused before anything is asked of a model, or written.

    Parameters
    ----------
    folder, comparisons, raters, senior, senior_sees
        As for `create`.
    models : list of str
    shares : float
        ``repeats`` and ``checks``.

    Returns
    -------
    Path, dict of str to str, list of pairs of str
        The folder, rater ids to roles, and the pairs of models.
    """
    folder = Path(folder).expanduser()
    free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    expect(free, f"{folder} is in use. Name a folder that is empty or does not exist.")
    whole = folder.resolve()
    apart = not whole.is_relative_to(ROOT) or whole.is_relative_to(ROOT / "runs")
    expect(apart, f"{folder} could be committed. Name one under runs/ or outside the clone.")
    ids = [*raters, *([senior] if senior is not None else [])]
    fit = all(re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", x, re.A) for x in ids)
    fit &= len({x.casefold() for x in ids}) == len(ids) and not isinstance(raters, str)
    problem = f"The raters are {raters!r}, the senior {senior!r}; expected one rater or more, each "
    problem += "with an id of letters, digits, hyphens and _, no two alike but for case."
    expect(fit and raters, problem)
    mixed = any("simulat" in x.casefold() for x in ids) and not all(is_simulated([x]) for x in ids)
    expect(not mixed, f"Simulated raters are called {SIMULATED}..., in a study of their own.")
    fit = senior_sees in ("both", "none")
    expect(fit, f"The senior sees {senior_sees!r}; expected both or none.")
    fit = all(0 <= share <= 1 for share in shares)
    expect(fit, f"repeats and checks are {shares}; expected shares from 0 to 1.")
    pairs = list(combinations(models, 2) if comparisons is None else map(tuple, comparisons))
    fit = all(len({*pair}) == 2 and {*pair} <= {*models} for pair in pairs)
    problem = f"The comparisons are {pairs}; expected one or more, each once, of two models among: "
    once = len({*map(frozenset, pairs)}) == len(pairs)
    expect(fit and pairs and once, f"{problem}{', '.join(models)}.")
    return folder, {rater: "senior" if rater == senior else "rater" for rater in ids}, pairs


def _texts(dialogues: Sequence, replies: Mapping) -> tuple[dict, dict[str, str]]:
    """Model to dialogue id to reply, and id to question: all there and none blank."""
    ids = [one.id for one in dialogues]
    expect(len({*ids}) == len(ids), "A dialogue's id comes twice. Each needs one of its own.")
    found = {}
    given = {"": {one.id: one.question for one in dialogues}, **replies}
    for model, texts in given.items():
        found[model] = {item: plain(texts.get(item) or "") for item in ids}
        blank = [item for item in ids if not found[model][item]]
        what = f"reply of {model}" if model else "question"
        expect(not blank, f"{len(blank)} dialogues have no {what}, as {blank[:1]}. Leave them out.")
    return found, found.pop("")


def checked(field: str, value):
    """A field's value as it is kept; what it cannot be is refused.

    Raises
    ------
    StudyError
    """
    value = plain(value) if field == "comment" and isinstance(value, str) else value
    fits = dict.fromkeys(CRITERIA, value in CHOICES)
    fits["difficult"] = isinstance(value, bool)
    fits["comment"] = isinstance(value, str) and len(value) <= LONGEST_COMMENT
    known = f"{', '.join(CRITERIA)}: {', '.join(CHOICES)}; difficult: true, false"
    known += f"; comment: text of up to {LONGEST_COMMENT:,} characters"
    expect(fits.get(field), f"{field!r} cannot be {str(value)[:80]!r}. Known: {known}.")
    return value


def new_code() -> str:
    """A code such as ``3f07-9b2c-e41d-a855``: 64 bits of chance, no letters that look alike."""
    return "-".join(re.findall("....", secrets.token_hex(8)))


def _hash(code: str) -> str:
    """Of a code or a token; case, spaces and hyphens do not matter."""
    given = re.sub(r"[\s-]", "", str(code)[:100]).lower()
    return sha256(given.encode("utf-8", "replace")).hexdigest()
