"""The answer store: every answer is on disk before anything is done with it.

Answers live in ``runs/answers/<model>/<data set>.jsonl``, one JSON object a
line, under a key that hashes everything that can change them. A run that is
interrupted asks, when repeated, only for what is missing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from .data import load
from .guard import check_may_send, is_credentialed
from .models import Reply, Request, open_model
from .prompts import build, exemplar_order, exemplars
from .registry import known
from .schema import STATUSES, Answer, BenchHealthError, Example, digest, runs_folder, whole_number
from .tasks import TASKS

MODES = ("generate", "likelihood")
VERSION = 2  # of a stored line
FLAGS = os.O_RDWR | os.O_CREAT
LABEL_TOKENS = 16  # room for a label in likelihood mode


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; shown in a line, which says what is stored."""

    _render_traceback_ = BenchHealthError._render_traceback_


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
    shard: tuple[int, int] | None = None,
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
    shard : tuple of int, optional
        ``(k, n)`` for the k-th of n shares; what is answered together is in one share.

    Returns
    -------
    list of Answer
        One for each example, or each of the shard, in the same order.
    """
    model = open_model(model)
    examples = list(examples) if isinstance(examples, Iterable) else [examples]
    if not all(isinstance(example, Example) for example in examples):
        raise BenchHealthError("answer takes items, as `load` gives them.")
    if not examples:
        return []
    check_may_send(model, examples[0].dataset)
    if mode in MODES and mode not in model.modes:
        what = f"does not offer mode '{mode}'; it offers: {', '.join(model.modes)}"
        raise BenchHealthError(f"{model.name} {what}.")
    how = dict(shots=shots, seed=seed, mode=mode, pool=pool, cap=model.max_tokens)
    requests, pool = make_requests(examples, **how)
    return ask(model, requests, pool=pool, store=store, progress=progress, shard=shard)


def ask(
    model,
    requests: Sequence[Request],
    *,
    pool: Sequence[Example] | None = None,
    store: str | Path | None = None,
    progress: bool = True,
    shard: tuple[int, int] | None = None,
) -> list[Answer]:
    """Put requests to an open model, through the store.

    For text that may go anywhere: it is `answer` that looks after credentialed data.

    Parameters
    ----------
    model : backend
    requests : sequence of Request
        At least one; of several data sets only where the model's answers are `alone`. Each
        data set has its file in the store.
    pool, store, progress, shard
        As in `answer`.

    Returns
    -------
    list of Answer
        One for each request, or each of the shard, in the same order.
    """
    sets = sorted({each.example.dataset for each in requests})  # locks are taken in one order
    signatures = {name: {**model.signature, **model.prepare(name, pool)} for name in sets}
    prompts = [(r.example.dataset, answer_key(signatures[r.example.dataset], r)) for r in requests]
    first = dict(zip(prompts[::-1], requests[::-1], strict=True))  # equal prompts are asked once
    order, marks = list(dict.fromkeys(prompts)), {}
    unique = [first[prompt] for prompt in order]
    for prompt, batch in zip(order, model.contexts(unique), strict=True):
        # batches are those of one machine, so that a share of them is answered as there
        if share(batch or first[prompt].example.id, shard):
            marks[prompt] = prompt[0], digest([prompt[1], batch]) if batch else prompt[1]
    places = [marks.get(prompt) for prompt in order]
    shelves = {name: Store(store_path(model.name, name, store)) for name in sets}
    title = sets[0] if len(sets) == 1 else f"{len(sets)} data sets"
    with ExitStack() as locks:
        for shelf in shelves.values():
            locks.enter_context(shelf.locked())
        stored = {(n, key): x for n, shelf in shelves.items() for key, x in shelf.read().items()}
        wanted = {at for at, mark in enumerate(places) if mark and mark not in stored}
        parts = model.replies(unique, wanted) if wanted else (part for part in ())
        done = len(marks) - len(wanted)
        bar = locks.enter_context(_bar(f"{title}: {model.name}", len(marks), done, progress))
        locks.enter_context(closing(parts))  # on any interruption an API is asked no more
        try:
            for part in parts:
                before = len(stored)
                for name in sets:
                    own = [(at, reply) for at, reply in part if places[at][0] == name]
                    answers = [answer_of(places[at][1], unique[at].example.id, x) for at, x in own]
                    if answers:
                        shelves[name].append(answers)
                    stored |= {(name, item.key): item for item in answers}
                bar.update(len(stored) - before)
        except KeyboardInterrupt:
            done = sum(mark in stored for mark in marks.values())
            what = f"{title}: {done} of {len(marks)} answers are stored; run again to go on."
            raise Interrupted(what) from None
    pairs = [(r.example.id, marks[p]) for r, p in zip(requests, prompts, strict=True) if p in marks]
    if missing := [name for name, mark in pairs if mark not in stored]:
        raise BenchHealthError(
            f"{model.name} gave no answer to {len(missing)} items, {missing[0]} the first. "
            "What it answered is stored; run again to ask for the rest."
        )
    return [dataclasses.replace(stored[mark], id=name) for name, mark in pairs]


def share(name: str, shard: tuple[int, int] | None) -> bool:
    """Whether what has this name belongs to the k-th of n shares, the same on every machine.

    >>> [share("item 1", (k, 2)) for k in (1, 2)], share("item 1", None)
    ([False, True], True)
    """
    return shard is None or int(digest(name), 16) % shard[1] == shard[0] - 1


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
    known("mode", mode, MODES)
    whole_number("shots", shots)
    task, closed = TASKS[key], mode == "likelihood"
    if closed and task.labels is None:
        raise BenchHealthError(f"{key} asks an open question; likelihood mode is for closed ones.")
    pool = load(key, "train") if shots and pool is None else pool
    ordered = exemplar_order(pool, seed) if shots else ()
    room = LABEL_TOKENS if closed else min(task.max_tokens, cap or task.max_tokens)
    requests = [
        Request(
            example=dataclasses.replace(example, gold=""),
            messages=tuple(build(example, exemplars(example, ordered, shots) if shots else ())),
            document=task.document(example),
            keep_end=task.keep_end,
            max_tokens=room,
            labels=task.labels(example) if closed else (),
            cue=task.cue if closed else "",
        )
        for example in examples
    ]
    return requests, pool


def answer_key(signature: dict, request: Request) -> str:
    """Hash of all that can change an answer."""
    asked = {"max_tokens": request.max_tokens, "labels": list(request.labels), "cue": request.cue}
    return digest(asked | {"model": signature, "messages": list(request.messages)})


def store_path(model: str, dataset: str, store: str | Path | None = None) -> Path:
    """File that holds a model's answers on a data set."""
    folder = Path(store) if store is not None else runs_folder() / "answers"
    return folder / file_name(model) / f"{dataset}.jsonl"


