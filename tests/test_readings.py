"""Readings: corpora of reply shapes, a real model's stored answers, perfect models, properties.

``tests/cases/*.yaml`` were written from the rules, before and apart from the code; the other
files' cases keep their readings whatever `kinds.yaml` adds.
"""

from __future__ import annotations

import json
import re
import time
from functools import cache, partial
from itertools import pairwise, product

import pytest
from conftest import cases
from hypothesis import example, given
from hypothesis import strategies as st

from benchhealth_utils import Answer, load, read, score
from benchhealth_utils.replies import own_words
from benchhealth_utils.schema import ROOT, BenchHealthError, Example
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.tasks.hallmarks import HALLMARKS
from benchhealth_utils.tasks.relations import SHOWN

OPTIONS = {"A": "Warfarin", "B": "Amoxicillin", "C": "Metformin", "D": "Lisinopril"}
EXAMS = ("medqa", "medmcqa", "mmlu_medicine")
NER = ("bc5_disease", "ncbi_disease")
KEYS = (*EXAMS, "pubmedqa", "chatdoctor", "iu_xray", *NER, "ddi", "gad", "hoc")
ANSWERS = ("yes", "no", "maybe")
SLOW = pytest.mark.slow
INPUTS = {
    "medqa": {"question": "Which drug is next?", "options": OPTIONS},
    "pubmedqa": {"question": "Does it help?", "context": "BACKGROUND: It was tried."},
    "chatdoctor": {"disease": "a cold", "symptoms": ("cough",)},
    "iu_xray": {"findings": "The heart is large."},
    "mimic_iii": {"record": "He was ill."},
    "bc5_disease": {"sentence": "Gout and heart failure were seen."},
    "ddi": {"sentence": "@DRUGS was given with @DRUGS in a trial."},
    "gad": {"sentence": "@GENE$ and @DISEASE$ it is."},
    "hoc": {"text": "Some abstract."},
}


def item(key, **inputs):
    return Example("1", key, {**INPUTS.get(key, {}), **inputs}, "", "1")


def said(key, reply, **inputs):
    """A reading as the case files write it: sets as sorted lists, spans as their texts."""
    one = item(key, **inputs)
    reading = read(one, reply)
    if key in NER and reading is not None:
        sentence = one.inputs["sentence"]
        return sorted(sentence[a:b] if a != "spurious" else a for a, b in reading)
    return sorted(reading) if isinstance(reading, frozenset) else reading


# ---- The corpora ------------------------------------------------------------------------------

FILES = {
    "letters": "medqa",
    "yes_no_maybe": "pubmedqa",
    "drug_lists": "chatdoctor",
    "free_text": None,
    "relations": "ddi",
    "gene_disease": "gad",
    "hallmarks": "hoc",
    "entities": "bc5_disease",
    "kinds": None,
}


def corpus():
    for name, key in FILES.items():
        whole = cases(name)
        for number, case in enumerate(whole["cases"]):
            inputs = {x: case[x] for x in ("sentence", "question") if x in case}
            if "options" in case or name == "letters":
                inputs["options"] = whole["options"][case["options"]]
            if name == "entities":
                inputs["sentence"] = whole["sentences"][case["sentence"]]
            task = {"radiology": "iu_xray", "discharge": "mimic_iii"}.get(case.get("task"))
            task = task or case.get("task") or key
            yield pytest.param(name, task, inputs, case, id=f"{name}-{number}-{case['why']}")


