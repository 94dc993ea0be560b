"""The rating page in a real browser: raters at once, a killed server, prying, keyboard, tablets.

Every "Saved" that a page shows is noted and looked up in the rater's file; all that
reaches a browser is searched for what would break the blinding.
"""

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from browser import CONTRAST, chromium, scrolls_sideways
from rating_process import LEFT, QUESTION, RIGHT, codes, events, serving, small_study

from benchhealth_utils.human_eval.criteria import CRITERIA

NAMES = {criterion.name: key for key, criterion in CRITERIA.items()}
SIZES = {"desktop": (1280, 900), "tablet": (768, 1024), "tablet-wide": (1024, 768)}
SIZES["phone"] = (390, 844)
WAIT = 90_000  # milliseconds: a busy machine is slow, and that is no fault of the page
SMALL = """() => [...document.querySelectorAll(
    ".rating button, .rating summary, .rating .widget-radio-box label, .rating textarea, " +
    ".rating .widget-checkbox label, .rating .widget-text input")]
  .filter((e) => e.checkVisibility()).map((e) => [e.textContent, e.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5).map(([text]) => text)"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return small_study(
        tmp_path_factory.mktemp("rating") / "study", raters=("anna", "ben", "cora", "dora", "emil")
    )


@pytest.fixture(scope="module")
def server(study, browser):
    with serving(study.folder) as running:
        yield running


@pytest.fixture(scope="module")
def desk(browser):
    return browser.new_context(reduced_motion="reduce")


@pytest.fixture(scope="module")
def tablet(browser):
    return browser.new_context(reduced_motion="reduce", has_touch=True)


class Rater:
    """A page that a rater has open.

    `confirmed` is what it said is saved, `heard` and `answers` what the server sent,
    `problems` what went wrong: errors, files not found, requests to other machines.
    """

    def __init__(self, page, study, name):
        self.page, self.study, self.name = page, study, name
        self.confirmed, self.heard, self.answers = [], [], []
        self.problems, self.sockets = [], []
        page.on("websocket", self.listen)
        page.on("request", self.check)
        page.on("response", self.note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)

    def listen(self, socket):
        self.sockets.append(socket.url)
        self.check(socket)
        socket.on("framereceived", lambda text: self.heard.append(as_bytes(text)))

    def check(self, request):
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.hostname != "127.0.0.1":
            self.problems.append(f"asked for {request.url}")

    def note(self, answer):
        self.answers.append(answer)
        if answer.status >= 400:
            self.problems.append(f"{answer.status}: {answer.url}")

    def log_in(self, name=None):
        self.name = name or self.name
        field = self.page.get_by_label("Rater code")
        field.fill(codes(self.study.folder)[self.name])
        field.press("Enter")
        self.page.get_by_role("heading", name=re.compile("Card |The end")).wait_for()

    def press(self, label, heading):
        self.page.get_by_role("button", name=label, exact=True).click()
        self.page.get_by_role("heading", name=heading).wait_for()

    @property
    def card(self):
        index = int(re.search(r"Card (\d+)", self.page.locator("h2").inner_text())[1])
        return self.study.cards_of(self.name)[index - 1].id

    def row(self, name):
        return self.page.locator(".rating-row", has_text=name)

    def choose(self, name, choice, act="check"):
        getattr(self.row(name).get_by_label(choice, exact=True), act)()
        self.row(name).get_by_text(f"Saved: {choice}").wait_for()
        self.confirmed.append((self.card, NAMES[name], choice.lower()))

    def rate(self, *choices, act="check"):
        for name, choice in zip(NAMES, choices, strict=False):
            self.choose(name, choice, act)

    def kept(self, *event):
        """Whether an event is, or soon comes to be, in the rater's file.

        The last keys of a comment may arrive after the press of a button.
        """
        for _ in range(WAIT // 50):
            if event in events(self.study.folder, self.name):
                return True
            self.page.wait_for_timeout(50)
        return False

    def lost(self):
        """What was said to be saved and is not on disk."""
        kept = events(self.study.folder, self.name)
        return [each for each in self.confirmed if each not in kept]

    def leaks(self, whole=False):
        """Secrets in what the browser was sent; with `whole`, in every script as well."""
        secrets = [LEFT, RIGHT, "planted-dialogue", str(self.study.folder), "Traceback"]
        secrets += [code for name, code in codes(self.study.folder).items() if name != self.name]
        secrets += [each["hash"] for each in self.study.design["raters"]]
        sent = [*self.heard, self.page.content().encode()]
        if whole:
            sent += [answer.body() for answer in self.answers if answer.status == 200]
        assert len(sent) > 20
        return [secret for secret in secrets if any(secret.encode() in text for text in sent)]


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


@contextmanager
def opened(context, study, server, name, size="desktop"):
    page = context.new_page()
    page.set_default_timeout(WAIT)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    rater = Rater(page, study, name)
    page.goto(server.address, wait_until="commit")
    yield rater
    page.close()


def picture(page, name):
    folder = os.environ.get("BENCHHEALTH_SCREENSHOTS")
    if folder:
        path = Path(folder).expanduser() / f"rate-{name}.png"
        page.screenshot(path=path, full_page=True)


def test_two_raters_at_once_and_one_is_cut_off_in_the_middle(desk, tablet, study, server):
    with opened(tablet, study, server, "ben", "tablet") as ben:
        with opened(desk, study, server, "anna") as anna:
            anna.log_in()
            ben.log_in()
            words = anna.page.locator(".rating-passage").first.inner_text()
            age = re.search(r"age (\d+)", words)[1]
            assert words == QUESTION.format(age)  # $, <script> and line breaks as they are
            anna.choose("Faithfulness", "Left")
            ben.choose("Faithfulness", "Right", "tap")
            anna.choose("Comprehensiveness", "Tie")
            ben.choose("Faithfulness", "Tie", "tap")
            anna.page.get_by_label("Comment").fill("planted comment\nof anna")
            anna.page.get_by_text("Saved: comment").wait_for()
            anna.choose("Robustness", "Right")
            assert anna.page.evaluate("window.harmed") is None
            assert anna.leaks(whole=True) == [] and anna.problems == []
            card = anna.card
        # her browser is gone; his goes on
        ben.rate("Tie", "Left", "Right", "Left", act="tap")
        ben.page.get_by_label("Difficult").tap()
        ben.page.get_by_text("Saved: difficult", exact=False).first.wait_for()
        ben.press("Next", "Card 2 of 3")
        assert anna.lost() == ben.lost() == []
        assert (card, "comment", "planted comment\nof anna") in events(study.folder, "anna")
        assert len(events(study.folder, "anna")) == 4
        assert not any(b"planted comment" in text for text in ben.heard)
        ben.press("Log out", study.title)
        # she goes on with his tablet, where she stopped
        ben.log_in("anna")
        assert ben.card == card
        marks = ben.page.locator(".rating-row .rating-mark").all_inner_texts()
        assert marks == ["✓ Saved: Left", "✓ Saved: Tie", "○ Open", "✓ Saved: Right"]
        assert ben.row("Faithfulness").get_by_label("Left").is_checked()
        assert ben.page.get_by_label("Comment").input_value() == "planted comment\nof anna"
        ben.choose("Generalizability", "Right", "tap")
        ben.page.get_by_text("1 of 3 complete").wait_for()
        assert ben.problems == []


def test_a_tab_that_comes_back_shows_what_was_saved_in_another(desk, study, server):
    def shows(rater, name, choice):
        rater.row(name).get_by_text(f"Saved: {choice}").wait_for()
        chosen = rater.row(name).locator("label", has_text=choice).locator("input:checked")
        chosen.wait_for(state="attached")

    with opened(desk, study, server, "emil") as one, opened(desk, study, server, "emil") as two:
        one.log_in()
        two.log_in()
        one.choose("Faithfulness", "Left")
        two.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        shows(two, "Faithfulness", "Left")
        two.choose("Faithfulness", "Right")
        one.page.evaluate("window.dispatchEvent(new Event('focus'))")
        shows(one, "Faithfulness", "Right")
        two.choose("Faithfulness", "Tie")
        one.choose("Robustness", "Left")  # not looked at again, but saved
        shows(one, "Faithfulness", "Tie")
        two.page.get_by_label("Difficult").check()
        two.page.get_by_text("1 of 3 complete").wait_for()
        two.row("Generalizability").get_by_text("left to the senior").wait_for()
        for name, choice in (("Faithfulness", "tie"), ("Robustness", "left")):
            said = [v for _, f, v in events(study.folder, "emil") if f == NAMES[name]]
            assert said[-1] == choice
        assert one.lost() == two.lost() == [] and one.problems == two.problems == []


def test_a_killed_server_loses_nothing_that_was_said_to_be_saved(desk, study, server):
    with opened(desk, study, server, "dora") as dora:
        dora.log_in()
        place = dora.page.locator("h2").inner_text()
        dora.rate("Right", "Left")
        server.kill()
        banner = dora.page.get_by_role("alert")
        banner.get_by_text("No connection").wait_for()
        picture(dora.page, "lost")
        dora.row("Robustness").get_by_label("Tie").check()
        dora.page.wait_for_timeout(300)
        assert dora.row("Robustness").locator(".rating-mark").inner_text() == "○ Open"
        assert dora.lost() == [] and (dora.card, "robustness", "tie") not in events(
            study.folder, "dora"
        )
        # half a line, as a machine that loses power leaves it
        with (study.folder / "ratings" / "dora.jsonl").open("a") as stream:
            stream.write('{"at": "2026-')
        server.start()
        banner.get_by_role("button", name="reload the page").click()
        dora.log_in()
        assert dora.page.locator("h2").inner_text() == place
        marks = dora.page.locator(".rating-row .rating-mark").all_inner_texts()
        assert marks == ["✓ Saved: Right", "✓ Saved: Left", "○ Open", "○ Open"]
        dora.rate("Left", "Left", "Tie", "Right")
        assert banner.is_hidden()
        card = dora.card
        dora.page.get_by_label("Comment").press_sequentially("typed to the last key")
        dora.press("Next", "Card 2 of 3")
        assert dora.kept(card, "comment", "typed to the last key")
        assert dora.lost() == [] and dora.leaks() == []


def test_the_keyboard_alone_is_enough_and_every_size_is_legible(desk, study, server):
    with opened(desk, study, server, "cora", "phone") as cora:
        page = cora.page
        page.get_by_label("Rater code").wait_for()
        picture(page, "log-in")

        def tab_to(what):
            for _ in range(40):
                page.keyboard.press("Tab")
                if page.evaluate("(s) => document.activeElement.matches(s)", what):
                    return
            raise AssertionError(f"the keyboard does not reach {what}")

        tab_to("input[type=password]")
        page.keyboard.type(codes(study.folder)["cora"])
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Card 1 of 3").wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Card 1 of 3"
        keys = {"Left": ["Space"], "Tie": ["ArrowRight"], "Right": ["ArrowRight", "ArrowRight"]}
        for name, choice in zip(NAMES, ("Left", "Right", "Tie", "Left"), strict=True):
            tab_to("summary")
            assert page.evaluate("document.activeElement.textContent") == name
            page.keyboard.press("Enter")
            page.get_by_text(CRITERIA[NAMES[name]].definition).wait_for()
            page.keyboard.press("Tab")
            assert page.get_by_role("radiogroup", name=name).locator(":focus").count() == 1
            ring = ".rating .widget-radio-box label:has(:focus)"
            style = page.locator(ring).evaluate("e => getComputedStyle(e).outlineStyle")
            assert style == "solid"
            for key in keys[choice]:
                page.keyboard.press(key)
            cora.row(name).get_by_text(f"Saved: {choice}").wait_for()
            cora.confirmed.append((cora.card, NAMES[name], choice.lower()))
        page.get_by_text("1 of 3 complete").wait_for()
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            picture(page, size)
            assert not scrolls_sideways(page), size
            assert page.evaluate(SMALL) == [], size
            assert page.evaluate(CONTRAST) == [], size
        left, right = page.locator(".rating-replies section").all()
        page.set_viewport_size({"width": 768, "height": 1024})
        assert left.bounding_box()["y"] == right.bounding_box()["y"]
        page.set_viewport_size({"width": 390, "height": 844})
        assert left.bounding_box()["y"] < right.bounding_box()["y"]
        tab_to("input[type=checkbox]")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.type("by keyboard")
        tab_to("button.primary")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Card 2 of 3").wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Card 2 of 3"
        assert page.evaluate("scrollY") < 120  # and the card is in view from its top
        first = study.cards_of("cora")[0].id
        assert cora.kept(first, "difficult", True)
        assert cora.kept(first, "comment", "by keyboard")
        for label in ("Next", "Next"):
            page.get_by_role("button", name=label, exact=True).click()
        page.get_by_role("heading", name="The end").wait_for()
        page.get_by_text("2 cards are still open").wait_for()
        picture(page, "end")
        cora.press("First open card", "Card 2 of 3")
        cora.press("Back", "Card 1 of 3")
        assert page.get_by_label("Difficult").is_checked()
        assert cora.lost() == [] and cora.problems == []


# what somebody with the browser's own tools can send: kernel messages of any kind
OPEN = """(address) => new Promise((done) => {
  const socket = new WebSocket(address);
  socket.onopen = () => { window.prying = socket; done("open"); };
  socket.onerror = () => done("refused");
})"""
ASK = """async ([method, path]) => {
  const token = "0".repeat(32);
  document.cookie = `_xsrf=${token}; path=/`;
  const headers = {"X-XSRFToken": token};
  return (await fetch(path, {method, headers})).status;
}"""
SEND = """(messages) => {
  for (const [msg_type, content] of messages) {
    const header = {msg_id: crypto.randomUUID(), msg_type, session: "x", username: "x",
                    version: "5.3", date: new Date().toISOString()};
    window.prying.send(JSON.stringify({channel: "shell", header, parent_header: {},
                                       metadata: {}, content, buffers: []}));
  }
}"""
ODD = {"index": 99, "value": "anna", "rater": "anna", "card": "x", "_options_labels": ["x"]}


def test_a_third_cannot_reach_anothers_ratings(desk, tablet, study, server):
    folder = study.folder / "ratings"
    with opened(desk, study, server, "cora") as cora:
        page = cora.page
        field = page.get_by_label("Rater code")
        field.wait_for()
        for code in ("anna", "AAAA-BBBB-CCCC", "../ratings/anna"):
            field.fill(code)
            field.press("Enter")
            page.wait_for_function("() => !document.querySelector('input[type=password]').value")
            page.get_by_text("is not known here").wait_for()
        assert page.locator(".rating-passage").count() == 0
        for name in ("anna", "ben"):
            first = study.cards_of(name)[0].id
            study.ratings(name).append([(first, "comment", f"planted comment of {name}")])
        others = {n: (folder / f"{n}.jsonl").read_bytes() for n in ("anna", "ben")}
        cora.log_in()
        own = events(study.folder, "cora")

        def answered(kind, count=1):
            """Messages of a kind, once there are so many."""
            for _ in range(WAIT // 50):
                heard = [json.loads(text) for text in cora.heard if text.startswith(b"{")]
                found = [message for message in heard if message["header"]["msg_type"] == kind]
                if len(found) >= count:
                    return found
                page.wait_for_timeout(50)
            raise AssertionError(f"no {kind} in time")

        address = cora.sockets[0].split("?")[0]
        # into the kernel of somebody who is at work
        with opened(tablet, study, server, "anna", "tablet") as anna:
            anna.log_in()
            others["anna"] = (folder / "anna.jsonl").read_bytes()
            hers = anna.sockets[0].split("?")[0]
            assert hers != address
            assert page.evaluate(OPEN, f"{hers}?session_id=prying") == "refused"
            kernel = urlsplit(hers).path.split("/")[-2]
            for method, path in (
                ("GET", f"api/kernels/{kernel}"),
                ("DELETE", f"api/kernels/{kernel}"),
                ("POST", f"voila/api/shutdown/{kernel}"),
            ):
                assert page.evaluate(ASK, [method, path]) == 404
            anna.choose("Generalizability", "Tie", "tap")  # hers goes on
            others["anna"] = (folder / "anna.jsonl").read_bytes()
            assert anna.problems == []
        # into her own, past the page: code to run, and values that no control can send
        assert page.evaluate(OPEN, f"{address}?session_id=prying") == "open"
        stolen = folder.parent / "stolen"
        code = f"open({str(stolen)!r}, 'w').write(open({str(folder / 'anna.jsonl')!r}).read())"
        messages = [
            ["execute_request", {"code": code, "silent": False, "allow_stdin": False}],
            ["complete_request", {"code": "open('", "cursor_pos": 6}],
            ["comm_info_request", {"target_name": "jupyter.widget"}],
        ]
        page.evaluate(SEND, messages)
        comms = answered("comm_info_reply")[0]["content"]["comms"]
        assert len(comms) > 40
        updates = [
            {"method": "update", "state": {k: v}, "buffer_paths": []} for k, v in ODD.items()
        ]
        updates.append({"method": "custom", "content": {"event": "click", "rater": "anna"}})
        updates.append({"method": "request_state"})
        messages = [["comm_msg", {"comm_id": c, "data": u}] for c in comms for u in updates]
        page.evaluate(SEND, [*messages, ["comm_info_request", {"target_name": "jupyter.widget"}]])
        answered("comm_info_reply", 2)
        assert {n: (folder / f"{n}.jsonl").read_bytes() for n in others} == others
        assert events(study.folder, "cora")[: len(own)] == own
        assert not stolen.exists()
        assert not [text for text in cora.heard if b"planted comment" in text]
        assert cora.leaks() == []
        heard = b"".join(cora.heard)
        for kind in (
            b"execute_reply",
            b"execute_input",
            b"complete_reply",
            b'"stream"',
            b'"error"',
        ):
            assert kind not in heard
        assert "Traceback" in server.log.read_text()  # the organiser is told

        # and a kernel that is killed is noticed
        page.evaluate("window.prying.close()")
        assert page.get_by_role("alert").is_hidden()
        for child in psutil.Process(server.process.pid).children():
            child.kill()
        page.get_by_role("alert").get_by_text("No connection").wait_for()
