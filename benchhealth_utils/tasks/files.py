"""Opening files of every layout, strictly: an error says where and what."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tarfile
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ..schema import DataError

_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError,
    RuntimeError,  # zipfile, on an encrypted or unknown member
)  # fmt: skip


class Place:
    """A file, or a line, record or member of it; what is wrong there is refused by name."""

    def __init__(self, path: Path | str, where: str = ""):
        self.path, self.where = path, where

    def reject(self, problem: str) -> NoReturn:
        raise DataError(self.path, self.where, problem) from None

    def once(self, seen: set, identifier) -> None:
        """Add an identifier to those seen; refuse one that is there already."""
        if identifier in seen:
            self.reject(f"'{identifier}' occurs twice; expected once.")
        seen.add(identifier)

    def xml(self, data: bytes) -> ET.Element:
        try:
            return ET.fromstring(data)
        except (ET.ParseError, LookupError, ValueError) as error:
            self.reject(f"not whole XML ({error}).")


class Row(Place):
    """A row of a table or an object of a JSON file: its fields by name, checked."""

    def __init__(self, path: Path | str, where: str, values: Mapping):
        super().__init__(path, where)
        if not isinstance(values, dict):
            self.reject(f"expected a JSON object, found {type(values).__name__}.")
        self.values = values

    def field(self, name: str, kind: type = str) -> Any:
        """One field: there, of the right type, and not blank."""
        if name not in self.values:
            found = ", ".join(map(str, self.values)) or "nothing"
            self.reject(f"no '{name}'; found: {found}.")
        value = self.values[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            self.reject(f"'{name}' is {type(value).__name__}; expected {kind.__name__}.")
        if kind is not int and not (value.strip() if kind is str else value):
            self.reject(f"'{name}' is empty.")
        return value

    def inside(self, name: str) -> Row:
        """An object that is a field of this one."""
        return Row(self.path, f"{self.where}, {name}", self.field(name, dict))


def text(data: bytes, path: Path | str) -> str:
    """Decode UTF-8 strictly; refuse nothing-at-all and saved web pages.

    Line ends of Windows become ``\\n``.
    """
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte, line = data[error.start], data[: error.start].count(b"\n") + 1
        place = Place(path, f"line {line}")
        place.reject(f"byte 0x{byte:02x} is not UTF-8; the official file is UTF-8.")
    start = decoded.lstrip()[:200].lower()
    if not start:
        Place(path).reject("the file is empty.")
    if start.startswith(("<!doctype html", "<html")):
        Place(path, "line 1").reject("this is a web page (an error page?), not the data file.")
    return decoded.replace("\r\n", "\n")


def read_bytes(path: Path) -> bytes:
    """The file's bytes; a missing file is a `DataError` that says so."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        Place(path).reject("the file is missing.")
    except OSError as error:
        Place(path).reject(f"cannot be read ({error.strerror}).")


def read_text(path: Path) -> str:
    """The file's text, UTF-8, unpacked if the name ends in ``.gz``."""
    data = read_bytes(path)
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            Place(path).reject(f"not a whole gzip file ({error}).")
    return text(data, path)


def either(path: Path) -> Path:
    """The file packed with gzip, or the same unpacked if only that exists."""
    packed = path.with_name(f"{path.name}.gz")
    return path if path.exists() and not packed.exists() else packed


