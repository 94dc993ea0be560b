"""The authors' own IU-Xray reports, and ROUGE-L as they computed it: ``python tools/authors.py``.

An early public file of theirs names 339 Open-i reports (`data/splits/iu_xray_authors.tsv`, where
``validate`` are these and ``train`` all others). On the official data (``BENCHHEALTH_DATA``) both
baselines are asked about them and about the project's 341, and ``data/authors_iu_xray.csv`` is
written: ROUGE-L of this project (stems, F1), and as in the script beside that file (longest
common subsequence of words as they stand, without stems, recall weighted by beta = 1.2).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from rouge_score.rouge_scorer import RougeScorer

import benchhealth_utils as bh
from benchhealth_utils.data import data_root
from benchhealth_utils.schema import ROOT, write_atomic

BETA = 1.2
NAME = "iu_xray_clin_summ.tsv"  # a file of this name in a data folder's splits/ is the one used


class Blanks:
    """Words as they stand between blanks: case and punctuation count."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


def theirs(run) -> float:
    """Mean over items of the weighted F of the longest common subsequence."""
    scorer, found = RougeScorer(["rougeL"], tokenizer=Blanks()), []
    for item, reading in zip(run.examples, run.readings, strict=True):
        one = scorer.score(item.gold, reading or "")["rougeL"]
        below = one.recall + BETA**2 * one.precision
        found.append((1 + BETA**2) * one.precision * one.recall / below if below else 0.0)
    return float(np.mean(found))


def measured(split: str, store: Path) -> list[dict]:
    """A row a baseline: what it scores on the data folder's split."""
    rows = []
    for model in ("majority", "supervised"):
        (run,) = bh.evaluate(model, "iu_xray", store=store, progress=False)
        low, high = run.scores.interval
        row = {"split": split, "model": run.model, "n": run.scores.n, "value": run.scores.value}
        rows.append(row | {"low": low, "high": high, "theirs": theirs(run)})
    return rows


def main() -> None:
    official, rows = data_root(), []
    with tempfile.TemporaryDirectory() as folder:
        rows += measured("clin-summ", Path(folder) / "one")
        (Path(folder) / "splits").mkdir()
        (Path(folder) / "iu_xray").symlink_to(official / "iu_xray")
        own = (ROOT / "data" / "splits" / "iu_xray_authors.tsv").read_text("utf-8")
        (Path(folder) / "splits" / NAME).write_text(own, "utf-8")
        os.environ["BENCHHEALTH_DATA"] = folder
        rows += measured("authors", Path(folder) / "two")
    table = pd.DataFrame(rows).round(6)
    text = table.to_csv(index=False, lineterminator="\n")
    write_atomic(ROOT / "data" / "authors_iu_xray.csv", text)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
