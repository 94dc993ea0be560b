"""The rating page without a browser: what it takes, what it gives away, what a kill leaves."""

import html
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from rating_process import LEFT, QUESTION, RIGHT, Visitor, clicks, codes, serving, small_study

from benchhealth_utils.human_eval import CRITERIA, Study
from benchhealth_utils.schema import ROOT

KEYS = list(CRITERIA)


RATERS = ("anna", "ben", "cora", "dora", "emil", "fred", "gina", "hugo")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return small_study(tmp_path_factory.mktemp("served") / "study", raters=RATERS)


@pytest.fixture(scope="module")
def server(study):
    with serving(study) as running:
        yield running


def test_a_rater_rates_goes_back_and_on_without_javascript(server, study):
    anna = Visitor(server)
    status, text, headers = anna.get()
    assert status == 200 and "Rater code" in text
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    status, _, headers = anna.post(code=codes(study)["anna"].upper())
    cookie = headers["Set-Cookie"]
    assert status == 303 and "HttpOnly" in cookie and "samesite=lax" in cookie.lower()
    text = anna.get()[1]
    first, second = study.order("anna")[:2]
    assert "Card 1 of 3" in text and "0 of 3 complete" in text
    age = re.search(r"age (\d+)", text)[1]
    assert html.unescape(text).count(QUESTION.format(age)) == 1  # shown as it is,
    assert "<script>window" not in text and "<img" not in text  # and obeyed nowhere
    text = anna.say("next", **dict.fromkeys(KEYS, "left"), comment="  a\r\nb ")[1]
    assert "Card 2 of 3" in text and "1 of 3 complete" in text
    assert study.said("anna") == {first: {**dict.fromkeys(KEYS, "left"), "comment": "a\nb"}}
    text = anna.say("back", faithfulness="tie", difficult="on")[1]
    assert "Card 1 of 3" in text and "2 of 3 complete" in text and text.count("Saved: Left") == 4
    assert study.said("anna")[second] == {"faithfulness": "tie", "difficult": True}
    assert "left to the senior" in anna.get("/?card=2")[1]
    assert "Card 3 of 3" in anna.say("open")[1]
    anna.say("next", robustness="right")
    assert "The end" in anna.text and "Open cards: 1" in anna.text
    assert "Rater code" in anna.say("out")[1] and "Rater code" in anna.get("/?card=1")[1]


def test_two_pages_of_one_rater_overwrite_nothing_that_they_did_not_show(server, study):
    one, two = Visitor(server, "ben"), Visitor(server, "ben")
    one.say(faithfulness="left", comment="mine")
    two.say(robustness="tie")  # from a page that showed neither
    card, both = study.order("ben")[0], {"faithfulness": "left", "comment": "mine"}
    assert study.said("ben")[card] == both | {"robustness": "tie"}
    two.say(faithfulness="right")
    one.say(generalizability="tie")  # from a page that still showed left
    assert study.said("ben")[card]["faithfulness"] == "right"
    one.say(comment="")
    assert study.said("ben")[card]["comment"] == ""


