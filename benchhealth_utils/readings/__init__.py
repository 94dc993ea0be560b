"""What an answer's text says: an option, a label, names, a text; or None.

A reading depends on the text and on the item's own options or sentence alone. It is
never guessed: a reply that does not state its answer is not read. Each task has a
module, which lists its rules in the order in which they apply; they share `clean`, the
cues that open a final answer, and the finding of lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..schema import BenchHealthError, Example, Reading
from ..tasks import TASKS
from .choices import read_label, read_letter
from .clean import without_prompt
from .drugs import read_drugs
from .entities import read_entities
from .hallmarks import read_hallmarks
from .relations import read_gene_disease, read_relation
from .texts import read_text


def _letter(example: Example, text: str) -> str | None:
    return read_letter(text, example.inputs["options"])


def _yes_no_maybe(example: Example, text: str) -> str | None:
    return read_label(text, ("yes", "no", "maybe"))


def _drugs(example: Example, text: str) -> frozenset[str] | None:
    return read_drugs(text)


def _radiology(example: Example, text: str) -> str | None:
    return read_text(_without_item(example, text), "radiology")


def _discharge(example: Example, text: str) -> str | None:
    return read_text(_without_item(example, text), "discharge")


def _entities(example: Example, text: str) -> frozenset | None:
    return read_entities(text, example.inputs["sentence"])


def _relation(example: Example, text: str) -> str | None:
    return read_relation(_without_item(example, text))


def _gene_disease(example: Example, text: str) -> str | None:
    return read_gene_disease(_without_item(example, text))


def _hallmarks(example: Example, text: str) -> frozenset[str] | None:
    return read_hallmarks(_without_item(example, text))


def _without_item(example: Example, text: str) -> str:
    """Drop the item itself, where a reply repeats it word by word."""
    item = TASKS[example.dataset].question(example)
    begins = " ".join(item[:200].split())[:100]
    return without_prompt(text, item) if begins in " ".join(text.split()) else text


def _own_question(example: Example, text: str) -> str:
    """Drop the label where a reply says the item's own question again.

    A ``Question:`` that opens another question is where a reply runs on; one
    that opens the item's own is only an echo.
    """
    own = re.escape(str(example.inputs.get("question", ""))[:40])
    return re.sub(rf"\bQuestion:\s*(?={own})", "", text) if own else text


READINGS: Mapping[str, Callable[[Example, str], Reading | None]] = {
    "medqa": _letter,
    "medmcqa": _letter,
    "mmlu_medicine": _letter,
    "pubmedqa": _yes_no_maybe,
    "chatdoctor": _drugs,
    "mimic_cxr": _radiology,
    "iu_xray": _radiology,
    "mimic_iii": _discharge,
    "bc5_disease": _entities,
    "ncbi_disease": _entities,
    "ddi": _relation,
    "gad": _gene_disease,
    "hoc": _hallmarks,
}


def read(example: Example, text: str) -> Reading | None:
    """What a model's reply to an example says.

    Parameters
    ----------
    example : Example
        Its data set says what is looked for; its gold value is not used.
    text : str
        The reply. The prompt's instruction, if the model repeats it word by word,
        is no part of it.

    Returns
    -------
    Reading or None
        Of the gold value's kind: an option's letter; a label; the text; a set of drug
        names, hallmarks or spans in the sentence (beside ``("spurious", k)`` for names
        that are not in it), empty if the reply says that there are none. None if the
        reply does not state an answer.

    Raises
    ------
    BenchHealthError
        If there is no reading for the data set yet.

    Examples
    --------
    >>> options = {"A": "Warfarin", "B": "Amoxicillin", "C": "Metformin"}
    >>> example = Example("1", "medqa", {"options": options}, "C", "1")
    >>> read(example, "The glucose is high. **Answer: (c)** Metformin")
    'C'
    >>> read(example, "A patient with high glucose should be examined.") is None
    True
    """
    if example.dataset not in READINGS:
        raise BenchHealthError(
            f"There is no reading for '{example.dataset}' yet. There is one for: "
            f"{', '.join(READINGS)}."
        )
    text = without_prompt(text, example.instruction or TASKS[example.dataset].instruction)
    text = _own_question(example, text)
    return READINGS[example.dataset](example, text)
