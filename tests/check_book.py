"""The built book: its pages exist, and nothing is fetched from elsewhere.

Not collected by `make test`, since it needs `make book` to have run first:
``python -m pytest tests/check_book.py``.
"""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"]] + [c["file"] for part in TOC["parts"] for c in part["chapters"]]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_exists_and_is_self_contained(page):
    html = (HTML / f"{page}.html").read_text(encoding="utf-8")
    loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=[\"'](https?:)?//([^\"']+)", html)
    loaded += re.findall(r"<link[^>]+rel=[\"']stylesheet[\"'][^>]+href=[\"'](https?:)?//", html)
    assert not loaded
    assert "Traceback" not in html


def test_the_reasoning_chapter_was_executed():
    html = (HTML / "notebooks/reasoning.html").read_text(encoding="utf-8")
    for part in ("reasoning-figure", "T_reasoning-scores", "T_reasoning-statuses", "data/samples"):
        assert part in html
    assert re.search(r"<img[^>]+alt=\"Dot plot", html)


def test_tables_of_the_paper_are_there():
    assert "Table 1." in (HTML / "book/data.html").read_text(encoding="utf-8")
    assert "Table 4." in (HTML / "book/prompts.html").read_text(encoding="utf-8")
