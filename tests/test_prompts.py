"""Prompts: the paper's wording, turns, and exemplars that never leak."""

import dataclasses

import pytest

from benchhealth_utils import DATASETS, build, load, read, score
from benchhealth_utils.prompts import exemplar_order, exemplars, normalised, same_item
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.tasks import TASKS

KEYS = list(DATASETS)


@pytest.fixture
def parts(samples):
    return lambda key: (load(key, root=samples), load(key, "train", root=samples))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shots", [0, 1, 5])
def test_turns_alternate_and_the_first_carries_the_instruction(key, shots, parts):
    (item, *_), pool = parts(key)
    messages = build(item, exemplars(item, exemplar_order(pool), shots))
    assert [m["role"] for m in messages] == ["user", "assistant"] * shots + ["user"]
    instruction, first = TASKS[key].instruction, messages[0]["content"]
    after = TASKS[key].after
    assert first.endswith(f"\n\n{instruction}") if after else first.startswith(f"{instruction}\n\n")
    assert sum(m["content"].count(instruction) for m in messages) == 1
    assert TASKS[key].question(item) in messages[-1]["content"]


@pytest.mark.parametrize("key", KEYS)
def test_gold_never_enters_the_turn_and_the_document_can_be_shortened_in_place(key, parts):
    for item in parts(key)[0]:
        assert build(item) == build(dataclasses.replace(item, gold=frozenset({"canary"})))
        document = TASKS[key].document(item)
        assert document and document in build(item)[-1]["content"]


def test_braces_in_an_item_are_its_own(parts):
    item = parts("gad")[0][0]
    odd = dataclasses.replace(item, inputs={"sentence": "{gold} @GENE$ {0} @DISEASE$ {{"})
    assert build(odd)[0]["content"].endswith("Sentence: {gold} @GENES {0} @DISEASES {{")


def test_the_exam_prompt_word_for_word(parts):
    item = parts("medmcqa")[0][0]
    options = " ".join(f"({x}) {text}" for x, text in item.inputs["options"].items())
    text = "The following are multiple-choice questions about medical knowledge. Solve them in a "
    text += "step-by-step fashion, starting by summarizing the available information. Output a "
    text += "single option from the four options as the final answer."
    content = f"{text}\n\nQuestion: {item.inputs['question']}\n{options}"
    assert build(item) == [{"role": "user", "content": content}]


@pytest.mark.parametrize("key", KEYS)
def test_exemplars_are_fixed_by_seed_and_never_the_item(key, parts):
    items, pool = parts(key)
    orders = [exemplar_order(pool, seed) for seed in range(4)]
    assert orders[0] == exemplar_order(list(reversed(pool)), 0)
    assert len({tuple(x.id for x in order[:3]) for order in orders}) > 1
    chosen = {tuple(x.id for x in exemplars(item, orders[0], 3)) for item in items}
    assert len(chosen) == 1 or key in ("chatdoctor", "iu_xray")  # where one can be an item
    disguised = [
        dataclasses.replace(item, id=f"other-{item.id}", inputs=_shouted(item.inputs))
        for item in items
    ]
    for item in items:
        for shot in exemplars(item, [*disguised, *orders[0]], 5):
            assert shot.id != item.id and normalised(shot) != normalised(item)


def _shouted(inputs):
    return {k: f" {x.upper()}! " if isinstance(x, str) else x for k, x in inputs.items()}


def test_chatdoctor_gives_an_exemplar_the_next_one_in_its_place(parts):
    order = exemplar_order(parts("chatdoctor")[0])
    assert exemplars(order[0], order, 2) == order[1:3]
    assert exemplars(order[1], order, 2) == [order[0], order[2]]
    assert exemplars(order[5], order, 2) == order[:2]


def test_what_is_no_exemplar_is_refused(parts):
    (item, *_), pool = parts("medqa")
    assert same_item(item, dataclasses.replace(item, id="x"))
    with pytest.raises(BenchHealthError, match="is the test item"):
        build(item, [item])
    with pytest.raises(BenchHealthError, match="is of pubmedqa"):
        build(item, parts("pubmedqa")[1][:1])
    with pytest.raises(BenchHealthError, match="11 exemplars asked for, 10 to be had"):
        exemplars(item, exemplar_order(pool), 11)
    with pytest.raises(BenchHealthError, match="no data set 'medqua'. Did you mean medqa"):
        build(dataclasses.replace(item, dataset="medqua"))


@pytest.mark.parametrize(
    "asked, said",
    [
        (lambda item: build(None), "example is of type NoneType; expected Example"),
        (lambda item: read(None, "yes"), "example is of type NoneType"),
        (lambda item: read(item, None), "reply is of type NoneType; expected str or Answer"),
        (lambda item: score("gad", ["yes"], None), "readings is of type NoneType"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_named(asked, said, parts):
    with pytest.raises(BenchHealthError, match=said):
        asked(parts("gad")[0][0])
