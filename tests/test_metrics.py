"""Metrics and intervals: tables worked by hand, limits, and independent checks.

On the official gold labels readings are gold with seeded noise: dropped, swapped, spurious
and unread. The second computation is scikit-learn, or loops written here.
"""

import dataclasses
import json
import math
from fractions import Fraction

import numpy as np
import pytest
from conftest import cases, taken
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from benchhealth_utils import DATASETS, score
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.stats import wilson
from benchhealth_utils.tasks import TASKS, sufficient
from benchhealth_utils.tasks.hallmarks import HALLMARKS

A = frozenset
EXAMS = ("medqa", "medmcqa", "mmlu_medicine")
CHOICES = {
    **dict.fromkeys(EXAMS, "ABCD"),
    "pubmedqa": ("yes", "no", "maybe"),
    "ddi": ("mechanism", "effect", "advise", "int", "false"),
    "gad": ("yes", "no"),
}
TYPES = CHOICES["ddi"][:4]
LOST = A({("spurious", 0), ("spurious", 1)})


# ---- By hand ----------------------------------------------------------------

CASES = cases("metrics")
HAND = [
    pytest.param(key, case, id=f"{key}: {n}") for key in CASES for n, case in CASES[key].items()
]


def worth(value):
    """A number of the table: a fraction, ``exp`` of one, or the fourth ``root`` of a product."""
    if not isinstance(value, str) or not value[-1].isdigit():
        return value
    word, _, rest = value.rpartition("exp ") if "exp" in value else value.rpartition("root ")
    if "exp" in value:
        first, second = map(Fraction, rest.split(" - "))
        return math.exp(first - second)
    product = math.prod(map(Fraction, rest.split(" * ")))
    return float(product) ** (0.25 if "root" in value else 1)


def holds(found, expected):
    """Whether figures are as in the table; of a mapping, those that it names."""
    if isinstance(expected, dict):
        return all(holds(found[name], value) for name, value in expected.items())
    expected = worth(expected)
    near = pytest.approx(expected, abs=1e-12, nan_ok=True)
    return found == (expected if isinstance(expected, str) else near)


@pytest.mark.parametrize(("key", "case"), HAND)
def test_scores_by_hand(key, case):
    gold, read = ([taken(value) for value in case[name]] for name in ("gold", "read"))
    found = score(key, gold, read)
    assert found.n == len(gold)
    expected = {"coverage": 1} | {k: v for k, v in case.items() if k not in ("gold", "read")}
    assert holds(vars(found), expected), found


def test_every_task_is_worked_by_hand():
    assert {id(TASKS[key].metric) for key in CASES} == {
        id(task.metric) for key, task in TASKS.items() if key not in ("bc5_disease", "mimic_cxr")
    }
    assert list(TASKS) == list(DATASETS)
    for key, task in TASKS.items():
        word = DATASETS[key].metric
        assert {"micro F1": "F1", "entity-level F1": "entity-level"}.get(word, word) in (
            task.metric.name
        )


# ---- Against other packages -------------------------------------------------

sets = st.frozensets(st.sampled_from("abcdef"), max_size=6)
labels = st.frozensets(st.sampled_from(HALLMARKS), max_size=5)


def pairs_of(gold, read):
    return st.lists(st.tuples(gold, read), min_size=1, max_size=20)


def scikit_learn(gold, known, **options):
    return precision_recall_fscore_support(gold, known, zero_division=0, **options)[:3]


@given(pairs_of(sets.filter(bool), sets), pairs_of(labels.filter(bool), labels))
def test_sets_equal_scikit_learn(drugs, hallmarks):
    for key, pairs, classes in (("chatdoctor", drugs, "abcdef"), ("hoc", hallmarks, HALLMARKS)):
        gold, read = zip(*pairs, strict=True)
        encoder = MultiLabelBinarizer(classes=list(classes))
        truth, guess = encoder.fit_transform(gold), encoder.transform(read)
        found = score(key, gold, read)
        micro = scikit_learn(truth, guess, average="micro")
        assert (found.precision, found.recall, found.value) == pytest.approx(micro)
    documents = scikit_learn(truth, guess, average="samples")
    assert found.extra["macro_f1"] == pytest.approx(scikit_learn(truth, guess, average="macro")[2])
    assert found.extra["example_based_precision"] == pytest.approx(documents[0])
    assert found.extra["example_based_recall"] == pytest.approx(documents[1])


