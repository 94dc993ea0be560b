"""Damaged files: every one is refused, and the error says where and what.

Each row of ``cases/damage.yaml`` damages a fresh copy of one sample set; the message must match.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import tarfile
import zipfile

import pytest
from conftest import cases

from benchhealth_utils import DATASETS, load
from benchhealth_utils.schema import DataError
from benchhealth_utils.tasks.discharge import COLUMNS
from benchhealth_utils.tasks.files import members

HTML = "<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"
DEEP, DIGITS = '{"x":' * 99_999 + "1" + "}" * 99_999, "1" * 5000
NOTES = "mimic_iii/NOTEEVENTS.csv"


def text_of(path):
    return path.read_bytes().decode("utf-8")


def content(path, text):
    path.write_bytes(text.encode("utf-8"))


def swap(path, old, new, count=1):
    """Replace text, which must be there: a mutation that changes nothing is none."""
    text = text_of(path)
    assert old in text, f"{path.name} has no {old!r}"
    content(path, text.replace(old, new, count))


def line(path, number, change):
    """Change one line, counted from 1."""
    lines = text_of(path).split("\n")
    before, lines[number - 1] = lines[number - 1], change(lines[number - 1])
    assert lines[number - 1] != before
    content(path, "\n".join(lines))


def changed(item, changes):
    """Fields set to other values; None takes one away."""
    return {name: value for name, value in (item | changes).items() if value is not None}


def document(path, change):
    """Change the first record of a JSON object."""
    whole = json.loads(text_of(path))
    key = next(iter(whole))
    content(path, json.dumps(whole | {key: change(whole[key])}))


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def save(path, rows, **options):
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n", **options).writerows(rows)


def cell(path, row, column, value):
    """Set one cell of a quoted CSV with a header; rows count from 1."""
    rows = rows_of(path)
    place = rows[0].index(column)
    assert rows[row][place] != value
    rows[row][place] = value
    save(path, rows)


def drop(path, column):
    place = rows_of(path)[0].index(column)
    save(path, [row[:place] + row[place + 1 :] for row in rows_of(path)])


def resave(path, quoting):
    """Write a TSV again as a spreadsheet does, with quotation marks."""
    lines = text_of(path).removesuffix("\n").split("\n")
    save(path, [x.split("\t") if x else [] for x in lines], delimiter="\t", quoting=quoting)


def cut(path, share):
    """Keep a share of the bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def latin_1(path):
    """Put a letter in another encoding into the middle of the file."""
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + "é".encode("latin-1") + data[middle:])


def only_copy(path, instances):
    """The public partial copy, here of one item, in place of the official file."""
    for official in path.parent.glob("*train.json*"):
        official.unlink()
    path.write_text(json.dumps([{"instances": instances}]), encoding="utf-8")


def pack(path, top, options):
    """Pack the tree beside the path into it, remove the tree, and damage the archive.

    Files whose path has `without` in it go under another top folder.
    """
    files = [p for p in sorted((path.parent / top).rglob("*")) if p.is_file()]
    names = [p.relative_to(path.parent).as_posix() for p in files]
    if other := options.get("without"):
        names = [f"other/{name}" if other in name else name for name in names]
    is_zip = path.suffix == ".zip"
    with zipfile.ZipFile(path, "w") if is_zip else tarfile.open(path, "w:gz") as packed:
        for file, name in zip(files, names, strict=True):
            (packed.write if is_zip else packed.add)(file, name)
    shutil.rmtree(path.parent / top)
    damage(path, options.get("then"))


def flip(path):
    """Change one byte of a stored member."""
    data = bytearray(path.read_bytes())
    data[data.index(b"Clarithromycin and the")] ^= 1
    path.write_bytes(data)


def flip_in_tar(path):
    """Change one byte of the text inside; the gzip checksum stays as it was."""
    data = path.read_bytes()
    inside = bytearray(gzip.decompress(data))
    inside[inside.index(b"Middle lobe")] ^= 1
    path.write_bytes(gzip.compress(inside)[:-8] + data[-8:])


def zipped(path, then):
    """Compress the file of this name without ``.gz`` and damage the result."""
    source = path.with_suffix("")
    path.write_bytes(gzip.compress(source.read_bytes()))
    source.unlink()
    damage(path, then)


def whole(path, change):
    content(path, json.dumps(change(json.loads(text_of(path)))))


