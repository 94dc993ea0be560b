"""Readings of entities, relations and hallmarks: corpora, real gold, properties.

``tests/cases/*.yaml`` were written from the rules, before and apart from the code.
"""

from __future__ import annotations

import json
import re
import string
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from benchhealth_utils import load, read
from benchhealth_utils.schema import Example
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.tasks.entities import Sentence, detokenise
from benchhealth_utils.tasks.hallmarks import HALLMARKS
from benchhealth_utils.tasks.relations import SHOWN as DDI_LABELS

CASES = Path(__file__).parent / "cases"
NER = ("bc5_disease", "ncbi_disease")
KEYS = (*NER, "ddi", "gad", "hoc")


def corpus(name):
    whole = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return whole, [pytest.param(case, id=case["why"]) for case in whole["cases"]]


def item(dataset, gold="", **inputs):
    return Example("1", dataset, inputs, gold, "1")


def read_entities(text, sentence):
    return read(item("bc5_disease", sentence=sentence), text)


def read_relation(text):
    return read(item("ddi", sentence="@DRUGS it is."), text)


def read_gene_disease(text):
    return read(item("gad", sentence="@GENE$ it is."), text)


def read_hallmarks(text):
    return read(item("hoc", text="An abstract."), text)


def words(sentence, reading):
    """The texts of a reading's spans, and the number of its spurious members."""
    spans = sorted(member for member in reading if member[0] != "spurious")
    return [sentence[start:end] for start, end in spans], len(reading) - len(spans)


# ------------------------------------------------------------------ the corpora

SENTENCES = corpus("entities")[0]["sentences"]


