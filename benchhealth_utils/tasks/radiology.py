"""Radiology reports: findings in, impression out (IU-Xray and MIMIC-CXR)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .. import replies
from ..metrics import ROUGE_L
from ..schema import Example, LeftOut
from .base import NOTES, WORDS, Task
from .files import Place, assigned, csv_table, either, members, text, tsv_table

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
PARTS = ("train", "validate", "test")

# The files


def iu_xray(spec, split, root) -> Iterator[Example]:
    """Open-i reports that have both sections, by the public clin-summ split.

    The project's ``test`` is that split's ``validate`` part, whose size is the
    paper's 341.
    """
    archive = root / spec.folder / "NLMCXR_reports.tgz"
    listed = spec.split_file(root, "iu_xray_clin_summ.tsv")
    rows = ((place, uid, part) for place, (part, uid) in tsv_table(listed, ["split", "uid"]))
    wanted = assigned(rows, "validate" if split == "test" else split, PARTS)
    reports: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for name, raw in members(archive, "ecgen-radiology", ".xml").items():
        member = Place(archive, name)
        uid, sections = _openi_report(raw, member)
        member.once(seen, uid)
        reports[uid] = sections
    for uid in sorted(wanted, key=lambda uid: (len(uid), uid)):
        report = Place(archive, f"uid {uid}")
        report.expect(uid in reports, f"the report is missing; {listed.name} names it.")
        findings, impression = (reports[uid][name] for name in ("FINDINGS", "IMPRESSION"))
        report.expect(findings and impression, "FINDINGS or IMPRESSION is empty; expected both.")
        yield Example(uid, spec.key, {"findings": findings}, impression, uid)


def _openi_report(raw: bytes, member: Place) -> tuple[str, dict[str, str]]:
    report = member.xml(raw)
    uid = report.find("uId")
    whole = report.tag == "eCitation" and uid is not None and uid.get("id")
    member.expect(whole, "not an Open-i report (<eCitation> with uId).")
    parts = [(str(x.get("Label")), x.text or "") for x in report.iter("AbstractText")]
    labels = [label for label, _ in parts]
    problem = f"sections are {', '.join(labels) or 'none'}; expected {', '.join(SECTIONS)}."
    member.expect(sorted(labels) == sorted(SECTIONS), problem)
    return uid.get("id"), {label: " ".join(body.split()) for label, body in parts}


def mimic_cxr(spec, split, root) -> Iterator[Example | LeftOut]:
    """MIMIC-CXR studies of one split that have both sections; the others are `LeftOut`.

    The official test split has 3,269 studies, which is the paper's size; only
    those with findings and impression can be asked and scored. Patients are
    the groups.
    """
    folder = root / spec.folder
    listed = either(folder / "mimic-cxr-2.0.0-split.csv")
    archive = folder / "mimic-cxr-reports.zip"
    packed = members(archive, "files", ".txt") if archive.exists() else {}
    for study, subject in _studies(listed, split):
        name = f"files/p{subject[:2]}/p{subject}/s{study}.txt"
        path = folder / name
        problem = f"the report is missing; {listed.name} names it. Expected it in {archive.name}"
        problem += ", or its files/ folder, beside that file."
        Place(path).expect(name in packed or path.exists(), problem)
        sections = sections_of(text(packed[name] if name in packed else path.read_bytes(), path))
        lacking = [x.upper() for x in ("findings", "impression") if not sections.get(x)]
        if lacking:
            yield LeftOut(f"s{study}", f"no {' and no '.join(lacking)}")
        else:
            inputs = {"findings": sections["findings"]}
            yield Example(f"s{study}", spec.key, inputs, sections["impression"], f"p{subject}")


def _studies(listed, split: str) -> list[tuple[str, str]]:
    """Study and subject of each study in a split."""
    studies: dict[str, tuple[str, str]] = {}
    for row in csv_table(listed, ["dicom_id", "study_id", "subject_id", "split"]):
        _, study, subject, part = row.values.values()
        row.expect(part in PARTS, f"split is '{part}'; expected {', '.join(PARTS)}.")
        problem = f"study is '{study}' and subject '{subject}'; expected 5 and 1, then 7 digits."
        row.expect(re.fullmatch(r"5\d{7} 1\d{7}", f"{study} {subject}"), problem)
        same = studies.setdefault(study, (subject, part)) == (subject, part)
        row.expect(same, f"study {study} has two splits or subjects; expected one.")
    return [(study, subject) for study, (subject, part) in studies.items() if part == split]


_HEADER = re.compile(r"\n ([A-Z ()/,-]+):\s")
_RULES = NOTES["radiology"]
_NAMES = {alias: name for name, aliases in _RULES["spellings"].items() for alias in aliases}


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
    _, *parts = _HEADER.split(report)
    named = zip(map(_section_name, parts[::2]), parts[1::2], strict=True)
    return {name: " ".join(body.split()) for name, body in named if body.strip()}


def _section_name(header: str) -> str:
    name = header.lower().strip()
    named = _NAMES.get(name) or next((part for part in _RULES["parts"] if part in name), None)
    return named or ("findings" if any(view in name for view in _RULES["views"]) else name)


# The prompt


def _shown(example: Example) -> dict[str, str]:
    return {"findings": example.inputs["findings"].strip().rstrip(".")}


# The tasks

REPLY = replies.Words("radiology")

IU_XRAY = Task(
    **WORDS["radiology"],
    read_file=iu_xray,
    shown=_shown,
    parse=lambda example, text: replies.free_text(text, REPLY),
    metric=ROUGE_L,
)
MIMIC_CXR = replace(IU_XRAY, read_file=mimic_cxr)
