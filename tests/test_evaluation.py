"""A run from items to scores, with models whose every word is known."""

import pytest

from benchhealth_utils import (
    DATASETS,
    add_csv,
    compare,
    evaluate,
    frame,
    items,
    load,
    published,
    score,
)
from benchhealth_utils.models import Backend, Reply
from benchhealth_utils.notebook import measured
from benchhealth_utils.perturb import applies
from benchhealth_utils.results import publish_answers, record
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.tasks import task


class Perfect(Backend):
    """Gives the gold answer in the form that exemplars have."""

    name, signature = "perfect", {"backend": "perfect"}

    def replies(self, requests, wanted):
        gold = {e.id: e for e in load(requests[0].example.dataset)}
        for i in sorted(wanted):
            item = gold[requests[i].example.id]
            yield [(i, Reply("ok", task(item.dataset).answer(item.gold, item)))]


class Broken(Backend):
    """Right each time, but only every fifth answer is one."""

    name, signature = "broken", {"backend": "broken"}

    def replies(self, requests, wanted):
        gold = {e.id: e.gold for e in load("medqa")}
        kinds = ("ok", "truncated", "empty", "refused", "error")
        for i in sorted(wanted):
            kind = kinds[i % 5]
            said = f"Answer: {gold[requests[i].example.id]}"
            yield [(i, Reply(kind, "" if kind in ("empty", "error") else said, kind))]


def test_perfect_answers_score_one_through_text_and_readings(tmp_path):
    for run in evaluate(Perfect(), list(DATASETS), store=tmp_path, progress=False):
        assert run.scores.value == pytest.approx(1), run.dataset
        assert run.scores.coverage == 1


def test_a_status_that_is_not_ok_counts_as_wrong_and_is_counted(tmp_path):
    (run,) = evaluate(Broken(), "medqa", store=tmp_path, progress=False)
    assert run.scores.n == 24 and run.counts["ok"] == 5 and run.counts["error"] == 4
    assert run.scores.value == run.scores.coverage == pytest.approx(5 / 24)
    assert run.scores.extra["value_with_truncated"] == pytest.approx(10 / 24)
    assert not run.complete and not run.comparable
    gold = [e.gold for e in run.examples]
    assert run.scores.value == score("medqa", gold, list(run.readings)).value


def test_the_majority_baseline_on_official_data_is_what_the_labels_dictate(
    real_data, monkeypatch, tmp_path
):
    monkeypatch.setenv("BENCHHEALTH_DATA", str(real_data))
    runs = evaluate("majority", ["pubmedqa", "ddi", "gad"], store=tmp_path, progress=False)
    assert all(run.comparable and run.scores.coverage == 1 for run in runs)
    wanted = [276 / 500, 0, 2 * 281 / (2 * 281 + 253)]
    assert [run.scores.value for run in runs] == pytest.approx(wanted)


def test_a_chapter_shows_real_data_in_hand_then_published_then_samples(tmp_path):
    runs = evaluate("majority", ["gad", "medqa"], limit=4, store=tmp_path, progress=False)
    shown = frame(measured("majority", runs, "understanding"))
    assert set(shown["source"]) == {"official"} and "medqa" not in set(shown["dataset"])
    assert list(shown["n"]) == [DATASETS[key].size for key in shown["dataset"]]
    assert measured("hf:nobody", runs, "understanding") == runs[::-1]  # in Table 1's order
    with pytest.raises(BenchHealthError, match="none of its data sets is in the data folder"):
        measured("hf:nobody", [], "reasoning")


class Untouched(Backend):
    """A remote model that must not be asked."""

    name, signature, remote, endpoint = "untouched", {"backend": "x"}, True, "https://host/v1"
    modes = ("generate", "likelihood")

    def replies(self, requests, wanted):
        raise AssertionError("asked")


