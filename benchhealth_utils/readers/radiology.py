"""Radiology reports: findings in, impression out (IU-Xray and MIMIC-CXR)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from ..schema import DataError, Example, LeftOut
from .archives import members
from .files import csv_table, either, once, text, tsv_lines

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
PARTS = ("train", "validate", "test")


def iu_xray(spec, split, root) -> Iterator[Example]:
    """Open-i reports that have both sections, by the public clin-summ split.

    The project's ``test`` is that split's ``validate`` part, whose size is the
    paper's 341.
    """
    archive = root / spec.folder / "NLMCXR_reports.tgz"
    listed = spec.split_file(root, "iu_xray_clin_summ.tsv")
    wanted = _split_uids(listed, "validate" if split == "test" else split)
    seen: set[str] = set()
    texts = {}
    for name, raw in members(archive, "ecgen-radiology", ".xml").items():
        uid, sections = _openi_report(raw(), archive, name)
        once(seen, uid, archive, name)
        texts[uid] = sections
    for uid in wanted:
        if uid not in texts:
            problem = f"the report is missing; {listed.name} names it."
            raise DataError(archive, f"uid {uid}", problem)
        sections = texts[uid]
        if not (sections["FINDINGS"] and sections["IMPRESSION"]):
            raise DataError(
                archive,
                f"uid {uid}",
                "FINDINGS or IMPRESSION is empty; expected both in the split.",
            )
        inputs = {"findings": sections["FINDINGS"]}
        yield Example(uid, spec.key, inputs, sections["IMPRESSION"], uid)


def _split_uids(path, part: str) -> list[str]:
    uids: list[str] = []
    seen: set[str] = set()
    for line, cells in tsv_lines(path, columns=2):
        where = f"line {line}"
        if line == 1:
            if cells != ["split", "uid"]:
                raise DataError(path, where, "the header is not 'split', 'uid'.")
        elif cells:
            if cells[0] not in PARTS:
                raise DataError(path, where, f"split is '{cells[0]}'; expected {', '.join(PARTS)}.")
            once(seen, cells[1], path, where)
            if cells[0] == part:
                uids.append(cells[1])
    return sorted(uids, key=lambda uid: (len(uid), uid))


def _openi_report(raw: bytes, archive, name) -> tuple[str, dict[str, str]]:
    try:
        report = ET.fromstring(raw)
    except (ET.ParseError, LookupError, ValueError) as error:
        raise DataError(archive, name, f"not whole XML ({error}).") from None
    uid = report.find("uId")
    if report.tag != "eCitation" or uid is None or not uid.get("id"):
        raise DataError(archive, name, "not an Open-i report (<eCitation> with uId).")
    parts = [(str(x.get("Label")), x.text or "") for x in report.iter("AbstractText")]
    labels = [label for label, _ in parts]
    if sorted(labels) != sorted(SECTIONS):
        raise DataError(
            archive,
            name,
            f"sections are {', '.join(labels) or 'none'}; expected {', '.join(SECTIONS)}.",
        )
    sections = {label: re.sub(r"\s+", " ", body).strip() for label, body in parts}
    return uid.get("id"), sections


def mimic_cxr(spec, split, root) -> Iterator[Example | LeftOut]:
    """MIMIC-CXR studies of one split that have both sections; the others are `LeftOut`.

    The official test split has 3,269 studies, which is the paper's size; only
    those with findings and impression can be asked and scored. Patients are
    the groups.
    """
    for study, subject, sections in cxr_studies(spec, split, root):
        identifier = f"s{study}"
        lacking = [name for name in ("FINDINGS", "IMPRESSION") if not sections.get(name.lower())]
        if lacking:
            yield LeftOut(identifier, f"no {' and no '.join(lacking)}")
        else:
            inputs = {"findings": sections["findings"]}
            yield Example(identifier, spec.key, inputs, sections["impression"], f"p{subject}")


def cxr_studies(spec, split, root) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Study id, subject id and sections of every study in a split."""
    folder = root / spec.folder
    name = "mimic-cxr-2.0.0-split.csv"
    path = either(folder / f"{name}.gz", folder / name)
    studies: dict[str, tuple[str, str]] = {}
    for line, row in csv_table(path, ["dicom_id", "study_id", "subject_id", "split"]):
        where = f"line {line}"
        study, subject, part = row["study_id"], row["subject_id"], row["split"]
        if part not in PARTS:
            raise DataError(path, where, f"split is '{part}'; expected {', '.join(PARTS)}.")
        if not (re.fullmatch(r"5\d{7}", study) and re.fullmatch(r"1\d{7}", subject)):
            raise DataError(
                path,
                where,
                f"study is '{study}' and subject '{subject}'; expected 5 and seven "
                "digits, 1 and seven digits.",
            )
        if studies.setdefault(study, (subject, part)) != (subject, part):
            raise DataError(path, where, f"study {study} has two splits or subjects; expected one.")
    wanted = [(study, subject) for study, (subject, part) in studies.items() if part == split]
    archive = folder / "mimic-cxr-reports.zip"
    packed = members(archive, "files", ".txt") if archive.exists() else None
    for study, subject in wanted:
        name = f"files/p{subject[:2]}/p{subject}/s{study}.txt"
        if packed is not None and name in packed:
            raw = packed[name]()
        elif (folder / name).exists():
            raw = (folder / name).read_bytes()
        else:
            raise DataError(
                folder / name,
                "",
                f"the report is missing; {path.name} names it. Expected it in "
                "mimic-cxr-reports.zip, or its files/ folder, beside that file.",
            )
        yield study, subject, sections_of(text(raw, folder / name))


