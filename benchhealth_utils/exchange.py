"""Prompts out to wherever they are answered; answers in from wherever they were made.

An export's lines carry a custom id that ends in a digest of all that can change the answer:
a line that comes back is taken only if this checkout would ask the same. What has been
imported lies in the answer store, as answers of the model ``imported:<name>``, so that
chapters, `evaluate` and ``row`` work on it as on any other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from . import __version__
from .answers import Store, answer, answer_key, answer_of, store_path
from .data import load, provenance, subset
from .guard import check_may_send, is_credentialed
from .models import Backend, Request, open_model
from .models.imported import Imported, ImportedMessages
from .plan import Job, mode_of
from .registry import dataset, known
from .schema import STATUSES, Answer, BenchHealthError, runs_folder, write_atomic
from .tasks import TASKS

FORMATS = ("openai", "anthropic", "plain")
URL = "/v1/chat/completions"
PROTOCOLS = {"openai": Imported, "anthropic": ImportedMessages}
ID = re.compile(r"([A-Za-z0-9_]+)-(\d+)-(\d+)-(?:([a-z_]+)-)?([0-9a-f]{24})")
BATCH = 0.5  # of the list price is what both vendors take for a request in a batch
GONE = 408  # the status that an answer which never came is given: another try may bring it


@dataclass(frozen=True)
class Kind:
    """What is asked of a data set; prompts of one kind share an export."""

    dataset: str
    shots: int = 0
    seed: int = 0
    perturbation: str | None = None


@dataclass(frozen=True)
class Line:
    """An answer as a file has it: a response's body, or an error's status and words."""

    place: str
    source: str  # the beginning of the file's sha256
    id: str
    said: Mapping | None = field(default=None, repr=False)
    fault: tuple[int, str] = (GONE, "")
    protocol: str = "openai"


def asked(model: Backend, kind: Kind, limit: int = 0) -> dict[str, tuple[str, Request]]:
    """Prompts of one kind: the key of the answer and the request, by custom id.

    Equal prompts have one id; it has at most 64 of ``[A-Za-z0-9_-]``.
    """
    seed, found = kind.seed, {}
    how = kind.shots, seed, kind.perturbation, "generate", limit, seed
    for request in Job(kind.dataset, *how, cap=model.max_tokens).requests:
        key = answer_key(model.signature, request)
        parts = (kind.dataset, kind.shots, kind.seed, kind.perturbation, key[:24])
        name = "-".join(str(part) for part in parts if part is not None)
        if not ID.fullmatch(name) or len(name) > 64:
            raise BenchHealthError(f"'{name}' is no custom id; name the data set or seed shorter.")
        found.setdefault(name, (key, request))
    return found


def unanswered(
    model: Backend, datasets: Sequence[str], store=None, limit: int = 0, **how
) -> Iterator[tuple[Kind, Mapping, dict[str, Request]]]:
    """By data set: its kind, all prompts, and by custom id those without a stored answer.

    Before the first is given, all are checked for whether they may be sent.
    """
    kinds = [Kind(dataset(key).key, **how) for key in datasets]
    for each in kinds:
        check_may_send(model, each.dataset)
    for each in kinds:
        stored = Store(store_path(model.name, each.dataset, store)).read()
        prompts = asked(model, each, limit)
        left = {name: request for name, (key, request) in prompts.items() if key not in stored}
        yield each, prompts, left


def export(
    model: str,
    datasets: Sequence[str],
    folder: str | Path,
    *,
    form: str = "openai",
    limit: int = 0,
    newer: bool = False,
    store: str | Path | None = None,
    **how,
) -> dict:
    """Write the prompts that a model has no imported answer to, a file a data set.

    Parameters
    ----------
    model : str
        What whoever answers calls the model; its answers will be those of ``imported:<model>``.
    datasets : sequence of str
    folder : path-like
        Credentialed prompts go only into one that is stated among the endpoints that keep
        nothing, see `guard`.
    form : {"openai", "anthropic", "plain"}
        JSON Lines of OpenAI's batches (vLLM and SGLang read them, too), of Anthropic's message
        batches, or ``id, messages, max_tokens``.
    limit : int
        As in `evaluate`.
    newer : bool
        For models that take no temperature, and call their limit ``max_completion_tokens``.
    store : path-like, optional
        Where answers that need not be asked again lie.
    **how
        ``shots, seed, perturbation``, as in `evaluate`.

    Returns
    -------
    dict
        The manifest, as it lies beside the files.
    """
    folder = Path(folder).expanduser()
    opened = open_model(f"imported:{model}")
    opened.remote, opened.endpoint = True, folder.resolve().as_posix()
    known("format", form, FORMATS)
    files, writer = [], PROTOCOLS.get(form, Imported)(opened.name)
    for kind, prompts, left in unanswered(opened, datasets, store, limit, **how):
        lines = [batch_line(form, writer, name, ask, newer) for name, ask in left.items()]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        change = f"-{kind.perturbation}" if kind.perturbation else ""
        path = folder / f"{kind.dataset}-{kind.shots}shot{change}.jsonl"
        if path.exists() and path.read_bytes() != text:
            raise BenchHealthError(f"{path} exists and has other prompts; name another folder.")
        if lines:
            write_atomic(path, text)
            path.chmod(0o600 if is_credentialed(kind.dataset) else path.stat().st_mode)
        about = {"file": path.name, "sha256": hashlib.sha256(text).hexdigest()}
        about |= {"prompts": len(prompts), "lines": len(lines)}
        about |= {"data": provenance(kind.dataset, load(kind.dataset))}
        files.append(about | {"prompt_version": TASKS[kind.dataset].version, **vars(kind)})
    about = {"model": model, "format": form, "limit": limit, "template": "the server's"}
    about |= {"signature": opened.signature, "benchhealth_utils": __version__, "files": files}
    write_atomic(folder / "manifest.json", json.dumps(about, indent=1) + "\n")
    return about


def batch_line(form: str, model: Backend, name: str, request: Request, newer: bool) -> dict:
    """A line of an export: what `model` would be sent."""
    if form == "plain":
        return {"id": name, "messages": list(request.messages), "max_tokens": request.max_tokens}
    body = model.body(request, *(("max_completion_tokens", None) if newer else ()))
    if form == "anthropic":
        return {"custom_id": name, "params": body}
    return {"custom_id": name, "method": "POST", "url": URL, "body": body}


def bring_in(
    model: str,
    files: Sequence[str | Path],
    *,
    manifest: str | Path | None = None,
    store: str | Path | None = None,
) -> pd.DataFrame:
    """Read answers to exported prompts into the store; the same file twice changes nothing.

    Parameters
    ----------
    model : str
        As it was exported.
    files : sequence of path-like
        Output and error files of OpenAI's batches, vLLM's, Anthropic's results, or lines of
        ``id, text``, in any order.
    manifest : path-like, optional
        That of the export: only its data sets and shots are taken, and what is missing is
        counted of its items; else of whole data sets.
    store : path-like, optional

    Returns
    -------
    DataFrame
        See `take_in`; ``attrs["torn"]`` counts last lines that an interruption cut off.

    Raises
    ------
    BenchHealthError
        For a line that this checkout would not ask, two answers to one prompt, or answers of
        several models. Then nothing is stored.
    """
    limits = _limits(Path(manifest), model) if manifest else None
    lines = []
    for path in map(Path, files):
        try:
            lines += read_lines(path.name, path.read_bytes())
        except OSError as error:
            raise BenchHealthError(f"{path} cannot be read: {error.strerror}.") from None
    frame = take_in(open_model(f"imported:{model}"), lines, limits=limits, store=store)
    frame.attrs["torn"] = lines.count(None)
    return frame


def _limits(path: Path, model: str) -> dict[Kind, int]:
    """The kinds of an export, and how many items of each were asked."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        found = {Kind(*map(row.get, vars(Kind("")))): about["limit"] for row in about["files"]}
        asked = about["model"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchHealthError(f"{path} is no manifest ({type(error).__name__}).") from None
    if asked != model:
        raise BenchHealthError(f"{path} is of {asked}, not of {model}.")
    return found


def take_in(
    model: Backend,
    lines: Sequence[Line | None],
    *,
    limits: Mapping[Kind, int] | None = None,
    store: str | Path | None = None,
) -> pd.DataFrame:
    """Check answers to a model's prompts, and store those that are no errors.

    Parameters
    ----------
    model : Backend
        Behind an API, or imported.
    lines : sequence of Line or None
        As from `read_lines`.
    limits : mapping, optional
        The kinds that were asked, and how many items of each; by default those of the
        lines, with all items.
    store : path-like, optional

    Returns
    -------
    DataFrame
        A row a kind: dataset, shots, seed, perturbation, limit (None, if it is not known),
        prompts, lines, a column a status, missing (prompts without an answer in the store: an
        export writes them again).
    """
    kinds, rows, checked = {kind: [] for kind in limits or ()}, [], {}
    for line in filter(None, lines):
        match = ID.fullmatch(line.id)
        if not match:
            raise BenchHealthError(f"{line.place}: '{line.id[:64]}' is no id of an export.")
        key, shots, seed, perturbation, _ = match.groups()
        kind = Kind(dataset(key).key, int(shots), int(seed), perturbation)
        if kind not in kinds and limits is not None:
            raise BenchHealthError(f"{line.place}: {line.id} is not of the export's manifest.")
        kinds.setdefault(kind, []).append(line)
    for kind, group in kinds.items():
        prompts, path = asked(model, kind), store_path(model.name, kind.dataset, store)
        checked[kind] = prompts, path, answers_of(model, group, prompts, path)
    for kind, (prompts, path, answers) in checked.items():
        add(path, answers.values())
        limit, stored = (limits or {}).get(kind), Store(path).read()
        prompts = asked(model, kind, limit) if limit else prompts
        counts = Counter(item.status for item in answers.values())
        row = {**vars(kind), "limit": limit, "prompts": len(prompts), "lines": len(kinds[kind])}
        row |= {status: counts[status] for status in STATUSES if status != "unparsed"}
        rows.append(row | {"missing": sum(key not in stored for key, _ in prompts.values())})
    return pd.DataFrame(rows)


def answers_of(model: Backend, lines, prompts: Mapping, path: Path) -> dict[str, Answer]:
    """Answers by id; one that came after an error counts, two different ones are refused.

    So are those that servers say are of several models, here and in the store at `path`.
    """
    found = {}
    for line in lines:
        if line.id not in prompts:
            raise BenchHealthError(
                f"{line.place}: this checkout would not ask {line.id}. Its data, prompts or "
                "limits, or the model's name, are not those of the export. Nothing was stored."
            )
        (key, request), reader = prompts[line.id], model
        if isinstance(model, Imported):
            reader = PROTOCOLS[line.protocol](model.name)
        said = line.said is not None
        reply = reader.reply(request, line.said) if said else reader.failure(request, *line.fault)
        usage = {**reply.usage, "source": line.source}
        counts = [usage.get(name) for name in reader.counts]
        if model.price and None not in counts:
            usage["dollars"] = round(BATCH * model.price.of(*counts), 8)
        item = answer_of(key, request.example.id, replace(reply, usage=usage))
        old = found.get(line.id)
        if old is None or old.status == "error":
            found[line.id] = item
        elif item.status != "error":
            check_same(old, item, line.place)
    known = [*found.values(), *Store(path).read().values()]
    served = sorted({item.usage.get("served") for item in known} - {None})
    if len(served) > 1:
        raise BenchHealthError(
            f"The answers are of several models: {', '.join(served)}. Import each under a name "
            "of its own. Nothing was stored."
        )
    return found


def check_same(one: Answer, other: Answer, place: str) -> None:
    """Refuse two different answers to one prompt."""
    if (one.status, one.text) != (other.status, other.text):
        raise BenchHealthError(
            f"{place}: a second, different answer to item {one.id} of the same prompt. Keep one "
            "of the files, or give the other answers a model's name of their own."
        )


def add(path: Path, answers: Iterable[Answer]) -> int:
    """Add answers, but no errors, to a store's file; returns how many it did not have.

    Raises
    ------
    BenchHealthError
        If it has a different answer under the same key; then none is added.
    """
    shelf, new = Store(path), {}
    with shelf.locked():
        known = shelf.read()
        for item in answers:
            if item.status == "error":
                continue
            if item.key in known:
                check_same(known[item.key], item, path.name)
            else:
                known[item.key] = new[item.key] = item
        if new:
            shelf.append(list(new.values()))
    return len(new)


def read_lines(name: str, data: bytes) -> Iterator[Line | None]:
    """Answers as a file has them; None for a last line that is torn.

    Raises
    ------
    BenchHealthError
        For a line of another form.
    """
    source, rows = hashlib.sha256(data).hexdigest()[:16], data.split(b"\n")
    for number, text in enumerate(rows, 1):
        place = f"{name}, line {number}"
        try:
            if text.strip():
                yield Line(place, source, **_parsed(json.loads(text)))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            if number < len(rows) or not isinstance(error, ValueError):
                known = "a line of OpenAI's, vLLM's or Anthropic's batches, or one of id and text"
                raise BenchHealthError(f"{place}: expected {known}. Nothing was stored.") from None
            yield None  # the item is missing


def saying(text, finish_reason=None, model=None) -> dict:
    """What a `Line` says that holds no more than a text, as if of OpenAI's protocol."""
    choice = {"message": {"content": text}, "finish_reason": finish_reason}
    return {"said": {"choices": [choice], "model": model}}


def _parsed(row: Mapping) -> dict:
    """The fields of a `Line` that the row has, by its form."""
    if "custom_id" not in row:
        more = {name: row.get(name) for name in ("finish_reason", "model")}
        return {"id": row["id"], **saying(row["text"], **more)}
    name = {"id": row["custom_id"]}
    if "result" in row:
        result = row["result"]
        if result["type"] == "succeeded":
            return name | {"said": result["message"], "protocol": "anthropic"}
        inner = (result.get("error") or {}).get("error") or {}
        status = 400 if inner.get("type") == "invalid_request_error" else GONE
        return name | {"fault": (status, f"{result['type']} {json.dumps(inner)}")}
    response, error = row.get("response") or {}, row.get("error")
    status, body = response.get("status_code", GONE), response.get("body")
    if not error and status == 200 and isinstance(body, dict) and not body.get("error"):
        return name | {"said": body}
    return name | {"fault": (status if status != 200 else GONE, json.dumps(error or body))}


def answer_shard(model: str, datasets: Sequence[str], shard: str, **options) -> Path:
    """Ask one share of the prompts, into a store of its own; returns the store's folder.

    Shares are cut by a digest of the item, or of the batch where items are answered
    together, so that every machine cuts them alike and answers as one alone would.

    Parameters
    ----------
    model : str
    datasets : sequence of str
    shard : str
        ``k/n``, with k from 1 to n.
    **options
        ``shots, limit, seed, mode``, as in `evaluate`.
    """
    cut = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", shard)
    if not cut or int(cut[1]) > int(cut[2]):
        raise BenchHealthError(f"shard is '{shard}'; expected k/n with k from 1 to n, as in 3/8.")
    share, store = (int(cut[1]), int(cut[2])), runs_folder() / "shards" / f"{cut[1]}-of-{cut[2]}"
    opened = open_model(model)
    for key in datasets:
        answer_share(opened, key, share, store, **options)
    return store


def answer_share(model, key, share, store, *, limit=0, seed=0, mode="generate", **options):
    """Answers of a data set's share; open questions are answered in text in any mode."""
    options |= {"seed": seed, "mode": mode_of(key, mode, model.modes)}
    return answer(model, subset(load(key), limit, seed), shard=share, store=store, **options)


def merge(folders: Sequence[str | Path], store: str | Path | None = None) -> pd.DataFrame:
    """Put the answers of shards' stores into one; merging again changes nothing.

    Parameters
    ----------
    folders : sequence of path-like
        As `answer_shard` left them.
    store : path-like, optional
        Where to; by default ``runs/answers``.

    Returns
    -------
    DataFrame
        A row a file: folder, model (as a folder's name), dataset, answers, new.

    Raises
    ------
    BenchHealthError
        For two different answers under one key.
    """
    store, rows = Path(store) if store is not None else runs_folder() / "answers", []
    for folder in map(Path, folders):
        if not (files := sorted(folder.glob("*/*.jsonl"))):
            raise BenchHealthError(f"{folder} holds no answers of a shard.")
        for path in files:
            answers = Store(path).read().values()
            new = add(store / path.parent.name / path.name, answers)
            row = {"folder": folder.name, "model": path.parent.name, "dataset": path.stem}
            rows.append(row | {"answers": len(answers), "new": new})
    return pd.DataFrame(rows)
