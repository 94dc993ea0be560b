"""Rewordings: the same items in other words, and what a paired run makes of them."""

import dataclasses
import importlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import DATASETS, build, load, read, report
from benchhealth_utils.answers import make_requests
from benchhealth_utils.datasets import subset
from benchhealth_utils.evaluation import evaluate, evaluate_all, evaluate_reworded
from benchhealth_utils.models import Backend, Reply
from benchhealth_utils.prompts import exemplar_order, exemplars
from benchhealth_utils.rewordings import REWORDINGS, applies, restored, reword
from benchhealth_utils.rewordings.abbreviations import EXPANSIONS, abbreviations
from benchhealth_utils.rewordings.edits import Edit, edited, moved, moved_back, texts
from benchhealth_utils.rewordings.option_order import order
from benchhealth_utils.rewordings.real_words import REAL_WORDS
from benchhealth_utils.rewordings.typos import BESIDE, RATE, SHORTEST, WORD, typos
from benchhealth_utils.schema import ROOT, BenchHealthError, Example
from benchhealth_utils.stats import holm
from benchhealth_utils.tasks import TASKS, sufficient, task

SAMPLES = ROOT / "data" / "samples"
KEYS = list(DATASETS)
EXAMS = ["medqa", "medmcqa", "mmlu_medicine"]
NER = ["bc5_disease", "ncbi_disease"]
PAIRS = [(kind, key) for kind in REWORDINGS for key in KEYS if applies(kind, key)]


def items(key):
    return load(key, root=SAMPLES)


def sentence(text, *mentions, dataset="bc5_disease"):
    """A sentence whose mentions are gold."""
    spans = frozenset((text.index(name), text.index(name) + len(name)) for name in mentions)
    return Example("s-1", dataset, {"sentence": text, "tokens": tuple(text.split())}, spans, "s")


def note(text, dataset="mimic_iii"):
    return Example("n-1", dataset, {"record": text}, "Rest.", "n-1")


def exam(*options, gold="A", identifier="q-1"):
    inputs = {"question": "Which one?", "options": dict(zip("ABCD", options, strict=False))}
    return Example(identifier, "medqa", inputs, gold, identifier)


# What holds for every kind.


@pytest.mark.parametrize(("kind", "key"), PAIRS)
def test_rewording_is_pure_and_keeps_what_identifies_an_item(kind, key):
    for item in items(key):
        before = json.dumps(dict(item.inputs))
        found = reword(item, kind, 3)
        assert found == reword(item, kind, 3)
        assert json.dumps(dict(item.inputs)) == before
        assert (found.id, found.dataset, found.group) == (item.id, item.dataset, item.group)
        assert type(found.gold) is type(item.gold)
        if kind == "template":
            assert found == dataclasses.replace(item, instruction=found.instruction)
        elif found != item:
            assert found.original == item.inputs and found.instruction is None
            assert found.inputs != item.inputs


@pytest.mark.parametrize("kind", ["typos", "option_order"])
def test_another_seed_and_another_id_give_another_change(kind):
    found = [reword(item, kind, seed).inputs for item in items("medqa") for seed in (0, 1)]
    assert any(one != two for one, two in zip(found[::2], found[1::2], strict=True))
    item = items("medqa")[0]
    twins = [dataclasses.replace(item, id=str(number)) for number in range(8)]
    assert len({json.dumps(reword(twin, kind).inputs) for twin in twins}) > 1


def test_a_kind_that_does_not_apply_lists_where_it_does():
    assert {key for key in KEYS if applies("option_order", key)} == set(EXAMS)
    assert {key for key in KEYS if not applies("abbreviations", key)} == {"chatdoctor"}
    with pytest.raises(BenchHealthError, match="does not apply to ddi. It does to: medqa, medmcqa"):
        reword(items("ddi")[0], "option_order")
    with pytest.raises(BenchHealthError, match="no rewording 'typo'. Known: typos, abbreviations"):
        reword(items("ddi")[0], "typo")
    with pytest.raises(BenchHealthError, match="no data set 'x'"):
        applies("typos", "x")
    with pytest.raises(BenchHealthError, match="reworded already"):
        reword(reword(items("ddi")[0], "template"), "typos")


