"""One analysis of a simulated study, and the paper's Table 6, as they were frozen.

`human_votes.csv` and `human_cards.csv` of `tests/golden/` are one simulated study of 40
questions and three models; the other `human_*.csv` are what the analysis made of it,
`table6_*.csv` what follows from the paper's printed win+tie rates.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchhealth_utils.human_eval.analysis import analyse
from benchhealth_utils.human_eval.sample import CRITERIA
from benchhealth_utils.printed import paper
from benchhealth_utils.stats import kendall, newcombe, wilson

GOLDEN = Path(__file__).parent / "golden"


def frozen(name):
    return pd.read_csv(GOLDEN / f"{name}.csv", keep_default_na=True)


@pytest.fixture(scope="module")
def tables(simulated):
    return analyse(*simulated, replicates=2000)


@pytest.mark.parametrize("name", ["rates", "agreement", "raters", "strengths"])
def test_the_analysis_of_one_study(name, tables):
    found, expected = tables[name].replace("", None).fillna(np.nan), frozen(f"human_{name}")
    same = {"check_dtype": False, "rtol": 1e-6, "atol": 1e-6}
    pd.testing.assert_frame_equal(found, expected, **same)


def test_the_final_verdicts_of_one_study(tables):
    expected = frozen("human_paths").set_index("criterion")
    found = tables["final"].groupby(["criterion", "path"]).size().unstack()
    assert found.loc[expected.index].to_dict() == expected.to_dict()


def counts(n=200):
    """Wins and ties of Table 6 in whole conversations: models by (criterion, opponent)."""
    wide = paper(6).pivot(index="model", columns=["criterion", "opponent"], values="win_tie")
    return (wide * n / 100).round().astype(int)


def test_the_intervals_of_table_6():
    for row in frozen("table6_intervals").itertuples():
        hits = counts().loc[row.model, (row.criterion, row.opponent)]
        assert hits / 2 == row.rate
        assert wilson(hits, 200) == pytest.approx((row.low / 100, row.high / 100))


def test_the_pairs_of_models_that_table_6_tells_apart():
    hits = counts()
    for row in frozen("table6_pairs").to_dict("records"):
        for criterion in CRITERIA:
            first, second = (hits.loc[row[x], criterion] for x in ("first", "second"))
            ends = [newcombe(first[o], 200, second[o], 200) for o in first.index]
            found = sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)
            assert found == (row[f"{criterion}_ahead"], row[f"{criterion}_behind"])


def test_the_order_of_table_6_beside_the_metrics_and_beside_itself():
    rates = counts() / 2
    rates = rates.loc[[model for model in paper(5).index if model in rates.index]]
    scores = paper(5).loc[rates.index]
    spread = (["medqa", "medmcqa", "mmlu_medicine", "pubmedqa"], ["mimic_cxr", "iu_xray"])
    spread += (["bc5_disease", "ncbi_disease"],)
    metrics = {
        "generalizability": scores.mean(axis=1).round(9),
        "robustness": -sum(scores[keys].std(axis=1) for keys in spread).round(9),
    }
    for row in frozen("table6_tau").itertuples():

        def judged(criterion, opponent=row.opponent):
            block = rates[criterion]
            return (block.mean(axis=1) if opponent == "mean" else block[opponent]).round(9)

        other = metrics[row.people] if row.other == "metric" else judged(row.other)
        found = kendall(judged(row.people), other)
        assert found == pytest.approx((row.tau, row.low, row.high)) and row.n == len(rates)
