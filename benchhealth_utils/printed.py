"""What the paper prints: its tables, as data frames."""

from __future__ import annotations

import pandas as pd

from .datasets import DATASETS
from .schema import DATA, BenchHealthError
from .tasks import TASKS


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
    >>> paper(5).loc["gpt-4", "medqa"]
    83.4
    """
    if table not in range(1, 7):
        raise BenchHealthError(f"The paper has no table {table!r}. It has 1 to 6.")
    if table == 4:
        rows = [(key, spec.name, TASKS[key].instruction) for key, spec in DATASETS.items()]
        return pd.DataFrame(rows, columns=["dataset", "name", "instruction"])
    frame = pd.read_csv(DATA / "paper" / f"table{table}.csv")
    if table == 5:
        order = frame["model"].drop_duplicates()
        wide = frame.pivot(index="model", columns="dataset", values="value")
        return wide.loc[order, [key for key in DATASETS if key in wide]]
    return frame
