"""Several models on the same random items: ``tools/study.py siblings --limit 60 --to runs/mine``.

Asks the models of a study about a random subset of open test sets, greedily, in float32, and
records the runs in ``data/studies/<study>/``. In the study ``siblings`` they write their answers,
zero-shot; in the others the likeliest label is taken, on the sets that have a few: in ``letters``
zero-shot, in ``exemplars`` of the base after several numbers of exemplars in several draws, in
``orders`` with an exam's options as printed and exchanged.

Subsets of one seed are nested and the same for all models. Every answer is stored as it comes: a
run that was stopped goes on, a larger limit asks only for what is new and takes the place of the
smaller, and several models may be asked at the same time, each by a process of its own. Scores
(``.json``), outcomes (``.csv.gz``) and answers (``.jsonl``) stand side by side; answers without
what they repeat of their items.

``card.csv`` beside the results holds what the answers cost, each counted once: a row for each
model, data set and limit. A few data sets are asked in one call, and its CPU-seconds are shared
out among them by tokens, read ones counting half.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from bench import machine
from filelock import FileLock
from publish import write_answers

from benchhealth_utils import DATA, DATASETS, MODELS, __version__, evaluate, load, open_model
from benchhealth_utils.answers import Store, store_path
from benchhealth_utils.data import provenance
from benchhealth_utils.perturb import applies
from benchhealth_utils.results import file_of, record
from benchhealth_utils.schema import Run, runs_folder, write_atomic
from benchhealth_utils.tasks import TASKS

OPEN = [key for key, spec in DATASETS.items() if spec.tier == "open"]
FAMILY = ["smollm2-135m", *(key for key, spec in MODELS.items() if spec.published == "tuned")]
LABELLED = [key for key in OPEN if TASKS[key].labels]
EXAMS = [key for key in LABELLED if applies("option_order", key)]
LETTERS = {"mode": "likelihood"}
DRAWS = {"shots": [0, 1, 3, 5], "exemplar_seed": [0, 1, 2]}
STUDIES = {
    "siblings": (FAMILY, OPEN, {}),
    "letters": (FAMILY, LABELLED, LETTERS),
    "exemplars": (FAMILY[:1], LABELLED, LETTERS | DRAWS),
    "orders": (FAMILY, EXAMS, LETTERS | {"perturbation": [None, "option_order"]}),
}
KEY, COUNTS = ["model", "dataset", "limit", "seed"], ["asked", "prompt_tokens", "completion_tokens"]
COSTS = ["cpu_seconds", "wall_seconds"]
TOGETHER = 4  # data sets in a call: with few items each, more rows are computed at once


def stored(model: str, keys: Sequence[str]) -> dict:
    """All stored answers of a model, by data set and key."""
    shelves = {key: Store(store_path(model, key)).read() for key in keys}
    return {(key, mark): x for key, shelf in shelves.items() for mark, x in shelf.items()}


def add_to_card(path: Path, rows: pd.DataFrame) -> None:
    """Add costs to those of the same run, if it was stopped before."""
    with FileLock(runs_folder() / "card.lock"):
        if path.exists():
            rows = pd.concat([pd.read_csv(path), rows])
        how = {x: "sum" if x in COUNTS + COSTS else "last" for x in rows if x not in KEY}
        rows = rows.groupby(KEY, sort=False, as_index=False).agg(how).round(dict.fromkeys(COSTS, 1))
        write_atomic(path, rows.to_csv(index=False, lineterminator="\n"))


def keep(run: Run, folder: Path) -> str:
    """Record a run; of those that differ in the number of items alone, the largest stays."""
    write_answers(run, file_of(run, folder).with_suffix(".jsonl"))
    path, sizes = record(run, folder), defaultdict(dict)
    for file in path.parent.glob(f"{run.dataset}-*.json"):
        kept = json.loads(file.read_text(encoding="utf-8"))
        way = re.sub(r"(-[a-z]+-\d+)?(-seed\d+)?$", "", file.stem), kept["signature"]["seed"]
        sizes[way][file] = kept["n"]
    (alike,) = (files for files in sizes.values() if path in files)
    largest = max(alike, key=alike.get)
    for file in set(alike) - {largest}:
        for suffix in (".json", ".csv.gz", ".jsonl"):
            file.with_suffix(suffix).unlink(missing_ok=True)
    return path.name if path == largest else "a larger run is there and stays"


def ask(model, keys: Sequence[str], limit: int, seed: int, how: dict, folder: Path) -> None:
    """Ask about some data sets, write down what it cost, record what came out."""
    before, began = stored(model.name, keys), (time.process_time(), time.monotonic())
    try:
        runs = evaluate(model, keys, limit=limit, seed=seed, **how)
    finally:
        spent = time.process_time() - began[0], time.monotonic() - began[1]
        after, rows = stored(model.name, keys), []
        new = [(key, x.usage) for (key, mark), x in after.items() if (key, mark) not in before]
        for key in dict.fromkeys(key for key, _ in new):
            own = [usage for name, usage in new if name == key]
            tokens = [sum(usage.get(name, 0) for usage in own) for name in COUNTS[1:]]
            rows.append([model.name, key, limit, seed, len(own), *tokens])
        if rows:
            card = pd.DataFrame(rows, columns=KEY + COUNTS)
            weight = card["prompt_tokens"] / 2 + card["completion_tokens"]
            weight = weight / weight.sum() if weight.sum() else 1 / len(card)
            card[COSTS[0]], card[COSTS[1]] = weight * spent[0], weight * spent[1]
            facts = machine() | {"benchhealth_utils": __version__}
            names = "processor cores python torch transformers benchhealth_utils date"
            add_to_card(folder / "card.csv", card.assign(**{x: facts[x] for x in names.split()}))
    for run in runs:
        print(f"{time.strftime('%H:%M:%S')} {run}: {keep(run, folder)}", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    about, *rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog="".join(rest))
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--limit", type=int, required=True, help="items of each set; 0 for all")
    parser.add_argument("--models", nargs="+", help="by default all of the study that are here")
    parser.add_argument("--datasets", nargs="+", choices=OPEN, metavar="KEY", help="of the study")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, help="a folder; by default the published one")
    told = parser.parse_args(argv)
    folder = told.to or DATA / "studies" / told.study
    family, keys, how = STUDIES[told.study]
    keys = [key for key in keys if key in (told.datasets or keys)]
    if not keys:
        raise SystemExit(f"{told.study} asks only: {', '.join(STUDIES[told.study][1])}.")
    other = [k for k in keys if provenance(k, load(k))["source"] != "official"]
    if other:
        problem = f"Not the official data: {', '.join(other)}. Set BENCHHEALTH_DATA."
        if not told.to:
            raise SystemExit(problem)
        print(problem, file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that costs are written down
    folder.mkdir(parents=True, exist_ok=True)
    for name in told.models or family:
        model = open_model(name, dtype="float32")
        for at in range(0, len(keys), TOGETHER):
            ask(model, keys[at : at + TOGETHER], told.limit, told.seed, how, folder)


if __name__ == "__main__":
    main()
