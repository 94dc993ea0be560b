"""Moved to `guard`; kept until its last caller is."""

from .guard import BLOT, check_no_secret, has_secret, scrubbed  # noqa: F401
