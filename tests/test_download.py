"""The downloader, against a real server on this machine; no outside network."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import struct
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fault_server import Loopback

from benchhealth_utils import download
from benchhealth_utils.download import DownloadError, members_digest
from benchhealth_utils.registry import DATASETS, Dataset
from benchhealth_utils.schema import DataError

GOOD = b"sentence\tlabel\n" * 20_000
OTHER = b"another file\n" * 1_000
WRONG = GOOD.replace(b"label", b"lable")
TOP = "Hallmarks-of-Cancer-0123abc"
HOC = {
    f"{TOP}/labels/1.txt": b"<Inducing angiogenesis",
    f"{TOP}/labels/2.txt": b"<NULL",
    f"{TOP}/text/1.txt": b"VEGF rose.",
    f"{TOP}/text/2.txt": b"Nothing of note.",
}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Plays what the test has put under a path: a function of this handler."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = urlsplit(self.path).path
        self.server.requests.append(path)
        self.server.headers_seen.append(dict(self.headers))
        plays = self.server.plays.get(path, [status(404)])
        play = plays.pop(0) if len(plays) > 1 else plays[0]
        try:
            play(self)
        except OSError:  # the client has gone
            self.close_connection = True

    def head(self, code=200, **headers):
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_):
        pass


def body(data):
    def play(handler):
        handler.head(Content_Length=len(data))
        handler.wfile.write(data)

    return play


def status(code, data=b"no"):
    def play(handler):
        handler.head(code, Content_Length=len(data))
        handler.wfile.write(data)

    return play


def cut(data, sent, how):
    """Send only a part, then end, reset, or end without ever naming a length."""

    def play(handler):
        if how == "chunked":
            handler.head(Transfer_Encoding="chunked")
            handler.wfile.write(b"%x\r\n%b\r\n" % (sent, data[:sent]))
        elif how == "unknown length":
            handler.head(Connection="close")
            handler.wfile.write(data[:sent])
        else:
            handler.head(Content_Length=len(data))
            handler.wfile.write(data[:sent])
        handler.wfile.flush()
        handler.close_connection = True
        if how == "reset":
            time_out_at_once = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, time_out_at_once)
            handler.connection.close()

    return play


@pytest.fixture
def server(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Loopback(Handler) as served:
        served.requests, served.headers_seen, served.plays = [], [], {}
        served.url = served.address
        yield served


@pytest.fixture
def naps(monkeypatch):
    """The pauses between attempts, counted and not slept."""
    seen = []
    monkeypatch.setattr("pooch.core.time.sleep", seen.append)
    return seen


def entry(name, data, url=None, **more):
    row = {"name": name, "role": "test", "sha256": sha256(data), **more}
    return row | ({"url": url} if url else {})


def data_set(key, *files, tier="open", request=""):
    words = dict.fromkeys(("name", "task", "domain", "metric", "licence", "reference"), key)
    return Dataset(
        key=key, scenario="reasoning", size=1, tier=tier, reader="gad", folder=f"{key}_folder",
        split="", files=files, request=request, **words,
    )  # fmt: skip


@pytest.fixture
def registry():
    before = dict(DATASETS)

    def put(*specs):
        DATASETS.clear()
        DATASETS.update({spec.key: spec for spec in specs})

    yield put
    put(*before.values())


@pytest.fixture
def two(server, registry):
    """A registry of two sets: one file each, in a folder and in a subfolder."""
    server.plays = {"/pinned/a.tsv": [body(GOOD)], "/pinned/b.tsv": [body(OTHER)]}
    specs = (
        data_set("one", entry("a.tsv", GOOD, f"{server.url}/pinned/a.tsv")),
        data_set("two", entry("test/b.tsv", OTHER, f"{server.url}/pinned/b.tsv")),
    )
    registry(*specs)
    return specs


A, B = "one_folder/a.tsv", "two_folder/test/b.tsv"


def tree(folder: Path) -> set[str]:
    """Everything under a folder, hidden or not, folders too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


WHOLE = {"one_folder", A, "two_folder", "two_folder/test", B}


def test_good_files_come_to_their_place(two, server, tmp_path, capsys):
    assert download.download(folder=tmp_path) == {A: "fetched", B: "fetched"}
    assert (tmp_path / A).read_bytes() == GOOD
    assert (tmp_path / B).read_bytes() == OTHER
    assert tree(tmp_path) == WHOLE
    assert "2 fetched" in capsys.readouterr().out
    assert [head["Accept-Encoding"] for head in server.headers_seen] == ["identity"] * 2


def test_second_run_skips_by_hash_and_asks_nobody(two, server, tmp_path, capsys):
    download.download(folder=tmp_path)
    before, asked = (tmp_path / A).stat(), list(server.requests)
    assert download.download(folder=tmp_path) == {A: "skipped", B: "skipped"}
    assert server.requests == asked
    after = (tmp_path / A).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "skipped   one_folder/a.tsv" in capsys.readouterr().out


