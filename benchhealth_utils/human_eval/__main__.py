"""The command line: make a study, see how far it is, take ratings out and in."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..datasets import data_root
from ..schema import ROOT, BenchHealthError, runs_folder, shown
from . import validation
from .creation import SENIOR_SEES, TITLE, create_study, draw
from .dialogues import ANSWER_RULES, QUESTION_RULES, dialogues_file, load_dialogues, usable
from .folder import CODES, KEY, StudyError, file_digest
from .identity import PHYSICIAN
from .identity import WHAT as TELLING
from .label_studio import export_label_studio, import_label_studio
from .layout import comparisons
from .replies import REPLY_RULES, check_can_reply, collect
from .spreadsheets import export_csv, import_csv
from .status import status
from .study import open_study

RULES = QUESTION_RULES | ANSWER_RULES | REPLY_RULES
FORMATS = {
    "csv": (".csv", export_csv, import_csv),
    "label-studio": (".json", export_label_studio, import_label_studio),
}


def place(folder: str) -> Path:
    """A study's folder: a path, or a bare name for one under the runs' folder."""
    is_path = any(mark in folder for mark in (os.sep, "/", "~")) or folder in (".", "..")
    return Path(folder).expanduser() if is_path else runs_folder() / "human_eval" / folder


def create(options) -> None:
    """Draw dialogues, collect replies, write the folder; cheap checks come first."""
    folder = place(options.folder)
    validation.check_new_folder(folder)
    senior = None if options.no_senior else options.senior
    validation.people(options.raters, senior)
    validation.check_shares(repeats=options.repeats, checks=options.checks)
    models = list(dict.fromkeys([*options.models, *(options.against or ())]))
    chosen = [(a, b) for a in options.models for b in options.against or ()] or None
    pairs = comparisons(chosen, models)
    if len(models) < 2:
        raise StudyError("Name two models or more, or some with --models and some with --against.")
    for model in models:
        check_can_reply(model)
    drop, keep = _rules(options.drop), _rules(options.keep)
    path = dialogues_file()
    found = load_dialogues()
    fit = usable(found, physician=PHYSICIAN in models, drop=drop[0], keep=keep[0])
    _, _ = draw(fit.dialogues, options.items, options.seed)  # refuses too many
    reserve = math.ceil(options.checks * options.items * len(pairs))
    wanted = min(options.items + reserve, len(fit.dialogues))
    pool, _ = draw(fit.dialogues, wanted, options.seed)
    replies = collect(models, pool, drop=drop[1], keep=keep[1], redact=options.redact)
    if not replies.dialogues:
        raise StudyError(f"No dialogue is left that can be rated: {_counted(replies.left_out)}.")
    flags = {
        item.id: [*fit.flags.get(item.id, ()), *replies.flags.get(item.id, ())]
        for item in replies.dialogues
    }
    study = create_study(
        folder,
        replies.dialogues,
        replies.texts,
        comparisons=pairs,
        items=min(options.items, len(replies.dialogues)),
        raters=options.raters,
        senior=senior,
        repeats=options.repeats,
        checks=options.checks,
        seed=options.seed,
        senior_sees=options.senior_sees,
        title=options.title,
        flags=flags,
        record=replies.record
        | {
            "dialogues": {"file": path.name, "sha256": file_digest(path), "rows": len(found)},
            "left_out": dict(fit.left_out) | _by_model(replies.left_out),
            "noted": _by_model(replies.noted),
        },
    )
    _tell(study, options.items, Counter(fit.left_out), replies, flags)


def _rules(names) -> tuple[list[str], list[str]]:
    """Rules of dialogues and rules of replies."""
    for name in names:
        if name not in RULES:
            raise StudyError(f"There is no rule {name!r}. Known: {', '.join(RULES)}.")
    of_replies = [name for name in names if name in REPLY_RULES]
    return [name for name in names if name not in REPLY_RULES], of_replies


def _by_model(counts: Counter) -> dict[str, int]:
    return {f"{model}: {rule}": number for (model, rule), number in sorted(counts.items())}


def _counted(counts: Counter) -> str:
    """Counts by rule; of no model, for the organiser may be a rater too."""
    by_rule: Counter = Counter()
    for name, number in counts.items():
        by_rule[name[1] if isinstance(name, tuple) else name] += number
    return "; ".join(f"{RULES[name].what}: {number}" for name, number in by_rule.items())


def _tell(study, asked: int, left_out: Counter, replies, flags) -> None:
    counts = study.design["counts"]
    print(f"Study: {study.folder}")
    print(
        f"  {counts['items']} items, {counts['pairs']} pairs, {counts['repeats']} repeats, "
        f"{counts['checks']} attention checks; each rater has {counts['cards']} cards."
    )
    if counts["items"] < asked:
        print(f"  {asked} items were asked for: too many replies could not be shown.")
    if data_root() == ROOT / "data" / "samples":
        print("  The dialogues are the synthetic samples: for trying out, not for results.")
    if total := left_out + replies.left_out:
        print(f"  Left out: {_counted(total)}.")
    noted = Counter(name for names in flags.values() for name in names if name in RULES)
    if noted := noted + replies.noted:
        print(f"  Kept and noted: {_counted(noted)}.")
    told = sum(number for (_, rule), number in replies.noted.items() if rule in TELLING)
    if told and replies.record["redacted"]:
        print(f"  Of what told who wrote a reply, {told} cases were taken out.")
    elif told:
        print(f"  In {told} cases a reply tells who wrote it; --redact takes such words out.")
    print(f"Codes: {CODES} in that folder. Hand each rater theirs, then delete the file.")
    print(f"Key: {KEY} in that folder. Raters must not read it; keep it elsewhere meanwhile.")
    print(f"Rating page: python -m benchhealth_utils.human_eval.rating_server {study.folder}")


def show_status(options) -> None:
    """Print how far each rater is."""
    study = open_study(place(options.folder))
    frame = status(study)
    print(f"{study.title} ({study.design['counts']['cards']} cards)\n")
    print(frame.to_string(index=False, na_rep="-", float_format=str))


def export(options) -> None:
    """Write one file a rater."""
    study = open_study(place(options.folder))
    ending, write, _ = FORMATS[options.format]
    for rater in options.rater or (*study.raters, *study.seniors):
        print(write(study, rater, Path(options.to) / f"{rater}{ending}"))


def take(options) -> None:
    """Take one file in."""
    study = open_study(place(options.folder))
    read = FORMATS[options.format][2]
    counts = read(study, options.file, options.rater, replace=options.replace)
    print(", ".join(f"{counts[name]} {name}" for name in ("new", "changed", "same")))


def renew(options) -> None:
    """Print a new code for one rater."""
    print(open_study(place(options.folder)).renew_code(options.rater))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchhealth_utils.human_eval",
        description="Human evaluation: two replies to a patient, side by side, blind.",
        epilog="Rules that leave items out or note them: "
        + "; ".join(
            f"{name} ({rule.what}; {'left out' if rule.drop else 'noted'}"
            f"{', always' if rule.fixed else ''})"
            for name, rule in RULES.items()
        ),
    )
    commands = parser.add_subparsers(dest="command", required=True)
    where = shown(runs_folder() / "human_eval")

    def command(name, run, text):
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("folder", help=f"the study: a path, or a name under {where}")
        made.set_defaults(run=run)
        return made

    new = command("create", create, "make a study folder")
    new.add_argument("--models", nargs="+", required=True, metavar="MODEL")
    new.add_argument(
        "--against",
        nargs="+",
        metavar="MODEL",
        help="compare each of --models with each of these; by default every two of --models",
    )
    new.add_argument("--items", type=int, default=200, help="dialogues to rate (200)")
    new.add_argument("--raters", nargs="+", default=["rater-1", "rater-2"], metavar="ID")
    new.add_argument("--senior", default="senior", metavar="ID", help="who settles (senior)")
    new.add_argument("--no-senior", action="store_true", help="nobody settles")
    new.add_argument("--senior-sees", choices=SENIOR_SEES, default="both")
    new.add_argument("--repeats", type=float, default=0.1, help="share shown twice (0.1)")
    new.add_argument("--checks", type=float, default=0.05, help="attention checks, share (0.05)")
    new.add_argument("--seed", type=int, help="draws everything; keep it from the raters")
    new.add_argument("--drop", nargs="+", default=[], metavar="RULE", help="leave these out")
    new.add_argument("--keep", nargs="+", default=[], metavar="RULE", help="only note these")
    new.add_argument("--redact", action="store_true", help="take out what tells who wrote a reply")
    new.add_argument("--title", default=TITLE)
    command("status", show_status, "progress of each rater, still blind")
    out = command("export", export, "cards and ratings as files, one a rater")
    out.add_argument("format", choices=FORMATS)
    out.add_argument("to", help="folder for the files")
    out.add_argument("--rater", nargs="+", metavar="ID", help="by default all")
    back = command("import", take, "take in ratings made elsewhere")
    back.add_argument("format", choices=FORMATS)
    back.add_argument("file")
    back.add_argument("--rater", metavar="ID", help="by default whom the file names")
    back.add_argument("--replace", action="store_true", help="the file counts where both speak")
    code = command("code", renew, "a new code for a rater who lost theirs")
    code.add_argument("rater", metavar="ID")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
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
