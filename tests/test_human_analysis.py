"""The analysis of a human evaluation: by hand, by libraries, and on simulated raters."""

import json
import warnings
from itertools import pairwise

import krippendorff
import numpy as np
import pandas as pd
import pytest
from chapters import papermill
from conftest import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from benchhealth_utils import paper
from benchhealth_utils.cli import main
from benchhealth_utils.human_eval import analysis
from benchhealth_utils.human_eval.sample import CRITERIA, Dialogue
from benchhealth_utils.human_eval.study import create
from benchhealth_utils.schema import ROOT, BenchHealthError
from benchhealth_utils.stats import wilson

FEW = {"replicates": 200}
CHOICES, OUTCOMES = ("left", "tie", "right"), ("a", "tie", "b")


@pytest.fixture(autouse=True)
def no_warnings():
    """A division by zero or a mean of nothing would show up as one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def finals(outcomes, a="x", b="y", criterion="faithfulness", start=0):
    """Final verdicts of one comparison on items numbered from `start`."""
    items = [f"item-{start + at}" for at in range(len(outcomes))]
    about = {"item": items, "model_a": a, "model_b": b, "criterion": criterion}
    return pd.DataFrame(about).assign(outcome=pd.Series(outcomes, dtype=object))


def study(choices, criterion="faithfulness", kind="pair", role="rater", hard=(), first="card"):
    """Votes, marks and cards, a left: ``{rater: [verdict or None, ...]}``; `hard` is marked."""
    votes = [
        (rater, role, f"{first}-{at}", criterion, verdict)
        for rater, given in choices.items()
        for at, verdict in enumerate(given)
        if verdict is not None
    ]
    n = max(map(len, choices.values()))
    cards = pd.DataFrame({"card": [f"{first}-{at}" for at in range(n)]})
    cards = cards.assign(item=[f"item-{at}" for at in range(n)], kind=kind, model_a="x")
    cards = cards.assign(model_b="y", a_side="left", equal=False, flags=[()] * n)
    marks = [(f"{first}-{at}", rater, role, True) for rater, at in hard]
    marks = pd.DataFrame(marks, columns=["card", "rater", "role", "difficult"])
    names = ["rater", "role", "card", "criterion", "verdict"]
    return pd.DataFrame(votes, columns=names), marks, cards


def told(choices, **about):
    votes, _, cards = study(choices, **about)
    return analysis.unblind(votes, cards)


def coefficient(frame, name):
    return frame[frame["coefficient"] == name].iloc[0]


# Votes that may be analysed


def test_frames_that_cannot_be_right_are_refused():
    votes, marks, cards = study({"ann": ["left"]})
    for change, message in (
        ({"rater": "gpt-4", "role": "judge"}, "role .judge. is none of rater, senior"),
        ({}, "two verdicts of rater ann, card card-0"),
        ({"rater": "ben", "card": "card-9"}, "card .card-9. is none of the key"),
        ({"rater": "ben", "verdict": "better"}, "verdict 'better' is none of left, tie, right"),
    ):
        with pytest.raises(BenchHealthError, match=message):
            analysis.analyse(pd.concat([votes, votes.assign(**change)]), marks, cards, **FEW)
    final = finals(["a", "b"])
    for frame, message in (
        (pd.concat([final, final]), "two verdicts of item item-0"),
        (final.assign(outcome="better"), "outcome 'better' is none of a, tie, b"),
        (final.drop(columns="outcome"), "no column outcome"),
        (final[:0], "There are no verdicts"),
    ):
        with pytest.raises(BenchHealthError, match=message):
            analysis.rates(frame)
    for number in (0, -1, 2.5, "100"):
        with pytest.raises(BenchHealthError, match="replicates is .* expected a whole number"):
            analysis.rates(final, replicates=number)


# Adjudication


def test_agreed_disputed_marked_open_and_unseen_pairs():
    given = {
        "ann": ["left", "left", "left", None, "tie", None],
        "ben": ["left", "right", "left", "tie", None, None],
    }
    votes, marks, cards = study(given, hard=[("ann", 2), ("ann", 3)])
    senior, _, _ = study({"sen": [None, "tie", "right", None, "left", None]}, role="senior")
    final = analysis.settle(pd.concat([votes, senior]), marks, cards).set_index("item")
    assert final["outcome"].to_list() == ["a", "tie", "b", None, None, None]
    assert final["path"].to_list() == ["agreed", "senior", "senior", "open", "open", "open"]
    late, _, _ = study({"sen": [None, None, None, "tie"]}, role="senior")
    final = analysis.settle(pd.concat([votes, senior, late]), marks, cards)
    assert final["path"].to_list()[3] == "senior"  # marked by one and judged by the other
    three = analysis.settle(votes, marks, cards, raters=["ann", "ben", "eve"])
    assert set(three["path"]) == {"open"}
    more = analysis.settle(votes, marks, cards, criteria=["faithfulness", "robustness"])
    assert len(more) == 12 and set(more["path"]) == {"open"}  # nobody is done


# Rates


def test_rates_by_hand():
    outcomes = ["a"] * 5 + ["tie"] * 2 + ["b"] * 3 + [None] * 2
    rate = analysis.rates(finals(outcomes), **FEW).iloc[0]
    assert (*rate[["wins", "ties", "losses", "open", "n"]],) == (5, 2, 3, 2, 10)
    assert (rate["win_tie"], rate["mirror"]) == (0.7, 0.5)
    assert rate["lead"] == pytest.approx(0.2)
    assert (rate["least"], rate["most"]) == pytest.approx((7 / 12, 9 / 12))
    # 5 or more of 8, either way: 2 (56 + 28 + 8 + 1) / 256
    assert rate["p"] == rate["p_holm"] == pytest.approx(186 / 256)
    assert 0.3 < rate["win_tie_low"] < 0.7 < rate["win_tie_high"] <= 1


def test_verdicts_that_are_all_alike():
    won, tied, none = (analysis.rates(finals([x] * 8), **FEW).iloc[0] for x in ("a", "tie", None))
    assert (won["win_tie_low"], won["win_tie_high"]) == wilson(8, 8)
    assert (won["mirror"], won["mirror_low"], won["mirror_high"]) == (0, *wilson(0, 8))
    assert won["lead"] == 1 and np.isnan(won["lead_low"]) and won["p"] == 2 / 2**8
    assert tied["win_tie"] == tied["mirror"] == 1 and tied["lead"] == 0 and np.isnan(tied["p"])
    assert none["n"] == 0 and none["open"] == 8 and (none["least"], none["most"]) == (0, 1)
    assert none[["win_tie", "win_tie_low", "mirror", "lead", "p"]].isna().all()


# Agreement


def test_agreement_by_hand():
    given = {"ann": ["left", "tie", "right", "left"], "ben": ["left", "tie", "right", "right"]}
    found = analysis.agreement(told(given), **FEW)
    # by chance: (2 x 1 + 1 x 1 + 1 x 2) / 16; 8 choices: 3 left, 2 tie, 3 right, one card differs;
    # ranks 1.5, 4 and 6.5, so distances 6.25, 6.25 and 25
    for name, value in (
        ("same", 3 / 4),
        ("kappa", (3 / 4 - 5 / 16) / (1 - 5 / 16)),
        ("alpha nominal", 1 - 7 * 2 / (64 - 22)),
        ("alpha", 1 - 7 * 50 / 600),
    ):
        row = coefficient(found, name)
        assert row["value"] == pytest.approx(value) and row["n"] == 4


rated = st.lists(st.tuples(*[st.sampled_from([*CHOICES, None])] * 3), min_size=2, max_size=9)


@settings(max_examples=20)
@given(rated)
def test_coefficients_are_the_libraries(cards):
    given = dict(zip(("ann", "ben", "eve"), map(list, zip(*cards, strict=True)), strict=True))
    if all(choice is None for card in cards for choice in card):
        return
    found = analysis.agreement(told(given), replicates=5)
    counts = np.array([[card.count(value) for value in CHOICES] for card in cards])
    counts = counts[counts.sum(axis=1) > 1]
    for name, scale in (("alpha", "ordinal"), ("alpha nominal", "nominal")):
        value = coefficient(found, name)["value"]
        if len(counts) == 0 or (counts.sum(axis=0) > 0).sum() < 2:
            assert np.isnan(value)  # no card in common, or all chose alike
        else:
            expected = krippendorff.alpha(
                value_counts=counts, value_domain=[0, 1, 2], level_of_measurement=scale
            )
            assert value == pytest.approx(expected)
    for row in found[found["coefficient"] == "kappa"].itertuples():
        one, two = (given[rater] for rater in row.raters.split(", "))
        both = [pair for pair in zip(one, two, strict=True) if None not in pair]
        if not both or min(len(set(side)) for side in zip(*both, strict=True)) == 1:
            assert np.isnan(row.value)
        else:
            table = [[both.count((x, y)) for y in CHOICES] for x in CHOICES]
            assert row.value == pytest.approx(cohens_kappa(table, return_results=False))


def test_a_card_that_is_there_twice_under_one_item_makes_no_interval_narrower():
    rng = np.random.default_rng(1)
    once = told({x: list(rng.choice(CHOICES, 40)) for x in ("ann", "ben")})
    twice = pd.concat([once, once.assign(card=once["card"] + "-too", model_b="z")])
    apart = twice.assign(item=twice["item"] + twice["model_b"])
    one, same, wrong = (
        coefficient(analysis.agreement(x, replicates=2000), "same") for x in (once, twice, apart)
    )
    assert (*same[["value", "low", "high"]],) == (*one[["value", "low", "high"]],)
    assert wrong["high"] - wrong["low"] < 0.8 * (same["high"] - same["low"])


# Each rater


def test_repeats_checks_and_marks_of_a_rater():
    pairs, marks, _ = study({"ann": ["left", "left", "left", "tie"]}, hard=[("ann", 1)])
    first = told({"ann": ["left", "left", "left", "tie"]})
    again = told({"ann": ["left", "right", "tie", "tie"]}, kind="repeat", first="again")
    checks = told({"ann": ["tie", "tie", "tie", "left"]}, kind="check", first="check")
    (row,) = analysis.raters(pd.concat([first, again, checks]), marks, **FEW).to_dict("records")
    counts = "cards difficult repeats softened reversed checks left even right".split()
    assert [row[name] for name in counts] == [4, 1, 4, 1, 1, 4, 3, 1, 0]
    assert (row["kept"], row["attention"], row["left_share"]) == (0.5, 0.75, 1)
    # Clopper and Pearson's interval, and all three on one side of a coin
    assert (row["left_share_low"], row["left_share_high"]) == pytest.approx((0.025 ** (1 / 3), 1))
    assert row["left_p"] == row["left_p_holm"] == 2 / 8
    (bare,) = analysis.raters(told({"ann": ["tie"]}), marks, **FEW).to_dict("records")
    assert all(np.isnan(bare[name]) for name in ("kept", "attention", "left_share", "left_p"))
    right = pd.concat([first, checks[:3]])
    (sure,) = analysis.raters(right, marks, **FEW).to_dict("records")
    assert (sure["attention_low"], sure["attention_high"]) == wilson(3, 3)


# Strengths


def counted(rows, pairs=("xy", "xz", "yz")):
    """Final verdicts with so many wins, ties and losses of each pair; none of one is open."""
    return pd.concat(
        finals(
            [x for x, many in zip(OUTCOMES, row, strict=True) for _ in range(many)] or [None], *pair
        )
        for row, pair in zip(rows, pairs, strict=True)
    )


def test_at_the_maximum_each_model_has_the_points_that_it_is_expected_to_have():
    rows, pairs = [(9, 4, 2), (3, 6, 7), (8, 1, 5), (4, 4, 4)], ("xy", "yz", "xz", "zw")
    found = analysis.strengths(counted(rows, pairs)).set_index(["quantity", "model"])["value"]
    p, share = np.exp(found["strength"]), found["tie of equals"].iloc[0]
    nu = 2 * share / (1 - share)
    points, expected, ties = dict.fromkeys("xyzw", 0.0), dict.fromkeys("xyzw", 0.0), 0.0
    for (i, j), row in zip(pairs, rows, strict=True):
        even = nu * np.sqrt(p[i] * p[j])
        won, tied, lost = sum(row) * np.array([p[i], even, p[j]]) / (p[i] + p[j] + even)
        for model, own in ((i, (1, 0.5, 0)), (j, (0, 0.5, 1))):
            points[model] += np.dot(row, own)
            expected[model] += np.dot((won, tied, lost), own)
        ties += tied
    assert expected == pytest.approx(points) and ties == pytest.approx(15)
    assert found["strength"].sum() == pytest.approx(0)


@pytest.mark.parametrize(("rows", "note"), cases("strengths")["strengths"])
def test_strengths_without_limit_are_said_in_words(rows, note):
    found = analysis.strengths(counted(rows))
    if note:
        assert len(found) == 1 and note in found["note"].iloc[0] and found["value"].isna().all()
    else:
        own = found[found["quantity"] == "strength"]
        assert own["value"].sum() == pytest.approx(0) and own["value"].is_monotonic_decreasing
        assert (own["low"] < own["value"]).all() and not found["note"].any()
        assert ("tie of equals" in set(found["quantity"])) == any(row[1] for row in rows)


def test_two_models_have_no_order_and_a_ring_has_equal_ones():
    with pytest.raises(BenchHealthError, match="2 models have no order"):
        analysis.strengths(finals(["a", "b"]))
    ring = analysis.strengths(counted([(4, 0, 0)] * 3, ("xy", "yz", "zx")))
    assert ring["value"].to_list() == pytest.approx([0] * 6, abs=1e-6)
    assert ring["low"].isna().all()  # all questions say the same


# A study's folder, the command and the chapter


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A closed study of eight made-up questions: two raters who differ on some, and a senior."""
    path = tmp_path_factory.mktemp("rated") / "study"
    replies = {
        name: {f"d-{at}": f"Reply {at} of {name}." for at in range(8)}
        for name in ("one", "two", "six")
    }
    dialogues = [Dialogue(f"d-{at}", f"Question {at}?", "") for at in range(8)]
    replies["two"]["d-0"] = replies["one"]["d-0"]
    flags = {"d-1": ["six: cut"], "d-2": ["attachment"]}
    about = {"raters": ["ann", "ben"], "senior": "sen", "flags": flags, "synthetic": True}
    made = create(path, dialogues, replies, blinding=4, **about)
    for rater in made.raters:
        said = {card: CHOICES[int(card[-1], 16) % 3] for card in made.order(rater)}
        if rater == "ben":  # a tie on every fourth card
            said |= {card: "tie" for card in said if int(card[-2], 16) % 4 == 0}
        made.rate(rater, [(card, key, choice) for card, choice in said.items() for key in CRITERIA])
    made.rate("ann", [(sorted(said)[0], "difficult", True)])
    due = sorted(made.asked("sen"))
    made.rate("sen", [(card, key, "left") for card in due[:-1] for key in CRITERIA])
    made.close()
    return made, due


