"""Simulated raters: what they would find if they never erred, and how they err."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..schema import BenchHealthError
from .criteria import OUTCOMES
from .estimates import SIMULATED, is_simulated

TIE = OUTCOMES.index("tie")


@dataclass(frozen=True)
class Planted:
    """What simulated raters would find if they never erred.

    Attributes
    ----------
    strengths : mapping of str to mapping
        Criterion to model to log-strength, in Davidson's model (see `ranking`).
    log_nu : float
        Logarithm of its tie parameter: at 0 equal models tie in a third of cases.
    shared : float
        Chance that a verdict follows a draw of the whole item rather than one of
        its own, from 0 to 1. It makes verdicts on one question go together, without
        changing how often each occurs.
    """

    strengths: Mapping[str, Mapping[str, float]]
    log_nu: float = 0.0
    shared: float = 0.5

    @property
    def models(self) -> tuple[str, ...]:
        """All models, in the order of the first criterion."""
        return tuple(next(iter(self.strengths.values())))

    @property
    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """Every two models."""
        return tuple(combinations(self.models, 2))

    def chances(self, criterion: str, a: str, b: str) -> np.ndarray:
        """Chances of a win, a tie and a loss of `a` against `b`."""
        own = self.strengths[criterion]
        logits = np.array([own[a], self.log_nu + (own[a] + own[b]) / 2, own[b]])
        weights = np.exp(logits - logits.max())
        return weights / weights.sum()

    def table(self, comparisons: Sequence[tuple[str, str]]) -> np.ndarray:
        """Chances of all comparisons, shape (comparisons, criteria, 3)."""
        return np.array(
            [[self.chances(key, *pair) for key in self.strengths] for pair in comparisons]
        )

    def truths(
        self, items: int, comparisons: Sequence[tuple[str, str]], rng: np.random.Generator
    ) -> np.ndarray:
        """True outcomes as places in ``OUTCOMES``, shape (items, comparisons, criteria)."""
        shape = (items, len(comparisons), len(self.strengths))
        together = rng.random(shape) < self.shared
        at = np.where(together, rng.random((items, 1, 1)), rng.random(shape))
        return drawn(self.table(comparisons), at)


EXAMPLE = Planted(
    {
        "faithfulness": {"physician": 0.8, "first-half": 0.2, "other-patient": -1.0},
        "comprehensiveness": {"physician": 1.0, "first-half": -0.2, "other-patient": -0.8},
        "generalizability": {"physician": 0.4, "first-half": 0.0, "other-patient": -0.4},
        "robustness": {"physician": 0.0, "first-half": 0.0, "other-patient": 0.0},
    }
)  # of the chapter: a clear order, a slight one, and none


@dataclass(frozen=True)
class SimulatedRater:
    """How a simulated rater errs.

    Attributes
    ----------
    name : str
        Begins with ``simulated-``.
    role : {"rater", "senior"}
    guesses : float
        Share of verdicts given without looking, each of the three equally often. So
        who guesses has other rates than the true ones, and the senior is needed.
    left : float
        Share of verdicts given to the left reply, whatever it is: a position bias.
    ties : float
        Share of verdicts that are a tie, whatever the replies are.
    marks : float
        Chance that a card with a verdict of one of these kinds is marked as difficult.
    """

    name: str
    role: str = "rater"
    guesses: float = 0.2
    left: float = 0.0
    ties: float = 0.0
    marks: float = 0.2

    def __post_init__(self):
        if min(self.guesses, self.left, self.ties) < 0 or self.unseen > 1:
            raise BenchHealthError(
                f"{self.name}: guesses, left and ties are shares of the verdicts, from 0 to 1 and "
                f"together at most 1; they are {self.guesses:g}, {self.left:g} and {self.ties:g}."
            )
        if not is_simulated([self.name]):
            raise BenchHealthError(
                f"A simulated rater cannot be called {self.name!r}. Begin with {SIMULATED!r}, so "
                "that nobody takes the votes for those of a person."
            )

    @property
    def unseen(self) -> float:
        """Share of verdicts given without looking, of whatever kind."""
        return self.guesses + self.left + self.ties

    def verdicts(
        self, truths: np.ndarray, a_left: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outcomes and difficult marks of cards.

        Parameters
        ----------
        truths : ndarray, shape (cards, criteria)
        a_left : ndarray of bool, shape (cards,)
        rng : numpy Generator

        Returns
        -------
        outcomes : ndarray, shape (cards, criteria)
            Places in ``OUTCOMES``.
        difficult : ndarray of bool, shape (cards,)
        """
        how = rng.random(truths.shape)
        guess = rng.integers(0, len(OUTCOMES), truths.shape)
        outcomes = np.where(how < self.unseen, guess, truths)
        outcomes = np.where(how < self.left + self.ties, TIE, outcomes)
        outcomes = np.where(how < self.left, np.where(a_left, 0, 2)[:, None], outcomes)
        unsure = (how < self.unseen).any(axis=1)
        return outcomes, unsure & (rng.random(len(truths)) < self.marks)


RATERS = (
    SimulatedRater("simulated-1"),
    SimulatedRater("simulated-2"),
    SimulatedRater("simulated-senior", "senior", guesses=0.0, marks=0.0),
)


def drawn(chances: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Places in ``OUTCOMES`` that numbers from 0 to 1 fall on, by these chances."""
    first, second = chances[..., 0], chances[..., 0] + chances[..., 1]
    return (at >= first).astype(int) + (at >= second)
