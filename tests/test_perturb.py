"""Perturbations: by hand, as properties, on the samples, and on official items."""

import dataclasses
import json
import re

import pytest
from conftest import SAMPLES, cases
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import build, evaluate, load, read
from benchhealth_utils.data import fingerprint
from benchhealth_utils.perturb import (
    EXPANSIONS,
    KINDS,
    PERTURBATIONS,
    REAL_WORDS,
    abbreviations,
    applies,
    order,
    perturb,
    restored,
    typos,
)
from benchhealth_utils.prompts import exemplar_order, exemplars
from benchhealth_utils.registry import DATASETS
from benchhealth_utils.schema import BenchHealthError, Example
from benchhealth_utils.tasks import TASKS, sufficient

CASES = cases("perturbations")
OPTIONS = "options_that_stay", "options_that_name_others", "plain_options"
KEYS = list(DATASETS)
EXAMS = ["medqa", "medmcqa", "mmlu_medicine"]
NER = ["bc5_disease", "ncbi_disease"]
VARIANTS = [kind for kind in KINDS if kind not in PERTURBATIONS]
PAIRS = [(kind, key) for kind in KINDS for key in KEYS if applies(kind, key)]


def items(key):
    return load(key, root=SAMPLES)


def sentence(text, *mentions):
    """A sentence whose mentions are gold."""
    spans = frozenset((text.index(name), text.index(name) + len(name)) for name in mentions)
    return Example("s-1", "bc5_disease", {"sentence": text, "tokens": ("x",)}, spans, "s")


def note(text):
    return Example("n-1", "mimic_iii", {"record": text}, "Rest.", "n-1")


def exam(*options, gold="A", identifier="q-1"):
    inputs = {"question": "Which one?", "options": dict(zip("ABCD", options, strict=False))}
    return Example(identifier, "medqa", inputs, gold, identifier)


# ---- What holds for every kind


@pytest.mark.parametrize(("kind", "key"), PAIRS)
def test_a_perturbed_item_keeps_what_identifies_it_its_exemplars_and_its_answer(kind, key):
    twins = [dataclasses.replace(item, id=f"twin-{item.id}") for item in items(key)]
    ordered, gold, readings = exemplar_order(twins), [], []
    for item in items(key):
        before, found = json.dumps(dict(item.inputs)), perturb(item, kind, 3)
        assert found == perturb(item, kind, 3) and json.dumps(dict(item.inputs)) == before
        assert (found.id, found.dataset, found.group) == (item.id, item.dataset, item.group)
        wordings = {"template": TASKS[key].reworded, **TASKS[key].variants}
        if kind in wordings:
            assert found == dataclasses.replace(item, instruction=wordings[kind])
        elif kind in PERTURBATIONS and found != item:
            assert found.original == item.inputs != found.inputs and found.instruction is None
        chosen = exemplars(item, ordered, 3)  # not the item's own text under another id
        assert exemplars(found, ordered, 3) == chosen
        build(found, chosen)
        gold.append(item.gold)
        readings.append(restored(read(found, TASKS[key].answer(found.gold, found)), item, kind, 3))
    sums, statistic = sufficient(key, gold, readings)
    assert float(statistic(sums.sum(axis=0))) == pytest.approx(1)


def test_what_does_not_apply_is_refused():
    assert {key for key in KEYS if applies("option_order", key)} == set(EXAMS)
    assert {key for key in KEYS if not applies("abbreviations", key)} == {"chatdoctor"}
    item = items("ddi")[0]
    with pytest.raises(BenchHealthError, match="does not apply to ddi; it does to medqa, medmcqa"):
        perturb(item, "option_order")
    with pytest.raises(
        BenchHealthError, match="no perturbation 'typo'. Did you mean typos.* Known: typos"
    ):
        perturb(item, "typo")
    with pytest.raises(BenchHealthError, match="no data set 'x'"):
        applies("typos", "x")
    with pytest.raises(BenchHealthError, match="perturbed already"):
        perturb(perturb(item, "template"), "typos")


# ---- Variants


def test_each_variant_has_its_words_where_it_applies():
    named = {kind: {key for key in KEYS if kind in TASKS[key].variants} for kind in VARIANTS}
    fits = {kind: {key for key in KEYS if applies(kind, key)} for kind in VARIANTS}
    assert fits == named | {"worked_steps": {"medmcqa"}}
    for key in fits["table4"]:  # only the words that the prompts page names differ
        printed, ours = TASKS[key].variants["table4"], TASKS[key].instruction
        ours = re.sub(r"(Task|Answer Format|Not to dos): ", r'"\1": "', ours).replace("\n\n", '" ')
        ours = re.sub("A document can have more than one; name each:", "", ours)
        plain = [re.sub(r"\W|chemicals/genes/", "", text).lower() for text in (printed, ours)]
        assert plain[0] == plain[1] and printed != TASKS[key].instruction
    assert TASKS["chatdoctor"].variants["table4"].count('"') == 12


