"""What must not move: prompts, their versions, and data fingerprints.

The values in ``golden/`` were written by version 1. Ids and hashes only of data, no text.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchhealth_utils import DATASETS, build, load
from benchhealth_utils.data import fingerprint
from benchhealth_utils.prompts import exemplar_order, exemplars
from benchhealth_utils.schema import digest
from benchhealth_utils.tasks import TASKS

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
