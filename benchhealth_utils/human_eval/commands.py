"""The commands that come after the rating: the analysis, and a model as judge."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..models import BUDGET
from .sample import CRITERIA
from .study import KEY, Study, place


def add_commands(command: Callable) -> None:
    """Add ``analyse`` and ``judge``.

    Parameters
    ----------
    command : callable
        Takes a name, what to run, and a text; gives the parser of that command, which
        has the study's folder.
    """
    analysed = command("analyse", analyse, "final verdicts, rates, agreement; reads the key")
    analysed.add_argument("--to", required=True, metavar="DIR", help="folder for the files")
    judged = command("judge", judge, "have a language model judge the same cards, in both orders")
    judged.add_argument("--model", required=True, metavar="MODEL")
    dollars = f"dollars for a model behind an API ({BUDGET:g})"
    judged.add_argument("--budget", type=float, default=BUDGET, help=dollars)
    beside = "also compare it with the raters, here; reads the key"
    judged.add_argument("--to", metavar="DIR", help=beside)
    for each in (analysed, judged):
        each.add_argument("--key", metavar="FILE", help=f"the key; by default {KEY} of the study")


def analyse(options) -> None:
    """Write every frame of the analysis as CSV, and all as ``analysis.json``."""
    from . import analysis

    study = Study(place(options.folder))
    to = analysis.check_folder(options.to, (*study.raters, *study.seniors))
    frames = study.votes(), study.marks(), study.unblinded(options.key)
    tables = analysis.analyse(*frames, raters=study.raters, criteria=CRITERIA)
    written = analysis.write(tables, to, title=study.title, **_about(study))
    if left := int((tables["final"]["path"] == "open").sum()):
        print(f"{left} of {len(tables['final'])} verdicts are open: the figures will move.")
    print(*written, sep="\n")


def judge(options) -> None:
    """Ask for all verdicts; the key is read only where they are compared with people's."""
    from . import analysis
    from . import judge as judging

    study = Study(place(options.folder))
    if options.to:  # what can be refused is, before anything is spent
        to = analysis.check_folder(options.to, (*study.raters, *study.seniors))
        votes, cards = study.votes(), study.unblinded(options.key)
    criteria = {key: criterion.definition for key, criterion in CRITERIA.items()}
    asked = {"store": study.path / "judge", "budget": options.budget}
    judged = judging.judge(study.cards(), criteria, options.model, **asked)
    model, paths = judged["rater"].iloc[0], judged["path"].value_counts()
    said = ", ".join(f"{count} {path}" for path, count in paths.items())
    print(f"{model}: of {len(judged)} verdicts on {judged['card'].nunique()} cards, {said}.")
    if options.to:
        known = {"raters": study.raters, "criteria": CRITERIA}
        final = analysis.settle(votes, study.marks(), cards, **known)
        beside = judging.beside(judged, analysis.unblind(votes, cards), final)
        name = "judge-" + re.sub(r"[^\w.-]+", "-", model)
        tables = {name: judged, f"{name}-beside-raters": beside}
        print(*analysis.write(tables, to, name, judge=model, **_about(study)), sep="\n")


def _about(study: Study) -> dict[str, bool]:
    """Whether raters or questions are made up; said on the terminal too."""
    if study.simulated:
        print("Simulated raters, not people.")
    if study.synthetic:
        print("Made-up questions, for trying out.")
    return {"simulated": study.simulated, "synthetic": study.synthetic}
