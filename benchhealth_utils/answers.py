"""The answer store: every answer is on disk before anything is done with it.

Answers live in ``runs/answers/<model>/<data set>.jsonl``, one JSON object a
line, under a key that hashes everything that can change them. A run that is
interrupted asks, when repeated, only for what is missing.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from .backends import Reply, Request
from .backends.responses import encodable
from .datasets import load
from .guard import check_may_send
from .models import open_model
from .progress import Progress
from .prompts import build, exemplar_order, exemplars
from .schema import Answer, BenchHealthError, Example, digest, runs_folder
from .tasks import TASKS

MODES = ("generate", "likelihood")
LABEL_TOKENS = 16  # room for a label in likelihood mode


def answer(
    model,
    examples: Sequence[Example],
    *,
    shots: int = 0,
    seed: int = 0,
    mode: str = "generate",
    pool: Sequence[Example] | None = None,
    store: str | Path | None = None,
    progress: bool = True,
) -> list[Answer]:
    """Ask a model about examples of one data set.

    Parameters
    ----------
    model : str or backend
        A name for `open_model`, or what it returned.
    examples : sequence of Example
    shots : int
        Exemplars before each item.
    seed : int
        Of the exemplars' order.
    mode : {"generate", "likelihood"}
        Free text as in the paper, or the most probable of the options or
        labels (closed questions only).
    pool : sequence of Example, optional
        Where exemplars come from; by default the training part.
    store : path-like, optional
        Folder of the answer store; by default ``runs/answers``.
    progress : bool
        Show how far it is.

    Returns
    -------
    list of Answer
        One for each example, in the same order.
    """
    model = open_model(model) if isinstance(model, str) else model
    examples = list(examples)
    if not examples:
        return []
    check_may_send(model, examples[0].dataset)
    requests, exemplar_pool = make_requests(
        examples, shots=shots, seed=seed, mode=mode, pool=pool, cap=model.max_tokens
    )
    return ask(model, requests, mode=mode, pool=exemplar_pool, store=store, progress=progress)


def ask(
    model,
    requests: Sequence[Request],
    *,
    mode: str = "generate",
    pool: Sequence[Example] | None = None,
    store: str | Path | None = None,
    progress: bool = True,
) -> list[Answer]:
    """Put requests of one kind to an open model, through the store.

    For text that may go anywhere: it is `answer` that looks after credentialed data.

    Parameters
    ----------
    model : backend
    requests : sequence of Request
        At least one; the store's file is named after the first one's data set.
    mode, pool, store, progress
        As in `answer`.

    Returns
    -------
    list of Answer
        One for each request, in the same order.
    """
    examples = [request.example for request in requests]
    if mode not in model.modes:
        raise BenchHealthError(
            f"{model.name} does not offer mode '{mode}'; it offers: {', '.join(model.modes)}."
        )
    signature = {**model.signature, **model.prepare(examples[0].dataset, pool)}
    keys = [answer_key(signature, request) for request in requests]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    asked = sorted(first.values())  # equal prompts are asked once
    unique = [requests[i] for i in asked]
    together = dict(zip(asked, model.contexts(unique), strict=True))
    keys = [digest([key, at]) if (at := together[first[key]]) else key for key in keys]
    shelf = Shelf(store_path(model.name, examples[0].dataset, store))
    with shelf.locked():
        known = shelf.read()
        wanted = {at for at, i in enumerate(asked) if keys[i] not in known}
        title = f"{examples[0].dataset}: {model.name}"
        parts = model.replies(unique, wanted) if wanted else (part for part in ())
        # closed on any interruption, so that a model behind an API asks no more
        with Progress(title, len(asked), len(asked) - len(wanted), progress) as bar, closing(parts):
            for part in parts:
                pairs = [(asked[at], reply) for at, reply in part]
                answers = [_answer(keys[i], examples[i].id, reply) for i, reply in pairs]
                shelf.append(answers)
                before = len(known)
                known |= {item.key: item for item in answers}
                bar.advance(len(known) - before)
    missing = [example.id for example, key in zip(examples, keys, strict=True) if key not in known]
    if missing:
        raise BenchHealthError(
            f"{model.name} gave no answer to {len(missing)} items, {missing[0]} the first. "
            "What it answered is stored; run again to ask for the rest."
        )
    return [
        dataclasses.replace(known[key], id=example.id)
        for example, key in zip(examples, keys, strict=True)
    ]


def make_requests(
    examples: Sequence[Example],
    *,
    shots: int,
    seed: int,
    mode: str,
    pool: Sequence[Example] | None = None,
    cap: int | None = None,
) -> tuple[list[Request], Sequence[Example] | None]:
    """Requests for examples of one data set, and the exemplar pool if loaded."""
    key = examples[0].dataset
    if any(example.dataset != key for example in examples):
        raise BenchHealthError("The examples are of several data sets; ask one at a time.")
    if mode not in MODES:
        raise BenchHealthError(f"There is no mode '{mode}'. Known: {', '.join(MODES)}.")
    if not isinstance(shots, int) or shots < 0:
        raise BenchHealthError(f"shots is {shots!r}; expected 0 or more.")
    task = TASKS[key]
    closed = mode == "likelihood"
    if closed and task.labels is None:
        raise BenchHealthError(f"{key} asks an open question; likelihood mode is for closed ones.")
    if shots and pool is None:
        pool = load(key, "train")
    ordered = exemplar_order(pool, seed) if shots else ()
    requests = []
    for example in examples:
        chosen = exemplars(example, ordered, shots) if shots else ()
        requests.append(
            Request(
                example=dataclasses.replace(example, gold=""),
                messages=tuple(build(example, chosen)),
                document=task.document(example),
                keep_end=task.keep_end,
                max_tokens=LABEL_TOKENS if closed else min(task.max_tokens, cap or task.max_tokens),
                labels=task.labels(example) if closed else (),
                cue=task.cue if closed else "",
            )
        )
    return requests, pool


def answer_key(signature: dict, request: Request) -> str:
    """Hash of all that can change an answer."""
    return digest(
        {
            "model": signature,
            "messages": list(request.messages),
            "max_tokens": request.max_tokens,
            "labels": list(request.labels),
            "cue": request.cue,
        }
    )


def store_path(model: str, dataset: str, store: str | Path | None = None) -> Path:
    """File that holds a model's answers on a data set."""
    folder = Path(store) if store is not None else runs_folder() / "answers"
    return folder / file_name(model) / f"{dataset}.jsonl"


