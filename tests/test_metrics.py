"""Metrics and intervals: tables worked by hand, limits, and independent checks."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from benchhealth_utils import score
from benchhealth_utils.datasets import DATASETS
from benchhealth_utils.metrics import counts, precision_recall_f1
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.stats import bootstrap, group_sums, wilson, wilson_of_share
from benchhealth_utils.tasks import TASKS, sufficient
from benchhealth_utils.tasks.hallmarks import HALLMARKS
from benchhealth_utils.tasks.relations import TYPES

A = frozenset


@pytest.mark.parametrize(
    ("gold", "read", "value", "precision", "recall", "coverage"),
    [
        ("ABCD", ["A", "B", "C", "D"], 1, 1, 1, 1),
        ("ABCD", ["B", "C", "D", "A"], 0, 0, 0, 1),
        ("ABCD", [None] * 4, 0, 0, 0, 0),
        ("ABCD", ["A", None, None, None], 0.25, 1, 0.25, 0.25),
        ("AABB", ["A", "B", "B", None], 0.5, 2 / 3, 0.5, 0.75),
        ("A", ["A"], 1, 1, 1, 1),
    ],
    ids=["identical", "disjoint", "mute", "one read", "mixed", "single"],
)
def test_accuracy_by_hand(gold, read, value, precision, recall, coverage):
    found = score("medqa", list(gold), read)
    assert (found.value, found.coverage, found.n) == (value, coverage, len(gold))
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)


def test_a_mute_model_scores_nothing_on_pubmedqa():
    found = score("pubmedqa", ["yes"] * 6 + ["no"] * 4, [None] * 10)
    assert found.value == 0
    assert found.extra["majority_accuracy"] == 0.6


@pytest.mark.parametrize(
    ("gold", "read", "precision", "recall", "f1"),
    [
        ([A("ab"), A("c")], [A("ab"), A("c")], 1, 1, 1),
        ([A("ab"), A("c")], [A("xy"), A("z")], 0, 0, 0),
        ([A("ab"), A("c")], [None, None], 0, 0, 0),
        ([A("ab"), A("c")], [A(), A("c")], 1, 1 / 3, 1 / 2),
        ([A("abcd"), A("e")], [A("ab"), A("exy")], 3 / 5, 3 / 5, 3 / 5),
        ([A("a"), A("bcdefghij")], [A("a"), A("b")], 1, 2 / 10, 4 / 12),
    ],
    ids=["identical", "disjoint", "mute", "one empty", "mixed", "unequal"],
)
def test_micro_f1_of_drug_sets_by_hand(gold, read, precision, recall, f1):
    found = score("chatdoctor", gold, read)
    assert found.value == pytest.approx(f1)
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)


def test_micro_is_not_the_mean_over_items():
    found = score("chatdoctor", [A("a"), A("bcdefghij")], [A("a"), A("b")])
    assert found.extra["mean_item_f1"] == pytest.approx((1 + 2 / 10) / 2)
    assert found.value != pytest.approx(found.extra["mean_item_f1"])


sets = st.frozensets(st.sampled_from("abcdef"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(sets.filter(bool), sets), min_size=1, max_size=12))
def test_micro_f1_equals_scikit_learn(pairs):
    gold, read = zip(*pairs, strict=True)
    encoder = MultiLabelBinarizer(classes=list("abcdef"))
    truth, guess = encoder.fit_transform(gold), encoder.transform(read)
    expected = precision_recall_fscore_support(truth, guess, average="micro", zero_division=0)
    rows = np.array([counts(g, r) for g, r in pairs])
    assert precision_recall_f1(rows.sum(axis=0)) == pytest.approx(expected[:3])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("ABCD")), min_size=1))
def test_accuracy_equals_scikit_learn(pairs):
    gold, read = map(list, zip(*pairs, strict=True))
    assert score("mmlu_medicine", gold, read).value == pytest.approx(accuracy_score(gold, read))


def test_precision_recall_and_f1_come_in_this_order():
    precision, recall, f1 = precision_recall_f1(np.array([3.0, 1.0, 3.0]))
    assert (precision, recall, f1) == pytest.approx((3 / 4, 3 / 6, 6 / 10))


@pytest.mark.parametrize(
    ("n", "half_width"),
    [(272, 5.9), (315, 5.5), (500, 4.4), (534, 4.2), (1273, 2.7), (4183, 1.5)],
)
def test_wilson_half_widths_at_one_half(n, half_width):
    low, high = wilson(n // 2, n)
    assert round(50 * (high - low), 1) == half_width


@pytest.mark.parametrize(("hits", "n"), [(2.5, 4), (5, 4), (-1, 4), (1, 2.5), (float("nan"), 4)])
def test_wilson_refuses_what_is_no_count(hits, n):
    with pytest.raises(BenchHealthError, match="expected whole numbers, with successes"):
        wilson(hits, n)


def test_wilson_of_a_share_lies_between_those_of_its_neighbours():
    low, high = wilson_of_share(2.5 / 4, 4)
    assert wilson(2, 4)[0] < low < wilson(3, 4)[0] and wilson(2, 4)[1] < high < wilson(3, 4)[1]
    assert wilson_of_share(0.5, 4) == wilson(2, 4)
    with pytest.raises(BenchHealthError, match="expected 0 to 1"):
        wilson_of_share(1.5, 4)


def test_wilson_at_its_limits():
    assert wilson(0, 0) == (0, 1)
    low, high = wilson(0, 10)
    assert low == 0 and high == pytest.approx(0.2775, abs=1e-4)
    low, high = wilson(10, 10)
    assert (low, high) == pytest.approx((0.7225, 1), abs=1e-4)


def test_group_sums_keep_items_of_a_document_together():
    sums = np.array([[1.0, 2], [3, 4], [5, 6]])
    assert group_sums(sums, ["x", "y", "x"]).tolist() == [[6, 8], [3, 4]]
    assert group_sums(sums, ["x", "y", "x"], "yzx").tolist() == [[3, 4], [0, 0], [6, 8]]


def _mean(totals):
    return totals[..., 0] / totals[..., 1]


def test_bootstrap_is_fixed_by_its_seed_and_agrees_with_the_normal_interval():
    hits = np.array([1.0] * 400 + [0.0] * 600)
    sums = np.column_stack([hits, np.ones(1000)])
    low, high = bootstrap(sums, _mean, seed=3)
    assert (low, high) == bootstrap(sums, _mean, seed=3)
    half = 1.96 * (0.4 * 0.6 / 1000) ** 0.5
    assert (low, high) == pytest.approx((0.4 - half, 0.4 + half), abs=0.004)


def test_bootstrap_over_groups_is_wider_when_items_of_a_group_agree():
    hits = np.repeat([1.0, 0.0] * 20, 10)
    sums = np.column_stack([hits, np.ones(400)])
    groups = [str(i // 10) for i in range(400)]
    alone, together = bootstrap(sums, _mean), bootstrap(sums, _mean, groups)
    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])


def test_bootstrap_without_spread_is_the_value():
    assert bootstrap(np.array([[1.0, 1.0]]), _mean) == (1, 1)
    assert bootstrap(np.ones((9, 2)), _mean) == (1, 1)


def test_groups_that_share_items_make_the_interval_of_accuracy_a_bootstrap():
    gold, read = ["yes", "no"] * 20, ["yes", "yes"] * 20
    groups = [str(i // 4) for i in range(40)]
    assert score("pubmedqa", gold, read).interval_method == "Wilson"
    assert "groups" in score("pubmedqa", gold, read, groups=groups).interval_method


@pytest.mark.parametrize(
    ("gold", "read", "message"),
    [([], [], "at least one"), (["A"], [], "1 gold values and 0 readings")],
)
def test_unequal_lengths_are_refused(gold, read, message):
    with pytest.raises(BenchHealthError, match=message):
        score("medqa", gold, read)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(sets.filter(bool), st.none() | sets), min_size=2, max_size=8))
def test_every_rate_lies_in_the_unit_interval(pairs):
    gold, read = zip(*pairs, strict=True)
    found = score("chatdoctor", gold, read)
    rates = (found.value, found.precision, found.recall, found.coverage, *found.interval)
    assert all(0 <= rate <= 1 for rate in rates)


# ---- Disease mentions -------------------------------------------------------

LOST = A({("spurious", 0), ("spurious", 1)})


@pytest.mark.parametrize(
    ("gold", "read", "precision", "recall", "f1"),
    [
        ([A({(0, 4), (9, 12)}), A()], [A({(0, 4), (9, 12)}), A()], 1, 1, 1),
        ([A({(0, 4)})], [A({(5, 8)})], 0, 0, 0),
        ([A(), A()], [A(), A()], 0, 0, 0),
        ([A({(0, 4)}), A()], [None, None], 0, 0, 0),
        ([A({(0, 4)}), A()], [A({(0, 4)}), A({(2, 6)})], 1 / 2, 1, 2 / 3),
        ([A({(0, 4)})], [A({(0, 3)})], 0, 0, 0),
        ([A({(0, 4)})], [A({(0, 4)}) | LOST], 1 / 3, 1, 1 / 2),
        ([A({(0, 4), (5, 6), (7, 9)}), A()], [A({(0, 4)}), None], 1, 1 / 3, 1 / 2),
    ],
    ids=[
        "identical",
        "disjoint",
        "none",
        "mute",
        "false-alarm",
        "half",
        "not-in-sentence",
        "unequal",
    ],
)
def test_entities_by_hand(gold, read, precision, recall, f1):
    found = score("ncbi_disease", gold, read)
    assert (found.precision, found.recall, found.value) == pytest.approx((precision, recall, f1))


def test_kinds_of_wrong_mentions_and_counts_of_sentences():
    gold = [A({(0, 4), (10, 20)}), A(), A(), A({(3, 5)}), A({(3, 5)}), A({(0, 2)}), A()]
    read = [A({(0, 4), (12, 20), (4, 10)}) | LOST, A({(1, 2)}), A(), A(), None, A({(0, 2)}), None]
    found = score("bc5_disease", gold, read)
    extra = dict(found.extra)
    assert extra.pop("sentences") == {
        "with_mentions": 4,
        "right": 2,
        "right_and_empty": 1,
        "false_alarm": 1,
        "silent": 1,
        "not_read": 2,
    }
    # (4, 10) touches two mentions without sharing a character with either.
    assert extra == {"hits": 2, "missed": 3, "boundary": 1, "spurious": 2, "not_in_sentence": 2}
    assert (found.precision, found.recall) == pytest.approx((2 / 7, 2 / 5))
    assert found.coverage == pytest.approx(5 / 7)


def test_an_unread_answer_costs_nothing_where_there_is_no_mention():
    gold = [A({(0, 4)}), A()]
    found = score("bc5_disease", gold, [A({(0, 4)}), None])
    assert (found.value, found.coverage, found.extra["sentences"]["right"]) == (1, 0.5, 1)


# ---- Relations --------------------------------------------------------------

DDI_GOLD = ["mechanism", "effect", "advise", "int", "false", "false", "false"]
DDI_READ = ["mechanism", "advise", None, "false", "effect", "false", None]


def test_relation_types_by_hand():
    found = score("ddi", DDI_GOLD, DDI_READ)
    assert found.value == pytest.approx(2 / 7)
    assert (found.precision, found.recall) == pytest.approx((1 / 3, 1 / 4))
    assert found.coverage == pytest.approx(5 / 7)
    extra = found.extra
    assert extra["detection_f1"] == pytest.approx(4 / 7)
    assert extra["detection_precision"] == pytest.approx(2 / 3)
    assert extra["detection_recall"] == pytest.approx(2 / 4)
    assert extra["macro_f1"] == pytest.approx(1 / 4)
    assert extra["types"]["advise"] == {"precision": 0, "recall": 0, "f1": 0, "gold": 1}
    assert extra["accuracy"] == pytest.approx(2 / 7)
    assert extra["all_false_accuracy"] == pytest.approx(3 / 7)
    row = dict.fromkeys([*TYPES, "false", "not read"], 0)
    assert extra["confusion"]["false"] == row | {"effect": 1, "false": 1, "not read": 1}
    assert extra["confusion"]["effect"] == row | {"advise": 1}
    assert sum(sum(row.values()) for row in extra["confusion"].values()) == 7


@pytest.mark.parametrize(
    ("read", "value", "accuracy"),
    [
        (DDI_GOLD, 1, 1),
        (["false"] * 7, 0, 3 / 7),
        ([None] * 7, 0, 0),
        (["effect", "int", "mechanism", "advise", "int", "int", "int"], 0, 0),
        (["int"] * 7, 2 / (2 + 6 + 3), 1 / 7),
    ],
    ids=["identical", "all false", "mute", "disjoint", "one type"],
)
def test_relation_types_at_their_limits(read, value, accuracy):
    found = score("ddi", DDI_GOLD, read)
    assert (found.value, found.extra["accuracy"]) == pytest.approx((value, accuracy))


def test_not_read_differs_from_false_on_a_pair_without_interaction():
    said, unread = (score("ddi", ["int", "false"], ["int", x]) for x in ("false", None))
    assert said.value == unread.value == 1 and said.precision == unread.precision == 1
    assert (said.extra["accuracy"], unread.extra["accuracy"]) == (1, 0.5)
    assert (said.coverage, unread.coverage) == (1, 0.5)


GAD_GOLD = ["yes", "yes", "yes", "no", "no", "no"]


@pytest.mark.parametrize(
    ("read", "precision", "recall", "f1", "accuracy", "macro"),
    [
        (GAD_GOLD, 1, 1, 1, 1, 1),
        (["no"] * 3 + ["yes"] * 3, 0, 0, 0, 0, 0),
        ([None] * 6, 0, 0, 0, 0, 0),
        (["yes"] * 6, 1 / 2, 1, 2 / 3, 1 / 2, 1 / 3),
        (["yes", "no", None, "yes", "no", None], 1 / 2, 1 / 3, 2 / 5, 1 / 3, 2 / 5),
        (["yes", "yes", "yes", "no", None, None], 1, 1, 1, 2 / 3, 3 / 4),
    ],
    ids=["identical", "disjoint", "mute", "all yes", "mixed", "unread negatives"],
)
def test_positive_class_by_hand(read, precision, recall, f1, accuracy, macro):
    found = score("gad", GAD_GOLD, read)
    assert (found.precision, found.recall, found.value) == pytest.approx((precision, recall, f1))
    extra = found.extra
    assert (extra["accuracy"], extra["macro_f1"]) == pytest.approx((accuracy, macro))
    assert extra["all_yes_f1"] == pytest.approx(2 / 3)


relations = st.lists(
    st.tuples(st.sampled_from((*TYPES, "false")), st.sampled_from((*TYPES, "false", None))),
    min_size=1,
    max_size=30,
)


@given(relations)
def test_relation_types_equal_scikit_learn(pairs):
    gold, read = map(list, zip(*pairs, strict=True))
    found, known = score("ddi", gold, read), [r or "not read" for r in read]
    micro, macro = (
        precision_recall_fscore_support(
            gold, known, labels=TYPES, average=average, zero_division=0
        )[:3]
        for average in ("micro", "macro")
    )
    assert (found.precision, found.recall, found.value) == pytest.approx(micro)
    assert found.extra["macro_f1"] == pytest.approx(macro[2])
    assert found.extra["accuracy"] == pytest.approx(accuracy_score(gold, known))
    each = precision_recall_fscore_support(gold, known, labels=TYPES, zero_division=0)
    for row, name in enumerate(TYPES):
        assert list(found.extra["types"][name].values()) == pytest.approx([x[row] for x in each])


answers = st.tuples(st.sampled_from(["yes", "no"]), st.sampled_from(["yes", "no", None]))


@given(st.lists(answers, min_size=1, max_size=30))
def test_positive_class_equals_scikit_learn(pairs):
    gold, read = map(list, zip(*pairs, strict=True))
    found, known = score("gad", gold, read), [r or "not read" for r in read]
    expected = precision_recall_fscore_support(gold, known, labels=["yes"], zero_division=0)
    assert (found.precision, found.recall, found.value) == pytest.approx(
        [x[0] for x in expected[:3]]
    )
    macro = f1_score(gold, known, labels=["yes", "no"], average="macro", zero_division=0)
    assert found.extra["macro_f1"] == pytest.approx(macro)


# ---- Labels of a document ---------------------------------------------------

P, G, D, R = HALLMARKS[:4]


def test_label_decisions_are_not_the_example_based_score():
    gold = [A({P, G}), A({D}), A({P})]
    read = [A({P}), A({D, G, R}), None]
    found = score("hoc", gold, read)
    assert found.value == found.precision == found.recall == pytest.approx(1 / 2)
    extra = found.extra
    assert extra["example_based_precision"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert extra["example_based_recall"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert extra["example_based_f1"] == pytest.approx(8 / 17)
    assert extra["labels"][P] == pytest.approx(
        {"precision": 1, "recall": 1 / 2, "f1": 2 / 3, "gold": 2}
    )
    assert extra["macro_f1"] == pytest.approx((2 / 3 + 1) / 10)


@pytest.mark.parametrize(
    ("read", "value", "example_based", "coverage"),
    [
        ([A({P, G}), A({D})], 1, 1, 1),
        ([A({D}), A({P})], 0, 0, 1),
        ([A(), A()], 0, 0, 1),
        ([None, None], 0, 0, 0),
    ],
    ids=["identical", "disjoint", "no label", "mute"],
)
def test_labels_at_their_limits(read, value, example_based, coverage):
    found = score("hoc", [A({P, G}), A({D})], read)
    assert (found.value, found.coverage) == (value, coverage)
    assert found.extra["example_based_f1"] == example_based


labels = st.frozensets(st.sampled_from(HALLMARKS), max_size=5)


@given(st.lists(st.tuples(labels.filter(bool), labels), min_size=1, max_size=10))
def test_labels_equal_scikit_learn(pairs):
    gold, read = zip(*pairs, strict=True)
    encoder = MultiLabelBinarizer(classes=list(HALLMARKS))
    truth, guess = encoder.fit_transform(gold), encoder.transform(read)
    found = score("hoc", gold, read)
    micro, macro, documents = (
        precision_recall_fscore_support(truth, guess, average=average, zero_division=0)
        for average in ("micro", "macro", "samples")
    )
    assert (found.precision, found.recall, found.value) == pytest.approx(micro[:3])
    assert found.extra["macro_f1"] == pytest.approx(macro[2])
    assert found.extra["example_based_precision"] == pytest.approx(documents[0])
    assert found.extra["example_based_recall"] == pytest.approx(documents[1])


# ---- Written text -----------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "read", "precision", "recall", "f1"),
    [
        ("No acute disease.", "No acute disease.", 1, 1, 1),
        ("No acute disease.", "NO ACUTE, disease", 1, 1, 1),
        ("no acute disease", "heart is large", 0, 0, 0),
        ("no acute disease", "", 0, 0, 0),
        ("no acute disease", " .", 0, 0, 0),
        ("no acute disease", None, 0, 0, 0),
        ("no acute disease", "没有", 0, 0, 0),
        ("the lungs are clear", "lungs clear", 1, 1 / 2, 2 / 3),
        ("lungs clear", "the lungs are clear", 1 / 2, 1, 2 / 3),
        ("lungs clear", "clear lungs", 1 / 2, 1 / 2, 1 / 2),
        ("small effusions", "small effusion", 1, 1, 1),
    ],
)
def test_rouge_l_by_hand(gold, read, precision, recall, f1):
    found = score("iu_xray", [gold], [read])
    assert (found.precision, found.recall, found.value) == pytest.approx((precision, recall, f1))


def test_empty_texts_score_nothing_and_stay_in_n():
    gold = ["lungs are clear"] * 10
    found = score("mimic_cxr", gold, ["lungs clear"] * 3 + ["", None, " ", "", "", None, None])
    assert found.value == pytest.approx(0.3 * 4 / 5)
    assert (found.n, found.coverage, found.extra["empty"]) == (10, 0.7, 7)


def test_rouge_l_is_a_mean_of_f1_and_not_the_f1_of_means():
    found = score("iu_xray", ["a b c d", "x"], ["a", "x y z w"])
    assert found.value == pytest.approx(0.4)
    assert (found.precision, found.recall) == (0.625, 0.625)


texts = st.lists(
    st.sampled_from(["a", "b", "c", "d", "e", ".", "Lungs", "lungs", "3.5", "follow-up"]),
    max_size=14,
)
text_pairs = st.lists(st.tuples(texts.filter(bool), st.none() | texts), min_size=1, max_size=6)


def _written(pairs):
    gold, read = zip(*pairs, strict=True)
    return [" ".join(g) for g in gold], [None if r is None else " ".join(r) for r in read]


@given(text_pairs)
def test_rouge_l_equals_its_package(pairs):
    gold, read = _written(pairs)
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    rows = [scorer.score(g, r or "")["rougeL"] for g, r in zip(gold, read, strict=True)]
    found = score("iu_xray", gold, read)
    assert (found.precision, found.recall, found.value) == pytest.approx(np.mean(rows, axis=0))


@given(text_pairs)
def test_bleu_equals_sacrebleu(pairs):
    gold, read = _written(pairs)
    bleu = BLEU(tokenize="intl", lowercase=True, smooth_method="none")
    expected = bleu.corpus_score([r or "" for r in read], [gold])
    found = score("mimic_iii", gold, read)
    assert found.value == pytest.approx(expected.score / 100, abs=1e-12)
    assert found.extra["signature"] == str(bleu.get_signature())
    assert found.extra["brevity_penalty"] == pytest.approx(expected.bp)
    rouge = score("mimic_cxr", gold, read)
    assert (found.precision, found.recall) == (rouge.precision, rouge.recall)


@pytest.mark.parametrize(
    ("gold", "read", "value"),
    [
        (["a b c d e"], ["a b c d e"], 1),
        (["a b c d e"], ["A B C D E"], 1),
        (["call for a follow - up ."], ["Call for a follow-up."], 1),
        (["a b c d"], ["x y z w"], 0),
        (["a b c d", "e"], ["", None], 0),
        (["a b c d"], ["a b c"], 0),
        (["a b c d e f"], ["a b c d"], math.exp(1 - 6 / 4)),
        (["a b c d e"], ["a b c d x"], (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
        (["a b c d", "e f g h"], ["a b c d", None], math.exp(1 - 8 / 4)),
        (["a b c d e", "f g"], ["a b c d e", "f x"], (6 / 7 * 4 / 5) ** 0.25),
    ],
    ids=[
        "identical",
        "case",
        "tokens",
        "disjoint",
        "empty",
        "no-4-gram",
        "short",
        "one-word",
        "half-empty",
        "corpus",
    ],
)
def test_bleu_by_hand(gold, read, value):
    assert score("mimic_iii", gold, read).value == pytest.approx(value, abs=1e-12)


# ---- What holds for every metric --------------------------------------------

words = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), min_size=5, max_size=9).map(
    " ".join
)
spans = st.frozensets(st.sampled_from([(0, 4), (2, 6), (7, 9)]))
CASES = {
    **dict.fromkeys(("medqa", "medmcqa", "mmlu_medicine"), (st.sampled_from("ABCD"),) * 2),
    "pubmedqa": (st.sampled_from(["yes", "no", "maybe"]),) * 2,
    "chatdoctor": (sets.filter(bool), sets),
    **dict.fromkeys(("mimic_cxr", "iu_xray", "mimic_iii"), (words, words | st.just(""))),
    **dict.fromkeys(
        ("bc5_disease", "ncbi_disease"),
        (spans, spans | st.builds(A.union, spans, st.just(LOST))),
    ),
    "ddi": (st.sampled_from((*TYPES, "false")),) * 2,
    "gad": (st.sampled_from(["yes", "no"]),) * 2,
    "hoc": (labels.filter(bool), labels),
}


def _drawn(data, key, size=8):
    gold, read = CASES[key]
    return (
        data.draw(st.lists(gold, min_size=2, max_size=size)),
        data.draw(st.lists(st.none() | read, min_size=size, max_size=size)),
    )


def test_every_data_set_has_a_metric_of_the_name_in_table_1():
    assert list(TASKS) == list(DATASETS) == list(CASES)
    for key, task in TASKS.items():
        word = {"micro F1": "F1", "entity-level F1": "entity-level"}.get(
            DATASETS[key].metric, DATASETS[key].metric
        )
        assert word in task.metric.name


@pytest.mark.parametrize("key", CASES)
@settings(max_examples=12)
@given(data=st.data())
def test_rules_of_every_metric(key, data):
    gold, read = _drawn(data, key)
    read = read[: len(gold)]
    found = score(key, gold, read)
    rates = (found.value, found.precision, found.recall, found.coverage, *found.interval)
    assert all(0 <= rate <= 1 for rate in rates)
    json.dumps(dataclasses.asdict(found), allow_nan=False)
    sums, statistic = sufficient(key, gold, read)
    assert float(statistic(sums.sum(axis=0))) == found.value
    assert np.vstack(
        [sufficient(key, [g], [r])[0] for g, r in zip(gold, read, strict=True)]
    ) == pytest.approx(sums)
    turned = score(key, gold[::-1], read[::-1])
    assert (turned.value, turned.precision, turned.recall) == pytest.approx(
        (found.value, found.precision, found.recall)
    )


@pytest.mark.parametrize("key", CASES)
@settings(max_examples=12)
@given(data=st.data())
def test_perfect_and_mute_answers(key, data):
    gold = data.draw(st.lists(CASES[key][0], min_size=3, max_size=8))
    if TASKS[key].metric.statistic(sufficient(key, gold, gold)[0].sum(axis=0)) == 0:
        return  # nothing to find: no mention, no positive pair
    whole, mute = score(key, gold, gold), score(key, gold, [None] * len(gold))
    assert (whole.value, whole.precision, whole.recall, whole.coverage) == (1, 1, 1, 1)
    assert (mute.value, mute.precision, mute.recall, mute.coverage) == (0, 0, 0, 0)


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


def test_reference_rows_of_accuracy():
    extra = score("pubmedqa", ["yes"] * 3 + ["no"], ["yes", "no", None, "no"]).extra
    assert extra["chance"] == pytest.approx(1 / 3)
    assert score("medqa", ["A"], ["A"]).extra["chance"] == 1 / 4
    assert (extra["majority_class"], extra["majority_accuracy"]) == ("yes", 3 / 4)
    assert extra["macro_f1"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_method_of_the_interval_is_named():
    gold, read = ["yes", "no"] * 6, ["yes", "yes"] * 6
    methods = [
        score("gad", gold, read, groups=groups).interval_method
        for groups in (None, list("abcdefghijkl"), list("aabbccddeeff"), ["a"] * 12)
    ]
    assert methods == [
        "percentile bootstrap over items",
        "percentile bootstrap over items",
        "percentile bootstrap over 6 groups",
        "none: one group cannot be resampled",
    ]


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


@pytest.mark.parametrize(
    ("key", "gold", "read", "message"),
    [
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


def test_groups_of_another_length_are_refused():
    with pytest.raises(BenchHealthError, match="1 groups for 2 items"):
        score("gad", ["yes", "no"], ["yes", "no"], groups=["a"])