@pytest.mark.parametrize("key", KEYS)
def test_base_prompts_are_what_they_are_without_the_feature(key):
    """Keys of stored answers hash the messages: not a byte of these may change."""
    task, pool = TASKS[key], load(key, "train", root=SAMPLES)
    for shots in (0, 3):
        chosen = [exemplars(item, exemplar_order(pool), shots) for item in items(key)]
        requests, _ = make_requests(items(key), shots=shots, seed=0, mode="generate", pool=pool)
        for item, shown, request in zip(items(key), chosen, requests, strict=True):
            turns = [
                text
                for shot in shown
                for text in (task.question(shot), task.answer(shot.gold, shot))
            ]
            turns.append(task.question(item))
            parts = (turns[0], task.instruction) if task.after else (task.instruction, turns[0])
            turns[0] = "\n\n".join(parts)
            assert [turn["content"] for turn in request.messages] == turns


@pytest.mark.parametrize(("kind", "key"), PAIRS)
def test_exemplars_are_those_of_the_item_itself(kind, key):
    """Also where an exemplar has the item's text under another id."""
    twins = [dataclasses.replace(item, id=f"twin-{item.id}") for item in items(key)]
    order_of_twins = exemplar_order(twins)
    for item in items(key):
        chosen = exemplars(item, order_of_twins, 3)
        assert exemplars(reword(item, kind), order_of_twins, 3) == chosen
        build(reword(item, kind), chosen)
    with pytest.raises(BenchHealthError, match="is the test item"):
        build(reword(items(key)[0], kind), twins[:1])


# Places.

cuts = st.lists(st.integers(0, 40), min_size=2, max_size=8, unique=True).map(sorted)
pieces = st.text("abc ", min_size=1, max_size=6)


@given(cuts, st.lists(pieces, min_size=4, max_size=4), st.integers(0, 40))
def test_places_outside_edits_move_there_and_back(ends, new, place):
    text = "".join(chr(65 + number) for number in range(41))
    spans = list(zip(ends[::2], ends[1::2], strict=False))
    edits = [Edit(("sentence", 0), a, b, piece) for (a, b), piece in zip(spans, new, strict=False)]
    after = edited(text, edits)
    if any(a < place < b for a, b in spans):
        return
    there = moved(place, edits)
    assert moved_back(there, edits) == place
    if not any(a <= place < b for a, b in spans):
        assert after[there] == text[place]
    for edit in edits:
        start = moved(edit.start, edits)
        assert after[start : start + len(edit.text)] == edit.text
        inside = range(start + 1, start + len(edit.text))
        assert all(moved_back(within, edits) is None for within in inside)


# Typos.

fragments = st.sampled_from(
    "patients received treatment without @DRUGS @GENE$ 400mg IL-6 (severe) rs1801133 Aspirin "
    "warfarin metoprolol A) B. dose-dependent 250 [**Hospital pain, nausea; "
    'vomiting. e.g. non-toxic "syndrome" don\'t and/or abdominal hepatitis counts'.split()
)


def changed_words(before: str, after: str):
    one, two = before.split(" "), after.split(" ")
    assert len(one) == len(two)
    return [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]]


def is_one_slip(word: str, new: str) -> bool:
    at = next(i for i, pair in enumerate(zip(word, new, strict=False)) if pair[0] != pair[1])
    return (
        (new[at] in BESIDE.get(word[at], "") and new[at + 1 :] == word[at + 1 :])
        or (word[at : at + 2] == new[at : at + 2][::-1] and new[at + 2 :] == word[at + 2 :])
        or new[at:] == word[at + 1 :]
        or (new[at] == word[at - 1] and new[at + 1 :] == word[at:])
    )


@given(st.lists(fragments, max_size=40), st.integers(0, 5))
def test_typos_are_single_slips_in_plain_words(words, seed):
    text = " ".join(words)
    found = changed_words(text, reword(note(text), "typos", seed).inputs["record"])
    for before, after in found:
        word, new = (re.sub(r"[^a-z]", "", part) for part in (before, after))
        assert len(word) >= SHORTEST and re.sub("[a-z]", "", before) == re.sub("[a-z]", "", after)
        assert (word[0], word[-1]) == (new[0], new[-1])
        assert is_one_slip(word, new) and new not in REAL_WORDS
        assert word not in {"warfarin", "metoprolol", "counts"}
    plain = set("patients received treatment without severe vomiting nausea syndrome "
                "abdominal hepatitis".split())  # fmt: skip
    free = [
        word
        for i, word in enumerate(words)
        if re.sub(r"[^a-z]", "", word) in plain and not (i and words[i - 1][-1].isdigit())
    ]
    assert len(found) == (max(1, round(RATE * len(free))) if free else 0)


