r"""What a reply says: one engine for all tasks; the words it looks for are in data/replies.yaml.

A reply is read in these steps, each of which a task may use by itself:

1. `own_words`: thoughts, further turns, an echo of the prompt and invented items go; characters
   are folded, and the signs of JSON, LaTeX, HTML and markdown become plain lines.
2. `statements`: where the reply states its answer, firmly ("Answer: ..."), plainly ("the answer
   is ...") or weakly ("therefore, ...").
3. `choose`: which answer of a vocabulary (`Options`, `Labels`) stands after all statements.
4. `stated`, `lines`, `segments`: where a list stands, and what parts its items.

A reading depends on the text and on the item's own options or sentence alone, and is never
guessed: a reply that does not state its answer is not read.
"""

from __future__ import annotations

import ast
import html
import json
import re
import unicodedata
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import NamedTuple

from .schema import read_yaml

SIGNS = str.maketrans("✅✔☑👍🟢❌✘✖✕☒☐👎🔴‘’“”„‐‑", '✓✓✓✓✓✗✗✗✗✗✗✗✗\'\'"""--', "®™©℠")
LONGEST = 400  # of a weak statement, in characters


class Words:
    """The words of one section of data/replies.yaml, compiled when they are first asked for.

    Parameters
    ----------
    section : str
    """

    def __init__(self, section: str):
        self._section = section

    def __getattr__(self, name: str):
        if name.startswith("_") or name not in self._entries:
            raise AttributeError(f"data/replies.yaml has no '{name}' in '{self._section}'")
        value = self._compiled(self._entries[name])
        setattr(self, name, value)
        return value

    @cached_property
    def _entries(self) -> Mapping:
        own = _data()[self._section]
        return ChainMap(own, _data()[own.get("from", "shared")], _data()["shared"])

    def _compiled(self, value):
        if isinstance(value, str):
            return re.compile(spelled_out(value, self._entries), re.I | re.X)
        if isinstance(value, Mapping):
            return {key: self._compiled(inner) for key, inner in value.items()}
        if isinstance(value[0], list):
            return [(self._compiled(find), put) for find, put in value]
        return [self._compiled(inner) for inner in value]


def spelled_out(pattern: str, parts: Mapping[str, str]) -> str:
    """A pattern with its parts, which stand in it as <<name>>, written out."""
    return re.sub(r"<<(\w+)>>", lambda name: spelled_out(parts[name[1]], parts), pattern)


@lru_cache
def _data() -> dict:
    return read_yaml("replies.yaml")


OWN, MARKUP, CUES = Words("own"), Words("markup"), Words("cues")
CHOICES, LISTS = Words("choices"), Words("lists")


# ---- The model's own words -------------------------------------------------------------------


def own_words(
    text: str, prepare: Callable[[str], str] | None = None, *, ticks: bool = False
) -> str | None:
    r"""The model's own reply, in plain lines; None if it ended inside a thought.

    Parameters
    ----------
    text : str
    prepare : callable, optional
        What a task does to the model's own turn before its signs are taken off.
    ticks : bool
        Whether ticks and crosses, or ticked boxes, stay, as ✓ and ✗.

    Examples
    --------
    >>> own_words("<think>A?</think>**Answer:** \\boxed{Ｂ}</s> [INST] Next?")
    'Answer: \nThe answer is B'
    """
    reply = without_thoughts(fold(text))
    if reply is None:
        return None
    reply = own_turn(reply)
    reply = rewritten(reply, MARKUP.ticks if ticks else [(MARKUP.tick, " ")])
    return own_answer(plain(prepare(reply) if prepare else reply)).strip()


def fold(text: str) -> str:
    """One form for characters that look alike; emoji but ticks, and invisible signs, go.

    >>> fold("（Ａ）：‘yes’ ✅")
    "(A):'yes' ✓"
    """
    text = MARKUP.bullets.sub("•", text).translate(SIGNS)
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    kinds = {one: unicodedata.category(one) for one in {*text} - {*"\n\t°✓✗"}}
    put = {"So": " ", "Cf": "", "Mn": "", "Cc": ""}
    return "".join(put.get(kinds.get(one), one) for one in text)


def without_thoughts(text: str) -> str | None:
    """What is left beside the thoughts; None if one was never finished."""
    for mark in OWN.thoughts:
        while opened := mark["opens"].search(text):
            closed = mark.get("ends", mark.get("closes")).search(text, opened.end())
            if not closed:
                return None
            text = f"{text[: opened.start()]}\n{text[closed.end() :]}"
        if "closes" in mark:
            text = mark["closes"].split(text)[-1]
    return text


