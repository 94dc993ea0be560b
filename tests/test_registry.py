"""Registries: an entry that was edited is refused by name, or harmless."""

import pytest
import yaml
from conftest import cases

from benchhealth_utils import registry
from benchhealth_utils.registry import Dataset, ModelSpec
from benchhealth_utils.schema import DATA, DataError, read_yaml

SETS = read_yaml("datasets.yaml")
MODELS = {key: row for key, row in read_yaml("models.yaml").items() if key != "how"}


@pytest.mark.parametrize("edit", cases("refused")["edits"], ids=str)
def test_an_edited_entry_is_refused_by_name(edit):
    name, key, field, *value = edit
    rows, kind = {"dataset": (SETS, Dataset), "model": (MODELS, ModelSpec)}[name]
    row = {k: v for k, v in rows[key].items() if k != field}
    row |= {field: value[0]} if value else {}
    with pytest.raises(DataError, match=f"x.yaml, entry {key}: {field}: "):
        registry._entries({key: row}, kind, "x.yaml")


@pytest.mark.parametrize("text", ["gad: {tier: open", "\x00"])
def test_a_file_that_cannot_be_read_is_named(text, tmp_path):
    (tmp_path / "models.yaml").write_text(text)
    with pytest.raises(DataError, match="models.yaml: cannot be read"):
        read_yaml(tmp_path / "models.yaml")


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.yaml")), ids=lambda path: path.name)
def test_no_key_stands_twice(path):
    """The last one would be taken, in silence."""
    waiting = [yaml.compose(path.read_text("utf-8"), yaml.CSafeLoader)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(set(keys)) == len(keys), keys
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def test_an_entry_that_is_no_mapping_is_refused():
    with pytest.raises(DataError, match="entry gad"):
        registry._entries({"gad": [1]}, Dataset, "x.yaml")
