"""The rating page without a browser: what it saves, shows and hides, and what is served."""

import asyncio
import http.client
import json
import re
import socket
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating_process import LEFT, REPLIES, RIGHT, codes, events, serving, small_study
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from benchhealth_utils.human_eval import StudyError, open_study, ratings
from benchhealth_utils.human_eval import rating_text as text
from benchhealth_utils.human_eval.criteria import CRITERIA
from benchhealth_utils.human_eval.rating_page import RatingPage, show
from benchhealth_utils.human_eval.rating_server import serve
from benchhealth_utils.human_eval.sessions import CLOSED_NOTE
from benchhealth_utils.schema import BenchHealthError


@pytest.fixture
def study(tmp_path):
    return small_study(tmp_path / "study")


@pytest.fixture
def page(study):
    return RatingPage(study)


def log_in(page, rater="anna"):
    page.code.value = codes(page.study.folder)[rater]


def press(page, label):
    buttons = [*page.views["card"][-3].children, page.views["log in"][2]]
    next(button for button in buttons if button.description == label).click()


def choose(page, choice="left", fields=CRITERIA):
    for field in fields:
        page.form.controls[field].value = choice


def shown(page):
    """All that a browser is told of the page, now and in its other views."""
    left = [page.root, *(widget for view in page.views.values() for widget in view)]
    states = []
    while left:
        widget = left.pop()
        states.append(widget.get_state())
        left += getattr(widget, "children", ())
    return json.dumps(states, default=str)


def test_a_choice_is_on_disk_when_the_page_says_so(page):
    log_in(page)
    card = page.session.cards[0].id
    assert page.form.marks["robustness"].value == text.note("Open", "open")
    choose(page, "tie", ["robustness"])
    assert events(page.study.folder, "anna") == [(card, "robustness", "tie")]
    assert "Saved: Tie" in page.form.marks["robustness"].value
    choose(page, "right", ["robustness"])
    assert events(page.study.folder, "anna")[-1] == (card, "robustness", "right")
    page.form.controls["difficult"].value = True
    page.form.controls["comment"].value = "two\nlines"
    assert events(page.study.folder, "anna")[2:] == [
        (card, "difficult", True),
        (card, "comment", "two\nlines"),
    ]


def test_what_cannot_be_saved_is_taken_back_and_said_without_a_path(page, monkeypatch, caplog):
    log_in(page)
    choose(page, "left", ["faithfulness"])

    def full(*_):
        raise OSError(28, "No space left on device", str(page.study.folder / "ratings"))

    monkeypatch.setattr(type(page.session), "choose", full)
    monkeypatch.setattr(type(page.session), "mark_difficult", full)
    choose(page, "right", ["faithfulness", "robustness"])
    page.form.controls["difficult"].value = True
    controls = {field: control.value for field, control in page.form.controls.items()}
    assert controls["faithfulness"] == "left" and controls["robustness"] is None
    assert controls["difficult"] is False
    for field in ("faithfulness", "robustness", "difficult"):
        assert page.form.marks[field].value == text.note(text.FAILED, "failed")
    assert str(page.study.folder) not in shown(page)
    assert "No space left" in caplog.text  # for the organiser


def test_a_rater_goes_on_at_the_first_open_card(page, study):
    log_in(page)
    choose(page)
    press(page, "Next")
    choose(page, "tie", ["faithfulness"])
    again = RatingPage(open_study(study.folder))
    log_in(again)
    assert again.index == 1 and "Card 2 of 3" in again.head.value
    assert "1 of 3 complete" in again.progress.value
    assert again.form.controls["faithfulness"].value == "tie"
    assert again.form.controls["robustness"].value is None
    press(again, "Back")
    assert {again.form.controls[key].value for key in CRITERIA} == {"left"}
    assert again.back.disabled


def test_the_last_page_counts_what_is_open_and_leads_there(page):
    log_in(page)
    choose(page)
    for _ in range(3):
        press(page, "Next")
    assert "2 cards are still open" in page.end.value and page.form is None
    press(page, "First open card")
    assert page.index == 1
    choose(page)
    press(page, "First open card")
    assert page.index == 2
    choose(page)
    press(page, "Next")
    assert "All cards are rated" in page.end.value and "3 of 3" in page.progress.value
    press(page, "Back")
    assert page.index == 2 and page.form.controls["robustness"].value == "left"