@pytest.mark.parametrize(
    "text",
    [
        "@DRUGS", "@DISEASE$", "Doxorubicin", "metoprolol", "cefazolin", "10 milligrams",
        "IL-6-mediated", "drug-induced", "HEPATITIS", "rs2476601abc", "[**Hospital location**]",
        "patient's", "mmol/litres", "www.hospital.org", "short word here", "",
    ],
)  # fmt: skip
def test_typos_leave_alone_what_is_no_plain_word(text):
    for seed in range(20):
        assert typos(note(text), seed) == []


def test_typos_spread_over_all_kinds_of_slips():
    text = " ".join(["gastroesophageal"] * 400)
    kinds = {"neighbour": 0, "swap": 0, "drop": 0, "double": 0}
    for word, new in changed_words(text, reword(note(text), "typos").inputs["record"]):
        if len(new) != len(word):
            kinds["drop" if len(new) < len(word) else "double"] += 1
        else:
            kinds["swap" if sorted(new) == sorted(word) else "neighbour"] += 1
    assert sum(kinds.values()) == 40 and min(kinds.values()) >= 4


def test_real_words_can_be_reached_by_a_slip_and_are_words():
    assert {"causal", "casual", "peroneal", "perineal", "through", "though"} <= REAL_WORDS
    assert all(re.fullmatch("[a-z]{5,}", word) for word in REAL_WORDS)
    for seed in range(60):
        changed = typos(note("causal perineal thorough constriction contusion"), seed)
        assert not {edit.text for edit in changed} & REAL_WORDS


def test_typos_touch_only_prose():
    for key in EXAMS:
        for item in items(key):
            assert reword(item, "typos").inputs["options"] == item.inputs["options"]
    item = items("chatdoctor")[0]
    assert {place[0] for place in texts(item)} == {"disease", "symptoms"}
    both = "x y hepatitis"
    twice = dataclasses.replace(item, inputs={"disease": both, "symptoms": (both, "yellow skin")})
    drawn = {edit.place for seed in range(40) for edit in typos(twice, seed)}
    assert drawn == {("disease", 0), ("symptoms", 0), ("symptoms", 1)}
    assert isinstance(reword(twice, "typos").inputs["symptoms"], tuple)


# Abbreviations.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Her BP is high.", "Her blood pressure is high."),
        ("BP is high. MRI was done.",
         "Blood pressure is high. Magnetic resonance imaging was done."),
        ("He had an MI after an NSAID.",
         "He had a myocardial infarction after a nonsteroidal anti-inflammatory drug."),
        ("A CT scan and an ECG", "A computed tomography scan and an electrocardiogram"),
        ("a UTI; an ICU bed", "a urinary tract infection; an intensive care unit bed"),
        ("two NSAIDs, CT scans", "two nonsteroidal anti-inflammatory drugs, "
         "computed tomography scans"),
        ("blood pressure (BP) fell; BP rose", "blood pressure (BP) fell; blood pressure rose"),
        ("blood pressure ( BP ) fell; BP rose", "blood pressure ( BP ) fell; blood pressure rose"),
        # explained otherwise, or afterwards; in another case, or part of something else
        ("mitral insufficiency (MI); MI was mild", None),
        ("MI (mitral insufficiency) was mild; an MI", None),
        ("bp, Bp, MIs-like, BP/HR, HIV-1, U.MI, MI2, @BP, MI$, RBC's, GABA(A)", None),
        ("PT and RA and PE and CT were seen", None),
    ],
)  # fmt: skip
def test_abbreviations_by_hand(text, expected):
    assert reword(note(text), "abbreviations").inputs["record"] == (expected or text)


def test_every_abbreviation_is_written_out_and_none_is_left():
    for short, long in EXPANSIONS.items():
        found = reword(note(f"seen: {short} today"), "abbreviations").inputs["record"]
        assert found == f"seen: {long} today"
        assert abbreviations(note(found)) == []
        assert short.split()[0].rstrip("s").isupper()


some_words = st.sampled_from([*EXPANSIONS, "an", "a", "the", "of", "pain.", "(BP)", "12", "CT,"])


