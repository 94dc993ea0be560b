"""A run from items to scores, with models whose every word is known."""

from itertools import cycle

import pytest
from conftest import cases
from scripted import Scripted
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import DATASETS, compare, evaluate, frame, items, load, published, score
from benchhealth_utils.models import Reply
from benchhealth_utils.notebook import measured
from benchhealth_utils.perturb import applies
from benchhealth_utils.results import record
from benchhealth_utils.schema import BenchHealthError
from benchhealth_utils.tasks import task

STATUSES = ("ok", "truncated", "empty", "refused", "error")


def test_perfect_answers_score_one_through_text_and_readings(tmp_path):
    gold = {(key, item.id): item for key in DATASETS for item in load(key)}

    def perfect(request):
        """The gold answer in the form that exemplars have."""
        item = gold[request.example.dataset, request.example.id]
        return task(item.dataset).answer(item.gold, item)

    for run in evaluate(Scripted(perfect), list(DATASETS), store=tmp_path, progress=False):
        assert run.scores.value == pytest.approx(1), run.dataset
        assert run.scores.coverage == 1


def test_a_status_that_is_not_ok_counts_as_wrong_and_is_counted(tmp_path):
    gold, kinds = {item.id: item.gold for item in load("medqa")}, cycle(STATUSES)

    def broken(request):
        """Right each time, but only every fifth answer is one."""
        kind = next(kinds)
        said = f"Answer: {gold[request.example.id]}"
        return Reply(kind, "" if kind in ("empty", "error") else said, kind)

    (run,) = evaluate(Scripted(broken), "medqa", store=tmp_path, progress=False)
    assert run.scores.n == 24 and run.counts["ok"] == 5 and run.counts["error"] == 4
    assert run.scores.value == run.scores.coverage == pytest.approx(5 / 24)
    assert run.scores.extra["value_with_truncated"] == pytest.approx(10 / 24)
    assert not run.complete and not run.comparable
    assert run.scores.value == score("medqa", [*gold.values()], list(run.readings)).value


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


@pytest.mark.parametrize("given, said", cases("refused")["evaluate"])
def test_wrong_arguments_are_refused_before_anything_is_asked(given, said, tmp_path):
    model = Scripted(remote=True, endpoint="https://host/v1")
    with pytest.raises(BenchHealthError, match=said):
        evaluate(**{"model": model, "datasets": "gad", "store": tmp_path, **given})
    assert not model.asked and not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", ["supervised", "tiny"])
def test_asked_together_or_one_by_one_the_runs_are_equal(model, tmp_path):
    """Data sets, numbers of shots, draws of exemplars and perturbations, where they apply."""
    if model == "tiny":
        tokenizer = embedded_tokenizer()
        model = f"hf:{save(llama(tokenizer, initializer_range=0.3), tokenizer, tmp_path / model)}"
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


def test_runs_one_by_one_and_two_on_one_data_set(tmp_path):
    (run,) = evaluate("majority", "gad", limit=4, store=tmp_path, progress=False)
    assert list(frame([]).columns) == list(frame(run).columns) and frame([]).empty
    for wrong in (None, "majority", [1]):
        with pytest.raises(BenchHealthError, match="Expected runs, as `evaluate`"):
            frame(wrong)
    assert len(frame(run)) == 1 and compare(run, run)["difference"].tolist() == [0]
    for what in (items, record):
        with pytest.raises(BenchHealthError, match=f"{what.__name__} takes one run"):
            what([run])
    assert record(run, str(tmp_path / "results")).exists()
    with pytest.raises(BenchHealthError, match="Two rival runs"):
        compare([run], [run, run])
    with pytest.raises(BenchHealthError, match="no data set 'gda'"):
        published("majority", "gda")
