"""Registries: an entry that was edited is refused by name, or harmless."""

import pytest
import yaml
from conftest import cases

from benchhealth_utils import registry
from benchhealth_utils.registry import Dataset, ModelSpec, read_yaml
from benchhealth_utils.schema import DATA, DataError

SETS = read_yaml(DATA / "datasets.yaml")
MODELS = {key: row for key, row in read_yaml(DATA / "models.yaml").items() if key != "how"}


@pytest.mark.parametrize("edit", cases("refused")["edits"], ids=str)
def test_an_edited_entry_is_refused_by_name(edit):
    name, key, field, *value = edit
    rows, kind = {"dataset": (SETS, Dataset), "model": (MODELS, ModelSpec)}[name]
    row = {k: v for k, v in rows[key].items() if k != field}
    row |= {field: value[0]} if value else {}
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
