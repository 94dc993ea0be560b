"""The rating page in a real browser: with and without JavaScript, by keyboard, at every size."""

import re
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from browser import CONTRAST, chromium, scrolls_sideways
from rating_process import QUESTION, clicks, codes, serving, small_study

from benchhealth_utils.human_eval import CRITERIA

NAMES = {criterion["name"]: key for key, criterion in CRITERIA.items()}
SIZES = {"desktop": (1280, 900), "tablet": (768, 1024), "wide": (1024, 768), "phone": (390, 844)}
SMALL = """() => [...document.querySelectorAll(`button, .verdicts label, .difficult, textarea,
    input[type=password]`)].map((e) => [e.textContent, e.getBoundingClientRect()])
    .filter(([, box]) => box.height < 43.5 || box.width < 43.5).map(([text]) => text)"""
FOCUS = "(what) => document.activeElement.matches(what)"


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    raters = ("anna", "ben", "cora", "dora", "emil")
    return small_study(tmp_path_factory.mktemp("rating") / "study", raters=raters)


@pytest.fixture(scope="module")
def server(study):
    with serving(study) as running:
        yield running


class Rater:
    """A page that a rater has open; `problems` is what went wrong on it."""

    def __init__(self, page, server, name):
        self.page, self.study, self.name, self.problems = page, server.study, name, []
        page.set_default_timeout(60_000)
        page.on("request", self.check)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)
        page.goto(server.address)

    def check(self, request):
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.hostname != "127.0.0.1":
            self.problems.append(f"asked for {request.url}")

    def log_in(self):
        self.page.get_by_label("Rater code").fill(codes(self.study)[self.name])
        self.page.keyboard.press("Enter")
        self.heading("Card|The end")

    def heading(self, words):
        self.page.get_by_role("heading", name=re.compile(words)).wait_for()

    def press(self, label, heading):
        self.page.get_by_role("button", name=label, exact=True).click()
        self.heading(heading)

    def control(self, name, choice):
        group = self.page.get_by_role("radiogroup", name=name)
        return group.get_by_label(choice, exact=True)

    def mark(self, name):
        return self.page.locator(f"#{NAMES[name]}-mark")

    def choose(self, name, choice):
        self.control(name, choice).check()
        self.mark(name).get_by_text(f"Saved: {choice}").wait_for()

    def said(self, at=0):
        return self.study.said(self.name).get(self.study.order(self.name)[at], {})


@contextmanager
def opened(browser, server, name, size="desktop", **settings):
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, reduced_motion="reduce", **settings)
    yield Rater(context.new_page(), server, name)
    context.close()


def test_every_choice_is_saved_at_once_and_two_tabs_agree(browser, server):
    with opened(browser, server, "anna") as anna:
        anna.log_in()
        words = anna.page.locator(".text").first.inner_text()
        assert words == QUESTION.format(re.search(r"age (\d+)", words)[1])
        assert anna.page.evaluate("window.harmed") is None
        anna.choose("Faithfulness", "Left")
        anna.control("Robustness", "Tie").check()  # two at once, before either is confirmed
        anna.control("Generalizability", "Right").check()
        anna.mark("Generalizability").get_by_text("Saved: Right").wait_for()
        said = {"faithfulness": "left", "robustness": "tie", "generalizability": "right"}
        assert anna.said() == said
        anna.page.get_by_label("Comment").fill("planted comment\nof anna")
        two = Rater(anna.page.context.new_page(), server, "anna")  # already logged in
        two.choose("Faithfulness", "Right")
        two.page.get_by_label(re.compile("Difficult")).check()
        two.page.get_by_text("1 of 3 complete").wait_for()
        anna.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        anna.mark("Faithfulness").get_by_text("Saved: Right").wait_for()
        assert anna.control("Faithfulness", "Right").is_checked()
        anna.press("Next", "Card 2 of 3")  # saves the comment too
        more = {"faithfulness": "right", "difficult": True, "comment": "planted comment\nof anna"}
        assert anna.said() == said | more
        anna.press("Back", "Card 1 of 3")
        assert anna.page.get_by_label("Comment").input_value() == "planted comment\nof anna"
        anna.press("Log out", "Which reply is better")
        assert anna.problems == two.problems == []


