"""From two opinions to one label: which cards the senior settles, and how.

A card goes to the senior when every rater is done with it, and they differ on a
criterion or one of them marked it as difficult. A rater is done who has judged all
criteria or marked the card as difficult. Then

- a criterion on which all raters agree keeps their verdict (path ``agreed``),
  unless the card was marked as difficult;
- any other takes the senior's verdict (path ``senior``);
- what is not settled yet has no outcome (path ``open``), and is kept.

What the raters had said when the senior first judged such a card holds: a later
change of theirs is kept in their files and does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .criteria import CRITERIA
from .key import read_key
from .ratings import Judgement

if TYPE_CHECKING:
    import pandas as pd

PATHS = ("agreed", "senior", "open")
UNIT = ["item", "model_a", "model_b", "criterion"]


def needs_senior(judgements: Sequence[Judgement]) -> bool:
    """Whether these opinions, one a rater, ask for another.

    >>> same = dict.fromkeys(CRITERIA, "left")
    >>> needs_senior([Judgement(same), Judgement(same)])
    False
    >>> needs_senior([Judgement(same), Judgement({**same, "robustness": "tie"})])
    True
    """
    if not judgements or not all(item.complete for item in judgements):
        return False
    differ = any(dict(item.choices) != dict(judgements[0].choices) for item in judgements)
    return differ or any(item.difficult for item in judgements)


def standing(study) -> dict[str, dict[str, Judgement]]:
    """The judgements that count, rater to card to judgement, the senior's last."""
    people = (*study.raters, *study.seniors)
    files = {rater: study.ratings(rater) for rater in people}
    said = {rater: file.judgements() for rater, file in files.items()}
    for senior in study.seniors:
        for card in said[senior]:
            for rater, held in _held(study, card, files, senior).items():
                said[rater][card] = held
    return said


def held(study, card: str) -> tuple[Judgement, ...]:
    """The raters' judgements of one card that count, in the order of the raters."""
    files = {rater: study.ratings(rater) for rater in (*study.raters, *study.seniors)}
    now = {rater: files[rater].judgement(card) for rater in study.raters}
    for senior in study.seniors:
        now |= _held(study, card, files, senior)
    return tuple(now.values())


def _held(study, card: str, files: dict, senior: str) -> dict[str, Judgement]:
    """What the raters had said when the senior settled the card; empty if that was never."""
    for at in files[senior].verdicts_at(card):
        then = {rater: files[rater].judgement(card, at) for rater in study.raters}
        if needs_senior(list(then.values())):
            return then
    return {}


def due(study) -> set[str]:
    """Ids of the cards that ask for the senior, by the judgements that count."""
    said = standing(study)
    own = [said[rater] for rater in study.raters]
    cards = {card.id for senior in study.seniors for card in study.cards_of(senior)}
    return {card for card in cards if needs_senior([one.get(card, Judgement()) for one in own])}


def settle(
    votes: pd.DataFrame, folder: str | Path | None = None, *, key: str | Path | None = None
) -> pd.DataFrame:
    """Final labels of a study.

    Parameters
    ----------
    votes : DataFrame
        Unblinded, as from `unblind`; repeats and checks are left aside.
    folder : path-like, optional
        The study. Then all its raters must be done with an item, and items without any
        vote are in the result as ``open``. Without it raters, items, comparisons and
        criteria are those that the votes name, and a card that was marked as difficult
        and not judged at all is not known to be.
    key : path-like, optional
        The key file, if it is kept elsewhere.

    Returns
    -------
    DataFrame
        A row an item, comparison and criterion: ``item``, ``model_a``, ``model_b``,
        ``criterion``, ``outcome`` (``a``, ``tie``, ``b``, or None if open) and ``path``
        (``agreed``, ``senior``, ``open``).
    """
    import pandas as pd

    pairs = votes[votes["kind"] == "pair"]
    by_rater, by_senior = (pairs[pairs["role"] == role] for role in ("rater", "senior"))
    if folder is None:
        raters, marked = set(votes.loc[votes["role"] == "rater", "rater"]), {}
        items = list(pairs[UNIT[:3]].drop_duplicates().itertuples(index=False, name=None))
        criteria = [name for name in CRITERIA if name in set(pairs["criterion"])]
    else:
        raters, items, marked = _expected(folder, key)
        criteria = list(CRITERIA)
    opinions: dict[tuple, dict] = {}
    for row in by_rater.itertuples(index=False):
        item = (row.item, row.model_a, row.model_b)
        opinions.setdefault((*item, row.criterion), {})[row.rater] = row.outcome
        if row.difficult:
            marked.setdefault(item, set()).add(row.rater)
    last = {
        (row.item, row.model_a, row.model_b, row.criterion): row.outcome
        for row in by_senior.itertuples(index=False)
    }
    rows = []
    for item in items:
        units = [(*item, criterion) for criterion in criteria]
        difficult = marked.get(item, set())
        done = all(opinions.get(unit, {}).keys() | difficult >= raters for unit in units)
        for unit in units:
            said = set(opinions.get(unit, {}).values())
            if done and len(said) == 1 and not difficult:
                rows.append((*unit, said.pop(), "agreed"))
            elif done and unit in last:
                rows.append((*unit, last[unit], "senior"))
            else:
                rows.append((*unit, None, "open"))
    # objects, so that None stays None
    return pd.DataFrame(rows, columns=[*UNIT, "outcome", "path"], dtype=object)


def _expected(folder, key) -> tuple[set[str], list[tuple], dict[tuple, set[str]]]:
    """Raters; items by comparison as the key has them; who found which difficult."""
    from .study import open_study
    from .votes import place

    found = read_key(folder, key)
    units = {}
    for name, card in found["cards"].items():
        item, kind, a, b, _ = place(card, found["comparisons"])
        if kind == "pair":
            units[name] = (item, a, b)
    study = open_study(folder)
    said = standing(study)
    marked: dict[tuple, set[str]] = {}
    for rater in study.raters:
        for card, judged in said[rater].items():
            if judged.difficult and card in units:
                marked.setdefault(units[card], set()).add(rater)
    pairs = [tuple(pair) for pair in found["comparisons"]]
    items = sorted(units.values(), key=lambda unit: (pairs.index(unit[1:]), unit[0]))
    return set(study.raters), items, marked
