"""Replies to patients' questions: from models through the answer store, or a physician's.

A model that was interrupted is asked, when the same study is made again, only for
what is missing. What a rater cannot be shown is left out for all models, or noted,
by stated rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import answers
from ..models import BUDGET, Budget, Request, check_name, open_model
from ..schema import Answer, Example, ModelError
from .dialogues import Dialogue, Rule, chosen
from .folder import StudyError, plain
from .identity import PHYSICIAN, REMOVED, RULES, WHAT, redacted, telling, words_in

KEY = "human_eval"  # the file in the answer store
INSTRUCTION = (
    "You are a doctor. A patient has written to you for advice. Reply to the patient as their "
    "doctor, in your own words."
)
VERSION = 1  # rises with every change of the prompt
MAX_TOKENS = 512

REPLY_RULES = {
    "error": Rule("no reply came; such items are left out only on request", drop=True, fixed=True),
    "empty": Rule("the reply is blank", drop=True, fixed=True),
    "refused": Rule("the model or its maker's filter refused", drop=False),
    "truncated": Rule("the reply was cut at the limit of its length", drop=False),
} | {name: Rule(what, drop=False) for name, what in WHAT.items()}


@dataclass(frozen=True)
class Replies:
    """Dialogues with a reply of every model, and what became of the others.

    Attributes
    ----------
    dialogues : list of Dialogue
        Those that can be rated.
    texts : dict
        Model to dialogue id to reply, as raters see it.
    left_out : Counter
        (model, rule) to dialogues that were left out for it.
    noted : Counter
        (model, rule) to replies kept in spite of it.
    flags : dict
        Dialogue id to ``model: rule`` of its replies.
    record : dict
        How the replies were made.
    """

    dialogues: list[Dialogue]
    texts: dict[str, dict[str, str]]
    left_out: Counter = field(default_factory=Counter)
    noted: Counter = field(default_factory=Counter)
    flags: dict[str, list[str]] = field(default_factory=dict)
    record: dict = field(default_factory=dict)


def messages(dialogue: Dialogue) -> tuple[dict[str, str], ...]:
    """The prompt that has a model simulate a doctor."""
    return ({"role": "user", "content": f"{INSTRUCTION}\n\nPatient: {dialogue.question}"},)


def check_can_reply(name: str) -> None:
    """Refuse a model that cannot write to a patient, before anything is asked.

    Raises
    ------
    ModelError
    """
    spec = check_name(name) if name != PHYSICIAN else None
    if spec and spec.published == "baseline":
        raise ModelError(
            f"{name} is a baseline: it picks labels that it has seen in a data set and cannot "
            f"answer a patient. Name a language model, or '{PHYSICIAN}' for the release's answers."
        )


def ask(
    model,
    dialogues: Sequence[Dialogue],
    *,
    budget: float = BUDGET,
    store: str | Path | None = None,
    progress: bool = True,
) -> list[Answer]:
    """A model's replies, through the answer store, in the order of `dialogues`.

    Parameters
    ----------
    model : str or backend
        As for `answers.answer`.
    dialogues : sequence of Dialogue
    budget : float
        Dollars that a model behind an API may cost, if it is given by its name.
    store : path-like, optional
        By default ``runs/answers``.
    progress : bool

    Returns
    -------
    list of Answer
    """
    if isinstance(model, str):
        check_can_reply(model)
        model = open_model(model, budget=budget)
    limit = min(MAX_TOKENS, model.max_tokens or MAX_TOKENS)
    requests = [
        Request(
            example=Example(item.id, KEY, {"question": item.question}, "", item.id),
            messages=messages(item),
            document=item.question,
            max_tokens=limit,
        )
        for item in dialogues
    ]
    if not requests:
        return []
    _keep_private(answers.store_path(model.name, KEY, store))
    return answers.ask(model, requests, store=store, progress=progress)


def _keep_private(path: Path) -> None:
    """Let nobody but the owner read the replies under their model's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)


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
) -> Replies:
    """Replies of all models to all dialogues, fit to be shown side by side.

    Parameters
    ----------
    models : sequence of str or backend
        Names for `open_model`, what it returned, or ``"physician"``. One is held at a
        time.
    dialogues : sequence of Dialogue
    drop, keep : collections of str
        Rules of `REPLY_RULES` to apply otherwise than they say.
    redact : bool
        Take out of replies what tells who wrote them.
    budget : float
        Dollars that the models behind an API may cost together, if they are given by
        their names.
    store, progress
        As in `ask`.

    Returns
    -------
    Replies

    Raises
    ------
    ModelError
        If a model cannot be had or cannot write to a patient.
    StudyError
        If there are errors and ``error`` is not among `drop`: they may pass, so ask
        again first.
    """
    names = [model if isinstance(model, str) else model.name for model in models]
    for model in models:
        if isinstance(model, str):
            check_can_reply(model)
    leaving = chosen(REPLY_RULES, drop, keep)
    said: dict[str, dict[str, tuple[str, list[str]]]] = {}
    removed: dict[str, int] = {}
    record: dict = {}
    purse = Budget(budget)  # of all models
    for name, model in zip(names, models, strict=True):
        if name == PHYSICIAN:
            given = [Answer(item.id, "ok", item.answer) for item in dialogues]
        else:
            opened = model
            if isinstance(model, str):
                opened = open_model(model, budget=purse)
            record[name] = {"model": dict(opened.signature)}
            given = ask(opened, dialogues, store=store, progress=progress)
            del opened
        _check_errors(name, given, may_drop="error" in drop)
        said[name] = {reply.id: _shown(reply, names, redact) for reply in given}
        if redact:
            removed[name] = sum(_words_removed(reply, names) for reply in given)
    made = {"prompt": INSTRUCTION, "prompt_version": VERSION, "max_tokens": MAX_TOKENS}
    made |= {"redacted": redact, "words_removed": removed, "models": record}
    result = Replies([], {name: {} for name in names}, record=made)
    for item in dialogues:
        found = [(name, rule) for name in names for rule in said[name][item.id][1]]
        why = next((pair for pair in found if pair[1] in leaving), None)
        if why:
            result.left_out[why] += 1
            continue
        result.dialogues.append(item)
        result.noted.update(found)
        for name in names:
            result.texts[name][item.id] = said[name][item.id][0]
        if found:
            result.flags[item.id] = [f"{name}: {rule}" for name, rule in found]
    return result


def _shown(reply: Answer, models: Sequence[str], redact: bool) -> tuple[str, list[str]]:
    """What raters see of a reply, and the rules it falls under."""
    text = plain(reply.text).strip()
    found = [reply.status] if reply.status in ("error", "refused", "truncated") else []
    places = telling(text, models)
    rules = {place.rule for place in places}
    found += [rule for rule in RULES if rule in rules]
    if redact:
        text = redacted(text, places)
    if reply.status == "error":
        return "", found
    words = text.replace(REMOVED, "")
    return text, found if any(x.isalnum() for x in words) else [*found, "empty"]


def _words_removed(reply: Answer, models: Sequence[str]) -> int:
    text = plain(reply.text).strip()
    return words_in(text, telling(text, models))


def _check_errors(name: str, given: Sequence[Answer], *, may_drop: bool) -> None:
    errors = [reply for reply in given if reply.status == "error"]
    if errors and not may_drop:
        raise StudyError(
            f"{name}: {len(errors)} of {len(given)} replies are errors, the first "
            f"'{errors[0].detail}'. Run the same again to ask for them once more; what was "
            "answered is stored. To leave those items out for all models, drop 'error'."
        )
