"""Prompts in the wording of the paper's Table 4, and exemplars.

`build` is a pure function from an example (and exemplars) to messages. The
instruction heads the first user turn, exemplars are alternating turns, and
nothing else is added, so that every model reads the same words through its own
chat template.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .datasets import dataset as registered
from .schema import BenchHealthError, Example, Message

EXAM = (
    "The following are multiple-choice questions about medical knowledge. Solve them "
    "in a step-by-step fashion, starting by summarizing the available information. "
    "Output a single option from the four options as the final answer."
)
PUBMEDQA = (
    "This is a multiple-choice question about medical research. Determine the answer "
    "to the question based on the strength of the scientific evidence provided in the "
    "context. Valid answers are yes, no, or maybe. Answer yes or no if the evidence in "
    "the context supports a definitive answer. Answer maybe if the evidence in the "
    "context does not support a definitive answer, such as when the context discusses "
    "both conditions where the answer is yes and conditions where the answer is no."
)
CHATDOCTOR = (
    "Task: Your task is to list the medications based on the provided content related "
    "to the symptom or disease mentioned in the question. Understand the question, "
    "extract relevant information, analyze it, and provide a concise and accurate "
    "answer.\n"
    "Answer Format: Analysis: Provide an analysis that logically leads to the answer "
    "based on the relevant content. Final Answer: Provide the final answer, which "
    "should be a list of medications related to the symptom or disease.\n"
    "Not to dos: Do not make assumptions not supported by the content. Avoid providing "
    "personal opinions or interpretations. Summarize and interpret the information as "
    "objectively and accurately as possible. You are providing an analysis, not "
    "diagnosing or treating medical conditions."
)


@dataclass(frozen=True)
class Prompt:
    """How one task is put to a model.

    Attributes
    ----------
    instruction : str
        Table 4's words.
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
    document: Callable[[Example], str] = lambda example: ""
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


_EXAM = Prompt(
    instruction=EXAM,
    question=_exam_question,
    answer=lambda example: f"Answer: ({example.gold})",
    version=1,
    max_tokens=512,
    source="singhal2023b",
    document=lambda example: example.inputs["question"],
    labels=lambda example: tuple(f" {x}" for x in example.inputs["options"]),
    cue="Answer:",
)
PROMPTS: Mapping[str, Prompt] = {
    "medqa": _EXAM,
    "medmcqa": _EXAM,
    "mmlu_medicine": _EXAM,
    "pubmedqa": Prompt(
        instruction=PUBMEDQA,
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
        instruction=CHATDOCTOR,
        question=_chatdoctor_question,
        answer=_chatdoctor_answer,
        version=1,
        max_tokens=512,
        source="zhou2023b",
        document=lambda example: ", ".join(example.inputs["symptoms"]),
    ),
}


def prompt(dataset: str) -> Prompt:
    """The prompt of a data set; an unknown key lists the known ones."""
    registered(dataset)
    if dataset not in PROMPTS:
        raise BenchHealthError(
            f"There is no prompt for '{dataset}' yet. There is one for: {', '.join(PROMPTS)}."
        )
    return PROMPTS[dataset]


def build(example: Example, shots: Sequence[Example] = ()) -> list[Message]:
    """Messages that put an example, after its exemplars, to a model.

    Parameters
    ----------
    example : Example
    shots : sequence of Example
        Exemplars, in the order they are shown; see `exemplars`.

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
    messages[0]["content"] = f"{task.instruction}\n\n{messages[0]['content']}"
    return messages


def exemplar_order(pool: Sequence[Example], seed: int = 0) -> list[Example]:
    """The training part in the order, fixed by `seed`, that exemplars are taken."""

    def draw(example):
        return hashlib.sha256(f"exemplar:{seed}:{example.id}".encode()).digest()

    return sorted(pool, key=draw)


def exemplars(example: Example, ordered: Sequence[Example], shots: int) -> list[Example]:
    """The first exemplars in the order that are not the item itself.

    All items of a data set get the same exemplars, save that an item which is
    itself an exemplar, by id or by normalised text, gets the next one in its
    place.

    Parameters
    ----------
    example : Example
        The test item.
    ordered : sequence of Example
        From `exemplar_order`.
    shots : int
        How many, at least 0.

    Returns
    -------
    list of Example, length `shots`

    Raises
    ------
    BenchHealthError
        If there are not enough.
    """
    chosen: list[Example] = []
    for other in ordered:
        if len(chosen) == shots:
            break
        if not same_item(other, example):
            chosen.append(other)
    if len(chosen) < shots:
        raise BenchHealthError(
            f"{example.dataset}: {shots} exemplars asked for, {len(chosen)} to be had."
        )
    return chosen


def same_item(one: Example, two: Example) -> bool:
    """Whether two examples are one item, by id or by normalised text."""
    return one.id == two.id or normalised(one) == normalised(two)


def normalised(example: Example) -> str:
    """An example's main text with everything but letters and digits dropped."""
    names = ("question", "disease", "findings", "record", "sentence", "text")
    text = next(str(example.inputs[name]) for name in names if name in example.inputs)
    return re.sub(r"[\W_]+", "", text).casefold()
