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
from ..data import data_root
from ..models import BUDGET, Budget, Request, check_name, open_model
from ..registry import MODELS
from ..schema import DATA, Answer, BenchHealthError, DataError, Example, ModelError
from ..tasks.files import Place, Row, json_document, json_lines

PHYSICIAN = "physician"  # the release's own answers, among the models compared
FILES = ("iCliniq.json", "train_2kchat.jsonl")  # the release, and the public copy of its first rows
ADVICE = "Restore it with `benchhealth download chatdoctor`."
REMOVED = "[removed]"
KEY = "human_eval"  # the file in the answer store


class StudyError(BenchHealthError):
    """Something about a study or what is asked of it; says what to do."""


class Criterion(NamedTuple):
    """One question that a rater answers for every pair: its key, name and definition."""

    key: str
    name: str
    definition: str


def _pattern(text: str) -> re.Pattern:
    """A pattern of the rules, with its parts, which stand in it as <NAME>, written out."""
    parts = WORDS["parts"]
    while (whole := re.sub(r"<([A-Z]{2,})>", lambda m: parts.get(m[1], m[0]), text)) != text:
        text = whole
    return re.compile(text)


WORDS = yaml.safe_load((DATA / "human_eval.yaml").read_text(encoding="utf-8"))
CRITERIA = {key: Criterion(key, **item) for key, item in WORDS["criteria"].items()}
RULES, PROMPT = WORDS["rules"], WORDS["prompt"]
PATTERNS = {key: _pattern(rule["pattern"]) for key, rule in RULES.items() if "pattern" in rule}
TELLING = [key for key, rule in RULES.items() if rule["of"] == "reply"]
# Controls but for line feed and tab, marks that turn text round: none can be seen, and files and
# spreadsheets stumble over them.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def plain(text: str) -> str:
    """Text as a study keeps it: line ends as line feeds, no invisible controls, no space around.

    >>> plain(" a\\r\\nb\\x00c")
    'a\\nbc'
    """
    text = UNSEEN.sub("", re.sub("\r\n|[\r\x85]", "\n", text))
    return re.sub("[\ud800-\udfff]", "\ufffd", text).strip()


class Dialogue(NamedTuple):
    """A patient's question and the physician's answer; ``id`` is ``icliniq-`` and the row."""

    id: str
    question: str
    answer: str


def dialogues_file(root: str | Path | None = None) -> Path:
    """The file of dialogues in a data folder, the release before its copy."""
    folder = (Path(root) if root is not None else data_root()) / "chatdoctor"
    for path in (folder / name for name in FILES):
        if path.exists():
            return path
    raise DataError(folder, "", f"no dialogues here; expected {' or '.join(FILES)}.", ADVICE)


def load_dialogues(root: str | Path | None = None) -> list[Dialogue]:
    """All dialogues, damaged ones too, in the order of the release.

    Raises
    ------
    DataError
        If the file is missing or a row is not what the layout promises.
    """
    path, found = dialogues_file(root), []
    if path.suffix == ".jsonl":
        rows = json_lines(path)
    else:
        document = json_document(path)
        if not isinstance(document, list):
            Place(path).reject("expected a list of dialogues.")
        rows = (Row(path, f"dialogue {at}", values) for at, values in enumerate(document))
    for row in rows:
        try:
            if "chat" in row.values:
                (turn,) = row.values["chat"]
                (patient,) = turn["input"]
                question, answer, who = patient["content"], turn["ideal"], patient["role"]
            else:
                question, answer, who = row.values["input"], row.values["answer_icliniq"], "user"
            texts = plain(question), plain(answer)
        except (KeyError, TypeError, ValueError):
            who = None
        if who != "user":
            row.reject("expected a patient's question and an answer, both text.")
        found.append(Dialogue(f"icliniq-{len(found)}", *texts))
    if not found:
        Place(path).reject("no dialogue in it.")
    return found


def telling(text: str, models: Iterable[str] = ()) -> list[tuple[str, int, int]]:
    """Places that tell who wrote a reply: rule, start and end, in order, none overlapping.

    Parameters
    ----------
    text : str
    models : iterable of str
        Names of the models compared, looked for beside those that everyone knows.

    Examples
    --------
    >>> telling("As an AI language model, I cannot say. Rest.")
    [('is_ai', 0, 24)]
    >>> telling("Your GPT and SGPT are raised; ask your doctor.")
    []
    """
    found: list[tuple[str, int, int]] = []
    # a name without a digit or hyphen may be a word of the reply's own
    own = _any_of(name for name in _names(models) if re.search(r"[\d-]", name))
    for rule, pattern in [*((rule, PATTERNS[rule]) for rule in TELLING), ("name", own)]:
        for start, end in (match.span() for match in pattern.finditer(text)):
            if all(end <= before or start >= after for _, before, after in found):
                found.append((rule, start, end))
    return sorted(found, key=lambda place: place[1])


def _names(models: Iterable[str]) -> set[str]:
    """What these models are called: last part of a path, and the registry's name."""
    real = [name for name in models if name != PHYSICIAN and not _is_baseline(name)]
    names = {re.split(r"[/:\\]", name.partition("#")[0])[-1] for name in real}
    names |= {MODELS[name].name for name in real if name in MODELS}
    return {name for name in names if len(name) > 3}


def _is_baseline(name: str) -> bool:
    return name in MODELS and MODELS[name].published == "baseline"


def _any_of(names: Iterable[str]) -> re.Pattern:
    """A pattern of these names as whole words, the longest first."""
    words = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)"
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.I)


