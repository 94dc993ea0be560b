"""The thirteen data sets: their registry, and loading them.

``python -m benchhealth_utils data`` prints what is present and whether it
is the official data.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from . import registry
from .registry import DATASETS, Dataset
from .schema import DATA, BenchHealthError, DataError, Example, LeftOut, canonical, whole_number
from .tasks import TASKS
from .tasks.own import MENDING

SPLITS = ("test", "train")
STEPS = ("explanation", "steps")  # of an exemplar's answer, no part of what is asked
SAMPLES = DATA / "samples"
# where the downloader puts data: in a clone, else in the working folder
FULL = (DATA if DATA.name == "data" else Path.cwd() / "data") / "full"


def data_root() -> Path:
    """The folder that holds the data sets.

    ``BENCHHEALTH_DATA`` if set; else ``data/full`` if the downloader has put
    anything there; else the synthetic ``data/samples``.
    """
    if named := os.environ.get("BENCHHEALTH_DATA"):
        root = Path(named).expanduser().resolve()
        folders = [spec.folder for spec in DATASETS.values()]
        if any((root / folder).is_dir() for folder in folders):
            return root
        what = "holds no data set" if root.is_dir() else "is not a folder"
        raise BenchHealthError(
            f"BENCHHEALTH_DATA names {named}, which {what}. Expected is a folder with at least one "
            f"of {', '.join(folders)}. Fill it with `python -m benchhealth_utils download --to "
            f"{root}`, correct the variable, or unset it to use the synthetic samples."
        )
    return FULL if FULL.is_dir() and any(FULL.glob("[!.]*/")) else SAMPLES


def load(
    dataset: str,
    split: str = "test",
    *,
    limit: int | None = None,
    seed: int = 0,
    root: str | Path | None = None,
) -> list[Example]:
    """Load one data set.

    Parameters
    ----------
    dataset : str
        Key in ``DATASETS``.
    split : {"test", "train"}
        ``train`` is the pool that exemplars are taken from.
    limit : int, optional
        Draw a random subset of this size, fixed by `seed` and returned in file
        order; a larger limit with the same seed contains the smaller one.
        None or 0 takes all.
    seed : int
        Of the draw.
    root : path-like, optional
        Folder with the data sets; by default `data_root()`.

    Returns
    -------
    list of Example

    Raises
    ------
    DataError
        If a file is missing or is not what its layout promises.

    Examples
    --------
    >>> len(load("medqa", limit=5, root=SAMPLES))
    5
    """
    spec = registry.dataset(dataset)
    registry.known("split", split, SPLITS)
    whole_number("limit", 0 if limit is None else limit)
    root = Path(root) if root is not None else data_root()
    examples, left = _read(spec, split, root)
    if root != SAMPLES:
        _warn(spec, split, len(examples), left, root)
    return subset(examples, limit, seed)


def left_out(dataset: str, split: str = "test", *, root: str | Path | None = None) -> dict:
    """What the files of a data set hold but `load` leaves out, and why.

    Parameters
    ----------
    dataset, split, root
        As in `load`.

    Returns
    -------
    dict of str to str
        Identifier to reason, in file order. Only the readers of MIMIC-CXR and MIMIC-III
        leave reports out; no text of them is in it.

    Examples
    --------
    >>> left_out("mimic_cxr", root=SAMPLES)["s59999011"]
    'no FINDINGS'
    """
    spec = registry.dataset(dataset)
    root = Path(root) if root is not None else data_root()
    return {item.id: item.reason for item in _read(spec, split, root)[1]}


def _read(spec: Dataset, split: str, root: Path) -> tuple[list[Example], list[LeftOut]]:
    """Items of a split, and what its reader left out."""
    folder = root / spec.folder
    if not folder.is_dir():
        raise DataError(folder, "", "the data set is not here.", how_to_get(spec, root))
    try:
        found = list(TASKS[spec.key].read_file(spec, split, root))
        ids = Counter(item.id for item in found)
        for name in (name for name, times in ids.items() if times > 1):
            raise DataError(folder, f"item {name}", "the id occurs twice.")
        examples, left = ([x for x in found if isinstance(x, kind)] for kind in (Example, LeftOut))
        if not examples:
            why = f" Left out: {_reasons(left)}." if left else ""
            raise DataError(folder, "", f"no {split} item in it.{why}")
    except DataError as error:
        raise DataError(error.path, error.where, error.problem, how_to_get(spec, root)) from None
    return examples, left


def _reasons(left: Sequence[LeftOut], ids: int = 3) -> str:
    """How many were left out for which reason, with the first of their identifiers."""
    named = {}
    for item in left:
        named.setdefault(item.reason, []).append(item.id)
    shown = {why: [*own[:ids], *["..."] * (len(own) > ids)] for why, own in named.items()}
    return "; ".join(f"{len(named[x]):,} with {x} ({', '.join(shown[x])})" for x in named)


def _warn(spec: Dataset, split: str, kept: int, left: Sequence[LeftOut], root: Path) -> None:
    """Say what is left out; a file cut between two rows differs from a whole one in size alone."""
    if left:
        about = (
            f"{spec.key}: {len(left):,} of {kept + len(left):,} {split} reports are left out: "
            f"{_reasons(left)}. All of them: benchhealth_utils.data.left_out"
            f"('{spec.key}', '{split}'). If your own, see the page Your data for their headers."
        )
        _warn_once(root, about)
    if split == "test" and spec.tier == "open" and kept != spec.size:
        about = (
            f"{spec.key}: {kept:,} test items; the official data have {spec.size:,}. If these "
            f"should be they, a file is incomplete: check it with {_command(spec, root)}."
        )
        _warn_once(root, about)


@cache
def _warn_once(root: Path, text: str) -> None:
    """A chapter loads a data set several times; what is said of a folder is said once."""
    warnings.warn(text, stacklevel=4)  # as if from where `load` is called


def subset(examples: Sequence[Example], limit: int | None, seed: int) -> list[Example]:
    """A random subset fixed by `seed`, in the given order."""
    chosen = {example.id for example in shuffled(examples, seed)[: limit or None]}
    return [example for example in examples if example.id in chosen]


def shuffled(examples: Sequence[Example], seed: int | str) -> list[Example]:
    """In an order fixed by `seed`, to which further items change nothing."""

    def place(example):
        return hashlib.sha256(f"{seed}:{example.id}".encode()).digest()

    return sorted(examples, key=place)


def _command(spec: Dataset, root: Path) -> str:
    """The command that fetches a data set into this folder."""
    place = "" if root in (SAMPLES, FULL) else f" --to {root}"
    return f"`python -m benchhealth_utils download {spec.key}{place}`"


def how_to_get(spec: Dataset, root: Path) -> str:
    """What a user does to have the data set, whole, in a data folder."""
    if spec.reader == "csv":
        return MENDING
    if spec.tier == "credentialed":
        place = f"Put the files as they are there into {root / spec.folder}"
        return f"It is never downloaded. {spec.request} {place}; in your own, mend what is named."
    samples = f"or use the synthetic samples: export BENCHHEALTH_DATA={SAMPLES.as_posix()}"
    return f"Fetch the official files with {_command(spec, root)}, {samples}"


def fingerprint(examples: Sequence[Example]) -> str:
    """SHA-256 over ids, inputs and gold of all items, in order.

    It does not depend on how files are packed or lines end, nor on exemplars' explanations.
    """
    whole = hashlib.sha256()
    for item in examples:
        inputs = {name: x for name, x in item.inputs.items() if name not in STEPS}
        row = [item.id, inputs, item.gold, item.group]
        whole.update(canonical(row).encode() + b"\n")
    return whole.hexdigest()


def provenance(key: str, examples: Sequence[Example], root: Path | None = None, pool=None) -> dict:
    """Where a test part came from, and whether it is the official data.

    Parameters
    ----------
    key : str
    examples : sequence of Example
        All items of the test part.
    root : Path, optional
    pool : sequence of Example, optional
        The training part, where it was used; then it has to be official, too.

    Returns
    -------
    dict
        ``fingerprint``; ``source``: ``official``, ``samples`` (every item is one of the
        synthetic samples, whatever folder they lie in), ``credentialed`` (no public
        fingerprint exists) or ``other``; ``items``.
    """
    spec, root = registry.dataset(key), root or data_root()
    found = fingerprint(examples)
    source = "credentialed" if spec.tier == "credentialed" else "other"
    if found == spec.fingerprint:
        trained = pool is not None and spec.train_fingerprints
        changed = trained and fingerprint(pool) not in spec.train_fingerprints
        source = "other" if changed else "official"
    elif spec.reader != "csv":
        known = _sample_items(key)
        if root == SAMPLES or all(fingerprint([item]) in known for item in examples):
            source = "samples"
    if source == "other" and spec.reader != "csv":
        about = (
            f"{key}: the data differ from the official ones, so no score on them is compared with "
            f"the paper. If they should be official, check them with {_command(spec, root)}."
        )
        _warn_once(root, about)
    return {"fingerprint": found, "source": source, "items": len(examples)}


@cache
def _sample_items(key: str) -> frozenset[str]:
    """Fingerprints of a data set's synthetic samples, one by one.

    Of MIMIC those for validation count too: which items are tested depends on a
    list that a copy of the folder may lack.
    """
    spec = registry.dataset(key)
    if not (SAMPLES / spec.folder).is_dir():
        return frozenset()
    parts = (*SPLITS, "val", "validate") if spec.tier == "credentialed" else SPLITS
    items = (item for part in parts for item in TASKS[key].read_file(spec, part, SAMPLES))
    return frozenset(fingerprint([item]) for item in items if isinstance(item, Example))