def test_a_killed_server_loses_nothing_that_was_said_to_be_saved(browser, server):
    with opened(browser, server, "dora") as dora:
        dora.log_in()
        dora.choose("Faithfulness", "Right")
        server.kill()
        dora.control("Comprehensiveness", "Left").check()
        dora.page.get_by_role("alert").get_by_text("Not saved").wait_for()
        assert dora.mark("Comprehensiveness").inner_text() == "○ Open"
        assert dora.said() == {"faithfulness": "right"}
        server.start()
        dora.control("Robustness", "Tie").check()  # the session holds, and what waited goes too
        dora.mark("Comprehensiveness").get_by_text("Saved: Left").wait_for()
        assert dora.page.get_by_role("alert").inner_text() == ""
        verdicts = {"faithfulness": "right", "comprehensiveness": "left", "robustness": "tie"}
        assert dora.said() == verdicts


def test_the_keyboard_alone_is_enough_and_every_size_is_legible(browser, server):
    with opened(browser, server, "cora", "phone") as cora:
        page = cora.page

        def tab_to(what):
            for _ in range(20):
                if page.evaluate(FOCUS, what):
                    return
                page.keyboard.press("Tab")
            raise AssertionError(f"the keyboard does not reach {what}")

        assert page.evaluate(FOCUS, "#code")  # at once
        page.keyboard.type(codes(cora.study)["cora"])
        page.keyboard.press("Enter")
        cora.heading("Card 1 of 3")
        keys = {"Left": ["Space"], "Tie": ["ArrowRight"], "Right": ["ArrowRight"] * 2}
        for (name, key), choice in zip(
            NAMES.items(), ("Left", "Right", "Tie", "Left"), strict=True
        ):
            tab_to(f"input[name={key}]")
            ring = page.evaluate("getComputedStyle(document.activeElement.parentNode).outlineStyle")
            assert ring == "solid"
            for press in keys[choice]:
                page.keyboard.press(press)
            cora.mark(name).get_by_text(f"Saved: {choice}").wait_for()
        page.get_by_text("1 of 3 complete").wait_for()
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            assert not scrolls_sideways(page), size
            assert page.evaluate(SMALL) == [], size
            assert page.evaluate(CONTRAST) == [], size
            left, right = (each.bounding_box() for each in page.locator(".replies section").all())
            assert (left["y"] == right["y"]) == (size != "phone")
        tab_to("input[type=checkbox]")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.type("by keyboard")
        tab_to("button.primary")
        page.keyboard.press("Enter")
        cora.heading("Card 2 of 3")
        assert page.evaluate("scrollY") == 0  # in view from its top
        assert cora.said()["difficult"] is True and cora.said()["comment"] == "by keyboard"
        for heading in ("Card 3 of 3", "The end"):
            cora.press("Next", heading)
        page.get_by_text("Open cards: 2").wait_for()
        assert cora.problems == [] and len(clicks(cora.study, "cora")) >= 6


def test_the_senior_sees_the_raters_and_dark_colours_are_legible(browser, server):
    raters, card = server.study.raters, server.study.order("senior")[0]
    for rater, choice in zip(raters, ("left", "tie", "left", "right", "left"), strict=True):
        server.study.rate(rater, [(card, key, choice) for key in CRITERIA])
    with opened(browser, server, "senior", "phone", color_scheme="dark") as senior:
        senior.log_in()
        assert senior.page.locator("caption").inner_text() == "What the raters said"
        assert senior.page.locator("th[scope=col]").count() == 5
        assert not scrolls_sideways(senior.page) and senior.page.evaluate(CONTRAST) == []
        assert senior.page.get_by_label(re.compile("Difficult")).count() == 0