def test_typing_is_saved_once_it_rests_and_at_once_when_the_card_is_left(page):
    async def type_and_leave():
        log_in(page)
        first = page.form
        for words in ("a", "ab", "abc"):
            first.controls["comment"].value = words
        assert events(page.study.folder, "anna") == []
        assert text.WAITING in first.marks["comment"].value
        await asyncio.sleep(1)
        assert [value for *_, value in events(page.study.folder, "anna")] == ["abc"]
        first.controls["comment"].value = "abcd"
        press(page, "Next")
        assert [value for *_, value in events(page.study.folder, "anna")] == ["abc", "abcd"]
        first.controls["comment"].value = "abcde"  # was on its way when Next was pressed
        page.form.controls["comment"].value = "other"
        press(page, "Log out")
        await asyncio.sleep(0.1)
        return [(card.id, "comment") for card in page.study.cards_of("anna")[:2]]

    first, second = asyncio.run(type_and_leave())
    assert events(page.study.folder, "anna") == [
        (*first, "abc"),
        (*first, "abcd"),
        (*second, "other"),
        (*first, "abcde"),
    ]


def test_a_comment_that_is_too_long_is_not_lost_in_silence(page):
    log_in(page)
    page.form.controls["comment"].value = "x" * 10_001
    assert events(page.study.folder, "anna") == []
    assert "10,000" in page.form.marks["comment"].value
    page.form.controls["comment"].value = "x" * 10_000
    assert "Saved" in page.form.marks["comment"].value


@pytest.mark.parametrize("code", ["anna", "rater-9", "../anna", "X" * 5000, "💊"])
def test_a_wrong_code_opens_nothing_and_tells_nothing(page, code):
    page.code.value = code
    assert page.session is None and page.form is None and page.code.value == ""
    assert "is not known here" in page.status.value
    said = page.status.value
    press(page, "Log in")
    assert page.status.value == said


def test_a_damaged_study_is_told_to_the_log_alone(study, caplog, monkeypatch, tmp_path):
    place = str(tmp_path / "nowhere")
    assert text.ABSENT in show(place).children[0].value
    monkeypatch.setenv("BENCHHEALTH_STUDY", str(study.folder))
    assert study.title in show().children[0].value
    page = RatingPage(study)

    def broken(_):
        raise StudyError(f"{study.folder}/orders.json is damaged")

    monkeypatch.setattr(study, "log_in", broken)
    log_in(page)
    assert text.TROUBLE in page.status.value and "damaged" in caplog.text
    assert place not in shown(page) and str(study.folder) not in shown(page)


def test_the_page_needs_neither_the_key_nor_the_file_of_codes(study):
    known = codes(study.folder)
    for name in ("key.json", "codes.csv"):
        (study.folder / name).unlink()
    page = RatingPage(open_study(study.folder))
    page.code.value = known["anna"].lower()
    choose(page)
    assert len(events(study.folder, "anna")) == len(CRITERIA)


def test_a_server_is_refused_before_it_starts(study, tmp_path):
    with pytest.raises(StudyError, match="is not a study folder"):
        serve(tmp_path / "nowhere")
    refused = pytest.raises(BenchHealthError, match="cannot be used .* Name another")
    with socket.create_server(("127.0.0.1", 0)) as taken, refused:
        serve(study.folder, taken.getsockname()[1])


def test_logging_out_leaves_nothing_of_the_card(page):
    log_in(page)
    press(page, "Log out")
    assert page.session is None and page.code in page.root.children
    assert "sore throat" not in page.texts.value


def test_nothing_in_the_state_names_a_model_or_another_rater(page):
    log_in(page)
    for _ in page.session.cards:
        choose(page)
        press(page, "Next")
    state = shown(page)
    secrets = (LEFT, RIGHT, "planted-dialogue", "ben", *codes(page.study.folder).values())
    assert not [secret for secret in secrets if secret in state]
    assert not [card.id for card in page.session.cards if card.id in state]


