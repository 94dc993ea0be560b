"""Cards and ratings as a CSV file, out and in, for spreadsheets and for Label Studio.

One row a card; the rater fills in the columns of the criteria, ``difficult`` and ``comment``. A
blank cell says nothing. A text that a spreadsheet would run as a formula has an apostrophe before
it, which importing takes off. Label Studio takes the file as tasks, with the set-up in
``data/templates/label-studio.xml``, and its CSV export comes back here.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pandas as pd

from ..schema import BenchHealthError, DataError
from .sample import CRITERIA, expect, plain
from .study import Study, checked

ADVICE = "Mend it and import the file again; nothing was taken from it."
SHOWN = ("question", "left", "right")
HEADER = ("rater", "card", *SHOWN, *CRITERIA, "difficult", "comment")
NEEDED = {"card", *CRITERIA, "difficult", "comment"}
# what the raters said, for the senior; and what Label Studio adds
ASIDE = "raters id annotation_id annotator created_at updated_at lead_time".split()
RUNS = tuple("=+-@\t\r\n'＝＋－＠")  # what begins a formula, wide forms too, and the mark itself
MARKS = dict.fromkeys("yes y true 1 x".split(), True) | dict.fromkeys("no n false 0".split(), False)


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

    The senior's have a column ``raters`` beside, if the senior may see what they said.

    Parameters
    ----------
    study : Study
    rater : str
    path : path-like
        A new file; UTF-8 with a mark that spreadsheets go by.

    Raises
    ------
    StudyError
        If the file exists, or there is no such rater.
    """
    path, said, rows = Path(path).expanduser(), study.said(rater), []
    expect(not path.exists(), f"{path} is there already. Name another file, or remove it first.")
    for card in study.asked(rater):
        row = dict.fromkeys(HEADER, "") | study.card(card) | said.get(card, {})
        row |= {"rater": rater, "card": card, "difficult": "yes" if row["difficult"] else ""}
        if others := study.others(rater, card):
            row["raters"] = _in_words(others)
        rows.append({name: safe(text) for name, text in row.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows, columns=None if rows else HEADER)
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL, encoding="utf-8-sig")
    return path


def _in_words(others: list[dict]) -> str:
    """What the raters said of a card: a line a field, such as ``faithfulness: left | tie``."""
    said = {key: [str(one.get(key, "nothing")) for one in others] for key in CRITERIA}
    said["difficult"] = ["yes" if one.get("difficult") else "no" for one in others]
    said["comment"] = [one.get("comment", "") for one in others]
    return "\n".join(f"{key}: {' | '.join(texts)}" for key, texts in said.items())


def import_csv(
    study: Study, path: str | Path, rater: str | None = None, *, replace: bool = False
) -> Counter:
    """Take in a file that `export_csv` wrote and a rater filled in: all of it, or nothing.

    Parameters
    ----------
    study : Study
    path : path-like
        Separated by commas, semicolons or tabs, as spreadsheets of different countries save it.
    rater : str, optional
        By default whom the file names.
    replace : bool
        Whether the file's word counts where the study has another one.

    Returns
    -------
    Counter
        Values that were ``new``, ``changed``, and the ``same`` as before.

    Raises
    ------
    DataError
        With the first row that is wrong; nothing is taken then.
    StudyError
        If the study is closed, or the senior has decided a card.
    """
    path, rows = Path(path), _rows(Path(path))
    rater = rater or next((row["rater"] for row in rows.values() if row.get("rater")), "")
    if not rater:
        raise DataError(path, "", "it does not say whose ratings these are.", "Name the rater.")
    # of the senior's any, for raters may have come to agree while a file was away
    own, known, events, counts = set(study.order(rater)), study.said(rater), [], Counter()
    for where, row in rows.items():
        card, before = row["card"], {"difficult": False, "comment": ""} | known.get(row["card"], {})
        try:
            named = row.get("rater") or rater
            expect(named == rater, f"it is {named}'s, not {rater}'s.")
            expect(card in own, f"{card!r} is not one of {rater}'s cards, or stands here twice.")
            own.remove(card)
            for name, text in study.card(card).items():
                problem = f"the text under '{name}' is not that of card {card!r}; was one column "
                same = row.get(name, text).split() == text.split()
                expect(same, f"{problem}sorted without the others?")
            said = {name: checked(name, value) for name, value in _said(row).items()}
            changed = {name for name, value in said.items() if value != before.get(name)}
            over = {name for name in changed if before.get(name)}
            problem = f"the study has {', '.join(over)} of card {card!r} otherwise by now."
            expect(replace or not over, f"{problem} If the file is right, import with --replace.")
        except BenchHealthError as error:
            raise DataError(path, where, str(error), ADVICE) from None
        counts.update(new=len(changed - over), changed=len(over), same=len(said) - len(changed))
        events += [(card, name, said[name]) for name in said if name in changed]
    study.rate(rater, events)
    return counts


def _said(row: dict[str, str]) -> dict[str, object]:
    """Field to value of what a row says; blank cells say nothing."""
    cells = {name: row[name].strip() for name in (*CRITERIA, "difficult", "comment")}
    said = {name: cell if name == "comment" else cell.lower() for name, cell in cells.items()}
    said["difficult"] = MARKS.get(said["difficult"], said["difficult"])
    return {name: value for name, value in said.items() if value != ""}


def _rows(path: Path) -> dict[str, dict[str, str]]:
    """Named cells of each row that is not blank, by its number in a spreadsheet."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        cut = max(",;\t", key=text.partition("\n")[0].count)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=cut, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        problem = f"cannot be read as CSV ({error}). Save it as 'CSV UTF-8'."
        raise DataError(path, "", problem, ADVICE) from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    named = [name for name in header if name]
    if NEEDED - set(named) or set(named) - {*HEADER, *ASIDE} or len(set(named)) < len(named):
        problem = f"the columns are {', '.join(header)}; expected {', '.join(HEADER)}."
        raise DataError(path, "row 1", problem, ADVICE)
    rows = {}
    for number, cells in enumerate(lines[1:], 2):
        pairs = [*zip(header, cells, strict=False)]
        if len(cells) != len(header) and any(cells) or any(not x and y.strip() for x, y in pairs):
            problem = f"{len(cells)} cells under {len(named)} columns; cut off or not quoted?"
            raise DataError(path, f"row {number}", problem, ADVICE)
        if any(cell.strip() for cell in cells):
            rows[f"row {number}"] = {name: plain(unsafe(cell)) for name, cell in pairs}
    if not rows or len({row.get("annotator") for row in rows.values()}) > 1:
        problem = "more than one annotator: export each one's work apart." if rows else "no rating."
        raise DataError(path, "", problem, ADVICE)
    return rows
