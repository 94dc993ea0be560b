"""Cards as a CSV file that a spreadsheet opens, and back.

One row a card; the rater fills in the columns of the criteria, ``difficult`` and
``comment``. A blank cell says nothing. A text that a spreadsheet would run as a
formula has an apostrophe before it, which importing takes off.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from ..schema import DataError
from .criteria import CHOICES, CRITERIA
from .exchange import ADVICE, SHOWN, Row, new_file, raters_said, rows_of, take_in, verdict
from .folder import StudyError, plain, write_text
from .folder_study import Study

HEADER = ("rater", "card", *SHOWN, *CRITERIA, "difficult", "comment")
SAID = "raters"  # the senior's column of what the raters said; importing leaves it aside
NEEDED = ("card", *CRITERIA, "difficult", "comment")
# What begins a formula in a spreadsheet, wide forms too, and the mark itself.
RUNS = tuple("=+-@\t\r\n'＝＋－＠")
CELL = 32_767  # characters that a cell holds
YES, NO = ("yes", "y", "true", "1", "x"), ("no", "n", "false", "0")


def safe(text: str) -> str:
    """A cell that is shown, not run.

    >>> safe('=HYPERLINK("x")')
    '\\'=HYPERLINK("x")'
    """
    return f"'{text}" if text.startswith(RUNS) else text


def unsafe(cell: str) -> str:
    """The text that `safe` made a cell of.

    >>> unsafe(safe("-1")), unsafe("it's")
    ('-1', "it's")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(RUNS) else cell


def export_csv(study: Study, rater: str, path: str | Path) -> Path:
    """Write a rater's cards, with what was said of them so far.

    The senior's have a column ``raters`` beside, if the design lets the senior see it.

    Parameters
    ----------
    study : Study
    rater : str
    path : path-like
        A new file; UTF-8 with a mark that spreadsheets go by.

    Raises
    ------
    StudyError
        If the file exists, there is no such rater, or a text is longer than a cell.
    """
    told = raters_said(study, rater)
    rows = []
    for card, judged in rows_of(study, rater):
        said = [judged.choices.get(key, "") for key in CRITERIA]
        marks = ["yes" if judged.difficult else "", judged.comment]
        row = [rater, card.id, card.question, card.left, card.right, *said, *marks]
        row += [told[card.id]] if told else []
        if (longest := max(map(len, row))) >= CELL:
            raise StudyError(
                f"Card {card.id}: a text of {longest:,} characters; a spreadsheet's cell holds "
                f"{CELL:,}. Use the rating page or Label Studio for this study."
            )
        rows.append([safe(cell) for cell in row])
    table = io.StringIO()
    header = [*HEADER, SAID] if told else HEADER
    csv.writer(table, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    path = new_file(path)
    write_text(path, "\ufeff" + table.getvalue())
    return path


def import_csv(
    study: Study, path: str | Path, rater: str | None = None, *, replace: bool = False
) -> Counter:
    """Take in a file that `export_csv` wrote and a rater filled in.

    Parameters
    ----------
    study : Study
    path : path-like
        Separated by commas, semicolons or tabs, as spreadsheets of different
        countries save it.
    rater : str, optional
        By default whom the file names.
    replace : bool
        Whether the file's word counts where the study has another one.

    Returns
    -------
    Counter
        As of `exchange.take_in`.

    Raises
    ------
    DataError
        With the row that is wrong; nothing is taken then.
    """
    path = Path(path)
    return take_in(study, rater, list(_rows(path)), path, replace=replace)


def _rows(path: Path):
    lines = _table(path)
    _, header = next(lines, ("", []))
    header = [cell.strip().lower() for cell in header]
    missing = [name for name in NEEDED if name not in header]
    strange = [name for name in header if name and name not in (*HEADER, SAID)]
    twice = [name for name, count in Counter(filter(None, header)).items() if count > 1]
    for names, what in ((missing, "no column"), (strange, "unknown:"), (twice, "twice:")):
        if names:
            problem = f"{what} {', '.join(names)}; the columns are {', '.join(HEADER)}."
            raise DataError(path, "row 1", problem, ADVICE)
    for where, cells in lines:
        if len(cells) != len(header):
            problem = f"{len(cells)} cells under {len(header)} columns; cut off or not quoted?"
            raise DataError(path, where, problem, ADVICE)
        named = zip(header, cells, strict=True)
        stray = [cell for name, cell in named if not name and cell.strip()]
        if stray:
            problem = f"{stray[0]!r} stands under no column's name."
            raise DataError(path, where, problem, ADVICE)
        row = {name: unsafe(cell) for name, cell in zip(header, cells, strict=True) if name}
        yield Row(
            where,
            row["card"].strip(),
            _said(row, path, where),
            {name: plain(row[name]) for name in SHOWN if name in row},
            row.get("rater", "").strip(),
        )


def _said(row: dict[str, str], path: Path, where: str) -> dict[str, object]:
    said: dict[str, object] = {}
    for key in CRITERIA:
        if choice := verdict(row[key]):
            if choice not in CHOICES:
                problem = f"{key} is {row[key]!r}; expected left, tie, right or nothing."
                raise DataError(path, where, problem, ADVICE)
            said[key] = choice
    if mark := verdict(row["difficult"]):
        if mark not in YES + NO:
            problem = f"difficult is {row['difficult']!r}; expected yes, no or nothing."
            raise DataError(path, where, problem, ADVICE)
        said["difficult"] = mark in YES
    if row["comment"].strip():
        said["comment"] = row["comment"]
    return said


def _table(path: Path):
    """Rows that are not blank, by their number in a spreadsheet."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(path, "", f"cannot be read ({error.strerror}).", ADVICE) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = "not UTF-8. Save it from the spreadsheet as 'CSV UTF-8'."
        raise DataError(path, f"line {line}", problem, ADVICE) from None
    first = text.split("\n", 1)[0]
    if first.lower().startswith("sep="):
        text = text[len(first) + 1 :]
        first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    limit = csv.field_size_limit(2**31 - 1)
    number = 0
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for number, cells in enumerate(rows, 1):
            if any(cell.strip() for cell in cells):
                yield f"row {number}", cells
    except csv.Error as error:
        problem = f"not a whole quoted CSV ({error})."
        raise DataError(path, f"row {number + 1}", problem, ADVICE) from None
    finally:
        csv.field_size_limit(limit)
