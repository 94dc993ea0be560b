"""What is in the data folder: a row a data set, and what to do about the others."""

from __future__ import annotations

import sys
from pathlib import Path

from .datasets import DATASETS, data_root, how_to_get, load, provenance
from .schema import DataError


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
            print(f"\n{spec.key}: {how_to_get(spec, root)}")
        if spec.note:
            print(f"\n{spec.key}: {spec.note}")
    return 1 if any(row["problem"] for row in table) else 0
