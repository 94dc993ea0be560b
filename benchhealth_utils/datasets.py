"""The thirteen data sets: their registry, and loading them.

``python -m benchhealth_utils.datasets`` prints what is present and whether it
is the official data.
"""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from .schema import ROOT, BenchHealthError, DataError, Example, canonical

SPLITS = ("test", "train")


@dataclass(frozen=True)
class Dataset:
    """One entry of ``data/datasets.yaml``; see the comments there."""

    key: str
    name: str
    scenario: str
    task: str
    domain: str
    size: int
    metric: str
    tier: str
    licence: str
    reference: str
    reader: str
    folder: str
    split: str
    files: tuple[Mapping, ...]
    fingerprint: str | None = None
    note: str = ""
    request: str = ""

    def split_file(self, root: Path, name: str) -> Path:
        """A list of identifiers: the data folder's own, else the published one."""
        own = root / "splits" / name
        return own if own.exists() else ROOT / "data" / "splits" / name


def _registry() -> dict[str, Dataset]:
    path = ROOT / "data" / "datasets.yaml"
    if not path.exists():
        raise BenchHealthError(
            f"{path} is missing: benchhealth_utils works from a clone of the "
            "repository. Install it there with `make setup` or `pip install -e .`."
        )
    with path.open(encoding="utf-8") as stream:
        rows = yaml.safe_load(stream)
    return {
        key: Dataset(key=key, **{**row, "files": tuple(row["files"])}) for key, row in rows.items()
    }


DATASETS: dict[str, Dataset] = _registry()


def data_root() -> Path:
    """The folder that holds the data sets.

    ``BENCHHEALTH_DATA`` if set; else ``data/full`` if the downloader has put
    anything there; else the synthetic ``data/samples``.
    """
    named = os.environ.get("BENCHHEALTH_DATA")
    if named:
        root = Path(named).expanduser().resolve()
        if not root.is_dir():
            raise BenchHealthError(
                f"BENCHHEALTH_DATA names {named}, which is not a folder. "
                "Correct it, or unset it to use the synthetic samples."
            )
        return root
    full = ROOT / "data" / "full"
    if full.is_dir() and any(full.glob("[!.]*/")):
        return full
    return ROOT / "data" / "samples"


