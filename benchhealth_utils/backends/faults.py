"""What can go wrong on the way to a remote model, in three kinds."""

from __future__ import annotations

from collections.abc import Mapping

from ..schema import ModelError

LIMITS = ("429", "503", "529", "time-out")  # the server has more than it can do


class Passing(Exception):
    """May pass: asked again, a bounded number of times.

    Parameters
    ----------
    kind : str
        A word for the count of faults, such as ``429`` or ``time-out``.
    pause : float, optional
        Seconds that the server asks to wait.
    usage : Mapping, optional
        What may have been billed all the same: the server's count of tokens,
        empty if it is not known, None if nothing was billed.
    """

    def __init__(self, kind: str, pause: float | None = None, usage: Mapping | None = None):
        super().__init__(kind)
        self.kind, self.pause, self.usage = kind, pause, usage

    @property
    def is_limit(self) -> bool:
        """Whether fewer requests at once would help."""
        return self.kind in LIMITS


class Final(Exception):
    """Belongs to this request: it is not asked again.

    Parameters
    ----------
    status : str
        Of the answer: ``refused``, ``truncated`` or ``error``.
    detail : str
    usage : Mapping, optional
        As for `Passing`.
    """

    def __init__(self, status: str, detail: str, usage: Mapping | None = None):
        super().__init__(detail)
        self.status, self.detail, self.usage = status, detail, usage


class Stopped(ModelError):
    """Belongs to the run: nothing more is asked. What was answered is stored."""
