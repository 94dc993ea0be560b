"""Logs of other harnesses, scored here without asking a model again.

Their prompts are not ours, so what comes of them stands apart: as the answers of
``imported:<model>#<harness>``, which no row compares with the paper. Nor are their ids ours:
an item is found by its text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from .answers import answer_key, store_path
from .exchange import GONE, Kind, Line, add, answers_of, saying
from .models import HARNESSES, open_model
from .models.base import needed
from .plan import Job
from .registry import dataset as registered
from .registry import known
from .results import texts
from .schema import BenchHealthError, Example

FILES = (
    "samples_*.jsonl of lm-eval, .eval of inspect, scenario_state.json of HELM, "
    "details_*.parquet of lighteval, or id and text in .jsonl or .csv"
)


def bring_logs(
    model: str,
    files: Sequence[str | Path],
    harness: str,
    dataset: str,
    *,
    shots: int = 0,
    limit: int = 0,
    seed: int = 0,
    store: str | Path | None = None,
) -> pd.DataFrame:
    """Read one data set's answers from another harness's logs into the store, all or nothing.

    Parameters
    ----------
    model : str
        The answers will be those of ``imported:<model>#<harness>``.
    files : sequence of path-like
        ``samples_*.jsonl`` of lm-eval, ``.eval`` of inspect (needs ``inspect_ai``),
        ``scenario_state.json`` of HELM, ``details_*.parquet`` of lighteval (needs pyarrow);
        of "plain" ``id, text`` in ``.jsonl`` or ``.csv``, with the ids of our items.
    harness : {"lm-eval", "inspect", "helm", "lighteval", "plain"}
    dataset : str
    shots : int
        Exemplars that the harness showed; checked where its files tell.
    limit, seed : int
        The items that were asked, as in `evaluate`; by default all.
    store : path-like, optional

    Returns
    -------
    DataFrame
        One row, see `exchange.take_in`; missing are items whose answer is an error.

    Raises
    ------
    BenchHealthError
        For an item outside the set or without an answer, for two answers to one, for several
        models or other shots. Then nothing is stored.
    """
    known("harness", harness, HARNESSES)
    opened, key = open_model(f"imported:{model}#{harness}"), registered(dataset).key
    job, prompts, lines = Job(key, shots, seed, None, "generate", limit, seed), {}, []
    inputs = {item.id: _inputs(item) for item in job.examples}
    for request in job.requests:
        prompts[request.example.id] = answer_key(opened.signature, request), request
    for path in map(Path, files):
        try:
            source = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            for place, at, text, said, other in READERS[harness](path):
                if other not in (None, shots):
                    raise BenchHealthError(f"{place}: {other} exemplars were shown, not {shots}.")
                item = at if text is None else _item_in(text, inputs)
                if item not in prompts:
                    raise BenchHealthError(f"{place}: {at} is no item of {key}. Nothing is stored.")
                lines.append(Line(place, source, item, **said))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            what = f"cannot be read as a log of {harness} ({type(error).__name__}: {error})"
            raise BenchHealthError(f"{path.name} {what}. Expected: {FILES}.") from None
    path = store_path(opened.name, key, store)
    answers = answers_of(opened, lines, prompts, path)
    if missing := [name for name in inputs if name not in answers]:
        what = f"{len(missing)} of {len(inputs)} items have no answer, {missing[0]} the first"
        raise BenchHealthError(f"{key}: {what}. Nothing was stored.")
    add(path, answers.values())
    counts = Counter(item.status for item in answers.values())
    row = {**vars(Kind(key, shots, seed)), "limit": limit, "prompts": len(inputs), **counts}
    return pd.DataFrame([row | {"missing": counts["error"]}])


def _inputs(item: Example) -> list[str]:
    """The texts of an item, letters and digits alone, the longest first."""
    return sorted({*map(_plain, texts(item.inputs))} - {""}, key=len, reverse=True)


def _item_in(asked, inputs: Mapping[str, list[str]]) -> str | None:
    """The item whose texts are all within what was asked; the longest, if there are several."""
    whole = _plain(" ".join(texts(asked)))
    fits = [item for item, parts in inputs.items() if all(part in whole for part in parts)]
    return max(fits, key=lambda item: len(inputs[item][0]), default=None)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _rows(path: Path) -> Iterator[tuple[str, dict]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            yield f"{path.name}, line {number}", json.loads(line)


def _lm_eval(path: Path):
    """One line a filter, with the same raw replies."""
    task, about = re.fullmatch(r"samples_(.+)_\d{4}-.*", path.stem), {}
    beside = path.with_name(f"results_{path.stem[-26:]}.json")
    if task and beside.exists():
        about = json.loads(beside.read_text(encoding="utf-8"))
    shots = about.get("n-shot", {}).get(task[1]) if task else None
    for place, row in _rows(path):
        replies, asked = row["resps"], list(row["arguments"].values())
        text = replies[0][0]
        if not isinstance(text, str):  # log-probabilities of the choices
            best = max(range(len(replies)), key=lambda at: float(replies[at][0][0]))
            text = asked[best]["arg_1"].strip()
        yield place, str(row["doc_id"]), row["doc"], saying(text), shots


def _inspect(path: Path):
    log = needed("inspect_ai.log", path.name, "`pip install -e '.[logs]'`").read_eval_log(str(path))
    for sample in log.samples or ():
        reason = sample.output.stop_reason.replace("unknown", "")  # which says nothing
        said = saying(sample.output.completion, reason, log.eval.model)
        said = {"fault": (GONE, sample.error.message)} if sample.error else said
        asked = sample.input if isinstance(sample.input, str) else [m.text for m in sample.input]
        asked = [asked, sample.choices or []]
        if sample.epoch == 1:
            yield f"{path.name}, sample {sample.id}", str(sample.id), asked, said, None


def _helm(path: Path):
    """A non-fatal error is an empty completion there."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    about = whole["adapter_spec"]
    for row in whole["request_states"]:
        item, result = row["instance"], row["result"]
        place = f"{path.name}, {item['id']}"
        if row.get("reference_index") is not None or item.get("perturbation"):
            raise BenchHealthError(f"{place}: only replies to whole, unchanged items are read.")
        said = {"fault": (GONE, str(result.get("error")))}
        if result["success"] and not result.get("error"):
            first = result["completions"][0]
            reason = (first.get("finish_reason") or {}).get("reason")
            said = saying(first["text"], reason, about["model"])
        asked = [item["input"]["text"], [x["output"]["text"] for x in item["references"]]]
        yield place, item["id"], asked, said, about["max_train_instances"]


def _lighteval(path: Path):
    for at, row in enumerate(pd.read_parquet(path).to_dict("records")):
        doc, reply = row["doc"], row["model_response"]
        asked = [doc["query"], list(doc["choices"])]
        yield f"{path.name}, row {at}", str(doc["id"]), asked, saying(reply["text"][0]), None


def _plain_file(path: Path):
    rows = _rows(path)
    if path.suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
        rows = ((f"{path.name}, row {at}", row) for at, row in enumerate(table, 2))
    for place, row in rows:
        said = saying(row["text"], row.get("finish_reason"), row.get("model"))
        yield place, row["id"], None, said, None


ALL = (_lm_eval, _inspect, _helm, _lighteval, _plain_file)
READERS = dict(zip(HARNESSES, ALL, strict=True))