@pytest.mark.parametrize(
    ("key", "counted", "macro"), [("ddi", TYPES, TYPES), ("gad", ("yes",), ("yes", "no"))]
)
@given(data=st.data())
def test_labels_equal_scikit_learn(key, counted, macro, data):
    label = st.sampled_from(CHOICES[key])
    gold, read = map(list, zip(*data.draw(pairs_of(label, st.none() | label)), strict=True))
    found, known = score(key, gold, read), [r or "not read" for r in read]
    micro = scikit_learn(gold, known, labels=counted, average="micro")
    if {*gold, *known} & {*counted}:
        assert (found.precision, found.recall, found.value) == pytest.approx(micro)
    else:
        assert math.isnan(found.value)
    whole = scikit_learn(gold, known, labels=macro, average="macro")
    assert found.extra["macro_f1"] == pytest.approx(whole[2])
    assert found.extra["accuracy"] == pytest.approx(accuracy_score(gold, known))


# ---- What holds for every metric --------------------------------------------

words = st.lists(st.sampled_from("abcdef"), min_size=5, max_size=9).map(" ".join)
spans = st.frozensets(st.sampled_from([(0, 4), (2, 6), (7, 9)]))
DRAWN = {
    **{key: (st.sampled_from(values),) * 2 for key, values in CHOICES.items()},
    "chatdoctor": (sets.filter(bool), sets),
    **dict.fromkeys(("mimic_cxr", "iu_xray", "mimic_iii"), (words, words | st.just(""))),
    **dict.fromkeys(
        ("bc5_disease", "ncbi_disease"), (spans, spans | st.builds(A.union, spans, st.just(LOST)))
    ),
    "hoc": (labels.filter(bool), labels),
}


@pytest.mark.parametrize("key", DATASETS)
@settings(max_examples=12)
@given(data=st.data())
def test_rules_of_every_metric(key, data):
    gold, read = DRAWN[key]
    pairs = data.draw(st.lists(st.tuples(gold, st.none() | read), min_size=2, max_size=8))
    gold, read = map(list, zip(*pairs, strict=True))
    found = score(key, gold, read)
    rates = (found.value, found.precision, found.recall, found.coverage, *found.interval)
    sums, statistic = sufficient(key, gold, read)
    if not sums.any():  # nothing to find, and nothing found
        assert all(map(math.isnan, rates[:3] + found.interval)) and not found.distribution
        return
    assert all(0 <= rate <= 1 for rate in rates)
    json.dumps(dataclasses.asdict(found), allow_nan=False)
    assert float(statistic(sums.sum(axis=0))) == found.value
    assert sums.shape == (len(gold), len(TASKS[key].metric.columns))
    alone = [sufficient(key, [g], [r])[0] for g, r in pairs]
    assert np.vstack(alone) == pytest.approx(sums)
    turned = score(key, gold[::-1], read[::-1])
    assert (turned.value, turned.precision, turned.recall) == pytest.approx(rates[:3])
    whole, mute = score(key, gold, gold), score(key, gold, [None] * len(gold))
    assert mute.coverage == 0
    if whole.value == whole.value:  # else nothing to find: no mention, no positive pair
        assert (whole.value, whole.precision, whole.recall, whole.coverage) == (1, 1, 1, 1)
        assert (mute.value, mute.precision, mute.recall) == (0, 0, 0)


