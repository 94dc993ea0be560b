"""The built book in a real browser: every page, narrow and wide, light and dark.

Not collected by `make test`, since it needs `make book` to have run first:
``python -m pytest tests/check_browser.py``. With BENCHHEALTH_SCREENSHOTS set to a
folder, a picture of every page is left there.
"""

import csv
import io
import os
from pathlib import Path

import pytest
from book_pages import HTML, ITEMS, PAGES
from browser import CONTRAST, cells, chromium, download, scrolls_sideways, served, visit

# Transparent pixels of a picture on a dark page need a light ground behind them.
ON_DARK_GROUND = """(image) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const brush = canvas.getContext("2d");
  brush.drawImage(image, 0, 0);
  const pixels = brush.getImageData(0, 0, canvas.width, canvas.height).data;
  if (!pixels.some((value, i) => i % 4 === 3 && value < 255)) return false;
  const [r, g, b, a = 1] = getComputedStyle(image).backgroundColor.match(/[\\d.]+/g).map(Number);
  return a < 1 || Math.min(r, g, b) < 200;
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def site():
    assert (HTML / "index.html").exists(), f"there is no book in {HTML}; run `make book` first"
    with served(HTML) as address:
        yield address


def picture(page, name, kind):
    folder = os.environ.get("BENCHHEALTH_SCREENSHOTS")
    if folder:
        path = Path(folder).expanduser() / f"{name.replace('/', '-')}-{kind}.png"
        page.screenshot(path=path, full_page=True)


@pytest.fixture(scope="module", params=PAGES)
def wide(request, browser, site):
    """A page and its name, opened once for all that is looked at in a wide window."""
    with visit(browser, f"{site}/{request.param}.html") as page:
        yield page, request.param


def test_a_page_loads_whole_and_is_legible(wide):
    page, name = wide
    picture(page, name, "1200")
    heading = page.locator("h1:visible")  # there is another, for print
    assert heading.count() == 1 and heading.inner_text().strip()
    for image in page.locator("main img").all():
        assert image.evaluate("i => i.decode().then(() => i.naturalWidth > 0)")
        assert len(image.get_attribute("alt") or "") > 10
    assert page.evaluate(CONTRAST) == []
    assert page.problems == []


def test_the_items_of_the_paper_are_there(wide):
    page, name = wide
    assert {item["page"] for item in ITEMS} <= set(PAGES)
    for item in (item for item in ITEMS if item["page"] == name):
        found = page.locator(f"[id='{item['anchor']}']")
        assert found.count() == 1 and found.is_visible()
        if item["item"].startswith("Table"):
            assert found.locator("caption").inner_text().startswith(f"{item['item']}.")
            assert found.locator("tbody tr").count() > 1
        else:
            assert found.locator("img").is_visible()


def test_a_page_is_legible_in_the_dark(wide):
    page, name = wide
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    picture(page, name, "1200-dark")
    assert page.evaluate(CONTRAST) == []
    rows = page.locator("table.dataframe tbody tr")
    if rows.count():
        rows.first.hover()
        assert page.evaluate(CONTRAST) == []
    for image in page.locator("main img").all():
        assert not image.evaluate(ON_DARK_GROUND)
    assert page.problems == []


AT_ONCE = 10  # downloads that Chromium lets one visit of a page start


def test_the_file_of_a_table_has_its_rows(wide, browser, site):
    page, name = wide
    names = files_of(page, 0)
    for done in range(AT_ONCE, page.locator("table.dataframe").count(), AT_ONCE):
        with visit(browser, f"{site}/{name}.html") as again:
            names += files_of(again, done)
    assert len(names) == len(set(names))


def files_of(page, done):
    """Compare the files of some tables with what these show; the names that tables have."""
    tables = page.locator("table.dataframe").all()
    links = page.get_by_role("link", name="Download CSV").all()
    assert len(links) == len(tables)
    names = []
    for table, link in [*zip(tables, links, strict=True)][done : done + AT_ONCE]:
        file, content = download(page, link)
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert rows == cells(table) and len(rows) > 1
        key = table.get_attribute("id")  # a plain frame has none
        assert file == (f"{key.removeprefix('T_')}.csv" if key else "table.csv")
        names += [key] if key else []
    return names


def test_a_table_sorts_by_click_and_by_keyboard(wide):
    page, _ = wide
    if not page.locator("table.sortable").count():
        return
    table = page.locator("table.sortable").first
    before = cells(table)
    columns = list(zip(*before, strict=True))
    index = max(range(len(columns)), key=lambda i: len(set(columns[i])))
    head = table.locator("th:has(button)").nth(index)
    head.locator("button").click()
    orders = [cells(table)]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    orders.append(cells(table))
    assert all(sorted(order) == sorted(before) for order in orders)
    assert orders[0] != orders[1]
    page.keyboard.press("Enter")
    assert cells(table) == before
    assert page.problems == []


def test_some_page_has_a_sortable_table():
    assert any("dataframe sortable" in (HTML / f"{n}.html").read_text("utf-8") for n in PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_telephone(browser, site, name):
    with visit(browser, f"{site}/{name}.html", width=390) as page:
        picture(page, name, "390")
        assert not scrolls_sideways(page)
        for caption in page.locator("table.dataframe caption").all():
            box = caption.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert page.problems == []


def test_the_tab_key_reaches_the_content(browser, site):
    with visit(browser, f"{site}/{PAGES[0]}.html") as page:
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.get_attribute("href") == "#main-content"
        page.wait_for_function("document.activeElement.getBoundingClientRect().y >= 0")
        assert skip.is_visible()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#main-content') !== null")


def test_the_search_finds_a_word_without_network(browser, site):
    with visit(browser, f"{site}/search.html?q=hallmark") as page:
        found = page.locator("#search-results li > a[href*='notebooks/understanding']")
        found.first.wait_for()
        page.wait_for_load_state("networkidle")  # each result's page is fetched for its summary
        assert page.problems == []
        found.first.click()
        page.wait_for_url("**/notebooks/understanding*")
        page.locator("h1:visible").wait_for()


def test_the_start_address_leads_into_the_book(browser, site):
    with visit(browser, f"{site}/index.html") as page:
        page.wait_for_url(f"**/{PAGES[0]}.html*")
        assert page.locator("h1:visible").count() == 1
