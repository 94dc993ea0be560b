"""What must not move without a word: `tests/golden/` holds what came out of fixed inputs.

Prompts, their versions and data fingerprints (digests, no text), the tables' derived numbers,
verdicts of the claims, perturbed items. A change that means to move one says so and why.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from benchhealth_utils import DATASETS, build, load, published
from benchhealth_utils.claims import verdicts
from benchhealth_utils.data import fingerprint
from benchhealth_utils.perturb import PERTURBATIONS, applies, perturb
from benchhealth_utils.printed import derived
from benchhealth_utils.prompts import exemplar_order, exemplars
from benchhealth_utils.schema import ROOT, digest
from benchhealth_utils.tasks import TASKS
from benchhealth_utils.usefulness import usefulness

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


def kept(name, **options):
    return pd.read_csv(GOLDEN / f"{name}.csv", **options)


def perturbed():
    """Data set, kind, seed, and a digest of the synthetic items as they are asked."""
    found = []
    for key in DATASETS:
        items = load(key, root=ROOT / "data" / "samples")
        for kind in PERTURBATIONS:
            for seed in (0, 1) if applies(kind, key) else ():
                asked = [perturb(item, kind, seed) for item in items]
                told = [[x.id, build(x), x.gold] for x in asked]
                found.append((key, kind, seed, digest(told)[:16]))
    return found


def test_derived_numbers_are_as_kept():
    was = kept("derived", index_col="model")
    now = derived()
    assert list(now.index) == list(was.index) and len(was) == 16
    assert now[was.columns].to_numpy() == pytest.approx(was.to_numpy(), abs=1e-6)


def test_usefulness_of_published_runs_is_as_kept():
    was = kept("measured")
    now = usefulness(published("majority") + published("supervised"))
    assert now[["model", "measure"]].equals(was[["model", "measure"]])
    numbers = ["value", "low", "high"]
    assert now[numbers].to_numpy() == pytest.approx(was[numbers].to_numpy(), abs=1e-9, nan_ok=True)


def test_verdicts_are_as_kept():
    was = kept("verdicts", dtype={"section": str})
    now = verdicts(also=True)
    columns = ["id", "section", "verdict", "held", "n"]
    assert now[columns].equals(was.rename(columns={"cases": "n"})[columns])
    assert verdicts()["id"].equals(was.loc[was["reading"] == 0, "id"].reset_index(drop=True))
    assert len(verdicts()) == 90


def test_perturbed_items_are_as_kept():
    assert perturbed() == list(kept("perturbed").itertuples(index=False, name=None))
