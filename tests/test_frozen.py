"""What must not move without a word: `tests/golden/` holds what came out of fixed inputs.

Prompts, their versions and data fingerprints (digests, no text), the tables' derived numbers,
verdicts of the claims, perturbed items. A change that means to move one says so and why.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import cases, taken

from benchhealth_utils import DATASETS, build, load, published, score, stats
from benchhealth_utils.claims import verdicts
from benchhealth_utils.data import fingerprint
from benchhealth_utils.perturb import PERTURBATIONS, applies, perturb
from benchhealth_utils.printed import derived
from benchhealth_utils.prompts import exemplar_order, exemplars
from benchhealth_utils.schema import ROOT, digest
from benchhealth_utils.tasks import TASKS, sufficient
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
    """So no exemplar is the item either, of all official ones: `build` would refuse it."""
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


# Scores of a made-up table, with every field, and intervals and tests of drawn counts


def whole(found):
    """Every field of `Scores`, the distribution as its quartiles."""
    quartiles = {name: row[::25] for name, row in found.distribution.items()}
    return dataclasses.asdict(found) | {"distribution": quartiles}


def scores(key):
    """`score` without and with groups, and the sums of each item."""
    gold, read = (list(map(taken, rows)) for rows in cases("tables")[key].values())
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


def counts(seed, n=90, width=3):
    return np.random.default_rng(seed).integers(0, 4, (n, width)).astype(float)


def f1(totals):
    hits, spurious, missed = np.moveaxis(totals, -1, 0)
    return 2 * hits / (2 * hits + spurious + missed)


def statistics():
    """Pairs of what and value, of every interval and test."""
    found = {}

    def keep(what, *values):
        for place, value in enumerate(values):
            found[f"{what} [{place}]"] = float("nan") if value is None else float(value)

    for hits, n in ((0, 10), (136, 272), (1033, 1273), (7, 7), (0, 0)):
        keep(f"wilson {hits} of {n}", *stats.wilson(hits, n))
    keep("accuracy interval 81.2 of 1273", *(100 * x for x in stats.wilson(1034, 1273)))
    ends = stats.newcombe(351, 500, 337, 500)
    keep("difference interval 70.2 67.4 of 500", *(100 * x for x in ends))
    groups = [str(i // 4) for i in range(90)]
    for seed in (0, 1):
        one, two = counts(seed), counts(seed + 10)
        for name, units in (("items", None), ("groups", groups)):
            ends = stats.resample(one, f1, units, seed=seed).interval
            keep(f"bootstrap {seed} {name}", *map(float, ends))
            pair = stats.compare(one, two, f1, units, seed=seed)
            keep(f"compare {seed} {name}", pair.difference, *pair.interval, pair.p_value)
            keep(f"detectable {seed} {name}", pair.detectable)
        right = [np.column_stack([x[:, 0] > 1, np.ones(90)]) for x in (one, two)]
        pair = stats.compare(*right, stats.share, seed=seed)
        keep(f"compare shares {seed}", pair.difference, *pair.interval, pair.p_value)
        keep(f"detectable shares {seed}", pair.detectable)
        keep(f"kendall {seed}", *stats.kendall(*counts(seed, 2, 12)))
    keep("sign flip of 8", stats.sign_flip(counts(3, 8), counts(4, 8), f1))
    keep("mcnemar 5 15", stats.mcnemar(5, 15))
    keep("holm", *stats.holm([0.01, 0.04, 0.03, 0.005]))
    keep("detectable share 1273 0.3", stats.detectable_share(1273, 0.3))
    keep("detectable difference 0.02", stats.detectable_difference(0.02))
    return list(found.items())


def test_intervals_and_tests_are_as_kept():
    was = dict(kept("statistics").itertuples(index=False))
    assert dict(statistics()) == pytest.approx(was, abs=1e-12, nan_ok=True)
