"""Strengths of three models or more, by Davidson's model of paired comparisons with ties.

Of models of strength ``p`` and ``q``, the first wins with a chance proportional
to ``p``, the second to ``q``, and a tie has one proportional to ``nu sqrt(p q)``.
Without ties this is the Bradley-Terry model. Strengths are given as logarithms
that add up to 0: a step of 1 makes a win e times as likely as a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linprog, minimize

from ..schema import BenchHealthError
from ..stats import LEVEL, group_sums
from .criteria import OUTCOMES
from .estimates import Estimate, check_frame, from_draws, item_weights
from .rates import CELL


@dataclass(frozen=True)
class Ranking:
    """Strengths of models on one criterion.

    Attributes
    ----------
    criterion : str
    strengths : mapping of str to Estimate
        Log-strengths, strongest first, adding up to 0; empty where they cannot be
        had, and `note` says why.
    differences : mapping of pair to Estimate
        First minus second log-strength, the stronger first.
    ties : Estimate or None
        Chance of a tie of two equal models, ``nu / (2 + nu)``.
    n : int
        Settled verdicts.
    note : str
    """

    criterion: str
    strengths: Mapping[str, Estimate]
    differences: Mapping[tuple[str, str], Estimate]
    ties: Estimate | None
    n: int
    note: str = ""


def rankings(
    final: pd.DataFrame, *, replicates: int = 2_000, seed: int = 0, level: float = LEVEL
) -> list[Ranking]:
    """Strengths on each criterion, by maximum likelihood, with intervals over items.

    All comparisons of an item are drawn together. Nothing is added to the counts:
    where the likelihood has no finite maximum there are no strengths, and the
    note names the models that it drives apart. Draws in which that happens are
    left out; if they are more than one tail of the interval, there is none.

    Parameters
    ----------
    final : pandas.DataFrame
        As for `win_tie_rates`.
    replicates, seed : int
        Of the bootstrap.

    Raises
    ------
    BenchHealthError
        With fewer than three models: the win+tie rate then says it all.

    References
    ----------
    Davidson RR. J Am Stat Assoc 1970;65:317-328.
    """
    check_frame(final, ["item", *CELL, "outcome"], "final verdicts", ["item", *CELL])
    models = list(pd.unique(final[["model_a", "model_b"]].to_numpy().ravel()))
    if len(models) < 3:
        raise BenchHealthError(
            f"There are only {len(models)} models; strengths need three. Of two, read the rates."
        )
    items = pd.unique(final["item"])
    weights = item_weights(len(items), replicates, seed)
    return [
        _ranking(criterion, group, models, items, weights, level)
        for criterion, group in final.groupby("criterion", sort=False)
    ]


def _ranking(criterion, final, models, items, weights, level) -> Ranking:
    pairs = list(dict.fromkeys(zip(final["model_a"], final["model_b"], strict=True)))
    which = [pairs.index(pair) for pair in zip(final["model_a"], final["model_b"], strict=True)]
    hits = np.zeros((len(final), len(pairs), 3))
    for at, outcome in enumerate(OUTCOMES):
        hits[np.arange(len(final)), which, at] = final["outcome"] == outcome
    sums = group_sums(hits.reshape(len(final), -1), final["item"], items)
    counts = sums.sum(axis=0).reshape(len(pairs), 3)
    n = int(counts.sum())
    model = Davidson([tuple(map(models.index, pair)) for pair in pairs], len(models), counts)
    if why := model.unbounded(counts, models):
        return Ranking(criterion, {}, {}, None, n, why)
    point = model.fit(counts)
    draws = model.fit_draws((weights @ sums).reshape(-1, len(pairs), 3), point)
    found, each = model.strengths(point), model.strengths(draws)
    order = np.argsort(-found, kind="stable")

    def known(value, values):
        return from_draws(float(value), values, n, level)

    ties = Estimate(0.0, None, n, "no verdict was a tie")
    if model.with_ties:
        ties = known(tie_chance(point[-1]), tie_chance(draws[:, -1]))
    return Ranking(
        criterion,
        {models[i]: known(found[i], each[:, i]) for i in order},
        {
            (models[i], models[j]): known(found[i] - found[j], each[:, i] - each[:, j])
            for i, j in combinations(order, 2)
        },
        ties,
        n,
    )


def tie_chance(log_nu):
    """Chance of a tie of two equal models, ``nu / (2 + nu)``, from the logarithm of nu.

    >>> float(tie_chance(0.0)) == 1 / 3
    True
    """
    return 1 / (1 + 2 * np.exp(-np.asarray(log_nu, dtype=float)))


class Davidson:
    """The likelihood of verdicts on pairs of models.

    Parameters
    ----------
    sides : sequence of pairs of int
        The models of each pair, numbered from 0.
    models : int
    counts : ndarray, shape (pairs, 3)
        Wins, ties and losses of the first. Without any tie nu is 0, and the tie is
        left out of the model.
    """

    def __init__(self, sides: Sequence[tuple[int, int]], models: int, counts: np.ndarray):
        self.models, self.with_ties = models, bool(counts[:, 1].any())
        design = np.zeros((len(sides), 3, models + 1))  # log-strengths, then log nu
        for pair, (first, second) in enumerate(sides):
            design[pair, 0, first] = design[pair, 2, second] = design[pair, 1, -1] = 1
            design[pair, 1, [first, second]] = 0.5
        self.kept = [0, 1, 2] if self.with_ties else [0, 2]
        self.design = design[:, self.kept] if self.with_ties else design[:, self.kept, :-1]
        self.free = np.delete(self.design, models - 1, axis=2)  # the last strength is held at 0

    def unbounded(self, counts: np.ndarray, names: Sequence[str]) -> str:
        """Why the likelihood has no single finite maximum; empty if it has one.

        There is none if strengths can be moved for ever without making any
        verdict less likely, as with a model that wins every time, or if some models
        were never compared. The first is a linear programme, the second a rank. A
        model that never loses but sometimes ties can have a strength, if others'
        verdicts say how readily ties are called.

        References
        ----------
        Albert A, Anderson JA. Biometrika 1984;71:1-10.
        """
        if not counts.any():
            return "no verdict is settled"
        rises = self._rises(counts[:, self.kept] > 0)
        if not len(rises) or np.linalg.matrix_rank(rises) < self.free.shape[-1]:
            return "no strengths: some models were never compared, not even through others"
        moves = self._direction(rises)
        if moves is None:
            return ""
        low = moves.min() + 1e-6
        if (moves < low).all():
            return "no finite strengths: every verdict is a tie"
        above, below = (
            ", ".join(n for n, move in zip(names, moves, strict=True) if (move > low) == side)
            for side in (True, False)
        )
        return (
            f"no finite strengths: the verdicts put {above} above {below} without any limit, as "
            "where one side wins every time"
        )

    def fit(self, counts: np.ndarray) -> np.ndarray:
        """Parameters of greatest likelihood: log-strengths but the last, then log nu."""
        counts = counts[:, self.kept][None]
        n = counts.sum()

        def at(theta):
            return [part[0] / n for part in self._likelihood(theta[None], counts)]

        found = minimize(
            lambda theta: -at(theta)[0],
            np.zeros(self.free.shape[-1]),
            jac=lambda theta: -at(theta)[1],
            hess=lambda theta: -at(theta)[2],
            method="trust-exact",
            options={"gtol": 1e-9},
        )
        return found.x

    def fit_draws(self, draws: np.ndarray, start: np.ndarray, steps: int = 50) -> np.ndarray:
        """The same for many tables of counts, shape (draws, pairs, 3); NaN where there is none.

        Newton's method on all at once from the estimate of the whole study; scipy
        takes one problem at a time, which needs minutes.
        """
        draws = draws[:, :, self.kept]
        patterns, each = np.unique(draws > 0, axis=0, return_inverse=True)
        bounded = np.array([self._is_bounded(pattern) for pattern in patterns])[each.ravel()]
        theta = np.full((len(draws), len(start)), np.nan)
        theta[bounded] = start
        counts, active = draws[bounded], theta[bounded]
        for _ in range(steps if len(active) else 0):
            _, slope, curve = self._likelihood(active, counts)
            step = np.linalg.solve(curve, slope[..., None])[..., 0]
            active = active - np.clip(step, -1, 1)
            if np.abs(step).max() < 1e-9:
                break
        else:
            if len(active):
                active[np.abs(step).max(axis=1) > 1e-6] = np.nan
        theta[bounded] = active
        return theta

    def strengths(self, theta: np.ndarray) -> np.ndarray:
        """Log-strengths that add up to 0, from parameters of shape (..., parameters)."""
        free = theta[..., : self.models - 1]
        every = np.concatenate([free, 0 * free[..., :1]], axis=-1)
        return every - every.mean(axis=-1, keepdims=True)

    def _likelihood(self, theta, counts):
        """Log-likelihood, gradient and Hessian of each row of parameters."""
        logits = np.einsum("rq,paq->rpa", theta, self.free)
        logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        chance, n = np.exp(logs), counts.sum(axis=-1)
        slope = np.einsum("rpa,paq->rq", counts - n[..., None] * chance, self.free)
        mean = np.einsum("rpa,paq->rpq", chance, self.free)
        square = np.einsum("rp,rpa,paq,pas->rqs", n, chance, self.free, self.free, optimize=True)
        curve = np.einsum("rp,rpq,rps->rqs", n, mean, mean, optimize=True) - square
        return (counts * logs).sum(axis=(-1, -2)), slope, curve

    def _rises(self, seen: np.ndarray) -> np.ndarray:
        """For each verdict seen, by what it exceeds each other one: rows of parameters."""
        rows = [
            self.design[pair, outcome] - np.delete(self.design[pair], outcome, axis=0)
            for pair, outcome in zip(*np.nonzero(seen), strict=True)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, self.design.shape[-1]))

    def _direction(self, rises: np.ndarray) -> np.ndarray | None:
        """A way to move the strengths that no verdict speaks against, or None."""
        found = linprog(-rises.sum(axis=0), A_ub=-rises, b_ub=np.zeros(len(rises)), bounds=(-1, 1))
        return found.x[: self.models] if found.fun < -1e-9 else None

    def _is_bounded(self, seen: np.ndarray) -> bool:
        rises = self._rises(seen)
        full = len(rises) and np.linalg.matrix_rank(rises) == self.free.shape[-1]
        return bool(full) and self._direction(rises) is None
