"""What raters are shown: patients' questions, replies to them, and the rules both are held to.

The dialogues are those of the ChatDoctor release's iCliniq part (Li et al. 2023). The real text
stays in the data folder and in study folders. Rules, criteria and the prompt are read from
``data/human_eval.yaml``. The rules look for words: a rater may still guess from style.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from .. import answers
from ..datasets import data_root
from ..models import BUDGET, MODELS, Budget, Request, check_name, open_model
from ..schema import DATA, Answer, BenchHealthError, DataError, Example, ModelError
from ..tasks.files import json_document, json_lines

PHYSICIAN = "physician"  # the release's own answers, among the models compared
FILES = ("iCliniq.json", "train_2kchat.jsonl")  # the release, and the public copy of its first rows
ADVICE = "Restore it with `python -m benchhealth_utils.download chatdoctor`."
REMOVED = "[removed]"
KEY = "human_eval"  # the file in the answer store


class StudyError(BenchHealthError):
    """Something about a study or what is asked of it; says what to do."""


@dataclass(frozen=True)
class Criterion:
    """One question that a rater answers for every pair: its key, name and definition."""

    key: str
    name: str
    definition: str


@dataclass(frozen=True)
class Rule:
    """One way in which an item can be damaged or tell who wrote it, and what is done about it.

    Attributes
    ----------
    of : {"question", "answer", "status", "reply"}
        What it looks at; ``answer`` is the physician's.
    what : str
        For counts of what was left out or noted.
    drop : bool
        Whether the item is left out for all models; else it is kept and noted.
    fixed : bool
        Whether that cannot be chosen.
    pattern : str
    gone : bool
        Whether the words leave no mark when they are taken out.
    """

    of: str
    what: str
    drop: bool = False
    fixed: bool = False
    pattern: str = ""
    gone: bool = False


def _pattern(text: str, parts: dict[str, str]) -> str:
    """A pattern with its parts, which stand in it as <NAME>, written out."""
    while (whole := re.sub(r"<([A-Z]{2,})>", lambda m: parts.get(m[1], m[0]), text)) != text:
        text = whole
    return text


_WORDS = yaml.safe_load((DATA / "human_eval.yaml").read_text(encoding="utf-8"))
CRITERIA = {key: Criterion(key, **item) for key, item in _WORDS["criteria"].items()}
RULES = {key: Rule(**item) for key, item in _WORDS["rules"].items()}
PROMPT = _WORDS["prompt"]
_PATTERNS = {
    key: re.compile(_pattern(rule.pattern, _WORDS["parts"]))
    for key, rule in RULES.items()
    if rule.pattern
}
TELLING = tuple(key for key, rule in RULES.items() if rule.of == "reply")

# Controls but for line feed and tab, marks that turn text round, halves of characters: none can
# be seen, and files and spreadsheets stumble over them.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def plain(text: str) -> str:
    """Text as a study keeps it: line ends as line feeds, no invisible controls, no space around.

    >>> plain(" a\\r\\nb\\x00c")
    'a\\nbc'
    """
    text = _UNSEEN.sub("", re.sub("\r\n|[\r\x85]", "\n", text))
    return re.sub("[\ud800-\udfff]", "\ufffd", text).strip()


class Dialogue(NamedTuple):
    """A patient's question and the physician's answer; ``id`` is ``icliniq-`` and the row."""

    id: str
    question: str
    answer: str


def dialogues_file(root: str | Path | None = None) -> Path:
    """The file of dialogues in a data folder, the release before its copy."""
    folder = (Path(root) if root is not None else data_root()) / "chatdoctor"
    for name in FILES:
        if (folder / name).exists():
            return folder / name
    problem = f"no dialogues here; expected {' or '.join(FILES)}."
    raise DataError(folder, "", problem, ADVICE.replace("Restore it", "Fetch them"))


def load_dialogues(root: str | Path | None = None) -> list[Dialogue]:
    """All dialogues, damaged ones too, in the order of the release.

    Raises
    ------
    DataError
        If the file is missing or a row is not what the layout promises.
    """
    path, found = dialogues_file(root), []
    copy = path.suffix == ".jsonl"
    rows = [x.values for x in json_lines(path)] if copy else json_document(path)
    for number, row in enumerate(rows, int(copy)):
        try:
            if copy:
                ((patient,), row) = (row["chat"][0]["input"], *row["chat"])
                question, answer = patient["content"], row["ideal"]
                is_dialogue = patient["role"] == "user"
            else:
                question, answer = row["input"], row["answer_icliniq"]
                is_dialogue = True
        except (KeyError, TypeError, ValueError, IndexError):
            is_dialogue = False
        if not is_dialogue or not isinstance(question, str) or not isinstance(answer, str):
            problem = "expected a patient's question and an answer, both text."
            where = f"line {number}" if copy else f"dialogue {number}"
            raise DataError(path, where, problem, ADVICE)
        found.append(Dialogue(f"icliniq-{len(found)}", plain(question), plain(answer)))
    if not found:
        raise DataError(path, "", "no dialogue in it.", ADVICE)
    return found


class Place(NamedTuple):
    """A place in a reply that tells who wrote it: the rule, and where."""

    rule: str
    start: int
    end: int


def telling(text: str, models: Iterable[str] = ()) -> list[Place]:
    """Places that tell who wrote a reply, in order, none overlapping.

    Parameters
    ----------
    text : str
    models : iterable of str
        Names of the models compared, looked for beside those that everyone knows.

    Examples
    --------
    >>> [place.rule for place in telling("As an AI language model, I cannot say. Rest.")]
    ['is_ai']
    >>> telling("Your GPT and SGPT are raised; ask your doctor.")
    []
    """
    found: list[Place] = []
    # a name without a digit or hyphen may be a word of the reply's own
    own = {name for name in _names(models) if len(name) > 3 and re.search(r"[\d-]", name)}
    for rule, pattern in [(key, _PATTERNS[key]) for key in TELLING] + [("name", _any_of(own))]:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= other.start or start >= other.end for other in found):
                found.append(Place(rule, start, end))
    return sorted(found, key=lambda place: place.start)


def _names(models: Iterable[str]) -> set[str]:
    """What these models are called: last part of a path, and the registry's name."""
    real = [x for x in models if x != PHYSICIAN and not _is_baseline(x)]
    last = {re.split(r"[/:\\]", name.partition("#")[0])[-1] for name in real}
    return last | {MODELS[name].name for name in real if name in MODELS}


