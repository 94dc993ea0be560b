"""Where in a reply the names of diseases stand: behind a bar, below a heading, or alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .lists import BULLET

# A heading consists of these words only, one of them a kind.
KINDS = set(
    "disease diseases disorder disorders entity entities condition conditions mention mentions"
    " answer answers output result results response diagnosis diagnoses".split()
)
OTHERS = set(
    "chemical chemicals drug drugs gene genes protein proteins medication medications treatment"
    " treatments symptom symptoms species cell cells procedure procedures mutation mutations"
    " variant variants explanation note notes reason reasoning rationale analysis comment"
    " disclaimer type label category id paragraph sentence text question context step".split()
)
WORDS = set(
    "the all a an list of final my recognised recognized identified extracted detected named"
    " mentioned mention following disease medical relevant found is are was were include includes"
    " included including in from this that these paragraph sentence text given provided above below"
    " here there i have has been can be only name names as follows and or type explicitly which"
    " contains listed based on correct s sure certainly okay course".split()
)
CHINESE = re.compile(
    r"(?:(?:识别|提取)?(?:的|出的)?(?:疾病|实体|病名)(?:名称|实体)?|答案|回答)(?:是|为)?\s*:"
)
NO_DISEASES = re.compile(r"(?:化学|药物|基因|蛋白)\w*\s*:")

_ID = r"(?:(?:final\s+)?(?:answer|output)\s*:\s*)?(?:paragraph\b\s*)?(?:id\b\s*)?[:#]?\s*"
BAR = re.compile(
    rf"[\"']?{_ID}(?P<id>(?:[\w.#-]*[-_])?\d+|paragraph\s+id)[\"']?\s*:?\s*\|(?P<rest>.*)", re.I
)
ID_ALONE = re.compile(rf"{_ID}(?:\w+[-_])+\d+\W*", re.I)
PARAGRAPH = re.compile(r"(?:next\s+)?paragraph(?:\s+\d+)?\s*:(?:[^|]*\|)?(?P<rest>.*)", re.I)
HEADING = re.compile(r"(?P<head>[^:|;,]{1,90}?)\s*(?::|=|–|\s-)(?P<rest>.*)")
TELLS = re.compile(r"(?P<head>(?:[A-Za-z]+\s+){1,12}?(?:are|is|includes?))\s+(?P<rest>[^:]*)", re.I)
# "... tremor; mania. Chemicals: lithium": a heading within a line gets one of its own.
WITHIN = re.compile(
    r"(?<=[.;,])(?<!\d\.)[ \t]+(?=(?:(?:the|recogni[sz]ed|identified|disease|other|final)\s+)?"
    rf"(?:{'|'.join(sorted(OTHERS | KINDS))})\s*:)",
    re.I,
)
TABLE_RULE = re.compile(r"\|?[\s|:-]*--[\s|:-]*")
TEMPLATE = re.compile(
    r"[\"'<\[]*paragraph\s+id[\"'>\]]*\s*\|\s*[\"'<\[]*recogni[sz]ed\s+entities[\"'>\]]*(?!\s*:)",
    re.I,
)


@dataclass
class Group:
    """Lines that belong together.

    ``kind`` is what opened them: ``bar``, ``heading``, ``tells`` ("the diseases are"),
    ``paragraph``, ``other`` (of no interest), or ``bare`` for nothing. ``apart`` says
    that prose stands before it.
    """

    kind: str
    lines: list[str] = field(default_factory=list)
    id: str = ""
    apart: bool = False


def groups(reply: str) -> list[Group]:
    """The lines of a cleaned reply, by what opens them.

    Examples
    --------
    >>> [(g.kind, g.lines) for g in groups("Genes:\\n- A\\nDiseases: flu\\n\\nx-1 | flu; gout")]
    [('other', ['- A']), ('heading', ['flu']), ('bar', ['flu; gout'])]
    """
    reply = CHINESE.sub("\ndiseases: ", NO_DISEASES.sub("\ngenes: ", reply))
    reply = WITHIN.sub("\n", TEMPLATE.sub("", reply))
    found = [Group("bare")]
    blank = False
    for line in _rows(reply.splitlines()):
        group = _opened(line)
        if group and group.kind == "paragraph" and any(one.lines for one in found):
            break  # an invented one
        if group:
            group.apart = found[-1].kind == "bare"
            found.append(group)
        elif line and not ID_ALONE.fullmatch(line):
            if not _continues(found[-1].lines, line, blank):
                found.append(Group("bare"))
            found[-1].lines.append(line)
        blank = not line
    return [group for group in found if group.lines]


def _rows(lines: list[str]) -> list[str]:
    """The lines, with bullets in place of the rows of a table."""
    rows: list[str] = []
    column = None
    for line in map(str.strip, lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "|" in line and TABLE_RULE.fullmatch(line):
            heads = rows.pop().lower().strip("|").split("|") if rows else []
            named = [bool((KINDS | {"name", "names"}).intersection(head.split())) for head in heads]
            column = named.index(True) if True in named else None
            rows += ["diseases:"] if column is not None else []
        elif column is not None and "|" in line and column < len(cells):
            rows.append(f"- {cells[column]}")
        else:
            column = None
            rows.append(line.strip("|").strip() if line.startswith("|") else line)
    return rows


def _opened(line: str) -> Group | None:
    """The group that a line opens."""
    if found := PARAGRAPH.match(line):
        return _group("paragraph", found["rest"])
    if found := BAR.match(line):
        inner = HEADING.match(found["rest"])
        told = inner and _kind(inner["head"]) == "heading"
        return _group("bar", (inner if told else found)["rest"], found["id"].lower())
    bare = BULLET.sub("", line, count=1) if BULLET.match(line) else line
    for pattern, kind in ((HEADING, None), (TELLS, "tells")):
        found = pattern.match(bare)
        here = found and _kind(found["head"])
        if here == "heading" or (here == "other" and kind is None and bare == line):
            return _group(kind or here, found["rest"])
    if bare == line and _kind(line) == "heading":
        return Group("heading")
    return Group("bare") if bare == line and line.endswith(":") else None


def _group(kind: str, rest: str, name: str = "") -> Group:
    return Group(kind, [rest.strip()] if rest.strip() else [], name)


def _kind(head: str) -> str | None:
    """``heading``, ``other``, or None if other words are in it."""
    words = set(re.findall(r"[^\W\d_]+", head.lower()))
    if not words <= KINDS | OTHERS | WORDS:
        return None
    return "heading" if words & KINDS else "other" if words & OTHERS else None


def _continues(lines: list[str], line: str, blank: bool) -> bool:
    """Whether a line belongs to the group with these lines."""
    if not lines:
        return True
    if BULLET.match(line):
        return bool(BULLET.match(lines[-1]) or lines[-1].endswith((":", ",", ";")))
    if blank or BULLET.match(lines[-1]):
        return False
    return lines[-1].endswith((",", ";")) or (_is_short(lines[-1]) and _is_short(line))


def _is_short(line: str) -> bool:
    return len(line.split()) < 7 and not re.search(r"[.;!?]\s|[:!?]\Z", line)
