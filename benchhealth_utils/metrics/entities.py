"""Disease mentions in a sentence: BC5-disease and NCBI-disease.

What a reading is. Gold is a frozenset of spans ``(start, end)``, characters of
the sentence, end exclusive. A model names strings, so a reading is a frozenset
of the spans where its strings were found, each occurrence used once, and of one
other pair for each string that was not, such as ``("spurious", 0)``, unlike
every other in the set: a frozenset of such members counts as the multiset of the
strings. Every member that is not in gold is a false positive. An empty frozenset
says that there is no mention; None says that the answer could not be read.
"""

from __future__ import annotations

from ..schema import Scores
from .counting import f1, precision_recall, set_rows
from .scoring import Metric, scored


def entity_f1(gold, readings, groups=None, seed=0) -> Scores:
    """Entity-level micro F1: exact spans, hits and errors summed over sentences.

    A mention is found if both its ends are; half a mention is one spurious and
    one missed. Sentences without a mention count through what is wrongly named
    in them. An answer that was not read misses all mentions of its sentence;
    where there are none it costs nothing, which coverage shows.

    ``extra`` divides the false positives into ``boundary`` (overlaps a gold
    mention, but is not one), ``spurious`` (overlaps none) and ``not_in_sentence``,
    and counts sentences: ``with_mentions`` in gold; ``right``, read and equal to
    gold, of which ``right_and_empty`` have no mention; ``false_alarm``, a mention
    read where there is none; ``silent``, none read where there is one;
    ``not_read``.

    References
    ----------
    Tjong Kim Sang EF, De Meulder F. CoNLL 2003:142-147; for these data sets Peng
    Y et al. BioNLP 2019:58-65 (BLUE) and Gu Y et al. ACM Trans Comput Healthc
    2021;3(1):1-23 (BLURB).
    """
    return scored(ENTITY_F1, gold, readings, groups, seed)


def is_span(member) -> bool:
    """Whether a member of a reading is a place in the sentence.

    >>> is_span((0, 7)), is_span(("spurious", 0))
    (True, False)
    """
    start, end = member
    return isinstance(start, int) and isinstance(end, int) and 0 <= start < end


def _kind(member: tuple, gold: frozenset) -> str:
    """What is wrong with a false positive."""
    if not is_span(member):
        return "not_in_sentence"
    start, end = member
    meets = any(start < last and first < end for first, last in gold)
    return "boundary" if meets else "spurious"


def _extra(gold, readings, rows) -> dict:
    wrong = dict.fromkeys(("boundary", "spurious", "not_in_sentence"), 0)
    pairs = list(zip(gold, readings, strict=True))
    for truth, reading in pairs:
        for member in (reading or frozenset()) - truth:
            wrong[_kind(member, truth)] += 1
    return {
        "hits": int(rows[:, 0].sum()),
        "missed": int(rows[:, 2].sum()),
        **wrong,
        "sentences": {
            "with_mentions": sum(bool(g) for g in gold),
            "right": sum(g == r for g, r in pairs),
            "right_and_empty": sum(g == r and not g for g, r in pairs),
            "false_alarm": sum(bool(r) and not g for g, r in pairs),
            "silent": sum(bool(g) and r == frozenset() for g, r in pairs),
            "not_read": sum(r is None for r in readings),
        },
    }


ENTITY_F1 = Metric("entity-level micro F1 over exact spans", set_rows, f1, precision_recall, _extra)
