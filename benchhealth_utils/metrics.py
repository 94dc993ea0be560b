"""What every metric is made of: sums over items, a statistic of their totals, an interval.

A reading of ``None`` is an abstention: never a hit, and counted in ``n``. Each metric is
defined on the page Metrics, with its sources; the tasks choose theirs from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from .schema import BenchHealthError, Gold, Reading, Scores
from .stats import resample, share, wilson

FIGURES = ("value", "precision", "recall")


# Hits, spurious and missed: a member of gold and reading is a hit, one of the reading alone is
# spurious, one of gold alone is missed. An answer that was not read is an empty set: it only
# misses.


def counts(gold: frozenset, reading: frozenset | None) -> tuple[int, int, int]:
    """Hits, spurious and missed members of one predicted set.

    >>> counts(frozenset({"a", "b"}), frozenset({"b", "c", "d"}))
    (1, 2, 1)
    """
    reading = reading or frozenset()
    return len(gold & reading), len(reading - gold), len(gold - reading)


def set_sums(gold, readings, among: Iterable[str] | None = None) -> np.ndarray:
    """`counts` of every item, shape (items, 3); of labels, those `among` which are counted."""
    if among is not None:
        gold, readings = as_sets(gold, among), as_sets(readings, among)
    return np.array([counts(g, r) for g, r in zip(gold, readings, strict=True)], dtype=float)


def ratio(top, bottom) -> np.ndarray:
    """``top / bottom``, and 0 where `bottom` is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, float), np.asarray(bottom, float))
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)


