"""Written text against one reference: ROUGE-L and BLEU-4.

A reading is the text. One that is None, empty or without a word scores 0 and
stays in n. Packages are imported on first use.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ..schema import Scores
from .counting import ratio
from .scoring import Metric, column, scored

BLEU_OPTIONS = {"tokenize": "intl", "lowercase": True, "smooth_method": "none"}
ORDERS = 4


def rouge_l(gold, readings, groups=None, seed=0) -> Scores:
    """ROUGE-L: F1 of the longest common subsequence of words, mean over items.

    The words of both texts are lower-cased runs of a-z and 0-9, cut to their
    stems when longer than three characters (`rouge_score`, ``rougeL`` over the
    whole text, ``use_stemmer=True``). Precision is the subsequence's share of
    the reading's words, recall its share of gold's, each a mean over items too:
    the value is the mean of the items' F1, not the F1 of the two means. A text
    in another script has no words here and scores 0.

    References
    ----------
    Lin CY. ROUGE: a package for automatic evaluation of summaries. 2004:74-81.
    """
    return scored(ROUGE_L, gold, readings, groups, seed)


def bleu_4(gold, readings, groups=None, seed=0) -> Scores:
    """Corpus BLEU-4: matches of 1- to 4-grams summed over all items, by sacrebleu.

    The geometric mean of the four precisions, with equal weights, times the
    brevity penalty of the summed lengths. Not smoothed: without one 4-gram in
    common in the whole corpus it is 0. Gold is lower-cased and every punctuation
    mark in it is a token, so case is ignored and both sides are tokenised with
    ``intl``, which divides words at punctuation but for that between digits
    ("follow-up" and gold's "follow - up" agree, "100.5" and "100 . 5" do not).
    Precision and recall are those of `rouge_l`, since BLEU has no recall.

    ``extra`` holds sacrebleu's signature, the precisions, the brevity penalty,
    the length ratio (reading to gold) and ROUGE-L's F1.

    References
    ----------
    Papineni K et al. ACL 2002:311-318; Post M. WMT 2018:186-191 (sacrebleu).
    """
    return scored(BLEU_4, gold, readings, groups, seed)


def _rouge_rows(gold, readings) -> np.ndarray:
    """F1, precision, recall, item."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    rows = []
    for truth, reading in zip(gold, readings, strict=True):
        found = scorer.score(truth, reading or "")["rougeL"]
        rows.append((found.fmeasure, found.precision, found.recall, 1))
    return np.array(rows, dtype=float)


def _bleu_rows(gold, readings) -> np.ndarray:
    """Length, gold's length, four matches, four totals, then ROUGE-L's columns.

    An item's counts come from a sentence score, the public way to them; that
    score itself (and the order it effectively has) is not used.
    """
    from sacrebleu.metrics import BLEU

    bleu = BLEU(**BLEU_OPTIONS, max_ngram_order=ORDERS, effective_order=True)
    rows = []
    for truth, reading in zip(gold, readings, strict=True):
        found = bleu.sentence_score(reading or "", [truth])
        rows.append((found.sys_len, found.ref_len, *found.counts, *found.totals))
    return np.hstack([np.array(rows, dtype=float), _rouge_rows(gold, readings)])


def _precisions(totals: np.ndarray) -> np.ndarray:
    return ratio(totals[..., 2 : 2 + ORDERS], totals[..., 2 + ORDERS : 2 + 2 * ORDERS])


def _brevity(totals: np.ndarray) -> np.ndarray:
    length, reference = totals[..., 0], totals[..., 1]
    excess = np.maximum(ratio(reference, length) - 1, 0)
    return np.where(length > 0, np.exp(-excess), 0.0)


def bleu(totals: np.ndarray) -> np.ndarray:
    """BLEU-4 in [0, 1] from summed lengths, matches and totals."""
    precisions = _precisions(totals)
    logs = np.log(precisions, out=np.full(precisions.shape, -np.inf), where=precisions > 0)
    return _brevity(totals) * np.exp(logs.mean(axis=-1))


def _empty(readings) -> int:
    return sum(not (reading or "").strip() for reading in readings)


def _rouge_extra(gold, readings, rows) -> dict:
    return {
        "signature": f"rouge-score {version('rouge-score')}|rougeL|stemmer:yes",
        "empty": _empty(readings),
    }


def _bleu_extra(gold, readings, rows) -> dict:
    from sacrebleu.metrics import BLEU

    plain = BLEU(**BLEU_OPTIONS, max_ngram_order=ORDERS)
    plain.corpus_score([gold[0]], [[gold[0]]])  # only a used metric knows its signature
    totals = rows.sum(axis=0)
    return {
        "signature": str(plain.get_signature()),
        "precisions": _precisions(totals).tolist(),
        "brevity_penalty": float(_brevity(totals)),
        "length_ratio": float(ratio(totals[0], totals[1])),
        "rouge_l": float(column(-4)(totals)),
        "empty": _empty(readings),
    }


def _rouge_precision_recall(totals):
    return column(-3)(totals), column(-2)(totals)


ROUGE_COLUMNS = ("rouge_f1", "rouge_precision", "rouge_recall", "items")
BLEU_COLUMNS = ("length", "reference_length") + tuple(
    f"{what}_{n}" for what in ("matches", "ngrams") for n in range(1, ORDERS + 1)
)
ROUGE_L = Metric(
    "mean ROUGE-L F1 over items",
    _rouge_rows,
    column(-4),
    _rouge_precision_recall,
    _rouge_extra,
    columns=ROUGE_COLUMNS,
)
BLEU_4 = Metric(
    "corpus BLEU-4 over lower-case tokens",
    _bleu_rows,
    bleu,
    _rouge_precision_recall,
    _bleu_extra,
    columns=BLEU_COLUMNS + ROUGE_COLUMNS,
)
