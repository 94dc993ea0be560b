"""What a data folder holds: samples beside other data, reports left out, and advice."""

from __future__ import annotations

import shutil
import warnings

import pytest

from benchhealth_utils.data import data_root, left_out, load, provenance
from benchhealth_utils.evaluation import evaluate, frame
from benchhealth_utils.registry import DATASETS
from benchhealth_utils.schema import BenchHealthError, DataError

GOOD = "\n FINDINGS: The heart is large.\n\n IMPRESSION: Cardiomegaly.\n"
OWN = "\n Findings: zebrafinch.\n\n Opinion: zebrafinch.\n"
NO_OPINION = "\n FINDINGS: zebrafinch.\n\n OPINION: zebrafinch.\n"


@pytest.mark.parametrize("key", ["mimic_cxr", "mimic_iii", "gad"])
def test_a_sample_is_called_a_sample_in_any_folder(key, samples, tmp_path, monkeypatch):
    """Copied without the lists of splits, so that MIMIC-III's test part is another."""
    shutil.copytree(samples / DATASETS[key].folder, tmp_path / DATASETS[key].folder)
    monkeypatch.setenv("BENCHHEALTH_DATA", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = evaluate("majority", key, store=tmp_path / "answers", progress=False)
    assert frame(runs)["source"].tolist() == ["samples"]


def test_one_item_that_is_not_a_sample_makes_it_ones_own_data(samples, department):
    root = department(("test", GOOD))
    found = load("mimic_cxr", root=samples)
    assert provenance("mimic_cxr", found, root)["source"] == "samples"
    assert provenance("mimic_cxr", found + load("mimic_cxr", root=root), root)["source"] == (
        "credentialed"
    )


def test_reports_with_other_headers_are_named_and_not_shown(department):
    root = department(("test", GOOD), ("test", OWN), ("test", NO_OPINION), ("train", OWN))
    said = (
        r"mimic_cxr: 2 of 3 test reports are left out: 1 with no FINDINGS and no IMPRESSION "
        r"\(s50000001\); 1 with no IMPRESSION \(s50000002\)\. All of them: .*left_out"
    )
    with pytest.warns(UserWarning, match=said) as caught:
        assert [item.id for item in load("mimic_cxr", root=root)] == ["s50000000"]
    assert not any("zebrafinch" in str(each.message) for each in caught)
    assert left_out("mimic_cxr", root=root) == {
        "s50000001": "no FINDINGS and no IMPRESSION",
        "s50000002": "no IMPRESSION",
    }
    with pytest.raises(DataError) as refused:
        load("mimic_cxr", "train", root=root)
    text = str(refused.value)
    assert "no train item in it. Left out: 1 with no FINDINGS and no IMPRESSION (s50000003)" in text
    root = department(("test", GOOD), *[("test", OWN)] * 5)
    with pytest.warns(UserWarning, match=r"5 of 6 .*\(s50000001, s50000002, s50000003, \.\.\.\)"):
        load("mimic_cxr", root=root)
    assert "never downloaded" in text and "benchhealth_utils.download" not in text


def test_whole_reports_give_no_warning_and_shipped_samples_none(department, samples):
    root = department(("test", GOOD), ("train", GOOD))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("mimic_cxr", root=root)
        load("mimic_cxr", root=samples)
    assert left_out("mimic_cxr", root=root) == {} == left_out("gad", root=samples)
    assert set(left_out("mimic_cxr", root=samples).values()) == {
        "no FINDINGS",
        "no IMPRESSION",
        "no FINDINGS and no IMPRESSION",
    }


def test_an_empty_folder_is_refused_with_what_belongs_there(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(tmp_path))
    said = f"holds no data set.*medqa, medmcqa.*mimic_iii.*download --to {tmp_path}`"
    with pytest.raises(BenchHealthError, match=said):
        data_root()
    (tmp_path / "gad").mkdir()
    assert data_root() == tmp_path


@pytest.mark.parametrize("key", DATASETS)
def test_a_set_that_is_not_here_comes_with_advice_that_works(key, tmp_path):
    """Into the folder in use, or by request: what is credentialed is never downloaded."""
    with pytest.raises(DataError, match="the data set is not here") as caught:
        load(key, root=tmp_path)
    if DATASETS[key].tier == "credentialed":
        for part in ("never downloaded", "Request access", str(tmp_path / DATASETS[key].folder)):
            assert part in caught.value.advice
        assert "benchhealth_utils.download" not in caught.value.advice
    else:
        command = f"`python -m benchhealth_utils download {key} --to {tmp_path}`"
        assert command in caught.value.advice


def swapped(path, header):
    """The file with yes for no and no for yes."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    at = 2 if header else 1
    for row in rows[header:]:
        row[at] = {"0": "1", "1": "0"}[row[at]]
    path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")


@pytest.mark.parametrize("part", ["train", "test"])
def test_inverted_labels_are_not_official(part, real_data, tmp_path, monkeypatch):
    shutil.copytree(real_data / "gad", tmp_path / "gad")
    monkeypatch.setenv("BENCHHEALTH_DATA", str(tmp_path))
    (before,) = evaluate("majority", "gad", store=tmp_path / "answers", progress=False)
    assert before.comparable
    swapped(tmp_path / "gad" / f"{part}.tsv", header=part == "test")
    with pytest.warns(UserWarning, match="gad: the data differ from the official"):
        (after,) = evaluate("majority", "gad", store=tmp_path / "answers", progress=False)
    assert after.signature["data"]["source"] == "other" and not after.comparable
