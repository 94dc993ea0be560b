"""Every chapter for one model, and its row at the end.

``make reproduce MODEL=<name>``, or ``python -m benchhealth_utils.reproduce <name>``.
The executed chapters go to ``runs/<name>/``. Answers are stored as they come,
so a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .answers import file_name
from .models import check_name
from .report import present_sets
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
    model: str, *, limit: int = 0, datasets: str = "all", chapters: Sequence[str] = ()
) -> dict:
    """Execute chapters for a model.

    Parameters
    ----------
    model : str
        As for `open_model`.
    limit : int
        Items of each data set; 0 takes all.
    datasets : str
        Of the few-shot chapter: ``all``, or keys parted by spaces.
    chapters : sequence of str
        In the order in which they are to run; by default ``CHAPTERS``.

    Returns
    -------
    dict
        What the chapters published, by name.

    Raises
    ------
    ModelError
        If there is no such model.
    BenchHealthError
        If a chapter fails; those before it are kept.
    """
    import papermill

    check_name(model)
    folder = runs_folder() / file_name(model)
    folder.mkdir(parents=True, exist_ok=True)
    if datasets == "all":  # as in the paper, without MIMIC-III, and of what is here
        datasets = " ".join(key for key in present_sets() if key != "mimic_iii")
    found: dict = {}
    for chapter in chapters or CHAPTERS:
        source = ROOT / "notebooks" / f"{chapter}.ipynb"
        target = folder / source.name
        print(f"{chapter}: {shown(target)}", file=sys.stderr, flush=True)
        known = papermill.inspect_notebook(str(source))
        given = {"model": model, "limit": limit, "datasets": datasets}
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                {name: value for name, value in given.items() if name in known},
                progress_bar=False,
                cwd=str(ROOT),
            )
        except papermill.PapermillExecutionError as error:
            raise BenchHealthError(
                f"The chapter {chapter} failed with {error.ename}: {error.evalue}\n"
                f"Where: the last cell of {shown(target)}. Answers are stored; run the same "
                "command again to go on."
            ) from None
        found |= published(target)
    return found


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
    from .datasets import DATASETS

    lines = [f"{'Table 5':16}  score   95 % interval      n  read"]
    for key, spec in DATASETS.items():
        name = f"{model}.{key}"
        if f"{name}.value" in values:
            score, low, high = (100 * values[f"{name}.{x}"] for x in ("value", "low", "high"))
            mark = " " if values[f"{name}.official"] else "*"
            lines.append(
                f"{spec.name:16}  {score:5.1f}{mark} {low:5.1f} to {high:5.1f}  "
                f"{values[f'{name}.n']:6,.0f}  {100 * values[f'{name}.coverage']:3.0f} %"
            )
    if any("*" in line for line in lines):
        lines.append("* not of the full official data: not comparable with the paper")
    lines.append("")
    lines.append("Clinical usefulness")
    for name in USEFULNESS:
        lines.append(f"{name:18}  {_measure(f'{model}.{name}', values)}")
    return "\n".join(lines)


def _measure(name: str, values: Mapping[str, str | float]) -> str:
    """One usefulness value with its interval, in points, or why there is none."""
    value = values.get(name)
    if not isinstance(value, float):
        return value or "not computed"
    ends = [values.get(f"{name}.{end}") for end in ("low", "high")]
    if not all(isinstance(end, float) for end in ends):
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchhealth_utils.reproduce")
    parser.add_argument("model", help="key of data/models.yaml, or hf:<id or folder>")
    parser.add_argument("--limit", type=int, default=0, help="items of each data set; 0: all")
    parser.add_argument("--datasets", default="all", help="of the few-shot chapter")
    options = parser.parse_args(arguments)
    try:
        values = reproduce(options.model, limit=options.limit, datasets=options.datasets)
    except BenchHealthError as error:
        raise SystemExit(f"{error}") from None
    names = [name.removesuffix(".medqa.value") for name in values if name.endswith(".medqa.value")]
    print(row(names[0], values))


if __name__ == "__main__":
    main()
