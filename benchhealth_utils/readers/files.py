"""Opening files of every layout, with errors that say where and what."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..schema import DataError


def text(data: bytes, path) -> str:
    """Decode UTF-8 strictly; refuse nothing-at-all and saved web pages.

    Line ends of Windows become ``\\n``.
    """
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            path,
            f"line {line}",
            f"byte 0x{data[error.start]:02x} is not UTF-8; the official file is UTF-8.",
        ) from None
    start = decoded.lstrip()[:200].lower()
    if not start:
        raise DataError(path, "", "the file is empty.")
    if start.startswith(("<!doctype html", "<html")):
        raise DataError(path, "line 1", "this is a web page (an error page?), not the data file.")
    return decoded.replace("\r\n", "\n")


def read_bytes(path: Path) -> bytes:
    """The file's bytes; a missing file is a `DataError` that says so."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(path, "", "the file is missing.") from None
    except OSError as error:
        raise DataError(path, "", f"cannot be read ({error.strerror}).") from None


def read_text(path: Path) -> str:
    """The file's text, UTF-8, unpacked if the name ends in ``.gz``."""
    data = read_bytes(path)
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(path, "", f"not a whole gzip file ({error}).") from None
    return text(data, path)


def either(*paths: Path) -> Path:
    """The first of several equivalent files that exists, else the first."""
    return next((path for path in paths if path.exists()), paths[0])


def json_lines(path: Path) -> Iterator[tuple[int, dict]]:
    """Line number (from 1) and object of each line of a JSON Lines file."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_keys_once(path, number))
        except json.JSONDecodeError as error:
            raise DataError(
                path, f"line {number}", f"not a JSON object ({error}); cut off?"
            ) from None
        if not isinstance(row, dict):
            raise DataError(
                path,
                f"line {number}",
                f"expected a JSON object, found {type(row).__name__}.",
            )
        yield number, row


def json_document(path: Path):
    """The whole file as one JSON value; a key that occurs twice is refused."""
    try:
        return json.loads(read_text(path), object_pairs_hook=_keys_once(path))
    except json.JSONDecodeError as error:
        raise DataError(
            path, f"line {error.lineno}", f"not whole JSON ({error.msg}); cut off?"
        ) from None


def _keys_once(path, line=None):
    def build(pairs):
        seen = set()
        for key, _ in pairs:
            once(seen, key, path, f"line {line}" if line else f"key '{key}'")
        return dict(pairs)

    return build


def once(seen: set, identifier, path, where: str) -> None:
    """Add an identifier to those seen; refuse one that is there already."""
    if identifier in seen:
        raise DataError(path, where, f"'{identifier}' occurs twice; expected once.")
    seen.add(identifier)


def csv_table(path: Path, header: list[str]) -> Iterator[tuple[int, dict]]:
    """Line number and row, by column name, of a quoted CSV with a header."""
    rows = csv_lines(path)
    _, found = next(rows)
    if found != header:
        missing = [name for name in header if name not in found]
        raise DataError(
            path,
            "line 1",
            f"the header is {', '.join(found)}; expected {', '.join(header)}"
            + (f" (missing: {', '.join(missing)})." if missing else "."),
        )
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(
                path,
                f"line {number}",
                f"{len(row)} cells; expected {len(header)}. Cut off or not quoted?",
            )
        yield number, dict(zip(header, row, strict=True))


def csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number (where the row ends) and cells of a quoted CSV file."""
    yield from csv_stream(io.StringIO(read_text(path), newline=""), path)


def csv_stream(stream, path) -> Iterator[tuple[int, list[str]]]:
    """As `csv_lines`, from an open text stream."""
    limit = csv.field_size_limit(2**31 - 1)
    try:
        reader = csv.reader(stream, strict=True)
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            path,
            f"line {reader.line_num}",
            f"not a whole quoted CSV ({error}).",
        ) from None
    finally:
        csv.field_size_limit(limit)


def tsv_lines(path: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of a tab-separated file without any quoting.

    A cell that carries the traces of CSV quoting is refused: such a file has
    been re-saved by a spreadsheet and may have swallowed lines.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line:
            yield number, []
            continue
        cells = line.split("\t")
        if len(cells) != columns:
            raise DataError(
                path,
                f"line {number}",
                f"{len(cells)} tab-separated cells; expected {columns}.",
            )
        for cell in cells:
            if cell == '""""' or (
                len(cell) > 2 and cell[0] == cell[-1] == '"' and '""' in cell[1:-1]
            ):
                raise DataError(
                    path,
                    f"line {number}",
                    "the cell carries CSV quoting; the official file has none.",
                )
        yield number, cells


def row_lines(path: Path) -> list[str]:
    """Non-empty lines of a plain list of identifiers."""
    return [line.strip() for line in read_text(path).split("\n") if line.strip()]


def field(row: dict, name: str, path, where: str, kind=str):
    """One field of a row: there, of the right type, and not blank."""
    if not isinstance(row, dict):
        raise DataError(path, where, f"expected a JSON object, found {type(row).__name__}.")
    if name not in row:
        raise DataError(
            path, where, f"no '{name}'; found: {', '.join(map(str, row)) or 'nothing'}."
        )
    value = row[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(
            path,
            where,
            f"'{name}' is {type(value).__name__}; expected {kind.__name__}.",
        )
    if isinstance(value, (str, list, dict)) and not (
        value.strip() if isinstance(value, str) else value
    ):
        raise DataError(path, where, f"'{name}' is empty.")
    return value
