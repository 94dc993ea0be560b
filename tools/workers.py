"""What two workers on two cores gain: ``python tools/workers.py``.

The same items of one data set asked by one process with one thread, by one with two, and by two
workers of Ray with one thread each, from nothing to the last stored answer. CPU-seconds are those
of all processes, Ray's own included. Written to ``data/bench/workers.csv``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import MODEL, ROOT, machine, write

WAYS = ("one process", "one process, two threads", "two workers")
WORKS = [("medmcqa", "likelihood", 240)]


def asked(way: str, key: str, mode: str, limit: int) -> dict:
    """Ask in this process; seconds and answers."""
    import psutil

    from benchhealth_utils import evaluate, open_model
    from benchhealth_utils.cluster import on_ray

    def cpu():
        """Of all processes that this one has started, and of itself."""
        own = psutil.Process()
        each = [process.cpu_times() for process in (own, *own.children(recursive=True))]
        return sum(times.user + times.system for times in each)

    began, found = time.perf_counter(), {}
    if way == "two workers":
        import ray

        stop = ray.shutdown
        ray.shutdown = lambda: (found.setdefault("cpu", cpu()), stop())
        answers = int(on_ray(MODEL, [key], workers=2, mode=mode, limit=limit)["answers"].item())
    else:
        import torch

        torch.set_num_threads(2 if "two" in way else 1)
        (run,) = evaluate(open_model(MODEL), key, mode=mode, limit=limit, progress=False)
        answers = len(run.answers)
    wall = time.perf_counter() - began
    return {"answers": answers, "cpu": found.get("cpu") or cpu(), "wall": wall}


def measured(way: str, key: str, mode: str, limit: int) -> tuple[dict, list[str]]:
    """What one way took, in a process of its own, and the lines that it has stored."""
    told = [sys.executable, __file__, "--way", way, "--work", key, mode, str(limit)]
    with tempfile.TemporaryDirectory() as runs:
        own = {"BENCHHEALTH_RUNS": runs, "BENCHHEALTH_DTYPE": "float32", "PYTHONPATH": str(ROOT)}
        own["OMP_NUM_THREADS"] = "2" if "threads" in way else "1"
        own["RAY_worker_niceness"] = "0"  # else they wait for whatever else runs here
        said = subprocess.run(told, env={**os.environ, **own}, capture_output=True, text=True)
        if said.returncode:
            raise SystemExit(said.stderr)
        (store,) = Path(runs).glob(f"answers/*/{key}.jsonl")
        lines = sorted(store.read_text(encoding="utf-8").splitlines())
    return json.loads(said.stdout.splitlines()[-1]), lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.way:
        key, mode, limit = stated.work
        print(json.dumps(asked(stated.way, key, mode, int(limit))))
        return
    facts = {name: machine()[name] for name in ("date", "load")}
    for key, mode, limit in WORKS:
        rows, first = [], None
        for way in WAYS:
            took, lines = measured(way, key, mode, limit)
            first = first or lines
            same = len({*lines} & {*first})
            row = {"dataset": key, "mode": mode, "n": limit, "way": way, **took, "same": same}
            print(row, flush=True)
            rows.append({**row, **facts})
        write("workers.csv", "dataset mode way", rows)


if __name__ == "__main__":
    main()
