"""Readings: two corpora of reply shapes, the project's own answers, and properties.

``tests/cases/*.yaml`` were written from the rules, before and apart from the code.
"""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from benchhealth_utils import load, read
from benchhealth_utils.replies import own_words
from benchhealth_utils.schema import ROOT, BenchHealthError, Example
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.tasks.treatment import MOST_WORDS

CASES = Path(__file__).parent / "cases"
LABELS = ("yes", "no", "maybe")
# The other data sets are tested in test_readings_understanding and test_readings_texts.
KEYS = ("medqa", "medmcqa", "mmlu_medicine", "pubmedqa", "chatdoctor")
OPTIONS = {"A": "Warfarin", "B": "Amoxicillin", "C": "Metformin", "D": "Lisinopril"}


def corpus(name):
    whole = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return [
        pytest.param(case, whole.get("options", {}).get(case.get("options")), id=case["why"])
        for case in whole["cases"]
    ]


def item(dataset, gold="", **inputs):
    return Example("1", dataset, inputs, gold, "1")


def read_letter(text, options):
    return read(item("medqa", options=options), text)


def read_label(text, labels):
    return read(item("pubmedqa"), text)


def read_drugs(text):
    return read(item("chatdoctor"), text)


# ------------------------------------------------------------------ the corpora


@pytest.mark.parametrize("case, options", corpus("letters"))
def test_letters(case, options):
    assert read(item("medqa", options=options), case["reply"]) == case["reading"]


@pytest.mark.parametrize("case, options", corpus("yes_no_maybe"))
def test_yes_no_maybe(case, options):
    assert read(item("pubmedqa"), case["reply"]) == case["reading"]


@pytest.mark.parametrize("case, options", corpus("drug_lists"))
def test_drug_lists(case, options):
    expected = None if case["reading"] is None else frozenset(case["reading"])
    assert read(item("chatdoctor"), case["reply"]) == expected


# -------------------------------------------------------- shapes beside the corpora


@pytest.mark.parametrize(
    "reply, reading",
    [
        ("Answer: A T cell disorder", None),
        ("Therefore, B is unlikely.", None),
        ("So, A, while tempting, is wrong.", None),
        ("Answer: C. If there were a clot, the answer would be A.", "C"),
        ("I don't think the answer is B.", None),
        ("The answer can't be A, so it must be C.", "C"),
        ("The correct answer is not A, B, or D; it is C.", "C"),
        ("Answer: A. Actually, the answer is not A.", None),
        ("Answer: B. The answer is not C.", "B"),
        ("Answer: B. The answer is based on the guidelines.", "B"),
        ("Answer: C. difficile", None),
        ("The patient should not take metformin.", None),
        ("The glucose is high.\n\n**C**", "C"),
        ("B\nC", None),
        ("A: 10%\nB: 20%\nC: 60%\nD: 10%", None),
        ("Assistant: B\nHuman: and then?\nAssistant: C", "B"),
        ("Option A (Warfarin) is incorrect. Option C (Metformin) is correct.", "C"),
        ("故选D", "D"),
        ("选项A不正确。", None),
    ],
)
def test_more_letters(reply, reading):
    assert read_letter(reply, OPTIONS) == reading


def test_an_article_before_an_option_s_text_is_no_letter():
    options = {"A": "Hepatitis", "B": "Chronic hepatitis"}
    assert read_letter("Answer: a chronic hepatitis", options) == "B"
    assert read_letter("Answer: A chronic hepatitis", options) == "B"
    assert read_letter("Answer: A hepatitis", options) == "A"


def test_two_options_of_one_text_cannot_be_told_apart_by_it():
    options = {"A": "Petechial rash", "B": "Fever", "C": "petechial rash"}
    assert read_letter("Answer: Petechial rash", options) is None
    assert read_letter("Answer: (C) Petechial rash", options) == "C"


def test_a_text_that_looks_like_a_letter_gives_way_to_the_letter():
    options = {"A": "B", "B": "C", "C": "D", "D": "E"}
    assert read_letter("Answer: B", options) == "B"
    assert read_letter("Answer: E", options) == "D"


