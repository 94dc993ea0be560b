"""The command line: make a study, see how far it is, take ratings out and in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..models import BUDGET
from ..schema import BenchHealthError, runs_folder, shown
from .commands import add_commands
from .creation import SENIOR_SEES, TITLE
from .folder import place
from .folder_study import open_study
from .label_studio import export_label_studio, import_label_studio
from .making import RULES, create
from .spreadsheets import export_csv, import_csv
from .status import status

FORMATS = {
    "csv": (".csv", export_csv, import_csv),
    "label-studio": (".json", export_label_studio, import_label_studio),
}


def show_status(options) -> None:
    """Print how far each rater is."""
    study = open_study(place(options.folder))
    frame = status(study)
    print(f"{study.title} ({study.design['counts']['cards']} cards)\n")
    print(frame.to_string(index=False, na_rep="-", float_format=str))
    if study.closed:
        print("\nClosed: nobody can rate. `reopen` lets them go on.")


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


def close(options) -> None:
    """End the rating, on open pages too."""
    open_study(place(options.folder)).close()
    print("Closed: everything can be read and nothing rated. `reopen` lets raters go on.")


def reopen(options) -> None:
    """Let raters go on."""
    open_study(place(options.folder)).reopen()
    print("Open: raters can go on.")


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
    new.add_argument("--seed", type=int, default=0, help="of the sample alone (0)")
    new.add_argument("--drop", nargs="+", default=[], metavar="RULE", help="leave these out")
    new.add_argument("--keep", nargs="+", default=[], metavar="RULE", help="only note these")
    new.add_argument(
        "--redact", action="store_true", help="take out words that tell who wrote a reply"
    )
    new.add_argument(
        "--budget",
        type=float,
        default=BUDGET,
        help=f"dollars for models behind an API ({BUDGET:g})",
    )
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
    add_commands(command)
    code = command("code", renew, "a new code for a rater who lost theirs")
    code.add_argument("rater", metavar="ID")
    command("close", close, "end the rating, on open pages too")
    command("reopen", reopen, "let raters go on after a close")
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
