"""Every chapter for one model, and its row at the end.

``make reproduce MODEL=<name>``, or ``python -m benchhealth_utils.reproduce <name>``.
The executed chapters go to ``runs/<name>/``. Answers are stored as they come,
so a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .answers import file_name
from .datasets import DATASETS, load
from .models import BUDGET, check_name
from .parameters import data_sets
from .report import present_sets
from .report.combined import MARK
from .report.style import estimate, measure
from .schema import ROOT, BenchHealthError, runs_folder, shown

CHAPTERS = (
    "reasoning",
    "generation",
    "understanding",
    "few_shot",
    "clinical_usefulness",
    "human_eval",
)
USEFULNESS = ("faithfulness", "comprehensiveness", "robustness", "generalizability")


def reproduce(
    model: str,
    *,
    limit: int = 0,
    datasets: str = "all",
    chapters: Sequence[str] = (),
    budget: float = BUDGET,
) -> dict:
    """Execute chapters for a model.

    Parameters
    ----------
    model : str
        As for `open_model`.
    limit : int
        Items of each data set in every chapter; 0, the default here, takes all (a chapter
        run on its own takes a few).
    datasets : str
        Of the few-shot chapter: ``all``, or keys parted by spaces.
    chapters : sequence of str
        In the order in which they are to run; by default ``CHAPTERS``.
    budget : float
        Dollars that each chapter may cost, for a model behind an API.

    Returns
    -------
    dict
        What the chapters published, by name.

    Raises
    ------
    ModelError
        If there is no such model.
    BenchHealthError
        Before anything runs, if `limit`, `datasets` or a data set is not right; later, if a
        chapter fails. Those before it are kept, and so is an earlier one of that name.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    chapters = chapters or CHAPTERS
    if not 0 <= budget < math.inf:
        raise BenchHealthError(f"budget is {budget!r}; expected dollars, 0 or more.")
    given = {"model": model, "limit": limit, "datasets": _checked(model, limit, datasets)}
    given["budget"] = float(budget)
    folder = runs_folder() / file_name(model)
    folder.mkdir(parents=True, exist_ok=True)
    found: dict = {}
    for number, chapter in enumerate(chapters, start=1):
        source, target = ROOT / "notebooks" / f"{chapter}.ipynb", folder / f"{chapter}.ipynb"
        unfinished = folder / f"{chapter}-unfinished.ipynb"  # a good one stays till it is whole
        print(f"{number} of {len(chapters)}: {chapter}", file=sys.stderr, flush=True)
        known = papermill.inspect_notebook(str(source))
        try:
            papermill.execute_notebook(
                str(source),
                str(unfinished),
                {name: value for name, value in given.items() if name in known},
                progress_bar=False,
                cwd=str(ROOT),
            )
        except papermill.PapermillExecutionError as error:
            cause = f"with {error.ename}: {error.evalue}"
            where = f"the cell marked in red in {shown(unfinished)}."
        except DeadKernelError:
            cause = "since its Python process died; most often, memory was not enough."
            where = f"after the last cell with an output in {shown(unfinished)}."
        else:
            unfinished.replace(target)
            found |= published(target)
            continue
        kept = f" The earlier {shown(target)} is as it was." if target.exists() else ""
        raise BenchHealthError(
            f"The chapter {chapter} failed {cause}\nWhere: {where}{kept}\nOnce the cause is "
            "mended, the same command goes on: answers that are stored are not asked again."
        )
    print(f"The executed chapters are in {shown(folder)}", file=sys.stderr, flush=True)
    return found


def _checked(model: str, limit: int, datasets: str) -> str:
    """Keys for the few-shot chapter, after everything that can be checked beforehand."""
    check_name(model)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise BenchHealthError(f"limit is {limit!r}; expected a count, or 0 for all items.")
    if datasets == "all":  # as in the paper, without MIMIC-III, and of what is here
        keys = [key for key in present_sets() if key != "mimic_iii"]
    else:
        keys = data_sets(datasets, without=["mimic_iii"])
    opened = [key for key, spec in DATASETS.items() if spec.tier == "open" or key in keys]
    for key in opened:
        for split in ("test", "train"):
            load(key, split)
    return " ".join(keys)


def published(path: str | Path) -> dict[str, str | float]:
    """What an executed chapter published, by name; numbers as numbers."""
    found: dict[str, str | float] = {}
    for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            book = output.get("metadata", {}).get("scrapbook")
            if not book:
                continue
            text = "".join(output["data"][f"{book['mime_prefix']}text/plain"])
            try:
                found[book["name"]] = float(text)
            except ValueError:
                found[book["name"]] = text
    return found


def row(model: str, values: Mapping[str, str | float]) -> str:
    """A model's row of Table 5 and its usefulness, as lines of text.

    Parameters
    ----------
    model : str
        As the backend names itself; it is the first part of published names.
    values : Mapping
        From `published`.
    """
    lines = [f"{'Table 5':16}  {'score (95 % interval)':30}       n  read"]
    for key, spec in DATASETS.items():
        name = f"{model}.{key}"
        if f"{name}.value" in values:
            score, low, high = (values[f"{name}.{part}"] for part in ("value", "low", "high"))
            text = estimate(score, (low, high), "" if values[f"{name}.official"] else MARK)
            lines.append(
                f"{spec.name:16}  {text:30}  {values[f'{name}.n']:6,.0f}  "
                f"{100 * values[f'{name}.coverage']:3.0f} %"
            )
    lines.append("")
    lines.append("Clinical usefulness (95 % interval)")
    for name in USEFULNESS:
        lines.append(f"{name:18}  {_usefulness(f'{model}.{name}', values)}")
    if any(MARK in line for line in lines):
        lines.append("")
        lines.append(f"{MARK} not of the full official data: not comparable with the paper")
    return "\n".join(lines)


def _usefulness(name: str, values: Mapping[str, str | float]) -> str:
    """One usefulness value with its interval, in points, or why there is none."""
    value = values.get(name)
    if not isinstance(value, float):
        return value or "not computed"
    ends = [values[f"{name}.{end}"] for end in ("low", "high") if f"{name}.{end}" in values]
    mark = "" if values.get(f"{name}.official", 1) else MARK
    text = measure(value, ends, mark) if len(ends) == 2 else estimate(value, None, mark)
    return text + ("; lower is better" if name.endswith(".robustness") else "")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchhealth_utils.reproduce")
    parser.add_argument(
        "model", help="key of data/models.yaml or an open form, such as hf:<folder>"
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="items of each data set; 0, the default: all"
    )
    parser.add_argument("--datasets", default="all", help="of the few-shot chapter")
    parser.add_argument(
        "--budget",
        type=float,
        default=BUDGET,
        help=f"dollars that each chapter may cost, for a model behind an API ({BUDGET:g})",
    )
    options = vars(parser.parse_args(arguments))
    model = options.pop("model")
    try:
        values = reproduce(model, **options)
    except BenchHealthError as error:
        raise SystemExit(f"{error}") from None
    names = [name.removesuffix(".medqa.value") for name in values if name.endswith(".medqa.value")]
    print(row(next(iter(names), model), values))


if __name__ == "__main__":
    main()
