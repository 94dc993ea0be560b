"""The command line: make a study, serve its page, see how far it is, take ratings out and in."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ..data import data_root
from ..models import BUDGET
from ..schema import BenchHealthError, runs_folder, shown
from . import sample, study
from .commands import add_commands
from .exchange import export_csv, import_csv
from .sample import PHYSICIAN, RULES, StudyError
from .study import Study, place

HINT = "--redact takes such words out, --drop {0} leaves those questions out, --keep {0} shows them"


def create(options) -> None:
    """Draw dialogues, collect replies, write the folder; cheap checks come first."""
    models = list(dict.fromkeys([*options.models, *(options.against or ())]))
    pairs = [(a, b) for a in options.models for b in options.against or ()] or None
    asked = {name: getattr(options, name) for name in ("raters", "repeats", "checks", "title")}
    asked["senior"] = None if options.no_senior else options.senior
    _, _, pairs = study.check(options.folder, models, pairs, **asked)
    for model in models:
        sample.check_can_reply(model)
    chosen = {"drop": options.drop, "keep": options.keep}
    path, found = sample.dialogues_file(), sample.load_dialogues()
    fit = sample.usable(found, physician=PHYSICIAN in models, **chosen)
    study.draw(fit.dialogues, options.items, options.seed)  # refuses too many
    wanted = options.items + math.ceil(options.checks * options.items * len(pairs))
    pool = study.draw(fit.dialogues, min(wanted, len(fit.dialogues)), options.seed)
    replies = sample.collect(models, pool, redact=options.redact, budget=options.budget, **chosen)
    noted, left_out = _by_rule(replies.noted), _by_rule(fit.left_out + replies.left_out)
    told = Counter({rule: n for rule, n in noted.items() if rule in sample.TELLING})
    if not replies.dialogues:
        raise StudyError(f"No dialogue is left that can be rated: {_counted(left_out)}.")
    if not options.redact and (open_ := sorted(told.keys() - set(options.keep))):
        raise StudyError(
            f"In {told.total()} cases a reply tells who wrote it ({_counted(told)}), so raters "
            f"would not be blind. Say what to do: {HINT.format(' '.join(open_))}. No model is "
            "asked again."
        )
    flags = {key: [*fit.flags.get(key, ()), *noted] for key, noted in replies.flags.items()}
    flags = fit.flags | flags
    file = {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest(), "rows": len(found)}
    record = {"dialogues": file, "left_out": fit.left_out + replies.left_out}
    record |= {"noted": replies.noted, **replies.record}
    asked |= {"items": min(options.items, len(replies.dialogues)), "seed": options.seed}
    asked |= {"senior_sees": options.senior_sees, "flags": flags, "record": record}
    asked["synthetic"] = data_root() == sample.DATA / "samples"
    given = replies.dialogues, replies.texts
    made = study.create(options.folder, *given, comparisons=pairs, **asked)
    print(f"Study: {made.path}, {len(made.order(made.raters[0]))} cards for each rater.")
    if len(replies.dialogues) < options.items:
        print(f"{options.items} items were asked for; the replies to {len(replies.dialogues)} fit.")
    if asked["synthetic"]:
        print("The dialogues are the synthetic samples: for trying out, not for results.")
    print(f"Left out: {_counted(left_out) or 'nothing'}.")
    what = "Taken out of replies, or noted" if options.redact else "Noted"
    print(f"{what}: {_counted(noted) or 'nothing'}.")
    print(f"Codes: {study.CODES} in that folder. Hand each rater theirs, then delete the file.")
    print(f"Key: {study.KEY} in that folder. Raters must not read it; keep it elsewhere meanwhile.")
    kept = shown(runs_folder() / "answers")
    print(f"Replies are also under {kept}, by model: raters must not read that folder either.")
    print(f"Rating page: make rate STUDY={made.path}")


def _by_rule(counts: Counter) -> Counter:
    """Counts of no model, for whoever organises may be a rater too."""
    by_rule: Counter = Counter()
    for name, number in counts.items():
        by_rule[name.rpartition(": ")[2]] += number
    return by_rule


def _counted(counts: Counter) -> str:
    return "; ".join(f"{RULES[name]['what']}: {number}" for name, number in counts.items())


def rate(options) -> None:
    """Serve the rating page until Ctrl+C."""
    from .page import serve

    serve(Study(options.folder), options.host, options.port)


def status(options) -> None:
    """Print how far each rater is."""
    opened = Study(options.folder)
    print(f"{opened.title}{' (closed)' if opened.closed else ''}\n")
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


def renew(options) -> None:
    """Print a new code."""
    print(Study(options.folder).renew_code(options.rater))


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
    commands = top.add_subparsers(dest="command", required=True)
    where = shown(runs_folder() / "human_eval")

    def command(name, run, about):
        made = commands.add_parser(name, help=about, description=about)
        made.add_argument("folder", type=place, help=f"a path, or a name under {where}")
        made.set_defaults(run=run)
        return made

    new = command("create", create, "make a study folder")
    new.add_argument("--models", nargs="+", required=True, metavar="MODEL")
    about = "compare each of --models with each of these; by default every two of --models"
    new.add_argument("--against", nargs="+", metavar="MODEL", help=about)
    new.add_argument("--items", type=int, default=200, help="dialogues to rate (200)")
    new.add_argument("--raters", nargs="+", default=["rater-1", "rater-2"], metavar="ID")
    new.add_argument("--senior", default="senior", metavar="ID", help="who settles (senior)")
    new.add_argument("--no-senior", action="store_true", help="nobody settles")
    new.add_argument("--senior-sees", choices=study.SENIOR_SEES, default="both")
    new.add_argument("--repeats", type=float, default=0.1, help="share shown twice (0.1)")
    new.add_argument("--checks", type=float, default=0.05, help="attention checks, share (0.05)")
    new.add_argument("--seed", type=int, default=0, help="of the sample alone (0)")
    new.add_argument("--drop", nargs="+", default=[], metavar="RULE", help="leave these out")
    new.add_argument("--keep", nargs="+", default=[], metavar="RULE", help="only note these")
    about = "take out words that tell who wrote a reply"
    new.add_argument("--redact", action="store_true", help=about)
    new.add_argument("--budget", type=float, default=BUDGET, help="dollars for models behind APIs")
    new.add_argument("--title", default=study.TITLE)
    page = command("rate", rate, "serve the rating page")
    page.add_argument("--host", default="127.0.0.1", help="by default this machine alone")
    page.add_argument("--port", type=int, default=0, help="by default a free one")
    command("status", status, "progress of each rater, still blind")
    out = command("export", export, "cards and ratings as CSV files, one a rater")
    out.add_argument("to", help="folder for the files")
    out.add_argument("--rater", nargs="+", metavar="ID", help="by default all")
    back = command("import", take, "take in ratings made elsewhere, from a CSV file")
    back.add_argument("file")
    back.add_argument("--rater", metavar="ID", help="by default whom the file names")
    back.add_argument("--replace", action="store_true", help="the file counts where both speak")
    add_commands(command)
    code = command("code", renew, "a new code for a rater who lost theirs")
    code.add_argument("rater")
    command("close", lambda given: Study(given.folder).close(), "end the rating; reading goes on")
    command("reopen", lambda given: Study(given.folder).reopen(), "let raters go on")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error of the user's ends in one line."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except BenchHealthError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