def _is_baseline(name: str) -> bool:
    return name in MODELS and MODELS[name].published == "baseline"


def _any_of(names: Iterable[str]) -> re.Pattern:
    words = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"\Z\A."
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.I)


def redacted(text: str, places: Iterable[Place]) -> str:
    """The reply without those places; a mark stands where words were.

    >>> text = "As an AI language model, I cannot say. Rest."
    >>> redacted(text, telling(text))
    '[removed] I cannot say. Rest.'
    """
    for rule, start, end in sorted(places, key=lambda place: place.start, reverse=True):
        text = text[:start] + ("" if RULES[rule].gone else REMOVED) + text[end:]
    return text.strip()


def check_title(title: str, models: Iterable[str]) -> None:
    """Refuse a title that says who wrote the replies: every rater reads it."""
    names = _any_of(name for name in _names(models) if len(name) > 3)
    person = re.compile(rf"\b{_WORDS['parts']['PERSONS']}\b")
    words = [match[0] for match in (names.search(title), person.search(title)) if match]
    words += [title[start:end] for _, start, end in telling(title, models)]
    if words:
        problem = f"The title has {words[0]!r} in it, which tells raters who wrote the replies."
        raise StudyError(f"{problem} Give another title.")


def leaving(drop: Collection[str] = (), keep: Collection[str] = ()) -> set[str]:
    """Names of the rules that leave an item out, after what was chosen.

    Raises
    ------
    StudyError
        For an unknown rule, one named twice, or one that cannot be chosen.
    """
    for name in (*drop, *keep):
        if name not in RULES or (RULES[name].fixed and name in keep):
            free = ", ".join(key for key, rule in RULES.items() if not rule.fixed)
            raise StudyError(f"There is no choice about the rule {name!r}. There is for: {free}.")
    if both := set(drop) & set(keep):
        raise StudyError(f"The rule {min(both)!r} is to drop and to keep items; choose one.")
    return ({name for name, rule in RULES.items() if rule.drop} | set(drop)) - set(keep)


@dataclass
class Sample:
    """Dialogues that can be rated, replies to them, and what became of the others.

    Attributes
    ----------
    dialogues : list of Dialogue
    texts : dict
        Model to dialogue id to reply, as raters see it.
    left_out, noted : Counter
        (model, rule) to dialogues left out, or kept in spite of it; the model is empty where
        the rule is about the dialogue itself.
    flags : dict
        Dialogue id to what it was kept in spite of.
    record : dict
        How the replies were made.
    """

    dialogues: list[Dialogue] = field(default_factory=list)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: Counter = field(default_factory=Counter)
    noted: Counter = field(default_factory=Counter)
    flags: dict[str, list[str]] = field(default_factory=dict)
    record: dict = field(default_factory=dict)

    def take(self, item: Dialogue, found: list[tuple[str, str]], out: set[str]) -> bool:
        """Keep a dialogue and note what was found of it, or leave it out under its first rule."""
        if why := next((pair for pair in found if pair[1] in out), None):
            self.left_out[why] += 1
            return False
        self.dialogues.append(item)
        self.noted.update(found)
        if found:
            names = [f"{model}: {rule}" if model else rule for model, rule in found]
            self.flags[item.id] = names
        return True


