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

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import yaml

from .schema import DATA

QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "‐": "-"})
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
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._compiled(self._find(name))
        setattr(self, name, value)
        return value

    def _find(self, name: str):
        own = _data()[self._section]
        for section in (own, _data()[own.get("from", "shared")], _data()["shared"]):
            if name in section:
                return section[name]
        raise AttributeError(f"data/replies.yaml has no '{name}' in '{self._section}'")

    def _compiled(self, value):
        if isinstance(value, str):
            return re.compile(self._whole(value), re.I | re.X)
        if isinstance(value, Mapping):
            return {key: self._compiled(inner) for key, inner in value.items()}
        if isinstance(value[0], list):
            return [(self._compiled(find), put) for find, put in value]
        return [self._compiled(inner) for inner in value]

    def _whole(self, pattern: str) -> str:
        return re.sub("<<(\\w+)>>", lambda name: self._whole(self._find(name[1])), pattern)


@lru_cache
def _data() -> dict:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DATA / "replies.yaml").read_text(encoding="utf-8"), loader)


OWN, MARKUP, CUES = Words("own"), Words("markup"), Words("cues")
CHOICES, LISTS = Words("choices"), Words("lists")


# ---- The model's own words -------------------------------------------------------------------


def own_words(text: str) -> str | None:
    r"""The model's own reply, in plain lines; None if it ended inside a thought.

    Examples
    --------
    >>> own_words("<think>A?</think>**Answer:** \\boxed{Ｂ}</s> [INST] Next?")
    'Answer: \nAnswer: B'
    """
    reply = without_thoughts(fold(text))
    return None if reply is None else own_answer(plain(own_turn(reply))).strip()


def fold(text: str) -> str:
    """One form for characters that look alike; emoji and invisible signs go.

    >>> fold("（Ａ）：‘yes’ ✅")
    "(A):'yes'  "
    """
    text = MARKUP.bullets.sub("•", text).translate(dict.fromkeys(map(ord, "®™©℠")))
    text = unicodedata.normalize("NFKC", text).translate(QUOTES)
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    if text.isascii():
        return re.sub(r"[^\n\t -~]", "", text)
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if kind == "So" and character != "°":
            kept.append(" ")
        elif kind not in ("Cf", "Mn") and (kind != "Cc" or character in "\n\t"):
            kept.append(character)
    return "".join(kept)


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
    for marker in [*OWN.turn.finditer(text), None]:
        if speaker == "model":
            said += text[place : marker.start() if marker else None]
        elif said.strip():
            break
        if marker is None:
            break
        place = marker.end()
        if marker["model"] or marker["user"]:
            speaker = "model" if marker["model"] else "user"
        elif marker["end"] and said.strip():
            speaker = "nobody"
    return said


def plain(text: str) -> str:
    """The text without the signs of JSON, LaTeX, HTML and markdown."""
    text = MARKUP.json_key.sub(lambda key: f"\n{key[1].replace('_', ' ')}: ", text)
    for sign, put in MARKUP.signs:
        text = sign.sub(put, text)
    text = MARKUP.entity.sub(lambda entity: fold(html.unescape(entity[0])), text)
    for sign, put in MARKUP.last_signs:
        text = sign.sub(put, text)
    return text


def own_answer(text: str) -> str:
    """The reply without an echo of the question and without invented ones."""
    text = text.strip()
    if OWN.question.match(text) or OWN.context.match(text):
        answer = OWN.answer_begins.search(text)
        text = text[answer.start() :] if answer else ""
    invented = OWN.question.search(text)
    return text[: invented.start()] if invented else text


def without(text: str, *parts: str) -> str:
    """The text without parts of the prompt that the model repeats word by word.

    White space may differ.

    >>> without("Say yes or\\nno. Yes.", "Say yes or no.")
    ' Yes.'
    """
    for part in filter(str.split, parts):
        if part.split()[0] in text:
            text = re.sub(r"\s+".join(map(re.escape, part.split())), "", text)
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
    further = opens.search(text)
    return text[: further.start()].rstrip() if further else text


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
    tagged, opens = _nouns(nouns.pattern)
    text = tagged.sub(r"\nAnswer: \2\n", text)
    text = re.sub("标签|类别|关系(?=是|为|:)", "答案", text)
    return opens.sub(lambda found: (found["head"] or "") + "answer", text)