def test_the_proxy_of_the_environment_is_used(server, registry, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("http_proxy", server.url)
    server.plays["/x/a.tsv"] = [body(GOOD)]
    registry(data_set("one", entry("a.tsv", GOOD, "http://data.invalid/x/a.tsv")))
    assert download.download(folder=tmp_path) == {A: "fetched"}


def failing(*keys, **options) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        download.download(keys, **options)
    return caught.value


@pytest.mark.parametrize(
    ("sent", "said"),
    [(WRONG, sha256(WRONG)), (GOOD[:-1], "SHA-256"), (GOOD + b"\n", "SHA-256"),
     (b"", "SHA-256"), (b"\n<!DOCTYPE html><p>Log in", "web page")],
    ids=["changed", "short", "long", "empty", "web page"],
)  # fmt: skip
def test_wrong_bytes_are_refused_and_leave_nothing(sent, said, two, server, tmp_path, naps):
    server.plays["/pinned/a.tsv"] = [body(sent)]
    error = failing(folder=tmp_path)
    assert error.outcomes == {A: "failed", B: "fetched"}
    assert A in str(error) and said in str(error) and "--mirror" in str(error)
    assert tree(tmp_path) == {"two_folder", "two_folder/test", B}
    assert server.requests.count("/pinned/a.tsv") == 1 and not naps


def test_retries_are_bounded(two, server, tmp_path, naps):
    server.plays["/pinned/a.tsv"] = [status(503)]
    error = str(failing("one", folder=tmp_path))
    assert "503" in error and f"{server.url}/pinned/a.tsv" in error
    assert len(server.requests) == 1 + download.RETRIES


@pytest.mark.parametrize("how", ["short", "reset", "chunked"])
def test_a_connection_cut_is_tried_again(how, two, server, tmp_path, naps):
    broken = cut(GOOD, 100_000, how)
    server.plays["/pinned/a.tsv"] = [broken, body(GOOD)]
    assert download.download("one", folder=tmp_path) == {A: "fetched"}
    assert (tmp_path / A).read_bytes() == GOOD and len(naps) == 1
    old = tmp_path / "other" / A
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    server.plays["/pinned/a.tsv"], server.requests[:] = [broken], []
    error = failing(folder=tmp_path / "other")
    assert error.outcomes == {A: "failed", B: "fetched"}
    assert server.requests.count("/pinned/a.tsv") == 1 + download.RETRIES
    assert old.read_bytes() == b"old"
    assert tree(tmp_path / "other") == WHOLE


def test_a_host_that_cannot_be_reached_is_not_waited_for_twice(registry, server, tmp_path, naps):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
        files = [entry(f"{i}.tsv", GOOD, f"{dead}/{i}.tsv") for i in range(4)]
        server.plays["/a.tsv"] = [body(GOOD)]
        live = entry("a.tsv", GOOD, f"{server.url}/a.tsv")
        registry(data_set("one", *files, live))
        error = failing(folder=tmp_path)
    assert list(error.outcomes.values()) == ["failed"] * 4 + ["fetched"]
    assert "refused" in str(error) and "HTTPS_PROXY" in str(error)
    assert len(naps) == download.RETRIES


def test_a_password_in_an_address_is_not_shown(two, server, tmp_path, capsys, naps):
    address = server.url.replace("//", "//user:pa@ss-word@")
    error = failing(mirror=address, folder=tmp_path)
    server.plays[f"/{A}"] = [body(WRONG)]
    refused = failing("one", mirror=address, folder=tmp_path)
    shown = f"{error}{refused}{capsys.readouterr()}"
    assert "404" in shown and "refused" in shown and "-word" not in shown


def fetch(folder):
    download.download(folder=folder)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_goes_on_where_it_was(how, two, server, tmp_path, child):
    half, killed = threading.Event(), threading.Event()

    def stall(handler):
        handler.head(Content_Length=len(OTHER))
        handler.wfile.write(OTHER[:5_000])
        half.set()
        killed.wait(20)

    server.plays["/pinned/b.tsv"] = [stall, body(OTHER)]
    process = child(fetch, tmp_path)
    assert half.wait(20)
    time.sleep(0.2)  # the first half is being written
    os.kill(process.pid, how)
    process.join(20)
    killed.set()
    assert process.exitcode == (130 if how == signal.SIGINT else -how)
    assert (tmp_path / A).read_bytes() == GOOD
    assert not (tmp_path / B).exists()
    if how == signal.SIGINT:
        assert tree(tmp_path) == {"one_folder", A}
    assert download.download(folder=tmp_path) == {A: "skipped", B: "fetched"}
    assert server.requests.count("/pinned/a.tsv") == 1


def test_two_processes_at_once(two, server, tmp_path, child):
    """Both are in the middle of the same file at the same time."""
    both = threading.Barrier(2)

    def slow(data):
        def play(handler):
            handler.head(Content_Length=len(data))
            handler.wfile.write(data[: len(data) // 2])
            both.wait(20)
            handler.wfile.write(data[len(data) // 2 :])

        return play

    server.plays["/pinned/a.tsv"] = [slow(GOOD)]
    (tmp_path / A).parent.mkdir()
    (tmp_path / A).write_bytes(b"old")
    for process in [child(fetch, tmp_path) for _ in range(2)]:
        process.join(30)
        assert process.exitcode == 0
    assert server.requests.count("/pinned/a.tsv") == 2
    assert (tmp_path / A).read_bytes() == GOOD
    assert (tmp_path / B).read_bytes() == OTHER
    assert tree(tmp_path) == WHOLE


@pytest.mark.parametrize("form", ["path", "text", "file address"])
def test_a_folder_as_mirror(form, two, server, tmp_path):
    mirror = tmp_path / "a mirror, 100%"
    for name, data in ((A, GOOD), (B, OTHER)):
        (mirror / name).parent.mkdir(parents=True)
        (mirror / name).write_bytes(data)
    forms = {"path": mirror, "text": f"{mirror}/", "file address": mirror.as_uri()}
    found = download.download(mirror=forms[form], folder=tmp_path / "to")
    assert found == {A: "fetched", B: "fetched"}
    assert (tmp_path / "to" / A).read_bytes() == GOOD
    assert (mirror / A).read_bytes() == GOOD
    assert tree(tmp_path / "to") == WHOLE and not server.requests
    (mirror / A).write_bytes(WRONG)
    (mirror / B).unlink()
    error = failing(mirror=forms[form], folder=tmp_path / "again")
    assert error.outcomes == {A: "failed", B: "failed"}
    assert sha256(WRONG) in str(error) and str(mirror / B) in str(error)
    assert tree(tmp_path) & {"again"} == set()


def pack(path, members, compression=zipfile.ZIP_DEFLATED, year=2024, comment=b""):
    with zipfile.ZipFile(path, "w", compression) as packed:
        packed.comment = comment
        for name, data in members:
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.compress_type = compression
            packed.writestr(info, data)
    return path


def hoc_digest() -> str:
    rows = [[name, sha256(HOC[name])] for name in sorted(HOC)]
    return sha256(json.dumps(rows).encode())


@pytest.mark.parametrize(
    ("members", "options"),
    [
        (dict(reversed(HOC.items())), {"compression": zipfile.ZIP_BZIP2}),
        (HOC, {"compression": zipfile.ZIP_STORED, "year": 1999, "comment": b"0123abc"}),
        (HOC | {f"{TOP}/README.md": b"#", f"{TOP}/LICENSE": b"GPL", f"{TOP}/": b"",
                f"{TOP}/text/.gitattributes": b"*", f"{TOP}/code/x.txt": b"x"}, {}),
    ],
    ids=["other order", "other time, commented", "with other files"],
)  # fmt: skip
def test_hoc_is_the_same_however_packed(members, options, tmp_path):
    path = pack(tmp_path / f"{TOP}.zip", members.items(), **options)
    assert members_digest(path) == hoc_digest()


def test_a_damaged_zip_is_named_as_such(tmp_path):
    path = tmp_path / f"{TOP}.zip"
    whole = pack(path, HOC.items(), zipfile.ZIP_STORED).read_bytes()
    for data in (whole[:-9], whole.replace(b"VEGF", b"WEGF"), b"PK\x03\x04", b""):
        path.write_bytes(data)
        with pytest.raises(DataError, match="not a whole archive"):
            members_digest(path)
    pack(path, [(f"{TOP}/README.md", b"#")])
    with pytest.raises(DataError, match="no .txt file under"):
        members_digest(path)


def test_optional_files(server, registry, tmp_path, capsys):
    server.plays = {"/a.tsv": [body(GOOD)]}
    own = {"name": "c.tsv", "role": "optional", "note": "from the release"}
    registry(data_set("one", entry("a.tsv", GOOD, f"{server.url}/a.tsv"), own))
    found = download.download(folder=tmp_path)
    assert list(found.values()) == ["fetched", "optional"]
    assert "one_folder/c.tsv: from the release" in capsys.readouterr().out


def test_credentialed_sets_are_never_fetched(two, server, registry, tmp_path, capsys):
    locked = data_set(
        "mimic",
        entry("notes.csv.gz", GOOD, f"{server.url}/pinned/a.tsv", note="from 1.4"),
        tier="credentialed",
        request="Sign the agreement.",
    )
    registry(locked, *two)
    mirror = tmp_path / "mirror"
    for name, data in ((A, GOOD), (B, OTHER), ("mimic_folder/notes.csv.gz", GOOD)):
        (mirror / name).parent.mkdir(parents=True)
        (mirror / name).write_bytes(data)
    for options in ({}, {"mirror": mirror}):
        found = download.download(folder=tmp_path / "to", **options)
        assert found.pop("mimic_folder/notes.csv.gz") == "by hand"
        assert set(found.values()) <= {"fetched", "skipped"} and len(found) == 2
        out = capsys.readouterr().out
        assert "Sign the agreement." in out and f"put into {tmp_path / 'to'}:" in out
        assert "mimic_folder/notes.csv.gz: from 1.4" in out
    assert tree(tmp_path / "to") == WHOLE
    assert len(server.requests) == 2
