"""The commands that come after the rating: the analysis, and a model as judge."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ..models import BUDGET
from ..schema import BenchHealthError
from .folder import KEY, place
from .folder_study import open_study


def add_commands(command: Callable) -> None:
    """Add ``analyse`` and ``judge``.

    Parameters
    ----------
    command : callable
        Takes a name, what to run, and a text; gives the parser of that command, which
        has the study's folder.
    """
    found = command("analyse", analyse, "tables, final verdicts and intervals; reads the key")
    found.add_argument("--to", required=True, metavar="DIR", help="folder for the files")
    judged = command("judge", judge, "have a language model judge the same cards, in both orders")
    judged.add_argument("--model", required=True, metavar="MODEL")
    judged.add_argument(
        "--budget",
        type=float,
        default=BUDGET,
        help=f"dollars for a model behind an API ({BUDGET:g})",
    )
    judged.add_argument(
        "--to", metavar="DIR", help="also compare it with the raters, here; reads the key"
    )
    for each in (found, judged):
        each.add_argument("--key", metavar="FILE", help=f"the key; by default {KEY} of the study")


def analyse(options) -> None:
    """Write ``study.html``, ``analysis.json`` and ``final.csv``."""
    from ..report import write_study_page
    from ..report.human_study import whose
    from . import analysis

    study = open_study(place(options.folder))
    to = _folder(options.to, (*study.raters, *study.seniors))
    votes, final = analysis.read_study(study.folder, key=options.key)
    found = analysis.analyse(votes, final, synthetic=study.synthetic)
    written = [
        write_study_page(found, to / "study.html", study.title),
        analysis.write_analysis(found, to / "analysis.json"),
        to / "final.csv",
    ]
    final.to_csv(written[-1], index=False)
    if mark := whose(found):
        print(mark)
    if left := int((final["path"] == "open").sum()):
        print(f"{left} of {len(final)} verdicts are open: the figures will move with them.")
    print(*written, sep="\n")


def judge(options) -> None:
    """Ask for all verdicts; the key is read only where they are compared with people's."""
    from . import judge as judging

    study = open_study(place(options.folder))
    if options.to:
        to = _folder(options.to, (*study.raters, *study.seniors))
    judged = judging.judge_cards(study.folder, options.model, budget=options.budget)
    name, paths = judged["rater"].iloc[0], judged["path"].value_counts()
    said = ", ".join(f"{int(paths.get(path, 0))} {path}" for path in judging.PATHS)
    print(f"{name}: of {len(judged)} verdicts on {judged['card'].nunique()} cards, {said}.")
    if options.to:
        print(*_beside_people(study.folder, options.key, judged, to), sep="\n")


def _beside_people(folder: Path, key, judged, to: Path) -> list[Path]:
    """Write a judge's agreement with people; returns the files."""
    from ..report import write_judge_page
    from .analysis import read_study, write_json
    from .judged import judge_agreement

    rows = judge_agreement(judged, *read_study(folder, key=key), folder, key=key)
    judge = judged["rater"].iloc[0]
    name = "judge-" + re.sub(r"[^\w.-]+", "-", judge)
    written = [
        write_judge_page(rows, judge, to / f"{name}.html"),
        write_json({"judge": judge, "agreement": rows}, to / f"{name}.json"),
        to / f"{name}.csv",
    ]
    judged.to_csv(written[-1], index=False)
    return written


def _folder(to: str, raters) -> Path:
    """The folder to write to, made if it is not there; refused before anything is computed."""
    from .analysis import check_destination

    path = Path(to).expanduser()
    check_destination(path, raters)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchHealthError(
            f"Nothing can be written to {path} ({error.strerror}). Name another folder with --to."
        ) from None
    return path