@pytest.mark.parametrize("sees", ["both", "none"])
def test_a_senior_sees_the_raters_verdicts_only_if_the_design_says_so(tmp_path, sees):
    study = small_study(tmp_path / "study", senior_sees=sees)
    for rater, choice in (("anna", "left"), ("ben", "tie")):
        page = RatingPage(study)
        log_in(page, rater)
        choose(page, choice)
        page.form.controls["comment"].value = f"<i>{choice}</i>"
        if rater == "anna":
            first = page.session.cards[0]
        else:
            while page.session.cards[page.index] != first:
                press(page, "Next")
            choose(page, choice)
    page = RatingPage(study)
    log_in(page, "senior")
    assert page.session.cards == (first,)
    assert "Card 1 of 1 to settle" in page.head.value
    seen = page.others.value
    assert bool(seen) is (sees == "both")
    if seen:
        assert seen.count("<td>Left</td><td>Tie</td>") == len(CRITERIA)
        assert "&lt;i&gt;" in seen and "anna" not in seen and "<i>" not in seen
    choose(page, "right")
    press(page, "Next")
    assert "All cards are rated" in page.end.value


def test_a_difficult_card_is_complete_and_says_that_the_senior_decides(page):
    log_in(page)
    choose(page, "left", ["faithfulness"])
    page.form.controls["difficult"].value = True
    assert "1 of 3 complete" in page.progress.value
    assert page.session.complete(page.session.cards[0].id)
    assert "The senior decides" in page.form.marks["difficult"].value
    assert "Saved: Left" in page.form.marks["faithfulness"].value
    assert page.form.marks["robustness"].value == text.note(text.LEFT_OPEN, "open")
    press(page, "First open card")
    assert page.index == page.session.first_open == 1
    press(page, "Back")
    page.form.controls["difficult"].value = False
    assert "0 of 3 complete" in page.progress.value and page.session.first_open == 0
    assert page.form.marks["robustness"].value == text.note("Open", "open")
    assert not page.session.complete(page.session.cards[0].id)
    for _ in range(3):
        press(page, "Next")
    assert "3 cards are still open" in page.end.value


def test_the_work_of_logging_in_grows_with_the_cards_and_not_with_their_square(
    tmp_path, monkeypatch
):
    study = small_study(tmp_path / "study", items=60)
    cards = [card.id for card in study.cards_of("anna")]
    study.ratings("anna").append((card, key, "tie") for card in cards for key in CRITERIA)
    made = []
    build = ratings._judgement
    monkeypatch.setattr(ratings, "_judgement", lambda *given: made.append(1) or build(*given))
    page = RatingPage(study)
    log_in(page)
    assert "60 of 60 complete" in page.progress.value
    assert 60 <= len(made) < 4 * 60
    made.clear()
    press(page, "Back")
    page.form.controls["robustness"].value = "left"
    assert len(made) < 10


def test_a_study_that_is_closed_says_so_and_leaves_what_is_shown(page, study, caplog):
    log_in(page)
    choose(page, "left", ["faithfulness"])
    kept, shown_text = events(study.folder, "anna"), page.texts.value
    study.close()
    page.refresh()
    assert CLOSED_NOTE in page.status.value
    choose(page, "right", ["faithfulness", "robustness"])
    page.form.controls["difficult"].value = True
    page.form.controls["comment"].value = "too late"
    for field in ("faithfulness", "robustness", "difficult", "comment"):
        assert page.form.marks[field].value == text.note(CLOSED_NOTE, "failed")
    values = {field: control.value for field, control in page.form.controls.items()}
    assert values["faithfulness"] == "left" and values["robustness"] is None
    assert values["difficult"] is False and values["comment"] == "too late"
    assert page.texts.value == shown_text and "Card 1 of 3" in page.head.value
    press(page, "Next")
    assert "Card 2 of 3" in page.head.value and CLOSED_NOTE in page.status.value
    again = RatingPage(study)
    log_in(again)
    assert CLOSED_NOTE in again.status.value and "Card 1 of 3" in again.head.value
    assert events(study.folder, "anna") == kept and caplog.text == ""
    study.reopen()
    choose(again, "right", ["robustness"])
    assert "Saved: Right" in again.form.marks["robustness"].value