def redacted(text: str, places: Iterable[tuple[str, int, int]]) -> str:
    """The reply without those places; a mark stands where words were.

    >>> text = "As an AI language model, I cannot say. Rest."
    >>> redacted(text, telling(text))
    '[removed] I cannot say. Rest.'
    """
    for rule, start, end in sorted(places, key=lambda place: -place[1]):
        text = text[:start] + ("" if RULES[rule].get("gone") else REMOVED) + text[end:]
    return text.strip()


def check_title(title: str, models: Iterable[str]) -> None:
    """Refuse a title that says who wrote the replies: every rater reads it."""
    found = [_any_of(_names(models)).search(title), _pattern(r"\b<PERSONS>\b").search(title)]
    words = [match[0] for match in found if match]
    words += [title[start:end] for _, start, end in telling(title, models)]
    if words:
        raise StudyError(f"The title has {words[0]!r} in it, which tells raters who wrote a reply.")


def leaving(drop: Collection[str] = (), keep: Collection[str] = ()) -> set[str]:
    """Names of the rules that leave an item out, after what was chosen.

    Raises
    ------
    StudyError
        For an unknown rule, one named twice, or one that cannot be chosen.
    """
    free = [name for name, rule in RULES.items() if not rule.get("fixed")]
    for name in (*drop, *keep):
        if name not in RULES or (name in keep and name not in free):
            known = ", ".join(free)
            raise StudyError(f"There is no choice about the rule {name!r}. There is for: {known}.")
    if both := set(drop) & set(keep):
        raise StudyError(f"The rule {min(both)!r} is to drop and to keep items; choose one.")
    return ({name for name, rule in RULES.items() if rule.get("drop")} | set(drop)) - set(keep)


@dataclass
class Sample:
    """Dialogues that can be rated, replies to them, and what became of the others.

    Attributes
    ----------
    dialogues : list of Dialogue
    texts : dict
        Model to dialogue id to reply, as raters see it.
    left_out, noted : Counter
        Rule, or ``model: rule``, to dialogues left out, or kept in spite of it.
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

    def take(self, item: Dialogue, found: list[str], out: set[str]) -> bool:
        """Keep a dialogue and note what was found of it, or leave it out under its first rule."""
        why = [name for name in found if name.rpartition(": ")[2] in out]
        self.left_out.update(why[:1])
        if not why:
            self.dialogues.append(item)
            self.noted.update(found)
            self.flags |= {item.id: found} if found else {}
        return not why


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
    rules = [name for name, rule in RULES.items() if rule["of"] in looked_at and name in PATTERNS]
    for item in dialogues:
        words = " ".join(item.question.lower().split())
        found = ["same_question"] if words and words in known else []
        found += [name for name in rules if PATTERNS[name].search(getattr(item, RULES[name]["of"]))]
        known.add(words)
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
        raise ModelError(f"{name} is a baseline: it answers no patient. Name a language model.")


def ask(model, dialogues: Sequence[Dialogue], *, store=None, progress=True) -> list[Answer]:
    """An open model's replies, through the answer store, in the order of `dialogues`."""
    if not dialogues:
        return []
    limit = min(PROMPT["max_tokens"], model.max_tokens or PROMPT["max_tokens"])
    requests = []
    for one in dialogues:
        example = Example(one.id, KEY, {"question": one.question}, "", one.id)
        requests.append(Request(example, messages(one), one.question, max_tokens=limit))
    path = answers.store_path(model.name, KEY, store)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)  # replies lie there under their model's name
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
    out, said, purse = leaving(drop, keep), {}, Budget(budget)  # of all models
    result = Sample(texts={name: {} for name in names})
    result.record = {"prompt": PROMPT, "redacted": redact, "models": {}, "words_removed": {}}
    for name, model in zip(names, models, strict=True):
        if name == PHYSICIAN:
            given = [Answer(item.id, "ok", item.answer) for item in dialogues]
        else:
            if isinstance(model, str):
                model = open_model(model, budget=purse)
            result.record["models"][name] = dict(model.signature)
            given = ask(model, dialogues, store=store, progress=progress)
        errors = [reply for reply in given if reply.status == "error"]
        if errors and "error" not in drop:
            raise StudyError(
                f"{name}: {len(errors)} of {len(given)} replies are errors, the first "
                f"'{errors[0].detail}'. Run the same again to ask for them once more; what was "
                "answered is stored. To leave those items out for all models, drop 'error'."
            )
        said[name] = {reply.id: _shown(reply, names, redact) for reply in given}
        if redact:
            result.record["words_removed"][name] = sum(one[2] for one in said[name].values())
    for item in dialogues:
        found = [f"{name}: {rule}" for name in names for rule in said[name][item.id][1]]
        if result.take(item, found, out):
            for name in names:
                result.texts[name][item.id] = said[name][item.id][0]
    return result


def _shown(reply: Answer, models: Sequence[str], redact: bool) -> tuple[str, list[str], int]:
    """What raters see of a reply, the rules it falls under, and how many words tell."""
    text = plain(reply.text) if reply.status != "error" else ""
    places = telling(text, models)
    words = sum(len(text[start:end].split()) for _, start, end in places)
    rules = {rule for rule, _, _ in places} | {reply.status}
    text = redacted(text, places) if redact else text
    if reply.status != "error" and not any(x.isalnum() for x in text.replace(REMOVED, "")):
        rules.add("empty")
    return text, [name for name in RULES if name in rules], words
