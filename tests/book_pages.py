"""The built book as data: its pages, and where each item of the paper stands."""

import csv
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"


def pages(node) -> list[str]:
    """Documents of a table of contents, in reading order, without extension."""
    found = [node[key] for key in ("root", "file") if key in node]
    for key in ("parts", "chapters", "sections"):
        for below in node.get(key, ()):
            found += pages(below)
    return found


PAGES = pages(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))

with (Path(__file__).parent / "paper_items.csv").open(encoding="utf-8", newline="") as lines:
    ITEMS = list(csv.DictReader(lines))