def test_exemplars_with_worked_steps_explain_before_they_answer(tmp_path):
    item, pool = items("medmcqa")[0], load("medmcqa", "train", root=SAMPLES)
    plain = exemplars(item, exemplar_order(pool), 2)
    worked = [perturb(shot, "worked_steps") for shot in plain]
    assert build(perturb(item, "worked_steps"), plain) == build(item, plain)
    for shot, before, after in zip(
        plain, build(item, plain)[1::2], build(item, worked)[1::2], strict=True
    ):
        assert before["content"] == f"Answer: ({shot.gold})"
        assert after["content"] == f"{shot.inputs['explanation']}\n\n{before['content']}"
    assert fingerprint(worked) == fingerprint(plain)
    runs = [evaluate("majority", "medmcqa", shots=1, perturbation=kind, store=tmp_path,
                     progress=False)[0] for kind in (None, "worked_steps")]  # fmt: skip
    assert not runs[1].comparable and runs[0].scores.value == runs[1].scores.value
    keys = [{answer.key for answer in run.answers} for run in runs]
    assert not keys[0] & keys[1]


# ---- Typos

fragments = st.sampled_from(
    "patients received treatment without @DRUGS @GENE$ 400mg IL-6 (severe) rs1801133 Aspirin "
    "warfarin metoprolol A) B. dose-dependent 250 [**Hospital pain, nausea; "
    'vomiting. e.g. non-toxic "syndrome" don\'t and/or abdominal hepatitis counts'.split()
)


@given(st.lists(fragments, max_size=40), st.integers(0, 5))
def test_typos_are_single_slips_in_plain_words(words, seed):
    text = " ".join(words)
    after = perturb(note(text), "typos", seed).inputs["record"].split(" ")
    changed = [pair for pair in zip(text.split(" "), after, strict=True) if pair[0] != pair[1]]
    for before, new in changed:
        assert re.sub("[a-z]", "", before) == re.sub("[a-z]", "", new)
        word, new = (re.sub(r"[^a-z]", "", part) for part in (before, new))
        assert len(word) >= 6 and abs(len(word) - len(new)) <= 1 and new not in REAL_WORDS
        assert (word[0], word[-1]) == (new[0], new[-1])
        assert word not in {"warfarin", "metoprolol", "counts"}
    plain = set("patients received treatment without severe vomiting nausea syndrome "
                "abdominal hepatitis".split())  # fmt: skip
    free = [
        word
        for i, word in enumerate(words)
        if re.sub(r"[^a-z]", "", word) in plain and not (i and words[i - 1][-1].isdigit())
    ]
    assert len(changed) == (max(1, round(len(free) / 10)) if free else 0)


@pytest.mark.parametrize("text", CASES["no_slip_in"])
def test_typos_leave_alone_what_is_no_plain_word(text):
    assert not [edit for seed in range(20) for edit in typos(note(text), seed)]


# ---- Abbreviations


@pytest.mark.parametrize(("text", "expected"), CASES["written_out"])
def test_abbreviations_by_hand(text, expected):
    assert perturb(note(text), "abbreviations").inputs["record"] == (expected or text)


def test_every_abbreviation_is_written_out_and_none_is_left():
    for short, long in EXPANSIONS.items():
        found = perturb(note(f"seen: {short} today"), "abbreviations").inputs["record"]
        assert found == f"seen: {long} today" and abbreviations(note(found)) == []


# ---- Mentions

ner_words = st.sampled_from(
    "chronic hepatitis was treated BP of patients an MRI showed DNA damage severe anxiety "
    "fever , . nephropathy without improvement".split()
)


@st.composite
def sentences(draw):
    words = draw(st.lists(ner_words, min_size=1, max_size=16))
    ends = [len(" ".join(words[: i + 1])) for i in range(len(words))]
    chosen = draw(st.sets(st.integers(0, len(words) - 1), max_size=4))
    spans = frozenset((ends[i] - len(words[i]), ends[i]) for i in chosen)
    inputs = {"sentence": " ".join(words)}
    return Example(draw(st.text("xyz", min_size=1)), "bc5_disease", inputs, spans, "g")