def test_two_tabs_show_what_is_on_disk(page, study):
    other = RatingPage(study)
    for tab in (page, other):
        log_in(tab)
    choose(page, "left", ["faithfulness"])
    assert other.form.controls["faithfulness"].value is None
    again = other.views["card"][0]
    again.click()  # as the page's script does when the tab comes back
    assert other.form.controls["faithfulness"].value == "left"
    assert "Saved: Left" in other.form.marks["faithfulness"].value
    choose(other)
    page.form.controls["difficult"].value = True
    choose(other, "right", ["robustness"])  # and after each save
    assert other.form.controls["difficult"].value is True
    choose(page, "tie", ["robustness"])
    press(page, "Next")
    choose(page)
    again.click()
    assert other.form.controls["robustness"].value == "tie"
    assert "Saved: Tie" in other.form.marks["robustness"].value
    assert "2 of 3 complete" in other.progress.value
    first, second = (card.id for card in study.cards_of("anna")[:2])
    assert events(study.folder, "anna") == [
        (first, "faithfulness", "left"),
        *((first, key, "left") for key in CRITERIA if key != "faithfulness"),
        (first, "difficult", True),
        (first, "robustness", "right"),
        (first, "robustness", "tie"),
        *((second, key, "left") for key in CRITERIA),
    ]  # what is shown anew is not written again


def test_a_comment_of_another_tab_replaces_no_words_that_are_not_saved(page, study):
    other = RatingPage(study)
    for tab in (page, other):
        log_in(tab)
    there, here = page.form.controls["comment"], other.form.controls["comment"]
    there.value = "first "
    other.refresh()
    assert here.value == "first" and "Saved" in other.form.marks["comment"].value
    page.refresh()
    assert there.value == "first "  # not taken from under who types on
    here.value = "x" * 10_001
    there.value = "second"
    other.refresh()
    assert here.value == "x" * 10_001 and "10,000" in other.form.marks["comment"].value
    here.value = "second"
    assert here.value == "second" and "Saved" in other.form.marks["comment"].value
    here.value = "third"
    page.refresh()
    assert there.value == "third"
    assert [value for *_, value in events(study.folder, "anna")] == ["first", "second", "third"]


def test_a_senior_with_nothing_to_do_is_told_so(page):
    log_in(page, "senior")
    assert "nothing for you to settle" in page.end.value


class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.words += data


nasty = st.text() | st.sampled_from(
    [*REPLIES.values(), "</div>", "&lt;b&gt;", "<!--", "]]>", "'\""]
)


@given(nasty)
def test_any_text_is_shown_and_none_is_markup(words):
    reader = Reader()
    reader.feed(text.passage(words))
    reader.close()
    assert reader.tags == [("div", [("class", "rating-passage")])]
    assert reader.words == words


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    study = small_study(tmp_path_factory.mktemp("served") / "study")
    (study.folder / "ratings" / "anna.jsonl").write_text('{"planted": "rating"}\n')
    (study.folder / "picture.png").write_text("planted picture")
    with serving(study.folder) as running:
        running.folder = study.folder
        yield running


def answer(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)
    connection.request(method, path, headers=headers)  # ".." in a path is not resolved here
    response = connection.getresponse()
    return response.status, response.read().decode("utf-8", "replace")


FILES = ("key.json", "codes.csv", "design.json", "orders.json", "cards.jsonl", "picture.png")
ROUTES = ("", "voila/files/", "voila/static/", "files/", "voila/templates/rating/static/")


