"""The rating page's server, in a process of its own, for the tests."""

import csv
import http.client
import json
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

from benchhealth_utils.human_eval import create
from benchhealth_utils.human_eval.sample import Dialogue
from benchhealth_utils.schema import ROOT

LEFT, RIGHT = "Zebrafinch-7B", "Quaggamodel-13B"
QUESTION = """Hello doctor,
since five days I have a sore throat & a fever of 38.5 °C; I spent $5 and then $6 on syrup.
<script>window.harmed = 1</script> I am of age {}."""
REPLIES = {
    LEFT: "Most likely a virus.\n\n1. Drink enough.\n2. Rest."
    "<img src=x onerror='window.harmed = 2'></div></div><h1>Card 99 of 99</h1>",
    RIGHT: "Take 500 mg of amoxicillin <b>three times</b> a day. " * 8,
}


def small_study(folder, items=3, raters=("anna", "ben"), **settings):
    """A study of made-up questions whose models and dialogues have telling names."""
    talks = [Dialogue(f"planted-dialogue-{i}", QUESTION.format(30 + i), "") for i in range(items)]
    ids = [talk.id for talk in talks]
    replies = {name: dict.fromkeys(ids, text) for name, text in REPLIES.items()}
    settings = {"repeats": 0.0, "checks": 0.0, "seed": 1, **settings}
    return create(folder, talks, replies, raters=raters, **settings)


def codes(study):
    """What was handed out: rater to code."""
    return dict(list(csv.reader((study.path / "codes.csv").open(encoding="utf-8")))[1:])


def clicks(study, rater):
    """Every click of a rater: card, field, value."""
    query = "select card, field, value from clicks where rater = ? order by id"
    with sqlite3.connect(study.path / "study.sqlite") as database:
        return [(*row[:2], json.loads(row[2])) for row in database.execute(query, (rater,))]


class Visitor:
    """A client without JavaScript: `get` and `post` give status, text and headers."""

    def __init__(self, server, rater=None):
        self.server, self.cookie, self.text = server, "", ""
        if rater:
            assert self.post(code=codes(server.study)[rater])[0] == 303
            self.get()

    def get(self, path="/", method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(self.server.address).netloc, timeout=60)
        headers = {"Cookie": self.cookie, **headers}
        connection.request(method, path, body, headers)  # ".." in a path is not resolved here
        answer = connection.getresponse()
        if given := answer.getheader("Set-Cookie"):
            self.cookie = given.split(";")[0]
        self.text = answer.read().decode("utf-8", "replace")
        return answer.status, self.text, answer.headers

    def post(self, headers=None, **form):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.get("/", "POST", urlencode(form), **kind, **(headers or {}))

    def form(self):
        """What the form of the page that is shown would send."""
        found = dict(re.findall(r'type="hidden" name="(\w+)" value="(.*?)"', self.text))
        found |= re.findall(r'type="radio" name="(\w+)" value="(\w+)" checked', self.text)
        found |= {"difficult": "on"} if 'name="difficult" checked' in self.text else {}
        found |= re.findall(r'<textarea[^>]* name="(comment)"[^>]*>\n(.*?)<', self.text, re.S)
        return found

    def say(self, go="stay", **said):
        """Send the form that is shown, and show where it leads."""
        status, _, headers = self.post(**self.form() | {"go": go} | said)
        assert status == 303
        return self.get("/" + headers["Location"])


@contextmanager
def serving(study):
    """A server: its ``process``, ``address`` and ``log``; it can be killed and started again."""
    log = study.path.parent / "server.log"
    server = SimpleNamespace(log=log, address="http://127.0.0.1:0/", study=study)

    def start():
        command = [sys.executable, "-m", "benchhealth_utils", "human-eval", "rate", study.path]
        command += ["--port", urlsplit(server.address).port]
        with log.open("w") as stream:
            given = {"stdout": stream, "stderr": subprocess.STDOUT, "cwd": ROOT}
            server.process = subprocess.Popen(list(map(str, command)), **given)
        for _ in range(2400):  # a busy machine takes its time
            said = log.read_text()
            if found := re.search(r"http://\S+", said):
                server.address = f"{found[0]}/"
                return
            assert server.process.poll() is None, said
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {said}")

    def kill():
        server.process.kill()
        server.process.wait()

    server.start, server.kill = start, kill
    start()
    yield server
    server.process.terminate()
    server.process.wait(timeout=60)
