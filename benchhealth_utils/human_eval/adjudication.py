"""From two opinions to one label: which cards the senior settles, and how.

A card goes to the senior when every rater has judged all its criteria and they
differ on one of them, or one of them marked it as difficult. Then

- a criterion on which all raters agree keeps their verdict (path ``agreed``),
  unless the card was marked as difficult;
- any other takes the senior's verdict (path ``senior``);
- what is not settled yet has no outcome (path ``open``), and is kept.
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


def due(study) -> set[str]:
    """Ids of the cards that ask for the senior by what raters say now."""
    said = [study.ratings(rater).judgements() for rater in study.raters]
    cards = {card.id for senior in study.seniors for card in study.cards_of(senior)}
    nothing = Judgement()
    return {card for card in cards if needs_senior([own.get(card, nothing) for own in said])}


def settle(
    votes: pd.DataFrame, folder: str | Path | None = None, *, key: str | Path | None = None
) -> pd.DataFrame:
    """Final labels of a study.

    Parameters
    ----------
    votes : DataFrame
        Unblinded, as from `unblind`; repeats and checks are left aside.
    folder : path-like, optional
        The study. Then all its raters must have judged an item, and items without any
        vote are in the result as ``open``. Without it raters, items, comparisons and
        criteria are those that the votes name.
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
        raters = set(votes.loc[votes["role"] == "rater", "rater"])
        items = list(pairs[UNIT[:3]].drop_duplicates().itertuples(index=False, name=None))
        criteria = [name for name in CRITERIA if name in set(pairs["criterion"])]
    else:
        raters, items = _expected(folder, key)
        criteria = list(CRITERIA)
    opinions: dict[tuple, dict] = {}
    difficult: dict[tuple, bool] = {}
    for row in by_rater.itertuples(index=False):
        item = (row.item, row.model_a, row.model_b)
        opinions.setdefault((*item, row.criterion), {})[row.rater] = row.outcome
        difficult[item] = difficult.get(item, False) or bool(row.difficult)
    last = {
        (row.item, row.model_a, row.model_b, row.criterion): row.outcome
        for row in by_senior.itertuples(index=False)
    }
    rows = []
    for item in items:
        units = [(*item, criterion) for criterion in criteria]
        done = all(opinions.get(unit, {}).keys() >= raters for unit in units)
        for unit in units:
            said = set(opinions.get(unit, {}).values())
            if done and len(said) == 1 and not difficult[item]:
                rows.append((*unit, said.pop(), "agreed"))
            elif done and unit in last:
                rows.append((*unit, last[unit], "senior"))
            else:
                rows.append((*unit, None, "open"))
    # objects, so that None stays None
    return pd.DataFrame(rows, columns=[*UNIT, "outcome", "path"], dtype=object)


def _expected(folder, key) -> tuple[set[str], list[tuple[str, str, str]]]:
    """Raters, and items with their comparison in the order of the key."""
    from .study import open_study
    from .votes import place

    found = read_key(folder, key)
    places = [place(card, found["comparisons"]) for card in found["cards"].values()]
    items = sorted({(item, a, b) for item, kind, a, b, _ in places if kind == "pair"})
    return set(open_study(folder).raters), items
