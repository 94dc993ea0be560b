"""Clinical usefulness: the paper's printed values, sums worked by hand, and limits."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from benchhealth_utils.printed import derived, paper
from benchhealth_utils.registry import DATASETS
from benchhealth_utils.schema import BenchHealthError, Run, Scores
from benchhealth_utils.usefulness import (
    comprehensiveness,
    faithfulness,
    generalizability,
    robustness,
    usefulness,
)

KEYS = list(DATASETS)
SPREAD = [
    *("medqa", "medmcqa", "mmlu_medicine", "pubmedqa"),
    *("mimic_cxr", "iu_xray", "bc5_disease", "ncbi_disease"),
]


def run(key, scores, model="m"):
    return Run(model, key, scores, {}, pd.DataFrame({"status": ["ok"]}), {})


def normal(key, value, error, model="m"):
    """A run whose distributions are normal, as large samples have them."""
    points = np.arange(0, 101).clip(0.1, 99.9) / 100
    drawn = value + (error or 0) * np.array([statistics.NormalDist().inv_cdf(p) for p in points])
    kept = {"value": drawn, "precision": drawn, "recall": drawn / 2}
    kept = {name: tuple(numbers) for name, numbers in kept.items() if error is not None}
    scores = Scores(value, value, value / 2, 100, 1.0, (0, 1), "", "", distribution=kept)
    return run(key, scores, model)


def measured(values, errors):
    errors = np.broadcast_to(errors, len(values))
    runs = [normal(key, v, float(e)) for (key, v), e in zip(values.items(), errors, strict=True)]
    return usefulness(runs).set_index("measure")


# ---- The formulas -----------------------------------------------------------


def test_robustness_is_what_the_paper_prints():
    """Three values stand in section 5.5; only sample standard deviations give them."""
    found = derived()["robustness"].round(1)
    assert found[["chatglm-6b", "chatglm-med", "doctorglm"]].tolist() == [21.1, 22.4, 21.3]
    assert derived().loc["gpt-4", ["generalizability", "n"]].tolist() == pytest.approx(
        [719.7 / 13, 13]
    )
    scores = paper(5)
    scores.loc["gpt-4", "iu_xray"] = np.nan
    found = derived(scores).loc["gpt-4"]
    assert np.isnan(found["robustness"]) and found["n"] == 12
    assert found["figure_1_generation"] == scores.loc["gpt-4", "mimic_cxr"]


def test_sums_of_task_means_by_hand():
    precision = {
        **{"medqa": 0.2, "medmcqa": 0.4, "pubmedqa": 0.6},  # question answering: 0.4
        **{"chatdoctor": 0.1, "hoc": 0.5},  # two tasks of one set
        **{"ddi": 0.3, "gad": 0.9},  # relation extraction: 0.6
    }
    assert faithfulness(precision) == pytest.approx(0.4 + 0.1 + 0.6 + 0.5)
    assert comprehensiveness(precision) == pytest.approx(1.6)
    assert generalizability(precision) == pytest.approx(3.0 / 7)


def test_robustness_by_hand_and_at_its_limits():
    scores = dict(zip(SPREAD, (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.2, 0.2), strict=True))
    exams = math.sqrt((0.15**2 + 0.05**2) * 2 / 3)
    assert robustness(scores) == pytest.approx(exams + 0.2 / math.sqrt(2) + 0)
    assert robustness(scores | {"gad": 1.0, "chatdoctor": 0.0}) == robustness(scores)
    assert robustness(dict.fromkeys(SPREAD, 0.4)) == 0


numbers = st.floats(0, 1, allow_subnormal=False)


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(BenchHealthError, match="two data sets each of: radiology"):
        robustness({key: 0.4 for key in SPREAD if key != "mimic_cxr"})
    for formula in (faithfulness, generalizability):
        with pytest.raises(BenchHealthError, match="no score"):
            formula({})
    with pytest.raises(BenchHealthError, match="There is no data set 'usmle'"):
        generalizability({"usmle": 0.3})


# ---- Of runs ----------------------------------------------------------------


def test_intervals_weigh_each_set_by_the_size_of_its_task():
    found = measured({"medqa": 0.3, "medmcqa": 0.4, "hoc": 0.6}, [0.02, 0.02, 0.01])
    half = (found["high"] - found["low"]) / 2
    expected = 1.96 * math.sqrt(0.02**2 / 2 + 0.01**2)
    assert half["faithfulness"] == pytest.approx(expected, rel=0.05)
    assert half["comprehensiveness"] == pytest.approx(expected / 2, rel=0.05)
    mean = 1.96 * math.sqrt(2 * 0.02**2 + 0.01**2) / 3
    assert half["generalizability"] == pytest.approx(mean, rel=0.05)
    assert found.loc["faithfulness", "value"] == pytest.approx(0.95)
    assert found.loc["faithfulness", "without"].startswith("MMLU-Medicine, PubMedQA")


def test_robustness_has_no_interval_but_says_what_sampling_alone_shows():
    row = measured(dict.fromkeys(SPREAD, 0.4), 0.03).loc["robustness"]
    assert row["value"] == 0 and np.isnan([row["low"], row["high"]]).all()
    # mean of a sample standard deviation: 0.921 of sigma for four values, 0.798 for two
    assert row["by_sampling"] == pytest.approx(0.03 * (0.921 + 2 * 0.798), rel=0.02)
    few = measured(dict.fromkeys(SPREAD[:5], 0.4), 0.03).loc["robustness"]
    assert np.isnan(few["value"]) and few["without"] == "IU-Xray, BC5-disease, NCBI-Disease"


def test_two_runs_on_one_data_set_are_refused():
    run = normal("medqa", 0.3, 0.02)
    with pytest.raises(BenchHealthError, match="Two runs of m"):
        usefulness([run, run])