def expected_spans(case, sentence):
    found = {("spurious", number) for number in range(case["spurious"])}
    for name, number in case["reading"]:
        places = [m.span() for m in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", sentence)]
        found.add(places[number - 1])
    return frozenset(found)


@pytest.mark.parametrize("name, key, inputs, case", corpus())
def test_a_reply_says_what_a_careful_person_reads(name, key, inputs, case):
    if name == "entities" and case["reading"] is not None:
        expected = expected_spans(case, inputs["sentence"])
        assert read(item(key, **inputs), case["reply"]) == expected
    else:
        reading = case["reading"]
        expected = sorted(set(reading)) if isinstance(reading, list) else reading
        assert said(key, case["reply"], **inputs) == expected


KINDS = cases("kinds")
WARDS = KINDS["options"]["wards"]


def of_kinds(key):
    return {"options": WARDS} if key == "medqa" else {}


@pytest.mark.parametrize("before, after", KINDS["thoughts"])
def test_what_stands_in_thoughts_is_not_the_answer(before, after):
    for key, (thought, reply, reading) in KINDS["said"].items():
        assert said(key, f"{before}{thought}{after}{reply}", **of_kinds(key)) == reading, key
        if before and not before.startswith("<details"):
            assert said(key, f"{before}{thought} Hmm", **of_kinds(key)) is None, key


@pytest.mark.parametrize("end", KINDS["ends"])
def test_what_follows_the_end_of_a_turn_is_not_the_answer(end):
    for key, (other, reply, reading) in KINDS["said"].items():
        assert said(key, f"{reply}{end}{other}", **of_kinds(key)) == reading, key


@pytest.mark.parametrize("begun", KINDS["invented"])
def test_an_invented_item_is_not_the_answer(begun):
    assert said("medqa", f"The answer is C.{begun}Answer: B") == "C"
    assert said("pubmedqa", f"Answer: yes{begun}Answer: no") == "yes"


def test_a_rejection_is_never_an_answer():
    grid = KINDS["grid"]
    for opening, rejection in product(grid["openings"], grid["rejections"]):
        for conclusion, reading in grid["conclusions"]:
            reply = f"{opening} {rejection}.{conclusion}"
            assert said("medqa", reply, options=WARDS) == reading, reply


def test_a_denied_hallmark_is_never_chosen():
    grid, (a, b) = KINDS["judged"], ("Inducing angiogenesis", "Cellular energetics")
    for pair, form in product(grid["verdicts"], grid["forms"]):
        lines = [form.format(name=x, said=word) for x, word in zip((a, b), pair, strict=True)]
        assert said("hoc", "\n".join(lines)) == [a], lines
        assert said("hoc", json.dumps(dict(zip((a, b), pair, strict=True)))) == [a], pair
    for (yes, no), form in product(grid["headings"], grid["lists"]):
        assert said("hoc", form.format(yes=yes, no=no, a=a, b=b)) == [a], (form, yes)
    for key in grid["objects"]:
        assert said("hoc", json.dumps([{"name": a, key: True}, {"name": b, key: False}])) == [a]
        assert said("hoc", json.dumps({a: {key: "yes"}, b: {key: "no"}})) == [a], key


def test_reviewed_options_are_read():
    for (right, wrong), form in product(*KINDS["reviewed"].values()):
        words = {key: right if key == "C" else wrong for key in OPTIONS}
        lines = [form.format(key=x, text=OPTIONS[x], said=words[x]) for x in OPTIONS]
        assert said("medqa", "\n".join(lines)) == "C", lines
        nested = {key: {"is_correct": key == "C", "why": "x"} for key in OPTIONS}
        for value in (words, nested):
            assert said("medqa", json.dumps(value, ensure_ascii=False)) == "C", value


@pytest.mark.parametrize("key", KINDS["labelled"])
def test_labels_stand_under_many_names(key):
    for label, words in KINDS["labelled"][key]["words"].items():
        for form, word in product(KINDS["labelled"][key]["forms"], words):
            assert said(key, form.format(word)) == label, form.format(word)


def test_an_answer_s_status_counts():
    for status, reading in (("ok", "B"), ("truncated", None), ("error", None)):
        assert read(item("medqa"), Answer("1", status, "Answer: B")) == reading


def test_an_unknown_data_set_lists_the_known_ones():
    with pytest.raises(BenchHealthError, match="medqa, medmcqa, .*chatdoctor"):
        read(item("nothing"), "Answer: B")


def test_texts_that_look_alike_or_like_letters():
    alike = {"A": "Petechial rash", "B": "Fever", "C": "petechial rash"}
    assert said("medqa", "Answer: Petechial rash", options=alike) is None
    assert said("medqa", "Answer: (C) Petechial rash", options=alike) == "C"
    letters = {"A": "B", "B": "C", "C": "D", "D": "E"}
    assert said("medqa", "Answer: B", options=letters) == "B"
    assert said("medqa", "Answer: E", options=letters) == "D"
    within = {"A": "Hepatitis", "B": "Chronic hepatitis"}
    assert said("medqa", "Answer: a chronic hepatitis", options=within) == "B"
    assert said("medqa", "Answer: A hepatitis", options=within) == "A"
    signs = {"A": "ALT & AST", "B": "& INR", "C": "Aspirin 5 &", "D": "TSH"}
    assert said("medqa", "The answer is alt and  AST.", options=signs) == "A"
    assert said("medqa", "Answer: & INR", options=signs) == "B"
    assert said("medqa", "The answer is Aspirin 5 & nothing.", options=signs) == "C"
    spelt = {"A": "Ferrous sulphate", "B": "Tumour lysis", "C": "5 mg", "D": "5"}
    assert said("medqa", "Answer: ferrous sulfate", options=spelt) == "A"
    assert said("medqa", "The answer is tumor\nlysis.", options=spelt) == "B"
    assert said("medqa", "答案是Tumour lysis。", options=spelt) == "B"
    assert said("medqa", "Answer: 5⟦mg", options=spelt) == "C"


def test_an_echo_of_the_prompt_is_no_answer():
    for key in INPUTS:
        assert read(item(key), TASKS[key].instruction) is None
    pasted = f"{TASKS['medqa'].instruction}\n\nQuestion: Which?\n(A) Warfarin (B) Amoxicillin"
    assert (said("medqa", pasted), said("medqa", f"{pasted}\nAnswer: (B)")) == (None, "B")
    own = "Which of these drugs should be started in this patient with high glucose?"
    echo = f"He is tired.\n\nQuestion: {own}\n\nThe correct answer is: C) Metformin"
    assert said("medqa", echo, question=own) == "C"
    other = echo.replace("high glucose", "cough").replace("Which", "What")
    assert said("medqa", other, question=own) is None
    again = f"Answer: C\n\n{TASKS['medqa'].instruction}\n\nAnswer: B"
    assert said("medqa", again) == "C"


@pytest.mark.parametrize(
    "sentence, reply, spans",
    [
        ("Gout, breast cancer, and fever.", "x | gout; breast cancer,;", {(0, 4), (6, 20)}),
        ("VHL-negative cells lack VHL.", "x-1 | VHL", {(24, 27)}),
        ("VHL-negative cells lack VHL.", "x-1 | VHL; VHL", {(0, 3), (24, 27)}),
        ("The DM gene fails in dystrophy (DM).", "x-1 | dystrophy; DM", {(21, 30), (32, 34)}),
        ("The DM gene fails in dystrophy (DM).", "x-1 | DM; dystrophy", {(4, 6), (21, 30)}),
        ("Atrial fibrillation and flutter.", "x-1 | atrial fibrillation and flutter;", {(0, 31)}),
        ("Lack of the fifth component.", "x-1 | Lack of the fifth component.", None),
    ],
)  # fmt: skip
def test_names_take_their_places(sentence, reply, spans):
    if spans and "gout" in reply:
        reply = reply.replace("x |", "x-1 |")
    assert read(item("bc5_disease", sentence=sentence), reply) == spans


official = cache(load)  # each part of the data is loaded once

# ---- A real model's stored answers ------------------------------------------------------------

STORED = sorted((ROOT / "data" / "answers").glob("*/*.jsonl"))
CUT = re.compile(r"\[\d+ words of the item\]")  # the item's words are not kept
# Recorded before replies were read as they are now; each was looked at.
CHANGED = {
    "chatdoctor": {"618", "780"},
    "mmlu_medicine": {"mmlu_medicine-164", "mmlu_medicine-236", "mmlu_medicine-268"},
    "ncbi_disease": {"ncbi_disease-648"},
}


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_answers_are_read_as_they_were(path, real_data):
    key = path.stem.split("-")[0]
    examples = {one.id: one for one in official(key, root=real_data)}
    changed = set()
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        if row["status"] not in ("ok", "unparsed") or CUT.search(row["text"]):
            continue
        was = row.get("reading", row["text"].strip())
        if isinstance(was, list):
            was = frozenset(tuple(x) if isinstance(x, list) else x for x in was)
        if read(examples[row["id"]], row["text"]) != was:
            changed.add(row["id"])
    assert changed <= CHANGED.get(key, set())


# ---- Perfect models on official data ----------------------------------------------------------


def folded(text):
    return " ".join(text.split())


# Gold only at the second of two equal places, or one name with its abbreviation in it.
UNTOLD = {f"ncbi_disease-train-{number}" for number in (1977, 2467, 3117)}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "split, limit", [("test", 150), *(pytest.param(x, None, marks=SLOW) for x in ("test", "train"))]
)
def test_the_project_s_own_answers_are_read_back(key, split, limit, real_data):
    task = TASKS[key]
    for one in official(key, split, root=real_data, limit=limit):
        gold = folded(one.gold) if key == "iu_xray" else one.gold
        replies = [task.answer(one.gold, one)]
        if key == "iu_xray":
            wrapped = f"Sure! Here is the summary:\n\n**{one.gold}**\n\nI hope this helps!"
            replies += [wrapped, f"{task.instruction}\n\n{task.question(one)}\n{one.gold}"]
        if task.labels and isinstance(gold, str):
            replies.append(f"{task.cue} {SHOWN[gold] if key == 'ddi' else gold}")
        if one.id not in UNTOLD:
            assert [read(one, reply) for reply in replies] == [gold] * len(replies), one.id


