"""The controls of one card on the rating page, and how they are saved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from ipywidgets import HTML, Checkbox, RadioButtons, Textarea

from . import rating_text as text
from .folder import plain
from .ratings import LONGEST_COMMENT

PAUSE = 0.7  # seconds without a key, after which a comment is saved
LINGER = 60.0  # seconds in which the last keys of a card that was left may still arrive
log = logging.getLogger(__name__)


def later(seconds: float, act: Callable[[], None]):
    """Do something after a while, in a kernel; elsewhere at once, and return None."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        act()
        return None
    return loop.call_later(seconds, act)


def classed(widget, name: str):
    """The widget, with a class for the style sheet."""
    return widget.add_class(name)


class CardForm:
    """The controls of one card, bound to it: a late message cannot reach another card.

    After each save, and whenever `refresh` is called, they show what is on disk: the
    rater may have the same card open a second time.

    Parameters
    ----------
    session : Session
        Of the rater who is logged in.
    card : Card
        One of the session's cards.
    criteria : sequence of Criterion
        One row of choices for each.
    saved : callable
        Called with the card's id and what was saved, in words, after each write.

    Attributes
    ----------
    controls, marks : dict
        By field: what the rater uses, and what says beside it how much is on disk.
    """

    def __init__(self, session, card, criteria, saved: Callable[[str, str], None]):
        self.session, self.card, self.saved = session, card, saved
        self.names = {criterion.key: criterion.name for criterion in criteria}
        self.timer, self.pause = None, PAUSE
        self.known = known = session.judgement(card.id)
        self.controls = {
            key: RadioButtons(options=text.OPTIONS, value=known.choices.get(key), description=name)
            for key, name in self.names.items()
        }
        self.controls["difficult"] = Checkbox(
            value=known.difficult, description=text.DIFFICULT, indent=False
        )
        self.controls["comment"] = Textarea(known.comment, description=text.COMMENT, rows=2)
        self.marks = {field: classed(HTML(), "rating-mark") for field in self.controls}
        for field, control in self.controls.items():
            self.marks[field].value = text.mark(field, known)
            control.observe(partial(self.changed, field), "value")

    def changed(self, field: str, change) -> None:
        """Save what was chosen, ticked or typed."""
        card, new = self.card.id, change.new
        if field == "comment":
            if self.timer:
                self.timer.cancel()
                self.timer = None
            if new == self.known.comment:
                self.marks[field].value = text.mark(field, self.known)
            else:
                self.marks[field].value = text.note(text.WAITING, "open")
                self.timer = later(self.pause, self.write_comment)
        elif field == "difficult" and new != self.known.difficult:
            said = "difficult" if new else "not difficult"
            self.save(field, said, lambda: self.session.mark_difficult(card, new))
        elif field in self.names and new != self.known.choices.get(field):
            said = f"{self.names[field]}, {text.LABELS[new]}"
            self.save(field, said, lambda: self.session.choose(card, field, new))

    def write_comment(self) -> None:
        """Save the comment as it stands."""
        self.timer, words = None, self.controls["comment"].value
        if len(words) > LONGEST_COMMENT:
            self.marks["comment"].value = text.note(text.TOO_LONG, "failed")
        else:
            self.save("comment", "comment", lambda: self.session.comment(self.card.id, words))

    def save(self, field: str, said: str, write: Callable[[], None]) -> None:
        """Write, then say so. A choice that could not be saved is taken back."""
        try:
            write()
            self.refresh(field)
        except Exception as error:
            told = text.told(error, text.FAILED)
            if told == text.FAILED:
                log.exception("a judgement was not saved")
            self.show_known(field)
            self.marks[field].value = text.note(told, "failed")
            return
        self.saved(self.card.id, said)

    def refresh(self, saved: str = "") -> None:
        """Show what is on disk by now, whoever wrote it; `saved` was just written here."""
        before, self.known = self.known, self.session.judgement(self.card.id)
        for field, control in self.controls.items():
            if field == "comment" and field != saved:
                if plain(control.value).strip() != before.comment:
                    continue  # typed here and not saved yet: the mark says so
                if before.comment != self.known.comment:
                    control.value = self.known.comment
            self.show_known(field)
            self.marks[field].value = text.mark(field, self.known)
        if saved in self.names:  # what came from the browser is not told to it by itself
            self.controls[saved].send_state("index")

    def show_known(self, field: str) -> None:
        """Set a choice or the box to what is on disk; a comment stays as it was typed."""
        if field in self.names:
            self.controls[field].value = self.known.choices.get(field)
        elif field == "difficult":
            self.controls[field].value = self.known.difficult

    def flush(self) -> None:
        """Save a comment that still waits, and from now on every key at once."""
        self.pause = 0
        if self.timer:
            self.timer.cancel()
            self.write_comment()

    def close(self) -> None:
        """Forget the controls, here and in the browser."""
        self.flush()
        for widget in (*self.controls.values(), *self.marks.values()):
            for part in (widget, widget.layout, widget.style):
                part.close()
