"""Disease mentions in a sentence: BC5-disease and NCBI-disease, one token with its tag a line.

Gold is a frozenset of spans ``(start, end)``, characters of the sentence, end exclusive. A
model names strings, so a reading is a frozenset of the spans where its strings were found,
each occurrence used once, and of one other pair for each string that was not, such as
``("spurious", 0)``, unlike every other in the set: a frozenset of such members counts as the
multiset of the strings. Every member that is not in gold is a false positive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from .. import replies
from ..metrics import Metric
from ..schema import Example
from .base import WORDS, Task
from .files import tsv_lines

TAGS = ("B-Disease", "I-Disease", "O")
BLOCK = 10  # sentences; a document has 9.4 (NCBI) or 9.6 (BC5) on average

_CLOSING, _OPENING = frozenset(".,;:!?%)]}'-/"), frozenset("([{-/")

# The file


def bio_tags(spec, split, root) -> Iterator[Example]:
    """One example a sentence; gold is the set of mention spans in it.

    The file carries no document marks, though documents follow one another in
    it, so blocks of ten consecutive sentences stand in as groups.
    """
    prefix = spec.key if split == "test" else f"{spec.key}-{split}"
    sentences = _sentences(root / spec.folder / f"{split}.tsv")
    for number, (tokens, mentions) in enumerate(sentences):
        sentence, offsets = detokenise(tokens)
        spans = frozenset((offsets[first][0], offsets[last][1]) for first, last in mentions)
        inputs = {"sentence": sentence, "tokens": tuple(tokens)}
        group = f"{prefix}-block-{number // BLOCK}"
        yield Example(f"{prefix}-{number}", spec.key, inputs, spans, group)


def _sentences(path) -> Iterator[tuple[list[str], list[tuple[int, int]]]]:
    """Tokens of each sentence, and the first and last token of each mention."""
    for filled, rows in groupby(tsv_lines(path, columns=2), key=lambda row: bool(row[1])):
        tokens: list[str] = []
        mentions: list[tuple[int, int]] = []
        for place, (token, tag) in rows if filled else ():
            place.expect(token.strip(), "the token is empty.")
            place.expect(tag in TAGS, f"tag is '{tag}'; expected {', '.join(TAGS)}.")
            inside, last = tag == "I-Disease", len(tokens)
            follows = mentions and mentions[-1][1] == last - 1
            place.expect(follows or not inside, "I-Disease does not continue any mention.")
            if tag != "O":
                mentions.append((mentions.pop()[0] if inside else last, last))
            tokens.append(token)
        if filled and tokens != ["-DOCSTART-"]:
            yield tokens, mentions


def detokenise(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """A sentence as one would write it, and each token's span in it.

    >>> detokenise(["Patients", "(", "56", "-", "year", ")", "."])[0]
    'Patients (56-year).'
    """
    sentence = ""
    offsets = []
    quoted = False
    glue = True  # whether the next token follows without a space
    for position, token in enumerate(tokens):
        closes = token in _CLOSING or (token == '"' and quoted)
        possessive = token == "s" and tokens[position - 1 : position] == ["'"]
        sentence += "" if glue or closes or possessive else " "
        offsets.append((len(sentence), len(sentence) + len(token)))
        sentence += token
        quoted ^= token == '"'
        glue = token in _OPENING or (token == '"' and quoted)
    return sentence, offsets


# The prompt


def _said(gold: frozenset, example: Example) -> str:
    sentence = example.inputs["sentence"]
    names = [sentence[start:end] for start, end in sorted(gold)]
    listed = "; ".join(names) or "none"
    # A semicolon closes what could be taken apart: a single name with "and", a last comma.
    if listed.endswith(",") or (len(names) == 1 and re.search(r",|\b(?:and|or)\b", listed)):
        listed += ";"
    return listed


# The metric


def _kind(member: tuple, gold: frozenset) -> str:
    """What is wrong with a false positive."""
    start, end = member
    if start == "spurious":
        return "not_in_sentence"
    return "boundary" if any(start < b and a < end for a, b in gold) else "spurious"


def _extra(gold, readings, rows) -> dict:
    pairs = list(zip(gold, readings, strict=True))
    wrong = [_kind(member, g) for g, r in pairs for member in (r or frozenset()) - g]
    return {
        "hits": int(rows[:, 0].sum()),
        "missed": int(rows[:, 2].sum()),
        **{kind: wrong.count(kind) for kind in ("boundary", "spurious", "not_in_sentence")},
        "sentences": {
            "with_mentions": sum(bool(g) for g in gold),
            "right": sum(g == r for g, r in pairs),
            "right_and_empty": sum(g == r and not g for g, r in pairs),
            "false_alarm": sum(bool(r) and not g for g, r in pairs),
            "silent": sum(bool(g) and r == frozenset() for g, r in pairs),
            "not_read": sum(r is None for r in readings),
        },
    }


# The replies

REPLY = replies.Words("diseases")
TOKEN = re.compile(r"[^\W_]+|[^\w\s*`$]")  # a word or a sign, but those that cleaning takes off
MOST_PIECES = 8  # of one name that commas and "and" part
# Most words of a title, of a name that does not occur, and of one that occurs and has a verb.
TITLE, MOST_WORDS, MOST_WITH_VERB = 10, 8, 6


def parse(example: Example, text: str) -> frozenset | None:
    """The mentions of diseases that a reply gives; None if it gives no list.

    Spans ``(start, end)`` in the sentence, and ``("spurious", k)``, k = 0, 1, ..., for names with
    no (unused) place in it; empty if the reply says that there is none.

    Examples
    --------
    >>> one = Example("1", "bc5_disease", {"sentence": "Fever and renal failure."}, None, "1")
    >>> sorted(parse(one, "x-1 | fever; renal failure (disease)"))
    [(0, 5), (10, 23)]
    >>> parse(one, "Diseases: gout"), parse(one, "x-1 | none"), parse(one, "Fever was seen.")
    (frozenset({('spurious', 0)}), frozenset(), None)
    """
    known = _folded(example.inputs["sentence"])
    found = _groups(without_echo(known, replies.own_words(text, _prepared) or ""))
    for kind in ("bar", "heading", "tells", "paragraph", "bare"):
        names = _chosen([group for group in found if group.kind == kind], known)
        if names is not None:
            return align(known, names)
    return None


def _prepared(said: str) -> str:
    """A list in place of JSON and of tags around names."""
    if tagged := list(REPLY.tagged.finditer(said)):
        said = "".join(f"\n- {tag['name']};" for tag in tagged if tag["asked"]) or said
    return replies.unwrapped(REPLY.wrapped.sub("; ", replies.as_lines(said)))


# ---- The sentence ------------------------------------------------------------------------------


@lru_cache(4096)
def spans(sentence: str, name: str) -> list[tuple[int, int]]:
    """Places of a name in a sentence as a whole word, the likeliest first.

    Those in its very case come before others, and those by themselves before those that a
    hyphen or slash joins to another word ("VHL-negative"). White space beside a sign does not
    count, for the sentence was put together from tokens; nor do case and typographic signs, but
    an abbreviation in capitals is not the word it spells.

    Examples
    --------
    >>> sentence = "In all children with leukaemia (ALL), ALL was treated."
    >>> spans(sentence, "ALL"), spans(sentence, "Leukaemia ( all )")
    ([(32, 35), (38, 41)], [(21, 36)])
    """
    tokens, found = TOKEN.findall(_folded(name)), []
    capitals = len(name) < 4 and sum(map(str.isupper, name)) > 1
    for start, end in _runs(sentence, tokens):
        beside = sentence[max(start - 1, 0) : start] + sentence[end : end + 1]
        if not (capitals and sentence[start:end].islower()):
            other = TOKEN.findall(sentence[start:end]) != tokens
            found.append((other, "-" in beside or "/" in beside, (start, end)))
    return [place for _, _, place in sorted(found)]


def align(sentence: str, names: Sequence[str]) -> frozenset[tuple]:
    """A reading of names: each takes a place of its own, or is spurious.

    In the order of the list if that finds a place for each name that occurs, each after the
    one before it; else longer names first, so that a name which is part of another one gets
    another place.

    Examples
    --------
    >>> sorted(align("Breast cancer is a cancer.", ["cancer", "breast cancer"]))
    [(0, 13), (19, 25)]
    >>> align("Gout is old.", ["gout", "gout"]) == {(0, 4), ("spurious", 0)}
    True
    """
    occurring = [name for name in names if spans(sentence, name)]
    taken: list[tuple[int, int]] = []
    for name in occurring:
        last = taken[-1][1] if taken else 0
        taken += [place for place in spans(sentence, name) if place[0] >= last][:1]
    if len(taken) < len(occurring):
        taken = []
        for name in sorted(occurring, key=len, reverse=True):
            places = spans(sentence, name)
            taken += [p for p in places if all(p[1] <= a or b <= p[0] for a, b in taken)][:1]
    return frozenset(taken) | {("spurious", k) for k in range(len(names) - len(taken))}


def without_echo(sentence: str, reply: str) -> str:
    """The reply without the sentence, where it is repeated and is no name.

    >>> without_echo("He was ill, of gout.", "x-1 | He was ill , of gout. x-1 | gout")
    ' x-1 | gout'
    """
    words = len(sentence.split())
    is_title = words <= TITLE and not REPLY.acts.search(sentence)
    kept, place = "", 0
    for start, end in _runs(reply, TOKEN.findall(_folded(sentence.rstrip(".")))):
        lead = REPLY.echo_lead.search(reply, place, start)
        after = REPLY.echo_after.match(reply, end)
        # A title counts as repeated after "Paragraph:", or if its full stop is there.
        if not is_title or lead["paragraph"] or (words > 3 and "." in after[0]):
            kept += reply[place : lead.start()]
            place = after.end()
    return kept + reply[place:]


def _folded(text: str) -> str:
    """The text with usual signs in place of others, each where it stood."""
    return "".join(x if x.isascii() or len(y := replies.fold(x)) != 1 else y for x in text)


def _runs(text: str, tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Where these words and signs stand one after another, in any case."""
    places = list(TOKEN.finditer(text))
    said, wanted = (f" {' '.join(x)} ".casefold() for x in (TOKEN.findall(text), tokens))
    at = said.find(wanted) if tokens else -1
    while at >= 0:
        first = said.count(" ", 0, at)
        yield places[first].start(), places[first + len(tokens) - 1].end()
        at = said.find(wanted, at + len(wanted) - 1)