P, G, D, R = HALLMARKS[:4]
PRECISE = {  # gold; a reading that says too little; one that says too much
    "chatdoctor": ([A("ab")], [A("a")], [A("abcd")]),
    "iu_xray": (["a b"], ["a"], ["a b c d"]),
    "mimic_iii": (["a b"], ["a"], ["a b c d"]),
    "ncbi_disease": ([A({(0, 1), (2, 3)})], [A({(0, 1)})], [A({(0, 1), (2, 3)}) | LOST]),
    "ddi": (["int"] * 2 + ["false"] * 2, ["int"] + ["false"] * 3, ["int"] * 4),
    "gad": (["yes"] * 2 + ["no"] * 2, ["yes"] + ["no"] * 3, ["yes"] * 4),
    "hoc": ([A({P, G})], [A({P})], [A({P, G, D, R})]),
}


@pytest.mark.parametrize("key", PRECISE)
def test_precision_and_recall_are_not_swapped(key):
    gold, little, much = PRECISE[key]
    too_little, too_much = score(key, gold, little), score(key, gold, much)
    assert (too_little.precision, too_little.recall) == (1, 1 / 2)
    assert (too_much.precision, too_much.recall) == (1 / 2, 1)


@pytest.mark.parametrize(
    ("key", "gold", "read", "message"),
    [
        ("medqa", [], [], "at least one"),
        ("medqa", ["A"], [], "1 gold values and 0 readings"),
        ("medqua", ["A"], ["A"], "no data set 'medqua'. Did you mean medqa"),
        ("ddi", ["int"], ["advice"], "item 0: reading has advice; known: mechanism"),
        ("gad", ["yes", "maybe"], [None, None], "item 1: gold has maybe; known: yes, no"),
        ("medqa", ["A"], ["a"], "item 0: reading has a; known: A, B, C, D"),
        ("hoc", [A({P})], [A({"NULL"})], "NULL; known: Sustaining"),
        ("hoc", [A({P})], [P], "item 0: reading is of type str; expected frozenset"),
        ("mimic_iii", ["secret"], [["secret"]], "reading is of type list; expected str"),
        ("gad", [None], ["yes"], "item 0: gold is of type NoneType"),
    ],
)
def test_what_cannot_be_scored_is_refused(key, gold, read, message):
    for refused in (score, sufficient):
        with pytest.raises(BenchHealthError, match=message) as raised:
            refused(key, gold, read)
        assert "secret" not in str(raised.value)


# ---- Intervals --------------------------------------------------------------


def test_the_method_of_the_interval_is_named():
    gold, read = ["yes", "no"] * 6, ["yes", "yes"] * 6
    methods = [
        score(key, gold, read, groups=groups).interval_method
        for key in ("gad", "pubmedqa")
        for groups in (None, list("abcdefghijkl"), list("aabbccddeeff"), ["a"] * 12)
    ]
    over = "percentile bootstrap over "
    last = [over + "6 groups", "none: one group cannot be resampled"]
    assert methods == [over + "items", over + "items", *last, "Wilson", "Wilson", *last]
    with pytest.raises(BenchHealthError, match="1 groups for 2 items"):
        score("gad", ["yes", "no"], ["yes", "no"], groups=["a"])


def test_the_interval_of_every_metric_is_over_groups():
    for key, gold, wrong in (
        ("pubmedqa", "yes", "no"),
        ("gad", "yes", "no"),
        ("chatdoctor", A("ab"), A("cd")),
        ("mimic_iii", "a b c d e", "v w x y z"),
    ):
        read = ([gold] * 10 + [wrong] * 10) * 10
        groups = [str(i // 10) for i in range(200)]
        alone, together = (score(key, [gold] * 200, read, groups=g) for g in (None, groups))
        assert alone.value == together.value
        assert np.diff(together.interval) > 2 * np.diff(alone.interval)


def test_wilson_at_its_limits():
    assert wilson(0, 0) == (0, 1)
    halves = {n: round(50 * float(np.diff(wilson(n // 2, n))[0]), 1) for n in (272, 500, 4183)}
    assert halves == {272: 5.9, 500: 4.4, 4183: 1.5}
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    for hits, n in ((2.5, 4), (5, 4), (-1, 4), (1, 2.5), (float("nan"), 4)):
        with pytest.raises(BenchHealthError, match="expected whole numbers, with successes"):
            wilson(hits, n)


# ---- The official labels ----------------------------------------------------
