"""Work out every published number again: ``python tools/verify.py [audit]``.

Without the official data, each score, rate and interval follows from the published items.
With them (``BENCHHEALTH_DATA``), `majority` is run again, and the published readings of models
are scored against the gold values; `supervised` is not fitted again. ``audit`` reads the
published answers as this version does and lists the numbers that would change. Ends with status 1
where a published number does not come out to twelve digits.

Of a study (``data/studies/``), which asks random subsets, it is also checked with the official
data that its items are those which its seed draws. Its answers stand beside its results.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from publish import is_baseline

import benchhealth_utils as bh
from benchhealth_utils.data import data_root, provenance, subset
from benchhealth_utils.perturb import perturb, restored
from benchhealth_utils.registry import DATASETS
from benchhealth_utils.results import file_of, recorded
from benchhealth_utils.schema import DATA, BenchHealthError, DataError, Reading, Run, Scores
from benchhealth_utils.tasks import TASKS, sufficient

ANSWERS, STUDIES = DATA / "answers", DATA / "studies"
FITTED = "supervised"  # its fit ends elsewhere on another processor, and a few answers differ
MOST_IDS = 9
FIELDS = ("n", "value", "precision", "recall", "coverage", "interval")
CUT = re.compile(r"\[\d+ words of the item\]")


def published_answers(path: Path) -> dict[str, tuple[str, str, Reading | None]]:
    """Answers as `write_answers` wrote them: status, text and reading, by id.

    Raises
    ------
    BenchHealthError
        For a line that is no published answer; where there is no file, there are none.
    """
    found = {}
    if not path.exists():
        return found
    for number, line in enumerate(path.read_text(encoding="utf-8").strip("\n").split("\n"), 1):
        try:
            row = json.loads(line)
            value = row.get("reading", row["text"].strip())
            if isinstance(value, list):
                value = frozenset(tuple(x) if isinstance(x, list) else x for x in value)
            answer = row["status"], row["text"], value
            if found.setdefault(row["id"], answer) is not answer:
                raise ValueError("an id comes twice")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BenchHealthError(f"{path.name}, line {number}: not a published answer.") from None
    return found


def answers_of(run: Run, folder: Path) -> Path:
    """Where a run's answers are, if they are published."""
    return file_of(run, folder).with_suffix(".jsonl")


def published_sums(run: Run) -> np.ndarray:
    """What each item adds to the metric, as published, shape (items, quantities)."""
    return np.ascontiguousarray(run.rows[list(TASKS[run.dataset].metric.columns)].to_numpy(float))


def from_sums(run: Run, sums: np.ndarray) -> Scores:
    """Value, rates and interval of what the items add."""
    read = float((run.rows["status"] == "ok").mean())
    metric, seed = TASKS[run.dataset].metric, run.signature["seed"]
    return metric.of_sums(sums, list(run.rows["group"]), seed, read)


def from_readings(run: Run, items: list, readings: list) -> tuple[Scores, int]:
    """The score of readings against gold, and for how many items it was worked out.

    Of a text that is scored as it stands and was published without some of the item's words,
    the published sums are taken.
    """
    sums = sufficient(run.dataset, [x.gold for x in items], readings)[0]
    cut = np.array([isinstance(r, str) and bool(CUT.search(r)) for r in readings])
    rows = run.rows.set_index("id").index.get_indexer([x.id for x in items])
    sums = np.where(cut[:, None], published_sums(run)[rows], sums)
    return from_sums(run, sums), int((~cut).sum())


def from_data(run: Run, items: list, kept: dict) -> tuple[Scores, int]:
    """As `from_readings`: of a baseline, which is asked again, or of a model's published ones."""
    if is_baseline(run):
        with tempfile.TemporaryDirectory() as store:
            (again,) = bh.evaluate(run.model, run.dataset, store=store, progress=False)
        return again.scores, len(items)
    readings = [kept[x.id][2] if kept[x.id][0] == "ok" else None for x in items]
    return from_readings(run, items, readings)


def official(key: str) -> list | None:
    """The official test items, or None where they are not here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = bh.load(key)
            return items if provenance(key, items)["source"] == "official" else None
    except DataError:
        return None


def asked_of(run: Run, items: list | None) -> list | None:
    """The items of a data set that a run's limit and seed draw."""
    return items and subset(items, run.signature["data"]["limit"], run.signature["seed"])