def ran(capsys, *arguments):
    status = main(["human-eval", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_rates_are_given_without_what_the_key_notes_too(folder):
    made, _ = folder
    frames = made.votes(), made.marks(), made.unblinded()
    # d-0 is equal once, d-1 is noted where six is compared, d-2 everywhere
    cards = frames[2][frames[2]["kind"] == "pair"].set_index(["item", "model_a", "model_b"])
    assert cards.index[cards["equal"]].to_list() == [("d-0", "one", "two")]
    assert cards["flags"]["d-1"].to_list() == [(), ("six: cut",), ("six: cut",)]
    tables = analysis.analyse(*frames, raters=made.raters, criteria=CRITERIA, **FEW)
    clean = tables["rates_without_noted"]
    total = (clean["n"] + clean["open"]).groupby([clean["model_a"], clean["model_b"]]).max()
    assert total.to_dict() == {("one", "two"): 6, ("one", "six"): 6, ("two", "six"): 6}


def test_the_analyse_command_writes_every_frame(folder, tmp_path, capsys, monkeypatch):
    made, due = folder
    monkeypatch.setitem(analysis.analyse.__kwdefaults__, "replicates", 200)
    key = tmp_path / "key.json"
    key.write_text((made.path / "key.json").read_text())
    to = tmp_path / "out"
    status, out, _ = ran(capsys, "analyse", made.path, "--key", key, "--to", to)
    assert status == 0 and "Made-up questions" in out
    assert "4 of 96 verdicts are open" in out and len(due) > 2
    written = json.loads((to / "analysis.json").read_text())
    assert written["synthetic"] is True and written["simulated"] is False
    names = {"final", "rates", "rates_without_noted", "agreement", "raters", "strengths"}
    assert {path.stem for path in to.glob("*.csv")} == names < written.keys()
    final = pd.read_csv(to / "final.csv")
    rate = written["rates"][0]
    unit = analysis.UNIT[1:]
    own = final[(final[unit] == [rate[name] for name in unit]).all(axis=1)]["outcome"]
    assert (own == "a").sum() == rate["wins"] and own.isna().sum() == rate["open"]
    assert (final["path"] == "senior").sum() == 4 * (len(due) - 1)
    (tmp_path / "taken").write_text("")
    status, _, err = ran(capsys, "analyse", made.path, "--to", tmp_path / "taken")
    assert status == 1 and str(tmp_path / "taken") in err


def test_a_simulated_number_is_not_written_among_published_data(tmp_path):
    tables = {"raters": pd.DataFrame({"rater": ["Simulated-1"], "kept": 1.0})}
    for place in ("results", "results/gpt-4", "../data"):
        with pytest.raises(BenchHealthError, match="raters are simulated: nothing was written"):
            analysis.write(tables, ROOT / "data" / place)
        assert not (ROOT / "data" / place / "raters.csv").exists()
    assert len(analysis.write(tables, tmp_path)) == 2


def test_the_chapter_shows_a_study_of_ones_own(folder, tmp_path):
    made, _ = folder
    path = tmp_path / "h.ipynb"
    given = ("-p", "replicates", 200, "-p", "study", made.path)
    done = papermill("notebooks/human_eval.ipynb", path, *given)
    assert done.returncode == 0, done.stderr[-3000:]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    html = "".join("".join(each.get("text/html", "")) for each in shown)
    for (
        name
    ) in "table-6 human-rates human-bounds human-pairs human-agreement human-criteria".split():
        table = html.split(f'id="T_{name}"')[1].split("</table>")[0]
        assert "imulated" not in table and "Made-up" not in table
    for name in "card paths agreement raters table-6 strengths".split():
        table = html.split(f'id="T_study-{name}"')[1].split("</table>")[0]
        assert "<caption>Made-up questions, for trying out." in table
    assert sum("image/png" in each for each in shown) == 2
    assert "61.0" in html.split('id="T_table-6"')[1]  # the paper's highest rate


def test_what_the_chapter_says_in_words_of_table_6():
    wide = paper(6).pivot(index="model", columns=["criterion", "opponent"], values="win_tie")
    for criterion in CRITERIA:
        block = wide[criterion]
        assert (block["gpt-4"] < block.drop(columns="gpt-4").min(axis=1)).all()
        for family in ("llama-2-7b llama-2-13b llama-2-70b", "medalpaca-7b medalpaca-13b"):
            for small, large in pairwise(family.split()):
                assert (block.loc[small] < block.loc[large]).all()
    tau = pd.read_csv(ROOT / "tests" / "golden" / "table6_tau.csv")
    means = tau[(tau["opponent"] == "mean") & (tau["other"] != "metric")].set_index("people")["tau"]
    assert means.drop("faithfulness").min() > means["faithfulness"].max()
