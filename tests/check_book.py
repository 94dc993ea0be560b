"""The built book: its pages exist, and nothing is fetched from elsewhere.

Not collected by `make test`, since it needs `make book` to have run first:
``python -m pytest tests/check_book.py``.
"""

import re
from html.parser import HTMLParser

import pytest
from book_pages import HTML, PAGES


class Loaded(HTMLParser):
    """What a browser fetches when it opens a page."""

    def __init__(self):
        super().__init__()
        self.addresses, self.scripts, self.inside = [], "", False

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.inside = tag == "script"
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed"):
            self.addresses.append(values.get("src") or "")
        elif tag == "link" and values.get("rel") != "canonical":
            self.addresses.append(values.get("href") or "")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.scripts += data if self.inside else ""


def elsewhere(addresses):
    return [x for x in addresses if re.match(r"\s*(https?:)?//", x)]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_exists_and_is_self_contained(page):
    html = (HTML / f"{page}.html").read_text(encoding="utf-8")
    found = Loaded()
    found.feed(html)
    assert found.addresses and not elsewhere(found.addresses)
    assert not re.search(r"import\s*\(?[\"']https?:", found.scripts)
    assert "Traceback" not in html


def test_style_sheets_fetch_nothing_from_elsewhere():
    for path in (HTML / "_static").rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", text)
        assert not elsewhere(a or b for a, b in used), path


@pytest.mark.parametrize("page", PAGES)
def test_buttons_lead_to_the_notebook_of_the_page_or_are_not_there(page):
    html = (HTML / f"{page}.html").read_text(encoding="utf-8")
    links = re.findall(r'href="(https://(?:mybinder|colab)\.[^"]+)"', html)
    assert len(links) in ((0, 2) if page.startswith("notebooks/") else (0,))
    assert all(link.endswith(f"/{page}.ipynb") for link in links)
    assert "executablebooks/jupyter-book" not in html  # what Jupyter Book would link to
