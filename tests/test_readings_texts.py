"""Readings of free text: the corpus, every gold text as it is, properties."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from benchhealth_utils import load, read
from benchhealth_utils.replies import Words, free_text
from benchhealth_utils.schema import Example
from benchhealth_utils.tasks import TASKS

CASES = yaml.safe_load((Path(__file__).parent / "cases/free_text.yaml").read_text("utf-8"))["cases"]
KINDS = {"iu_xray": "radiology", "mimic_cxr": "radiology", "mimic_iii": "discharge"}


def read_text(text, kind):
    return free_text(text, Words(kind))


def folded(text):
    return " ".join(text.split())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["why"]) for case in CASES])
def test_free_text(case):
    assert read_text(case["reply"], case["task"]) == case["reading"]


@pytest.mark.parametrize(
    "reply, text",
    [
        ("The impression of a mass: not confirmed.", "The impression of a mass: not confirmed."),
        ("Impression of mild edema.", "Impression of mild edema."),
        ("Of course, pneumonia is likely.", "Of course, pneumonia is likely."),
        ("**Impression:**No edema", "No edema"),
        ("[**Hospital1**] **Mild** edema, Dr. [**Last Name**].", None),
        ("___ with `edema` of the __left__ leg", "___ with edema of the left leg"),
        ("O(*-)(2) and OH(*), a*b and c*d, 5*3*2 cm", "O(*-)(2) and OH(*), a*b and c*d, 5*3*2 cm"),
        ("concerning for<BR>metastases", "concerning for<BR>metastases"),
        ("<p><b>Clear</b> lungs.</p><br/>No mass.", "Clear lungs. No mass."),
        ('{"findings": "Big.", "impression": "Cardiomegaly."}', "Cardiomegaly."),
        ("The results of the report are as follows:\n- Edema\n- Effusion", "Edema Effusion"),
        ("Clear lungs. Q:", "Clear lungs."),
        ("Clear lungs.\nHuman: next\nAssistant: foo", "Clear lungs."),
        ("I'm sorry, I cannot help. However, here is a summary: Clear lungs.", "Clear lungs."),
        ("I cannot see a nodule.", "I cannot see a nodule."),
        ("Unfortunately the mass has grown.", "Unfortunately the mass has grown."),
        ("Unfortunately, I am unable to provide a summary.", ""),
        ("Given the findings: The heart is large.", ""),
    ],
)
def test_more_radiology(reply, text):
    if text is None:
        text = "[**Hospital1**] Mild edema, Dr. [**Last Name**]."
    assert read_text(reply, "radiology") == (text or None)


@pytest.mark.parametrize(
    "reply, text",
    [
        ("Discharge Instructions:\nRest.", "Rest."),
        ("discharge instructions : rest .", "discharge instructions : rest ."),
        ("Here are the instructions for your wound: rest.", None),
        ("Here are your instructions:\n\nRest.", "Rest."),
        ("Rest. Health records: John Doe was ill.", "Rest."),
        ("Please let me know if you have any questions.", None),
        ("Do not hesitate to call us.", None),
        ("I hope you feel better soon.", None),
        ("I am sorry that you fell. You cannot drive.", None),
        ("Rest. If you have any further questions, let me know.", "Rest."),
        ("Thank you. It was a pleasure caring for you.", None),
    ],
)
def test_more_discharge(reply, text):
    assert read_text(reply, "discharge") == (text or reply)


# ---------------------------------------------------------------- gold as it is


def check_gold(key, root):
    for split in ("test", "train"):
        for one in load(key, split, root=root):
            assert read(one, one.gold) == folded(one.gold), one.id
            assert read(one, TASKS[key].answer(one.gold, one)) == folded(one.gold)
            # What a text is wrapped in goes, the text stays.
            wrapped = f"Sure! Here is the summary:\n\n**{one.gold}**\n\nI hope this helps!"
            assert read(one, wrapped) == folded(one.gold)
            echoed = f"{TASKS[key].instruction}\n\n{TASKS[key].question(one)}\n{one.gold}"
            assert read(one, echoed) == folded(one.gold)


@pytest.mark.parametrize("key", KINDS)
def test_gold_texts_of_the_samples_are_read_back(key, samples):
    check_gold(key, samples)


def test_every_official_impression_is_read_back(real_data):
    assert len(load("iu_xray", root=real_data)) == 341
    assert len(load("iu_xray", "train", root=real_data)) == 2735
    check_gold("iu_xray", real_data)


@pytest.mark.parametrize("kind", ["radiology", "discharge"])
def test_other_clinical_texts_lose_nothing(kind, real_data):
    texts = [one.inputs["findings"] for one in load("iu_xray", root=real_data)]
    texts += [one.inputs["text"] for one in load("hoc", root=real_data)]
    texts += [one.inputs["question"] for one in load("medqa", root=real_data)]
    for text in texts:
        for shown in (text, text.lower()):
            assert read_text(shown, kind) == folded(shown)


# -------------------------------------------------------------------- properties

PIECES = """
Impression: Summary ** * _ __ ` ``` # > - • [** **] ___ <p> </p> <BR> < > { } " Sure! Here is the
summary: Q: A: Given the findings: Health records: I cannot I'm sorry Clear lungs. AI hope this
helps! </s> <|im_end|> <think> </think> [INST] discharge instructions: let me know if you need
抱歉 无法 。 Instruction: Human: A. 1.
"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\n\n", " ", "\t"])
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=16).map(" ".join),
    st.lists(WORDS, max_size=16).map("".join),
)


@given(TEXTS, st.sampled_from(sorted(KINDS)))
@example('{"impression": 1}', "iu_xray")
@example("\ud800", "mimic_iii")
def test_a_text_is_one_folded_line_or_none(text, key):
    inputs = {"findings": "Clear.", "record": "He was ill."}
    reading = read(Example("1", key, inputs, "", "1"), text)
    assert reading is None or (reading and reading == folded(reading))


SENTENCES = st.lists(
    st.sampled_from(
        [
            "No acute disease.",
            "1. Stable nodule, 2 x 3 mm.",
            "The impression is that of edema.",
            "Please call your doctor if you have any questions.",
            "You were seen by Dr. ___ on [**2101-1-1**].",
            "Please note that fractures may not be seen.",
            "I cannot exclude a small effusion.",
            "Compared to XXXX, unchanged.",
            "Here you rest until Monday.",
            "Low volumes - unchanged; T2*-weighted images.",
        ]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)
BEFORE = st.sampled_from(
    [
        "",
        "Sure!\n\n",
        "Here is a summary:\n\n",
        "**Summary:** ",
        "# Summary\n",
        "> ",
        "- ",
        "Answer: ",
    ]
)
AFTER = st.sampled_from(
    ["", "</s>", "\n\nI hope this helps!", " Let me know if you need anything else.", "\n```"]
)


@given(BEFORE, SENTENCES, AFTER, st.sampled_from(["radiology", "discharge"]))
def test_what_a_text_is_wrapped_in_goes_and_the_text_stays(before, text, after, kind):
    assert read_text(before + text + after, kind) == text


@given(SENTENCES, st.sampled_from(["radiology", "discharge"]))
def test_reading_again_changes_nothing(text, kind):
    once = read_text(text, kind)
    assert read_text(once, kind) == once == text


# Not a line break before a dash, which would be a bullet.
@given(SENTENCES, st.text(" \t\u00a0\u3000", max_size=4))
def test_white_space_does_not_matter(text, space):
    assert read_text(space + text.replace(" ", " " + space) + space, "radiology") == text
