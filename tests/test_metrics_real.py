"""Every metric on the real gold labels, against a second computation.

Readings are gold with seeded noise: dropped, swapped, spurious and unread. The
second computation is scikit-learn, or loops written here; it shares no code
with the package.
"""

import math
import random
import re
from collections import Counter

import numpy as np
import pytest
from nltk.stem.porter import PorterStemmer
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from benchhealth_utils import load, score
from benchhealth_utils.datasets import DATASETS
from benchhealth_utils.stats import compare
from benchhealth_utils.tasks import sufficient

OPEN = [key for key, spec in DATASETS.items() if spec.tier == "open"]
CHOICES = {
    **dict.fromkeys(("medqa", "medmcqa", "mmlu_medicine"), "ABCD"),
    "pubmedqa": ("yes", "no", "maybe"),
    "ddi": ("mechanism", "effect", "advise", "int", "false"),
    "gad": ("yes", "no"),
}
SETS = ("chatdoctor", "bc5_disease", "ncbi_disease", "hoc")


@pytest.fixture(scope="module")
def gold(real_data):
    """Gold and groups of a data set, loaded once."""
    loaded = {}

    def of(key):
        if key not in loaded:
            examples = load(key, root=real_data)
            loaded[key] = [x.gold for x in examples], [x.group for x in examples]
        return loaded[key]

    return of


def noisy(key, gold, seed=0, error=0.3):
    """Gold with errors; one answer in ten is not read."""
    rng = random.Random(f"{key}-{seed}")
    pool = sorted({m for g in gold for m in g}) if key in SETS else []
    return [None if rng.random() < 0.1 else _disturbed(key, g, pool, rng, error) for g in gold]


def _disturbed(key, truth, pool, rng, error):
    if key in CHOICES:
        return rng.choice(CHOICES[key]) if rng.random() < error else truth
    if key == "iu_xray":
        kept = [w for w in truth.split() if rng.random() > error]
        if rng.random() < error:
            rng.shuffle(kept)
        return " ".join(kept + ["Lungs", "clear."] * (rng.random() < error))
    kept = {m for m in truth if rng.random() > error}
    if rng.random() < error:
        kept.add(rng.choice(pool))
    if key.endswith("disease"):
        kept |= {("spurious", k) for k in range(rng.choice((0, 0, 0, 1, 2)))}
        kept |= {(start, end - 1) for start, end in truth if rng.random() < error / 3}
    return frozenset(kept)


# ---- The second computation -------------------------------------------------


def by_loops(gold, read):
    """Accuracy: share right among the read, and among all."""
    right = answered = 0
    for truth, reading in zip(gold, read, strict=True):
        answered += reading is not None
        right += truth == reading
    return right / len(gold), right / answered, right / len(gold)


def by_one_large_set(gold, read):
    """Micro F1: all members of all items, marked with their item, in one set."""
    truth = {(row, member) for row, members in enumerate(gold) for member in members}
    found = {(row, member) for row, members in enumerate(read) for member in members or ()}
    both = len(truth & found)
    precision, recall = both / len(found), both / len(truth)
    return 2 * precision * recall / (precision + recall), precision, recall


def by_scikit_learn(labels):
    def micro(gold, read):
        known = [reading or "not read" for reading in read]
        precision, recall, value, _ = precision_recall_fscore_support(
            gold, known, labels=labels, average="micro"
        )
        return value, precision, recall

    return micro


def by_label_matrix(gold, read):
    encoder = MultiLabelBinarizer().fit(gold)
    truth, found = encoder.transform(gold), encoder.transform([r or () for r in read])
    precision, recall, value, _ = precision_recall_fscore_support(truth, found, average="micro")
    return value, precision, recall


def by_subsequences(gold, read):
    """ROUGE-L from its definition."""
    stem = PorterStemmer().stem
    rows = []
    for pair in zip(gold, read, strict=True):
        one, two = (
            [stem(w) if len(w) > 3 else w for w in re.findall("[a-z0-9]+", (t or "").lower())]
            for t in pair
        )
        longest = Counter()
        for i, a in enumerate(one):
            for j, b in enumerate(two):
                longest[i, j] = (
                    longest[i - 1, j - 1] + 1
                    if a == b
                    else max(longest[i - 1, j], longest[i, j - 1])
                )
        common = longest[len(one) - 1, len(two) - 1]
        precision, recall = common / max(1, len(two)), common / max(1, len(one))
        rows.append((2 * precision * recall / (precision + recall or 1), precision, recall))
    return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))


SECOND = {
    **dict.fromkeys(("medqa", "medmcqa", "mmlu_medicine", "pubmedqa"), by_loops),
    **dict.fromkeys(("chatdoctor", "bc5_disease", "ncbi_disease"), by_one_large_set),
    "iu_xray": by_subsequences,
    "ddi": by_scikit_learn(["mechanism", "effect", "advise", "int"]),
    "gad": by_scikit_learn(["yes"]),
    "hoc": by_label_matrix,
}


def bleu_by_counting(gold, read):
    """Corpus BLEU-4 of texts whose words are parted by spaces."""
    matched, total = Counter(), Counter()
    for truth, reading in zip(gold, read, strict=True):
        for order in range(1, 5):
            one, two = (
                Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))
                for words in (truth.split(), (reading or "").split())
            )
            total[order] += sum(two.values())
            matched[order] += sum((one & two).values())
    longer = sum(len(g.split()) for g in gold) / total[1]
    mean = sum(math.log(matched[order] / total[order]) for order in range(1, 5)) / 4
    return min(1, math.exp(1 - longer)) * math.exp(mean)


