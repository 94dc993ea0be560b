"""The answers behind published results: identifier, status and text, nothing else.

Kept in ``data/answers/`` for open data sets, so that a reader can see what a
model said and score it again. A baseline's answers are not kept: they are made
of the data's own words, and anyone makes them again in seconds.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..answers import file_name
from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..models import MODELS
from ..schema import ROOT, Answer, BenchHealthError

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
    lines = (
        json.dumps({"id": a.id, "status": a.status, "text": a.text}, ensure_ascii=False)
        for a in evaluation.answers
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def published_answers(path: Path) -> list[Answer]:
    """Answers as `publish_answers` wrote them, without keys.

    Raises
    ------
    BenchHealthError
        For a line that is no such answer.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").strip().split("\n"), 1):
        try:
            row = json.loads(line)
            found.append(Answer(row["id"], row["status"], row["text"]))
        except (ValueError, KeyError, TypeError):
            raise BenchHealthError(f"{path.name}, line {number}: not a published answer.") from None
    return found
