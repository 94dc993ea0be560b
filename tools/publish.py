"""Keep a model's results under ``data/``: ``python tools/publish.py MODEL KEY...``.

Asks the model zero-shot about open data sets, whole and official, records scores and items in
``data/results/``, and keeps its answers in ``data/answers/``, for ``make verify`` to work out
again. Words that repeat the item, eight or more in a row, are left out of them: they are the
data set's. A baseline's answers are not kept, since they are made of the data's own words.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from benchhealth_utils import DATA, DATASETS, MODELS, evaluate, load, open_model
from benchhealth_utils.answers import naming
from benchhealth_utils.data import data_root, how_to_get, provenance
from benchhealth_utils.registry import dataset
from benchhealth_utils.results import file_of, one_run, record, texts
from benchhealth_utils.schema import BenchHealthError, Example, Run, write_atomic

ECHO = 8  # words in a row that the item has, too


def publish(model: str, keys: Sequence[str], budget: float | None = None) -> None:
    """Record zero-shot runs on the official data, and keep their answers."""
    root = data_root()
    for key in keys:
        if dataset(key).tier != "open":
            raise BenchHealthError(f"{key} is credentialed: its answers are never published.")
        if provenance(key, load(key, root=root), root)["source"] != "official":
            what = "only runs of the official data are published, and these are not."
            raise BenchHealthError(f"{key}: {what} {how_to_get(dataset(key), root)}")
    opened = open_model(model, budget=budget)
    for key in keys:
        (done,) = evaluate(opened, key)
        print(done, record(done), publish_answers(done) and "answers kept")


def publish_answers(run: Run, folder: Path = DATA / "answers") -> Path | None:
    """Keep a run's answers; returns the file, None for a baseline.

    Raises
    ------
    BenchHealthError
        If the run is not a complete one of full official data that are open.
    """
    key, model = one_run("publish_answers", run).dataset, run.model
    if DATASETS[key].tier != "open":
        raise BenchHealthError(f"{key} is credentialed: its answers are never published.")
    if run.imported or not (run.official and run.complete and run.examples):
        what = "only complete runs of the full official data, asked here, are published."
        raise BenchHealthError(f"{model} on {key}: {what}")
    return write_answers(run, file_of(run, folder).with_suffix(".jsonl"))


def is_baseline(run: Run) -> bool:
    """Whether its answers are made of the data's own words."""
    return run.model in MODELS and MODELS[run.model].published == "baseline"


def write_answers(run: Run, path: Path) -> Path | None:
    """Write status, text and reading of each answer; None if they are a baseline's.

    Raises
    ------
    BenchHealthError
        For replies that may repeat exemplars or changed words, which are not cut out.
    """
    asked = run.signature
    if is_baseline(run):
        return None
    if asked["mode"] == "generate" and (asked["shots"] or asked.get("perturbation")):
        raise BenchHealthError(f"{run}: replies are kept if they saw their items alone, unchanged.")
    lines = []
    each = zip(run.examples, run.answers, run.readings, run.rows["status"], strict=True)
    for item, answer, reading, status in each:
        line = {"id": item.id, "status": status, "text": without_echo(answer.text, item)}
        if reading != answer.text.strip():
            several = isinstance(reading, frozenset)
            line["reading"] = sorted(reading, key=str) if several else reading
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    with naming(path):
        return write_atomic(path, "".join(lines))


def without_echo(text: str, item: Example, words: int = ECHO) -> str:
    """A reply without runs of words that its item has, too.

    >>> item = Example("1", "gad", {"sentence": "We saw a link of A and B."}, "yes", "1")
    >>> without_echo("So: we saw a link of a and B, yes.", item)
    'So: [8 words of the item], yes.'
    """
    source = [word for value in texts(item.inputs) for word in re.findall(r"\w+", value.lower())]
    known = {tuple(source[k : k + words]) for k in range(len(source) - words + 1)}
    found = list(re.finditer(r"\w+", text))
    said = [word[0].lower() for word in found]
    starts = (k for k in range(len(said)) if tuple(said[k : k + words]) in known)
    echoed = {k + at for k in starts for at in range(words)}
    kept, place = "", 0
    for is_echo, run in groupby(range(len(found)), echoed.__contains__):
        if is_echo:
            first, *_, last = run
            kept += f"{text[place : found[first].start()]}[{last - first + 1} words of the item]"
            place = found[last].end()
    return kept + text[place:]


def main(argv: Sequence[str] | None = None) -> None:
    about, *rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog="".join(rest))
    parser.add_argument("model", help="key of the registry, or an open form")
    parser.add_argument("keys", nargs="+", metavar="KEY", help="open data sets")
    parser.add_argument("--budget", type=float, help="dollars at most, for one behind an API")
    try:
        publish(**vars(parser.parse_args(argv)))
    except BenchHealthError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
