"""Results in the forms that others read: tables, lm-eval's JSON, Every Eval Ever."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .answers import file_name
from .evaluation import frame, items
from .guard import is_credentialed
from .prompts import build
from .registry import DATASETS, MODELS, known
from .schema import BenchHealthError, Run, canonical, digest, write_atomic

EEE = "0.3.0"  # the version of the schema that is written
FORMS = ("csv", "parquet", "lm-eval", "eee")


def write_results(runs: Sequence[Run], folder: str | Path, form: str = "csv") -> list[Path]:
    """Write runs for others to read; returns the files.

    Parameters
    ----------
    runs : sequence of Run
    folder : path-like
    form : {"csv", "parquet", "lm-eval", "eee"}
        `frame` and `items` as two tables (parquet needs pyarrow); one file as lm-eval writes
        its results; or Every Eval Ever 0.3.0, a file a run, with its items where texts are in
        hand and the set is open. There `is_correct` is a must: a score of exactly 1.
    """
    folder = Path(folder).expanduser()
    known("format", form, FORMS)
    if not runs:
        raise BenchHealthError("Nothing is written: there are no runs.")
    if form == "lm-eval":
        text = json.dumps(_as_lm_eval(runs), indent=1) + "\n"
        return [write_atomic(folder / "results.json", text)]
    if form == "eee":
        return [path for run in runs for path in _write_eee(run, folder)]
    found = []
    for name, table in {"frame": frame(runs), "items": _all_items(runs)}.items():
        path = folder / f"{name}.{form}"
        folder.mkdir(parents=True, exist_ok=True)
        if form == "csv":
            write_atomic(path, table.to_csv(index=False, lineterminator="\n"))
        else:
            try:
                table.to_parquet(path, index=False)
            except ImportError:
                raise BenchHealthError("parquet needs pyarrow: `pip install pyarrow`.") from None
        found.append(path)
    return found


def _all_items(runs: Sequence[Run]):
    """Items of all runs, a run's model and shots before them; sets are written as JSON."""
    import pandas as pd

    parts = []
    for run in runs:
        part = items(run)
        for name in ("reading", "gold"):
            part[name] = [None if x is None else _text(x) for x in part[name]]
        part.insert(0, "model", run.model)
        part.insert(2, "shots", run.signature["shots"])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _text(reading) -> str:
    return reading if isinstance(reading, str) else canonical(reading)


def _as_lm_eval(runs: Sequence[Run]) -> dict:
    """As ``results_*.json`` of lm-eval, where a run is a task; its errors are intervals here."""
    if len({run.model for run in runs}) > 1:
        raise BenchHealthError("A file of lm-eval's form is of one model.")
    whole = {name: {} for name in ("results", "n-shot", "n-samples", "versions", "configs")}
    for run in runs:
        shots, scores = run.signature["shots"], run.scores
        task = f"{run.dataset}_{shots}shot" + ("" if run.complete else "_incomplete")
        if task in whole["results"]:
            raise BenchHealthError(f"Two runs are of {task}; write one at a time.")
        rates = {scores.metric: scores.value, "precision": scores.precision}
        rates |= {"recall": scores.recall, "coverage": scores.coverage}
        rates |= {f"{scores.metric}_interval95": scores.interval, f"{scores.metric}_stderr": "N/A"}
        row = {f"{name},none": value for name, value in rates.items()}
        whole["results"][task] = {"alias": DATASETS[run.dataset].name} | row
        whole["n-shot"][task], whole["versions"][task] = shots, run.signature["prompt_version"]
        counts = {"original": run.signature["data"]["items"], "effective": scores.n}
        whole["n-samples"][task] = counts
        whole["configs"][task] = {"task": task, "metadata": json.loads(canonical(run.signature))}
    return whole | {"config": {"model": run.model}, "benchhealth_utils": __version__}