# ---- The comparison ---------------------------------------------------------


def test_every_open_data_set_has_a_second_computation():
    assert set(SECOND) == set(OPEN)


@pytest.mark.parametrize("key", OPEN)
def test_noisy_readings_score_as_computed_twice(gold, key):
    truth, groups = gold(key)
    read = noisy(key, truth)
    found = score(key, truth, read, groups=groups)
    assert (found.value, found.precision, found.recall) == pytest.approx(
        SECOND[key](truth, read), rel=1e-12
    )
    assert 0.3 < found.value < 0.9 and found.precision != found.recall
    assert found.coverage == pytest.approx(1 - read.count(None) / len(truth))
    low, high = found.interval
    assert low < found.value < high and high - low < 0.12


@pytest.mark.parametrize("key", OPEN)
def test_perfect_answers_score_one_and_mute_ones_nothing(gold, key):
    truth, groups = gold(key)
    whole = score(key, truth, truth, groups=groups)
    assert (whole.value, whole.precision, whole.recall, whole.coverage) == (1, 1, 1, 1)
    assert whole.n == len(truth) == DATASETS[key].size
    mute = score(key, truth, [None] * len(truth), groups=groups)
    assert (mute.value, mute.precision, mute.recall, mute.coverage) == (0, 0, 0, 0)


def test_further_figures_of_relations(gold):
    truth, _ = gold("ddi")
    read = noisy("ddi", truth)
    known = [reading or "not read" for reading in read]
    extra = score("ddi", truth, read).extra
    types = CHOICES["ddi"][:4]
    positive = [[label in types for label in labels] for labels in (truth, known)]
    assert extra["detection_f1"] == pytest.approx(f1_score(*positive))
    assert extra["macro_f1"] == pytest.approx(f1_score(truth, known, labels=types, average="macro"))
    assert extra["accuracy"] == pytest.approx(accuracy_score(truth, known))
    assert round(extra["all_false_accuracy"], 2) == 0.83
    cells = Counter(zip(truth, known, strict=True))
    assert {
        (g, r): n for g, row in extra["confusion"].items() for r, n in row.items() if n
    } == cells
    all_false = score("ddi", truth, ["false"] * len(truth))
    assert (all_false.value, all_false.extra["accuracy"]) == (0, extra["all_false_accuracy"])


def test_further_figures_of_labels_and_mentions(gold):
    truth, _ = gold("hoc")
    read = noisy("hoc", truth)
    rates = np.array(
        [(len(g & r) / len(r) if r else 0, len(g & r) / len(g))
         for g, r in zip(truth, [r or frozenset() for r in read], strict=True)]
    ).mean(axis=0)  # fmt: skip
    found = score("hoc", truth, read)
    expected = 2 * rates.prod() / rates.sum()
    assert found.extra["example_based_f1"] == pytest.approx(expected)
    assert abs(found.value - expected) > 0.005
    for key in ("bc5_disease", "ncbi_disease"):
        truth, _ = gold(key)
        found = score(key, truth, noisy(key, truth))
        extra = found.extra
        wrong = extra["boundary"] + extra["spurious"] + extra["not_in_sentence"]
        assert found.precision == pytest.approx(extra["hits"] / (extra["hits"] + wrong))
        assert min(extra["boundary"], extra["spurious"], extra["not_in_sentence"]) > 20
        assert 0.56 < extra["sentences"]["with_mentions"] / len(truth) < 0.6


def test_reference_values_of_the_real_labels(gold):
    pubmedqa, _ = gold("pubmedqa")
    assert score("pubmedqa", pubmedqa, pubmedqa).extra["majority_accuracy"] == 0.552
    gad, groups = gold("gad")
    all_yes = score("gad", gad, ["yes"] * len(gad), groups=groups)
    share = gad.count("yes") / len(gad)
    assert all_yes.value == all_yes.extra["all_yes_f1"] == pytest.approx(2 * share / (1 + share))


def test_bleu_of_real_impressions_is_computed_twice(gold):
    """MIMIC-III is not open: its metric on IU-Xray's texts, letters only."""
    truth, _ = gold("iu_xray")
    plain = [" ".join(re.findall("[a-z]+", text.lower())) for text in truth]
    read = [
        None if text is None else " ".join(re.findall("[a-z]+", text.lower()))
        for text in noisy("iu_xray", truth, error=0.2)
    ]
    found = score("mimic_iii", plain, read)
    assert found.value == pytest.approx(bleu_by_counting(plain, read), rel=1e-9)
    assert 0.1 < found.value < 0.9 and found.extra["brevity_penalty"] < 1
    assert score("mimic_iii", truth, truth).value == 1
    assert score("mimic_iii", truth, [None] * len(truth)).value == 0


@pytest.mark.parametrize("key", OPEN)
def test_a_better_model_is_told_from_a_worse_one(gold, key):
    truth, groups = gold(key)
    better, worse = noisy(key, truth, error=0.1), noisy(key, truth, seed=1, error=0.6)
    one, statistic = sufficient(key, truth, better)
    two, _ = sufficient(key, truth, worse)
    found = compare(one, two, statistic, groups, replicates=2_000)
    gap = score(key, truth, better).value - score(key, truth, worse).value
    assert found.difference == pytest.approx(gap)
    assert found.p_value < 0.01 and found.interval[0] > 0
    assert 0 < found.detectable < 0.13
