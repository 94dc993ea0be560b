"""Do people and metrics order the models alike? Kendall's tau-b, with what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

from ..agreement import Agreement, kendall
from ..datasets import DATASETS
from ..stats import known_interval
from .combined import model_name, publishable, results
from .derived import llm_scores, usefulness_of
from .human import PAPER_CRITERIA, printed_rates
from .old_usefulness import common, usefulness
from .recording import publish
from .style import estimate, plain, span, table

METRICS = {
    "faithfulness": "sum of precision",
    "comprehensiveness": "sum of recall",
    "generalizability": f"mean of {len(DATASETS)} scores",
    "robustness": "minus the sum of standard deviations",
}
FROM_TABLE_5 = ("generalizability", "robustness")


@dataclass(frozen=True)
class OrderAgreement:
    """Agreement of a criterion's rates with something else that orders the models.

    ``mean`` uses the rates averaged over the opponents, ``opponents`` those
    against each. Both are None and empty where the other order is not known.
    """

    name: str
    other: str
    mean: Agreement | None
    opponents: Mapping[str, Agreement]


def mean_rates() -> pd.DataFrame:
    """Win+tie rates averaged over the three opponents: models by criteria, in per cent."""
    rates = printed_rates()
    means = {criterion: rates[criterion].mean(axis=1) for criterion in PAPER_CRITERIA}
    return pd.DataFrame(means).round(9)  # equal means stay equal, for ties


def automatic(criterion: str, *folders: Path) -> pd.Series | None:
    """The metric of a criterion for the models of Table 6, higher is better.

    Generalizability and robustness follow from the paper's Table 5. The other
    two were published only as a picture: they come from official results of
    ours where at least three of the models have them, over the data sets that
    all of these have, and are None otherwise.
    """
    models = printed_rates().index
    if criterion in FROM_TABLE_5:
        found = usefulness_of(llm_scores().loc[models])[criterion]
        return (-found if criterion == "robustness" else found).round(9)
    measured: dict[str, dict[str, dict]] = {}
    for row in results(*folders):
        if row["model"] in models and publishable(row):
            measured.setdefault(row["model"], {})[row["dataset"]] = row
    if len(measured) < 3:
        return None
    values = [usefulness(scores)[criterion].value for scores in common(*measured.values())]
    return pd.Series(values, index=list(measured)).round(9)


def metric_rankings(
    *folders: Path, seed: int = 0, replicates: int = 10_000
) -> list[OrderAgreement]:
    """Each criterion of Table 6 against its metric of Figure 2."""
    rates, means = printed_rates(), mean_rates()
    options = {"seed": seed, "replicates": replicates}
    found = []
    for criterion in PAPER_CRITERIA:
        metric = automatic(criterion, *folders)
        if metric is None:
            found.append(OrderAgreement(criterion, METRICS[criterion], None, {}))
            continue
        models = list(metric.index)
        opponents = {
            opponent: kendall(rates.loc[models, (criterion, opponent)], metric, **options)
            for opponent in rates[criterion]
        }
        mean = kendall(means.loc[models, criterion], metric, **options)
        found.append(OrderAgreement(criterion, METRICS[criterion], mean, opponents))
    return found


def criterion_rankings(*, seed: int = 0, replicates: int = 10_000) -> list[OrderAgreement]:
    """The four criteria of Table 6 against each other, two and two."""
    rates, means = printed_rates(), mean_rates()
    options = {"seed": seed, "replicates": replicates}
    return [
        OrderAgreement(
            one,
            two,
            kendall(means[one], means[two], **options),
            {
                opponent: kendall(rates[one][opponent], rates[two][opponent], **options)
                for opponent in rates[one]
            },
        )
        for one, two in combinations(PAPER_CRITERIA, 2)
    ]


def rankings_table(rankings: Sequence[OrderAgreement], other: str, caption: str, uuid: str):
    """Tau-b with interval for each ranking; `other` heads the second column."""
    opponents = list(dict.fromkeys(key for ranking in rankings for key in ranking.opponents))
    rows = []
    for ranking in rankings:
        row = {
            "People judged": ranking.name.capitalize(),
            other: ranking.other,
            "Models": ranking.mean.n if ranking.mean else "none",
            "Tau-b (95 % interval), mean of opponents": "cannot be computed from the paper",
        }
        if ranking.mean:
            row["Tau-b (95 % interval), mean of opponents"] = _tau(ranking.mean)
        for opponent in opponents:
            known = opponent in ranking.opponents
            row[f"Against {model_name(opponent)}"] = (
                _tau(ranking.opponents[opponent]) if known else ""
            )
        rows.append(row)
    return table(pd.DataFrame(rows), caption, uuid, sortable=True)


def rankings_reading(rankings: Sequence[OrderAgreement]):
    """What the intervals of tau allow to say, a line for each kind of answer."""
    from IPython.display import Markdown

    kinds: dict[str, list[str]] = {}
    widths = []
    for ranking in rankings:
        found, pair = ranking.mean, f"{ranking.name} and {ranking.other}"
        if found is None:
            kinds.setdefault("Cannot be computed from the paper", []).append(pair)
        elif found.value is None:
            kinds.setdefault("Not defined, since all ranks in one are equal", []).append(pair)
        elif known_interval(found.interval) is None:
            kinds.setdefault("No interval can be had", []).append(f"{pair}, {_tau(found)}")
        else:
            widths.append(found.interval[1] - found.interval[0])
            kind = "Not told apart from no agreement: the interval holds 0"
            if found.decided:
                order = "the same order" if found.value > 0 else "opposite orders"
                kind = f"More pairs of models in {order} than chance gives"
            kinds.setdefault(kind, []).append(f"{pair}, {_tau(found)}")
    lines = [f"- **{kind}**: {'; '.join(pairs)}." for kind, pairs in kinds.items()]
    if widths:
        lines.append(
            f"- The intervals are {span(widths, plain)} wide; tau itself spans 2, from -1 to 1."
        )
    return Markdown("\n".join(lines))


def publish_rankings(rankings: Sequence[OrderAgreement]) -> None:
    """Publish tau and the ends of its interval as ``human.<name>.<other>.tau`` and so on."""
    for ranking in rankings:
        found = ranking.mean
        if found is None or found.value is None:
            continue
        other = ranking.other if ranking.other in PAPER_CRITERIA else "metric"
        name = f"human.{ranking.name}.{other}"
        publish(f"{name}.tau", found.value)
        publish(f"{name}.n", found.n)
        if found.interval:
            publish(f"{name}.low", found.interval[0])
            publish(f"{name}.high", found.interval[1])


def _tau(found: Agreement) -> str:
    if found.value is None:
        return "not defined: all ranks equal"
    return estimate(found.value, found.interval, number=plain)