# ---- Where the names stand ---------------------------------------------------------------------


@dataclass
class Group:
    """Lines that belong together.

    ``kind`` is what opened them: ``bar``, ``heading``, ``tells`` ("the diseases are"),
    ``paragraph``, ``other`` (of no interest), or ``bare`` for nothing. ``apart`` says that prose
    stands before it.
    """

    kind: str
    lines: list[str] = field(default_factory=list)
    id: str = ""
    apart: bool = False


def _groups(reply: str) -> list[Group]:
    """The lines of a reply, by what opens them.

    Examples
    --------
    >>> [(g.kind, g.lines) for g in _groups("Genes:\\n- A\\nDiseases: flu\\n\\nx-1 | flu; gout")]
    [('other', ['- A']), ('heading', ['flu']), ('bar', ['flu; gout'])]
    """
    found, blank = [Group("bare")], False
    for line in _rows(replies.rewritten(reply, REPLY.headings).splitlines()):
        group = _opened(line)
        if group and group.kind == "paragraph" and any(any(one.lines) for one in found):
            break  # an invented one
        if group:
            group.apart = found[-1].kind == "bare"
            found.append(group)
        elif line and not REPLY.id_alone.fullmatch(line):
            if not _continues(found[-1].lines, line, blank):
                found.append(Group("bare"))
            found[-1].lines.append(line)
        blank = not line
    for group in found:
        group.lines = [*filter(None, group.lines)]
    return [group for group in found if group.lines]