def lines(path: Path) -> Iterator[tuple[Place, str]]:
    """Each line of a text file that is not blank, and its place."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield Place(path, f"line {number}"), line


def json_lines(path: Path) -> Iterator[Row]:
    """The object of each line of a JSON Lines file."""
    for place, line in lines(path):
        yield Row(path, place.where, _json(line, path, place.where))


def json_document(path: Path) -> Any:
    """The whole file as one JSON value; a key that occurs twice is refused."""
    return _json(read_text(path), path)


def _json(text: str, path: Path, where: str = "") -> Any:
    """A JSON value; `where` is empty if the text is the whole file."""

    def once(pairs):
        seen = set()
        for key, _ in pairs:
            Place(path, where or f"key '{key}'").once(seen, key)
        return dict(pairs)

    def line_of(pattern):
        found = re.search(pattern, text)
        return where or (f"line {text.count(chr(10), 0, found.start()) + 1}" if found else "")

    try:
        value = json.loads(text, object_pairs_hook=once)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        kind = "a JSON object" if where else "whole JSON"
        problem = f"not {kind} ({error.msg} at column {error.colno}); cut off?"
        Place(path, where or f"line {error.lineno}").reject(problem)
    except RecursionError:
        deep = Place(path, line_of(r"(?:[\[{][^\[\]{}]*){100}"))
        deep.reject("brackets within brackets, too deep to be read.")
    except UnicodeEncodeError:
        lone = r"(?i)\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f].."
        Place(path, line_of(lone)).reject("half of a surrogate pair (\\ud...), no character.")
    except DataError:
        raise
    except ValueError:
        Place(path, line_of(r"\d{4300}")).reject("a number of thousands of digits.")


def csv_table(path: Path, header: list[str]) -> Iterator[Row]:
    """The rows of a quoted CSV with a header."""
    rows = csv_lines(path)
    _, found = next(rows)
    if found != header:
        missing = ", ".join(name for name in header if name not in found)
        problem = f"the header is {', '.join(found)}; expected {', '.join(header)}"
        Place(path, "line 1").reject(problem + (f" (missing: {missing})." if missing else "."))
    for place, cells in rows:
        if len(cells) != len(header):
            count = f"{len(cells)} cells; expected {len(header)}."
            place.reject(f"{count} Cut off or not quoted?")
        yield Row(path, place.where, dict(zip(header, cells, strict=True)))


def csv_lines(path: Path) -> Iterator[tuple[Place, list[str]]]:
    """The cells of each row of a quoted CSV file, and the line where it ends."""
    return csv_stream(io.StringIO(read_text(path), newline=""), path)


def csv_stream(stream, path: Path) -> Iterator[tuple[Place, list[str]]]:
    """As `csv_lines`, from an open text stream."""
    limit = csv.field_size_limit(2**31 - 1)
    reader, before = csv.reader(stream, strict=True), 0
    try:
        for row in reader:
            where = f"{'row ending at ' * (reader.line_num > before + 1)}line {reader.line_num}"
            before = reader.line_num
            if row:
                yield Place(path, where), row
    except csv.Error as error:
        Place(path, f"line {reader.line_num}").reject(f"not a whole quoted CSV ({error}).")
    finally:
        csv.field_size_limit(limit)


def tsv_lines(path: Path, columns: int) -> Iterator[tuple[Place, list[str]]]:
    """The cells of each line of a tab-separated file without any quoting; none if it is empty.

    A cell that carries the traces of CSV quoting is refused: such a file has
    been re-saved by a spreadsheet and may have swallowed lines.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        place, cells = Place(path, f"line {number}"), line.split("\t") if line else []
        if line and len(cells) != columns:
            place.reject(f"{len(cells)} tab-separated cells; expected {columns}.")
        if any(x == '""""' or (x[:1] == x[-1:] == '"' and '""' in x[1:-1]) for x in cells):
            place.reject("the cell carries CSV quoting; the official file has none.")
        yield place, cells


def members(archive: Path, top: str, suffix: str) -> dict[str, Callable[[], bytes]]:
    """Readers of an archive's members, or of the folder it unpacks to.

    Parameters
    ----------
    archive : Path
        A ``.zip`` or ``.tgz`` file; where it does not exist, the folder
        ``archive.parent / top`` is taken in its place.
    top : str
        Top folder inside the archive.
    suffix : str
        Only members with this ending are listed.

    Returns
    -------
    dict
        Member name, sorted, to a function that returns its bytes.
    """
    folder, here = archive.parent / top, Place(archive)
    if archive.exists():
        try:
            found = _packed(archive, suffix)
        except _DAMAGED as error:
            here.reject(f"not a whole archive ({error}).")
    elif folder.is_dir():
        files = folder.rglob(f"*{suffix}")
        found = {path.relative_to(archive.parent).as_posix(): path.read_bytes for path in files}
    else:
        here.reject(f"neither this file nor the folder {folder.name}/ is there.")
    found = {
        name: found[name]
        for name in sorted(found)
        if name.startswith(f"{top}/") and not name.rsplit("/", 1)[-1].startswith(".")
    }
    return found or here.reject(f"no {suffix} file under {top}/ in it.")


def _packed(archive: Path, suffix: str) -> dict[str, Callable[[], bytes]]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            if damaged := packed.testzip():
                Place(archive, damaged).reject("the member is damaged.")
            data = {name: packed.read(name) for name in packed.namelist() if name.endswith(suffix)}
    else:  # unpacked as a whole first, so that its checksum is verified
        whole = io.BytesIO(gzip.decompress(read_bytes(archive)))
        with tarfile.open(fileobj=whole) as packed:
            kept = (item for item in packed if item.isfile() and item.name.endswith(suffix))
            data = {item.name: packed.extractfile(item).read() for item in kept}
    return {name: (lambda raw=raw: raw) for name, raw in data.items()}
