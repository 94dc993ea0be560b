"""Tables in a real browser: sorting, CSV files, keyboard, narrow windows.

The page is made of `plots.table` and the book's own style sheet and script,
and opened as a file, without a server.
"""

import csv
import io
import re
from html import escape

import pandas as pd
import pytest
from browser import CONTRAST, cells, chromium, download, scrolls_sideways, served, visit
from conftest import cases

from benchhealth_utils.plots import table
from benchhealth_utils.schema import ROOT

STATIC = ROOT / "book" / "_static"
SCORES = pd.DataFrame(
    {
        "Model": ["GPT-4", "", "alpaca 13B", "Alpaca 7B", "none"],
        "Score": ["81.2*", "12.3 (10.1 to 14.5), n = 500", "", "\u22121.5", "none"],
        "n": ["1,273", "500", "500", "8", "500"],
        "p": ["< 0.001", "0.5", "1e-4", "", "0.02"],
    }
)
NASTY = pd.DataFrame(
    {
        "Text, with a comma": ['say "no"', "two\nlines", "<b>5 mg</b> & more", "", "a,b"],
        "µg": ["=1+1", "+0.5", "ä – ö", "12.3", " "],
    }
)


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Makes a page of some HTML, with the book's style sheet and script."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("benchhealth.css", "benchhealth.js"):
        (folder / name).write_bytes((STATIC / name).read_bytes())

    def write(body, name="page.html"):
        html = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            '<title>t</title><link rel="stylesheet" href="benchhealth.css">'
            f'<script src="benchhealth.js"></script><body>{body}</body></html>'
        )
        (folder / name).write_text(html, encoding="utf-8")
        return (folder / name).as_uri()

    return write


@pytest.fixture
def scores(browser, address):
    html = table(SCORES, "Scores. Made up.", "scores", sortable=True).to_html()
    with visit(browser, address(html)) as page:
        yield page
        assert not page.problems


def column(page, name):
    head, *rows = cells(page.locator("table"))
    return [row[head.index(name)] for row in rows]


def sorting(page):
    return {
        th.inner_text().strip(): th.get_attribute("aria-sort")
        for th in page.locator("th").all()
        if th.get_attribute("aria-sort")
    }


@pytest.mark.parametrize(("name", "up", "down"), cases("sorting")["columns"])
def test_a_click_sorts_a_second_reverses_a_third_restores(scores, name, up, down):
    button = scores.get_by_role("button", name=name, exact=True)
    before = cells(scores.locator("table"))
    button.click()
    assert column(scores, name) == up and sorting(scores) == {name: "ascending"}
    button.click()
    assert column(scores, name) == down and sorting(scores) == {name: "descending"}
    button.click()
    assert cells(scores.locator("table")) == before and not sorting(scores)


def test_equal_cells_keep_their_order_and_rows_stay_whole(scores):
    rows = cells(scores.locator("table"))[1:]
    button = scores.get_by_role("button", name="n", exact=True)
    button.click()
    assert cells(scores.locator("table"))[1:] == [rows[i] for i in (3, 1, 2, 4, 0)]
    button.click()
    assert cells(scores.locator("table"))[1:] == [rows[i] for i in (0, 1, 2, 4, 3)]
    scores.get_by_role("button", name="Model", exact=True).click()
    assert sorting(scores) == {"Model": "ascending"}


def test_the_keyboard_sorts(scores):
    scores.keyboard.press("Tab")
    scores.keyboard.press("Tab")
    focused = scores.evaluate("document.activeElement.textContent.trim()")
    assert focused == "Score"
    assert scores.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    scores.keyboard.press("Enter")
    assert sorting(scores) == {"Score": "ascending"} and column(scores, "Score")[-1] == ""
    scores.keyboard.press("Space")
    assert sorting(scores) == {"Score": "descending"}
    assert scores.evaluate("document.activeElement.textContent.trim()") == "Score"


def test_arrows_show_the_direction_without_colour(scores):
    def arrow():
        return scores.locator("th button").first.evaluate(
            "b => getComputedStyle(b, '::after').content"
        )

    seen = [arrow()]
    for _ in range(2):
        scores.locator("th button").first.click()
        seen.append(arrow())
    assert len(set(seen)) == 3