def differences(run: Run, found: Scores) -> list[str]:
    """What is not equal to twelve digits; processors add up sums in orders of their own."""
    same = partial(np.allclose, rtol=1e-12, atol=0, equal_nan=True)
    pairs = [(name, getattr(run.scores, name), getattr(found, name)) for name in FIELDS]
    return [f"{name} {kept} -> {now}" for name, kept, now in pairs if not same(kept, now)]


def verify(runs: list[Run], folder: Path = ANSWERS) -> pd.DataFrame:
    """A row a result: items worked out from the data and the answers in a folder, what differs."""
    rows, data = [], {key: official(key) for key in {run.dataset for run in runs}}
    for run in runs:
        wrong, again = differences(run, from_sums(run, published_sums(run))), 0
        kept, drawn = published_answers(answers_of(run, folder)), asked_of(run, data[run.dataset])
        ids, groups = list(run.rows["id"]), list(run.rows["group"])
        odd = [] if is_baseline(run) or list(kept) == ids else ["answers"]
        if drawn and [(x.id, x.group) for x in drawn] != list(zip(ids, groups, strict=True)):
            odd += ["items"]
        if drawn and not odd and run.model != FITTED:
            found, again = from_data(run, drawn, kept)
            wrong += differences(run, found)
        wrong += odd
        stem = file_of(run, folder).stem
        rows.append((run.model, stem, run.scores.n, again, "; ".join(wrong) or "equal"))
    names = ["model", "result", "n", "n from data", "outcome"]
    return pd.DataFrame(rows, columns=names)


def audit(runs: list[Run], folder: Path = ANSWERS) -> pd.DataFrame:
    """A row a result with answers in a folder: readings that are others today, and the score."""
    rows, data = [], {key: official(key) for key in {run.dataset for run in runs}}
    for run in runs:
        kept = published_answers(answers_of(run, folder))
        items = asked_of(run, data[run.dataset])
        if not items or list(kept) != [item.id for item in items]:  # verify names what lacks
            continue
        how = run.signature.get("perturbation"), run.signature["seed"]
        changed, readings, cut = [], [], 0
        for item in items:
            status, text, reading = kept[item.id]
            if CUT.search(text):  # words of the item were left out: it cannot be read again
                cut += 1
            else:
                put = perturb(item, *how) if how[0] else item
                now = bh.read(put, text) if status == "ok" else None
                now = restored(now, item, *how) if how[0] else now
                changed += [item.id] if now != (reading if status == "ok" else None) else []
                reading = now
            readings.append(reading if status == "ok" else None)
        now = from_readings(run, items, readings)[0].value
        row = run.model, file_of(run, folder).stem, len(items), cut, len(changed)
        rows.append((*row, run.scores.value, now, " ".join(changed[:MOST_IDS])))
    names = "model result n cut changed published today ids"
    return pd.DataFrame(rows, columns=names.split())


def main(what: str = "verify") -> int:
    """Print the table; returns the exit status."""
    runs, here = bh.published(), [key for key in DATASETS if official(key)]
    print(f"Data: {data_root()} (official: {', '.join(here) or 'none'})")
    if what == "audit":
        if not here:
            print("An audit reads answers beside the official items: set BENCHHEALTH_DATA.")
            return 1
        audits = [audit(recorded(folder), folder) for folder in sorted(STUDIES.glob("*/"))]
        print(pd.concat([audit(runs), *audits], ignore_index=True).to_string(index=False))
        print(
            "changed: answers that this version reads otherwise, the first of them under ids, and\n"
            "the score published and today. cut: answers that are kept without words of their\n"
            "item; these cannot be read again, and count as they did."
        )
        return 0
    of_studies = [verify(recorded(folder), folder) for folder in sorted(STUDIES.glob("*/"))]
    table = pd.concat([verify(runs), *of_studies], ignore_index=True)
    equal = (table["outcome"] == "equal").sum()
    print(table.to_string(index=False))
    for row in table[table["outcome"] != "equal"].to_dict("records"):
        print(f"Differs: {row['model']}, {row['result']}: {row['outcome']}")
    print(f"{len(table)} published results, {equal} equal to twelve digits.")
    return int(equal < len(table))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
