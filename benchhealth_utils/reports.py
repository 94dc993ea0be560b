"""Results in the forms that others read: tables, lm-eval's JSON, Every Eval Ever."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import __version__
from .answers import file_name
from .evaluation import frame, items
from .guard import is_credentialed
from .models.base import needed
from .prompts import build
from .registry import DATASETS, MODELS, REMOTE, known
from .schema import BenchHealthError, Run, canonical, digest, write_atomic

EEE = "0.3.0"  # the version of the schema that is written
FORMS, RATES = ("csv", "parquet", "lm-eval", "eee"), ("precision", "recall", "coverage")


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
        if form == "csv":
            data = table.to_csv(index=False, lineterminator="\n")
        else:
            needed("pyarrow", form, "`pip install -e '.[logs]'`")
            data = table.to_parquet(index=False)
        found.append(write_atomic(folder / f"{name}.{form}", data))
    return found


def _all_items(runs: Sequence[Run]) -> pd.DataFrame:
    """Items of all runs, a run's model and shots before them; sets are written as JSON."""
    parts = [items(run).assign(model=run.model, shots=run.signature["shots"]) for run in runs]
    whole, first = pd.concat(parts, ignore_index=True), ["model", "dataset", "shots"]
    for name in ("reading", "gold"):
        whole[name] = whole[name].map(_text, na_action="ignore")
    return whole[[*first, *whole.columns.drop(first)]]


def _text(reading) -> str:
    return reading if isinstance(reading, str) else canonical(reading)


def _as_lm_eval(runs: Sequence[Run]) -> dict:
    """As ``results_*.json`` of lm-eval, where a run is a task; its errors are intervals here."""
    if len({run.model for run in runs}) > 1:
        raise BenchHealthError("A file of lm-eval's form is of one model.")
    tasks = {}
    for run in runs:
        shots, scores = run.signature["shots"], run.scores
        task = f"{run.dataset}_{shots}shot" + ("" if run.complete else "_incomplete")
        if task in tasks:
            raise BenchHealthError(f"Two runs are of {task}; write one at a time.")
        rates = {scores.metric: scores.value} | {name: getattr(scores, name) for name in RATES}
        rates |= {f"{scores.metric}_interval95": scores.interval, f"{scores.metric}_stderr": "N/A"}
        row = {f"{name},none": value for name, value in rates.items()}
        tasks[task] = {
            "results": {"alias": DATASETS[run.dataset].name} | row,
            "n-shot": shots,
            "n-samples": {"original": run.signature["data"]["items"], "effective": scores.n},
            "versions": run.signature["prompt_version"],
            "configs": {"task": task, "metadata": json.loads(canonical(run.signature))},
        }
    whole = pd.DataFrame(tasks, dtype=object).T.to_dict()  # by part, then by task
    return whole | {"config": {"model": run.model}, "benchhealth_utils": __version__}


def _write_eee(run: Run, folder: Path) -> list[Path]:
    checkpoint = MODELS[run.model].checkpoint if run.model in MODELS else ""
    developer, _, name = checkpoint.rpartition("/")
    developer, name = developer or "unknown", name or file_name(run.model)
    base = str(uuid.UUID(hex=digest([run.signature, run.scores.value])[:32], version=4))
    place = f"data/benchhealth/{developer}/{name}/{base}"
    away = run.signature["model"].get("backend") in REMOTE
    details = {"deployment_type": "externally_managed" if away else "self_deployed"}
    details["model_availability"] = "open_weights" if checkpoint else "unknown"
    details = dict.fromkeys(details, "unknown") if run.imported else details
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
            "details": {name: str(getattr(scores, name)) for name in RATES},
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
        lines = [json.dumps(x, ensure_ascii=False) + "\n" for x in _eee_items(run, whole, result)]
        found.append(write_atomic(folder / f"{place}_samples.jsonl", "".join(lines)))
        about = {"format": "jsonl", "file_path": f"{place}_samples.jsonl"}
        whole["detailed_evaluation_results"] = about | {"total_rows": len(lines)}
    write_atomic(found[0], json.dumps(whole, indent=1) + "\n")
    return found


def _eee_items(run: Run, whole: dict, result: dict):
    """A line an item; what could not be read has no extracted value."""
    same = {name: whole[name] for name in ("schema_version", "evaluation_id")}
    same |= {name: result[name] for name in ("evaluation_name", "evaluation_result_id")}
    same |= {"model_id": whole["model_info"]["id"], "interaction_type": "single_turn"}
    said = {"turn_idx": 0, "source": "output.raw", "is_terminal": True}
    said |= {"extraction_method": "benchhealth_utils.read"}
    for row, asked in zip(items(run).to_dict("records"), run.asked, strict=True):
        read = [] if row["reading"] is None else [_text(row["reading"])]
        yield same | {
            "sample_id": row["id"],
            "input": {"raw": build(asked)[-1]["content"], "reference": [_text(row["gold"])]},
            "output": {"raw": [row["reply"]]},
            "answer_attribution": [said | {"extracted_value": x} for x in read],
            "evaluation": {"score": float(row["value"]), "is_correct": bool(row["value"] == 1)},
            "metadata": {"status": row["status"], "group": row["group"]},
        }
