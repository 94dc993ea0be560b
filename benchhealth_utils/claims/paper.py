"""The paper's tables, ready to be asked: groups of models, scores, printed numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isnan, nan
from pathlib import Path

import pandas as pd

from ..report.derived import usefulness_of
from ..schema import ROOT, BenchHealthError
from ..usefulness import generalizability
from .verdicts import one_of

FOLDER = ROOT / "data" / "paper"
Columns = dict[str, dict[str, float]]  # a measure to its values by model, nan where there is none
TABLES = ("table1", "table2", "table3", "table5", "table6", "text_numbers")


def read_tables(folder: Path = FOLDER) -> dict[str, pd.DataFrame]:
    """The CSV files of the paper's numbers, by name."""
    return {name: pd.read_csv(folder / f"{name}.csv", dtype={"section": str}) for name in TABLES}


class Paper:
    """What the paper printed, with what follows from it.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As `read_tables` gives them.
    groups : mapping of str to mapping
        A name to what its models have in Table 3, or in ``rated``, which says
        whether a model is in Table 6; an empty mapping is all.
    missing : mapping of str to str
        What was not published, and why that matters.

    Attributes
    ----------
    cells : dict of dict
        A measure to its values by model, in points: Table 5, robustness, and
        the columns of Table 6 as ``human <criterion> against <opponent>``.
    """

    def __init__(self, tables, groups: Mapping = (), missing: Mapping = ()):
        self.tables, self.groups, self.missing = dict(tables), dict(groups), dict(missing)
        self.datasets = tables["table1"].set_index("dataset")
        self.metrics = tables["table2"].set_index("metric")
        self.models = tables["table3"].set_index("model")
        rated = self.models.index.isin(tables["table6"]["model"])
        self.models["rated"] = ["yes" if each else "no" for each in rated]
        self.numbers = tables["text_numbers"].set_index("quote")
        self.scored = list(dict.fromkeys(tables["table5"]["model"]))
        scores = tables["table5"].pivot(index="model", columns="dataset", values="value")
        rates = tables["table6"]
        rates = rates.assign(
            column="human " + rates["criterion"] + " against " + rates["opponent"]
        ).pivot(index="model", columns="column", values="win_tie")
        scores = scores[list(self.datasets.index)].join(rates)
        enter = self.metrics.loc["robustness", "datasets"].split()
        spread = usefulness_of(scores[enter])["robustness"]
        self.cells: Columns = scores.assign(robustness=spread).to_dict()

    def models_of(self, names: str | list[str]) -> list[str]:
        """Keys of the models of groups, or of those named, each once."""
        found: list[str] = []
        for name in [names] if isinstance(names, str) else names:
            if name in self.scored:
                found.append(name)
                continue
            one_of("models", name, [*self.groups, *self.scored])
            rows = self.models
            for column, wanted in self.groups[name].items():
                one_of("column of Table 3", column, rows.columns)
                rows = rows[rows[column] == wanted]
            if rows.empty:
                raise BenchHealthError(f"The group '{name}' has no model in Table 3.")
            found += list(rows.index)
        return list(dict.fromkeys(found))

    def columns_of(self, measures: str | list[str]) -> list[str]:
        """Measures: data sets, tasks, scenarios, human criteria, robustness, ..."""
        found: list[str] = []
        for name in [measures] if isinstance(measures, str) else measures:
            rows = self.datasets
            if name in self.cells or name == "generalizability":
                found.append(name)
            elif rated := [key for key in self.cells if key.startswith(f"{name} against ")]:
                found += rated
            elif name == "all" or name in {*rows["task"], *rows["scenario"]}:
                chosen = (rows["task"] == name) | (rows["scenario"] == name) | (name == "all")
                found += list(rows.index[chosen])
            else:
                plain = [key.split(" against ")[0] for key in self.cells]
                known = ["all", *rows["scenario"], *rows["task"], *plain, "generalizability"]
                one_of("measures", name, dict.fromkeys(known))
        return list(dict.fromkeys(found))

    def table(self, measures, models: list[str], over: str = "data set") -> Columns:
        """Values of models on measures, or their means over a task or a scenario.

        A mean, and so generalizability, is over the data sets for which all of
        these models have a value; its name says what it goes without.
        """
        one_of("over", over, ("data set", "task", "scenario"))
        columns, found = self.columns_of(measures), {}
        if over != "data set":
            for part, members in self.datasets.loc[columns].groupby(over, sort=False):
                found |= self._mean(f"mean of {part}", models, members.index)
            return found
        for column in columns:
            if column == "generalizability":
                found |= self._mean(column, models, self.datasets.index)
            else:
                found[column] = {model: self.cells[column].get(model, nan) for model in models}
        return found

    def _mean(self, name: str, models: list[str], columns) -> Columns:
        rows = {key: [self.cells[key][model] for model in models] for key in columns}
        known = {column: row for column, row in rows.items() if not any(map(isnan, row))}
        if lacking := [column for column in rows if column not in known]:
            name += f" without {', '.join(self.datasets.loc[lacking, 'name'])}"
        means = generalizability(known) if known else [nan] * len(models)
        return {name: dict(zip(models, means, strict=True))}

    def lower_is_better(self, column: str) -> bool:
        return column in self.metrics.index and self.metrics.loc[column, "better"] == "lower"

    def accuracy_items(self, column: str) -> int:
        """Items of a data set whose metric is accuracy; an error for any other."""
        accuracies = self.datasets[self.datasets["metric"] == "Accuracy"]
        return int(accuracies.loc[one_of("accuracy of", column, accuracies.index), "size"])

    def size(self, model: str) -> float:
        """Stated parameters in billions; NaN where none are stated."""
        stated = self.models["parameters"].get(model)
        return nan if pd.isna(stated) else float(stated.removesuffix("B"))

    def family(self, model: str) -> str:
        """The name of a model without its size."""
        return re.sub(r"-\d+B$", "", self.name(model))

    def name(self, model: str) -> str:
        return self.models["name"].get(model, "task-specific")

    def label(self, column: str) -> str:
        """How a measure is called in a sentence."""
        if " against " in column:
            criterion, opponent = column.split(" against ")
            return f"{criterion} against {self.name(opponent)}"
        return self.datasets["name"].get(column, column)

    def number(self, quote: str) -> pd.Series:
        """A number of the running text, by its id."""
        return self.numbers.loc[one_of("numbers", quote, self.numbers.index)]

    def look_up(self, where: str) -> float:
        """The number to which a ``where`` of text_numbers.csv points.

        The forms are described in ``data/paper/README.md``.
        """
        kind, *path = where.split(":")
        one_of("where", kind, ("table5", "table3", "count", "min", "max", "sd_sum"))
        if kind == "table5":
            model, dataset = path
            return float(self.cells[dataset][model])
        if kind == "table3":
            return self.size(path[0])
        if kind == "sd_sum":
            return round(self.cells["robustness"][path[1]], 1)
        if kind == "count":
            table, column, *conditions = path
            rows = self.tables[table]
            for condition in conditions:
                key, wanted = condition.split("=")
                rows = rows[rows[key] == wanted]
            return float(rows[column].nunique())
        table, column = path
        sizes = {model: self.size(model) for model in self.models.index}
        values = self.cells[column] if table == "table5" else sizes
        known = [values[m] for m in self.models.index if not isnan(values[m])]
        return min(known) if kind == "min" else max(known)