def places(case):
    """The expected reading as spans."""
    sentence = SENTENCES[case["sentence"]]
    found = set()
    for text, number in case["reading"]:
        spans = [m.span() for m in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", sentence)]
        found.add(spans[number - 1])
    return frozenset(found) | {("spurious", k) for k in range(case["spurious"])}


@pytest.mark.parametrize("case", corpus("entities")[1])
def test_entities(case):
    expected = None if case["reading"] is None else places(case)
    one = item("bc5_disease", sentence=SENTENCES[case["sentence"]])
    assert read(one, case["reply"]) == expected


@pytest.mark.parametrize("case", corpus("relations")[1])
def test_relations(case):
    one = item("ddi", sentence="@DRUGS was given with @DRUGS in a trial.")
    assert read(one, case["reply"]) == case["reading"]


@pytest.mark.parametrize("case", corpus("gene_disease")[1])
def test_gene_disease(case):
    assert (
        read(item("gad", sentence="@GENE$ and @DISEASE$ it is."), case["reply"]) == case["reading"]
    )


@pytest.mark.parametrize("case", corpus("hallmarks")[1])
def test_hallmarks(case):
    expected = None if case["reading"] is None else frozenset(case["reading"])
    assert read(item("hoc", text="Some abstract."), case["reply"]) == expected


# ------------------------------------------------------- shapes beside the corpora


@pytest.mark.parametrize(
    "sentence, reply, names, spurious",
    [
        ("asthma", "x-1 | asthma\nx-1 | eczema", ["asthma", "eczema"], 0),
        ("asthma", "x-1 | asthma\nx-2 | gout", ["asthma"], 0),
        ("asthma", "1 | asthma\n2 | eczema\n3 | fever", ["asthma", "eczema", "fever"], 0),
        ("asthma", "asthma\neczema\nfever", ["asthma", "eczema", "fever"], 0),
        ("asthma", "Disease: asthma\nDisease: eczema", ["asthma", "eczema"], 0),
        ("asthma", "I found these:\n- asthma\n- eczema", ["asthma", "eczema"], 0),
        ("asthma", "Fever is a symptom.\n\nasthma; eczema", ["asthma", "eczema"], 0),
        (
            "asthma",
            "| # | Disease |\n|---|---|\n| 1 | asthma |\n| 2 | fever |",
            ["asthma", "fever"],
            0,
        ),
        ("asthma", '{"diseases": ["asthma", "eczema", "fev', ["asthma", "eczema"], 1),
        ("asthma", "Paragraph: x-1 | asthma; eczema", ["asthma", "eczema"], 0),
        ("asthma", "Symptoms: fever\nDiseases: asthma", ["asthma"], 0),
        ("asthma", "x-1 | asthma; none of the others was named.", ["asthma"], 0),
        ("asthma", "ASTHMA; ECZEMA", ["asthma", "eczema"], 0),
        ("asthma", "The disease is not common.", None, 0),
        ("asthma", "x-1 | I cannot find any.", None, 0),
        ("asthma", "Bronchitis", None, 0),
        ("asthma", "There are none.", [], 0),
        ("asthma", "I could not find any diseases.", [], 0),
        ("certificate", "Diseases: pneumonia, heart failure, congestive", 2, 0),
        ("certificate", "x-1 | gout, acute, pneumonia", ["pneumonia"], 1),
        ("nursery", "x-1 | foot and mouth disease", ["foot and mouth disease"], 0),
        ("cancers", "Diseases: breast cancer and ovarian cancer", 2, 0),
        ("lithium", "tremor: Disease\nmania: Disease\nlithium: Chemical", ["tremor", "mania"], 0),
        (
            "lithium",
            "The diseases are tremor and mania; the drug is lithium.",
            ["tremor", "mania"],
            0,
        ),
        ("lithium", "疾病：tremor\n药物：lithium", ["tremor"], 0),
        ("asthma", "Diseases: asthma - of the airways, often in children", ["asthma"], 0),
        ("asthma", "x-1 | asthma: a disease; fever: a sign", ["asthma", "fever"], 0),
        ("asthma", "x-1 | asthma, fever;", ["asthma", "fever"], 0),
        ("asthma", "x-1 | eczema\nx-1 | eczema", ["eczema"], 0),
        ("asthma", "x-1 | asthma\n\nOn second thoughts:\n\nx-1 | eczema", ["eczema"], 0),
    ],
)
def test_more_entities(sentence, reply, names, spurious):
    sentence = SENTENCES[sentence]
    reading = read_entities(reply, sentence)
    if names is None:
        assert reading is None
    else:
        found, missing = words(sentence, reading)
        assert found == names or len(found) == names
        assert missing == spurious


def test_commas_belong_to_names_where_something_stronger_parts_them():
    sentence = "Breast and ovarian cancer, and gout, were seen; gout was rare."
    assert words(sentence, read_entities("x-1 | breast and ovarian cancer, gout", sentence)) == (
        ["Breast and ovarian cancer", "gout"],
        0,
    )
    assert read_entities("x-1 | cancer, gout; gout", sentence) == {(31, 35), ("spurious", 0)}
    # A semicolon after one name says that it is one.
    both = "Atrial fibrillation and flutter were seen."
    assert read_entities("x-1 | atrial fibrillation and flutter", both) == {(0, 19), (24, 31)}
    assert read_entities("x-1 | atrial fibrillation and flutter;", both) == {(0, 31)}


def test_a_comma_before_a_semicolon_belongs_to_the_name():
    sentence = "Gout, breast cancer, and fever were seen."
    assert read_entities("x-1 | gout; breast cancer,;", sentence) == {(0, 4), (6, 20)}
    assert read_entities("x-1 | gout; breast cancer,", sentence) == {(0, 4), (6, 19)}
    assert read_entities("x-1 | breast cancer,; fever,;", sentence) == {(6, 20), (25, 30)}


def test_the_order_of_a_list_tells_which_place_is_meant():
    sentence = "The gene once called the DM gene is faulty in myotonic dystrophy (DM)."
    first, name, second = (25, 27), (46, 64), (66, 68)
    assert read_entities("x-1 | myotonic dystrophy; DM", sentence) == {name, second}
    assert read_entities("x-1 | DM; myotonic dystrophy", sentence) == {first, name}
    # A name that does not occur is passed over; an order that cannot be tells nothing.
    spurious = {("spurious", 0)}
    assert read_entities("x-1 | myotonic dystrophy; flu; DM", sentence) == {name, second} | spurious
    shuffled = "x-1 | myotonic dystrophy; gene; DM; gene; gene"
    assert read_entities(shuffled, sentence) == {name, (4, 8), first, (28, 32)} | spurious


def test_a_title_is_a_name_and_its_repetition_with_a_full_stop_is_not():
    title = "Hereditary deficiency of the fifth component of complement."
    assert read_entities(f"x-1 | {title[:-1]}", title) == {(0, len(title) - 1)}
    assert read_entities(f"x-1 | {title}", title) is None
    assert read_entities(f"Paragraph: x-1 | {title[:-1]}", title) is None


def test_a_place_of_its_own_comes_before_one_with_a_hyphen():
    assert read_entities("x-1 | VHL", "VHL-negative cells lack VHL.") == {(24, 27)}
    assert read_entities("x-1 | VHL; VHL", "VHL-negative cells lack VHL.") == {(0, 3), (24, 27)}


@pytest.mark.parametrize(
    "reply, reading",
    [
        ("There is no interaction between the two @DRUGS.", "false"),
        ("The two @DRUGS do not interact.", "false"),
        ("The sentence does not describe an interaction between the two @DRUGS.", "false"),
        ("There is no information about an interaction.", None),
        ("There is no interaction mechanism described, but an effect.", None),
        ("<mechanism> or <effect>", None),
        ("<effect><mechanism>", None),
        ("<effect> is incorrect; <int> is correct.", "int"),
        ("<effect>. No, it isn't <effect>.", None),
        ("Not <mechanism>. Answer: effect", "effect"),
        ('{"interaction": "none"}', "false"),
        ("Type: mechanism", "mechanism"),
        ("### Category: int", "int"),
        ("The drug raises its level.\n\nmechanism", "mechanism"),
        ("<无>", "false"),
        ("<None of the above>", None),
        ("<addition>", None),
    ],
)
def test_more_relations(reply, reading):
    assert read_relation(reply) == reading


@pytest.mark.parametrize(
    "reply, reading",
    [
        ("No association was found between @GENES and @DISEASES.", "no"),
        ("An association was found between @GENES and @DISEASES.", "yes"),
        ("@GENES may be associated with @DISEASES.", None),
        ("The sentence does not state that there is a relation between the two.", "no"),
        ("There's no relation.", "no"),
        ("There is a relation. There is no relation between them.", None),
        ("The two are not related.", "no"),
        ("Label: <Yes>", "yes"),
        ("Label - Yes", "yes"),
        ("No.\nYes.", None),
        ("Final label: No", "no"),
        ("Label: No evidence", None),
    ],
)
def test_more_gene_disease(reply, reading):
    assert read_gene_disease(reply) == reading


def verdicts(yes, form="{}: {}"):
    return "\n".join(form.format(x, "Yes" if k in yes else "No") for k, x in enumerate(HALLMARKS))


@pytest.mark.parametrize(
    "reply, reading",
    [
        (verdicts({2, 8}), {2, 8}),
        (verdicts({3}, "- **{}** - {}, as is plain"), {3}),
        (f"| Hallmark | Present |\n|---|---|\n{verdicts({3}, '| {} | {} |')}", {3}),
        (verdicts(()), set()),
        ('{"Inducing angiogenesis": true, "Resisting cell death": false}', {4}),
        ("Resisting cell death (Yes); Inducing angiogenesis (No)", {2}),
        ("It shows these:\n\n1. Resisting cell death: yes.\n2. Inducing angiogenesis.", {2, 4}),
        ("Evading apoptosis; tissue invasion and metastasis", {2, 5}),
        ("The cells live.\n\nResisting cell death", {2}),
        ("There is no hallmark in this document.", set()),
        ("The document does not give evidence of any of the hallmarks.", set()),
        ("None of the mice died.", None),
        ("Is it Resisting cell death? Perhaps.", None),
        ("Angiogenesis, which feeds the tumour, was reduced.", None),
        ("Answer: the cells show inflammation", None),
        ("; ".join(HALLMARKS), None),
        ("; ".join(HALLMARKS[:9]), set(range(9))),
        (TASKS["hoc"].instruction[-1000:].partition("\n")[2], None),
        ("\n".join(TASKS["hoc"].instruction.split("\n")[1:5]), None),
    ],
)
def test_more_hallmarks(reply, reading):
    expected = None if reading is None else {HALLMARKS[number] for number in reading}
    assert read_hallmarks(reply) == expected


# --------------------------------------------------- the project's own answers


def split_cases(root):
    return [
        (key, split, load(key, split, root=root)) for key in KEYS for split in ("test", "train")
    ]


def test_exemplar_answers_of_the_samples_are_read_back(samples):
    for key, _, examples in split_cases(samples):
        for one in examples:
            assert read(one, TASKS[key].answer(one.gold, one)) == one.gold


@pytest.mark.parametrize("key", ["ddi", "gad", "hoc"])
def test_official_labels_are_read_back(key, real_data):
    for split in ("test", "train"):
        for one in load(key, split, root=real_data):
            assert read(one, TASKS[key].answer(one.gold, one)) == one.gold, one.id


def test_likelihood_labels_are_read_back():
    for gold, label in DDI_LABELS.items():
        assert read_relation(f"{TASKS['ddi'].cue} {label}") == gold
    for label in ("Yes", "No"):
        assert read_gene_disease(f"{TASKS['gad'].cue} {label}") == label.lower()


# Gold only at the second of two equal places, with no other mention between them.
UNTOLD = {"ncbi_disease-train-1977", "ncbi_disease-train-2467"}


@pytest.mark.parametrize("split, misread", [("test", set()), ("train", UNTOLD)])
def test_official_mentions_are_read_back(split, misread, real_data):
    examples = [one for key in NER for one in load(key, split, root=real_data)]
    assert len(examples) == {"test": 4797 + 940, "train": 4560 + 5424}[split]
    answers = [TASKS[one.dataset].answer(one.gold, one) for one in examples]
    readings = [read(one, answer) for one, answer in zip(examples, answers, strict=True)]
    wrong = [one.id for one, got in zip(examples, readings, strict=True) if got != one.gold]
    assert set(wrong) == misread


def joined(sentence, spans):
    """Neighbouring mentions that only commas and "and" part."""
    runs = [[spans[0]]] if spans else []
    for span in spans[1:]:
        between = sentence[runs[-1][-1][1] : span[0]]
        if re.fullmatch(r",? (?:and|or) |, ", between):
            runs[-1].append(span)
        else:
            runs.append([span])
    return [run for run in runs if len(run) > 1]


@pytest.mark.parametrize("split", ["train", "test"])
def test_commas_and_and_part_the_official_mentions_mostly_as_in_gold(split, real_data):
    kept, parted = [], []
    for key in NER:
        for one in load(key, split, root=real_data):
            sentence, spans = one.inputs["sentence"], sorted(one.gold)
            for start, end in spans:
                if re.search(r",| (?:and|or|and/or) ", sentence[start:end]):
                    kept.append(read(one, f"x-1 | {sentence[start:end]}") == {(start, end)})
            for run in joined(sentence, spans):
                whole = sentence[run[0][0] : run[-1][1]]
                got = read(one, f"x-1 | {whole}")
                parted.append(
                    [sentence[a:b] for a, b in sorted(got)] == [sentence[a:b] for a, b in run]
                )
    assert len(kept) > 60 and sum(kept) / len(kept) > 0.75
    assert len(parted) > 250 and sum(parted) / len(parted) > 0.95


FORMS = {
    "x-1 | {}": ", ",
    "Recognized entities: {}": "; ",
    "Diseases:\n\n1. **{}**: a disease": "**: a disease\n2. **",
    '["{}"]': '", "',
    "<x-1> | <{}>": ">, <",
    "- {}": "\n- ",
}


@pytest.mark.parametrize("key", NER)
def test_other_forms_of_the_official_mentions_are_read_as_well(key, real_data):
    items = [one for one in load(key, root=real_data, limit=900) if one.gold]
    for form, mark in FORMS.items():
        wrong = 0
        for one in items:
            sentence = one.inputs["sentence"]
            names = [sentence[start:end] for start, end in sorted(one.gold)]
            wrong += read(one, form.format(mark.join(names))) != one.gold
        assert wrong <= len(items) / 50, form


@pytest.mark.parametrize("key", NER)
def test_every_token_of_the_official_sentences_has_its_place(key, real_data):
    for split in ("test", "train"):
        for one in load(key, split, root=real_data):
            sentence, offsets = detokenise(list(one.inputs["tokens"]))
            assert sentence == one.inputs["sentence"]
            assert tuple(sentence[a:b] for a, b in offsets) == one.inputs["tokens"]


# -------------------------------------------------------------------- properties

# Text that is made of what the rules look for is likelier to trip them than noise is.
PIECES = """
x-1 | ; , : . - * ** _ ` # < > [ ] ( ) { } " ' \\boxed{ } answer Answer: Diseases: Entities:
Genes: Paragraph: Paragraph ID recognized entities none None no diseases the and or not type 2
asthma eczema gout breast ovarian cancer congestive Label: label yes Yes no No relation is are
There associated with @GENES @DISEASES @DRUGS mechanism effect advice int interaction category
<effect> <None> Resisting cell death; Inducing angiogenesis metastasis hallmark target: document:
<think> </think> </s> [INST] 答案 是 否 ： 、 无 ⟦ ⟧ ⟨ ⟩ ? 1. 2. • because but {"a":
"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\n\n", " ", "\t"])
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=16).map(" ".join),
    st.lists(WORDS, max_size=16).map("".join),
)


@given(TEXTS)
@example("\ud800 <effect\ud800>")
@example("ıſK <ıſK>")
def test_a_label_is_allowed_or_none_for_any_text(text):
    assert read(item("ddi", sentence="@DRUGS it is."), text) in {*DDI_LABELS, None}
    assert read(item("gad", sentence="@GENE$ it is."), text) in {"yes", "no", None}
    names = read(item("hoc", text="An abstract."), text)
    assert names is None or (isinstance(names, frozenset) and names <= set(HALLMARKS))


def check_entities(reading, sentence):
    spans = sorted(member for member in reading if member[0] != "spurious")
    rest = {member for member in reading if member[0] == "spurious"}
    assert rest == {("spurious", number) for number in range(len(rest))}
    assert all(0 <= start < end <= len(sentence) for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))


@given(TEXTS, st.one_of(TEXTS, st.sampled_from(sorted(SENTENCES.values()))))
@example("½; 1", "½ 1")
@example("x-1 | İ; i̇", "İ i̇")
def test_spans_lie_in_the_sentence_and_do_not_overlap(text, sentence):
    reading = read(item("bc5_disease", sentence=sentence), text)
    if reading is not None:
        check_entities(reading, sentence)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.sampled_from(["asthma", "gout", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["diseases", "name", "type", "label", "x"]), inner),
    ),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(["{}", "x-1 | {}", "```json\n{}\n```", "Answer: {}"]))
def test_any_json_can_be_asked(value, form):
    reply = form.format(json.dumps(value))
    reading = read_entities(reply, SENTENCES["asthma"])
    if reading is not None:
        check_entities(reading, SENTENCES["asthma"])
    assert read_relation(reply) in {"false", None}
    assert read_gene_disease(reply) in {"yes", "no", None}
    assert read_hallmarks(reply) in (None, frozenset())


def test_replies_without_end_are_read_in_time():
    for unit in ("asthma, ", "PKU; ", "<", "[", '{"a": [', "- gout\n", "the answer is ", "not a "):
        reply = (unit * 3000)[:3000]
        begun = time.process_time()
        read_entities(reply, SENTENCES["asthma"])
        read_relation(reply)
        read_gene_disease(reply)
        read_hallmarks(reply)
        assert time.process_time() - begun < 10


NAMES = [
    "asthma",
    "eczema",
    "fever",
    "gout",
    "Breast cancer",
    "cancer",
    "DMD",
    "ataxia-x",
    "type 2",
]


@given(
    st.lists(st.sampled_from([*NAMES, "and", "with", "(", ")", ",", "."]), max_size=14), st.data()
)
def test_spans_are_the_names_that_were_given(parts, data):
    sentence = " ".join(parts)
    names = data.draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6))
    reading = read_entities("x-1 | " + "; ".join(names), sentence)
    assert len(reading) == len(names)
    check_entities(reading, sentence)
    given_names = [name.lower() for name in names]
    for word in words(sentence, reading)[0]:
        given_names.remove(word.lower())
    free = sentence.lower()
    for name in set(given_names):
        assert free.count(name) <= names.count(name) + sum(name in n.lower() for n in names)


@given(st.integers(2, 14), st.sets(st.integers(0, 13), min_size=2, max_size=8), st.booleans())
def test_places_in_a_sentence_of_different_words_come_back(count, cuts, capital):
    tokens = [f"word{string.ascii_lowercase[k]}" for k in range(count)]
    sentence = " ".join(tokens)
    ends = sorted(cut for cut in cuts if cut <= count)
    spans = {
        (sentence.index(tokens[a]), sentence.index(tokens[b - 1]) + len(tokens[b - 1]))
        for a, b in zip(ends, ends[1:], strict=False)
    }
    assume(len(spans) > 1)
    names = [sentence[a:b] for a, b in sorted(spans)]
    shown = [name.capitalize() for name in names] if capital else names
    for reply in ("x-1 | " + "; ".join(shown), "- " + "\n- ".join(shown), str(shown)):
        assert read_entities(reply, sentence) == spans


@given(st.lists(st.sampled_from([" ", ", ", " and ", " or "]), min_size=1, max_size=4), st.data())
def test_an_exemplar_s_answer_is_read_back_whatever_stands_in_its_names(gaps, data):
    sentence, ends = "worda", [5]
    for number, gap in enumerate(gaps, 1):
        sentence += f"{gap}word{string.ascii_lowercase[number]}"
        ends.append(len(sentence))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(gaps)), max_size=6)))
    spans = set()
    for first, last in zip(cuts[::2], cuts[1::2], strict=False):
        comma = data.draw(st.booleans()) and sentence.startswith(",", ends[last])
        spans.add((ends[first] - 5, ends[last] + comma))
    one = Example("x-1", "bc5_disease", {"sentence": sentence}, frozenset(spans), "1")
    assert read(one, TASKS["bc5_disease"].answer(one.gold, one)) == spans


@given(st.sampled_from(sorted(SENTENCES.values())), st.sampled_from(sorted(SENTENCES.values())))
def test_a_sentence_repeated_is_no_reading(sentence, other):
    assert read_entities(sentence, sentence) is None
    assert read_entities(f"Paragraph: x-1 | {sentence}", sentence) is None
    echoed = f"Paragraph: x-1 | {sentence}\n\nx-1 | gout\n\nParagraph: x-2 | {other}\n\nx-2 | flu"
    assert len(read_entities(echoed, sentence)) == 1


TYPE_ANSWERS = st.sampled_from(
    ["<{}>", "The category is <{}>.", "Answer: {}.", "**{}**\n", "{}.", "The answer is {}.", "{}\n"]
)
LABEL_ANSWERS = st.sampled_from(
    [
        "Label: {}.",
        "The label is {}.",
        "{}.",
        "Therefore, the answer is {}.",
        "**Label:** {}\n",
        "{}\n",
    ]
)
DISTRACTORS = st.sampled_from(
    [
        "The mechanism is unknown.",
        "An effect on the heart was seen.",
        "None of the patients had been given both.",
        "It could be a mechanism or an effect.",
        "Interaction of drugs is common in the old.",
        "Advice should be sought before both are taken.",
        "This is not <{other}>.",
        "There is no evidence against it.",
        "No other gene was looked at.",
        "Positive staining was seen in two samples.",
        "If there were a trial, the answer would be other.",
        "Please consult a physician.",
        "This answer is for educational purposes only.",
        "Note that a common wrong answer is none.",
    ]
)
GAPS = st.sampled_from([" ", "\n\n"])


@given(TYPE_ANSWERS, st.sampled_from(sorted(DDI_LABELS)), DISTRACTORS, GAPS)
def test_a_distractor_after_the_answer_changes_no_type(shape, gold, distractor, gap):
    reply = shape.format(DDI_LABELS[gold])
    other = next(label for label in DDI_LABELS.values() if label != DDI_LABELS[gold])
    assert read_relation(reply) == gold
    assert read_relation(reply + gap + distractor.format(other=other)) == gold


@given(LABEL_ANSWERS, st.sampled_from(["Yes", "No"]), DISTRACTORS, GAPS)
def test_a_distractor_after_the_answer_changes_no_gene_disease_label(shape, word, distractor, gap):
    reply = shape.format(word)
    assert read_gene_disease(reply) == word.lower()
    assert read_gene_disease(reply + gap + distractor.format(other="effect")) == word.lower()


@given(
    st.sets(st.sampled_from(HALLMARKS), min_size=1, max_size=9),
    st.sampled_from(["; ", ", ", "\n", "\n- "]),
    st.sampled_from(["", "Answer: ", "The correct categories are: "]),
)
def test_any_hallmarks_in_any_list_are_read(names, mark, cue):
    listed = mark.join(sorted(names))
    reply = f"{cue}{mark if mark.startswith(chr(10)) else ''}{listed}"
    assert read_hallmarks(reply) == names
    assert read_hallmarks(f"{reply}\n\nThe work was done in mice, not in patients.") == names


PROSE_WORDS = """
fever cough clot pain high low rises falls after before today patient kidney liver a an the
of with in man woman aged 45 years examined soon well often, slowly, badly. gene drug level
"""
PROSE = st.lists(st.sampled_from(PROSE_WORDS.split()), min_size=6, max_size=25).map(
    lambda some: "The " + " ".join(some) + " was seen."
)


@given(PROSE)
def test_prose_without_a_cue_or_a_label_is_not_read(text):
    assert read_relation(text) is None
    assert read_gene_disease(text) is None
    assert read_hallmarks(text) is None
    assert read_entities(text, SENTENCES["asthma"]) is None


LABEL_WORDS = re.compile(
    r"answer|ans\b|label|categor|type|class|relat|associat|link|connect|correlat|interact|predict"
    r"|mechanism|effect|advi[cs]e|int\b|no|yes|true|false|positive|negative|conclu|result|output",
)


@given(st.text(string.ascii_lowercase + " \n.:", max_size=60))
def test_no_cue_and_no_label_no_reading(text):
    if not LABEL_WORDS.search(text):
        assert read_relation(text) is None
        assert read_gene_disease(text) is None


@given(TEXTS)
def test_a_sentence_aligns_any_names(text):
    known = Sentence(text)
    check_entities(known.align(text.split()), text)
    for name in text.split():
        assert all(0 <= start < end <= len(text) for start, end in known.spans(name))