def styled(style, gold, options):
    """What a perfect model writes in a style of `kinds.yaml`."""
    others = [(key, text) for key, text in options.items() if key != gold]
    words = {"gold": gold, "text": options[gold], "first": others[0][0]}
    words["others"] = ", ".join(key for key, _ in others)
    each = [style.get("each", "").format(key=key, text=text) for key, text in others]
    begin, end = (style.get(name, "").format(**words) for name in ("begin", "end"))
    return begin + ("\n".join(each) if "each" in style else "") + end


def listed(form, names):
    """Names as a list in a form of `kinds.yaml`."""
    before, each, between = form
    kinds = ("Beta blockers", "Antibiotics", "Loop diuretics", "Opioid analgesics")
    words = [{"number": n, "name": x, "title": x.title()} for n, x in enumerate(names, 1)]
    return before + between.join(each.format(kind=kinds[len(x["name"]) % 4], **x) for x in words)


@pytest.mark.parametrize("limit", [40, pytest.param(None, marks=SLOW)])
@pytest.mark.parametrize("style", KINDS["styles"].values(), ids=KINDS["styles"])
def test_a_perfect_model_is_read_in_every_style(style, limit, real_data):
    for key in EXAMS:
        unread, asked = [], 0
        for one in official(key, root=real_data, limit=limit):
            options = one.inputs["options"]
            texts = {text.upper() for text in options.values()}
            if len(texts) < len(options) or texts & set(options):
                continue  # such texts cannot be told apart, or not from letters
            reading = read(one, styled(style, one.gold, options))
            assert reading in (one.gold, None), (key, one.id)
            unread += [one.id] if reading is None else []
            asked += 1
        assert len(unread) <= asked / 50 + 1, (key, unread)