@given(st.lists(some_words, max_size=30))
def test_abbreviations_change_nothing_else(words):
    text = " ".join(words)
    item = note(text)
    edits = abbreviations(item)
    found = reword(item, "abbreviations")
    for edit in edits:
        was = text[edit.start : edit.end]
        assert was in ("a", "an") or EXPANSIONS[was].lower() == edit.text.lower()
    spans = sorted((edit.start, edit.end) for edit in edits)
    assert all(one[1] <= two[0] for one, two in zip(spans, spans[1:], strict=False))
    back = [
        Edit(e.place, moved(e.start, edits), moved(e.start, edits) + len(e.text),
             text[e.start : e.end]) for e in edits
    ]  # fmt: skip
    assert edited(found.inputs["record"], back) == text


def test_diseases_stay_abbreviated_where_they_are_gold():
    text = "After MI and renal DKA an ECG and the BP were taken."
    found = reword(sentence(text, "renal DKA"), "abbreviations")
    after = "After MI and renal DKA an electrocardiogram and the blood pressure were taken."
    assert found.inputs["sentence"] == after
    assert reword(note(text), "abbreviations").inputs["record"].count("DKA") == 0


# Mentions.

ner_words = st.sampled_from(
    "chronic hepatitis was treated BP of patients an MRI showed DNA damage severe anxiety "
    "fever , . nephropathy without improvement".split()
)


@st.composite
def sentences(draw):
    words = draw(st.lists(ner_words, min_size=1, max_size=16))
    starts, at = [], 0
    for word in words:
        starts.append((at, at + len(word)))
        at += len(word) + 1
    chosen = draw(st.sets(st.integers(0, len(words) - 1), max_size=4))
    spans = frozenset(starts[number] for number in chosen)
    text = " ".join(words)
    return Example(draw(st.text("xyz", min_size=1)), "bc5_disease", {"sentence": text}, spans, "g")


@given(sentences(), st.sampled_from(["typos", "abbreviations"]), st.integers(0, 3), st.data())
def test_mentions_stay_and_a_reading_scores_alike_before_and_after(item, kind, seed, data):
    found = reword(item, kind, seed)
    text, after = item.inputs["sentence"], found.inputs["sentence"]

    def named(one):
        return sorted((place, one.inputs["sentence"][slice(*place)]) for place in one.gold)

    assert [name for _, name in named(item)] == [name for _, name in named(found)]
    for name in {name for _, name in named(item)}:
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        assert len(re.findall(pattern, text)) <= len(re.findall(pattern, after))
    assert restored(found.gold, item, kind, seed) == item.gold

    place = st.tuples(st.integers(0, len(after)), st.integers(0, len(after)))
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
    found = reword(item, "abbreviations")
    assert found.inputs == {"sentence": "The blood pressure and gout."}
    assert found.gold == {(23, 27)}
    back = restored(frozenset({(4, 18), (10, 18), (23, 27)}), item, "abbreviations")
    assert back == {(4, 6), (11, 15), ("spurious", 0)}
    assert restored(None, item, "abbreviations") is None
    assert restored(frozenset(), item, "typos") == frozenset()


# Option order.

option = st.sampled_from(
    "Gout Flu Measles Mumps Gout aspirin 5 12 Yes No".split()
    + ["All of the above", "None of the above.", "Both", "Both A and B", "vitamin A and D"]
)


@given(st.lists(option, min_size=4, max_size=4), st.sampled_from("ABCD"), st.integers(0, 9))
def test_options_and_gold_are_permuted_together(options, gold, seed):
    item = exam(*options, gold=gold, identifier=f"q-{seed}")
    found = reword(item, "option_order", seed)
    new, old = found.inputs["options"], item.inputs["options"]
    olds = order(item, seed)
    assert list(new) == list(old) == list(olds) and sorted(olds.values()) == list("ABCD")
    assert {letter: old[olds[letter]] for letter in new} == dict(new)
    assert olds[found.gold] == gold and new[found.gold] == old[gold]
    assert all(restored(letter, item, "option_order", seed) == olds[letter] for letter in olds)
    about = re.compile(r"(All|None|Both)\b.*")
    fixed = [letter for letter in old if about.fullmatch(old[letter])]
    if "Both A and B" in options:
        assert found == item
    elif fixed:
        stay = "ABCD"["ABCD".index(fixed[0]) :]
        assert all(olds[letter] == letter for letter in stay)
    if "Both A and B" not in options and (not fixed or fixed[0] in "CD"):
        assert any(letter != was for letter, was in olds.items())


