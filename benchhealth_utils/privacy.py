"""Moved to `guard`; kept until its last caller is."""

from .guard import VARIABLE, check_may_send, is_credentialed  # noqa: F401
from .schema import BenchHealthError


def check_may_show(key: str) -> None:
    if is_credentialed(key):
        raise BenchHealthError(
            f"{key} is credentialed: its text is never shown in a notebook. Show "
            "identifiers, lengths and scores instead."
        )