@pytest.mark.parametrize("form", KINDS["drug_lists"].values(), ids=KINDS["drug_lists"])
def test_perfect_drug_lists_are_read(form, real_data):
    examples = official("chatdoctor", root=real_data, limit=250)
    readings = [read(one, listed(form, sorted(one.gold))) for one in examples]
    assert readings.count(None) <= 5
    assert score("chatdoctor", [one.gold for one in examples], readings).value > 0.98


def mentions(one):
    """The names of gold in order; a long form with its abbreviation in brackets as one."""
    sentence, names = one.inputs["sentence"], []
    last = None
    for start, end in sorted(one.gold):
        if last is not None and sentence[last:start] == " (" and sentence[end : end + 1] == ")":
            names[-1] += f" ({sentence[start:end]})"
        else:
            names.append(sentence[start:end])
        last = end
    return names


@pytest.mark.parametrize("key", NER)
@pytest.mark.parametrize("form", [*KINDS["disease_lists"], "array", "objects"])
def test_perfect_disease_lists_are_read(key, form, real_data):
    examples = [one for one in official(key, root=real_data, limit=200) if one.gold]
    replies = {
        "array": json.dumps,
        "objects": lambda names: json.dumps([{"entity": x, "start": 3} for x in names]),
        **{form: partial(listed, how) for form, how in KINDS["disease_lists"].items()},
    }
    readings = [read(one, replies[form](mentions(one))) for one in examples]
    assert readings.count(None) <= len(examples) / 50
    assert score(key, [one.gold for one in examples], readings).value > 0.975


