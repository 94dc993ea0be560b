"""What raters are shown: patients' questions, replies to them, and the rules both are held to.

The dialogues are those of the ChatDoctor release's iCliniq part (Li et al. 2023). The real text
stays in the data folder and in study folders. Rules, criteria and the prompt are read from
``data/human_eval.yaml``. The rules look for words: a rater may still guess from style.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import answers
from ..data import data_root
from ..models import BUDGET, Budget, Request, check_name, open_model
from ..registry import MODELS
from ..replies import spelled_out
from ..schema import Answer, BenchHealthError, Example, ModelError, read_yaml
from ..tasks.files import json_lines

CHOICES = ("left", "tie", "right")

PHYSICIAN = "physician"  # the release's own answers, among the models compared
FILE = "train_2kchat.jsonl"  # the public copy of the release's first rows
REMOVED = "[removed]"
KEY = "human_eval"  # the file in the answer store
SIMULATED = "simulated-"  # how the id of a simulated rater begins


class StudyError(BenchHealthError):
    """Something about a study or what is asked of it; says what to do."""


def expect(holds: object, problem: str) -> None:
    """Refuse what does not hold."""
    if not holds:
        raise StudyError(problem)


WORDS = read_yaml("human_eval.yaml")
CRITERIA, RULES, PROMPT = WORDS["criteria"], WORDS["rules"], WORDS["prompt"]
FREE = [key for key, rule in RULES.items() if not rule.get("fixed")]  # that a user may choose
WRITTEN = {key: rule["pattern"] for key, rule in RULES.items() if "pattern" in rule}
PATTERNS = {key: re.compile(spelled_out(x, WORDS["parts"])) for key, x in WRITTEN.items()}
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


def is_simulated(names: Iterable[str]) -> bool:
    """Whether any of these raters is a simulated one, by the name; case does not matter."""
    return any(str(name).casefold().startswith(SIMULATED) for name in names)


class Dialogue(NamedTuple):
    """A patient's question and the physician's answer; ``id`` is ``icliniq-`` and the row."""

    id: str
    question: str
    answer: str


def dialogues_file(root: str | Path | None = None) -> Path:
    """The file of dialogues in a data folder."""
    return (Path(root) if root is not None else data_root()) / "chatdoctor" / FILE


def load_dialogues(root: str | Path | None = None) -> list[Dialogue]:
    """All dialogues, damaged ones too, in the order of the release.

    Raises
    ------
    DataError
        If the file is missing or a row is not what the layout promises.
    """
    path, found = dialogues_file(root), []
    for number, row in enumerate(json_lines(path)):
        try:
            (turn,) = row.values["chat"]
            (patient,) = turn["input"]
            texts = {"user": patient["content"]}[patient["role"]], turn["ideal"]
            found.append(Dialogue(f"icliniq-{number}", *map(plain, texts)))
        except (KeyError, TypeError, ValueError):
            row.reject("expected a patient's question and an answer, both text.")
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
    names = {re.split(r"[/:\\]", name.partition("#")[0])[-1] for name in models}
    names |= {MODELS[name].name for name in models if name in MODELS}
    # a name without a digit or hyphen may be a word of the reply's own
    own = [re.escape(name) for name in names if len(name) > 3 and re.search(r"[\d-]", name)]
    words = "|".join(sorted(own, key=len, reverse=True)) or "(?!)"
    patterns = [(rule, PATTERNS[rule]) for rule in TELLING]
    patterns.append(("name", re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.I)))
    found: list[tuple[str, int, int]] = []
    for rule, pattern in patterns:
        for start, end in (match.span() for match in pattern.finditer(text)):
            if all(end <= before or start >= after for _, before, after in found):
                found.append((rule, start, end))
    return sorted(found, key=lambda place: place[1])


def check_writes(name: str) -> None:
    """Refuse a model that is not known, or is a baseline, which writes nothing."""
    check_name(name)
    if name in MODELS and MODELS[name].published == "baseline":
        raise ModelError(f"{name} is a baseline: it only picks labels. Name a language model.")


def redacted(text: str, places: Iterable[tuple[str, int, int]]) -> str:
    """The reply without those places; a mark stands where words were.

    >>> text = "As an AI language model, I cannot say. Rest."
    >>> redacted(text, telling(text))
    '[removed] I cannot say. Rest.'
    """
    for rule, start, end in sorted(places, key=lambda place: -place[1]):
        text = text[:start] + ("" if RULES[rule].get("gone") else REMOVED) + text[end:]
    return text.strip()


def damage(dialogues: Sequence[Dialogue], *, physician: bool = False) -> dict[str, list[str]]:
    """The rules that each dialogue falls under, by its id.

    Parameters
    ----------
    dialogues : sequence of Dialogue
    physician : bool
        Whether the physician's answer is one of the replies compared.
    """
    known, flags = set(), {}
    looked_at = ("question", "answer") if physician else ("question",)
    rules = [name for name, rule in RULES.items() if rule["of"] in looked_at and name in PATTERNS]
    for item in dialogues:
        words = " ".join(item.question.lower().split())
        found = ["same_question"] if words and words in known else []
        found += [name for name in rules if PATTERNS[name].search(getattr(item, RULES[name]["of"]))]
        flags[item.id] = found
        known.add(words)
    return flags


def usable(dialogues, flags, *, drop=(), keep=()) -> tuple[list[Dialogue], Counter, Counter]:
    """Dialogues that can be rated, and what became of the others.

    Parameters
    ----------
    dialogues : sequence of Dialogue
    flags : mapping
        Dialogue id to what was found of it and of the replies: ``RULE``, or ``MODEL: RULE``.
    drop, keep : collections of str
        Rules to apply otherwise than they say: leave out, or only note.

    Returns
    -------
    list of Dialogue
    Counter, Counter
        Rule to dialogues left out, each under the first, and to those kept in spite of it. No
        model is named, for whoever organises may be a rater too.
    """
    out = ({name for name, rule in RULES.items() if rule.get("drop")} | {*drop}) - {*keep}
    kept, left_out, noted = [], Counter(), Counter()
    for item in dialogues:
        rules = [name.rpartition(": ")[2] for name in flags[item.id]]
        why = [rule for rule in rules if rule in out]
        left_out.update(why[:1])
        if not why:
            kept.append(item)
            noted.update(rules)
    return kept, left_out, noted


def ask(model, key, limit, asked, *, may_fail=False, **options) -> list[Answer]:
    """An open model's replies, in order, through an answer store that its owner alone can read.

    The store makes the file so, as for any text that is not of an open data set; one of an
    earlier version is made so here.

    Parameters
    ----------
    model : backend
    key : str
        The store's file.
    limit : int
        Tokens of a reply.
    asked : iterable of (id, prompt, part of it that may be cut)
    may_fail : bool
        Whether an error is a reply.
    options
        ``store`` and ``progress``, as for `answers.ask`.

    Raises
    ------
    ModelError
        If there are errors otherwise; what was answered is stored.
    """
    limit, requests = min(limit, model.max_tokens or limit), []
    for name, text, cut in asked:
        messages = ({"role": "user", "content": text},)
        requests.append(Request(Example(name, key, {}, "", name), messages, cut, max_tokens=limit))
    if (path := answers.store_path(model.name, key, options.get("store"))).exists():
        path.chmod(0o600)
    given = answers.ask(model, requests, **options)
    errors = [reply for reply in given if reply.status == "error"]
    if errors and not may_fail:
        first = f"{len(errors)} of {len(given)} replies are errors, the first '{errors[0].detail}'"
        advice = "Run the same again to ask for them once more; what was answered is stored."
        advice += " `create --drop error` leaves such items out."
        raise ModelError(f"{model.name}: {first}. {advice}")
    return given


def collect(models, dialogues, *, drop=(), redact=False, budget=BUDGET, **options) -> tuple:
    """Replies of all models to all dialogues, as raters see them.

    A model that was interrupted is asked, when the same is made again, for what is missing.

    Parameters
    ----------
    models : sequence of str
        Names for `open_model`, or ``"physician"``. One is held at a time.
    dialogues : sequence of Dialogue
        At least one.
    drop : collection of str
        With ``error`` in it, errors are no reason to stop: `usable` leaves them out.
    redact : bool
        Take out of replies what tells who wrote them.
    budget : float
        Dollars that the models behind an API may cost together.
    options
        ``store`` and ``progress``, as for `answers.ask`.

    Returns
    -------
    dict
        Model to dialogue id to reply.
    dict
        Dialogue id to the rules that its replies fall under, each as ``MODEL: RULE``.
    dict
        How the replies were made.

    Raises
    ------
    ModelError
        If a model cannot be had or cannot write to a patient; nothing is asked then. If there
        are errors and ``error`` is not among `drop`: ask again first.
    """
    for name in set(models) - {PHYSICIAN}:
        check_writes(name)
    texts, flags = {name: {} for name in models}, {item.id: [] for item in dialogues}
    purse, signatures = Budget(budget), {}  # of all models
    options["may_fail"] = "error" in drop
    prompt = f"{PROMPT['instruction']}\n\nPatient: "
    asked = [(item.id, prompt + item.question, item.question) for item in dialogues]
    for name in models:
        if name == PHYSICIAN:
            given = [Answer(item.id, "ok", item.answer) for item in dialogues]
        else:
            model = open_model(name, budget=purse)
            signatures[name] = dict(model.signature)
            given = ask(model, KEY, PROMPT["max_tokens"], asked, **options)
        for reply in given:
            texts[name][reply.id], rules = _shown(reply, models, redact)
            flags[reply.id] += [f"{name}: {rule}" for rule in rules]
    return texts, flags, {"prompt": PROMPT, "redacted": redact, "models": signatures}


def _shown(reply: Answer, models: Sequence[str], redact: bool) -> tuple[str, list[str]]:
    """What raters see of a reply, and the rules it falls under."""
    text = plain(reply.text) if reply.status != "error" else ""
    places = telling(text, models)
    rules = {rule for rule, _, _ in places} | {reply.status}
    text = redacted(text, places) if redact else text
    if reply.status != "error" and not any(x.isalnum() for x in text.replace(REMOVED, "")):
        rules.add("empty")
    return text, [name for name in RULES if name in rules]
