"""Two workers on one machine, one of them killed: nothing lost, nothing doubled, all equal."""

import os
import signal
import threading
import time

import pytest
from fault_server import FaultServer, point_at

from benchhealth_utils import load
from benchhealth_utils.answers import Store, answer, store_path
from benchhealth_utils.cluster import on_ray, on_slurm
from benchhealth_utils.schema import BenchHealthError

pytestmark = pytest.mark.usefixtures("runs")


def lines(path):
    return sorted(path.read_bytes().splitlines())


def answered(path):
    return {item.key: item.text for item in Store(path).read().values()}


@pytest.mark.slow
def test_a_worker_of_ray_that_is_killed_loses_and_doubles_nothing(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    psutil = pytest.importorskip("psutil")
    with FaultServer(delay=0.2, answer=lambda _: "Answer: B") as server:
        point_at(monkeypatch, "openai", server)
        answer("openai:model", load("medqa"), store=tmp_path / "whole", progress=False)
        before, killed = len(server.bodies), []

        def kill_one():
            """As soon as some, and not all, has been asked."""
            while len(server.bodies) < before + 6:
                time.sleep(0.02)
            ours = psutil.Process().children(recursive=True)
            victims = [p for p in ours if "ray::Worker" in " ".join(p.cmdline())]
            os.kill(victims[0].pid, signal.SIGKILL)
            killed.append(victims[0].pid)

        thread = threading.Thread(target=kill_one, daemon=True)
        thread.start()
        found = on_ray("openai:model", ["medqa"], workers=2)
        thread.join(10)
        n, asked = len(load("medqa")), len(server.bodies)
        assert killed and found["died"].item() == 1
        assert found["answers"].item() == n and found["errors"].item() == 0
        merged, single = store_path("openai:model", "medqa"), tmp_path / "whole"
        assert answered(merged) == answered(store_path("openai:model", "medqa", single))
        assert len(lines(merged)) == n
        # the store is the checkpoint
        assert on_ray("openai:model", ["medqa"], workers=1)["answers"].item() == 0
        assert len(server.bodies) == asked


@pytest.mark.slow
def test_an_array_of_slurm_writes_what_one_machine_does(tmp_path):
    pytest.importorskip("submitit")
    for key in ("gad", "medqa"):
        answer("majority", load(key), store=tmp_path / "whole", progress=False)
    found = on_slurm("majority", ["gad", "medqa"], 2, {"cluster": "local", "timeout_min": 5})
    assert found["new"].sum() == found["answers"].sum()
    for key in ("gad", "medqa"):
        single = store_path("majority", key, tmp_path / "whole")
        assert lines(store_path("majority", key)) == lines(single)


def test_without_the_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(BenchHealthError, match=r"pip install -e '.\[ray\]'"):
        on_ray("majority", ["gad"])
    with pytest.raises(BenchHealthError, match=r"pip install -e '.\[slurm\]'"):
        on_slurm("majority", ["gad"], 2)


def test_what_costs_money_is_asked_by_one_process(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", type(os)("ray"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("BENCHHEALTH_PRICE", "1/2")
    with pytest.raises(BenchHealthError, match="one budget cannot be kept"):
        on_ray("openai:model", ["gad"])