def _write_eee(run: Run, folder: Path) -> list[Path]:
    spec, backend = MODELS.get(run.model), run.signature["model"].get("backend", "")
    developer, _, name = (spec.checkpoint if spec else "").rpartition("/")
    developer, name = developer or "unknown", name or file_name(run.model)
    about = digest([run.signature, run.scores.value])
    base = str(uuid.UUID(hex=about[:32], version=4))
    place = f"data/benchhealth/{developer}/{name}/{base}"
    places = {"openai": "externally_managed", "anthropic": "externally_managed"}
    details = {"deployment_type": places.get(backend, "self_deployed")}
    details["model_availability"] = "open_weights" if spec and spec.checkpoint else "unknown"
    if run.imported:
        details = dict.fromkeys(details, "unknown")
    now, scores, key = str(int(time.time())), run.scores, run.dataset
    task = f"{key}-{run.signature['shots']}shot"
    data = {name: str(run.signature["data"][name]) for name in ("source", "fingerprint", "items")}
    result = {
        "evaluation_result_id": f"{base}#{task}",
        "evaluation_name": task,
        "source_data": {"dataset_name": DATASETS[key].name, "source_type": "other",
                        "additional_details": data},
        "metric_config": {"metric_name": scores.metric, "lower_is_better": False,
                          "score_type": "continuous", "min_score": 0.0, "max_score": 1.0},
        "score_details": {
            "score": scores.value,
            "details": {name: str(getattr(scores, name))
                        for name in ("precision", "recall", "coverage")},
            "uncertainty": {"num_samples": scores.n, "confidence_interval": {
                "lower": scores.interval[0], "upper": scores.interval[1],
                "confidence_level": 0.95, "method": scores.interval_method}},
        },
        "generation_config": {"additional_details": {"signature": canonical(run.signature)}},
    }  # fmt: skip
    whole = {
        "schema_version": EEE,
        "evaluation_id": f"benchhealth/{developer}_{name}/{now}",
        "retrieved_timestamp": now,
        "source_metadata": {"source_name": "BenchHealth", "source_type": "evaluation_run",
                            "source_organization_name": "unknown",
                            "evaluator_relationship": "third_party"},
        "eval_library": {"name": "benchhealth_utils", "version": __version__},
        "model_info": {"name": run.model, "id": f"{developer}/{name}",
                       "additional_details": details},
        "evaluation_results": [result],
    }  # fmt: skip
    found = [folder / f"{place}.json"]
    if run.examples and not is_credentialed(key):
        lines = [json.dumps(line, ensure_ascii=False) for line in _eee_items(run, whole, result)]
        found.append(write_atomic(folder / f"{place}_samples.jsonl", "\n".join([*lines, ""])))
        whole["detailed_evaluation_results"] = {
            "format": "jsonl", "file_path": f"{place}_samples.jsonl", "total_rows": len(lines)
        }  # fmt: skip
    write_atomic(found[0], json.dumps(whole, indent=1) + "\n")
    return found


def _eee_items(run: Run, whole: dict, result: dict):
    """A line an item; what could not be read has no extracted value."""
    values = items(run)
    for (_, row), asked in zip(values.iterrows(), run.asked, strict=True):
        read = [] if row["reading"] is None else [_text(row["reading"])]
        said = {
            "turn_idx": 0,
            "source": "output.raw",
            "extraction_method": "benchhealth_utils.read",
        }
        yield {
            "schema_version": EEE,
            "evaluation_id": whole["evaluation_id"],
            "model_id": whole["model_info"]["id"],
            "evaluation_name": result["evaluation_name"],
            "evaluation_result_id": result["evaluation_result_id"],
            "sample_id": row["id"],
            "interaction_type": "single_turn",
            "input": {"raw": build(asked)[-1]["content"], "reference": [_text(row["gold"])]},
            "output": {"raw": [row["reply"]]},
            "answer_attribution": [
                said | {"extracted_value": x, "is_terminal": True} for x in read
            ],
            "evaluation": {"score": float(row["value"]), "is_correct": bool(row["value"] == 1)},
            "metadata": {"status": row["status"], "group": row["group"]},
        }
