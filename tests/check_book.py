"""The built book: its pages exist, and nothing is fetched from elsewhere.

Not collected by `make test`, since it needs `make book` to have run first:
``python -m pytest tests/check_book.py``.
"""

import re

import pytest
from book_pages import HTML, PAGES

# What a browser fetches when it opens a page.
LOADED = re.compile(
    r'<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc="([^"]*)"'
    r'|<link\b(?![^>]*rel="canonical")[^>]*?\bhref="([^"]*)"'
)


def elsewhere(addresses):
    return [x for x in addresses if re.match(r"\s*(https?:)?//", x)]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_exists_and_is_self_contained(page):
    html = (HTML / f"{page}.html").read_text(encoding="utf-8")
    found = [one or other for one, other in LOADED.findall(html)]
    assert found and not elsewhere(found)
    scripts = "".join(re.findall(r"<script\b[^>]*>(.*?)</script>", html, re.S))
    assert not re.search(r"import\s*\(?[\"']https?:", scripts)
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