@pytest.mark.parametrize("route", ROUTES)
def test_no_file_of_the_study_is_served(server, route):
    folder = str(server.folder).lstrip("/")
    ups = ("", "../" * 12 + folder + "/", "%2e%2e/" * 12 + folder + "/", "/" + folder + "/")
    for up in ups:
        for name in (*FILES, "ratings/anna.jsonl", "ratings/"):
            status, body = answer(server, f"/{route}{up}{name}")
            assert status in {302, 403, 404}, (status, route, up, name)
            assert not any(word in body for word in ("planted", LEFT, "Traceback"))


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/voila/files/rate.ipynb", {403}),
        ("/voila/files/key.json", {403}),
        ("/voila/files/../pyproject.toml", {403}),
        ("/voila/static/../../../../../../../etc/hostname", {403, 404}),
        ("/voila/templates/../static/../../../../../../etc/hostname", {404}),
        ("/voila/templates/rating/static/../conf.json", {404}),
        ("/voila/templates/rating/static/..%2fconf.json", {404}),
        ("/voila/templates/rating/other/conf.json", {404}),
        ("/voila/templates/rating", {404}),
        ("/voila/templates/nowhere/static/rating.css", {404}),
        ("/voila/tree", {302}),
        ("/voila/tree/", {302}),
        ("/voila/render/rate.ipynb", {302}),
        ("/voila/api/contents/", {302}),
        ("/api/contents/", {302}),
        ("/api/kernels", {302}),
        ("/api/sessions", {302}),
        ("/api/kernels/00000000-0000-0000-0000-000000000000", {404}),
        ("/terminals/1", {302}),
        ("/login", {302}),
        ("/logout", {302}),
    ],
)
def test_only_the_page_is_served(server, path, statuses):
    status, body = answer(server, path)
    assert status in statuses
    assert "Traceback" not in body and str(server.folder) not in body and "[project]" not in body


def connected(server, kernel, **headers):
    """Whether the server lets a client into a kernel."""
    address = f"ws://{urlsplit(server.address).netloc}/api/kernels/{kernel}/channels?session_id=x"

    async def connect():
        connection = await websocket_connect(HTTPRequest(address, headers=headers))
        connection.close()

    try:
        asyncio.run(connect())
    except HTTPClientError as error:
        assert error.code == 404
        return False
    return True


def visit(server):
    """Open the page: the kernel that was started, and the cookie that was set."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
    connection.request("GET", "/")
    response = connection.getresponse()
    kernel = re.search(r'"kernelId": "([\w-]+)"', response.read().decode())[1]
    return kernel, response.headers["Set-Cookie"].split(";")[0]


def test_a_kernel_answers_to_the_visitor_who_opened_the_page_and_to_nobody_else(server):
    (kernel, own), (other_kernel, other) = visit(server), visit(server)
    assert kernel != other_kernel and own != other
    name, value = own.split("=", 1)
    forged = f"{name}={value[:-6]}{'000000' if value[-6:] != '000000' else '111111'}"
    token = "0" * 32
    requests = [
        ("GET", f"/api/kernels/{kernel}"),
        ("HEAD", f"/api/kernels/{kernel}"),
        ("OPTIONS", f"/api/kernels/{kernel}"),
        ("POST", f"/voila/api/shutdown/{kernel}"),
        ("DELETE", f"/api/kernels/{kernel}"),
    ]
    for cookie in ("", other, forged):
        assert not connected(server, kernel, Cookie=cookie)
        for method, path in requests:
            headers = {"Cookie": f"_xsrf={token}; {cookie}", "X-XSRFToken": token}
            status, body = answer(server, path, method, **headers)
            assert status == 404 and "idle" not in body, (method, path)
    assert connected(server, kernel, Cookie=own)
    assert connected(server, other_kernel, Cookie=other)
    assert "idle" in answer(server, f"/api/kernels/{kernel}", Cookie=own)[1]
    headers = {"Cookie": f"_xsrf={token}; {own}", "X-XSRFToken": token}
    assert answer(server, f"/voila/api/shutdown/{kernel}", "POST", **headers)[0] == 204
    assert not connected(server, kernel, Cookie=own)


def test_what_is_redirected_ends_nowhere(server):
    status, _ = answer(server, "/voila/files/api/contents/")
    assert status == 403


def test_the_page_names_no_source_and_lets_nothing_in_from_elsewhere(server):
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)
    connection.request("GET", "/?template=classic&theme=dark")
    response = connection.getresponse()
    body = response.read().decode()
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "static/rating.css" in body and "Rating replies" in body
    for hidden in ("import show", "BENCHHEALTH_STUDY", str(server.folder), LEFT, "//cdn", "unpkg"):
        assert hidden not in body