def own_turn(text: str) -> str:
    """The model's first turn that says anything."""
    said, speaker, place = "", "model", 0
    for marker in OWN.turn.finditer(text):
        if speaker == "model":
            said += text[place : marker.start()]
        kind, place = marker.lastgroup, marker.end()
        if said.strip() and kind in ("user", "end"):
            return said
        speaker = kind if kind in ("model", "user") else speaker
    return said + text[place:] * (speaker == "model")


def plain(text: str) -> str:
    """The text without the signs of JSON, LaTeX, HTML and markdown."""
    text = rewritten(_keys(text), MARKUP.signs)
    text = MARKUP.entity.sub(lambda entity: fold(html.unescape(entity[0])), text)
    return rewritten(text, MARKUP.last_signs)


def rewritten(text: str, rules: Iterable[tuple[re.Pattern, str]]) -> str:
    """The text with each pattern, one after the other, replaced by what is put in its place."""
    for find, put in rules:
        text = find.sub(put, text)
    return text


def _keys(text: str) -> str:
    """The text with a line for each key of JSON: "finalAnswer" is "final Answer: "."""

    def line(key: re.Match) -> str:
        words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", key[1] or key[2]).replace("_", " ")
        return f"\n{words}: "

    return MARKUP.json_key.sub(line, text)


def own_answer(text: str) -> str:
    """The reply without an echo of the question and without invented ones."""
    text = text.strip()
    if OWN.question.match(text) or OWN.context.match(text):
        answer = OWN.answer_begins.search(text)
        text = OWN.short_answer.sub("Answer:", text[answer.start() :]) if answer else ""
    return OWN.question.split(text, maxsplit=1)[0]


def without(text: str, *parts: str) -> str:
    """The text without parts of the prompt that the model repeats word by word.

    White space may differ. Where its beginning stands behind other words, the reply ends.

    >>> without("Say yes or\\nno. Yes.", "Say yes or no.")
    ' Yes.'
    """
    for part in filter(str.split, parts):
        words = list(map(re.escape, part.split()))
        if part.split()[0] in text:
            begun = re.search(r"\s+".join(words[:12]), text) if len(words) > 20 else None
            if begun and text[: begun.start()].strip():
                text = text[: begun.start()]
            text = re.sub(r"\s+".join(words), "", text)
    return text


def own_item(text: str, heading: re.Pattern) -> str:
    """The reply up to where it invents a further item; an echo at its start goes.

    Parameters
    ----------
    text : str
    heading : re.Pattern
        What opens an item of the prompt, such as ``sentence:``.
    """
    opens = re.compile(rf"^[^\w\n]*(?:{heading.pattern})", re.I | re.X | re.M)
    text = text.strip()
    while opens.match(text):
        text = text.partition("\n")[2].strip()
    return opens.split(text, maxsplit=1)[0].rstrip()


def unwrapped(text: str, left: str = "", right: str = "") -> str:
    """The text with other signs, or none, for angle brackets around words.

    HTML tags and chat tokens stay, for `plain` to see to; so do comparisons.

    >>> unwrapped("<b><effect></b> (P < 0.05) <|end|>", "[", "]")
    '<b>[effect]</b> (P < 0.05) <|end|>'
    """
    text = text.replace("&lt;", "<").replace("&gt;", ">")
    return MARKUP.brackets.sub(lambda mark: left + mark[1] + right, text)


def as_answer(text: str, nouns: re.Pattern) -> str:
    """The text with "answer" for the task's own nouns, where one opens a statement.

    So that `statements` finds it: "category: ...", "the label is ...", a heading "Label",
    ``<label>...</label>``. Not "no relation: ...".

    >>> as_answer("The relation between them is: no relation.", re.compile("relation|label"))
    'The answer is: no relation.'
    """
    tagged, opens = (x.pattern.replace("NOUNS", nouns.pattern) for x in (CUES.tagged, CUES.noun))
    text = re.sub(tagged, r"\nAnswer: \2\n", _keys(text), flags=re.I | re.X | re.S)
    text = re.sub("标签|类别|关系(?=是|为|:)", "答案", text)
    return re.sub(opens, r"\g<head>answer", text, flags=re.I | re.X | re.M)