def file_name(model: str) -> str:
    """A model's name as one part of a path."""
    return "".join(x if x.isalnum() or x in "-._" else "_" for x in model)


def answer_of(key: str, identifier: str, reply: Reply) -> Answer:
    """A reply as it is stored; half a surrogate pair becomes a question mark."""
    text, detail = (x.encode("utf-8", "replace").decode() for x in (reply.text, reply.detail))
    return Answer(identifier, reply.status, text, key, detail, dict(reply.usage))


def _bar(title: str, total: int, done: int, shown: bool) -> tqdm:
    """A bar on a terminal: the process's own, or that which ``BENCHHEALTH_TERMINAL`` names."""
    stream, named = sys.stderr, os.environ.get("BENCHHEALTH_TERMINAL")
    if named and shown and not stream.isatty():
        with suppress(OSError):
            stream = open(named, "w", encoding="utf-8")
    look = {"desc": title, "unit": "item", "leave": False, "file": stream}
    return tqdm(total=total, initial=done, disable=None if shown else True, **look)


class Store:
    """One JSON Lines file of answers, appended to under a lock; each line has its checksum."""

    def __init__(self, path: Path):
        self.path, self._end = path, None  # where the last whole line ends

    @contextmanager
    def locked(self):
        """The lock; says so if it has to wait."""
        with naming(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{self.path}.lock")
            try:
                lock.acquire(timeout=2)
            except Timeout:
                print(f"Another run is writing {self.path.name}; waiting.", file=sys.stderr)
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def read(self) -> dict[str, Answer]:
        """Stored answers by key; errors are left out, so that they are asked again.

        An error after an answer takes that answer back. A last line that was torn by an
        interruption is left out, and cut off before the next one is written.
        """
        with naming(self.path):
            data = self.path.read_bytes() if self.path.exists() else b""
        self._end = data.rfind(b"\n") + 1
        lines = enumerate(data[: self._end].split(b"\n"), 1)
        known = {item.key: item for item in (self._item(*each) for each in lines if each[1])}
        return {key: item for key, item in known.items() if item.status != "error"}

    def _item(self, number: int, line: bytes) -> Answer:
        problem = "not a stored answer"
        try:
            row = json.loads(line)
            if row.pop("version", VERSION) > VERSION:
                problem = "written by a newer version of benchhealth_utils: upgrade, or"
                raise ValueError
            check = row.pop("check", None)  # version 0.1 wrote none
            item = Answer(**row)
            kinds = [isinstance(value, str) for name, value in row.items() if name != "usage"]
            if not all(kinds) or item.status not in STATUSES or not isinstance(item.usage, dict):
                raise ValueError
            if check not in (None, _checksum(row)):
                problem = "changed since it was written"
                raise ValueError
            return item
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise BenchHealthError(
                f"{self.path}, line {number}: {problem}. Delete the line; its item will be asked "
                "again."
            ) from None

    def append(self, answers: Sequence[Answer]) -> None:
        """Write answers in one piece and wait until they are on disk."""
        rows = [dataclasses.asdict(item) for item in answers]
        rows = [row | {"check": _checksum(row), "version": VERSION} for row in rows]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        if self._end is None:
            self.read()
        mode = 0o600 if is_credentialed(self.path.stem) else 0o666
        with naming(self.path), os.fdopen(os.open(self.path, FLAGS, mode), "r+b") as stream:
            stream.truncate(self._end)
            stream.seek(self._end)
            stream.write(lines)
            stream.flush()
            os.fsync(stream.fileno())
        self._end += len(lines)


@contextmanager
def naming(path: Path):
    """Let an error of the system name the file, and say what to do."""
    try:
        yield
    except OSError as error:
        raise BenchHealthError(
            f"{path} cannot be read or written: {error.strerror or error}. What was stored before "
            "is whole. Make room, or name another folder with BENCHHEALTH_RUNS, and run again."
        ) from None


def _checksum(row: dict) -> str:
    return digest(row)[:12]
