"""The page on which raters compare two replies; notebooks/rate.ipynb shows it.

It knows a study only through the session of the rater who is logged in: no key,
no codes, no file of another's. A choice is on disk before the page says "saved".
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable

from ipywidgets import HTML, Box, Button, HBox, Password, VBox

from ..schema import BenchHealthError
from . import rating_text as text
from .folder_study import open_study
from .rating_form import LINGER, CardForm, classed, later
from .sessions import CLOSED_NOTE

log = logging.getLogger(__name__)


def show(folder: str = "") -> Box:
    """The rating page of the study in `folder`, or in the one BENCHHEALTH_STUDY names.

    A study that cannot be opened gives a page that says so, without its path.
    """
    try:
        study = open_study(folder or os.environ.get("BENCHHEALTH_STUDY", ""))
    except (BenchHealthError, OSError):
        log.exception("the study cannot be opened")
        return Box([HTML(text.note(text.ABSENT, "failed"))])
    page = RatingPage(study)
    atexit.register(page.put_away)  # a browser may be closed while a comment waits
    return page.root


class RatingPage:
    """Log in, the cards one by one, a last page; `root` is what is shown.

    Parameters
    ----------
    study : Study
    """

    def __init__(self, study):
        self.study, self.session, self.form = study, None, None
        self.index, self.count, self.done = 0, 0, set()
        self.root = classed(VBox(), "rating")
        self.head, self.progress, self.texts, self.others = HTML(), HTML(), HTML(), HTML()
        self.status, self.end = classed(HTML(), "rating-status"), HTML()
        self.code = Password(description="Rater code", continuous_update=False)
        self.code.observe(self.enter, "value")
        fields = (*(criterion.key for criterion in study.criteria), "difficult", "comment")
        self.slots = {field: classed(HBox(), "rating-slot") for field in fields}
        self.views = self.lay_out()
        self.leave()

    def lay_out(self) -> dict[str, tuple]:
        """What stands below the heading: to log in, for a card, after the last one."""
        log_in = self.button("Log in", self.remind, "primary")
        self.back = self.button("Back", lambda: self.go(self.index - 1))
        forth = self.button("Next", lambda: self.go(self.index + 1), "primary")
        jump = self.button("First open card", lambda: self.go(self.session.first_open))
        out = self.button("Log out", self.leave)
        # unseen: the page's script presses it when the rater comes back to the page
        again = self.button("Show what is saved", self.refresh, "rating-refresh")
        rows = [
            classed(HBox([HTML(text.definition(item)), self.slots[item.key]]), "rating-row")
            for item in self.study.criteria
        ]
        card = (self.progress, self.texts, self.others, HTML(text.ASK), *rows)
        card += (self.slots["difficult"], self.slots["comment"])
        moves = classed(HBox([self.back, forth, jump, out]), "rating-buttons")
        last = classed(HBox([self.back, jump, out]), "rating-buttons")
        return {
            "log in": (HTML(text.WELCOME), self.code, log_in, self.status),
            "card": (again, *card, moves, self.status, HTML(text.KEYS)),
            "end": (again, self.progress, self.end, last, self.status),
        }

    def button(self, label: str, act: Callable[[], None], name: str = "plain") -> Button:
        """A button; what goes wrong behind it is for the server's log, not for the page."""

        def press(_):
            try:
                act()
            except Exception:
                log.exception("the button %s failed", label)
                self.say(text.TROUBLE, "failed")

        button = classed(Button(description=label), name)
        button.on_click(press)
        return button

    def say(self, words: str, kind: str = "note") -> None:
        """Show a line and have it read out; counted, since the same may be said twice."""
        self.count += 1
        self.status.value = text.note(words, kind, self.count)

    def show(self, view: str, heading: str) -> None:
        """Bring up a view; the heading comes last, since the browser goes there."""
        self.root.children = (self.head, *self.views[view])
        self.head.value = text.heading(heading)

    def leave(self) -> None:
        """Save what waits, forget the rater, and ask for a code."""
        self.put_away()
        self.session = None
        self.texts.value = self.others.value = ""
        self.say("")
        self.show("log in", self.study.title)

    def remind(self) -> None:
        """A code counts as soon as its field is left, so the button has little to do."""
        if not (self.session or self.status.value):
            self.say(text.NO_CODE, "failed")

    def enter(self, change) -> None:
        """Take a code, and go to the first open card of whose it is."""
        if not change.new:
            return
        self.code.value = ""  # kept neither here nor in the browser
        try:
            self.session = session = self.study.log_in(change.new)
            self.count_done()
            self.go(session.first_open)
        except Exception as error:
            said = text.told(error, text.TROUBLE)
            if said == text.TROUBLE:
                log.exception("nobody can log in")
            self.say(said, "failed")

    def put_away(self) -> None:
        """Save the comment of the card that is left, and forget its controls in a while."""
        form, self.form = self.form, None
        if form:
            form.flush()
            for slot in self.slots.values():
                slot.children = ()
            later(LINGER, form.close)

    def go(self, index: int) -> None:
        """Show a card of the rater's order, or the last page after them."""
        self.put_away()
        session, criteria = self.session, self.study.criteria
        cards, senior = session.cards, session.role == "senior"
        self.index = index = min(max(index, 0), len(cards))
        self.back.disabled = index == 0
        self.say(CLOSED_NOTE if session.closed else "")
        self.show_progress()
        if index == len(cards):
            self.show("end", "The end")
            return
        card = cards[index]
        self.texts.value = text.texts(card)
        self.others.value = text.others(session.others(card.id), criteria)
        self.form = form = CardForm(session, card, criteria, self.saved)
        for field, slot in self.slots.items():
            slot.children = [form.controls[field], form.marks[field]]
        self.slots["difficult"].layout.display = "none" if senior else None
        self.show("card", f"Card {index + 1} of {len(cards)}{' to settle' if senior else ''}")

    def count_done(self) -> None:
        """Take in which cards are complete, at once for all."""
        session = self.session
        self.done = {card.id for card in session.cards if session.complete(card.id)}

    def show_progress(self) -> None:
        """Say how far the rater is."""
        done, total = len(self.done), len(self.session.cards)
        self.progress.value, self.end.value = text.progress(done, total), text.end(done, total)

    def refresh(self) -> None:
        """Show what is on disk by now: the rater may have the study open twice."""
        if self.session:
            self.count_done()
            self.show_progress()
            if self.session.closed:
                self.say(CLOSED_NOTE)
        if self.form:
            self.form.refresh()

    def saved(self, card_id: str, said: str) -> None:
        """Say what was saved, and how far the rater is."""
        if self.session:
            (self.done.add if self.session.complete(card_id) else self.done.discard)(card_id)
            self.show_progress()
        self.say(f"Saved: {said}", "saved")