_HEADER = re.compile(r"\n ([A-Z ()/,-]+):\s")
_SAME = {
    "impression": (
        "conclusion", "findings and impression", "findings/impression", "impresson",
        "imprression", "imoression", "impressoin", "imprssion", "impresion",
        "imperssion", "mpression", "impession", "ndication",
    ),
    "findings": (
        "finding", "findins", "findindgs", "findgings", "findngs", "findnings",
        "finidngs",
    ),
    "comparison": ("comparisons",),
    "indication": ("reason for exam", "reason for examination", "clinical indication"),
    "history": ("clinical history", "patient history", "pfi"),
    "examination": ("exam", "type of examination"),
}  # fmt: skip
_NAMES = {alias: name for name, aliases in _SAME.items() for alias in aliases}
_VIEWS = (
    "chest", "portable", "pa and lat", "lateral and pa", "ap and lateral",
    "lateral and ap", "frontal and", "two views", "frontal view", "pa view", "ap view",
    "one view", "lateral view", "bone window", "frontal upright",
    "frontal semi-upright", "ribs",
)  # fmt: skip


def sections_of(report: str) -> dict[str, str]:
    """Sections of a MIMIC-CXR report, by the rules of its official parser.

    A section starts at a header in capitals after a newline and one space; the
    line after a header that ends its line at the colon is always text. Names are
    brought to one spelling; of sections with one name the last that is not empty
    stays; white space is folded.

    >>> report = "FINAL REPORT\\n FINDINGS: Clear.\\n\\n IMPRESION: Normal."
    >>> sections_of(report)["impression"]
    'Normal.'
    """
    found = []
    name, start = "preamble", 0
    while header := _HEADER.search(report, start):
        found.append((name, report[start : header.start()]))
        name, start = _section_name(header[1]), header.end()
    found.append((name if found else "full report", report[start:]))
    folded = [(name, re.sub(r"\s+", " ", body).strip()) for name, body in found]
    return {name: body for name, body in folded if body}


def _section_name(header: str) -> str:
    name = header.lower().strip()
    if name in _NAMES:
        return _NAMES[name]
    for part in ("impression", "findings", "history", "comparison", "addendum"):
        if part in name:
            return part
    return "findings" if any(view in name for view in _VIEWS) else name
