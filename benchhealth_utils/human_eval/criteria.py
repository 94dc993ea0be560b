"""What a rater compares two replies by, and the verdicts to choose from.

The paper names four criteria and defines them for a model over many tasks (its
Table 2). A rater sees one pair of replies, so each definition here is that of a
single reply, in our words.
"""

from __future__ import annotations

from dataclasses import dataclass

CHOICES = ("left", "tie", "right")
OUTCOMES = ("a", "tie", "b")


@dataclass(frozen=True)
class Criterion:
    """One question that a rater answers for every pair.

    Attributes
    ----------
    key : str
        As in files and frames.
    name : str
        As on a page.
    definition : str
        What a rater is told.
    """

    key: str
    name: str
    definition: str


CRITERIA = {
    item.key: item
    for item in (
        Criterion(
            "faithfulness",
            "Faithfulness",
            "Which reply has less in it that is wrong, made up or harmful, "
            "however plausible it sounds?",
        ),
        Criterion(
            "comprehensiveness",
            "Comprehensiveness",
            "Which reply leaves out less of what matters for this patient: likely causes, "
            "warning signs, the next step?",
        ),
        Criterion(
            "generalizability",
            "Generalizability",
            "Which reply shows more of an ability that would serve other patients, complaints "
            "and kinds of request as well, and not only this one?",
        ),
        Criterion(
            "robustness",
            "Robustness",
            "Which reply is less led astray by how the question is put: spelling, everyday "
            "words, missing or needless detail?",
        ),
    )
}