# ---- Statements --------------------------------------------------------------------------------


class Cue(NamedTuple):
    """A place where an answer is stated: ``text[end:]`` is what it says.

    ``kind`` is ``firm`` (what follows is the answer, even if it cannot be read), ``answer``, or
    ``weak`` (it counts if it names an answer at once).
    """

    start: int
    end: int
    kind: str
    negated: bool = False


class Statement(NamedTuple):
    """What a reply says at a cue; "not " is put before it if the cue is negated."""

    text: str
    kind: str


def answer_cues(text: str) -> list[Cue]:
    """The answer cues of a reply, in their order.

    Not an answer that is not the reply's own ("a common wrong answer is C", "if the answer is
    ..."), nor a remark about it ("the answer is based on ...").
    """
    found = []
    for match in CUES.answer.finditer(text):
        line = text[: match.start()].rpartition("\n")[2]
        if match["line"] is not None and line.strip(" \t-\"'"):
            continue
        supposed = CUES.supposed.search(match[0]) and CUES.supposes.search(line)
        remark = match["verb"] and CUES.remark.match(text, match.end())
        if supposed or remark or CUES.foreign.search(match["before"]):
            continue
        denied = CUES.denied.search(match["before"]) or re.search("n[o']t", match["verb"] or "")
        kind = "answer" if match["verb"] else "firm"
        found.append(Cue(match.start(), match.end(), kind, bool(denied)))
    for match in CUES.chinese.finditer(text):
        found.append(Cue(match.start(), match.end(), "firm", bool(match["negated"])))
    return sorted(found)


def statements(text: str) -> list[Statement]:
    """What a reply says at its cues, in their order, each to the end of its sentence or line.

    Examples
    --------
    >>> [(s.kind, s.text) for s in statements("I pick A. No, the answer is not A but B.")]
    [('weak', 'A'), ('answer', 'not A but B')]
    """
    cues = answer_cues(text)
    stops = [cue.start for cue in cues] + [len(text)]
    weak = (match for pattern in CUES.weak for match in pattern.finditer(text))
    found = []
    for cue in cues + [Cue(*match.span(), "weak") for match in weak]:
        stop = min(stop for stop in stops if stop >= cue.end)
        stop = min(stop, cue.end + LONGEST) if cue.kind == "weak" else stop
        said = "not " * cue.negated + sentence(text[cue.end : stop])
        found.append((cue.start, Statement(said, cue.kind)))
    for match in CUES.verdict.finditer(text):  # it stands after its statement
        clause = text[max(0, match.start() - LONGEST) : match.start()]
        found.append((match.start(), Statement(CUES.subject.match(clause)["words"], "weak")))
    return [statement for _, statement in sorted(found, key=lambda pair: pair[0])]


def sentence(text: str) -> str:
    """The first sentence, without what stands before its words.

    >>> sentence(" - E. coli is found. Then what?")
    'E. coli is found'
    """
    text = re.sub(r"\A(?:[\s:,=>→–—]|-(?!\d))+", "", text)
    return CUES.sentence_ends.split(text, maxsplit=1)[0].strip()


# ---- Choices -----------------------------------------------------------------------------------


class Said(NamedTuple):
    """What one statement names, and what it denies."""

    chosen: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()


def choose(said: Iterable[Statement], named: Callable[[Statement], Said]) -> tuple:
    """The answer that stands after all statements, and whether there was a cue.

    The last statement that names one answer wins. Two answers in one statement, a firm one that
    cannot be read, and "the answer is unclear" take back what was said before; "the answer is
    not B" takes back B.
    """
    answer, cued = None, False
    for statement in said:
        found = named(statement)
        weak = statement.kind == "weak"
        cued = cued or not weak or len(found.chosen) == 1
        if len(found.chosen) == 1:
            (answer,) = found.chosen
        elif answer in found.denied:
            answer = None
        elif weak or not statement.text or found.denied:
            continue
        elif found.chosen or statement.kind == "firm" or CHOICES.unsure.search(statement.text):
            answer = None
    return answer, cued