def file_name(model: str) -> str:
    """A model's name as one part of a path."""
    return "".join(x if x.isalnum() or x in "-._" else "_" for x in model)


def _answer(key: str, identifier: str, reply: Reply) -> Answer:
    text, detail = encodable(reply.text), encodable(reply.detail)
    return Answer(identifier, reply.status, text, key, detail, dict(reply.usage))


class Shelf:
    """One JSON Lines file of answers, appended to under a lock."""

    def __init__(self, path: Path):
        self.path = path

    def locked(self):
        """The lock, as a context manager; says so if it has to wait."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{self.path}.lock")
        try:
            return lock.acquire(timeout=2)
        except Timeout:
            print(f"Another run is writing {self.path.name}; waiting for it.", flush=True)
            return lock.acquire()

    def read(self) -> dict[str, Answer]:
        """Stored answers by key; errors are left out, so that they are asked again.

        An error after an answer takes that answer back. A last line that was
        torn by an interruption is cut off.
        """
        if not self.path.exists():
            return {}
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self.path.open("r+b") as stream:
                stream.truncate(whole)
        known = {}
        for number, line in enumerate(data[:whole].split(b"\n"), 1):
            if not line:
                continue
            try:
                item = Answer(**json.loads(line))
            except (ValueError, TypeError):
                raise BenchHealthError(
                    f"{self.path}, line {number}: not a stored answer. Delete the line; "
                    "its item will be asked again."
                ) from None
            known[item.key] = item
        known = {key: item for key, item in known.items() if item.status != "error"}
        return known

    def append(self, answers: Sequence[Answer]) -> None:
        """Write answers in one piece and wait until they are on disk."""
        lines = "".join(
            json.dumps(dataclasses.asdict(item), ensure_ascii=False) + "\n" for item in answers
        )
        with self.path.open("ab") as stream:
            stream.write(lines.encode())
            stream.flush()
            os.fsync(stream.fileno())