@lru_cache
def _nouns(nouns: str) -> tuple[re.Pattern, re.Pattern]:
    tagged = rf"<({nouns})>(.*?)(?:</\1>|\Z)"
    opens = CUES.noun.pattern.replace("NOUNS", nouns)
    return re.compile(tagged, re.I | re.S | re.X), re.compile(opens, re.I | re.M | re.X)


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
    found = []
    for number, cue in enumerate(cues):
        said = sentence(text[cue.end : max(cue.end, stops[number + 1])])
        found.append((cue.start, Statement("not " * cue.negated + said, cue.kind)))
    for pattern in CUES.weak:
        for match in pattern.finditer(text):
            stop = min((stop for stop in stops if stop >= match.end()), default=len(text))
            said = sentence(text[match.end() : min(stop, match.end() + LONGEST)])
            found.append((match.start(), Statement(said, "weak")))
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
    end = CUES.sentence_ends.search(text)
    return (text[: end.start()] if end else text).strip()


# ---- Choices -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
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
    while match := name.match(text, CHOICES.before.match(text, place).end()):
        if follow and not follow.match(text, match.end()):
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

    Examples
    --------
    >>> known = Options({"A": "Hepatitis", "B": "Chronic hepatitis", "C": "5 mg"})
    >>> known.mask("Not hepatitis but chronic  hepatitis.")
    'Not ⟦A⟧ but ⟦B⟧.'
    >>> known.read("The answer is chronic hepatitis.")
    'B'
    """

    def __init__(self, options: Mapping[str, str]):
        self.letters = frozenset(options)
        self._texts: dict[str, str] = {}
        for letter, text in options.items():
            key = _key(plain(fold(text)))
            # A text that looks like a letter of this question is none.
            if key and key.upper() not in self.letters:
                self._texts[key] = self._texts.get(key, "") + letter
        self._long = _any_of([text for text in self._texts if not _is_brief(text)])
        self._brief = _any_of([text for text in self._texts if _is_brief(text)])

    def read(self, text: str) -> str | None:
        """The letter that a reply chooses."""
        reply = self.mask(own_words(text) or "").strip()
        reading, cued = choose(statements(reply), self._named)
        if reply and not cued:
            reading = self._bare(reply) or self._only_text(reply)
        return reading if reading in self.letters else None

    def mask(self, text: str) -> str:
        """The text with a mark in place of every option's text.

        Whole words only, the first and longest where two overlap: neither "hepatitis" in "chronic
        hepatitis" nor the C of "vitamin C" is seen. Texts of fewer than five letters ("5 mg",
        "None") are too common to be marked.
        """
        text = re.sub("[⟦⟧]", " ", text)
        return self._long.sub(lambda match: f"⟦{self._texts.get(_key(match[0]), '')}⟧", text)

    def _named(self, statement: Statement) -> Said:
        text = statement.text
        if denial := CHOICES.negation.match(text):
            denied, instead = _instead(text[denial.end() :])
            chosen = self._in(instead).chosen
            return Said(chosen, self._in(denied).chosen - chosen)
        found = self._in(text)
        if statement.kind == "weak" and not CHOICES.at_once.match(self._opens(text)[1]):
            return Said(denied=found.denied)
        return found

    def _in(self, text: str) -> Said:
        """The first of these: letters or brief texts at the start; letters in brackets; texts."""
        found, rest = self._opens(text)
        if found:
            return Said(denied=found) if CHOICES.against.match(rest) else Said(found)
        aside = CHOICES.aside.search(text)
        end = aside.start() if aside else len(text)
        for pattern in (CHOICES.labelled, CHOICES.mark):
            chosen, denied = set(), set()
            for match in pattern.finditer(text, 0, end):
                against = CHOICES.against.match(text, match.end())
                (denied if against else chosen).update("".join(filter(None, match.groups())))
            if chosen or denied:
                return Said(frozenset(chosen), frozenset(denied))
        return Said()

    def _opens(self, text: str) -> tuple[frozenset[str], str]:
        """The brief texts, or letters, at the very start of a text; and the rest."""
        found, rest = opening(text, self._brief, CHOICES.follow)
        if found:
            return frozenset("".join(self._texts.get(_key(name), "") for name in found)), rest
        found, rest = opening(text, CHOICES.letter, CHOICES.follow)
        return frozenset(letter.upper() for letter in found), rest

    def _bare(self, reply: str) -> str | None:
        """The letter that opens the reply, or that is all of its last line."""
        lines = [line for line in reply.splitlines() if line.strip()]
        listed = CHOICES.listed.findall(reply)
        reviews = len(listed) > 1 and ord(listed[1]) == ord(listed[0]) + 1
        found = set()
        opens, rest = self._opens(lines[0])
        if not reviews and CHOICES.opens.match(rest):
            if CHOICES.against.match(rest):
                return None
            found |= opens
        opens, rest = self._opens(lines[-1])
        alone = re.fullmatch(r"\W*⟦\w+⟧\W*", rest) and not reviews
        if alone or not re.search(r"\w", rest):
            found |= opens
        return found.pop() if len(found) == 1 else None

    def _only_text(self, reply: str) -> str | None:
        """The option whose text the reply begins with or, alone, has in it."""
        if first := re.fullmatch(r"\W*⟦([A-Z])⟧\W*", sentence(reply)):
            return first[1]
        found = {letter for mark in CHOICES.mark.findall(reply) for letter in mark}
        said = re.split(r"(?<=[.!?。])\s|\n", reply)
        if len(found) != 1 or any("⟦" in one and CHOICES.denies.search(one) for one in said):
            return None
        return found.pop()


def _key(text: str) -> str:
    """An option's text as it is compared."""
    return re.sub(r"\s+", " ", text).strip(" .").lower()