def opening(text: str, name: re.Pattern, follow: re.Pattern | None = None) -> tuple:
    """The answers that a text begins with, and what comes after them.

    Examples
    --------
    >>> opening("most likely (A) or b, since", re.compile("[A-Za-z]"), CHOICES.follow)
    (['A', 'b'], ', since')
    >>> opening("a beta blocker", re.compile("[A-Za-z]"), CHOICES.follow)
    ([], 'a beta blocker')
    """
    found, end, place = [], 0, 0
    while True:
        # behind words such as "most likely", or where such a word is the name
        starts = (pattern.match(text, place).end() for pattern in (CHOICES.before, CHOICES.quotes))
        match = next(filter(None, (name.match(text, start) for start in starts)), None)
        if not match or (follow and not follow.match(text, match.end())):
            break
        found.append(match[0])
        end = CHOICES.closes.match(text, match.end()).end()
        joined = CHOICES.join.match(text, end)
        if not joined:
            break
        place = joined.end()
    return found, text[end:]


class Options:
    """Letters, their texts, and what a reply names of them.

    Parameters
    ----------
    options : mapping of str to str
        Capital letters to texts.
    question : str
        An option's text that stands in it is not stated by being mentioned; one that asks for an
        exception is answered by what it denies.

    Examples
    --------
    >>> known = Options({"A": "Hepatitis", "B": "Chronic hepatitis", "C": "5 mg"})
    >>> known.mask("Not hepatitis but chronic  hepatitis.")
    'Not ⟦A⟧ but ⟦B⟧.'
    >>> known.read("The answer is chronic hepatitis.")
    'B'
    """

    def __init__(self, options: Mapping[str, str], question: str = ""):
        self.letters = frozenset(options)
        self._texts: dict[str, str] = {}
        for letter, text in options.items():
            key = _key(plain(fold(text)))
            # A text that looks like a letter of this question is none.
            if key and key.upper() not in self.letters:
                self._texts[key] = self._texts.get(key, "") + letter
        self._short = [text for text in self._texts if sum(map(str.isalpha, text)) < 5]
        self._long = [text for text in self._texts if text not in self._short]
        self._question, self._excepts = question, bool(CHOICES.exception.search(question))

    def read(self, text: str) -> str | None:
        """The letter that a reply chooses."""
        own = own_words(text, _judged, ticks=True) or ""
        self._brief, reply = _any_of(self._short, own), self.mask(own).strip()
        reading, cued = choose(statements(reply), self._named)
        if reply and not cued:
            reading = self._reviewed(reply) or self._bare(reply) or self._stated(reply)
        return reading if reading in self.letters else None

    def mask(self, text: str) -> str:
        """The text with a mark in place of every option's text.

        Whole words only, the first and longest where two overlap: neither "hepatitis" in "chronic
        hepatitis" nor the C of "vitamin C" is seen. Texts of fewer than five letters ("5 mg",
        "None") are too common to be marked, but behind their own letter.
        """
        text = re.sub("[⟦⟧]", " ", text)
        brief, long = _any_of(self._short, text), _any_of(self._long, text)
        text = long.sub(lambda match: f"⟦{self._texts.get(_key(match[0]), '')}⟧", text)
        labelled = rf"(?<![\w'])([A-Z])\b([\s).:*(–—-]{{1,4}})({brief.pattern})"
        return re.sub(labelled, self._own, text, flags=re.I)

    def _own(self, found: re.Match) -> str:
        """A brief text behind its own letter, marked."""
        letter, sign, brief = found.groups()
        own = letter in self._texts.get(_key(brief), "")
        return f"{letter}{sign}⟦{letter}⟧" if own else found[0]

    def _named(self, statement: Statement) -> Said:
        text, weak = statement.text, statement.kind == "weak"
        if denial := _denial(text, lambda part: self._in(part).chosen):
            return denial
        found = self._in(text)
        if weak and not CHOICES.at_once.match(self._opens(text)[1]):
            found = Said(denied=found.denied)
        if found.denied and self._excepts:
            return Said() if weak else Said(found.chosen or found.denied)
        return found

    def _in(self, text: str) -> Said:
        """The first of these: letters or brief texts at the start; letters in brackets; texts."""
        found, rest = self._opens(text)
        if found:
            rejected = CHOICES.rejected.match(_about(found, rest))
            return Said(denied=found) if rejected else Said(found)
        before_aside = CHOICES.aside.split(text, maxsplit=1)[0]
        for pattern in (CHOICES.labelled, CHOICES.mark):
            chosen, denied = set(), set()
            for match in pattern.finditer(before_aside):
                against = CHOICES.rejected.match(text, match.end())
                (denied if against else chosen).update("".join(filter(None, match.groups())))
            if chosen or denied:
                return Said(frozenset(chosen), frozenset(denied))
        return Said()

    def _opens(self, text: str) -> tuple[frozenset[str], str]:
        """The brief texts, or letters, at the very start of a text; and the rest."""
        for name in (self._brief, CHOICES.letter):
            found, rest = opening(text, name, CHOICES.follow)
            if found:
                break
        return frozenset("".join(self._texts.get(_key(x), x.upper()) for x in found)), rest

    def _reviewed(self, reply: str) -> str | None:
        """The one option that a reply goes through and finds right, or in a denial wrong."""
        right, wrong = set(), set()
        for line in map(str.strip, reply.splitlines()):
            tick = re.match(r"[^\w⟦✓✗]*([✓✗]?)[^\w⟦]*", line)
            here, rest = self._opens(line[tick.end() :])
            mark = CHOICES.mark.match(line, tick.end())
            here, rest = (set(mark[1]), line[mark.end() :]) if mark and not here else (here, rest)
            said = CHOICES.verdict.match(rest)
            if here and (tick[1] or said):
                yes = tick[1] == "✓" or bool(said and (said["yes"] or said["tick"]))
                (right if yes else wrong).update(here)
        found, others = (wrong, right) if self._excepts and len(wrong) == 1 else (right, wrong)
        return (*found,)[0] if len(found) == 1 and others - found else None

    def _bare(self, reply: str) -> str | None:
        """The letter that opens the reply, or that is all of its last line."""
        lines = [line for line in reply.splitlines() if line.strip()]
        listed = CHOICES.listed.findall(reply)
        reviews = len(listed) > 1 and ord(listed[1]) == ord(listed[0]) + 1
        found = set()
        opens, rest = self._opens(lines[0])
        rest = _about(opens, rest)
        if opens and CHOICES.rejected.match(rest):
            return None
        begun = sentence(CHOICES.aside.split(rest)[0])
        if not reviews and CHOICES.opens.match(rest) and not CHOICES.rejects.search(begun):
            found |= opens
        opens, rest = self._opens(lines[-1])
        above = self._opens(lines[-2])[0] if len(lines) > 1 else None
        alone = re.fullmatch(r"\W*⟦\w+⟧\W*", rest) and not (reviews and above)
        if alone or not re.search(r"\w", rest):
            found |= opens
        return found.pop() if len(found) == 1 else None

    def _stated(self, reply: str) -> str | None:
        """The option whose text the reply begins with or, alone, states to be so."""
        if first := re.fullmatch(r"\W*⟦([A-Z])⟧\W*", sentence(reply)):
            return first[1]
        asked = set("".join(CHOICES.mark.findall(self.mask(plain(fold(self._question))))))
        found, denied, others = set(), set(), set()
        for one in re.split(r"(?<=[.!?。])\s|\n", reply):
            named = set("".join(CHOICES.mark.findall(one)))
            lone = set(CHOICES.lone.findall(CHOICES.mark.sub("", one))) & self.letters
            if CHOICES.denies.search(one):
                denied |= named | lone
            else:
                others |= lone
                told = CHOICES.retells.search(one) or self._opens(one)[0]
                if CHOICES.states.search(one) and not told:
                    found |= named - asked
        found -= denied
        return (*found,)[0] if len(found) == 1 and not others - found else None


