"""Prompts: the paper's wording, turns, and exemplars that never leak."""

import dataclasses
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, build, load
from benchhealth_utils.prompts import exemplar_order, exemplars, normalised, same_item
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.tasks import TASKS, task

SAMPLES = Path(__file__).parent.parent / "data" / "samples"
KEYS = list(TASKS)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shots", [0, 1, 3, 5])
def test_turns_alternate_and_the_first_carries_the_instruction(key, shots):
    item, pool = load(key, root=SAMPLES)[0], load(key, "train", root=SAMPLES)
    messages = build(item, exemplars(item, exemplar_order(pool), shots))
    assert [m["role"] for m in messages] == ["user", "assistant"] * shots + ["user"]
    instruction, first = task(key).instruction, messages[0]["content"]
    if task(key).after:
        assert first.endswith("\n\n" + instruction)
    else:
        assert first.startswith(instruction + "\n\n")
    assert sum(m["content"].count(instruction) for m in messages) == 1
    assert task(key).question(item) in messages[-1]["content"]


@pytest.mark.parametrize("key", KEYS)
def test_gold_never_enters_the_item_s_own_turn(key):
    for item in load(key, root=SAMPLES):
        other = dataclasses.replace(item, gold=frozenset({"canary"}))
        assert build(item) == build(other)


@pytest.mark.parametrize("key", KEYS)
def test_the_document_can_be_shortened_in_place(key):
    for item in load(key, root=SAMPLES):
        document = task(key).document(item)
        assert document and build(item)[-1]["content"].count(document) >= 1


def test_the_exam_prompt_word_for_word():
    item = load("medmcqa", root=SAMPLES)[0]
    options = " ".join(f"({x}) {text}" for x, text in item.inputs["options"].items())
    assert build(item) == [
        {
            "role": "user",
            "content": "The following are multiple-choice questions about medical "
            "knowledge. Solve them in a step-by-step fashion, starting by summarizing the "
            "available information. Output a single option from the four options as the "
            f"final answer.\n\nQuestion: {item.inputs['question']}\n{options}",
        }
    ]


@pytest.mark.parametrize("key", KEYS)
def test_exemplars_are_fixed_by_seed_and_differ_between_seeds(key):
    items, pool = load(key, root=SAMPLES), load(key, "train", root=SAMPLES)
    orders = [exemplar_order(pool, seed) for seed in range(4)]
    assert orders[0] == exemplar_order(list(reversed(pool)), 0)
    assert len({tuple(x.id for x in order[:3]) for order in orders}) > 1
    chosen = {tuple(x.id for x in exemplars(item, orders[0], 3)) for item in items}
    if key not in ("chatdoctor", "iu_xray"):  # where an exemplar can be an item
        assert len(chosen) == 1


@pytest.mark.parametrize("key", KEYS)
def test_no_item_is_its_own_exemplar(key):
    items = load(key, root=SAMPLES)
    pool = load(key, "train", root=SAMPLES)
    disguised = [
        dataclasses.replace(item, id=f"other-{item.id}", inputs=_shouted(item.inputs))
        for item in items
    ]
    order = [*disguised, *exemplar_order(pool)]
    for item in items:
        for shot in exemplars(item, order, 5):
            assert shot.id != item.id
            assert normalised(shot) != normalised(item)


def _shouted(inputs):
    return {
        name: f" {text.upper()}! " if isinstance(text, str) else text
        for name, text in inputs.items()
    }


def test_chatdoctor_gives_an_exemplar_the_next_one_in_its_place():
    table = load("chatdoctor", root=SAMPLES)
    order = exemplar_order(table)
    assert exemplars(order[0], order, 2) == order[1:3]
    assert exemplars(order[1], order, 2) == [order[0], order[2]]
    assert exemplars(order[5], order, 2) == order[:2]


def test_build_refuses_an_exemplar_that_is_the_item():
    item = load("medqa", root=SAMPLES)[0]
    assert same_item(item, dataclasses.replace(item, id="x"))
    with pytest.raises(BenchHealthError, match="is the test item"):
        build(item, [item])
    with pytest.raises(BenchHealthError, match="is of pubmedqa"):
        build(item, load("pubmedqa", "train", root=SAMPLES)[:1])


def test_too_many_shots_say_how_many_there_are():
    item, pool = load("medqa", root=SAMPLES)[0], load("medqa", "train", root=SAMPLES)
    with pytest.raises(BenchHealthError, match="11 exemplars asked for, 10 to be had"):
        exemplars(item, exemplar_order(pool), 11)


def test_an_unknown_data_set_lists_the_known_ones():
    with pytest.raises(BenchHealthError, match="no data set 'medqua'. Did you mean medqa"):
        task("medqua")


def test_real_exemplars_never_repeat_the_item(real_data):
    for key in KEYS:
        if DATASETS[key].tier == "credentialed":
            continue
        items, pool = load(key, root=real_data), load(key, "train", root=real_data)
        order = exemplar_order(pool)
        for item in items:
            assert not any(same_item(shot, item) for shot in exemplars(item, order, 5))
