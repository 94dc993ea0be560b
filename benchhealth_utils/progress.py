"""How far a run is: visible while it runs, one line when it is over.

On a terminal it is a bar that goes away. In a notebook it is one line that is
updated in place. A notebook that papermill runs has no terminal of its own; if
``BENCHHEALTH_TERMINAL`` names one, as `make` does, the bar is drawn there.
"""

from __future__ import annotations

import os
import sys

from tqdm import tqdm


class Progress:
    """Context manager that counts answers.

    Parameters
    ----------
    title : str
    total, done : int
        Items in all, and those that were there before.
    shown : bool
    """

    def __init__(self, title: str, total: int, done: int = 0, shown: bool = True):
        self.title, self.total, self.stored, self.shown = title, total, done, shown
        self.asked = 0
        self.line = self.bar = self.terminal = None

    def __enter__(self):
        if not self.shown:
            return self
        if in_notebook():
            from IPython.display import display

            self.line = display(self._text(), raw=True, display_id=True)
            self.terminal = _terminal()
        stream = self.terminal or sys.stderr
        if self.terminal or self.line is None:
            self.bar = tqdm(
                total=self.total,
                initial=self.stored,
                desc=self.title,
                unit="item",
                file=stream,
                leave=False,
                disable=None,
            )
        return self

    def advance(self, items: int) -> None:
        """Count items that have just been stored."""
        self.asked += items
        if self.bar is not None:
            self.bar.update(items)
        if self.line is not None:
            self.line.update(self._text(), raw=True)

    def __exit__(self, *exception):
        if self.bar is not None:
            self.bar.close()
        if self.terminal is not None:
            self.terminal.close()

    def _text(self) -> dict[str, str]:
        stored = f", {self.stored} of them from the store" if self.stored else ""
        text = f"{self.title}: {self.stored + self.asked} of {self.total} answers{stored}."
        return {"text/plain": text}


def in_notebook() -> bool:
    """Whether code runs in a notebook's kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def _terminal():
    named = os.environ.get("BENCHHEALTH_TERMINAL")
    try:
        return open(named, "w", encoding="utf-8") if named else None
    except OSError:
        return None
