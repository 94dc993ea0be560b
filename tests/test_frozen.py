"""What must not move: prompts, their versions, data fingerprints, scores and intervals.

The values in ``golden/`` were written by version 1. Ids and hashes only of data, no text.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, build, load, score
from benchhealth_utils.data import fingerprint
from benchhealth_utils.prompts import exemplar_order, exemplars
from benchhealth_utils.schema import digest
from benchhealth_utils.tasks import TASKS, sufficient

GOLDEN = Path(__file__).parent / "golden"
OPEN = [key for key, spec in DATASETS.items() if spec.tier == "open"]
pytestmark = pytest.mark.filterwarnings("ignore:.*reports are left out")


def prompts(key, root):
    """Digests of all that is asked about a data set, and the data's fingerprints."""
    items, pool, task = load(key, root=root), load(key, "train", root=root), TASKS[key]
    order = exemplar_order(pool)
    asked = {
        str(shots): digest([build(item, exemplars(item, order, shots)) for item in items])
        for shots in (0, 2)
    }
    told = [[task.question(x), task.answer(x.gold, x), task.document(x)] for x in [*items, *pool]]
    labels = [task.labels(item) for item in items] if task.labels else None
    settings = [task.max_tokens, task.keep_end, task.cue, task.after]
    return {
        "version": task.version,
        "prompts": asked,
        "told": digest(told),
        "labels": digest(labels),
        "settings": digest(settings),
        "instruction": digest(task.instruction),
        "reworded": digest(task.reworded),
        "test": fingerprint(items),
        "train": fingerprint(pool),
    }


def golden(name):
    return json.loads((GOLDEN / name).read_text("utf-8"))


@pytest.mark.parametrize("key", DATASETS)
def test_prompts_on_samples(key, samples):
    assert prompts(key, samples) == golden("prompts.json")["samples"][key]


@pytest.mark.parametrize("key", OPEN)
def test_prompts_on_official_data(key, real_data):
    if not (real_data / DATASETS[key].folder).is_dir():
        pytest.skip(f"{real_data} has no folder {DATASETS[key].folder}")
    assert prompts(key, real_data) == golden("prompts.json")["official"][key]


def members(*texts):
    """One set for each text; its words are the members. None stays None."""
    return [None if text is None else frozenset(text.split()) for text in texts]


def spans(*rows):
    return [None if row is None else frozenset(row) for row in rows]


def hallmarks(*texts):
    return [None if t is None else frozenset(t.split("; ")) - {""} for t in texts]


LETTERS = (list("ABCDABCDAA"), [*"ABCDABDC", None, "B"])
REPORTS = (
    ["No acute disease.", "Small left effusion, unchanged.", "Stable 3.5 cm nodule.", "Normal."],
    ["no acute cardiopulmonary disease", "Small left effusion.", "", None],
)
MENTIONS = (
    spans([(0, 4), (9, 12)], [], [(3, 8)], [], [(5, 9)], []),
    spans([(0, 4), ("spurious", 0)], [], [(3, 7)], [(1, 2)], None, None),
)
CELL, GROWTH = "Resisting cell death", "Evading growth suppressors"
TABLES = {
    **dict.fromkeys(("medqa", "medmcqa", "mmlu_medicine"), LETTERS),
    "pubmedqa": (["yes", "yes", "no", "maybe", "no"], ["yes", "no", "no", None, "maybe"]),
    "chatdoctor": (members("a b c", "d", "e f"), members("a b x", "", None)),
    **dict.fromkeys(("mimic_cxr", "iu_xray"), REPORTS),
    "mimic_iii": (
        ["rest at home , and call us .", "take 2 tablets a day for 7 days ."],
        ["Rest at home and call us.", "Take 2 tablets a day for 7.5 days."],
    ),
    **dict.fromkeys(("bc5_disease", "ncbi_disease"), MENTIONS),
    "ddi": (
        ["mechanism", "effect", "advise", "int", "false", "false", "false", "effect"],
        ["mechanism", "advise", None, "false", "effect", "false", None, "effect"],
    ),
    "gad": (["yes", "yes", "no", "no", "yes"], ["yes", "no", "yes", None, None]),
    "hoc": (
        hallmarks(f"{CELL}; {GROWTH}", CELL, GROWTH),
        hallmarks(CELL, f"{CELL}; {GROWTH}", None),
    ),
}


def whole(found):
    """Every field of `Scores`, the distribution as its quartiles."""
    quartiles = {name: row[::25] for name, row in found.distribution.items()}
    return dataclasses.asdict(found) | {"distribution": quartiles}


def scores(key):
    """`score` without and with groups, and the sums of each item."""
    gold, read = TABLES[key]
    pairs = [f"g{row // 2}" for row in range(len(gold))]
    sums, statistic = sufficient(key, gold, read)
    return {
        "items": whole(score(key, gold, read)),
        "groups": whole(score(key, gold, read, groups=pairs, seed=3)),
        "sums": sums.tolist(),
        "value": float(statistic(sums.sum(axis=0))),
    }


def same(found, kept):
    """Equal, and numbers to 12 digits."""
    if isinstance(kept, dict):
        return list(found) == list(kept) and all(same(found[name], kept[name]) for name in kept)
    if isinstance(kept, list):
        return len(found) == len(kept) and all(map(same, found, kept))
    return found == (pytest.approx(kept, rel=1e-12) if isinstance(kept, float) else kept)


@pytest.mark.parametrize("key", DATASETS)
def test_scores_of_a_table(key):
    assert same(scores(key), golden("scores.json")[key])
