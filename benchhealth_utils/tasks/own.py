"""A data set of one's own, from a CSV file: text in, a label or a text out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .. import replies
from ..metrics import ROUGE_L, accuracy
from ..registry import DATASETS, SCENARIOS, TIERS, Dataset, known
from ..schema import BenchHealthError, DataError, Example, whole_number
from .base import Task
from .files import Place, csv_table
from .radiology import IU_XRAY

OWN = dict(domain="your own", licence="your own", reader="csv", reference="", split="", files=())
MENDING = "Mend the file, or name another one or another column."


def add_csv(
    key: str,
    path: str | Path,
    *,
    text: str,
    gold: str,
    labels: Sequence[str] | None = None,
    instruction: str = "",
    id: str | None = None,
    group: str | None = None,
    train: str | Path | None = None,
    name: str = "",
    scenario: str = "understanding",
    tier: str = "open",
    max_tokens: int = 256,
) -> Dataset:
    """Add a data set of one's own for this session: from then on its key works everywhere.

    With `labels` it is a classification, scored by accuracy; a reply is read for the label it
    states. Without, it is free text, scored by ROUGE-L.

    Parameters
    ----------
    key : str
        Letters, digits, underscores; not the key of a data set of the paper.
    path : path-like
        A CSV file with a header.
    text, gold : str
        Columns of what is asked and of the right answer.
    labels : sequence of str, optional
        What an answer may be.
    instruction : str
        What stands before each text; by default a request for one of the labels.
    id, group : str, optional
        Columns of the item's identifier and of its document or patient (the unit that intervals
        resample); by default the row's number, and each item for itself.
    train : path-like, optional
        A second file of the same form for exemplars and baselines. Without it,
        ``load(key, "train")`` gives the rows of `path` themselves: no item is its own exemplar,
        and `supervised` answers each from what it learns without its tenth of the groups (not
        at all, if there is one group only); `majority` counts the answers of all rows.
    name : str
        For tables; by default the key.
    scenario : {"reasoning", "generation", "understanding"}
    tier : {"open", "credentialed"}
        Texts of a credentialed set go to no remote model and are never shown.
    max_tokens : int
        Most tokens a reply may have.

    Returns
    -------
    Dataset

    Raises
    ------
    BenchHealthError
        For a key that is taken, or a value that is none of those listed.
    DataError
        For a file that cannot be read, a column it lacks, or a row whose gold is empty or no
        label; the line is named.
    """
    if not re.fullmatch(r"\w+", str(key)):
        raise BenchHealthError(f"key is {key!r}; expected letters, digits and _ alone.")
    if key in DATASETS and DATASETS[key].reader != "csv":
        raise BenchHealthError(f"key is {key!r}, which is a data set of the paper; choose another.")
    known("scenario", scenario, SCENARIOS)
    known("tier", tier, TIERS)
    whole_number("max_tokens", max_tokens, 1)
    one = isinstance(labels, str)
    labels = tuple(map(str, labels)) if labels is not None else None
    if one or labels is not None and (len(set(labels)) < 2 or not all(map(str.strip, labels))):
        raise BenchHealthError(f"labels is {labels!r}; expected two or more different words.")
    paths = {"test": Path(path).resolve(), "train": Path(train or path).resolve()}

    def read_file(spec, split, root):
        seen: set[str] = set()
        for number, row in enumerate(csv_table(paths[split], named=(text, gold, id, group))):
            shown, answer = row.field(text).strip(), row.field(gold).strip()
            if labels:
                found = f"gold is '{answer}'" if tier == "open" else "gold"
                row.expect(answer in labels, f"{found}, which is none of: {', '.join(labels)}.")
            identifier = row.field(id) if id else f"{key}-{number}"
            row.once(seen, identifier)
            unit = row.field(group) if group else identifier
            yield Example(identifier, key, {"text": shown}, answer, unit)

    try:
        size = len(list(read_file(None, "test", None)))
        Place(paths["test"], "").expect(size, "it has no row.")
    except DataError as error:
        raise DataError(error.path, error.where, error.problem, MENDING) from None
    named = dict(key=key, name=name or key, scenario=scenario, tier=tier, size=size)
    if labels:
        words = replies.Labels({x: re.compile(re.escape(x)) for x in labels})
        facts = dict(task="classification", metric="accuracy")
        own = dict(metric=accuracy(labels), reply="Answer: {gold}", cue="Answer:")
        own["parse"] = lambda example, reply: words.read(replies.own_words(reply) or "")
        own["labels"] = lambda example: tuple(f" {label}" for label in labels)
        instruction = instruction or f"Answer with one of: {', '.join(labels)}."
    else:
        facts = dict(task="text generation", metric="ROUGE-L")
        own = dict(parse=IU_XRAY.parse, metric=ROUGE_L)
    spec = Dataset(**named, **facts, **OWN, folder=str(paths["test"].parent))
    asked = dict(instruction=instruction, turn="{text}", cut="text", max_tokens=max_tokens)
    from . import TASKS

    DATASETS[key], TASKS[key] = spec, Task(read_file, **asked, **own)
    return spec
