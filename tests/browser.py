"""A real browser for tests: Chromium driven by Playwright, kept from other hosts."""

import http.server
import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
FLAGS.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")  # no other machine
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@contextmanager
def chromium():
    """The browser, with a new profile; skips where it or Playwright is missing."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: pip install -e '.[test]'"
    )
    named = os.environ.get("CHROMIUM")
    path = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    if path is None:
        place = f"CHROMIUM names {named}, which cannot be run" if named else "no Chromium found"
        pytest.skip(f"{place}: `apt-get install chromium`, or set CHROMIUM to its path")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments):
        pass


@contextmanager
def served(folder: Path):
    """Address of a folder, served from this machine on a free port."""

    def handler(*arguments):
        return Quiet(*arguments, directory=str(folder))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def visit(browser, address: str, width: int = 1200, theme: str = "light", **settings):
    """A loaded page, with what went wrong in ``page.problems``.

    That is: files that could not be had, errors on the console, and requests to
    any other machine, which are refused.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        reduced_motion="reduce",  # else a colour may be read in the middle of a change
        **settings,
    )
    page = context.new_page()
    page.problems = problems = []

    def only_here(request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            problems.append(f"asked for {request.url}")

    page.on("request", only_here)
    page.on("websocket", only_here)
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    page.on(
        "response", lambda r: problems.append(f"{r.status}: {r.url}") if r.status >= 400 else None
    )
    page.goto(address, wait_until="load")
    yield page
    context.close()


def scrolls_sideways(page) -> bool:
    """Whether the whole page is wider than the window."""
    return page.evaluate(
        "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
    )


def cells(table) -> list[list[str]]:
    """What a table shows, row by row, its header first; a wide cell in each column."""
    return table.evaluate(
        """table => [...table.rows].map(row => [...row.cells].flatMap(
            cell => Array(cell.colSpan).fill(cell.textContent.trim())))"""
    )


def download(page, link) -> tuple[str, bytes]:
    """Name and content of the file behind a link."""
    with page.expect_download() as started:
        link.click()
    return started.value.suggested_filename, Path(started.value.path()).read_bytes()
