"""ChatDoctor's disease table: symptoms in, a set of drug names out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .. import replies
from ..metrics import Metric, f1
from ..schema import Example
from .base import WORDS, Task
from .files import Row, csv_table

COLUMNS = ["idx", "disease", "Symptom", "reason", "TestsAndProcedures", "commonMedications"]

# The file


def chatdoctor(spec, split, root) -> Iterator[Example]:
    """The 796 diseases, all of them test items.

    The ``reason`` cell is never read: it can name the drug. There is no
    training part, so ``train`` is the table itself, from which exemplars are
    taken with the test item left out.
    """
    seen: set[str] = set()
    for row in csv_table(root / spec.folder / "format_dataset.csv", COLUMNS):
        identifier = row.field("idx").strip()
        row.expect(identifier.isdecimal(), f"idx is '{identifier}'; expected a number.")
        row.once(seen, identifier)
        drugs = frozenset(map(drug_name, _names(row, "commonMedications")))
        row.expect(all(drugs), "a medication has no name.")
        disease = row.field("disease").strip().replace("\\'", "'")
        inputs = {"disease": disease, "symptoms": tuple(_names(row, "Symptom"))}
        yield Example(identifier, spec.key, inputs, drugs, identifier)


def _names(row: Row, column: str) -> list[str]:
    cell = row.field(column)
    try:
        names = ast.literal_eval(cell)
        if isinstance(names, list) and names and all(name.strip() for name in names):
            "".join(names).encode()  # half a surrogate pair is no name
            return [name.strip() for name in names]
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError):
        pass
    row.reject(f"'{column}' is not a list of names such as ['Cough', 'Fever'].")


def drug_name(name: str) -> str:
    """A medication as it is compared: no brand in parentheses, lower case.

    The table writes some apostrophes with a backslash, which is dropped.

    >>> drug_name("Insulin, Aspart, Human (Novolog)")
    'insulin, aspart, human'
    """
    name = re.sub(r"\s*\([^()]*\)", "", name.replace("\\'", "'"))
    return re.sub(r"\s+", " ", name).strip().lower()


# The prompt


def _shown(example: Example) -> dict[str, str]:
    return {**example.inputs, "symptoms": ", ".join(example.inputs["symptoms"])}


# The metric


def _extra(gold, readings, rows) -> dict:
    hits, spurious, missed = map(int, rows.sum(axis=0))
    mean = float(f1(rows).mean())  # which some published code reports under the same name
    return {"mean_item_f1": mean, "hits": hits, "spurious": spurious, "missed": missed}


# The replies

REPLY = replies.Words("drugs")
MOST_WORDS = 6  # of a name; the longest gold name has five


def parse(example: Example, text: str) -> frozenset[str] | None:
    """The drugs a reply names, as `drug_name` writes them; None if it gives no list.

    Examples
    --------
    >>> one = Example("1", "chatdoctor", {}, frozenset(), "1")
    >>> sorted(parse(one, "Final Answer: Insulin, Aspart, Human (Novolog); Metformin 500 mg"))
    ['insulin, aspart, human', 'metformin']
    >>> parse(one, "Final Answer: None")
    frozenset()
    """
    reply = replies.rewritten(replies.own_words(text, replies.as_lines) or "", REPLY.table)
    found = replies.stated(reply, REPLY.heading)
    if found is not None:
        return _drugs_in(found)
    names = _drugs_in(replies.stated(reply, REPLY.told) or [])
    return _bare(reply) if names is None else names


def _bare(reply: str) -> frozenset[str] | None:
    """A reply without a cue: bullets, or two short names or more, and no sentence."""
    found = replies.lines("\n" + reply)
    more = [line for line in map(str.strip, reply.splitlines()) if line and line not in found]
    names = _drugs_in(found)
    if more and not replies.LISTS.ends.match(more[0]):
        return None
    if replies.LISTS.bullet.match(reply) or not names:
        return names
    prose = REPLY.sentence.search(reply) or REPLY.speaks.search(reply)
    return names if len(names) > 1 and not prose else None


def _drugs_in(found: list[str]) -> frozenset[str] | None:
    """The names in the lines of a list, or None."""
    names, none = [], False
    for line in found:
        several = len(found) > 1 or bool(replies.LISTS.bullet.match(line))
        for item in _items(line, several):
            name = drug_name(_trim(item))
            if REPLY.none.fullmatch(name):
                if not several and not names:
                    return frozenset()
                none = True
            elif REPLY.speaks.search(name):
                return None
            elif REPLY.sentence.search(name):
                if not several and len(names) < 2:
                    return None
                break
            elif re.search(r"[^\W\d_]", name) and not REPLY.no_name.fullmatch(name):
                names += [name] if len(name.split()) <= MOST_WORDS else []
    return frozenset(names) if names or none else None


def _items(line: str, several: bool) -> Iterator[str]:
    """The items of a line; `several` if it is one line, with one item, of many."""
    named = replies.rewritten(line, REPLY.in_classes)
    if named != line:
        line = re.sub(r"(\([^()]*\))|\)", r"\1", replies.first_sentence(named))
    parts = replies.segments(line)
    for part in map(replies.first_sentence, parts):
        if REPLY.none.fullmatch(part):
            yield part
            continue
        part = REPLY.heads.sub("", REPLY.lead.sub("", part, count=1), count=1)
        if several or len(parts) > 1:
            part = replies.LISTS.explains.split(part)[0]
        yield from _with_qualifiers(_pieces(part), whole=";" in line)


def _pieces(part: str) -> list[str]:
    """What commas part, without explanations.

    Behind the first one only what has its own: in "a - lowers pain, fever, b - lowers sugar"
    fever is no item.
    """
    pieces = [replies.LISTS.explains.split(x) for x in re.split(r",(?!\d{3}(?!\d))|、", part)]
    first = next((at for at, piece in enumerate(pieces) if len(piece) > 1), len(pieces))
    named = pieces[:first] + [piece for piece in pieces[first:] if len(piece) > 1]
    return [REPLY.reason.split(name)[0].strip() for name, *_ in named]


def _with_qualifiers(pieces: list[str], whole: bool) -> list[str]:
    """Items, each with the qualifiers after it; `whole` keeps "and" in names."""
    items, dosed = [], False
    for piece in pieces:
        for number, part in enumerate([piece] if whole else REPLY.conjunction.split(piece)):
            name = _trim(part)
            if items and number == 0 and REPLY.qualifier.fullmatch(name):
                # After a dose a route is part of it: "ceftriaxone 1 g, intravenous".
                items[-1] += "" if dosed else f", {name}"
            else:
                items.append(name)
                dosed = False
            dosed = dosed or bool(REPLY.dose.search(part))
    return items


def _trim(item: str) -> str:
    """An item without its dose, its frequency and stray words and signs.

    >>> _trim("2 tablets of ibuprofen 400 mg twice a day.")
    'ibuprofen'
    """
    return replies.rewritten(item.strip(), REPLY.trims).strip(" \t.,;:!?\"'[]{}*|–—-")


# The task

CHATDOCTOR = Task(
    **WORDS["treatment"],
    read_file=chatdoctor,
    shown=_shown,
    parse=parse,
    metric=Metric("micro F1 over set members", extra=_extra),
)
