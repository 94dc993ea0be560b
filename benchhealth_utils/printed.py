"""What the paper prints, and what follows from it: data frames."""

from __future__ import annotations

import pandas as pd

from .registry import DATASETS, SCENARIOS
from .schema import DATA, BenchHealthError
from .tasks import TASKS
from .usefulness import SPREAD_TASKS, generalizability, robustness


def paper(table: int) -> pd.DataFrame:
    """A table of the paper.

    Parameters
    ----------
    table : {1, 2, 3, 4, 5, 6}

    Returns
    -------
    DataFrame
        1 data sets, 2 metrics, 3 models, 4 instructions, one row each; 5 scores in points, a
        row a model (and ``sota``, the best task-specific models), a column a data set, NaN
        where nothing is printed; 6 win+tie rates of the human evaluation in per cent, a row a
        model, criterion and opponent.

    References
    ----------
    Liu et al. arXiv:2405.00716v1.

    Examples
    --------
    >>> float(paper(5).loc["gpt-4", "medqa"])
    81.2
    """
    if isinstance(table, bool) or table not in range(1, 7):
        raise BenchHealthError(f"The paper has no table {table!r}. It has 1 to 6.")
    if table == 4:
        rows = [(key, spec.name, TASKS[key].instruction) for key, spec in DATASETS.items()]
        return pd.DataFrame(rows, columns=["dataset", "name", "instruction"])
    frame = pd.read_csv(DATA / "paper" / f"table{table}.csv")
    if table == 5:
        wide = frame.pivot(index="model", columns="dataset", values="value")
        return wide.loc[frame["model"].unique(), [key for key in DATASETS if key in wide]]
    return frame


def derived(scores: pd.DataFrame | None = None) -> pd.DataFrame:
    """What follows from Table 5 for each of the paper's sixteen models, in points.

    Parameters
    ----------
    scores : DataFrame, optional
        Models by data sets, in points; by default ``paper(5)``.

    Returns
    -------
    DataFrame
        A row a model, in Table 3's order. Columns: name, type, commercial; reasoning,
        generation, understanding (means over the scenario's data sets); figure_1_generation
        (without MIMIC-III: with it in place of the second they are the zero-shot bars of
        Figure 1); generalizability (higher is better), robustness (lower is better), and n,
        the data sets in the mean. A missing score is left out of its means; robustness is
        NaN if one that enters is missing.
    """
    models = paper(3).set_index("model")
    scores = (paper(5) if scores is None else scores).reindex(models.index)
    found = models[["name", "type", "commercial"]].copy()
    for scenario in SCENARIOS:
        own = [key for key in scores if DATASETS[key].scenario == scenario]
        found[scenario] = scores[own].mean(axis=1)
    found["figure_1_generation"] = scores[["mimic_cxr", "iu_xray"]].mean(axis=1)
    known = [row.dropna().to_dict() for _, row in scores.iterrows()]
    found["generalizability"] = [generalizability(row) for row in known]
    enter = [key for key in scores if DATASETS[key].task in SPREAD_TASKS]
    found["robustness"] = robustness({key: scores[key].to_numpy() for key in enter})
    found["n"] = scores.notna().sum(axis=1)
    return found