@pytest.mark.parametrize(
    "given, said",
    [
        ({"model": None}, "no model 'None'. Known: claude-2"),
        ({"model": "not a model"}, "no model 'not a model'. Known: claude-2"),
        ({"datasets": None}, "no data set 'None'. Known: medqa"),
        ({"datasets": [["gad"]]}, "Did you mean gad"),
        ({"mode": "likelihod"}, "no mode 'likelihod'. Did you mean likelihood"),
        ({"perturbation": "typo"}, "no perturbation 'typo'. Did you mean typos"),
        ({"perturbation": ["typos", "typo"]}, "no perturbation 'typo'"),
        ({"shots": [0, -1]}, "shots is -1"),
        ({"shots": []}, "expected one or several"),
        ({"exemplar_seed": [1, 1]}, "each once"),
        ({"datasets": ["medqa", "gad"], "perturbation": "option_order"}, "does not apply to gad"),
        ({"datasets": ["gad", "mimic_cxr"]}, "mimic_cxr is credentialed"),
        ({"datasets": ["gad", "gad"]}, "named twice"),
        ({"limit": -3}, "limit is -3"),
        ({"shots": True}, "shots is True"),
        ({"seed": -1}, "seed is -1"),
        ({"exemplar_seed": "a"}, "exemplar_seed is 'a'"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_asked(given, said, tmp_path):
    with pytest.raises(BenchHealthError, match=said):
        evaluate(**{"model": Untouched(), "datasets": "gad", "store": tmp_path, **given})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", ["supervised", "smollm2-135m"])
def test_asked_together_or_one_by_one_the_runs_are_equal(model, tmp_path):
    """Data sets, numbers of shots, draws of exemplars and perturbations, where they apply."""
    keys, how = ["pubmedqa", "gad"], {"limit": 2, "mode": "likelihood", "progress": False}
    kinds, grid = ["typos", "option_order"], [(0, 0), (1, 0), (1, 1)]
    several = evaluate(
        model, keys, shots=[0, 1], exemplar_seed=[0, 1], store=tmp_path / "one", **how
    )
    several += evaluate(model, keys, perturbation=kinds, store=tmp_path / "one", **how)
    alone = [
        run
        for shots, draw in grid
        for key in keys
        for run in evaluate(
            model, key, shots=shots, exemplar_seed=draw, store=tmp_path / key, **how
        )
    ]
    for kind in kinds:
        for key in [key for key in keys if applies(kind, key)]:
            alone += evaluate(model, key, perturbation=kind, store=tmp_path / key, **how)
    assert [str(run) for run in several] == [str(run) for run in alone]
    assert [run.signature for run in several] == [run.signature for run in alone]
    assert [run.answers for run in several] == [run.answers for run in alone]
    files = {path.name for path in (tmp_path / "one").rglob("*.jsonl")}
    assert files == {"pubmedqa.jsonl", "gad.jsonl"}


def test_an_instruction_of_ones_own_has_no_other_words(tmp_path):
    (tmp_path / "own.csv").write_text("text,gold\nIs it?,yes\nOr not?,no\n")
    add_csv("own", tmp_path / "own.csv", text="text", gold="gold", labels=["yes", "no"])
    try:
        with pytest.raises(BenchHealthError, match="'template' does not apply to own; it does to"):
            evaluate("majority", "own", perturbation="template", store=tmp_path)
    finally:
        del DATASETS["own"]


def test_runs_one_by_one_and_two_on_one_data_set(tmp_path):
    (run,) = evaluate("majority", "gad", limit=4, store=tmp_path, progress=False)
    assert list(frame([]).columns) == list(frame(run).columns) and frame([]).empty
    for wrong in (None, "majority", [1]):
        with pytest.raises(BenchHealthError, match="Expected runs, as `evaluate`"):
            frame(wrong)
    assert len(frame(run)) == 1 and compare(run, run)["difference"].tolist() == [0]
    for what in (items, record, publish_answers):
        with pytest.raises(BenchHealthError, match=f"{what.__name__} takes one run"):
            what([run])
    assert record(run, str(tmp_path / "results")).exists()
    with pytest.raises(BenchHealthError, match="Two rival runs"):
        compare([run], [run, run])
    with pytest.raises(BenchHealthError, match="no data set 'gda'"):
        published("majority", "gda")
