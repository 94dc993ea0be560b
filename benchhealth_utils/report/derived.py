"""What follows from the scores the paper printed; numbers, worked out when asked for.

Everything here takes the paper's Table 5 in points, a row a model and a column
a data set, as `paper_scores` gives it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..datasets import DATASETS
from ..schema import BenchHealthError
from ..stats import difference_interval
from .old_usefulness import generalizability, robustness
from .recording import paper_scores

SCENARIOS = ("reasoning", "generation", "understanding")
FEW_SHOT_GENERATION = ("mimic_cxr", "iu_xray")  # the paper leaves MIMIC-III out of Figure 1
MMLU_WITH_COLLEGE = 272 + 173  # test items of professional and of college medicine
ACCURACIES = tuple(key for key, spec in DATASETS.items() if spec.metric == "accuracy")


@dataclass(frozen=True)
class Neighbours:
    """Two models next to each other in the order of one data set; scores in points.

    ``low`` is the lower end of the interval of their difference at the printed
    size of the data set, as if they had answered different items
    (`stats.difference_interval`); ``apart`` says whether it is above 0.
    """

    dataset: str
    higher: str
    lower: str
    gap: float
    low: float

    @property
    def apart(self) -> bool:
        return self.low > 0


def llm_scores() -> pd.DataFrame:
    """The sixteen models' printed scores, without the task-specific ones."""
    return paper_scores().drop(index="sota")


def ordered(scores: pd.DataFrame, models) -> pd.DataFrame:
    """The rows of those `models` that are there, in their order."""
    return scores.loc[[key for key in models if key in scores.index]]


def scenario_means(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean of the printed scores of each scenario, and of Figure 1's generation.

    Parameters
    ----------
    scores : DataFrame, models by data sets, in points

    Returns
    -------
    DataFrame
        Columns ``reasoning``, ``generation``, ``understanding`` and
        ``figure_1_generation``. With the last in place of the second they are
        the zero-shot bars of the paper's Figure 1. A missing score is left
        out of its mean.
    """
    found = {
        scenario: scores[[k for k in scores if DATASETS[k].scenario == scenario]].mean(axis=1)
        for scenario in SCENARIOS
    }
    found["figure_1_generation"] = scores[list(FEW_SHOT_GENERATION)].mean(axis=1)
    return pd.DataFrame(found)


def usefulness_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Generalizability and robustness of each model, and the scores in the mean.

    Columns ``generalizability`` (mean of the scores there are, higher is better),
    ``robustness`` (sum of sample standard deviations, lower is better, missing
    if a score that enters is), both in points, and ``n``. The formulas are those
    of `benchhealth_utils.usefulness`.
    """
    try:
        spread = robustness({key: scores[key].to_numpy() for key in scores})
    except BenchHealthError:  # a task with fewer than two data sets here
        spread = float("nan")
    means = [generalizability(row.dropna().to_dict()) for _, row in scores.iterrows()]
    counts = scores.notna().sum(axis=1)
    return pd.DataFrame({"generalizability": means, "robustness": spread, "n": counts})


def ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank of each model on each data set, 1 the highest score; ties share their mean."""
    return scores.rank(ascending=False, method="average")


def gaps(scores: pd.DataFrame, reference: pd.Series) -> pd.DataFrame:
    """Each score minus the reference of its data set; sets without one are left out."""
    known = [key for key in scores if pd.notna(reference[key])]
    return scores[known] - reference[known]


def neighbours(scores: pd.Series, dataset: str, n: int) -> list[Neighbours]:
    """Models of one data set in falling order, two and two.

    Parameters
    ----------
    scores : Series, by model, in points
        Accuracies.
    dataset : str
    n : int
        Items behind each score.
    """
    falling = scores.dropna().sort_values(ascending=False, kind="stable")
    pairs = zip(falling.items(), list(falling.items())[1:], strict=False)
    return [
        Neighbours(dataset, one, two, first - second, difference_interval(first, second, n)[0])
        for (one, first), (two, second) in pairs
    ]


def coarse(n: int, decimals: int = 1) -> bool:
    """Whether `whole_items` can be false at all: one of n items is more than the last digit.

    Examples
    --------
    >>> coarse(272), coarse(1273)
    (True, False)
    """
    return 100 / n > 10**-decimals


def whole_items(score: float, n: int, decimals: int = 1) -> bool:
    """Whether a whole number of n items gives a percentage that prints as `score`.

    Both ways of rounding a half are let through.

    References
    ----------
    Brown NJL, Heathers JAJ. The GRIM test. Soc Psychol Personal Sci
    2017;8:363-369.

    Examples
    --------
    >>> whole_items(78.7, 272), whole_items(78.8, 272)
    (True, False)
    """
    nearest = round(score * n / 100)
    slack = 0.5 * 10**-decimals + 1e-9
    return any(abs(100 * k / n - score) <= slack for k in (nearest - 1, nearest, nearest + 1))
