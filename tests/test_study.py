"""A study: the same items for all, larger runs for smaller ones, each answer's cost once."""

import pandas as pd
import pytest
import study
from scripted import Scripted

from benchhealth_utils import compare, evaluate
from benchhealth_utils.results import recorded
from benchhealth_utils.schema import BenchHealthError


def asked(folder, limit, *more):
    given = ["siblings", "--to", str(folder), "--limit", str(limit), *more]
    study.main([*given, "--models", "majority", "supervised", "--datasets", "gad", "hoc"])
    return {(run.model, run.dataset): run for run in recorded(folder)}


@pytest.fixture(autouse=True)
def here(runs, monkeypatch):
    monkeypatch.setattr(study.signal, "signal", lambda *_: None)


def test_a_larger_limit_takes_the_place_of_the_smaller_and_keeps_its_items(tmp_path, capsys):
    small, large = asked(tmp_path, 3), asked(tmp_path, 5)
    assert len(small) == len(large) == 4
    for key, run in large.items():
        assert run.scores.n == 5 and set(small[key].rows["id"]) < set(run.rows["id"])
    assert {p.name for p in (tmp_path / "majority").glob("*.json")} == {
        f"{key}-0shot-generate-samples-5-seed0.json" for key in ("gad", "hoc")
    }
    assert len(list(tmp_path.rglob("*.csv.gz"))) == 4
    one, other = ([large[name, "gad"]] for name in ("majority", "supervised"))
    assert compare(one, other)["n"].tolist() == [5]
    capsys.readouterr()
    asked(tmp_path, 3)
    assert capsys.readouterr().out.count("a larger run is there and stays") == 4
    assert {run.scores.n for run in recorded(tmp_path)} == {5}
    asked(tmp_path, 3, "--seed", "1")
    assert sorted(run.scores.n for run in recorded(tmp_path)) == [3] * 4 + [5] * 4


def test_the_card_counts_each_answer_once(tmp_path):
    for limit in (3, 5, 5):
        asked(tmp_path, limit)
    card = pd.read_csv(tmp_path / "card.csv")
    assert not card.duplicated(study.KEY).any() and set(card["limit"]) == {3, 5}
    assert card.groupby(["model", "dataset"])["asked"].sum().eq(5).all()
    assert (card["cpu_seconds"] >= 0).all() and card.notna().all(axis=None)


def test_what_is_stopped_keeps_its_costs(tmp_path, monkeypatch):
    evaluate = study.evaluate

    def stopped(*given, **options):
        evaluate(*given, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study, "evaluate", stopped)
        with pytest.raises(KeyboardInterrupt):
            asked(tmp_path, 3)
    assert not recorded(tmp_path)
    first = pd.read_csv(tmp_path / "card.csv")
    assert first["asked"].tolist() == [3, 3]
    assert len(asked(tmp_path, 3)) == 4
    card = pd.read_csv(tmp_path / "card.csv")
    assert card["asked"].tolist() == [3] * 4


def test_replies_that_saw_more_than_their_items_are_not_kept(tmp_path):
    (run,) = evaluate(Scripted(), "gad", shots=1, limit=2, store=tmp_path, progress=False)
    with pytest.raises(BenchHealthError, match="saw their items alone"):
        study.keep(run, tmp_path)


def test_nothing_of_other_data_is_published(capsys):
    with pytest.raises(SystemExit, match="Not the official data: gad"):
        study.main(["siblings", "--limit", "2", "--models", "majority", "--datasets", "gad"])


def test_letters_are_those_of_the_sets_that_have_labels(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        study, "evaluate", lambda model, keys, **how: seen.update(dict.fromkeys(keys, how)) or []
    )
    told = ["--to", str(tmp_path), "--limit", "2", "--models", "majority"]
    study.main(["letters", *told])
    assert "hoc" not in seen and {how["mode"] for how in seen.values()} == {"likelihood"}
    assert all(study.DATASETS[key].tier == "open" for key in seen)
    study.main(["letters", *told, "--datasets", "gad", "hoc"])
    assert seen["gad"]["limit"] == 2
    with pytest.raises(SystemExit, match="letters asks only: medqa"):
        study.main(["letters", *told, "--datasets", "hoc"])


def test_each_number_of_exemplars_keeps_its_own_largest_run(tmp_path):
    told = ["exemplars", "--to", str(tmp_path), "--models", "majority", "--datasets", "gad"]
    for limit in ("3", "2"):
        study.main([*told, "--limit", limit])
    found = [run.signature for run in recorded(tmp_path)]
    ways = sorted((each["shots"], each.get("exemplar_seed", 0)) for each in found)
    assert ways == [(0, 0)] + [(n, draw) for n in (1, 3, 5) for draw in (0, 1, 2)]
    assert {each["data"]["limit"] for each in found} == {3}
