"""Opening files of every layout, strictly: an error says where and what."""

from __future__ import annotations

import csv
import gzip
import io
import re
import tarfile
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic_core import from_json

from ..schema import DataError

UNPACKED = 2**29  # bytes that an archive may unpack to; the largest official one has a third
TOO_LARGE = "it would unpack to more than 512 MiB; expected the official archive."
GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
# RuntimeError: zipfile, on an encrypted or unknown member
ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError)


class Place:
    """A file, or a line, record or member of it; what is wrong there is refused by name."""

    def __init__(self, path: Path | str, where: str = ""):
        self.path, self.where = path, where

    def reject(self, problem: str) -> NoReturn:
        raise DataError(self.path, self.where, problem) from None

    def expect(self, holds: Any, problem: str) -> None:
        """Refuse what does not hold."""
        if not holds:
            self.reject(problem)

    def once(self, seen: set, identifier: Any) -> None:
        """Add an identifier to those seen; refuse one that is there already."""
        self.expect(identifier not in seen, f"'{identifier}' occurs twice; expected once.")
        seen.add(identifier)

    def within(self, part: str) -> Place:
        return Place(self.path, f"{self.where}, {part}")

    def xml(self, data: bytes) -> ET.Element:
        try:
            return ET.fromstring(data)
        except (ET.ParseError, LookupError, ValueError) as error:
            self.reject(f"not whole XML ({error}).")


class Row(Place):
    """A row of a table or an object of a JSON file: its fields by name, checked."""

    def __init__(self, path: Path | str, where: str, values: Any):
        super().__init__(path, where)
        kind = type(values).__name__
        self.expect(isinstance(values, dict), f"expected a JSON object, found {kind}.")
        self.values = values

    def field(self, name: str, kind: type = str) -> Any:
        """One field: there, of the right type, and not blank."""
        found = ", ".join(map(str, self.values)) or "nothing"
        self.expect(name in self.values, f"no '{name}'; found: {found}.")
        value = self.values[name]
        right = isinstance(value, kind) and not isinstance(value, bool)
        self.expect(right, f"'{name}' is {type(value).__name__}; expected {kind.__name__}.")
        blank = kind is not int and not (value.strip() if kind is str else value)
        self.expect(not blank, f"'{name}' is empty.")
        return value

    def inside(self, name: str) -> Row:
        """An object that is a field of this one."""
        return Row(self.path, f"{self.where}, {name}", self.field(name, dict))


def decoded(stream: Iterable[bytes], path: Path | str) -> Iterator[str]:
    """Lines of a UTF-8 file, strictly; nothing-at-all and saved web pages are refused.

    A line keeps its end, which is ``\\n`` also where Windows wrote it.
    """
    number, blank = 0, True
    try:
        for number, raw in enumerate(stream, 1):
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            if blank:
                page = line.lstrip().lower().startswith(("<!doctype html", "<html"))
                problem = "this is a web page (an error page?), not the data file."
                Place(path, "line 1").expect(not page, problem)
                blank = not line.strip()
            yield line.replace("\r\n", "\n") if "\r" in line else line
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        Place(path, f"line {number}").reject(f"{byte}; the official file is UTF-8.")
    except GZIP as error:
        Place(path, f"after line {number}").reject(f"not a whole gzip file ({error}).")
    Place(path).expect(not blank, "the file is empty.")


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a text file as `decoded` gives them; unpacked if its name ends in ``.gz``."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield from decoded(stream, path)
    except FileNotFoundError:
        Place(path).reject("the file is missing.")
    except OSError as error:
        Place(path).reject(f"cannot be read ({error.strerror}).")


def text(data: bytes, path: Path | str) -> str:
    """The text of an archive's member."""
    return "".join(decoded(io.BytesIO(data), path))


def either(path: Path) -> Path:
    """The file packed with gzip, or the same unpacked if only that exists."""
    packed = path.with_name(f"{path.name}.gz")
    return path if path.exists() and not packed.exists() else packed


def filled_lines(path: Path) -> Iterator[tuple[Place, str]]:
    """Each line of a text file that is not blank, without white space around it."""
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            yield Place(path, f"line {number}"), line.strip()


def json_lines(path: Path) -> Iterator[Row]:
    """The object of each line of a JSON Lines file."""
    for place, line in filled_lines(path):
        yield Row(path, place.where, _json(line, place))


def json_document(path: Path) -> Any:
    """The whole file as one JSON value."""
    return _json("".join(text_lines(path)), Place(path))


def _json(text: str, place: Place) -> Any:
    """A JSON value; neither half of a surrogate pair nor endless digits or brackets."""
    try:
        return from_json(text)
    except ValueError as error:
        place.reject(f"JSON that cannot be read ({error}); cut off?")