def precision_recall(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall, each of shape (...), from hits, spurious and missed.

    Parameters
    ----------
    totals : array-like, shape (..., 3)

    Returns
    -------
    tuple of ndarray, shape (...)
        In this order, in [0, 1]; a ratio without a denominator is 0.

    References
    ----------
    van Rijsbergen CJ. Information Retrieval. 2nd ed. 1979, ch. 7.
    """
    hits, spurious, missed = np.moveaxis(np.asarray(totals, dtype=float), -1, 0)
    return ratio(hits, hits + spurious), ratio(hits, hits + missed)


def f1(totals: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, from the same totals; 0 where nothing is counted."""
    hits, spurious, missed = np.moveaxis(np.asarray(totals, dtype=float), -1, 0)
    return ratio(2 * hits, 2 * hits + spurious + missed)


def as_sets(labels: Iterable[str | frozenset | None], among: Iterable[str]) -> list[frozenset]:
    """Each label, or set of labels, as the set of those that are `among` which count."""
    among = frozenset(among)
    return [among & (x if isinstance(x, frozenset) else {x}) for x in labels]


@dataclass(frozen=True)
class Metric:
    """What a metric is made of; by default micro F1 over the members of sets.

    Attributes
    ----------
    name : str
        With its variant.
    sums : callable
        Takes gold and readings, gives sufficient statistics, shape (items, quantities).
    statistic : callable
        Takes totals of shape (..., quantities), gives values of shape (...).
    precision_recall : callable
        Takes the same totals, gives a pair.
    extra : callable
        Takes gold, readings and sums, gives the further figures.
    labels : tuple of str, optional
        What a label may be; None where there is no list.
    columns : tuple of str
        Names of the quantities that are summed.
    """

    name: str
    sums: Callable[[Sequence, Sequence], np.ndarray] = set_sums
    statistic: Callable[[np.ndarray], np.ndarray] = f1
    precision_recall: Callable[[np.ndarray], tuple] = precision_recall
    extra: Callable[[Sequence, Sequence, np.ndarray], dict] = lambda gold, readings, sums: {}
    labels: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ("tp", "fp", "fn")

    def figures(self, totals: np.ndarray) -> np.ndarray:
        """Value, precision and recall, shape (3, ...), from totals."""
        return np.stack([self.statistic(totals), *self.precision_recall(totals)])

    def score(
        self, gold: Sequence[Gold], readings: Sequence[Reading | None], groups=None, seed: int = 0
    ) -> Scores:
        """Scores, with the interval that suits the statistic.

        Value, precision and recall are taken of the same 10,000 resamples. Each is
        what the metric defines for every resample, also where a ratio has nothing
        beneath it: 0. Where no item has anything to find or found, nothing is defined (NaN).
        With a single group there is nothing to resample, and no ``distribution``.
        """
        self.check(gold, readings, groups)
        read = float(np.mean([reading is not None for reading in readings]))
        rows = self.sums(gold, readings)
        return self.of_sums(rows, groups, seed, read, self.extra(gold, readings, rows))

    def of_sums(
        self, rows: np.ndarray, groups=None, seed: int = 0, coverage=np.nan, extra=None
    ) -> Scores:
        """`score` of what the items add, shape (items, quantities)."""
        n, totals = len(rows), rows.sum(axis=0)
        units = n if groups is None else len(set(groups))
        drawn = resample(rows, self.figures, groups, seed=seed)
        figures, interval = self.figures(totals).tolist(), tuple(drawn.interval[0].tolist())
        ends = np.percentile(drawn.replicates, range(101), axis=-1).T.round(5).tolist()
        spread = dict(zip(FIGURES, map(tuple, ends), strict=True)) if units > 1 else {}
        method = "percentile bootstrap over " + ("items" if units == n else f"{units} groups")
        if self.statistic is share and units == n:
            interval, method = wilson(int(totals[0]), n), "Wilson"
        elif units == 1:
            method = "none: one group cannot be resampled"
        if not totals.any():
            figures, interval, spread = (np.nan,) * 3, (np.nan,) * 2, {}
            method = "none: nothing was to be found, and nothing was"
        about = (self.name, method, extra or {}, spread)
        return Scores(*figures, n, coverage, interval, *about)

    def check(self, gold: Sequence, readings: Sequence, groups: Sequence | None = None) -> None:
        """Refuse what cannot be scored, before anything is counted."""
        if len(gold) != len(readings) or not len(gold):
            counts = f"{len(gold)} gold values and {len(readings)} readings"
            raise BenchHealthError(f"{counts}; expected as many of both, and at least one.")
        if groups is not None and len(groups) != len(gold):
            raise BenchHealthError(f"{len(groups)} groups for {len(gold)} items.")
        kind = frozenset if isinstance(gold[0], frozenset) else str
        told = [(f"item {n}: gold", x) for n, x in enumerate(gold)]
        told += [(f"item {n}: reading", x) for n, x in enumerate(readings) if x is not None]
        for where, value in told:
            if not isinstance(value, kind):
                given = f"is of type {type(value).__name__}; expected {kind.__name__}"
                raise BenchHealthError(f"{where} {given}, and only a reading may be None.")
            odd = (value if kind is frozenset else {value}) - set(self.labels or ())
            if self.labels and odd:
                odd, known = ", ".join(sorted(map(str, odd))), ", ".join(self.labels)
                raise BenchHealthError(f"{where} has {odd}; known: {known}.")


def per_label(gold, readings, labels: Iterable[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and number in gold of each label."""
    found = {}
    for label in labels:
        totals = set_sums(gold, readings, [label]).sum(axis=0)
        precision, recall = map(float, precision_recall(totals))
        found[label] = {"precision": precision, "recall": recall, "f1": float(f1(totals))}
        found[label]["gold"] = int(totals[0] + totals[2])
    return found


def macro_f1(each: Mapping[str, Mapping[str, float]]) -> float:
    """Mean of the labels' F1, as in scikit-learn; not the F1 of mean P and R."""
    return sum(row["f1"] for row in each.values()) / len(each)


def confusion(gold, readings, labels: Iterable[str]) -> dict[str, dict[str, int]]:
    """Items by gold label and, within it, by what was read."""
    columns = {label: label for label in labels} | {None: "not read"}
    seen = Counter(zip(gold, readings, strict=True))
    return {g: {name: seen[g, r] for r, name in columns.items()} for g in labels}


def right(gold, readings) -> float:
    """Share of the items whose label was read and is gold's."""
    return sum(g == r for g, r in zip(gold, readings, strict=True)) / len(gold)


def accuracy(classes: Sequence[str]) -> Metric:
    """Accuracy among these answers; any other is refused.

    Its extra figures are macro F1 over the classes in gold and, as reference rows,
    ``chance`` (uniform guessing) and the majority class, which takes the answers'
    distribution from gold itself.
    """

    def sums(gold, readings):  # correct, item, read
        pairs = zip(gold, readings, strict=True)
        return np.array([(g == r, 1, r is not None) for g, r in pairs], dtype=float)

    def extra(gold, readings, rows):
        seen = Counter(gold)
        most = max(seen, key=lambda name: (seen[name], name))
        return {
            "macro_f1": macro_f1(per_label(gold, readings, sorted(seen))),
            "chance": 1 / len(classes),
            "majority_class": most,
            "majority_accuracy": seen[most] / len(gold),
            "gold_counts": dict(sorted(seen.items())),
            "reading_counts": dict(sorted(Counter(map(str, readings)).items())),
        }

    def rates(totals):
        return ratio(totals[..., 0], totals[..., 2]), share(totals)

    columns = ("right", "items", "read")
    return Metric("accuracy", sums, share, rates, extra, tuple(classes), columns)


# Written text against one reference. A reading is the text; one that is None, empty or without
# a word scores 0 and stays in n. The packages are imported on first use.

ORDERS = 4
BLEU_OPTIONS = {"tokenize": "intl", "lowercase": True, "smooth_method": "none"}


def _rouge_sums(gold, readings) -> np.ndarray:
    """F1, precision, recall, item."""
    from rouge_score.rouge_scorer import RougeScorer

    score = RougeScorer(["rougeL"], use_stemmer=True).score
    found = [score(g, r or "")["rougeL"] for g, r in zip(gold, readings, strict=True)]
    return np.array([(x.fmeasure, x.precision, x.recall, 1) for x in found], dtype=float)


def _rouge_mean(column: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda totals: totals[..., column] / totals[..., -1]


def _rouge_precision_recall(totals):
    return _rouge_mean(-3)(totals), _rouge_mean(-2)(totals)


def _empty(readings) -> int:
    return sum(not (reading or "").strip() for reading in readings)


def _rouge_extra(gold, readings, rows) -> dict:
    signature = f"rouge-score {version('rouge-score')}|rougeL|stemmer:yes"
    return {"signature": signature, "empty": _empty(readings)}


def _bleu(**options):
    from sacrebleu.metrics import BLEU

    return BLEU(**BLEU_OPTIONS, max_ngram_order=ORDERS, **options)


def _bleu_sums(gold, readings) -> np.ndarray:
    """Length, gold's length, four matches, four totals, then ROUGE-L's columns.

    An item's counts come from a sentence score, the public way to them; that
    score itself (and the order it effectively has) is not used.
    """
    score = _bleu(effective_order=True).sentence_score
    found = [score(r or "", [g]) for g, r in zip(gold, readings, strict=True)]
    rows = [(x.sys_len, x.ref_len, *x.counts, *x.totals) for x in found]
    return np.hstack([np.array(rows, dtype=float), _rouge_sums(gold, readings)])


def _precisions(totals: np.ndarray) -> np.ndarray:
    return ratio(totals[..., 2 : 2 + ORDERS], totals[..., 2 + ORDERS : 2 + 2 * ORDERS])


def _brevity(totals: np.ndarray) -> np.ndarray:
    length, reference = totals[..., 0], totals[..., 1]
    return np.where(length > 0, np.exp(-np.maximum(ratio(reference, length) - 1, 0)), 0.0)


def bleu(totals: np.ndarray) -> np.ndarray:
    """BLEU-4 in [0, 1] from summed lengths, matches and totals."""
    precisions = _precisions(totals)
    logs = np.log(precisions, out=np.full(precisions.shape, -np.inf), where=precisions > 0)
    return _brevity(totals) * np.exp(logs.mean(axis=-1))


def _bleu_extra(gold, readings, rows) -> dict:
    plain, totals = _bleu(), rows.sum(axis=0)
    plain.corpus_score([gold[0]], [[gold[0]]])  # only a used metric knows its signature
    return {
        "signature": str(plain.get_signature()),
        "precisions": _precisions(totals).tolist(),
        "brevity_penalty": float(_brevity(totals)),
        "length_ratio": float(ratio(totals[0], totals[1])),
        "rouge_l": float(_rouge_mean(-4)(totals)),
        "empty": _empty(readings),
    }


_ROUGE_COLUMNS = ("rouge_f1", "rouge_precision", "rouge_recall", "items")
_BLEU_COLUMNS = tuple(f"{what}_{n}" for what in ("matches", "ngrams") for n in range(1, ORDERS + 1))
ROUGE_L = Metric(
    "mean ROUGE-L F1 over items",
    _rouge_sums, _rouge_mean(-4), _rouge_precision_recall, _rouge_extra,
    columns=_ROUGE_COLUMNS,
)  # fmt: skip
BLEU_4 = Metric(
    "corpus BLEU-4 over lower-case tokens",
    _bleu_sums, bleu, _rouge_precision_recall, _bleu_extra,
    columns=("length", "reference_length", *_BLEU_COLUMNS, *_ROUGE_COLUMNS),
)  # fmt: skip