def _about(found: frozenset[str], rest: str) -> str:
    """What follows named options, up to another's text."""
    others = (m.start() for m in CHOICES.mark.finditer(rest) if not found & set(m[1]))
    return rest[: next(others, len(rest))]


def _judged(text: str) -> str:
    """A line for each object that judges an option."""
    return as_lines(text) if re.search(r"[\[:]\s*\{", text) else text


def _key(text: str) -> str:
    """An option's text as it is compared."""
    text = re.sub(r"\s+", " ", text).strip(" .").lower()
    return text.replace(" & ", " and ").replace("sulph", "sulf").replace("umour", "umor")


def _any_of(texts: list[str], said: str) -> re.Pattern:
    """Any of the texts as whole words and numbers in what is said, the longest first."""
    # Chinese has no spaces: its characters may touch a text, other letters not. Their range is
    # dear: it makes building a pattern ten times as long.
    word = r"\w" if said.isascii() else r"(?-i:[^\W\u4e00-\u9fff])"
    either = "|".join(map(_spelled, sorted(texts, key=len, reverse=True))) or "(?!)"
    before, after = rf"(?<!{word})(?<![<>±-])(?<!≤)(?<!≥)(?<!\d[.,])", rf"(?!{word}|[-/%]\w|[.,]\d)"
    return re.compile(f"{before}(?:{either}){after}", re.I)


