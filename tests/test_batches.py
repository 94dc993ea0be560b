"""Vendors' batches on a server that behaves like each of them."""

import json

import pytest
from batch_server import BatchServer
from conftest import cases
from fault_server import VENDORS, point_at

from benchhealth_utils import batches, cli, evaluate, frame, load
from benchhealth_utils.answers import Store, store_path
from benchhealth_utils.batches import fetch, status, submit
from benchhealth_utils.schema import BenchHealthError, ModelError

pytestmark = pytest.mark.filterwarnings("ignore:.*no price")
KEY = "a-key-of-the-tests-0123456789"


@pytest.fixture(autouse=True)
def priced(runs, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_PRICE", "1/2")


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


def served(monkeypatch, vendor, **options):
    server = BatchServer(**options)
    point_at(monkeypatch, vendor, server)
    return server


def posts(server):
    return [path for verb, path in server.paths if verb == "POST" and path.endswith("/batches")]


def stored(vendor, key="medqa"):
    return Store(store_path(f"{vendor}:model", key)).read()


def test_a_batch_is_planned_sent_looked_at_and_fetched(vendor, monkeypatch, runs, capsys):
    name, n = f"{vendor}:model", len(load("medqa"))
    with served(monkeypatch, vendor, states=["in_progress"] * 3) as server:
        sent = submit(name, ["medqa"])
        assert "The plan for a batch" in capsys.readouterr().out
        assert sent["prompts"].item() == n and sent["state"].item() == "sent"
        assert fetch(name).attrs["open"] == 1 and not stored(vendor)
        assert status(name)["state"].item() == "in_progress"
        with pytest.raises(BenchHealthError, match="medqa is open since .* Fetch it first"):
            submit(name, ["medqa"])
        status(name)
        found = fetch(name)
        assert (found["ok"].item(), found["missing"].item(), found.attrs["open"]) == (n, 0, 0)
        assert len(posts(server)) == 1 and fetch(name).empty and status(name).empty
        # the same model, asked one by one, has nothing left to ask
        (run,) = evaluate(name, "medqa", progress=False)
        assert run.complete and not any(path.endswith("completions") for _, path in server.paths)
        assert frame(run)["dollars"].item() == pytest.approx(n * (400 + 2 * 10) / 1e6 / 2)
    assert all(KEY not in path.read_text() for path in runs.rglob("*.json*"))


def test_what_failed_or_expired_is_sent_again_and_nothing_else(vendor, monkeypatch):
    name, n = f"{vendor}:model", len(load("medqa"))
    fates = {1: "error", 2: "expired", 3: "expired"}
    with served(monkeypatch, vendor, fate=lambda i, _: fates.get(i, "Answer: B")) as server:
        submit(name, ["medqa"])
        status(name)
        (row,) = fetch(name).to_dict("records")
        assert (row["ok"], row["error"], row["missing"]) == (n - 3, 3, 3)
        server.fate = lambda i, _: "Answer: C"
        assert submit(name, ["medqa"])["prompts"].item() == 3
        status(name)
        assert fetch(name)["missing"].item() == 0
        texts = [item.text for item in stored(vendor).values()]
        assert texts.count("Answer: C") == 3 and len(texts) == n
        assert submit(name, ["medqa"]).empty and len(posts(server)) == 2


@pytest.mark.parametrize("end", ["expired", "cancelled", "failed"])
def test_a_batch_that_ends_without_any_output_leaves_all_to_be_sent_again(end, monkeypatch):
    with served(monkeypatch, "openai", fate=lambda *_: "expired", end=end, states=[]) as server:
        submit("openai:model", ["gad"])
        found = fetch("openai:model")
        assert found["missing"].item() == found["prompts"].item() and not stored("openai", "gad")
        assert bool(found.attrs["failed"]) == (end == "failed")
        submit("openai:model", ["gad"])
        assert len(posts(server)) == 2


def test_a_batch_whose_sending_was_cut_is_found_and_not_paid_twice(vendor, monkeypatch):
    name = f"{vendor}:model"
    with served(monkeypatch, vendor, states=[]) as server:
        server.hang_up = True
        with pytest.raises(ModelError, match="Run again to go on") as caught:
            submit(name, ["gad"])
        assert KEY not in str(caught.value) and len(server.batches) == 1
        with pytest.raises(BenchHealthError, match="gad is open since"):
            submit(name, ["gad"])
        assert len(posts(server)) == 1 and fetch(name)["missing"].item() == 0


def test_a_batch_that_never_arrived_is_sent_again(vendor, monkeypatch):
    name = f"{vendor}:model"
    with served(monkeypatch, vendor, states=[]) as server:
        server.hang_up = True
        with pytest.raises(ModelError, match="Run again to go on"):
            submit(name, ["gad"])
        server.batches.clear()
        assert fetch(name).empty and submit(name, ["gad"])["state"].item() == "sent"
        assert len(server.batches) == 1


def test_a_fetch_after_a_crash_doubles_nothing(vendor, monkeypatch):
    name, save = f"{vendor}:model", batches._save
    with served(monkeypatch, vendor, states=[]):
        submit(name, ["gad"])

        def crash(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(batches, "_save", crash)
        with pytest.raises(KeyboardInterrupt):
            fetch(name)
        before = store_path(name, "gad").read_bytes()
        monkeypatch.setattr(batches, "_save", save)
        assert fetch(name)["missing"].item() == 0
        assert store_path(name, "gad").read_bytes() == before and fetch(name).empty


@pytest.mark.parametrize("options, said", cases("refused")["batches"])
def test_what_may_not_be_sent_is_not(options, said, monkeypatch):
    with served(monkeypatch, "openai") as server:
        if options.pop("remote", False):
            monkeypatch.setattr("benchhealth_utils.models.remote.on_this_machine", lambda _: False)
        if "price" in options:
            monkeypatch.setattr(
                "benchhealth_utils.models.remote.known_price", lambda *_, **__: (None, "")
            )
            options["budget"] = 5.0 if options.pop("price") == "" else None
        with pytest.raises(BenchHealthError, match=said):
            submit(options.pop("name", "openai:model"), options.pop("datasets", ["gad"]), **options)
        assert not server.paths


def test_the_vendors_words_come_without_the_key(vendor, monkeypatch):
    with served(monkeypatch, vendor) as server:
        submit(f"{vendor}:model", ["gad"])
        server.batches.clear()
        with pytest.raises(ModelError, match="No batch batch_0") as caught:
            fetch(f"{vendor}:model")
    assert KEY not in str(caught.value)


def test_the_verbs(monkeypatch, capsys):
    with served(monkeypatch, "openai", states=[]):
        assert cli.main(["batch", "submit", "openai:model", "--datasets", "gad"]) == 0
        said = capsys.readouterr().out
        assert "batch_0" in said and said.startswith("These are invented samples")
        assert cli.main(["batch", "status", "openai:model"]) == 0
        assert "completed" in capsys.readouterr().out
        assert cli.main(["batch", "fetch", "openai:model"]) == 0
        assert "missing" in capsys.readouterr().out
        assert cli.main(["batch", "fetch", "openai:model"]) == 0
        assert "No batch has ended" in capsys.readouterr().out
        assert cli.main(["batch", "submit", "openai:model", "--datasets", "gad"]) == 0
        assert "Nothing is left to send" in capsys.readouterr().out
        assert json.dumps(KEY) not in capsys.readouterr().out
