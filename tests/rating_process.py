"""The rating page's server, in a process of its own, for the tests."""

import csv
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

from benchhealth_utils.human_eval import create_study
from benchhealth_utils.schema import ROOT

LEFT, RIGHT = "Zebrafinch-7B", "Quaggamodel-13B"
QUESTION = """Hello doctor,
since five days I have a sore throat & a fever of 38.5 °C; I spent $5 and then $6 on syrup.
<script>window.harmed = 1</script> I am of age {}."""
REPLIES = {
    LEFT: "Most likely a virus.\n\n1. Drink enough.\n2. Rest."
    "<img src=x onerror='window.harmed = 2'></div></div><h2>Card 99 of 99</h2>",
    RIGHT: "Take 500 mg of amoxicillin <b>three times</b> a day. " * 8,
}


def small_study(folder, items=3, **settings):
    """A study of made-up questions whose models and dialogues have telling names."""
    dialogues = [
        SimpleNamespace(id=f"planted-dialogue-{i}", question=QUESTION.format(30 + i), answer="-")
        for i in range(items)
    ]
    replies = {name: {each.id: text for each in dialogues} for name, text in REPLIES.items()}
    people = settings.pop("raters", ("anna", "ben"))
    settings = {"repeats": 0.0, "checks": 0.0, "seed": 1, **settings}
    return create_study(folder, dialogues, replies, raters=people, **settings)


def codes(folder):
    """What was handed out: rater to code."""
    with (folder / "codes.csv").open(encoding="utf-8", newline="") as stream:
        return dict(list(csv.reader(stream))[1:])


def events(folder, rater):
    """The lines of a rater's file, without their times."""
    path = folder / "ratings" / f"{rater}.jsonl"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    rows = map(json.loads, lines)
    return [(row["card"], row["field"], row["value"]) for row in rows]


@contextmanager
def serving(folder):
    """A server: its ``process``, ``address`` and ``log``; it can be killed and started again."""
    server = SimpleNamespace(log=folder.parent / "server.log", address="http://127.0.0.1:0/")

    def start():
        command = [sys.executable, "-m", "benchhealth_utils.human_eval.rating_server", folder]
        with server.log.open("w") as log:
            server.process = subprocess.Popen(
                [*map(str, command), "--port", str(urlsplit(server.address).port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )
        for _ in range(2400):  # a busy machine takes its time
            said = server.log.read_text()
            found = re.search(r"^http://.*", said, re.M)
            if found:
                server.address = found[0]
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