def _spelled(text: str) -> str:
    """A pattern of a text, in either spelling, with any white space."""
    text = re.escape(text).replace(r"\ and\ ", r"\ (?:and|&)\ ").replace(r"\ ", r"\s+")
    return text.replace("sulf", "sul(?:f|ph)").replace("umor", "umou?r")


def _denial(text: str, named: Callable[[str], frozenset[str]]) -> Said | None:
    """What "not A but B" names, B, and denies, A; None if a text begins otherwise."""
    if not (negation := CHOICES.negation.match(text)):
        return None
    denied, _, instead = CHOICES.but.sub("\n", text[negation.end() :], count=1).partition("\n")
    chosen = named(instead)
    return Said(chosen, named(denied) - chosen)


class Labels:
    """Labels, the words that stand for them, and what a reply names of them.

    Parameters
    ----------
    names : mapping of str to re.Pattern
        Each label to the pattern, without groups that capture, of what stands for it. Where two
        fit, the longer is to come first in its own pattern.

    Examples
    --------
    >>> words = Labels({"yes": re.compile("yes|related"), "no": re.compile("no|not related")})
    >>> sorted(words.named(Statement("not no but yes", "answer")).chosen)
    ['yes']
    >>> words.opens("Related. It is said twice."), words.opens("Related genes were seen.")
    ('yes', None)
    """

    def __init__(self, names: Mapping[str, re.Pattern]):
        self._names = {key: re.compile(name.pattern, re.I | re.X) for key, name in names.items()}
        name = f"(?:{'|'.join(name.pattern for name in self._names.values())})"
        self._word = re.compile(rf"{name}(?![\w'-])", re.I | re.X)
        # "Yes" and "maybe" are no determiners: any word may follow them.
        loose = "".join(rf"|{key}(?![\w'-])" for key in ("yes", "maybe") if key in names)
        self._followed = re.compile(f"{name}{CHOICES.follow.pattern}{loose}", re.I | re.X)
        by_itself = rf"\A[\"'(\[{{⟨\s-]*{name}{CHOICES.by_itself.pattern}"
        self._by_itself = re.compile(by_itself, re.I | re.X)
        self._alone = re.compile(rf"[\W_]*{name}[\W_]*", re.I | re.X)

    def of(self, found: list[str]) -> frozenset[str]:
        """The labels of words."""
        fits = (next(k for k, name in self._names.items() if name.fullmatch(w)) for w in found)
        return frozenset(fits)

    def leading(self, text: str) -> tuple[frozenset[str], str]:
        """The labels that a text begins with, whatever follows; and the rest of it."""
        found, rest = opening(text, self._word)
        return self.of(found), rest

    def at(self, text: str) -> frozenset[str]:
        """The labels that a text begins with and that are no part of a phrase."""
        return self.of(opening(text, self._followed)[0])

    def named(self, statement: Statement) -> Said:
        """What a statement names; "not A but B" names B and denies A."""
        here = self.at(statement.text)
        return Said(here) if here else _denial(statement.text, self.at) or Said()

    def opens(self, reply: str) -> str | None:
        """What opens a reply before a sign, or is all of its last line.

        None if lines of the reply begin with different labels.
        """
        lines = [line for line in reply.splitlines() if line.strip()]
        if not lines or not (self._by_itself.match(lines[0]) or self._alone.fullmatch(lines[-1])):
            return None
        found = frozenset().union(*(self.at(x) for x in lines if self._by_itself.match(x)))
        return (*found,)[0] if len(found) == 1 else None

    def read(self, reply: str) -> str | None:
        """The label that own words choose at a cue, or open with."""
        reading, cued = choose(statements(reply), self.named)
        return reading if cued else self.opens(reply)


@lru_cache
def labels(section: str, name: str = "labels") -> Labels:
    """The labels that a section of data/replies.yaml lists."""
    return Labels(getattr(Words(section), name))


# ---- Lists -------------------------------------------------------------------------------------