# ---- Properties -------------------------------------------------------------------------------

# Text that is made of what the rules look for is likelier to trip them than noise is.
WORDS = st.sampled_from([*KINDS["pieces"].split(), "\n", "\n\n", " ", "\t"])
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=14).map(" ".join),
    st.lists(WORDS, max_size=14).map("".join),
)
ALLOWED = {
    "medqa": {*OPTIONS, None},
    "pubmedqa": {*ANSWERS, None},
    "ddi": {*SHOWN, None},
    "gad": {"yes", "no", None},
}


def check_spans(reading, sentence):
    spans = sorted(member for member in reading if member[0] != "spurious")
    assert reading - set(spans) == {("spurious", k) for k in range(len(reading) - len(spans))}
    assert all(0 <= start < end <= len(sentence) for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@given(TEXTS, TEXTS)
@example("\ud800 <effect\ud800>", "½; 1")
@example("ıſK Answer: ı", "İ i̇")
def test_a_reading_is_of_its_kind_or_none_for_any_text(text, sentence):
    for key, allowed in ALLOWED.items():
        assert read(item(key), text) in allowed
    names = read(item("chatdoctor"), text) or ()
    assert all(name == name.strip().lower() != "" and len(name.split()) <= 6 for name in names)
    assert (read(item("hoc"), text) or frozenset()) <= set(HALLMARKS)
    for key in ("iu_xray", "mimic_iii"):
        reading = read(item(key), text)
        assert reading is None or (reading and reading == folded(reading))
    for other in (sentence, INPUTS["bc5_disease"]["sentence"]):
        check_spans(read(item("bc5_disease", sentence=other), text) or frozenset(), other)


@given(TEXTS)
def test_a_thought_is_never_read(text):
    assert own_words(f"{text}<think>{text.replace('>', '')}") is None
    thought = text.replace("<", "").replace("[", "").replace("◁", "")
    assert said("medqa", f"<think>{thought}</think>Answer: B") == "B"
    assert said("medqa", f"{thought}</think>Answer: B") == "B"


@pytest.mark.parametrize(
    "unit",
    ["so ", "A ", "answer ", "(", "选", "- a\n", "medications ", "'a", "1 mg ", "asthma, ", "<"]
    + ["[", '{"a": [', "the answer is ", "not a ", "such as ", "✓ A\n", "[[1, ", "B is not "],
)
def test_long_repetitions_are_read_in_time(unit):
    # A pattern that backtracks would take minutes.
    reply, begun = (unit * 1500)[:1500], time.process_time()
    for key in INPUTS:
        read(item(key), reply)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("key", KINDS["shapes"])
def test_a_distractor_white_space_or_bold_changes_nothing(key):
    shapes, answers = KINDS["shapes"][key].values()
    others = KINDS["distractors"]["all"] + KINDS["distractors"][key]
    for shape, (gold, word) in product(shapes, answers.items()):
        reply = shape.format(gold, word)
        assert said(key, f" \u3000\n{reply}\t") == gold, reply
        assert said(key, f"**{reply.strip().replace('**', '')}**") == gold, reply
        for other, gap in product(others, (" ", "\n\n")):
            assert said(key, reply + gap + other) == gold, (reply, other)


PROSE = """
fever cough clot pain high low rises falls after before today patient kidney liver a an the A of
with in man woman aged 45 years examined soon well often, slowly, badly. gene drug level
""".split()


@given(st.lists(st.sampled_from(PROSE), min_size=6, max_size=25))
def test_prose_without_a_cue_or_a_name_is_not_read(words):
    text = f"The {' '.join(words)} was seen."
    for key in ("medqa", "pubmedqa", "chatdoctor", "ddi", "gad", "hoc", "bc5_disease"):
        assert read(item(key), text) is None, key
