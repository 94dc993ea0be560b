"""What every test runs in: no network, no data folder but the one it asks for."""

from __future__ import annotations

import gc
import gzip
import ipaddress
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import settings

from benchhealth_utils.registry import DATASETS
from benchhealth_utils.schema import ROOT

# What the user named, kept under another name for the processes that tests run in.
_NAMED = os.environ.setdefault("BENCHHEALTH_TEST_DATA", os.environ.get("BENCHHEALTH_DATA", ""))
REAL = Path(_NAMED).expanduser().resolve() if _NAMED else None
SAMPLES = ROOT / "data" / "samples"
sys.path.append(str(ROOT / "tools"))  # which tests import by their names
os.environ["BENCHHEALTH_DATA"] = str(SAMPLES)  # before any fixture, for child processes too


# The same cases on every machine and in every run, and no example database.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, max_examples=60
)
settings.load_profile("repeatable")


@cache
def cases(name: str):
    """A table of ``tests/cases``."""
    text = (Path(__file__).parent / "cases" / f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:  # half a surrogate pair, which the quick parser refuses
        return yaml.safe_load(text)


def taken(value):
    """A value of such a table: lists are sets, a list in a list a pair."""
    if not isinstance(value, list):
        return value
    return frozenset(tuple(each) if isinstance(each, list) else each for each in value)


class NetworkRefused(RuntimeError):
    """A test tried to leave this machine."""


def _is_local(host) -> bool:
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(address) -> None:
    """Addresses of other families than IP are strings: a socket in a file."""
    if isinstance(address, tuple) and not _is_local(address[0]):
        raise NetworkRefused(f"tests use no network; this one asked for {address}")


# The files that take longest come first, so that no process is left with one of them at the end.
LONGEST = (
    "notebooks readings models remote serve cli weights human_analysis staging secrets".split()
)


def pytest_collection_modifyitems(items):
    place = {f"test_{name}": at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
    gc.freeze()  # thousands of tests are no garbage: not to be gone through again and again


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every connection, datagram and name that is not of this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    sendto, getaddrinfo = socket.socket.sendto, socket.getaddrinfo

    def guarded_connect(self, address):
        _check(address)
        return connect(self, address)

    def guarded_connect_ex(self, address):
        _check(address)
        return connect_ex(self, address)

    def guarded_sendto(self, data, *flags_and_address):
        _check(flags_and_address[-1])
        return sendto(self, data, *flags_and_address)

    def guarded_getaddrinfo(host, port, *args, **kwargs):
        _check((host, port))
        return getaddrinfo(host, port, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket.socket, "sendto", guarded_sendto)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch):
    """Everything runs on the samples; a test of the real data asks for `real_data`."""
    monkeypatch.setenv("BENCHHEALTH_DATA", str(SAMPLES))


@pytest.fixture(scope="session", autouse=True)
def no_published_result():
    """No test writes where published results are kept."""

    def published():
        return {p: p.read_bytes() for p in (ROOT / "data" / "results").rglob("*.json")}

    before = published()
    yield
    assert published() == before


@pytest.fixture(scope="session")
def samples() -> Path:
    """The synthetic sets that come with the project."""
    return SAMPLES


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of official files that BENCHHEALTH_DATA names."""
    if REAL is None:
        pytest.skip("BENCHHEALTH_DATA is not set: no official data to test")
    if not REAL.is_dir():
        pytest.fail(f"BENCHHEALTH_DATA names {_NAMED}, which is not a folder")
    return REAL


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder in which results and answers of a test are kept."""
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def child():
    """Start work in a process of its own that a test can strike; it knows what the test knows."""
    started = []

    def struck(work, given):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
        with suppress(KeyboardInterrupt):
            os._exit(bool(work(*given)))
        os._exit(130)

    def start(work, *given):
        started.append(get_context("fork").Process(target=struck, args=(work, given)))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join()


@pytest.fixture
def fresh(samples, tmp_path):
    """Copy one sample set, with the lists of splits, to a folder of its own."""

    def copy(key: str) -> Path:
        folder = DATASETS[key].folder
        shutil.copytree(samples / folder, tmp_path / "data" / folder)
        shutil.copytree(samples / "splits", tmp_path / "data" / "splits")
        return tmp_path / "data"

    return copy


@pytest.fixture(scope="session")
def simulated():
    """Votes, marks and cards of one simulated study of 40 questions and three models."""
    golden = Path(__file__).parent / "golden"
    wide, cards = (pd.read_csv(golden / f"human_{name}.csv") for name in ("votes", "cards"))
    about = ["rater", "card", "role"]
    votes = wide.drop(columns="difficult").melt(about, var_name="criterion", value_name="verdict")
    return votes, wide[[*about, "difficult"]], cards.assign(equal=False, flags=[()] * len(cards))


@pytest.fixture
def department(tmp_path):
    """Writes reports as MIMIC-CXR has them, some a patient; gives the folder."""

    def write(*reports, per_patient=1, images=1):
        rows = ["dicom_id,study_id,subject_id,split"]
        for number, (split, text) in enumerate(reports):
            study, subject = 50000000 + number, 10000000 + 100000 * (number // per_patient)
            rows += [f"{study}-{image},{study},{subject},{split}" for image in range(images)]
            path = tmp_path / f"mimic_cxr/files/p{str(subject)[:2]}/p{subject}/s{study}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        listed = tmp_path / "mimic_cxr" / "mimic-cxr-2.0.0-split.csv.gz"
        listed.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode()))
        return tmp_path

    return write