def test_the_file_holds_the_table_whatever_is_in_it(browser, address):
    html = table(NASTY, "Nasty & <i>bad</i>.", "nasty-1", sortable=True).to_html()
    with visit(browser, address(html)) as page:
        assert page.locator("caption").inner_text() == "Nasty & <i>bad</i>."
        link = page.get_by_role("link", name="Download CSV")
        name, content = download(page, link)
        page.locator("th button").first.click()
        assert download(page, link) == (name, content)
        assert not page.problems
    assert name == "nasty-1.csv"
    assert content.startswith("\ufeffText".encode()[:3])
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    wanted = [list(NASTY), *NASTY.to_numpy().tolist()]
    plain = [[text.strip() for text in row] for row in wanted]
    plain[1][1] = "'=1+1"  # no spreadsheet takes it for a formula; +0.5 stays a number
    assert rows == plain
    frame = pd.read_csv(io.BytesIO(content), keep_default_na=False)
    assert list(frame) == list(NASTY) and len(frame) == len(NASTY)
    assert content.count(b"\r\n") == 1 + len(NASTY)


def test_a_header_of_two_rows_sorts_by_its_columns_and_is_in_the_file(browser, address):
    columns = pd.MultiIndex.from_tuples([("", "Model"), ("Score", "A"), ("Score", "B")])
    frame = pd.DataFrame([["x", "1", "9"], ["y", "2", "8"]], columns=columns)
    with visit(browser, address(table(frame, "Two.", "two", sortable=True).to_html())) as page:
        _, content = download(page, page.get_by_role("link", name="Download CSV"))
        assert content.decode("utf-8-sig").split() == [
            ",Score,Score",
            "Model,A,B",
            "x,1,9",
            "y,2,8",
        ]
        assert page.locator("th button").all_inner_texts() == ["Model", "A", "B"]
        page.locator("th button").nth(2).click()
        assert [row[0] for row in cells(page.locator("table"))[2:]] == ["y", "x"]
        assert list(sorting(page)) == ["B"]


def test_a_wide_table_scrolls_within_itself_by_keyboard(browser, address):
    wide = pd.DataFrame([{f"Column {i}": "some longer text" for i in range(20)}])
    caption = "Wide. " + "A caption of many words that has to be read on a narrow screen. " * 3
    html = (
        table(wide, caption, "wide", sortable=True).to_html()
        + table(SCORES[["n"]], "n.", "slim").to_html()
    )
    with visit(browser, address(html), width=390) as page:
        assert not scrolls_sideways(page)
        box = page.get_by_role("region", name="Wide.")
        assert box.get_attribute("tabindex") == "0"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "table-scroll"
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
        stays = page.locator("td").first.bounding_box()["x"] - box.bounding_box()["x"]
        assert -2 <= stays <= 0
        assert page.locator("td").nth(1).bounding_box()["x"] < 390 / 2
        words = page.locator("caption").first.bounding_box()
        assert words["x"] >= 0 and words["x"] + words["width"] <= 390
        slim = page.locator(".table-scroll").nth(1)
        assert slim.get_attribute("tabindex") is slim.get_attribute("role") is None
        page.set_viewport_size({"width": 6000, "height": 900})
        page.wait_for_function("!document.querySelector('.table-scroll[tabindex]')")
        assert not page.problems


def test_without_scripts_the_table_still_reads_and_scrolls(browser, address):
    wide = pd.DataFrame([{f"Column {i}": "some longer text" for i in range(20)}])
    html = table(wide, "Wide.", "wide").to_html()
    with visit(browser, address(html), width=390, java_script_enabled=False) as page:
        assert page.get_by_role("cell").count() == 20
        assert page.locator("table").bounding_box()["width"] <= 390


def test_low_contrast_is_seen(browser, address):
    page_with = (
        '<div style="background: #222"><p style="color: #444">dark on dark</p>'
        '<p style="color: #fff">white</p><p style="color: #fff; opacity: 0.2">faint</p></div>'
        '<p style="color: #8888">half</p><p style="color: color(srgb 0 0 0)">black</p>'
        '<p style="display: none; color: #eee">hidden</p>'
        f"<p>{escape('<black>')}</p>"
    )
    with visit(browser, address(page_with)) as page:
        found = re.findall(r'"(.*?)"', " ".join(page.evaluate(CONTRAST)))
    assert found == ["dark on dark", "faint", "half"]


def test_a_request_to_another_machine_is_refused_and_seen(browser, address, tmp_path):
    body = '<img src="http://192.0.2.1/x.png"><img src="missing.png"><script>oops()</script>'
    (tmp_path / "page.html").write_text(body)
    with served(tmp_path) as site, visit(browser, f"{site}/page.html") as page:
        seen = " ".join(page.problems)
    for part in ("asked for http://192.0.2.1/x.png", "404: ", "oops is not defined"):
        assert part in seen
