"""Results in and out: one JSON file a run, and the paper's own scores.

A result goes to ``data/results/`` only if it is of the full official data;
anything else goes to ``runs/results/``.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..answers import file_name
from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..schema import ROOT, BenchHealthError, runs_folder, shown


def result(evaluation: Evaluation) -> dict:
    """A run's scores, counts and signature, as they are recorded."""
    row = dataclasses.asdict(evaluation.scores)
    row["extra"] = dict(sorted(row["extra"].items()))
    return {
        "model": evaluation.model,
        "dataset": evaluation.dataset,
        **row,
        "statuses": evaluation.counts,
        "complete": evaluation.complete,
        "official": evaluation.official,
        "tokens": tokens(evaluation),
        **dollars(evaluation),
        "signature": evaluation.signature,
    }


def tokens(evaluation: Evaluation) -> dict[str, int | None]:
    """Tokens over all items: in prompts, in completions, cut off documents.

    None where the backend counts none. A prompt that did not fit was not sent
    and adds nothing; equal prompts were sent once and count once.
    """
    found = {}
    for name in ("prompt", "completion", "cut"):
        each = [usage.get(f"{name}_tokens") for usage in _usages(evaluation)]
        counted = [count for count in each if count is not None]
        found[name] = sum(counted) if counted else None
    return found


def dollars(evaluation: Evaluation) -> dict[str, float]:
    """What the answers have cost, in all their attempts; empty where nothing has a price.

    An answer carries what it cost when it was asked for, so that a run from
    stored answers has the cost of those.
    """
    each = [usage.get("dollars") for usage in _usages(evaluation)]
    priced = [cost for cost in each if cost is not None]
    return {"dollars": round(sum(priced), 6)} if priced else {}


def _usages(evaluation: Evaluation) -> list[Mapping]:
    """What was used for each answer, once where items share it."""
    answers = enumerate(evaluation.answers)
    return list({answer.key or at: answer.usage for at, answer in answers}.values())


def record(evaluation: Evaluation, folder: Path | None = None) -> Path:
    """Write a run's result; returns the file.

    A run on samples, on a subset, or with errors in it goes to
    ``runs/results/``, with its data, size and seed in its name, so that
    ``data/results/`` holds only results of the full official data. In both, runs
    that differ in the draw of their exemplars or of their rewording have names of
    their own: ``-exemplars<seed>``, ``-<kind>-seed<seed>``.
    """
    row = result(evaluation)
    signature = row["signature"]
    name = f"{row['dataset']}-{signature['shots']}shot-{signature['mode']}"
    if signature["shots"]:
        name += f"-exemplars{signature['exemplar_seed']}"
    if signature.get("rewording"):
        name += f"-{signature['rewording']}"
    publishable = row["official"] and row["complete"]
    if not publishable:
        name += f"-{signature['data']['source']}-{row['n']}"
    if not publishable or signature.get("rewording"):
        name += f"-seed{signature['seed']}"
    if folder is None:
        folder = (ROOT / "data" if publishable else runs_folder()) / "results"
    path = folder / file_name(row["model"]) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(_as_text(row), encoding="utf-8")
    scratch.replace(path)
    return path


def _as_text(row: dict) -> str:
    """JSON, indented, but with a list of numbers on one line."""
    text = json.dumps(row, indent=1, sort_keys=True) + "\n"
    return re.sub(r"\[[\d\s,.e+-]+\]", lambda found: " ".join(found[0].split()), text)


def record_all(evaluations: Sequence[Evaluation]) -> None:
    """Record each run, publish its score, and say where it went.

    Published are ``<model>.<data set>.value``, ``coverage``, ``low`` and ``high``
    (of the interval), ``n`` and ``official`` (1 if of the full official data and without
    errors, else 0). Behind the data set stands the
    rewording, if there is one.
    """
    for run in evaluations:
        cost = dollars(run).get("dollars")
        print(shown(record(run)), *([f"({cost:.4f} dollars)"] if cost is not None else []))
        low, high = run.scores.interval
        facts = {
            "value": run.scores.value,
            "coverage": run.scores.coverage,
            "low": low,
            "high": high,
            "n": run.scores.n,
            "official": int(run.official and run.complete),
        }
        whose = [run.model, run.dataset, run.signature.get("rewording")]
        for name, value in facts.items():
            publish(".".join(filter(None, [*whose, name])), value)


def publish(name: str, value) -> None:
    """Record a value in the notebook, for other pages and for tests.

    The output carries the MIME prefix that both myst-nb's ``glue`` and code
    that opens the executed notebook understand; nothing is shown.
    """
    from IPython.display import display

    prefix = "application/papermill.record/"
    if not isinstance(value, (str, int, float)):
        raise BenchHealthError(f"publish takes a number or a text, not {type(value).__name__}.")
    text = value if isinstance(value, str) else repr(value)
    display(
        {f"{prefix}text/plain": text},
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": prefix}},
    )


def paper_scores() -> pd.DataFrame:
    """The paper's Table 5: a row a model, a column a data set, in points."""
    path = ROOT / "data" / "paper" / "table5.csv"
    wide = pd.read_csv(path).pivot(index="model", columns="dataset", values="value")
    return wide[[key for key in DATASETS if key in wide]]
