"""One analysis of a simulated study, and the paper's Table 6, as they were frozen.

`tests/golden/human_votes.csv` and `human_cards.csv` are one simulated study of 40
questions and three models; `human_analysis.csv` is what the analysis made of it,
`table6_*.csv` what follows from the paper's printed win+tie rates.
"""

from pathlib import Path

import pandas as pd
import pytest

from benchhealth_utils.agreement import kendall
from benchhealth_utils.human_eval.adjudication import settle
from benchhealth_utils.human_eval.analysis import analyse
from benchhealth_utils.human_eval.criteria import CHOICES, CRITERIA, OUTCOMES
from benchhealth_utils.report import human
from benchhealth_utils.report.derived import llm_scores, usefulness_of
from benchhealth_utils.stats import accuracy_interval, difference_interval

GOLDEN = Path(__file__).parent / "golden"


def frozen(name):
    return pd.read_csv(GOLDEN / f"{name}.csv", keep_default_na=True)


def votes():
    """The study's votes with the key put to them, a row a rater, card and criterion."""
    cards = frozen("human_cards")
    long = frozen("human_votes").melt(
        ["rater", "card", "role", "difficult"], list(CRITERIA), "criterion", "choice"
    )
    told = long.merge(cards, on="card")
    straight = told["choice"].map(dict(zip(CHOICES, OUTCOMES, strict=True)))
    turned = told["choice"].map(dict(zip(CHOICES, OUTCOMES[::-1], strict=True)))
    return told.assign(outcome=straight.where(told["a_side"] == "left", turned))


def rows(analysis):
    """An analysis as rows ``what, criterion, of, value, low, high, n``."""

    def add(what, criterion, of, found):
        if not hasattr(found, "interval"):
            return [(what, criterion, of, found, None, None, None)]
        return [(what, criterion, of, found.value, *(found.interval or (None, None)), found.n)]

    for rate in analysis.rates:
        of = f"{rate.model_a} {rate.model_b}"
        names = "wins ties losses open p_value p_adjusted win_tie mirror lead"
        for name in names.split():
            yield from add(name, rate.criterion, of, getattr(rate, name))
    for found in analysis.reliability:
        yield from add("same", found.criterion, "", found.same)
        for pair, kappa in found.kappas.items():
            yield from add("kappa", found.criterion, " ".join(pair), kappa)
        for scale, alpha in found.alphas.items():
            yield from add(f"alpha_{scale}", found.criterion, "", alpha)
    for ranking in analysis.rankings:
        for model, strength in ranking.strengths.items():
            yield from add("strength", ranking.criterion, model, strength)
        for pair, gap in ranking.differences.items():
            yield from add("difference", ranking.criterion, " ".join(pair), gap)
        yield from add("ties_of_equals", ranking.criterion, "", ranking.ties)
    for rater in analysis.raters:
        yield from add("cards", "", rater.name, rater.cards)
        yield from add("difficult", "", rater.name, rater.difficult)
        yield from add("kept", "", rater.name, rater.kept)
        yield from add("attention", "", rater.name, rater.attention)
        for move, number in rater.repeats.items():
            yield from add(f"{move}_verdicts", "", rater.name, number)
        left = rater.side
        ends = left.interval or (None, None)
        yield ("left", "", rater.name, left.share, *ends, left.left + left.right)
        yield from add("left_p", "", rater.name, left.p_value)
        yield from add("left_p_holm", "", rater.name, left.p_adjusted)
    for criterion, paths in analysis.paths.items():
        for path, number in paths.items():
            yield from add(f"path_{path}", criterion, "", number)


def test_the_analysis_of_one_study():
    told = votes()
    expected = frozen("human_analysis")
    names = ["what", "criterion", "of"]
    found = pd.DataFrame(rows(analyse(told, settle(told), replicates=2000)))
    found.columns = expected.columns
    found[expected.columns[3:]] = found[expected.columns[3:]].astype(float)
    both = [
        x.fillna(dict.fromkeys(names, "")).sort_values(names).reset_index(drop=True)
        for x in (found, expected)
    ]
    assert both[0][names].equals(both[1][names])
    found, expected = (x.set_index(names).astype(float) for x in both)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, atol=1e-6)


def test_the_intervals_of_table_6():
    for row in frozen("table6_intervals").itertuples():
        assert human.printed_rates().loc[row.model, (row.criterion, row.opponent)] == row.rate
        assert accuracy_interval(row.rate, 200) == pytest.approx((row.low, row.high))


def test_the_pairs_of_models_that_table_6_tells_apart():
    rates = human.printed_rates()
    for row in frozen("table6_pairs").to_dict("records"):
        for criterion in CRITERIA:
            first, second = (rates.loc[row[x], criterion] for x in ("first", "second"))
            ends = [difference_interval(first[o], second[o], 200) for o in first.index]
            counts = sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)
            assert counts == (row[f"{criterion}_ahead"], row[f"{criterion}_behind"])


def test_the_order_of_table_6_beside_the_metrics_and_beside_itself():
    rates = human.printed_rates()
    metrics = usefulness_of(llm_scores().loc[rates.index]).assign(
        robustness=lambda frame: -frame["robustness"]
    )
    for row in frozen("table6_tau").itertuples():

        def judged(criterion, opponent=row.opponent):
            block = rates[criterion]
            return block.mean(axis=1) if opponent == "mean" else block[opponent]

        other = metrics[row.people] if row.other == "metric" else judged(row.other)
        found = kendall(judged(row.people).round(9), other.round(9))
        assert (found.value, *found.interval) == pytest.approx((row.tau, row.low, row.high))
        assert found.n == row.n