@pytest.mark.parametrize(
    "reply, reading",
    [
        ("Answer: no in vitro effect", None),
        ("Maybe it works", None),
        ("Answer: maybe in some patients", "maybe"),
        ("No because it fails", "no"),
        ("Yes.\n\nNo.", None),
        ("The evidence is mixed.\n\nMaybe.", "maybe"),
        ("Therefore, the answer is a definite no.", "no"),
        ("The answer is neither yes nor no.", None),
        ("Such as where the answer is yes.", None),
    ],
)
def test_more_labels(reply, reading):
    assert read_label(reply, LABELS) == reading


@pytest.mark.parametrize(
    "reply, names",
    [
        ("Final Answer: The recommended medications are zinc and iron.", {"zinc", "iron"}),
        ("I recommend the following medications:\n1. Zinc\n2. Iron", {"zinc", "iron"}),
        ("Final Answer: 0.9% sodium chloride, 5% dextrose", {"sodium chloride", "dextrose"}),
        ("Final Answer: a) zinc b) iron", {"zinc", "iron"}),
        ("Final Answer:\n1. Zinc\n\nFor colds.\n\n2. Iron\n\nFor blood.", {"zinc", "iron"}),
        ("Final Answer: zinc - for colds, flu, and fever, iron - for blood", {"zinc", "iron"}),
        ("Final Answer: ceftriaxone 1 g, intravenous, daily", {"ceftriaxone"}),
        ('{"medications": [{"name": "Zinc", "dose": "1 g"}]}', {"zinc"}),
        ("Final Answer:\n| Drug | Dose |\n|---|---|\n| Zinc | 1 g |", {"zinc"}),
        ("Final Answer: None; rest", set()),
        ("Final Answer: No medications are listed in the content.", set()),
        ("- Fever\n- Cough\n\nThe patient has the flu.", None),
        ("Zinc", None),
    ],
)
def test_more_drugs(reply, names):
    assert read_drugs(reply) == (None if names is None else frozenset(names))


def test_a_pasted_instruction_is_no_answer():
    for key in KEYS:
        sample = item(key, options=OPTIONS)
        assert read(sample, TASKS[key].instruction) is None
        assert TASKS[key].parse(sample, TASKS[key].instruction) is None


def test_an_echo_of_the_whole_prompt_is_passed_over():
    pasted = f"{TASKS['medqa'].instruction}\n\nQuestion: Which?\n(A) Warfarin (B) Amoxicillin"
    assert read(item("medqa", options=OPTIONS), pasted) is None
    assert read(item("medqa", options=OPTIONS), f"{pasted}\nAnswer: (B)") == "B"


def test_an_unknown_data_set_lists_the_known_ones():
    with pytest.raises(BenchHealthError, match="medqa, medmcqa, .*chatdoctor"):
        read(item("nothing"), "Answer: B")


# --------------------------------------------------- the project's own answers


@pytest.mark.parametrize("key", KEYS)
def test_exemplar_answers_are_read_back(key, samples):
    for one in load(key, root=samples):
        assert read(one, TASKS[key].answer(one.gold, one)) == one.gold


@pytest.mark.parametrize("key", KEYS)
def test_official_gold_answers_are_read_back(key, real_data):
    wrong = [
        one.id
        for one in load(key, root=real_data)
        if read(one, TASKS[key].answer(one.gold, one)) != one.gold
        # Likelihood mode: the cue and the chosen continuation.
        or (TASKS[key].labels and read(one, f"Answer: {one.gold}") != one.gold)
    ]
    assert not wrong


@pytest.mark.parametrize("form", ["{}", "- {}", "1. {}", "{} 10 mg daily", "{} (Brand)"])
def test_official_drug_names_survive_in_lists(form, real_data):
    items = load("chatdoctor", root=real_data)
    assert max(len(name.split()) for one in items for name in one.gold) <= MOST_WORDS
    for one in items:
        reply = "Final Answer:\n" + "\n".join(map(form.format, sorted(one.gold)))
        assert read_drugs(reply) == one.gold


# -------------------------------------------------------------------- properties