@pytest.mark.parametrize(
    "text",
    ["All of the above", "none of the above.", "NONE OF THE ABOVE", "Any of the above", "Both",
     "None", "All", "All of these", "Both of the above", "None of these", "All are true",
     "Can be any of the above", "Both are equal", "d)\tNone of the above"],
)  # fmt: skip
def test_options_that_speak_of_the_others_stay_last(text):
    for number in range(30):
        item = exam("Gout", "Flu", "Mumps", text, identifier=str(number))
        assert order(item, 0)["D"] == "D" and list(order(item, 0).values()) != list("ABCD")
        early = exam("Gout", text, "Flu", "Mumps", identifier=str(number))
        assert reword(early, "option_order") == early


@pytest.mark.parametrize(
    "text", ["Both A and B", "A, C", "A and C are correct", "Only B", "B", "b", "Both AB",
             "Option 1 and 2", "Neither A nor C", "A & B both", "'B' & 'C'"],
)  # fmt: skip
def test_no_option_moves_where_one_names_another_by_letter(text):
    for number in range(20):
        item = exam("Gout", "Flu", text, "Mumps", identifier=str(number))
        assert reword(item, "option_order") == item


def test_other_texts_are_no_such_options():
    for text in ("Vitamin A and D", "ALL", "No", "A 45-year-old man", "Both eyes are red",
                 "Above the clavicle", "1, 2 and 3", "All-trans retinoic acid"):  # fmt: skip
        moved_at = [order(exam("x y", "z w", "u v", text, identifier=str(n)), 0) for n in range(40)]
        assert any(found["D"] != "D" for found in moved_at), text


def test_every_order_but_the_given_one_is_about_as_likely():
    found = [
        "".join(order(exam("Gout", "Flu", "Mumps", "Rabies", identifier=str(n)), 0).values())
        for n in range(2300)
    ]
    tally = {each: found.count(each) for each in set(found)}
    assert len(tally) == 23 and "ABCD" not in tally
    assert all(60 < count < 140 for count in tally.values())  # 100 expected, sd 10


# Template.

FORMS = {  # what both wordings must have for the readings to apply
    "medqa": ["step", "option", "final answer"],
    "pubmedqa": ["yes", "no", "maybe"],
    "chatdoctor": ["Analysis:", "Final Answer:", "list"],
    "mimic_cxr": ["radiology", "coherent paragraph"],
    "mimic_iii": ["(1)", "(2)", "(3)", "medications", "home"],
    "bc5_disease": ['"<Paragraph ID> | <recognized entities>"'],
    "ddi": ['"mechanism"', '"effect"', '"advice"', '"int"', '"None"', "@DRUGS", "<", ">"],
    "gad": ["@GENES", "@DISEASES", '"Yes"', '"No"'],
    "hoc": [f"{name}:" for name in load("hoc", root=SAMPLES)[0].gold],
}


@pytest.mark.parametrize("key", KEYS)
def test_the_template_changes_the_instruction_and_nothing_else(key):
    task, pool = TASKS[key], load(key, "train", root=SAMPLES)
    for item in items(key)[:5]:
        found = reword(item, "template")
        words = found.instruction
        assert words != task.instruction
        shown = exemplars(item, exemplar_order(pool), 2)
        one, two = build(item, shown), build(found, shown)
        assert one[1:] == two[1:]
        assert one[0]["content"].replace(task.instruction, words) == two[0]["content"]
        for mark in FORMS.get(key, ()):
            assert mark in words and mark in task.instruction, mark
        answer = task.answer(item.gold, item)
        assert read(found, answer) == read(item, answer)
        assert read(found, f"{words}\n\n{answer}") == read(item, answer)


# Runs.


class Told(Backend):
    """A model that says what it is told to say of each request."""

    name, remote, modes, max_tokens = "told", False, ("generate",), None
    signature = {"backend": "test"}

    def __init__(self, says):
        self.says = says

    def replies(self, requests, wanted):
        yield [(i, Reply("ok", self.says(requests[i].example))) for i in sorted(wanted)]


def perfect(key):
    """Gold as an exemplar would state it; of an exam, the letter where its text stands."""
    gold = {item.id: item for item in items(key)}

    def says(example):
        item = gold[example.id]
        if key in EXAMS:
            wanted = item.inputs["options"][item.gold]
            options = example.inputs["options"]
            return f"Answer: ({next(x for x, text in options.items() if text == wanted)})"
        return task(key).answer(item.gold, item)

    return Told(says)


