"""How a data set is put to a model: turns, exemplars, likelihood labels.

`build` is a pure function from an example (and exemplars) to messages. The
first user turn carries the instruction, and exemplars are alternating turns, so
that every model gets the same messages; its own chat template may add marks and
a system text. The words themselves are in `wording`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import wording
from .datasets import dataset as registered
from .exemplars import same_item
from .schema import BenchHealthError, Example, Message


@dataclass(frozen=True)
class Prompt:
    """How one task is put to a model.

    Attributes
    ----------
    instruction : str
        Table 4's words.
    after : bool
        Whether they follow the item, as Table 4 has it, or head it.
    question : callable
        Example to the text of its turn.
    answer : callable
        Exemplar to the text of the reply a model is shown.
    version : int
        Rises with every change that alters the text.
    max_tokens : int
        Most tokens a reply may have.
    document : callable
        Example to the part of the question that may be shortened.
    keep_end : bool
        Whether its end is kept then, rather than its beginning.
    labels, cue : callable, str
        Continuations compared in likelihood mode, and what comes before them.
    source : str
        Where Table 4 says the wording is from (bibliography key).
    """

    instruction: str
    question: Callable[[Example], str]
    answer: Callable[[Example], str]
    version: int
    max_tokens: int
    source: str
    after: bool = False
    document: Callable[[Example], str] = lambda example: ""
    keep_end: bool = False
    labels: Callable[[Example], tuple[str, ...]] | None = None
    cue: str = ""


def _exam_question(example: Example) -> str:
    options = " ".join(f"({x}) {text}" for x, text in example.inputs["options"].items())
    return f"Question: {example.inputs['question']}\n{options}"


def _pubmedqa_question(example: Example) -> str:
    return f"Context: {example.inputs['context']}\nQuestion: {example.inputs['question']}"


def _chatdoctor_question(example: Example) -> str:
    disease, symptoms = example.inputs["disease"], ", ".join(example.inputs["symptoms"])
    return (
        f"Question: What are the recommended medications for {disease}?\n"
        f"Content: Symptoms of {disease}: {symptoms}."
    )


def _chatdoctor_answer(example: Example) -> str:
    return (
        f"Analysis: The content describes {example.inputs['disease']} by its symptoms; "
        "these medications are used for it.\n"
        f"Final Answer: {'; '.join(sorted(example.gold))}"
    )


def _radiology_question(example: Example) -> str:
    return f"Given the findings: {_findings(example)}. Q: Summarize the findings. A:"


def _findings(example: Example) -> str:
    return example.inputs["findings"].strip().rstrip(".")


def _ner_question(example: Example) -> str:
    return f"Paragraph: {example.id} | {example.inputs['sentence']}"


def _ner_answer(example: Example) -> str:
    sentence = example.inputs["sentence"]
    names = [sentence[start:end] for start, end in sorted(example.gold)]
    listed = "; ".join(names) or "none"
    # A semicolon closes what could be taken apart: a single name with "and", a last comma.
    if listed.endswith(",") or (len(names) == 1 and re.search(r",|\b(?:and|or)\b", listed)):
        listed += ";"
    return f"{example.id} | {listed}"


def _ddi_answer(example: Example) -> str:
    return f"<{wording.DDI_LABELS[example.gold]}>"


def _gad_question(example: Example) -> str:
    sentence = example.inputs["sentence"]
    return sentence.replace("@GENE$", "@GENES").replace("@DISEASE$", "@DISEASES")


_EXAM = Prompt(
    instruction=wording.EXAM,
    question=_exam_question,
    answer=lambda example: f"Answer: ({example.gold})",
    version=1,
    max_tokens=512,
    source="singhal2023b",
    document=lambda example: example.inputs["question"],
    keep_end=True,  # a vignette ends with what is asked
    labels=lambda example: tuple(f" {x}" for x in example.inputs["options"]),
    cue="Answer:",
)
_RADIOLOGY = Prompt(
    instruction=wording.RADIOLOGY,
    question=_radiology_question,
    answer=lambda example: example.gold,
    version=1,
    max_tokens=256,
    source="tu2023",
    document=_findings,
)
_NER = Prompt(
    instruction=wording.NER,
    question=_ner_question,
    answer=_ner_answer,
    version=2,
    max_tokens=256,
    source="chen2023",
    after=True,
    document=lambda example: example.inputs["sentence"],
)
PROMPTS: Mapping[str, Prompt] = {
    "medqa": _EXAM,
    "medmcqa": _EXAM,
    "mmlu_medicine": _EXAM,
    "pubmedqa": Prompt(
        instruction=wording.PUBMEDQA,
        question=_pubmedqa_question,
        answer=lambda example: f"Answer: {example.gold}",
        version=1,
        max_tokens=256,
        source="singhal2023b",
        document=lambda example: example.inputs["context"],
        labels=lambda example: (" yes", " no", " maybe"),
        cue="Answer:",
    ),
    "chatdoctor": Prompt(
        instruction=wording.CHATDOCTOR,
        question=_chatdoctor_question,
        answer=_chatdoctor_answer,
        version=1,
        max_tokens=512,
        source="zhou2023b",
        document=lambda example: ", ".join(example.inputs["symptoms"]),
    ),
    "mimic_cxr": _RADIOLOGY,
    "iu_xray": _RADIOLOGY,
    "mimic_iii": Prompt(
        instruction=wording.MIMIC_III,
        question=lambda example: f"Health records: {example.inputs['record']}",
        answer=lambda example: example.gold,
        version=1,
        max_tokens=512,
        source="fleming2023",
        document=lambda example: example.inputs["record"],
    ),
    "bc5_disease": _NER,
    "ncbi_disease": _NER,
    "ddi": Prompt(
        instruction=wording.DDI,
        question=lambda example: example.inputs["sentence"],
        answer=_ddi_answer,
        version=1,
        max_tokens=128,
        source="chen2023",
        after=True,
        document=lambda example: example.inputs["sentence"],
        labels=lambda example: tuple(f" {label}" for label in wording.DDI_LABELS.values()),
        cue="Answer:",
    ),
    "gad": Prompt(
        instruction=wording.GAD,
        question=lambda example: f"Sentence: {_gad_question(example)}",
        answer=lambda example: f"Label: {example.gold.capitalize()}",
        version=1,
        max_tokens=128,
        source="tang2023",
        document=_gad_question,
        labels=lambda example: (" Yes", " No"),
        cue="Label:",
    ),
    "hoc": Prompt(
        instruction=wording.HOC,
        question=lambda example: f"document: {example.inputs['text']}",
        answer=lambda example: "; ".join(sorted(example.gold)),
        version=1,
        max_tokens=256,
        source="chen2023",
        after=True,
        document=lambda example: example.inputs["text"],
    ),
}


def prompt(dataset: str) -> Prompt:
    """The prompt of a data set; an unknown key lists the known ones."""
    registered(dataset)
    return PROMPTS[dataset]


def build(example: Example, shots: Sequence[Example] = ()) -> list[Message]:
    """Messages that put an example, after its exemplars, to a model.

    Parameters
    ----------
    example : Example
    shots : sequence of Example
        Exemplars, in the order they are shown; see `benchhealth_utils.exemplars`.

    Returns
    -------
    list of Message
        Alternating user and assistant turns, the last one the user's.

    Raises
    ------
    BenchHealthError
        If an exemplar is of another data set or is the test item itself.
    """
    task = prompt(example.dataset)
    messages: list[Message] = []
    for shot in shots:
        if shot.dataset != example.dataset:
            raise BenchHealthError(
                f"Exemplar {shot.id} is of {shot.dataset}, the item of {example.dataset}."
            )
        if same_item(shot, example):
            raise BenchHealthError(f"Exemplar {shot.id} is the test item {example.id}.")
        messages.append({"role": "user", "content": task.question(shot)})
        messages.append({"role": "assistant", "content": task.answer(shot)})
    messages.append({"role": "user", "content": task.question(example)})
    parts = [example.instruction or task.instruction, messages[0]["content"]]
    messages[0]["content"] = "\n\n".join(reversed(parts) if task.after else parts)
    return messages
