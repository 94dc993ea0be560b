"""The answers behind published results: identifier, status, reading and text.

Kept in ``data/answers/`` for open data sets, so that a reader can see what a
model said and score it again. Where a model repeats eight or more words of its
item, the words are left out, since they are the data set's and not the model's.
A baseline's answers are not kept: they are made of the data's own words, and
anyone makes them again in seconds.

``python -m benchhealth_utils.report.published MODEL DATASET ...`` records and
publishes what is stored of a model's zero-shot runs on the official data.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

from ..answers import file_name
from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..models import BUDGET, MODELS, open_model
from ..schema import ROOT, BenchHealthError, Example, Reading

ECHO = 8  # words in a row that the item has, too
FOLDER = ROOT / "data" / "answers"


def publish_answers(evaluation: Evaluation, folder: Path = FOLDER) -> Path | None:
    """Keep a run's answers beside its published result.

    Parameters
    ----------
    evaluation : Evaluation
        Complete, of full official data that are open.
    folder : Path

    Returns
    -------
    Path or None
        The file; None for a baseline.

    Raises
    ------
    BenchHealthError
        If the run is not one whose answers may be published.
    """
    key, model = evaluation.dataset, evaluation.model
    if DATASETS[key].tier != "open":
        raise BenchHealthError(f"{key} is credentialed: its answers are never published.")
    if not (evaluation.official and evaluation.complete):
        raise BenchHealthError(
            f"{model} on {key}: only complete runs of the full official data are published."
        )
    if model in MODELS and MODELS[model].published == "baseline":
        return None
    signature = evaluation.signature
    name = f"{key}-{signature['shots']}shot-{signature['mode']}.jsonl"
    path = folder / file_name(model) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {"id": item.id, "status": status, "text": without_echo(answer.text, item)}
        | ({} if reading == answer.text.strip() else {"reading": _plain(reading)})
        for item, answer, reading, status in evaluation.rows
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def without_echo(text: str, item: Example, words: int = ECHO) -> str:
    """A reply without runs of words that its item has, too.

    Parameters
    ----------
    text : str
    item : Example
    words : int
        From how many in a row on they are left out.

    Examples
    --------
    >>> item = Example("1", "gad", {"sentence": "We saw a link of A and B."}, "yes", "1")
    >>> without_echo("So: we saw a link of a and B, yes.", item)
    'So: [8 words of the item], yes.'
    """
    source = [word for value in _texts(item.inputs) for word in re.findall(r"\w+", value.lower())]
    known = {tuple(source[k : k + words]) for k in range(len(source) - words + 1)}
    found = list(re.finditer(r"\w+", text))
    said = [word[0].lower() for word in found]
    kept, place, k = "", 0, 0
    while k <= len(said) - words:
        if tuple(said[k : k + words]) not in known:
            k += 1
            continue
        end = k + words
        while tuple(said[end - words + 1 : end + 1]) in known and end < len(said):
            end += 1
        kept += f"{text[place : found[k].start()]}[{end - k} words of the item]"
        place, k = found[end - 1].end(), end
    return kept + text[place:]


def _plain(reading):
    """A reading as JSON has it: a set as a list."""
    return sorted(reading, key=str) if isinstance(reading, frozenset) else reading


def _texts(value) -> list[str]:
    """All texts in an item's inputs."""
    if isinstance(value, str):
        return [value]
    if hasattr(value, "values"):
        return [text for part in value.values() for text in _texts(part)]
    return [text for part in value for text in _texts(part)] if isinstance(value, tuple) else []


def published_readings(path: Path) -> dict[str, Reading | None]:
    """Readings by identifier, as `publish_answers` wrote them.

    Raises
    ------
    BenchHealthError
        For a line that is no published answer.
    """
    found: dict[str, Reading | None] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").strip().split("\n"), 1):
        try:
            row = json.loads(line)
            value = row["reading"] if "reading" in row else row["text"].strip()
            if isinstance(value, list):
                value = frozenset(tuple(x) if isinstance(x, list) else x for x in value)
            found[row["id"]] = value
        except (ValueError, KeyError, TypeError):
            raise BenchHealthError(f"{path.name}, line {number}: not a published answer.") from None
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    from ..evaluation import evaluate
    from .recording import record

    parser = argparse.ArgumentParser(prog="python -m benchhealth_utils.report.published")
    parser.add_argument("model", help="key of data/models.yaml or an open form")
    parser.add_argument("datasets", nargs="+", metavar="dataset", help="key of data/datasets.yaml")
    parser.add_argument(
        "--budget",
        type=float,
        default=BUDGET,
        help=f"dollars for a model behind an API ({BUDGET:g})",
    )
    options = parser.parse_args(arguments)
    model = open_model(options.model, budget=options.budget)
    for key in options.datasets:
        run = evaluate(model, key)
        print(key, f"{run.scores.value:.4f}", run.counts, record(run).name, publish_answers(run))


if __name__ == "__main__":
    try:
        main()
    except BenchHealthError as error:
        raise SystemExit(f"{error}") from None