@pytest.fixture
def store(tmp_path):
    return {"store": tmp_path / "answers", "progress": False}


@pytest.mark.parametrize("key", KEYS)
def test_a_perfect_model_stays_perfect_however_it_is_asked(key):
    gold = [item.gold for item in items(key)]
    says = perfect(key).says
    for kind in REWORDINGS:
        if applies(kind, key):
            asked = [reword(item, kind) for item in items(key)]
            readings = [
                restored(read(found, says(found)), item, kind)
                for found, item in zip(asked, items(key), strict=True)
            ]
            sums, statistic = sufficient(key, gold, readings)
            assert float(statistic(sums.sum(axis=0))) == pytest.approx(1), kind


@pytest.mark.parametrize("key", ["medmcqa", "ncbi_disease"])
def test_a_perfect_run_stays_perfect(key, store):
    base = evaluate(perfect(key), key, **store)
    assert base.scores.value == 1
    for kind in REWORDINGS:
        if applies(kind, key):
            run = evaluate(perfect(key), key, rewording=kind, **store)
            assert (run.readings, run.scores) == (base.readings, base.scores), kind


def test_letters_refer_to_the_given_order_of_options(store):
    """Always answering A is another option of most items once their order is another."""
    base = evaluate(Told(lambda example: "Answer: (A)"), "medqa", **store)
    run = evaluate(Told(lambda example: "Answer: (A)"), "medqa", rewording="option_order", **store)
    assert set(base.readings) == {"A"} and len(set(run.readings)) == 4
    olds = [order(item, 0)["A"] for item in items("medqa")]
    assert run.readings == olds and base.scores.value != run.scores.value
    right = [old == item.gold for old, item in zip(olds, items("medqa"), strict=True)]
    assert run.scores.value == pytest.approx(sum(right) / len(right))
    assert list(run.examples) == items("medqa")
    asked = [reword(item, "option_order") for item in items("medqa")]
    assert list(run.asked) == asked and list(base.asked) == items("medqa")
    logged = run.signature["option_order"]
    assert logged == {i.id: "".join(order(i, 0).values()) for i in items("medqa")}


@pytest.mark.parametrize("key", ["medqa", "pubmedqa", "ddi", "gad"])
def test_a_model_that_does_not_read_is_unmoved_by_typos(key, store):
    base = evaluate("majority", key, **store)
    run = evaluate("majority", key, rewording="typos", **store)
    assert list(run.asked) != list(base.asked)
    assert (run.readings, run.scores) == (base.readings, base.scores)


def test_the_signature_changes_only_if_asked_for(store):
    base = evaluate("majority", "medqa", **store)
    assert not [name for name in base.signature if "rewording" in name or "order" in name]
    run = evaluate("majority", "medqa", rewording="typos", **store)
    added = {"rewording": "typos", "rewording_version": REWORDINGS["typos"].version}
    assert run.signature == base.signature | added
    official = dict(base.signature, data={"source": "official", "limit": 0})
    assert dataclasses.replace(base, signature=official).comparable
    assert not dataclasses.replace(run, signature=official | added).comparable


def test_truncated_answers_are_restored_too(store):
    class Cut(Told):
        def replies(self, requests, wanted):
            yield [(i, Reply("truncated", "Answer: (B)")) for i in sorted(wanted)]

    run = evaluate(Cut(None), "medqa", rewording="option_order", **store)
    right = [order(item, 0)["B"] == item.gold for item in items("medqa")]
    assert run.scores.value == 0
    assert run.scores.extra["value_with_truncated"] == pytest.approx(sum(right) / len(right))


def test_a_drawn_subset_is_the_same_before_and_after(store):
    options = {"limit": 5, "seed": 2, **store}
    base = evaluate("majority", "gad", **options)
    run = evaluate("majority", "gad", rewording="typos", **options)
    assert list(base.examples) == list(run.examples) == subset(items("gad"), 5, 2)
    assert list(run.asked) == [reword(item, "typos", 2) for item in base.examples]


def test_kinds_are_asked_only_where_they_apply(store):
    found = evaluate_reworded("majority", ["chatdoctor", "medqa"], **store)
    names = {kind: [run.dataset for run in runs] for kind, runs in found.items()}
    assert names == {
        "typos": ["chatdoctor", "medqa"],
        "abbreviations": ["medqa"],
        "option_order": ["medqa"],
        "template": ["chatdoctor", "medqa"],
    }
    assert all(run.signature["rewording"] == kind for kind in found for run in found[kind])
    with pytest.raises(BenchHealthError, match="does not apply to chatdoctor"):
        evaluate_all("majority", ["chatdoctor"], rewording="abbreviations", **store)


