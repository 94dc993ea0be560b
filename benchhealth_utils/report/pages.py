"""Tables of the book's reference pages, made from registries and code."""

from __future__ import annotations

import re

import pandas as pd

from .. import inventory as present
from ..datasets import DATASETS, Dataset
from ..models import MODELS, ModelSpec
from ..schema import ROOT, Scores
from ..tasks import TASKS
from .style import points, table, with_interval


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
        for row in present.inventory()
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


def layout():
    """The files of each data set, and where they belong in the data folder."""
    rows = [
        {
            "Key": "" if position else key,
            "File, in the data folder": f"{spec.folder}/{_short(entry['name'])}",
            "Part": _PARTS[entry["role"]],
            "Comes by": _comes_by(spec, entry),
        }
        for key, spec in DATASETS.items()
        for position, entry in enumerate(spec.files)
    ]
    caption = (
        "Files of each data set. By hand: you put it there. <commit>: forty digits, given "
        "in full in data/datasets.yaml."
    )
    return table(pd.DataFrame(rows), caption, "layout")


_PARTS = {
    "test": "test",
    "train": "training",
    "both": "both",
    "optional": "training (optional)",
    "dialogues": "patient questions",
}


def _short(name: str) -> str:
    return re.sub(r"[0-9a-f]{40}", "<commit>", name)


def _comes_by(spec: Dataset, entry) -> str:
    if spec.tier == "credentialed" or "url" not in entry:
        return f"hand: {entry['note']}"
    return "download --optional" if entry["role"] == "optional" else "download"


def table2():
    """The paper's Table 2: what is measured, and how the paper computes it."""
    paper = pd.read_csv(ROOT / "data" / "paper" / "table2.csv", keep_default_na=False)
    rows = [
        {
            "Metric": f"{row.metric.capitalize()} ({row.better} is better)",
            "What it is": row.definition,
            "How the paper computes it": row.computed_as,
            "Tasks": row.tasks,
            "Data sets": len(row.datasets.split()) or "not stated",
        }
        for row in paper.itertuples()
    ]
    caption = "Table 2. The metrics, in our words. Not stated: the paper does not say which."
    return table(pd.DataFrame(rows), caption, "table-2")


def table3():
    """The paper's Table 3, with what the registry knows of each model."""
    paper = pd.read_csv(ROOT / "data" / "paper" / "table3.csv", keep_default_na=False)
    rows = [
        {
            "Model": row.name,
            "Key": row.model,
            "Type, parameters": f"{row.type}, {row.parameters or 'size not published'}",
            "Published as": _published(MODELS[row.model]),
            "Needed today": needed(MODELS[row.model]),
        }
        for row in paper.itertuples()
    ]
    caption = (
        "Table 3. The models of the paper. Assumed: the paper names no checkpoint; of those "
        "that fit its name, this is the likeliest. No checkpoint: there is no fixed place to "
        "fetch it from. Memory is that of the weights at two bytes a parameter."
    )
    return table(pd.DataFrame(rows), caption, "table-3")


_PUBLISHED = {
    "full": "complete weights",
    "adapter": "adapter for {spec.base}",
    "diff": "differences to {spec.base}",
    "legacy": "weights with code of their own",
    "api": "service of {spec.vendor}",
}


def _published(spec: ModelSpec) -> str:
    place = spec.checkpoint or "no checkpoint"
    mark = " (assumed)" if spec.assumed else ""
    return f"{_PUBLISHED[spec.published].format(spec=spec)}: {place}{mark}"


def needed(spec: ModelSpec) -> str:
    """What someone needs today to run a model of the paper.

    >>> needed(MODELS["medalpaca-7b"])
    'its weights, about 14 GB'
    """
    if spec.published == "api":
        return f"cannot be run: retired {spec.retired}; the vendor names {spec.successor}"
    if spec.published == "legacy":
        return "a server with older packages: today's transformers does not run its code"
    size = f", about {2 * int(spec.parameters.removesuffix('B'))} GB"
    if spec.published in ("adapter", "diff"):
        return f"these and the weights of {spec.base}{size}; they are put together here"
    if not spec.checkpoint:
        return f"its weights{size}, from its authors, in a folder"
    return f"its weights{size}" + (", after accepting a licence" if spec.gated else "")


def terms_table():
    """How each model of Table 3 wants to be asked, and on what terms."""
    rows = [
        {
            "Key": spec.key,
            "Chat format": spec.template or "the vendor's",
            "Window (tokens)": f"{spec.context:,}" if spec.context else "not known",
            "Decoding its authors use": spec.decoding or "not stated",
            "Licence": spec.licence or "terms of service",
        }
        for spec in _of_the_paper()
    ]
    caption = "Chat format (a file of data/templates/), window, decoding and licence."
    return table(pd.DataFrame(rows), caption, "model-terms")


def contamination_table():
    """What the models of Table 3 are known to have been trained on that is in the tests."""
    rows = [
        {"Key": spec.key, "Known": spec.contamination}
        for spec in _of_the_paper()
        if spec.contamination
    ]
    caption = "Known overlap of training data and tests. Of the other models nothing is known."
    return table(pd.DataFrame(rows), caption, "contamination")


def price_table():
    """Prices that the registry knows of vendors' models, each with its date."""
    rows = [
        {
            "Key": spec.key,
            "Retired": f"{spec.retired}",
            "Successor": spec.successor,
            "Prompt ($ per million tokens)": f"{spec.price['prompt']:g}",
            "Reply ($ per million tokens)": f"{spec.price['completion']:g}",
            "Listed": spec.price["listed"],
        }
        for spec in _of_the_paper()
        if spec.price
    ]
    caption = "The paper's three services: retired since, named successor, last price seen."
    return table(pd.DataFrame(rows), caption, "prices")


def _of_the_paper() -> list[ModelSpec]:
    paper = pd.read_csv(ROOT / "data" / "paper" / "table3.csv")
    return [MODELS[key] for key in paper["model"]]


def table4():
    """The paper's Table 4, as the code has it."""
    seen: dict[str, dict] = {}
    for key, task in TASKS.items():
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


def rewordings_table():
    """The same instructions in other words, as the rewording ``template`` has them."""
    names: dict[str, list[str]] = {}
    for key, task in TASKS.items():
        names.setdefault(task.reworded, []).append(DATASETS[key].name)
    rows = [
        {"Data sets": ", ".join(each), "Instruction, reworded": reworded}
        for reworded, each in names.items()
    ]
    return table(pd.DataFrame(rows), "The instructions in other words.", "rewordings")


def in_words(scores: Scores, *extra: str) -> str:
    """Scores on a few short lines, for a page that works an example.

    Parameters
    ----------
    scores : Scores
    *extra : str
        Names of further figures in ``scores.extra``: rates are written in
        points, anything else as it is.

    Examples
    --------
    >>> from benchhealth_utils import score
    >>> print(in_words(score("medqa", ["A", "C"], ["A", None]), "chance"))
    accuracy: 50.0 (9.5 to 90.5)
    interval: Wilson
    precision 100.0, recall 50.0, coverage 50.0, n = 2
    chance: 25.0
    """
    rates = ", ".join(
        f"{name} {points(getattr(scores, name))}" for name in ("precision", "recall", "coverage")
    )
    lines = [
        f"{scores.metric}: {with_interval(scores)}",
        f"interval: {scores.interval_method}",
        f"{rates}, n = {scores.n}",
    ]
    for name in extra:
        value = scores.extra[name]
        shown = points(value) if isinstance(value, float) else value
        lines.append(f"{name.replace('_', ' ')}: {shown}")
    return "\n".join(lines)
