"""Credentialed text stays where it may be: a canary planted in MIMIC-shaped files."""

import dataclasses
import re
from pathlib import Path

import pytest
from chapters import CANARY, execute, planted, shown
from scripted import Scripted

from benchhealth_utils import load
from benchhealth_utils.answers import answer
from benchhealth_utils.guard import POLICY, VARIABLE
from benchhealth_utils.schema import BenchHealthError

ROOT = Path(__file__).parent.parent


def remote():
    return Scripted(name="remote", remote=True, endpoint="https://models.example.org/v1")


@pytest.mark.parametrize("key", ["mimic_cxr", "mimic_iii"])
@pytest.mark.parametrize("declared", ["", "https://other.example.org/v1"])
def test_credentialed_text_goes_to_no_remote_model(key, declared, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, declared)
    model = remote()
    with pytest.raises(BenchHealthError, match=re.escape(POLICY)) as caught:
        answer(model, load(key)[:2], store=tmp_path, progress=False)
    assert model.asked == [] and not list(tmp_path.rglob("*.jsonl"))
    assert f"export {VARIABLE}=https://models.example.org/v1" in str(caught.value)


def test_a_declared_endpoint_may_be_asked_and_open_data_always(tmp_path, monkeypatch):
    model = remote()
    answer(model, load("iu_xray")[:2], store=tmp_path, progress=False)
    monkeypatch.setenv(VARIABLE, "https://a.example.org, https://models.example.org/v1/")
    answer(model, load("mimic_iii")[:2], store=tmp_path, progress=False)
    assert len(model.asked) == 4


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """The generation chapter in a hospital that has the two MIMIC sets alone, and their canary."""
    folder = tmp_path_factory.mktemp("canary")
    data, runs = planted(folder / "data"), folder / "runs"
    runs.mkdir()
    given = ("-p", "against", "majority", "-p", "limit", "0")  # a model that copies them
    notebook = "notebooks/generation.ipynb"
    text, log = execute(notebook, runs, *given, BENCHHEALTH_DATA=str(data))
    return runs / "out.ipynb", text, log


def test_a_hospital_with_the_two_mimic_sets_alone(chapter):
    out, text, log = chapter
    table = shown(text, "generation-scores")
    assert set(table["Data set"]) == {"MIMIC-CXR", "IU-Xray", "MIMIC-III"}
    assert set(table["Data"]) == {"credentialed", "official"}
    assert "left out: IU-Xray" in text and str(out.parent.parent / "data") not in text + log


def test_the_canary_was_really_in_what_the_model_saw_and_said(chapter):
    out, *_ = chapter
    data = out.parent.parent / "data"
    for key in ("mimic_cxr", "mimic_iii"):
        for item in load(key, root=data):
            assert CANARY in next(iter(item.inputs.values()))
        stored = out.parent / "answers" / "majority" / f"{key}.jsonl"
        assert CANARY in stored.read_text(encoding="utf-8")


def test_the_canary_is_in_no_notebook_log_result_or_project_file(chapter):
    out, text, log = chapter
    assert CANARY not in text + log
    for path in [*(out.parent / "results").rglob("*"), *(ROOT / "data").rglob("*")]:
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


@pytest.fixture(scope="module")
def printed(chapter):
    """What a cell may end in: items, answers, a run, and frames and lists of them."""
    import pandas as pd

    from benchhealth_utils import evaluate, items

    folder = chapter[0].parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHHEALTH_DATA", str(folder.parent / "data"))
        (run,) = evaluate("majority", "mimic_cxr", store=folder / "answers", progress=False)
    assert any(CANARY in reply.text for reply in run.answers)
    assert CANARY in run.examples[0].gold and CANARY in run.readings[0]
    first = run.examples[0], run.answers[0], run
    frames = pd.Series(first), pd.DataFrame({"x": first}), items(run)
    return [*first, list(first), {"x": first}, *frames]


@pytest.mark.parametrize("how", ["repr", "str", "format", "pprint", "ipython", "html"])
def test_the_canary_is_not_in_what_prints_an_object(how, printed):
    from pprint import pformat

    from IPython.core.formatters import HTMLFormatter
    from IPython.lib.pretty import pretty

    shown = {
        "repr": repr,
        "str": str,
        "format": "{}".format,
        "pprint": pformat,
        "ipython": pretty,
        "html": HTMLFormatter(),
    }[how]
    for thing in printed:
        text = shown(thing) or ""
        assert CANARY not in text
        if how != "html":
            assert "59999" in text or "..." in text or "majority" in text


def test_what_is_printed_names_the_item_and_its_sizes(printed):
    item, reply = printed[:2]
    sizes = {"findings": len(item.inputs["findings"])}
    assert f"id='{item.id}', dataset='mimic_cxr'" in repr(item) and str(sizes) in repr(item)
    assert repr(reply) == f"Answer(id='{item.id}', status='ok', characters={len(reply.text)})"
    shown = load("gad")[0]
    assert shown.inputs["sentence"] not in repr(shown)


def test_an_assertion_that_fails_prints_no_field(printed, request):
    """pytest takes dataclasses apart whose equality was generated, as of the last."""

    def shown(one, other):
        hook = request.config.hook.pytest_assertrepr_compare
        return str(hook(config=request.config, op="==", left=one, right=other))

    for one in printed[:2]:
        other = dataclasses.replace(one, id="other")
        assert CANARY not in shown(one, other) + shown([one], [other]) + shown({1: one}, {1: other})
    taken_apart = dataclasses.make_dataclass("Plain", ["text"])
    assert CANARY in shown(taken_apart(CANARY), taken_apart("another"))