def stated(reply: str, heading: re.Pattern) -> list[str] | None:
    """The lines of the list that own words state; None if they have no cue.

    The list begins after the last answer cue that has words after it; if there is no cue, after
    the last heading. A template ("[list of medications]") is not a list.

    Examples
    --------
    >>> stated("It is a cold. Final Answer:\\n- rest\\n- tea", re.compile("Drugs:"))
    ['- rest', '- tea']
    """
    reply = LISTS.template.sub("", reply)
    ends = [cue.end for cue in answer_cues(reply)]
    ends = ends or [match.end() for match in heading.finditer(reply)]
    for end in reversed(ends):
        if found := lines(reply[end:]):
            return found
    return [] if ends else None


def lines(text: str) -> list[str]:
    """The lines of the list that a text begins with; its first line is the cue's.

    If that is empty or leads on ("... are:", a comma, a bullet), also the lines below it; if it
    holds one item, the short lines right below it are more. Headings inside are skipped, and so
    is prose below a bullet. A blank line ends the list unless a bullet, a heading or, further
    down, the next number follows; so does a section such as "Explanation:".
    """
    if array := re.match(r"\s*\[[^]]*\]", text):
        return [array[0].strip()]
    first, _, below = text.partition("\n")
    first, below = first.strip(" \t\"'").lstrip(": "), [x.strip() for x in below.splitlines()]
    if first and not LISTS.leads_on.search(first) and not LISTS.bullet.match(first):
        more = takewhile(LISTS.short_item.fullmatch, below)
        return [first, *more] if LISTS.one_item.fullmatch(first) else [first]
    found, blank = [first] if first else [], False
    for number, line in enumerate(below):
        bullet, heading = bool(LISTS.bullet.match(line)), line.endswith(":")
        parted = line and blank and found and not bullet and not heading
        if LISTS.ends.match(line) or (parted and not _counts_on(found[-1], below[number:])):
            break
        blank = not line or (blank and parted)
        below_bullet = found and LISTS.bullet.match(found[-1]) and not bullet
        if line and not heading and not below_bullet:
            found.append(line)
    return found


def _counts_on(item: str, below: list[str]) -> bool:
    """Whether the number after that of an item begins a line below."""
    count = re.match(r"(\d{1,2})[.)]\s", item)
    return bool(count) and any(re.match(rf"\s*{int(count[1]) + 1}[.)]\s", line) for line in below)


def segments(line: str) -> list[str]:
    """What semicolons, bullets and numbers part in a line, without brackets.

    >>> segments("1. Iron (Feosol, oral) 2. Aspirin; zinc")
    ['Iron', 'Aspirin', 'zinc']
    """
    for first, following in ((r"\(?1[.)]\s", r"\d{1,2}[.)]"), (r"\(?a\)\s", r"[a-z]\)")):
        if re.match(first, line):
            line = re.sub(rf"(?:^|\s)\(?{following}\s+", " • ", line)
    line = without_brackets(LISTS.bullets.sub("", line))
    parts = [part.strip() for part in re.split(r"[;•]|\s/\s", line)]
    return [part for part in parts if part]


def without_brackets(text: str) -> str:
    """The text without round brackets, also those that are never closed."""
    while (shorter := re.sub(r"\s*\([^()]*\)", "", text)) != text:
        text = shorter
    return re.sub(r"\s*\(.*", "", text)


def first_sentence(text: str) -> str:
    """The first sentence; a point inside a number or after "St" does not end it."""
    return LISTS.sentence.split(text, maxsplit=1)[0]


# ---- JSON --------------------------------------------------------------------------------------

NAME_KEYS = (
    "text name entity mention disease word term span hallmark condition value option letter".split()
)
TYPE_KEYS = "type label category class entity_type entity_group semantic_type".split()


def as_lines(text: str) -> str:
    """The text with headings and bullets in place of JSON, or of a Python list.

    Of objects in a list their name counts, and their type or verdict if they have one: one of
    another type than is asked for goes. A semicolon ends each name. Text that only looks like
    JSON stays.

    >>> print(as_lines('{"genes": ["A"], "diseases": ["flu", {"name": "gout", "id": 3}]}').strip())
    genes:
    - A;
    diseases:
    - flu;
    - gout;
    """
    place = 0
    while found := LISTS.begins.search(text, place):
        place = found.start()
        try:
            value, end = _value(text, place)
            listed = _lines(value)
            said = "" if listed is None else fold("\n".join(["", *listed, ""]))
        except (ValueError, SyntaxError, RecursionError):
            said = ""
        text = text[:place] + said + text[end:] if said else text
        place += len(said) or 1
    return text