# Ways to damage a file, by the names that the table gives them; above, the longer ones.
WAYS = {
    **{way.__name__: way for way in (content, swap, cell, drop, resave, cut, latin_1)},
    **{way.__name__: way for way in (only_copy, pack, flip, flip_in_tar, zipped)},
    "sub": lambda path, n, old, new: line(path, n, lambda row: re.sub(old, new, row, count=1)),
    "deep": lambda path, n, a, b: line(path, n, lambda row: a + DEEP + b + row * bool(b)),
    "digits": lambda path, n, a, b: line(path, n, lambda row: a + DIGITS + b + row * bool(b)),
    "repeat": lambda path, n: line(path, n, lambda row: f"{row}\n{row}"),
    "record": lambda path, n, to: line(path, n, lambda x: json.dumps(changed(json.loads(x), to))),
    "put": lambda path, to: document(path, lambda record: changed(record, to)),
    "first": lambda path, value: document(path, lambda _: value),
    "without": lambda path, key: whole(path, lambda every: changed(every, {key: None})),
    "as_list": lambda path: whole(path, lambda every: [*every.values()]),
    "reorder": lambda path: save(path, [[b, a, *rest] for a, b, *rest in rows_of(path)]),
    "web_page": lambda path: content(path, HTML),
    "empty": lambda path: content(path, ""),
    "blank": lambda path: content(path, " \n\n"),
    "emptied": lambda path, part: content(
        path, re.sub(f'(Label="{part}">)[^<]+', r"\1 ", text_of(path))
    ),
    "remove": lambda path: path.unlink(),
    "remove_parent": lambda path: shutil.rmtree(path.parent),
    "remove_tree": lambda path: shutil.rmtree(*(x for x in path.parents if x.stem == "DDICorpus")),
}


def damage(path, how):
    """What a row of the table says: a way's name, or its name and what it takes."""
    for name, given in (how if isinstance(how, dict) else {how: []} if how else {}).items():
        nested = name == "zipped" or not isinstance(given, list)
        WAYS[name](path, *([given] if nested else given))


DAMAGE = cases("damage")
COMMON, TEXTS, PARTLY = (DAMAGE.pop(name) for name in ("common", "texts", "partly"))
for key, file in TEXTS.items():
    known = {row[0] for row in DAMAGE[key]}
    DAMAGE[key] += [[name, file, *row] for name, row in COMMON.items() if name not in known]
ROWS = [pytest.param(key, *row[1:], id=f"{key}: {row[0]}") for key in DAMAGE for row in DAMAGE[key]]


def load_both(key, root):
    return [load(key, split, root=root) for split in ("test", "train")]


@pytest.mark.parametrize("key, file, how, message", ROWS)
def test_damage_is_refused(key, file, how, message, fresh):
    root = fresh(key)
    damage(root / file, how)
    with pytest.raises(DataError) as caught:
        load_both(key, root)
    error = caught.value
    name = re.escape(file.split("/")[-1])
    assert re.search(message[1:] if message[0] == "~" else name + message, str(error))
    assert str(error.path).startswith(str(root)) and error.advice in str(error)
    credentialed = DATASETS[key].tier == "credentialed"
    assert ("PhysioNet" if credentialed else "download") in error.advice


@pytest.mark.parametrize("row", [0, 2])
@pytest.mark.parametrize("column", COLUMNS)
def test_errors_never_quote_a_patient_note(row, column, fresh):
    root = fresh("mimic_iii")
    cell(root / NOTES, row, column, "SECRET")
    try:
        load_both("mimic_iii", root)
    except DataError as error:
        assert "SECRET" not in str(error)
    else:
        assert row == 2 and not column.endswith(("_ID", "CHARTDATE"))


def test_the_table_is_whole():
    assert list(DAMAGE) == list(DATASETS) and len(ROWS) >= 226
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("key, file", [row for row in TEXTS.items() if row[0] not in PARTLY])
def test_a_file_cut_anywhere_is_refused_or_a_prefix(key, file, fresh, samples):
    """Between two rows a cut cannot be seen; anywhere else it must be."""
    root = fresh(key)
    whole, data = load(key, root=samples), (root / file).read_bytes()
    refused = 0
    for place in range(1, 40):
        (root / file).write_bytes(data[: len(data) * place // 40])
        try:
            part = load(key, root=root)
        except DataError:
            refused += 1
            continue
        keep = len(part) - (key == "bc5_disease")  # a sentence may end at any row
        assert part[:keep] == whole[:keep]
    assert refused > 15


@pytest.mark.parametrize("form", ["zip", "tgz"])
def test_an_archive_that_would_take_all_memory_is_refused(form, tmp_path, monkeypatch):
    monkeypatch.setattr("benchhealth_utils.tasks.files.UNPACKED", 500)
    archive = tmp_path / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("top/1.txt", "0" * 501)
    else:
        with tarfile.open(archive, "w:gz") as packed:
            (tmp_path / "1.txt").write_text("0" * 501)
            packed.add(tmp_path / "1.txt", "top/1.txt")
    with pytest.raises(DataError, match="would unpack to more than"):
        members(archive, "top", ".txt")