def _rows(lines: list[str]) -> list[str]:
    """The lines, with bullets in place of the rows of a table."""
    rows, column = [], None
    for line in map(str.strip, lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "|" in line and REPLY.table_rule.fullmatch(line):
            heads = rows.pop().strip("|").split("|") if rows else []
            named = [any(map(REPLY.column.fullmatch, head.split())) for head in heads]
            column = named.index(True) if True in named else None
            rows += ["diseases:"] if column is not None else []
        elif column is not None and "|" in line and column < len(cells):
            rows += [] if any(map(REPLY.others.fullmatch, cells)) else [f"- {cells[column]}"]
        else:
            column = None
            rows.append(line.strip("|").strip() if line.startswith("|") else line)
    return rows


def _opened(line: str) -> Group | None:
    """The group that a line opens."""
    if found := REPLY.paragraph.match(line):
        return Group("paragraph", [found["rest"].strip()])
    if found := REPLY.bar.match(line):
        rest = found["rest"].strip()
        group = _opened(rest)
        if not group or group.kind not in ("heading", "other"):
            group = Group("bar", [rest])
        group.id = found["id"].lower()
        return group
    bare = replies.LISTS.bullets.sub("", line)
    for pattern, kind in ((REPLY.heading, ""), (REPLY.tells, "tells")):
        found = pattern.match(bare)
        here = found and _heading_kind(found["head"])
        if here == "heading" or (here == "other" and not kind and bare == line):
            return Group(kind or here, [found["rest"].strip()])
    if bare == line and _heading_kind(line) == "heading":
        return Group("heading")
    return Group("bare") if bare == line and line.endswith(":") else None


def _heading_kind(head: str) -> str | None:
    """``heading``, ``other``, or None if other words are in it."""
    found = REPLY.head.fullmatch(head)
    return found and ("heading" if found["kind"] else "other" if found["other"] else None)


def _continues(lines: list[str], line: str, blank: bool) -> bool:
    """Whether a line belongs to the group with these lines."""
    if not any(lines):
        return True
    last, bullet, short = lines[-1], replies.LISTS.bullet.match, REPLY.short_line.fullmatch
    if bullet(line):
        return bool(bullet(last) or last.endswith((":", ",", ";")))
    if blank or bullet(last):
        return False
    return last.endswith((",", ";")) or bool(short(last) and short(line))


def _chosen(found: list[Group], known: str) -> list[str] | None:
    """The names of the last of some groups, or of those that are one list with it."""
    if found and found[0].kind == "bare":
        found = [group for group in (found[0], found[-1]) if _is_list(group, known)][:1]
    if [group.id for group in found] != [str(k) for k in range(1, len(found) + 1)]:
        # Not 1, 2, 3, which are numbers of names: only what stands behind the first id.
        found = [group for group in found if _same(group.id, found[0].id)]
    named = [(group, names) for group in found if (names := _names(group, known)) is not None]
    first = max((k for k, (group, _) in enumerate(named) if group.apart), default=0)
    together = named[first:]
    lines = [line for group, _ in together for line in group.lines]
    if len(set(lines)) > 1 and all(len(names) < 2 for _, names in together):
        return _names(Group(together[0][0].kind, lines), known)
    return together[-1][1] if together else None


def _same(one: str, other: str) -> bool:
    """Whether two ids may be the same one: "12" and "ncbi_disease-12"."""
    tails = [re.findall(r"\d+\Z", name) for name in (one, other)]
    return [] in tails or tails[0] == tails[1]


def _names(group: Group, known: str) -> list[str] | None:
    """The names in a group; "the diseases are ..." may also be prose that goes on."""
    names = _names_in(group.lines, known)
    prose = names and group.kind == "tells" and not any(spans(known, name) for name in names)
    return None if prose else names


def _is_list(group: Group, known: str) -> bool:
    """Whether lines without bar or heading are a list and nothing more."""
    if all(map(replies.LISTS.bullet.match, group.lines)) or _says_none(group.lines[0]):
        return True
    parts = _parts(group.lines)
    pieces = parts if len(parts) > 1 else _items(group.lines, known)
    if any(_is_prose(piece, known) for piece in pieces):
        return False
    names = _names_in(group.lines, known) or []
    short = len(names) > 1 and all(len(name.split()) < 4 for name in names)
    return short or any(spans(known, name) for name in names)


# ---- The names in a list -----------------------------------------------------------------------


def _names_in(lines: list[str], known: str) -> list[str] | None:
    """The names in the lines of a list; sentences are none.

    Empty if the lines say that there is none; None if there is no name in them.

    Examples
    --------
    >>> known = "Fever and heart failure, congestive, were seen."
    >>> _names_in(["fever, heart failure, congestive, gout"], known)
    ['fever', 'heart failure, congestive', 'gout']
    """
    names = []
    none = any(map(REPLY.nothing.fullmatch, lines))
    for item in _with_abbreviations(_items(lines, known), known):
        name = _trimmed(item, known)
        other = REPLY.other_type.search(item) or not re.search(r"[^\W\d_]", name)
        other = other or (REPLY.kinds.fullmatch(name) and not spans(known, name))
        if _says_none(item):
            none = True
        elif not other and not _is_prose(name, known):
            names.append(name)
    return names if names or none else None


def _with_abbreviations(items: list[str], known: str) -> list[str]:
    """The items; "renal failure (RF)" is two if no "RF" is left over."""
    found = []
    for item in items:
        both = REPLY.abbreviated.fullmatch(REPLY.explained.sub("", item.strip(), count=1))
        long, short = both.group("long", "short") if both else ("", item)
        two = spans(known, long) and len(spans(known, short)) == 1 + items.count(short)
        found += [long, short] if two else [item]
    return found


def _says_none(line: str) -> bool:
    """Whether the first sentence of a line says that there is no disease."""
    return bool(REPLY.none.fullmatch(REPLY.sentence.sub("", line, count=1)))


def _is_prose(part: str, known: str) -> bool:
    """Whether words are a sentence, or a part of one, and no name."""
    if len(part.split()) <= MOST_WORDS and not REPLY.prose.search(part):
        return False
    name = _trimmed(part, known)
    has_verb = len(name.split()) > MOST_WITH_VERB and REPLY.acts.search(name)
    return bool(has_verb) or not spans(known, name)


def _trimmed(item: str, known: str) -> str:
    """The name in an item, cut only as far as needed for it to occur."""
    name = _open(item)
    if spans(known, bare := REPLY.the.sub("", name)):
        return bare
    for cut in (REPLY.last_comma, REPLY.explained, REPLY.bracketed, REPLY.sentence, REPLY.article):
        if spans(known, name):
            break
        name = _open(cut.sub("", name, count=1))
    return name


def _parts(lines: list[str]) -> list[str]:
    """What strong signs part in lines."""
    parts: list[str] = []
    for line in lines:
        if re.match(r"\(?1[.)]\s", line):
            line = REPLY.numbered.sub(" • ", line)
        line = _open(replies.LISTS.bullets.sub("", line.replace(",;", "，;")))
        parts += [REPLY.label.sub("", line[a:b]) for a, b in _parted(line, REPLY.strong)]
    return parts


def _items(lines: list[str], known: str) -> list[str]:
    """What strong signs part in lines; if they part nothing, what commas do."""
    parts = _parts(lines)
    parts = [part for part in parts if not _is_prose(part, known)] or parts
    if len(parts) != 1:
        return parts
    (whole,) = parts
    explained = _open(REPLY.explained.sub("", whole, count=1))
    once = len(REPLY.explanation.findall(whole)) == 1
    if once and not spans(known, whole) and spans(known, explained):
        whole = explained
    # "a and b;": the semicolon says that this is one name.
    if _says_none(whole) or (spans(known, whole) and lines[0].endswith(";")):
        return [whole]
    whole = whole if spans(known, whole) else REPLY.sentence.sub("", whole, count=1)
    return _by_commas(whole, known)


def _open(name: str) -> str:
    """A name without white space, quotes and brackets around it, and its last point."""
    before = None
    while name != before:
        before, name = name, replies.rewritten(name, REPLY.around)
    return name


def _by_commas(line: str, known: str) -> list[str]:
    """The names in a line that only commas and "and" part.

    Both also stand inside names: before a qualifier ("diabetes mellitus, type 2"), and where names
    share a word ("breast and ovarian cancer"). Which words tell was learned from the training
    sentences of the two data sets, which have 228 such names and 510 such lists: 85 and 95 in a
    hundred come out as in gold.
    """
    pieces, names = _parted(line, REPLY.separator), []
    while pieces:
        for size in range(min(len(pieces), MOST_PIECES), 0, -1):
            whole = line[pieces[0][0] : pieces[size - 1][1]]
            words = [line[start:end] for start, end in pieces[:size]]
            if size == 1 or _is_one(words, whole, known):
                break
        names.append(whole)
        pieces = pieces[size:]
    return names


def _parted(line: str, sign: re.Pattern) -> list[tuple[int, int]]:
    """Places of what signs outside brackets part in a line."""
    masked, before = line, ""
    while masked != before:
        before, masked = masked, REPLY.in_brackets.sub(lambda x: "_" * len(x[0]), masked)
    signs = [found.span() for found in sign.finditer(masked)]
    starts, ends = [0, *(end for _, end in signs)], [*(start for start, _ in signs), len(line)]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if line[a:b].strip()]


def _is_one(words: list[str], whole: str, known: str) -> bool:
    """Whether neighbours are one name: they say so, and the sentence does not object."""
    if "," in whole and all(REPLY.qualifier.fullmatch(word.strip()) for word in words[1:]):
        return True
    if not _shares(words):
        return False
    apart = "," in whole or all(spans(known, word) for word in words)
    return bool(spans(known, whole)) or not apart


def _shares(words: list[str]) -> bool:
    """Whether names share a word: the last one's, or the first one's before "of"."""
    *before, last = [re.sub(r"\s*\([^()]*\)\Z", "", word.strip(" .\"'")) for word in words]
    if len(last.split()) > 1 and all(map(REPLY.waits.search, before)):
        return True
    others = [*before[1:], last]
    if not REPLY.head_first.search(before[0]) or any(len(other.split()) > 3 for other in others):
        return False
    short = all(map(REPLY.abbreviation.search, [before[0], *others]))
    return short or not any(map(REPLY.noun.search, others))


# The task

ENTITIES = Task(
    **WORDS["entities"],
    read_file=bio_tags,
    said=_said,
    parse=parse,
    metric=Metric("entity-level micro F1 over exact spans", extra=_extra),
)