def _value(text: str, place: int) -> tuple[object, int]:
    """What JSON, or a list as Python writes it, stands for; and its end."""
    try:
        return json.JSONDecoder().raw_decode(text, place)
    except ValueError:
        found = LISTS.python.match(text, place)
        return (ast.literal_eval(found[0]), found.end()) if found else (None, place)


def _lines(value) -> list[str] | None:
    """The lines of an object, or of a list in which no number stands by itself."""
    members = (str, dict, list, tuple)
    if isinstance(value, dict) and value:
        return _object(value)
    if isinstance(value, list | tuple) and all(isinstance(x, members) for x in value):
        return [line for item in value for line in _item(item)] or ["none"]
    return None


def _item(value) -> list[str]:
    """The line of one member of a list."""
    if isinstance(value, dict):
        keys = {str(key).lower(): inner for key, inner in value.items()}
        texts = {key: inner for key, inner in keys.items() if isinstance(inner, str)}
        names = [texts[x] for word in NAME_KEYS for x in texts if x.split("_")[-1] == word]
        verdict = _verdict(keys)
        kinds = [texts[x] for x in TYPE_KEYS if x in texts and texts[x] != verdict]
    elif isinstance(value, (list, tuple)):
        names, verdict = [inner for inner in value if isinstance(inner, str)], None
        kinds = names[1:]
    else:
        names, kinds, verdict = [str(value)], [], None
    if not names and not kinds:
        return _lines(value) or []
    if names and kinds and not LISTS.asked.search(kinds[0]):
        return []
    name = " ".join((names or kinds)[0].split())
    return [f"- {name}: {verdict};" if verdict is not None else f"- {name};"]


def _verdict(value: dict):
    """What an object says of its name, if it judges it."""
    judged = LISTS.judgement.fullmatch
    found = (x for key, x in value.items() if LISTS.judges.fullmatch(key) or judged(f"{key}: {x}"))
    return next(found, None)


def _object(value: dict) -> list[str]:
    keys = {str(key).lower() for key, inner in value.items() if isinstance(inner, str)}
    if keys & set(TYPE_KEYS) and keys & set(NAME_KEYS):
        return _item(value)
    said = []
    for key, inner in value.items():
        heading = f"{str(key).replace('_', ' ')}:"
        if isinstance(inner, dict) and (verdict := _verdict(inner)) is not None:
            said.append(f"- {heading} {verdict};")
        elif isinstance(inner, (dict, list)):
            said += [heading, *(_lines(inner) or ["none"] * (not inner))]
        else:
            said.append(f"{heading} {'' if inner is None else inner}")
    return said


# ---- Free text ---------------------------------------------------------------------------------


def free_text(text: str, kind: Words) -> str | None:
    """The text of a reply that is to be scored, in one line, as the model wrote it.

    Thoughts, further turns, the signs of markdown, prefaces ("Here is a summary:") and what a
    chatbot says at the end go. None if nothing is left or the model refused.

    Parameters
    ----------
    text : str
    kind : Words
        What echoes, prefaces and closing remarks look like in this task.

    Examples
    --------
    >>> free_text("Sure! Here is the summary:\\n\\n**Impression:** Clear.", Words("radiology"))
    'Clear.'
    """
    reply = rewritten(own_turn(without_thoughts(text) or ""), kind.signs).strip()
    with suppress(ValueError, RecursionError):
        reply = "\n".join(_texts(json.loads(reply), kind)) if reply[:1] in "{[" else reply
    reply = kind.prefaces.sub("", rewritten(reply, kind.line_signs).strip())
    if kind.refusal.match(reply):
        after = kind.after_all.search(reply)
        reply = kind.prefaces.sub("", reply[after.end() :]) if after else ""
    while (last := kind.last.search(reply)) and kind.closing.fullmatch(last["said"]):
        reply = reply[: last.start()]
    return " ".join(reply.split()) or None


def _texts(value, kind: Words) -> list[str]:
    """The texts in JSON; of an object those under a name for the answer, if it has any."""
    if isinstance(value, dict):
        told = {key: texts for key, inner in value.items() if (texts := _texts(inner, kind))}
        value = [told[key] for key in told if kind.value.search(key)]
        value = value or [told[key] for key in told if not kind.no_value.fullmatch(key)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner, kind)]
    return [value] if isinstance(value, str) else []