def _is_brief(text: str) -> bool:
    return sum(character.isalpha() for character in text) < 5


def _any_of(texts: list[str]) -> re.Pattern:
    """Any of the texts as whole words and numbers, the longest first."""
    # Chinese has no spaces: its characters may touch a text, other letters not.
    word = r"(?-i:[^\W\u4e00-\u9fff])"
    longest = sorted(texts, key=len, reverse=True)
    either = "|".join(re.escape(text).replace(r"\ ", r"\s+") for text in longest) or "(?!)"
    before, after = rf"(?<!{word})(?<![<>≤≥±-])(?<!\d[.,])", rf"(?!{word}|[-/%]\w|[.,]\d)"
    return re.compile(f"{before}(?:{either}){after}", re.I)


def _instead(text: str) -> tuple[str, str]:
    """What "not" denies, and what is put in its place."""
    denied, _, instead = CHOICES.but.sub("\n", text, count=1).partition("\n")
    return denied, instead


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
        denial = None if here else CHOICES.negation.match(statement.text)
        if not denial:
            return Said(here)
        denied, instead = _instead(statement.text[denial.end() :])
        chosen = self.at(instead)
        return Said(chosen, self.at(denied) - chosen)

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
        return reading if cued or not reply else self.opens(reply)


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
    first = first.strip(" \t\"'").lstrip(": ")
    if first and not LISTS.leads_on.search(first) and not LISTS.bullet.match(first):
        return [first, *_short(below)] if LISTS.one_item.fullmatch(first) else [first]
    found = [first] if first else []
    blank, below = False, below.splitlines()
    for number, line in enumerate(map(str.strip, below)):
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


def _short(text: str) -> list[str]:
    """The lines at the start of a text that may be items: few words, no stops."""
    found = []
    for line in map(str.strip, text.splitlines()):
        if LISTS.ends.match(line) or not LISTS.one_item.fullmatch(line) or len(line.split()) > 4:
            break
        found.append(line)
    return found


def segments(line: str) -> list[str]:
    """What semicolons, bullets and numbers part in a line, without brackets.

    >>> segments("1. Iron (Feosol, oral) 2. Aspirin; zinc")
    ['Iron', 'Aspirin', 'zinc']
    """
    for first, following in ((r"\(?1[.)]\s", r"\d{1,2}[.)]"), (r"\(?a\)\s", r"[a-z]\)")):
        if re.match(first, line):
            line = re.sub(rf"(?:^|\s)\(?{following}\s+", " • ", line)
    line = without_brackets(without_bullet(line))
    parts = [part.strip() for part in re.split(r"[;•]|\s/\s", line)]
    return [part for part in parts if part]


def without_bullet(line: str) -> str:
    """The line without the bullets or the number in front of it."""
    bullet = LISTS.bullet.match(line)
    return line[bullet.end() :] if bullet else line


def without_brackets(text: str) -> str:
    """The text without round brackets, also those that are never closed."""
    while (shorter := re.sub(r"\s*\([^()]*\)", "", text)) != text:
        text = shorter
    return re.sub(r"\s*\(.*", "", text)


def first_sentence(text: str) -> str:
    """The first sentence; a point inside a number or after "St" does not end it."""
    end = LISTS.sentence.search(text)
    return text[: end.start()] if end else text