def test_few_shot_runs_keep_their_exemplars(store):
    base = evaluate("majority", "iu_xray", shots=2, **store)
    run = evaluate("majority", "iu_xray", shots=2, rewording="typos", **store)
    assert base.signature["exemplars"] == run.signature["exemplars"]


def test_a_reworded_run_never_passes_for_the_base_run(store, tmp_path):
    base = evaluate("majority", "medqa", **store)
    runs = [evaluate("majority", "medqa", rewording=kind, **store) for kind in REWORDINGS]
    folder = tmp_path / "results"
    official = {"source": "official", "limit": 0}
    paths = []
    for run in (*runs, base):
        signature = dict(run.signature, data=dict(run.signature["data"], **official))
        paths.append(report.record(run, folder))
        paths.append(report.record(dataclasses.replace(run, signature=signature), folder))
    assert len({path.name for path in paths}) == 2 * len(runs) + 2
    for path, run in zip(paths, [run for run in (*runs, base) for _ in "12"], strict=True):
        kind = run.signature.get("rewording")
        assert (f"-{kind}" in path.name) if kind else path.name.startswith("medqa-0shot-generate")
    (kept,) = report.results(folder)
    assert "rewording" not in kept["signature"] and kept["official"]
    only = tmp_path / "only"
    report.record(runs[0], only)
    assert report.results(only) == []


def test_official_results_of_another_draw_of_a_rewording_have_their_own_file(
    store, tmp_path, monkeypatch
):
    source = {"fingerprint": "made", "source": "official", "items": 24}
    monkeypatch.setattr("benchhealth_utils.evaluation.provenance", lambda *_: source)
    names = []
    for seed in (0, 1):
        options = {**store, "seed": seed, "rewording": "typos"}
        run = evaluate("majority", "gad", **options)
        assert run.official
        names.append(report.record(run, tmp_path).name)
    assert names == [f"gad-0shot-generate-typos-seed{seed}.json" for seed in (0, 1)]
    few = evaluate("majority", "gad", rewording="typos", shots=2, exemplar_seed=3, **store)
    assert report.record(few, tmp_path).name == "gad-2shot-generate-exemplars3-typos-seed0.json"


