"""Fetching the open data sets: pinned addresses, verified files.

``python -m benchhealth_utils download`` fills ``data/full/``. A file comes to
its place only whole and verified; what is already there and good is left alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import pooch
import requests

from .data import FULL
from .registry import DATASETS, dataset
from .schema import BenchHealthError, DataError, digest
from .tasks.files import members

RETRIES = 2
TIMEOUT = (10, 60)  # seconds: to connect, between two packets
HEADERS = {"Accept-Encoding": "identity"}  # the file's own bytes, not packed anew
ADVICE = (
    "Mend what is named (the connection? HTTPS_PROXY, REQUESTS_CA_BUNDLE? disk space? "
    "permissions?) and run the same command again; good files are not fetched twice. "
    "Or copy the data folder of another machine and name the copy with --mirror."
)


class DownloadError(BenchHealthError):
    """A file could not be had; ``outcomes`` is as `download` returns it."""

    def __init__(self, message, outcomes=()):
        super().__init__(message)
        self.outcomes = dict(outcomes)


def download(keys=None, *, mirror=None, folder=None) -> dict:
    """Fetch data sets into the layout that `load` reads; on a terminal a bar shows how far it is.

    Parameters
    ----------
    keys : sequence of str, optional
        Keys in ``DATASETS``; by default all. A credentialed set is never fetched:
        what to request, and where to put which file, is printed.
    mirror : str or path-like, optional
        Take the files from here: an http(s) or file address, or a folder, that
        holds ``<folder>/<name>`` as ``data/full/`` does.
    folder : path-like, optional
        Where the files go; by default ``data/full/``.

    Returns
    -------
    dict of str to str
        ``<folder>/<name>`` to ``fetched``, ``skipped`` (there and good),
        ``optional`` (may be added by hand) or ``by hand``.

    Raises
    ------
    DownloadError
        At the end, if a file ``failed``; all others are in place.
    BenchHealthError
        At once, for an unknown key or a mirror that is not there.
    """
    keys = [keys] if isinstance(keys, str) else keys
    specs = [dataset(key) for key in dict.fromkeys(keys or DATASETS)]
    folder = Path(folder or FULL).expanduser().resolve()
    base = mirror and _base(mirror)
    pooch.get_logger().setLevel("WARNING")
    print(f"Data folder: {folder}")
    outcomes, failures, dead = {}, {}, set()
    for spec, entry in [(each, entry) for each in specs for entry in each.files]:
        if entry is spec.files[0]:
            print(f"\n{spec.key} ({spec.name}, {spec.licence})")
            if spec.tier != "open":
                print(f"  Never fetched. {spec.request} Then put into {folder}:")
        name, note = f"{spec.folder}/{entry['name']}", entry.get("note", "")
        if spec.tier != "open":
            outcomes[name] = "by hand"
        elif "url" not in entry:
            outcomes[name] = "optional"
        else:
            url, note = f"{base}/{quote(name)}" if base else entry["url"], ""
            host = urlsplit(url).netloc
            try:
                outcomes[name] = _fetch(folder / name, entry, url, 0 if host in dead else RETRIES)
            except (BenchHealthError, OSError) as error:
                outcomes[name], failures[name] = "failed", error
                if isinstance(error, requests.ConnectionError):
                    dead.add(host)
        print(f"  {outcomes[name]:<8}  {name}{note and f': {note}'}")
    count = Counter(outcomes.values())
    print("\n" + ", ".join(f"{count[kind]} {kind}" for kind in sorted(count)))
    if failures:
        lines = [f"- {name}: {_cause(error)}" for name, error in failures.items()]
        raise DownloadError("\n".join([f"{len(failures)} files failed:", *lines, ADVICE]), outcomes)
    if Path(os.environ.get("BENCHHEALTH_DATA") or FULL).resolve() != folder:
        print(f"To use this folder: export BENCHHEALTH_DATA={folder}")
    return outcomes


def members_digest(path: Path) -> str:
    """SHA-256 over the text files of the HoC archive, however it is packed.

    Parameters
    ----------
    path : Path
        A zip file with one top folder of its own name, such as GitHub makes of a commit.

    Returns
    -------
    str
        ``schema.digest`` of the sorted pairs (member name, SHA-256 of its bytes)
        of all ``<top>/labels/*.txt`` and ``<top>/text/*.txt``.

    Raises
    ------
    DataError
        If it is not a whole zip file, or has no text file.
    """
    wanted = re.compile(r"[^/]+/(labels|text)/[^/]+")
    found = members(path, path.stem, ".txt").items()
    texts = ((name, data) for name, data in found if wanted.fullmatch(name))
    return digest([(name, hashlib.sha256(data).hexdigest()) for name, data in texts])


def _fault(path: Path, entry) -> str:
    """Why a file is not the registry's; empty if it is."""
    with path.open("rb") as stream:
        if re.match(rb"\s*<(!doctype )?html", stream.read(200), re.IGNORECASE):
            return "it is a web page (an error, a login, a proxy?), not the data."
    packed = "members_sha256" in entry
    try:
        found = members_digest(path) if packed else pooch.file_hash(str(path))
    except DataError as error:
        return f"it is {error.problem}"
    wanted = entry["members_sha256" if packed else "sha256"]
    what = "SHA-256 over its members" if packed else "SHA-256"
    return "" if found == wanted else f"its {what} is {found}, not {wanted}."


def _fetch(target: Path, entry, url: str, tries: int) -> str:
    """Bring one file to its place: fetched beside it, verified, then moved."""
    fault = _fault(target, entry) if target.exists() else None
    if fault == "":
        return "skipped"
    if fault:
        print(f"  {target} stays until a good file can replace it: {fault}")
    beside = next(parent for parent in target.parents if parent.is_dir())
    options = {"chunk_size": 2**14, "timeout": TIMEOUT, "headers": HEADERS}
    downloader = _Downloader(sys.stderr.isatty(), **options)
    # without a hash: verified below, as HoC has none of its file
    source = {"base_url": "", "registry": {target.name: None}, "urls": {target.name: url}}
    with TemporaryDirectory(prefix=".partial-", dir=beside) as partial:
        fetcher = pooch.create(partial, retry_if_failed=tries, **source)
        got = Path(fetcher.fetch(target.name, downloader=downloader))
        if fault := _fault(got, entry):
            raise DownloadError(f"what came from {url} was refused: {fault}")
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(got, target)
    return "fetched"


class _Downloader(pooch.HTTPDownloader):
    """Also from a folder."""

    def __call__(self, url, output_file, *rest):
        os.unlink(output_file)  # pooch made it readable by its owner alone
        if url.startswith("file:"):
            shutil.copyfile(_local(url), output_file)
            return
        super().__call__(url, output_file, *rest)


def _local(url: str) -> str:
    return url2pathname(url.removeprefix("file:"))


def _base(mirror) -> str:
    """A mirror as an address without a slash at its end."""
    url = str(mirror)
    if not re.match("(https?|file)://", url):
        url = Path(mirror).expanduser().resolve().as_uri()
    if url.startswith("file:") and not os.path.isdir(_local(url)):
        what = "neither an http(s) address nor a folder. Name the one that holds medqa/ and others."
        raise BenchHealthError(f"The mirror {mirror} is {what}")
    return url.rstrip("/")


def _cause(error: Exception) -> str:
    """The error at the root, without a password that an address may hold."""
    root = getattr((error.args or (error,))[0], "reason", error)
    return re.sub(r"//[^/\s]*@", "//", str(root))
