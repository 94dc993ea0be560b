"""The command line: make a study, serve its page, take ratings out and in, analyse them."""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ..data import SAMPLES, data_root
from ..models import BUDGET
from ..schema import runs_folder, shown
from . import sample, study
from .exchange import export_csv, import_csv
from .sample import CRITERIA, FREE, PHYSICIAN, RULES, WORDS, StudyError, expect
from .study import Study, place


def create(options) -> None:
    """Draw dialogues, collect replies, write the folder; cheap checks come first."""
    models = list(dict.fromkeys([*options.models, *(options.against or ())]))
    pairs = [(a, b) for a in options.models for b in options.against or ()] or None
    names = "raters senior senior_sees repeats checks".split()
    asked = {name: getattr(options, name) for name in names}
    _, _, pairs = study.check(options.folder, models, pairs, *asked.values())
    path, found = sample.dialogues_file(), sample.load_dialogues()
    chosen = {"drop": options.drop, "keep": options.keep}
    flags = sample.damage(found, physician=PHYSICIAN in models)
    fit, damaged, _ = sample.usable(found, flags, **chosen)
    study.draw(fit, options.items, options.seed)  # refuses too many
    wanted = options.items + math.ceil(options.checks * options.items * len(pairs))
    pool = study.draw(fit, min(wanted, len(fit)), options.seed)
    how = {"redact": options.redact, "budget": options.budget}
    replies, of_replies, record = sample.collect(models, pool, drop=options.drop, **how)
    flags = {item.id: [*flags[item.id], *of_replies[item.id]] for item in pool}
    fit, left_out, noted = sample.usable(pool, flags, **chosen)
    left_out += damaged
    expect(fit, f"No dialogue is left that can be rated: {_counted(left_out)}.")
    told = Counter({rule: noted[rule] for rule in sample.TELLING if noted[rule]})
    about = {"path": options.folder, "left_out": _counted(left_out), "noted": _counted(noted)}
    about |= {"told": _counted(told), "rules": " ".join(sorted(told.keys() - {*options.keep}))}
    expect(options.redact or not about["rules"], WORDS["telling"].format(**about))
    file = {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest(), "rows": len(found)}
    record |= {"dialogues": file, "left_out": left_out, "noted": noted, "flags": flags}
    asked |= {"items": min(options.items, len(fit)), "seed": options.seed, "comparisons": pairs}
    asked["synthetic"] = data_root() == SAMPLES
    made = study.create(options.folder, fit, replies, flags=flags, record=record, **asked)
    _about(made)
    about |= {"items": asked["items"], "cards": len(made.order(made.raters[0]))}
    print(WORDS["made"].format(**about, kept=shown(runs_folder() / "answers")))


def _counted(counts: Counter) -> str:
    told = (f"{RULES[name]['what']}: {number}" for name, number in counts.items())
    return "; ".join(told) or "nothing"


def rate(options) -> None:
    """Serve the rating page until Ctrl+C."""
    from .page import serve

    serve(Study(options.folder), options.host, options.port)


def status(options) -> None:
    """Print how far each rater is."""
    opened = Study(options.folder)
    print(f"{opened.path}{' (closed)' if opened.closed else ''}\n")
    print(opened.status().to_string(index=False, na_rep="-", float_format=str))


def export(options) -> None:
    """Write one file a rater."""
    opened = Study(options.folder)
    for rater in options.rater or opened.roles:
        print(export_csv(opened, rater, Path(options.to) / f"{rater}.csv"))


def take(options) -> None:
    """Take one file in."""
    counts = import_csv(Study(options.folder), options.file, options.rater, replace=options.replace)
    print(", ".join(f"{counts[name]} {name}" for name in ("new", "changed", "same")))


def analyse(options) -> None:
    """Write every frame of the analysis as CSV, and all as ``analysis.json``."""
    from . import analysis

    opened = Study(options.folder)
    frames = opened.votes(), opened.marks(), opened.unblinded(options.key)
    tables = analysis.analyse(*frames, raters=opened.raters, criteria=CRITERIA)
    written = analysis.write(tables, options.to, **_about(opened))
    if left := int((tables["final"]["path"] == "open").sum()):
        print(f"{left} of {len(tables['final'])} verdicts are open: the figures will move.")
    print(*written, sep="\n")