def test_a_reworded_run_publishes_under_its_own_name(store, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_RUNS", str(tmp_path))
    names = []
    recording = importlib.import_module("benchhealth_utils.report.recording")
    monkeypatch.setattr(recording, "publish", lambda name, value: names.append(name))
    runs = [
        evaluate("majority", "gad", limit=3, rewording=kind, **store) for kind in (None, "typos")
    ]
    report.record_all(runs)
    assert "majority.gad.value" in names and "majority.gad.typos.value" in names
    assert len(names) == len(set(names))


# The table.


def test_the_table_by_hand(store):
    def says(letter):
        return Told(lambda example: f"Answer: ({letter})")

    base = evaluate_all(says("A"), ["medqa", "medmcqa"], **store)
    changed = evaluate_reworded(says("A"), ["medqa", "medmcqa"], ["option_order", "typos"], **store)
    frame = report.rewording_table(base, changed, "Reworded.", "reworded").data
    assert frame["Data set"].tolist() == ["MedQA (USMLE)"] * 2 + ["MedMCQA"] * 2
    assert frame["Rewording"].tolist() == ["option order", "typos"] * 2
    assert frame["n"].tolist() == [24] * 4
    olds = [order(item, 0) for item in items("medqa")]
    other = sum(each["A"] != "A" for each in olds)
    first, second = frame.iloc[0], frame.iloc[1]
    assert first["Items changed"] == sum(reword(i, "option_order") != i for i in items("medqa"))
    assert first["Readings changed (%)"] == f"{100 * other / 24:.1f}"
    gain = changed["option_order"][0].scores.value - base[0].scores.value
    assert first["Change (95 % interval)"].startswith(f"{100 * gain:+.1f} (")
    assert first["Before (95 % interval)"].startswith(f"{100 * base[0].scores.value:.1f} (")
    assert second["Change (95 % interval)"] == "+0.0 (interval not estimable)"
    assert second["Readings changed (%)"] == "0.0" and second["Items changed"] == 24
    pairs = [(run, was) for kind in changed for run, was in zip(changed[kind], base, strict=True)]
    found = [report.compare_runs(run, was).p_value for run, was in pairs]
    assert sorted(frame["p (Holm)"]) == sorted(f"{p:.3f}" for p in holm(found))


def test_the_table_pairs_sentences_by_their_own_gold(store):
    """The places of mentions move; a model that finds them all is as good as before."""
    base = [evaluate(perfect("bc5_disease"), "bc5_disease", **store)]
    kinds = ("typos", "abbreviations")
    changed = {
        kind: [evaluate(perfect("bc5_disease"), "bc5_disease", rewording=kind, **store)]
        for kind in kinds
    }
    frame = report.rewording_table(base, changed, "x.", "x").data
    assert set(frame["After (95 % interval)"]) == {"100.0 (interval not estimable)"}
    assert set(frame["Readings changed (%)"]) == {"0.0"}


def test_the_table_of_nothing_says_so():
    frame = report.rewording_table([], {"typos": []}, "x.", "x").data
    assert frame.to_dict("list") == {"Data set": ["no run was reworded"]}


def test_the_table_refuses_runs_that_do_not_pair(store):
    base = evaluate("majority", "medqa", **store)
    typo = evaluate("majority", "medqa", rewording="typos", **store)
    fewer = evaluate("majority", "medqa", rewording="typos", limit=5, **store)
    other = evaluate("supervised", "medqa", rewording="typos", **store)
    shown = evaluate("majority", "medqa", rewording="typos", shots=1, **store)
    elsewhere = evaluate("majority", "gad", rewording="typos", **store)
    for changed, problem in (
        ({"template": [typo]}, "expected none and template"),
        ({"typos": [base]}, "expected none and typos"),
        ({"typos": [fewer]}, "were not asked the same items"),
        ({"typos": [other]}, "differ in model"),
        ({"typos": [shown]}, "differ in shots"),
        ({"typos": [elsewhere]}, "no run before rewording on: gad"),
    ):
        with pytest.raises(BenchHealthError, match=problem):
            report.rewording_table([base], changed, "x.", "x")


def test_pages_show_what_the_code_has():
    from benchhealth_utils.report import pages, rewordings

    frame = pages.rewordings_table().data
    said = {reword(items(key)[0], "template").instruction for key in KEYS}
    assert set(frame["Instruction, reworded"]) == said and len(frame) == len(said)
    kinds = rewordings.kinds_table().data
    assert kinds["Rewording"].tolist() == list(REWORDINGS)
    assert kinds["Data sets"].tolist()[:2] == ["all", "all but ChatDoctor"]
    assert f"{RATE:.0%}" in kinds["What is changed"][0]


# Official data.


@pytest.mark.filterwarnings("ignore:.*test items")
@pytest.mark.parametrize("key", [key for key in KEYS if DATASETS[key].tier == "open"])
def test_official_items_are_changed_and_their_gold_is_not(key, real_data):
    found = load(key, root=real_data, limit=600)
    changed = {}
    for kind in REWORDINGS:
        if not applies(kind, key):
            continue
        pairs = [(item, reword(item, kind)) for item in found]
        changed[kind] = sum(one != two for one, two in pairs)
        for one, two in pairs:
            if key in EXAMS:
                assert one.inputs["options"][one.gold] == two.inputs["options"][two.gold]
            elif key in NER:
                names = [
                    [item.inputs["sentence"][slice(*span)] for span in sorted(item.gold)]
                    for item in (one, two)
                ]
                assert names[0] == names[1]
                assert restored(two.gold, one, kind) == one.gold
            else:
                assert one.gold == two.gold
            for (place, text), after in zip(texts(one).items(), texts(two).values(), strict=True):
                marks = r"@\w+\$?"
                assert re.findall(marks, text) == re.findall(marks, after), place
                if kind == "typos":
                    assert re.findall(r"\S*\d\S*", text) == re.findall(r"\S*\d\S*", after)
                    assert len(text.split()) == len(after.split())
                    assert len(WORD.findall(text)) - len(WORD.findall(after)) <= len(text) / 50 + 5
    assert changed["typos"] > 0.95 * len(found)
    assert changed["template"] == len(found)
    assert changed.get("abbreviations", 1) > 0
    assert changed.get("option_order", len(found)) > 0.95 * len(found)