# ---- JSON --------------------------------------------------------------------------------------

NAME_KEYS = ("text", "name", "entity", "mention", "disease", "word", "term", "span")
TYPE_KEYS = ("type", "label", "category", "class", "entity_type", "semantic_type")


def as_lines(text: str) -> str:
    """The text with headings and bullets in place of JSON, or of a Python list.

    Objects with a name and a type become their name, if the type is asked for. A semicolon ends
    each name. Text that only looks like JSON stays.

    >>> print(as_lines('{"genes": ["A"], "diseases": ["asthma", "gout"]}').strip())
    genes:
    - A;
    diseases:
    - asthma;
    - gout;
    """
    place = 0
    while found := LISTS.begins.search(text, place):
        place = found.start()
        value, end = _value(text, place)
        try:
            said = "\n" + "\n".join(_lines(value)) + "\n" if _is_list(value) else ""
        except RecursionError:
            said = ""
        text = text[:place] + said + text[end:] if said else text
        place += len(said) or 1
    return text


def _value(text: str, place: int) -> tuple[object, int]:
    """What JSON, or a list of strings as Python writes it, stands for; and its end."""
    try:
        return json.JSONDecoder().raw_decode(text, place)
    except (ValueError, RecursionError):
        found = LISTS.python_list.match(text, place)
    if not found:
        return None, place
    return [string[1:-1] for string in LISTS.string.findall(found[0])], found.end()


def _is_list(value) -> bool:
    """Whether a value can list names: no number stands in it by itself."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and all(isinstance(item, (str, dict)) for item in value)


def _lines(value) -> list[str]:
    if isinstance(value, dict):
        return _object(value)
    said = []
    for item in value:
        said += _object(item) if isinstance(item, dict) else [f"- {' '.join(str(item).split())};"]
    return said or ["none"]


def _object(value: dict) -> list[str]:
    keys = {str(key).lower(): key for key in value}
    kind = next((value[keys[key]] for key in TYPE_KEYS if key in keys), None)
    name = next((value[keys[key]] for key in NAME_KEYS if key in keys), None)
    if isinstance(kind, str) and isinstance(name, str):
        return [f"- {' '.join(name.split())};"] if LISTS.asked.search(kind) else []
    said = []
    for key, inner in value.items():
        heading = f"{str(key).replace('_', ' ')}:"
        if isinstance(inner, (dict, list)):
            said += [heading, *(_lines(inner) if inner else ["none"])]
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
    reply = own_turn(without_thoughts(text) or "")
    echo = kind.echo.match(reply)
    reply = reply[echo.end() :] if echo else reply
    invented = kind.item.search(reply)
    reply = _without_preface(
        _plain_text(reply[: invented.start()] if invented else reply, kind), kind
    )
    if kind.refusal.match(reply):
        reply = _after_refusal(reply, kind)
    while (last := kind.last.search(reply)) and kind.closing.fullmatch(last["said"]):
        reply = reply[: last.start()]
    return " ".join(reply.split()) or None


def _plain_text(text: str, kind: Words) -> str:
    """The text without the signs of JSON, HTML and markdown."""
    text = _json_text(kind.line_signs[0][0].sub("", text).strip(), kind)
    text = kind.block_tag.sub("\n", kind.inline_tag.sub("", text))
    for sign, put in kind.line_signs:
        text = sign.sub(put, text)
    for _ in range(2):  # one emphasis inside another
        text = kind.emphasis.sub(lambda found: found[found.lastgroup], text)
    return text.strip()


def _json_text(text: str, kind: Words) -> str:
    """The texts of a JSON object; those under a name for the answer, if it has any."""
    try:
        values = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return text
    if not isinstance(values, dict):
        return text
    named = {key: value for key, value in values.items() if kind.value.search(key)}
    return "\n".join(value for value in (named or values).values() if isinstance(value, str))


def _without_preface(text: str, kind: Words) -> str:
    while preface := kind.preface.match(text):
        text = text[preface.end() :]
    return text


def _after_refusal(text: str, kind: Words) -> str:
    """What a reply gives after all, behind a preface; else nothing."""
    for start in re.finditer(r"(?<=[.!?])\s+(?:however,?\s+|but\s+)?|\n\s*", text, re.I):
        rest = text[start.end() :]
        if kind.preface.match(rest):
            return _without_preface(rest, kind)
    return ""