def judge(options) -> None:
    """Ask for all verdicts; the key is read only where they are compared with people's."""
    from . import analysis
    from . import judge as judging

    opened = Study(options.folder)
    # what can be refused is, before anything is spent
    cards = opened.unblinded(options.key) if options.to else None
    criteria = {key: criterion["definition"] for key, criterion in CRITERIA.items()}
    asked = {"store": opened.path / "judge", "budget": options.budget}
    judged = judging.judge(opened.cards(), criteria, options.model, **asked)
    model, paths = judged["rater"].iloc[0], judged["path"].value_counts()
    said = ", ".join(f"{count} {path}" for path, count in paths.items())
    print(f"{model}: of {len(judged)} verdicts on {judged['card'].nunique()} cards, {said}.")
    if options.to:
        votes, known = opened.votes(), {"raters": opened.raters, "criteria": CRITERIA}
        final = analysis.settle(votes, opened.marks(), cards, **known)
        beside = judging.beside(judged, analysis.unblind(votes, cards), final)
        name = "judge-" + re.sub(r"[^\w.-]+", "-", model)
        tables = {name: judged, f"{name}-beside-raters": beside}
        print(*analysis.write(tables, options.to, name, judge=model, **_about(opened)), sep="\n")


def _about(opened: Study) -> dict[str, bool]:
    """Whether raters or questions are made up; said on the terminal too."""
    if opened.simulated:
        print("Simulated raters, not people.")
    if opened.synthetic:
        print("Made-up questions, for trying out and not for results.")
    return {"simulated": opened.simulated, "synthetic": opened.synthetic}


def parser() -> argparse.ArgumentParser:
    """All commands."""
    rules = (
        f"{name} ({rule['what']}; {'left out' if rule.get('drop') else 'noted'}"
        f"{', always' if rule.get('fixed') else ''})"
        for name, rule in RULES.items()
    )
    top = argparse.ArgumentParser(
        prog="benchhealth human-eval",
        description="Human evaluation: two replies to a patient, side by side, blind.",
        epilog=f"Rules that leave items out or note them: {'; '.join(rules)}",
    )
    commands = top.add_subparsers(required=True)
    where = shown(runs_folder() / "human_eval")

    def command(name, run, about):
        made = commands.add_parser(name, help=about, description=about)
        made.add_argument("folder", type=place, help=f"a path, or a name under {where}")
        made.set_defaults(run=run)
        return made.add_argument

    new = command("create", create, "make a study folder")
    new("--models", nargs="+", required=True, metavar="MODEL")
    new("--against", nargs="+", metavar="MODEL", help="else every two of --models are compared")
    new("--items", type=int, default=200, help="dialogues to rate (200)")
    new("--raters", nargs="+", default=["rater-1", "rater-2"], metavar="ID")
    new("--senior", default="senior", metavar="ID", help="who settles (senior)")
    new("--no-senior", dest="senior", action="store_const", const=None, help="nobody settles")
    new("--senior-sees", choices=("both", "none"), default="both", help="the raters' verdicts")
    new("--repeats", type=float, default=0.1, help="share shown twice (0.1)")
    new("--checks", type=float, default=0.05, help="attention checks, share (0.05)")
    new("--seed", type=int, default=0, help="of the sample alone (0)")
    known = {"nargs": "+", "default": [], "metavar": "RULE"}
    new("--drop", choices=RULES, help="leave these out", **known)
    new("--keep", choices=FREE, help="only note these, dropped or not", **known)
    new("--redact", action="store_true", help="take out words that tell who wrote a reply")
    new("--budget", type=float, default=BUDGET, help="dollars for models behind APIs")
    page = command("rate", rate, "serve the rating page")
    page("--host", default="127.0.0.1", help="by default this machine alone")
    page("--port", type=int, default=0, help="by default a free one")
    command("status", status, "progress of each rater, still blind")
    out = command("export", export, "cards and ratings as CSV files, one a rater")
    out("to", help="folder for the files")
    out("--rater", nargs="+", metavar="ID", help="by default all")
    back = command("import", take, "take in ratings made elsewhere, from a CSV file")
    back("file")
    back("--rater", metavar="ID", help="by default whom the file names")
    back("--replace", action="store_true", help="the file counts where both speak")
    analysed = command("analyse", analyse, "final verdicts, rates, agreement; reads the key")
    analysed("--to", required=True, metavar="DIR", help="folder for the files")
    judged = command("judge", judge, "have a language model judge the same cards, in both orders")
    judged("--model", required=True, metavar="MODEL")
    judged("--budget", type=float, default=BUDGET, help=f"dollars for one behind an API ({BUDGET})")
    judged("--to", metavar="DIR", help="also compare it with the raters, here; reads the key")
    for each in (analysed, judged):
        each("--key", metavar="FILE", help=f"by default {study.KEY} of the study")
    code = command("code", lambda x: print(Study(x.folder).renew_code(x.rater)), "a new code")
    code("rater", help="who lost theirs")
    command("close", lambda given: Study(given.folder).close(), "end the rating; reading goes on")
    command("reopen", lambda given: Study(given.folder).reopen(), "let raters go on")
    return top


def main(arguments: Sequence[str]) -> None:
    """Run one command."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, OverflowError) as error:
        raise StudyError(f"{error} (name another place, or another port)") from None
