"""Tuned siblings: each opens by its key, says other things than its base, and is documented."""

import re

import pandas as pd
import pytest
import yaml

from benchhealth_utils import MODELS, answer, load, open_model
from benchhealth_utils.schema import DATA

TUNED = [key for key, spec in MODELS.items() if spec.published == "tuned"]
FOLDER = DATA / "adapters"


def test_each_adapter_has_a_key_and_each_key_an_adapter():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(TUNED)
    assert all(MODELS[key].max_tokens == MODELS["smollm2-135m"].max_tokens for key in TUNED)


@pytest.mark.parametrize("key", TUNED)
def test_an_adapter_is_small_and_says_what_it_was_made_of(key):
    files = sorted((FOLDER / key).iterdir())
    names = "README.md adapter_config.json adapter_model.safetensors loss.csv recipe.yaml".split()
    assert [path.name for path in files] == names
    assert sum(path.stat().st_size for path in files) < 2 * 2**20
    readme, config, _, _, recipe = (
        path.read_text("utf-8") if path.suffix != ".safetensors" else "" for path in files
    )
    for text in (readme, config, recipe):
        assert not re.search(r"(^|[\s\"'])(/|~/|[A-Z]:\\)\w", text), key
    assert '"base_model_name_or_path": "smollm2-135m"' in config
    assert "Never for advice to patients" in readme and "**Licence.**" in readme
    said, curve = yaml.safe_load(recipe), pd.read_csv(FOLDER / key / "loss.csv")
    assert key == f"smollm2-135m-{said['recipe']['kind']}"
    assert set(each["source"] for each in said["test items"].values()) == {"official"}
    assert said["held-out loss"]["before"] > 0 and curve["step"].max() == said["steps"]


@pytest.fixture(scope="module")
def items():
    return load("medmcqa", limit=1)


def asked(key, items, store):
    llm = open_model(key, dtype="float32", device="cpu")
    found = answer(llm, items, mode="likelihood", store=store, progress=False)
    return [each.usage["logprobs"] for each in found]


@pytest.fixture(scope="module")
def base(items, tmp_path_factory):
    return asked("smollm2-135m", items, tmp_path_factory.mktemp("base"))


@pytest.mark.model
@pytest.mark.parametrize("key", TUNED)
def test_a_sibling_opens_by_its_key_and_differs_from_its_base(key, base, items, tmp_path):
    for one, other in zip(asked(key, items, tmp_path), base, strict=True):
        assert one.keys() == other.keys()
        assert max(abs(one[label] - other[label]) for label in one) > 0.05
