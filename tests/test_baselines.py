"""The two models for scale: what they predict on the samples, as recorded."""

import json

import pytest

from benchhealth_utils import DATASETS, load, open_model
from benchhealth_utils.answers import make_requests
from benchhealth_utils.schema import ROOT, digest

GOLDEN = json.loads((ROOT / "tests" / "golden" / "models.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("key", DATASETS)
@pytest.mark.parametrize("name", ["majority", "supervised"])
def test_predictions_on_the_samples_are_those_recorded(name, key):
    model = open_model(name)
    model.prepare(key, load(key, "train"))
    requests, _ = make_requests(load(key), shots=0, seed=0, mode="generate")
    replies = dict(p for part in model.replies(requests, range(len(requests))) for p in part)
    texts = [replies[i].text for i in range(len(requests))]
    assert [len(texts), digest(texts)[:16]] == GOLDEN["baselines"][f"{name} {key}"]