@given(sentences(), st.sampled_from(["typos", "abbreviations"]), st.integers(0, 3), st.data())
def test_mentions_stay_and_a_reading_scores_alike_before_and_after(item, kind, seed, data):
    found = perturb(item, kind, seed)
    names = [[x.inputs["sentence"][slice(*s)] for s in sorted(x.gold)] for x in (item, found)]
    assert names[0] == names[1]
    assert restored(found.gold, item, kind, seed) == item.gold
    size = len(found.inputs["sentence"])
    place = st.tuples(st.integers(0, size), st.integers(0, size))
    drawn = data.draw(st.sets(place.filter(lambda ends: ends[0] < ends[1]), max_size=3))
    kept = data.draw(st.sets(st.sampled_from(sorted(found.gold)))) if found.gold else set()
    lost = {("spurious", number) for number in range(data.draw(st.integers(0, 2)))}
    reading = frozenset(drawn | kept | lost)
    back = restored(reading, item, kind, seed)
    assert len(back) == len(reading)
    one, _ = sufficient("bc5_disease", [found.gold], [reading])
    two, _ = sufficient("bc5_disease", [item.gold], [back])
    assert one.tolist() == two.tolist()


def test_a_span_that_ends_within_a_change_is_not_in_the_sentence():
    item = sentence("The BP and gout.", "gout")
    assert perturb(item, "abbreviations").gold == {(23, 27)}
    back = restored(frozenset({(4, 18), (10, 18), (23, 27)}), item, "abbreviations")
    assert back == {(4, 6), (11, 15), ("spurious", 0)}
    assert restored(None, item, "abbreviations") is None


# ---- The order of options

option = st.sampled_from(
    "Gout Flu Measles Mumps Gout aspirin 5 12 Yes No".split()
    + ["All of the above", "None of the above.", "Both", "Both A and B", "vitamin A and D"]
)


@given(st.lists(option, min_size=4, max_size=4), st.sampled_from("ABCD"), st.integers(0, 9))
def test_options_and_gold_are_permuted_together(options, gold, seed):
    item = exam(*options, gold=gold, identifier=f"q-{seed}")
    found, olds = perturb(item, "option_order", seed), order(item, seed)
    new, old = found.inputs["options"], item.inputs["options"]
    assert list(new) == list(old) == list(olds) and sorted(olds.values()) == list("ABCD")
    assert {letter: old[olds[letter]] for letter in new} == dict(new)
    assert olds[found.gold] == gold and restored(found.gold, item, "option_order", seed) == gold
    fixed = [letter for letter in old if re.match(r"(All|None|Both)\b", old[letter])]
    free = "ABCD"[: "ABCD".index(fixed[0]) if fixed else 4]
    if "Both A and B" in options or len(free) < 2:
        assert found == item
    else:
        assert found != item and all(olds[x] == x for x in "ABCD" if x not in free)


@pytest.mark.parametrize("text", sum((CASES[name] for name in OPTIONS), []))
def test_options_that_speak_of_others_stay_and_those_that_name_them_hold_all(text):
    drawn = [order(exam("Gout", "Flu", "Mumps", text, identifier=str(n)), 0) for n in range(40)]
    assert any(found["D"] != "D" for found in drawn) == (text in CASES["plain_options"])
    assert any(found["A"] != "A" for found in drawn) == (
        text not in CASES["options_that_name_others"]
    )


# ---- Runs


def test_a_perturbed_run_is_scored_in_the_terms_of_the_items(tmp_path):
    options = {"store": tmp_path, "progress": False}
    (base,) = evaluate("majority", "medqa", **options)
    (run,) = evaluate("majority", "medqa", perturbation="option_order", **options)
    letter = base.readings[0]  # always the same letter, which is another option now
    olds = [order(item, 0)[letter] for item in items("medqa")]
    assert set(base.readings) == {letter} and list(run.readings) == olds
    assert list(run.examples) == list(base.asked) == items("medqa")
    assert list(run.asked) == [perturb(item, "option_order") for item in items("medqa")]
    right = [old == item.gold for old, item in zip(olds, items("medqa"), strict=True)]
    assert run.scores.value == pytest.approx(sum(right) / len(right))
    added = {name: run.signature[name] for name in set(run.signature) - set(base.signature)}
    logged = {item.id: "".join(order(item, 0).values()) for item in items("medqa")}
    assert added == {"perturbation": "option_order", "perturbation_version": 1,
                     "option_order": logged}  # fmt: skip
    official = dict(base.signature, data={"source": "official", "limit": 0})
    assert dataclasses.replace(base, signature=official).comparable
    assert not dataclasses.replace(run, signature=official | added).comparable
    with pytest.raises(BenchHealthError, match="does not apply to chatdoctor"):
        evaluate("majority", "chatdoctor", perturbation="abbreviations", **options)