def csv_lines(path: Path) -> Iterator[tuple[Place, list[str]]]:
    """The cells of each row of a quoted CSV file, and the line where it ends."""
    csv.field_size_limit(2**31 - 1)
    reader, before = csv.reader(text_lines(path), strict=True), 0
    try:
        for row in reader:
            start = "row ending at " if reader.line_num > before + 1 else ""
            before = reader.line_num
            if row:
                yield Place(path, f"{start}line {before}"), row
    except csv.Error as error:
        Place(path, f"line {reader.line_num}").reject(f"not a whole quoted CSV ({error}).")


def csv_table(path: Path, columns=(), headed: bool = True, named=()) -> Iterator[Row]:
    """The rows of a quoted CSV; its header, if it is `headed`, may also be all capitals.

    Without `columns` any header will do that has those `named`.

    What stands in place of the header is not repeated: it may be a patient.
    """
    rows = csv_lines(path)
    if headed:
        place, cells = next(rows)
        columns = columns or cells
        missing = ", ".join(x for x in columns if x not in cells) or "none, but the order"
        problem = f"the header is not {', '.join(columns)} (missing: {missing})."
        place.expect(columns in (cells, [name.upper() for name in cells]), problem)
        place.expect(len(set(cells)) == len(cells), "two columns have the same name.")
        problem = f"in the header (columns: {len(cells)}); does the file begin with a header?"
        if set(";\t") & set("".join(cells)):
            problem += " Are its columns separated by semicolons or tabs? Save it with commas."
        for name in filter(None, named):
            place.expect(name in cells, f"no '{name}' {problem}")
    for place, cells in rows:
        count = f"{len(cells)} cells; expected {len(columns)}. Cut off or not quoted?"
        place.expect(len(cells) == len(columns), count)
        yield Row(path, place.where, dict(zip(columns, cells, strict=True)))


def tsv_table(path: Path, header: list[str]) -> Iterator[tuple[Place, list[str]]]:
    """As `tsv_lines`, of a file with a header; empty lines are passed over."""
    rows = tsv_lines(path, len(header))
    place, found = next(rows)
    place.expect(found == header, f"the header is not {', '.join(header)}.")
    return ((place, cells) for place, cells in rows if cells)


def tsv_lines(path: Path, columns: int) -> Iterator[tuple[Place, list[str]]]:
    """The cells of each line of a tab-separated file without any quoting; none if it is empty.

    A cell that carries the traces of CSV quoting is refused: such a file has
    been re-saved by a spreadsheet and may have swallowed lines.
    """
    for number, line in enumerate(text_lines(path), 1):
        place, line = Place(path, f"line {number}"), line.removesuffix("\n")
        cells = line.split("\t") if line else []
        count = f"{len(cells)} tab-separated cells; expected {columns}."
        place.expect(len(cells) in (0, columns), count)
        quoted = any(x == '""""' or (x[:1] == x[-1:] == '"' and '""' in x[1:-1]) for x in cells)
        place.expect(not quoted, "the cell carries CSV quoting; the official file has none.")
        yield place, cells


def assigned(rows: Iterable[tuple[Place, str, str]], part: str, parts: Sequence[str]) -> list[str]:
    """The identifiers that the rows of a list give to one of the parts of a data set."""
    found: list[str] = []
    seen: set[str] = set()
    for place, identifier, named in rows:
        place.expect(named in parts, f"split is '{named}'; expected {', '.join(parts)}.")
        place.once(seen, identifier)
        found += [identifier] if named == part else []
    return found


def members(archive: Path, top: str, suffix: str) -> dict[str, bytes]:
    """The members of an archive, or the files of the folder it unpacks to.

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
        Member name, sorted, to its bytes.
    """
    place, folder = Place(archive), archive.parent / top
    there = archive.exists() or folder.is_dir()
    place.expect(there, f"neither this file nor the folder {top}/ is there.")
    try:
        found = dict(_packed(archive) if archive.exists() else _unpacked(folder, suffix))
    except ARCHIVE as error:
        place.reject(f"not a whole archive ({error}).")
    pattern = rf"{re.escape(top)}/(.*/)?[^./][^/]*{re.escape(suffix)}"
    names = sorted(name for name in found if re.fullmatch(pattern, name))
    place.expect(names, f"no {suffix} file under {top}/ in it.")
    return {name: found[name] for name in names}


def _unpacked(folder: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob(f"*{suffix}"):
        yield path.relative_to(folder.parent).as_posix(), path.read_bytes()


def _packed(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            size = sum(item.file_size for item in packed.infolist())
            Place(archive).expect(size <= UNPACKED, TOO_LARGE)
            yield from ((name, packed.read(name)) for name in packed.namelist())
        return
    with gzip.open(archive) as packed:  # as a whole first, so that its checksum is verified
        whole = packed.read(UNPACKED + 1)
    Place(archive).expect(len(whole) <= UNPACKED, TOO_LARGE)
    with tarfile.open(fileobj=io.BytesIO(whole)) as packed:
        for item in filter(tarfile.TarInfo.isfile, packed):
            yield item.name, packed.extractfile(item).read()
