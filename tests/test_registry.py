"""Registries: an entry that was edited is refused by name, or harmless."""

import pytest
import yaml

from benchhealth_utils import registry
from benchhealth_utils.registry import Dataset, ModelSpec, read_yaml
from benchhealth_utils.schema import DATA, DataError

SETS = read_yaml(DATA / "datasets.yaml")
MODELS = {key: row for key, row in read_yaml(DATA / "models.yaml").items() if key != "how"}
GONE = object()
EDITS = [
    (Dataset, "gad", "tier", "Open"),
    (Dataset, "gad", "tier", "public"),
    (Dataset, "mimic_iii", "tier", "OPEN"),
    (Dataset, "mimic_iii", "tier", None),
    (Dataset, "gad", "tier", GONE),
    (Dataset, "gad", "scenario", "Understanding"),
    (Dataset, "gad", "size", 0),
    (Dataset, "gad", "size", -534),
    (Dataset, "gad", "size", "534"),
    (Dataset, "gad", "size", 534.5),
    (Dataset, "gad", "size", True),
    (Dataset, "gad", "files", "test.tsv"),
    (Dataset, "gad", "folder", 7),
    (Dataset, "gad", "fingerprint", ["x"]),
    (Dataset, "gad", "fingerprnt", "x"),
    (Dataset, "gad", "name", GONE),
    (ModelSpec, "llama-2-7b", "published", None),
    (ModelSpec, "llama-2-7b", "published", GONE),
    (ModelSpec, "llama-2-7b", "context", "4096"),
    (ModelSpec, "llama-2-7b", "gated", "yes"),
    (ModelSpec, "gpt-4", "retired", "2026-10-23"),
    (ModelSpec, "gpt-4", "price", 30),
    (ModelSpec, "gpt-4", "snapshot", {}),
]


@pytest.mark.parametrize(("kind", "key", "field", "value"), EDITS)
def test_an_edited_entry_is_refused_by_name(kind, key, field, value):
    row = dict((SETS if kind is Dataset else MODELS)[key])
    if value is GONE:
        del row[field]
    else:
        row[field] = value
    with pytest.raises(DataError, match=f"x.yaml, entry {key}: {field}: "):
        registry._entries({key: row}, kind, "x.yaml")


@pytest.mark.parametrize(
    "text", ["gad: {tier: open", "- gad", "", "gad: 1\ngad: 2", "gad: {a: 1, a: 2}", "\x00"]
)
def test_a_file_that_is_no_registry_is_named(text, tmp_path):
    (tmp_path / "datasets.yaml").write_text(text)
    with pytest.raises(DataError, match="datasets.yaml: cannot be read"):
        read_yaml(tmp_path / "datasets.yaml")


def test_an_entry_that_is_no_mapping_is_refused():
    with pytest.raises(DataError, match="entry gad"):
        registry._entries({"gad": [1]}, Dataset, "x.yaml")
    assert yaml.safe_load((DATA / "datasets.yaml").read_text("utf-8")).keys() == SETS.keys()
