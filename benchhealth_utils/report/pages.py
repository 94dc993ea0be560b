"""Tables of the book's reference pages, made from registries and code."""

from __future__ import annotations

import pandas as pd

from .. import datasets
from ..datasets import DATASETS
from ..prompts import PROMPTS
from ..schema import ROOT
from .style import table


def table1():
    """The paper's Table 1, with the registry's tier and licence."""
    paper = pd.read_csv(ROOT / "data" / "paper" / "table1.csv").set_index("dataset")
    rows = [
        {
            "Scenario": spec.scenario,
            "Task": spec.task,
            "Data set": spec.name,
            "Domain": paper.loc[key, "domain"],
            "Size": f"{paper.loc[key, 'size']:,}",
            "Metric": spec.metric,
            "Access": spec.tier,
            "Licence": spec.licence,
        }
        for key, spec in DATASETS.items()
    ]
    return table(pd.DataFrame(rows), "Table 1. The data sets of the benchmark.", "table-1")


def inventory():
    """What is in the data folder this page was built with."""
    rows = [
        {
            "Data set": DATASETS[row["key"]].name,
            "Test items here": row["items"] if row["items"] is not None else "none",
            "Paper": f"{row['table 1']:,}",
            "Training items here": row["train"] if row["train"] is not None else "none",
            "Source": row["source"] or "not present",
        }
        for row in datasets.inventory()
    ]
    return table(pd.DataFrame(rows), "Data found when this page was built.", "inventory")


def splits():
    """How the test part of each data set is formed."""
    rows = [{"Data set": spec.name, "Split": spec.split} for spec in DATASETS.values()]
    return table(pd.DataFrame(rows), "Test and training parts.", "splits")


def notes():
    """What the registry says where the paper and the data disagree."""
    rows = [{"Data set": spec.name, "Note": spec.note} for spec in DATASETS.values() if spec.note]
    return table(pd.DataFrame(rows), "Disagreements, and what was decided.", "notes")


def table4():
    """The paper's Table 4, as the code has it."""
    seen: dict[str, dict] = {}
    for key, task in PROMPTS.items():
        row = seen.setdefault(
            task.instruction,
            {
                "Data sets": [],
                "Instruction": task.instruction,
                "Version": task.version,
                "Reply limit (tokens)": task.max_tokens,
            },
        )
        row["Data sets"].append(DATASETS[key].name)
    rows = [{**row, "Data sets": ", ".join(row["Data sets"])} for row in seen.values()]
    return table(pd.DataFrame(rows), "Table 4. The prompts.", "table-4")