def dataset(key: str) -> Dataset:
    """The registry's entry; an unknown key lists the known ones."""
    if key not in DATASETS:
        raise BenchHealthError(f"There is no data set '{key}'. Known: {', '.join(DATASETS)}.")
    return DATASETS[key]


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
    >>> len(load("medqa", limit=5, root=ROOT / "data" / "samples"))
    5
    """
    from .readers import READERS

    spec = globals()["dataset"](dataset)
    if split not in SPLITS:
        raise BenchHealthError(f"There is no split '{split}'. Known: test, train.")
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        raise BenchHealthError(f"limit is {limit!r}; expected a count, or 0 for all.")
    root = Path(root) if root is not None else data_root()
    folder = root / spec.folder
    if not folder.is_dir():
        raise DataError(folder, "", "the data set is not here.", how_to_get(spec))
    try:
        examples = list(READERS[spec.reader](spec, split, root))
    except DataError as error:
        if spec.tier == "open":
            raise
        advice = f"Copy it anew from PhysioNet into {spec.folder}/ of your data folder."
        raise DataError(error.path, error.where, error.problem, advice) from None
    if not examples:
        raise DataError(folder, "", f"no {split} item in it.")
    seen = set()
    for example in examples:
        if example.id in seen:
            raise DataError(folder, f"item {example.id}", "the id occurs twice.")
        seen.add(example.id)
    if split == "test" and root != ROOT / "data" / "samples":
        _warn_of_size(spec, len(examples))
    return subset(examples, limit, seed)


def _warn_of_size(spec: Dataset, found: int) -> None:
    """A file cut between two rows cannot be told from a whole one but by its size."""
    if spec.tier == "open" and found != spec.size:
        warnings.warn(
            f"{spec.key}: {found:,} test items; the official data have {spec.size:,}. If "
            "these should be the official data, a file is incomplete: check it with "
            f"`python -m benchhealth_utils.download {spec.key}`.",
            stacklevel=3,
        )


def subset(examples: Sequence[Example], limit: int | None, seed: int) -> list[Example]:
    """A random subset fixed by `seed`, in the given order."""
    if not limit or limit >= len(examples):
        return list(examples)

    def draw(example):
        return hashlib.sha256(f"{seed}:{example.id}".encode()).digest()

    chosen = {example.id for example in sorted(examples, key=draw)[:limit]}
    return [example for example in examples if example.id in chosen]


def how_to_get(spec: Dataset) -> str:
    """What a user does to have the data set."""
    if spec.tier == "credentialed":
        return f"{spec.request} Then put the files into {spec.folder}/ of your data folder."
    samples = (ROOT / "data" / "samples").as_posix()
    return (
        f"Fetch it with `python -m benchhealth_utils.download {spec.key}`, or use the "
        f"synthetic samples: export BENCHHEALTH_DATA={samples}"
    )


def fingerprint(examples: Sequence[Example]) -> str:
    """SHA-256 over ids, inputs and gold of all items, in order.

    It does not depend on how files are packed or lines end.
    """
    whole = hashlib.sha256()
    for item in examples:
        row = [item.id, dict(item.inputs), item.gold, item.group]
        whole.update(canonical(row).encode() + b"\n")
    return whole.hexdigest()


def provenance(key: str, examples: Sequence[Example], root: Path | None = None) -> dict:
    """Where a test part came from, and whether it is the official data.

    Returns
    -------
    dict
        ``fingerprint``; ``source``: ``official``, ``samples``, ``other``, or
        ``credentialed`` (no public fingerprint exists); ``items``.
    """
    spec, root = dataset(key), root or data_root()
    found = fingerprint(examples)
    if found == spec.fingerprint:
        source = "official"
    elif root == ROOT / "data" / "samples":
        source = "samples"
    else:
        source = "credentialed" if spec.tier == "credentialed" else "other"
    return {"fingerprint": found, "source": source, "items": len(examples)}


def inventory(root: Path | None = None) -> list[dict]:
    """One row a data set: what is present, against Table 1."""
    root = root or data_root()
    rows = []
    for spec in DATASETS.values():
        row = {
            "key": spec.key,
            "present": (root / spec.folder).is_dir(),
            "items": None,
            "table 1": spec.size,
            "train": None,
            "source": "",
            "tier": spec.tier,
            "licence": spec.licence,
            "problem": "",
        }
        if row["present"]:
            try:
                examples = load(spec.key, root=root)
                row["items"] = len(examples)
                row["source"] = provenance(spec.key, examples, root)["source"]
                row["train"] = len(load(spec.key, "train", root=root))
            except DataError as error:
                row["problem"] = str(error)
        rows.append(row)
    return rows


def main() -> int:
    root = data_root()
    print(f"Data folder: {root}")
    columns = (
        "key",
        "present",
        "items",
        "table 1",
        "train",
        "source",
        "tier",
        "licence",
    )
    table = inventory(root)
    cells = [columns] + [
        tuple({None: "-", True: "yes", False: "no"}.get(row[c], str(row[c])) for c in columns)
        for row in table
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print("\nsource: official = same fingerprint as the published data; samples = synthetic;")
    print("credentialed = yours, no public fingerprint; other = differs from the official data.")
    for row in table:
        spec = DATASETS[row["key"]]
        if row["problem"]:
            print(f"\n{spec.key}: {row['problem']}", file=sys.stderr)
        elif not row["present"]:
            print(f"\n{spec.key}: {how_to_get(spec)}")
        if spec.note:
            print(f"\n{spec.key}: {spec.note}")
    return 1 if any(row["problem"] for row in table) else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except BenchHealthError as error:
        raise SystemExit(f"{error}") from None