def usable(dialogues: Sequence[Dialogue], *, physician=False, drop=(), keep=()) -> Sample:
    """Leave out what is too damaged to be rated, and note what else is damaged.

    Parameters
    ----------
    dialogues : sequence of Dialogue
    physician : bool
        Whether the physician's answer is one of the replies compared.
    drop, keep : collections of str
        Rules to apply otherwise than they say: leave out, or only note.
    """
    out, known, result = leaving(drop, keep), set(), Sample()
    looked_at = ("question", "answer") if physician else ("question",)
    for item in dialogues:
        words = " ".join(item.question.lower().split())
        blank = {"no_question": not words, "same_question": words in known and bool(words)}
        blank["no_answer"] = not item.answer
        known.add(words)
        found = [
            ("", name)
            for name, rule in RULES.items()
            if rule.of in looked_at
            and (
                blank[name]
                if name in blank
                else _PATTERNS[name].search(getattr(item, rule.of)) is not None
            )
        ]
        result.take(item, found, out)
    return result


def messages(dialogue: Dialogue) -> tuple[dict[str, str], ...]:
    """The prompt that has a model simulate a doctor."""
    content = f"{PROMPT['instruction']}\n\nPatient: {dialogue.question}"
    return ({"role": "user", "content": content},)


def check_can_reply(name: str) -> None:
    """Refuse a model that cannot write to a patient, before anything is asked.

    Raises
    ------
    ModelError
    """
    if name != PHYSICIAN:
        check_name(name)
    if _is_baseline(name):
        raise ModelError(
            f"{name} is a baseline: it picks labels that it has seen in a data set and cannot "
            f"answer a patient. Name a language model, or '{PHYSICIAN}' for the release's answers."
        )


def ask(model, dialogues: Sequence[Dialogue], *, store=None, progress=True) -> list[Answer]:
    """An open model's replies, through the answer store, in the order of `dialogues`."""
    if not dialogues:
        return []
    limit = min(PROMPT["max_tokens"], model.max_tokens or PROMPT["max_tokens"])
    requests = [
        Request(
            example=Example(item.id, KEY, {"question": item.question}, "", item.id),
            messages=messages(item),
            document=item.question,
            max_tokens=limit,
        )
        for item in dialogues
    ]
    path = answers.store_path(model.name, KEY, store)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # replies lie there under their model's name
    path.chmod(0o600)
    return answers.ask(model, requests, store=store, progress=progress)


def collect(
    models: Sequence,
    dialogues: Sequence[Dialogue],
    *,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
    redact: bool = False,
    budget: float = BUDGET,
    store: str | Path | None = None,
    progress: bool = True,
) -> Sample:
    """Replies of all models to all dialogues, fit to be shown side by side.

    A model that was interrupted is asked, when the same is made again, for what is missing.

    Parameters
    ----------
    models : sequence of str or backend
        Names for `open_model`, what it returned, or ``"physician"``. One is held at a time.
    dialogues : sequence of Dialogue
    drop, keep : collections of str
        Rules to apply otherwise than they say.
    redact : bool
        Take out of replies what tells who wrote them.
    budget : float
        Dollars that the models behind an API may cost together, if given by their names.
    store : path-like, optional
        By default ``runs/answers``.
    progress : bool

    Raises
    ------
    ModelError
        If a model cannot be had or cannot write to a patient.
    StudyError
        If there are errors and ``error`` is not among `drop`: ask again first.
    """
    names = [model if isinstance(model, str) else model.name for model in models]
    for name in (model for model in models if isinstance(model, str)):
        check_can_reply(name)
    out, said, removed, record = leaving(drop, keep), {}, Counter(), {}
    purse = Budget(budget)  # of all models
    for name, model in zip(names, models, strict=True):
        if name == PHYSICIAN:
            given = [Answer(item.id, "ok", item.answer) for item in dialogues]
        else:
            if isinstance(model, str):
                model = open_model(model, budget=purse)
            record[name] = dict(model.signature)
            given = ask(model, dialogues, store=store, progress=progress)
        errors = [reply for reply in given if reply.status == "error"]
        if errors and "error" not in drop:
            raise StudyError(
                f"{name}: {len(errors)} of {len(given)} replies are errors, the first "
                f"'{errors[0].detail}'. Run the same again to ask for them once more; what was "
                "answered is stored. To leave those items out for all models, drop 'error'."
            )
        said[name] = {reply.id: _shown(reply, names, redact) for reply in given}
        removed[name] = sum(words for _, _, words in said[name].values())
    result = Sample(texts={name: {} for name in names})
    result.record = {"prompt": dict(PROMPT), "models": record, "redacted": redact}
    result.record |= {"words_removed": dict(removed) if redact else {}}
    for item in dialogues:
        found = [(name, rule) for name in names for rule in said[name][item.id][1]]
        if result.take(item, found, out):
            for name in names:
                result.texts[name][item.id] = said[name][item.id][0]
    return result


def _shown(reply: Answer, models: Sequence[str], redact: bool) -> tuple[str, list[str], int]:
    """What raters see of a reply, the rules it falls under, and how many words tell."""
    if reply.status == "error":
        return "", ["error"], 0
    text = plain(reply.text)
    places = telling(text, models)
    rules = {place.rule for place in places} | {reply.status}
    words = sum(len(text[place.start : place.end].split()) for place in places)
    text = redacted(text, places) if redact else text
    if not any(x.isalnum() for x in text.replace(REMOVED, "")):
        rules.add("empty")
    return text, [name for name in RULES if name in rules], words