def test_a_rater_cannot_act_as_another_and_a_forged_form_is_refused(server, study):
    cora, dora, nobody = Visitor(server, "cora"), Visitor(server, "dora"), Visitor(server)
    form = cora.form() | {"faithfulness": "left", "go": "stay"}
    assert nobody.post(**form)[0] == 403  # her form without her session
    for headers, changed in (({}, {}), ({}, {"token": "é"}), ({"Cookie": ""}, {})):
        assert dora.post(**form | changed, headers=headers)[0] == 403  # and from another's
    assert cora.post(**form, headers={"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert cora.post(**form | {"comment": "x" * 300_000})[0] == 413
    dora.get()
    dora.say(faithfulness="right", rater="cora")
    foreign = {"card": "c0", "at": "-1", "seen": "9" * 30, "faithfulness": "left"}
    assert dora.post(**dora.form() | foreign)[0] == 303
    dora.get("/?card=1")
    assert dora.post(**dora.form() | {"seen": "9" * 5000, "at": "9" * 5000})[0] == 303
    dora.get("/?card=2")
    status, text, _ = dora.post(**dora.form() | {"faithfulness": "middle", "robustness": "tie"})
    assert status == 503 and "Not saved" in text and str(study.path) not in text
    assert clicks(study, "cora") == [] and len(clicks(study, "dora")) == 1
    # a code that is renewed ends what was opened with the old one
    Study(study.path).renew_code("cora")
    status, text, _ = cora.post(**form)
    assert status == 403 and "logged out" in text and clicks(study, "cora") == []


def test_wrong_codes_learn_nothing(server, study):
    visitor, said = Visitor(server), set()
    for code in ("anna", "0000-0000-0000-0000", "é" * 40, "' or 1=1 --"):
        status, text, headers = visitor.post(code=code)
        said.add((status, text.replace(code, ""), headers.get("Set-Cookie")))
    assert len(said) == 1 and said.pop()[0] == 403
    assert visitor.post(code=codes(study)["emil"])[0] == 303
    assert not any(code in server.log.read_text() for code in codes(study).values())


@pytest.mark.parametrize("up", ["/", "/../", "/%2e%2e/", "/page.css/../", "/static/", "//"])
def test_no_file_is_served(server, study, up):
    folder = str(study.path).lstrip("/")
    anna = Visitor(server, "anna")
    for name in ("key.json", "codes.csv", "study.sqlite", "page.html", "page.py"):
        for path in (up + name, f"{up}{folder}/{name}", up + "../" * 9 + f"{folder}/{name}"):
            status, text, _ = anna.get(path)
            assert status == 404 and text == "Not Found"
    assert anna.get("/", "DELETE")[0] == 405


def test_nothing_that_is_sent_names_a_model_a_dialogue_or_another(tmp_path):
    study = small_study(tmp_path / "study", repeats=1, checks=1)
    with serving(study) as server:
        anna, ben, senior = (Visitor(server, rater) for rater in ("anna", "ben", "senior"))
        assert "nothing for you to settle" in senior.text
        cards = [card for card in study.order("senior")]
        for visitor, choice in ((anna, "left"), (ben, "right")):
            at = study.order("anna" if visitor is anna else "ben").index(cards[0]) + 1
            visitor.get(f"/?card={at}")
            visitor.say("next", comment="planted comment", **dict.fromkeys(KEYS, choice))
        sent = [str(anna.get(path)) for path in ("/page.css", "/page.js", "/?card=99", "/none")]
        sent += [str(anna.get(f"/?card={card}")) for card in range(1, 10)]
        senior.get()
        assert "Card 1 of 1 to settle" in senior.text and "Difficult:" not in senior.text
        assert "planted comment" in senior.text
        sent = "".join([*sent, senior.text])
        secrets = [LEFT, RIGHT, "planted-dialogue", str(study.path), "Traceback", "repeat_of"]
        secrets += [*codes(study).values(), "blinding", "http://", "https://", "anna", "ben"]
        assert [word for word in secrets if word in sent] == []
        senior.say("next", **dict.fromkeys(KEYS, "tie"))
        assert "All cards are rated" in senior.text
        anna.get(f"/?card={study.order('anna').index(cards[0]) + 1}")
        assert "The senior has decided" in anna.text and anna.text.count("disabled") == 14
        Study(study.path).close()
        anna.get("/?card=1")
        before = clicks(study, "anna")
        anna.say("next", faithfulness="tie")
        assert "The study is closed" in anna.text and clicks(study, "anna") == before
        assert anna.text.count("disabled") == 14


def test_two_raters_at_once_and_a_server_that_is_killed_lose_no_confirmed_click(server, study):
    visitors = {rater: Visitor(server, rater) for rater in ("fred", "gina")}
    said = {rater: [f"{rater} {number}" for number in range(20)] for rater in visitors}

    def rate(rater):
        for words in said[rater]:
            visitors[rater].say(comment=words)

    with ThreadPoolExecutor() as pool:
        list(pool.map(rate, visitors))
    server.kill()
    for rater, words in said.items():
        assert [value for _, _, value in clicks(study, rater)] == words
    server.start()


def test_a_visitor_costs_no_process_and_little_memory(server):
    process = psutil.Process(server.process.pid)
    Visitor(server, "anna")
    before = process.memory_info().rss
    visitors = [Visitor(server, "hugo") for _ in range(50)]
    assert process.children() == [] and len(visitors) == 50
    assert process.memory_info().rss - before < 20e6


def test_the_server_says_what_is_wrong_before_it_starts(study, tmp_path, server):
    """In a process of its own: uvicorn's logging closes the streams of other loggers."""
    taken = server.address.rsplit(":")[-1].strip("/")
    wrong = (study.path, taken, "address already in use"), (study.path, "99999", "65535")
    for folder, port, message in (*wrong, (tmp_path, "0", "not a study")):
        command = [sys.executable, "-m", "benchhealth_utils", "human-eval", "rate", folder]
        done = subprocess.run([*command, "--port", port], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode and message in done.stderr
