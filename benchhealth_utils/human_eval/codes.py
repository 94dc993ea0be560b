"""Codes that raters log in with: made, hashed, compared.

A code has 59 bits of chance. The study keeps salted scrypt hashes; the codes
themselves are in one file for handing out, which nothing here reads.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from time import sleep, time

from .folder import ATTEMPTS

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that look alike
LENGTH = 12
FREE = 4  # wrong codes in a window that cost no waiting
WINDOW = 600.0  # seconds
LONGEST = 5.0  # seconds to wait at most, so that nobody can lock the raters out


def new_code() -> str:
    """A code in groups of four, such as ``7KQ2-M9XA-H4TD``."""
    letters = [secrets.choice(LETTERS) for _ in range(LENGTH)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, LENGTH, 4))


def hashed(code: str, salt: str | None = None) -> dict[str, str]:
    """Salt and scrypt hash of a code, in hexadecimal."""
    salt = salt or secrets.token_hex(16)
    found = hashlib.scrypt(_letters(code), salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32)
    return {"salt": salt, "hash": found.hex()}


def owner(code: str, raters: list[dict]) -> dict | None:
    """The rater whose code it is; every rater is compared, whichever fits."""
    found = None
    for rater in raters:
        if hmac.compare_digest(hashed(code, rater["salt"])["hash"], rater["hash"]):
            found = rater
    return found


def _letters(code: str) -> bytes:
    """Capital letters and digits alone; what is longer than any code is cut."""
    kept = [x for x in code[:200].upper() if x.isalnum() and x.isascii()]
    return "".join(kept[: 2 * LENGTH]).encode()


def wait_after_failures(folder: Path) -> None:
    """Wait the longer, the more wrong codes were tried in the last ten minutes."""
    recent = _recent(folder / ATTEMPTS)
    if recent > FREE:
        sleep(min(2.0 ** (recent - FREE - 1), LONGEST))


def note_failure(folder: Path) -> None:
    """Remember a wrong code by its time; the code itself is not kept."""
    with suppress(OSError), (folder / ATTEMPTS).open("a", encoding="ascii") as stream:
        stream.write(f"{time():.3f}\n")


def _recent(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 1024))
            lines = stream.read().split(b"\n")
    except FileNotFoundError:
        return 0
    now, count = time(), 0
    for line in lines:
        try:
            count += -1 <= now - float(line) <= WINDOW  # times are kept rounded
        except ValueError:
            continue
    return count