# Text that is made of what the rules look for is likelier to trip them than noise is.
PIECES = """
A B C D a b E yes no maybe not answer Answer: option correct is the final Final therefore I
choose Metformin warfarin and or but ( ) [ ] . , ; : - * ** _ ` # > < \\boxed{ } $ { " ' / & |
<think> </think> <answer> </answer> </s> [INST] [/INST] Question: Medications: ibuprofen 500
mg none None 1. 2. • 答案 是 否 ： （ Ａ ） 不 选 ⟦ ⟧ ?
"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\n\n", " ", "\t"])
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=14).map(" ".join),
    st.lists(WORDS, max_size=14).map("".join),
)


@given(TEXTS)
@example("\ud800")
@example("ıſK Answer: ı")
def test_a_reading_is_allowed_or_none_for_any_text(text):
    assert read(item("medqa", options=OPTIONS), text) in {*OPTIONS, None}
    assert read(item("pubmedqa"), text) in {*LABELS, None}
    names = read(item("chatdoctor"), text)
    assert names is None or isinstance(names, frozenset)
    assert all(name == name.strip().lower() != "" for name in names or ())
    assert all(len(name.split()) <= MOST_WORDS for name in names or ())


LETTER_ANSWERS = st.sampled_from(
    [
        "Answer: {0}.",
        "The answer is ({0}).",
        "The fever is high. Final answer: {0}\n",
        "**{0}) {1}**\n",
        "I would go with option {0}.",
        "Option {0} is correct.",
        "{0}\n",
        "The answer is {1}.",
        "Answer: {1}\n",
        "{1}.",
        "答案：{0}。",
    ]
)
LABEL_ANSWERS = st.sampled_from(
    ["Answer: {0}.", "The answer is {0}.", "{0}.", "Therefore, {0}.", "\\boxed{{{0}}}\n", "{0}\n"]
)
DISTRACTORS = st.sampled_from(
    [
        "Note that option C is a common distractor.",
        "There is no evidence against it.",
        "A common wrong answer is C.",
        "Options A and D are incorrect.",
        "Option B is tempting, yet there is no infection.",
        "This answer is for educational purposes only.",
        "The answer is based on the guidelines.",
        "Therefore, A and B can be ruled out.",
        "Some would choose A.",
        "If there were a clot, the answer would be A.",
        "A 45-year-old man would need the same care.",
        "Maybe further studies will help.",
        "No significant difference was found elsewhere.",
        "Vitamin D and hepatitis B play no part.",
        "Yes and no are both simple words.",
        "Please consult a physician.",
    ]
)


@given(
    LETTER_ANSWERS, st.sampled_from(sorted(OPTIONS)), DISTRACTORS, st.sampled_from([" ", "\n\n"])
)
def test_a_distractor_after_the_answer_changes_no_letter(shape, letter, distractor, gap):
    reply = shape.format(letter, OPTIONS[letter])
    assert read_letter(reply, OPTIONS) == letter
    assert read_letter(reply + gap + distractor, OPTIONS) == letter


@given(LABEL_ANSWERS, st.sampled_from(LABELS), DISTRACTORS, st.sampled_from([" ", "\n\n"]))
def test_a_distractor_after_the_answer_changes_no_label(shape, label, distractor, gap):
    reply = shape.format(label)
    assert read_label(reply, LABELS) == label
    assert read_label(reply + gap + distractor, LABELS) == label


DRUGS = st.sets(
    st.sampled_from(
        ["ibuprofen", "insulin, aspart, human", "vitamin b 12", "sennosides, usp", "air"]
    ),
    min_size=1,
)


@given(DRUGS, st.sampled_from(["; ", ", ", "\n", "\n- "]), DISTRACTORS)
def test_a_paragraph_after_the_list_changes_no_drug(names, mark, distractor):
    reply = f"Final Answer:{mark if mark[0] == chr(10) else ' '}{mark.join(sorted(names))}"
    assert read_drugs(reply) == names
    assert read_drugs(f"{reply}\n\n{distractor}") == names


PROSE_WORDS = """
fever cough clot pain high low rises falls after before today patient kidney liver a an the
A of with in man woman aged 45 years examined soon well often, slowly, badly.
"""
PROSE = st.lists(st.sampled_from(PROSE_WORDS.split()), min_size=3, max_size=25).map(
    lambda words: "The " + " ".join(words) + " was seen."
)


@given(PROSE)
def test_prose_without_a_cue_or_an_option_is_not_read(text):
    assert read_letter(text, OPTIONS) is None
    assert read_label(text, LABELS) is None
    assert read_drugs(text) is None


@given(st.text(string.ascii_lowercase + " \n", max_size=60))
def test_no_option_no_cue_no_reading(text):
    # Small letters alone can only be a bare letter or a label.
    words = set(text.split())
    if not words & {"answer", "ans", *"abcdei", *LABELS}:
        assert read_letter(text, OPTIONS) is None
        assert read_label(text, LABELS) is None


SPACE = st.text(" \t\n\u00a0\u3000", max_size=4)


@given(LETTER_ANSWERS, st.sampled_from(sorted(OPTIONS)), SPACE, SPACE)
def test_white_space_around_and_bold_change_no_letter(shape, letter, before, after):
    reply = shape.format(letter, OPTIONS[letter])
    assert read_letter(before + reply + after, OPTIONS) == letter
    if "**" not in shape:
        bold = shape.format(f"**{letter}**", f"**{OPTIONS[letter]}**")
        assert read_letter(bold, OPTIONS) == letter
        assert read_letter(f"**{reply.strip()}**", OPTIONS) == letter


@given(LABEL_ANSWERS, st.sampled_from(LABELS), SPACE, SPACE)
def test_white_space_around_and_bold_and_case_change_no_label(shape, label, before, after):
    for word in (label, label.upper(), f"**{label}**"):
        assert read_label(before + shape.format(word) + after, LABELS) == label


@given(TEXTS)
def test_white_space_around_changes_nothing(text):
    for key in ("medqa", "pubmedqa", "chatdoctor"):
        sample = item(key, options=OPTIONS)
        assert read(sample, f" \n\t{text}\n  ") == read(sample, text)


@given(TEXTS)
def test_an_unclosed_thought_is_never_read(text):
    cut = f"{text}<think>{text.replace('>', '')}"
    assert own_words(cut) is None
    assert read(item("medqa", options=OPTIONS), cut) is None


@given(TEXTS)
def test_a_thought_before_the_answer_changes_nothing(text):
    thought = text.replace("<", "")
    assert read_letter(f"<think>{thought}</think>Answer: B", OPTIONS) == "B"
    assert read_letter(f"{thought}</think>Answer: B", OPTIONS) == "B"


@pytest.mark.parametrize(
    "piece", ["so ", "A ", "answer ", "the ", "(", "选", "- a\n", "medications ", "'a", "1 mg "]
)
def test_long_repetitions_take_no_time(piece):
    # A pattern that backtracks would take minutes.
    text = (piece * 2000)[:6000]
    for key in ("medqa", "pubmedqa", "chatdoctor"):
        read(item(key, options=OPTIONS), text)


def test_the_item_s_own_question_said_again_is_no_run_on():
    own = "Which of these drugs should be started in this patient with high glucose?"
    example = item("medqa", question=own, options=OPTIONS)
    echo = f"He is tired.\n\nQuestion: {own}\n\nThe correct answer is: C) Metformin"
    assert read(example, echo) == "C"
    assert read(example, echo.replace("high glucose", "cough").replace("Which", "What")) is None


def test_a_long_phrase_between_answer_and_verb():
    text = (
        "Based on the context, the answer to the question about the value of early feeding "
        "after surgery of the colon in older adults is yes."
    )
    assert read(item("pubmedqa"), text) == "yes"


# ------------------------------------------------- a real model's stored answers

STORED = sorted((ROOT / "data" / "answers").glob("*/*.jsonl"))
# Recorded before replies were read as they are now; each was looked at.
CHANGED = {
    "chatdoctor": {"618", "780"},
    "mmlu_medicine": {"mmlu_medicine-164", "mmlu_medicine-236", "mmlu_medicine-268"},
    "ncbi_disease": {"ncbi_disease-648"},
}
CUT = re.compile(r"\[\d+ words of the item\]")  # the item's words are not kept


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_answers_are_read_as_they_were(path, real_data):
    examples = {one.id: one for one in load(path.stem.split("-")[0], root=real_data)}
    changed = []
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        if row["status"] not in ("ok", "unparsed") or CUT.search(row["text"]):
            continue
        was = row.get("reading", row["text"].strip())
        if isinstance(was, list):
            was = frozenset(tuple(x) if isinstance(x, list) else x for x in was)
        if read(examples[row["id"]], row["text"]) != was:
            changed.append(row["id"])
    assert set(changed) == CHANGED.get(path.stem.split("-")[0], set())
