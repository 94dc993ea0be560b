"""What one rater may see and do, after logging in."""

from __future__ import annotations

from .adjudication import due, held
from .folder import StudyError
from .ratings import Judgement

CLOSED_NOTE = "The study is closed: nothing can be changed any more. Ask whoever organises it."


class Session:
    """A rater at work; made by `Study.log_in`.

    It knows the rater's own cards and writes the rater's own file. Several
    sessions of one rater may be open at once: each sees what the others wrote,
    and the last verdict counts. While the study is closed everything can be read and
    nothing written.

    Attributes
    ----------
    rater : str
    role : {"rater", "senior"}
    cards : tuple of Card
        In this rater's order; the senior's are those to settle when logging in,
        and those settled already.
    """

    def __init__(self, study, rater: str, role: str):
        self.study, self.rater, self.role = study, rater, role
        self._ratings = study.ratings(rater)
        self.cards = study.cards_of(rater)
        if role == "senior":
            begun = set(self._ratings.judgements())
            wanted = due(study) | begun
            self.cards = tuple(card for card in self.cards if card.id in wanted)
        self._known = {card.id for card in self.cards}

    def judgement(self, card_id: str) -> Judgement:
        """What this rater has said of a card so far."""
        return self._ratings.judgement(self._own(card_id))

    def choose(self, card_id: str, criterion: str, choice: str) -> None:
        """Keep a verdict; it is on disk when this returns.

        Raises
        ------
        StudyError
            If the card is not this rater's, there is no such criterion or choice, or
            the study is closed.
        """
        if criterion not in {item.key for item in self.study.criteria}:
            known = ", ".join(item.key for item in self.study.criteria)
            raise StudyError(f"There is no criterion {criterion!r}. Known: {known}.")
        self._write(card_id, criterion, choice)

    def mark_difficult(self, card_id: str, difficult: bool) -> None:
        """Ask the senior to decide this card, or no longer; it is complete with that."""
        self._write(card_id, "difficult", difficult)

    def comment(self, card_id: str, text: str) -> None:
        """Keep a comment in place of an earlier one."""
        self._write(card_id, "comment", text)

    @property
    def closed(self) -> bool:
        """Whether the study is closed by now."""
        return self.study.closed

    def complete(self, card_id: str) -> bool:
        """Whether every criterion of a card is judged, or left to the senior."""
        return self._is_done(self.judgement(card_id))

    def _is_done(self, said: Judgement) -> bool:
        return said.judged if self.role == "senior" else said.complete

    @property
    def first_open(self) -> int:
        """Index of the first card that is not complete; ``len(cards)`` if none."""
        said = self._ratings.judgements()
        nothing = Judgement()
        waiting = (
            i for i, card in enumerate(self.cards) if not self._is_done(said.get(card.id, nothing))
        )
        return next(waiting, len(self.cards))

    def others(self, card_id: str) -> tuple[Judgement, ...]:
        """The raters' judgements of a card that count, without their names.

        Empty unless this is the senior and the study's design lets the senior see them.
        """
        self._own(card_id)
        if self.role != "senior" or self.study.senior_sees != "both":
            return ()
        return held(self.study, card_id)

    def _write(self, card_id: str, name: str, value) -> None:
        card_id = self._own(card_id)
        if self.closed:
            raise StudyError(CLOSED_NOTE)
        self._ratings.append([(card_id, name, value)])

    def _own(self, card_id: str) -> str:
        if card_id not in self._known:
            raise StudyError(f"Card {card_id!r} is not one of {self.rater}'s. Reload the page.")
        return card_id
