"""The answer store: keys, resuming, torn lines, locks."""

import dataclasses
import json
import os
import random
import re
import signal
import time

import pytest
from conftest import SAMPLES
from scripted import Scripted

from benchhealth_utils import load
from benchhealth_utils.answers import Store, answer, answer_key, make_requests, store_path
from benchhealth_utils.models import Reply, Request
from benchhealth_utils.schema import Answer, BenchHealthError


def echo(say=lambda asked: f"Answer: {asked.example.id}", **facts):
    """Answers each item with its id."""
    return Scripted(say, "echo", **facts)


@pytest.fixture
def items():
    return load("medqa", root=SAMPLES)


def ask(model, items, store, **options):
    return answer(model, items, store=store, progress=False, **options)


def test_answers_come_in_order_and_a_larger_run_asks_only_for_what_is_missing(items, tmp_path):
    model = echo()
    first = ask(model, items[:10], tmp_path)
    whole = ask(model, items, tmp_path)
    assert [a.text for a in whole] == [f"Answer: {e.id}" for e in items] and whole[:10] == first
    assert ask(model, items, tmp_path) == whole
    assert model.asked == [a.id for a in whole] == [e.id for e in items]


def test_a_torn_last_line_is_cut_off_and_asked_again(items, tmp_path):
    whole = ask(echo(), items, tmp_path)
    path = store_path("echo", "medqa", tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    model = echo()
    assert ask(model, items, tmp_path) == whole
    assert model.asked == [items[-1].id]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_damaged_line_in_the_middle_is_an_error_that_names_it(items, tmp_path):
    ask(echo(), items, tmp_path)
    path = store_path("echo", "medqa", tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    lines[4] = "not json\n"
    path.write_text("".join(lines))
    with pytest.raises(BenchHealthError, match=r"medqa\.jsonl, line 5"):
        ask(echo(), items, tmp_path)


def test_an_error_is_stored_but_asked_again(items, tmp_path):
    failing = echo(Reply("error", "", "busy"))
    assert {a.status for a in ask(failing, items[:3], tmp_path)} == {"error"}
    assert {a.status for a in ask(echo(), items[:3], tmp_path)} == {"ok"}
    assert [a.status for a in ask(failing, items[:3], tmp_path)] == ["ok"] * 3
    assert len(failing.asked) == 3


def test_equal_prompts_are_asked_once(items, tmp_path):
    twin = dataclasses.replace(items[0], id="twin")
    model = echo()
    answers = ask(model, [items[0], twin], tmp_path)
    assert model.asked == [items[0].id]
    assert [a.id for a in answers] == [items[0].id, "twin"]


def test_a_model_that_leaves_items_out_is_an_error_and_loses_nothing(items, tmp_path):
    lazy = echo(replies=lambda *_: (part for part in [[(0, Reply("ok", "Answer: A"))]]))
    with pytest.raises(BenchHealthError, match="no answer to 4 items"):
        ask(lazy, items[:5], tmp_path)
    model = echo()
    ask(model, items[:5], tmp_path)
    assert items[0].id not in model.asked


@pytest.mark.parametrize(
    "change",
    [{"max_tokens": 7}, {"labels": (" A", " B")}, {"cue": "Answer:"},
     {"messages": ({"role": "user", "content": "another"},)}],
)  # fmt: skip
def test_the_key_holds_what_can_change_an_answer(items, change):
    request = make_requests(items[:1], shots=0, seed=0, mode="generate")[0][0]
    base = answer_key({"model": "a"}, request)
    assert answer_key({"model": "a"}, dataclasses.replace(request, **change)) != base
    assert answer_key({"model": "a"}, dataclasses.replace(request)) == base


@pytest.mark.parametrize("part", ["weights", "dtype", "template", "decoding", "backend"])
def test_two_models_never_share_an_answer(items, tmp_path, part):
    one, two = (echo(signature={part: value}) for value in "xy")
    ask(one, items[:2], tmp_path)
    ask(two, items[:2], tmp_path)
    assert two.asked == one.asked


def test_shots_seed_and_mode_change_the_key(items, tmp_path):
    model = echo()
    for options in ({}, {"shots": 1}, {"shots": 1, "seed": 1}, {"mode": "likelihood"}):
        ask(model, items[:1], tmp_path, pool=load("medqa", "train", root=SAMPLES), **options)
    assert len(model.asked) == 4


def test_gold_is_withheld_from_models(items):
    requests, _ = make_requests(items, shots=0, seed=0, mode="generate")
    assert all(isinstance(r, Request) and r.example.gold == "" for r in requests)


def test_an_open_question_has_no_likelihood_mode(tmp_path):
    with pytest.raises(BenchHealthError, match="open question"):
        ask(echo(), load("chatdoctor", root=SAMPLES), tmp_path, mode="likelihood")


def test_data_sets_are_not_mixed(items, tmp_path):
    with pytest.raises(BenchHealthError, match="several data sets"):
        ask(echo(), [*items, *load("pubmedqa", root=SAMPLES)], tmp_path)


def test_the_store_is_plain_json_lines(tmp_path):
    shelf = Store(tmp_path / "x.jsonl")
    shelf.append([Answer("1", "ok", "µ\n“quoted”", key="k")])
    assert shelf.read()["k"].text == "µ\n“quoted”"
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == 1


def slowly(store, pause, log):
    """Ask for everything, and keep a list of what was asked."""

    def say(asked):
        with log.open("a") as file:
            file.write(f"{asked.example.id}\n")
        time.sleep(pause)
        return f"Answer: {asked.example.id}"

    return ask(echo(say), load("medqa", root=SAMPLES), store)


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_killed_process_resumes_with_identical_results(tmp_path, how, child):
    """Kill while a batch is in the making; the next run asks for the rest only."""
    whole = slowly(tmp_path / "whole", 0, tmp_path / "whole.log")
    process = child(slowly, tmp_path / "cut", 0.1, tmp_path / "cut.log")
    stored = store_path("echo", "medqa", tmp_path / "cut")
    deadline = time.monotonic() + 60
    while not (stored.exists() and stored.read_bytes().count(b"\n") >= 6):
        assert time.monotonic() < deadline and process.is_alive()
        time.sleep(0.02)
    os.kill(process.pid, how)
    process.join(60)
    before = stored.read_bytes().count(b"\n")
    assert process.exitcode != 0 and 6 <= before < len(whole)
    assert slowly(tmp_path / "cut", 0, tmp_path / "again.log") == whole
    assert len((tmp_path / "again.log").read_text().split()) == len(whole) - before
    assert stored.read_bytes() == store_path("echo", "medqa", tmp_path / "whole").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="starts processes by forking")
def test_two_processes_at_once_ask_each_item_once(tmp_path, child):
    log = tmp_path / "both.log"
    both = [child(slowly, tmp_path / "store", 0.02, log) for _ in range(2)]
    for process in both:
        process.join(60)
    asked = log.read_text().split()
    assert sorted(asked) == sorted(item.id for item in load("medqa", root=SAMPLES))
    again = tmp_path / "again.log"
    assert len(slowly(tmp_path / "store", 0, again)) == len(asked) and not again.exists()


def test_no_single_bit_flip_is_accepted_in_silence(items, tmp_path):
    ask(echo(), items, tmp_path)
    (path,) = tmp_path.rglob("*.jsonl")
    raw, rng, good = path.read_bytes(), random.Random(0), Store(path).read()
    for _ in range(300):
        flipped = bytearray(raw)
        flipped[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(flipped))
        try:  # a flip of the last line's end leaves a torn line, which is asked again
            assert Store(path).read().items() <= good.items()
        except BenchHealthError as error:
            assert re.search(r"line \d+: (not a stored|changed|written by)", str(error))


def test_a_store_of_the_first_version_is_read(items, tmp_path):
    ask(echo(), items[:1], tmp_path)
    (path,) = tmp_path.rglob("*.jsonl")
    row = json.loads(path.read_text())
    del row["check"], row["version"]
    path.write_text(json.dumps(row) + "\n")
    model = echo()
    ask(model, items[:1], tmp_path)
    assert model.asked == []


def test_a_newer_line_is_named_as_such(items, tmp_path):
    ask(echo(), items[:1], tmp_path)
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}) + "\n")
    with pytest.raises(BenchHealthError, match="newer version"):
        ask(echo(), items[:1], tmp_path)


def test_a_full_disk_loses_nothing_and_says_so(items, tmp_path, monkeypatch):
    model = echo()
    ask(model, items[:6], tmp_path)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BenchHealthError, match="No space left on device.*BENCHHEALTH_RUNS"):
            ask(model, items, tmp_path)
    again = echo()
    assert len(ask(again, items, tmp_path)) == len(items)
    assert not set(again.asked) & {item.id for item in items[:6]}


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_answers_on_credentialed_sets_are_their_owners_alone(tmp_path):
    for key, open_to_others in (("mimic_cxr", False), ("medqa", True)):
        answer("majority", load(key, root=SAMPLES)[:2], store=tmp_path, progress=False)
        mode = next(tmp_path.rglob(f"{key}.jsonl")).stat().st_mode
        assert bool(mode & 0o044) is open_to_others
