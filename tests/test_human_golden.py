"""One analysis of a simulated study, and the paper's Table 6, as they were frozen.

`tests/golden/human_votes.csv` and `human_cards.csv` are one simulated study of 40
questions and three models; `human_analysis.csv` is what the analysis made of it,
`table6_*.csv` what follows from the paper's printed win+tie rates.
"""

from pathlib import Path

import pandas as pd
import pytest

from benchhealth_utils.human_eval.analysis import analyse
from benchhealth_utils.human_eval.criteria import CRITERIA
from benchhealth_utils.printed import paper
from benchhealth_utils.stats import kendall, newcombe, wilson

GOLDEN = Path(__file__).parent / "golden"


def frozen(name):
    return pd.read_csv(GOLDEN / f"{name}.csv", keep_default_na=True)


def study():
    """Votes, marks and cards, as a study gives them."""
    wide = frozen("human_votes")
    votes = wide.melt(["rater", "card", "role"], list(CRITERIA), "criterion", "verdict")
    marks = wide[["rater", "card", "role", "difficult"]]
    cards = frozen("human_cards").assign(equal=False, flags=[()] * len(frozen("human_cards")))
    return votes, marks, cards


def rows(tables):
    """Frames of an analysis as rows ``what, criterion, of, value, low, high, n``."""
    for row in tables["rates"].to_dict("records"):
        of = f"{row['model_a']} {row['model_b']}"
        for name in "wins ties losses open p".split():
            yield (name, row["criterion"], of, row[name], None, None, None)
        yield ("p_holm", row["criterion"], of, row["p_holm"], None, None, None)
        for name in "win_tie mirror lead".split():
            ends = row[f"{name}_low"], row[f"{name}_high"]
            yield (name, row["criterion"], of, row[name], *ends, row["n"])
    for row in tables["agreement"].to_dict("records"):
        name = {"alpha": "alpha_ordinal"}.get(row["coefficient"], row["coefficient"])
        of = row["raters"].replace(", ", " ") if name == "kappa" else ""
        about = name.replace(" ", "_"), row["criterion"], of
        yield (*about, *(row[x] for x in ("value", "low", "high", "n")))
    for row in tables["strengths"].fillna({"model": "", "rival": ""}).to_dict("records"):
        name = row["quantity"].replace("tie of", "ties_of").replace(" ", "_")
        of = f"{row['model']} {row['rival']}".strip()
        yield (name, row["criterion"], of, *(row[x] for x in ("value", "low", "high", "n")))
    for row in tables["raters"].to_dict("records"):
        verdicts = round(row["kept"] * row["repeats"]) if row["repeats"] else 0
        row |= {"kept_verdicts": verdicts}
        row |= {f"{x}_verdicts": row[x] for x in ("softened", "reversed")}
        names = "cards difficult kept_verdicts softened_verdicts reversed_verdicts left_p"
        for name in [*names.split(), "left_p_holm"]:
            yield (name, "", row["rater"], row[name], None, None, None)
        lean = row["left"] + row["right"]
        for name, of, n in (
            ("kept", "kept", row["repeats"]),
            ("attention", "attention", row["checks"]),
            ("left", "left_share", lean),
        ):
            yield (name, "", row["rater"], *(row[x] for x in (of, f"{of}_low", f"{of}_high")), n)
    paths = tables["final"].groupby(["criterion", "path"]).size().unstack(fill_value=0)
    for criterion, counts in paths.iterrows():
        for path in ("agreed", "senior", "open"):
            yield (f"path_{path}", criterion, "", counts.get(path, 0), None, None, None)


def test_the_analysis_of_one_study():
    expected = frozen("human_analysis")
    names = ["what", "criterion", "of"]
    found = pd.DataFrame(rows(analyse(*study(), replicates=2000)), columns=expected.columns)
    both = [
        x.fillna(dict.fromkeys(names, "")).set_index(names).sort_index().astype(float)
        for x in (found, expected)
    ]
    pd.testing.assert_frame_equal(*both, rtol=1e-6, atol=1e-6)


def counts(n=200):
    """Wins and ties of Table 6 in whole conversations: models by (criterion, opponent)."""
    wide = paper(6).pivot(index="model", columns=["criterion", "opponent"], values="win_tie")
    return (wide * n / 100).round().astype(int)


def test_the_intervals_of_table_6():
    for row in frozen("table6_intervals").itertuples():
        hits = counts().loc[row.model, (row.criterion, row.opponent)]
        assert hits / 2 == row.rate
        assert wilson(hits, 200) == pytest.approx((row.low / 100, row.high / 100))


def test_the_pairs_of_models_that_table_6_tells_apart():
    hits = counts()
    for row in frozen("table6_pairs").to_dict("records"):
        for criterion in CRITERIA:
            first, second = (hits.loc[row[x], criterion] for x in ("first", "second"))
            ends = [newcombe(first[o], 200, second[o], 200) for o in first.index]
            found = sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)
            assert found == (row[f"{criterion}_ahead"], row[f"{criterion}_behind"])


def test_the_order_of_table_6_beside_the_metrics_and_beside_itself():
    rates = counts() / 2
    rates = rates.loc[[model for model in paper(5).index if model in rates.index]]
    scores = paper(5).loc[rates.index]
    spread = (["medqa", "medmcqa", "mmlu_medicine", "pubmedqa"], ["mimic_cxr", "iu_xray"])
    spread += (["bc5_disease", "ncbi_disease"],)
    metrics = {
        "generalizability": scores.mean(axis=1).round(9),
        "robustness": -sum(scores[keys].std(axis=1) for keys in spread).round(9),
    }
    for row in frozen("table6_tau").itertuples():

        def judged(criterion, opponent=row.opponent):
            block = rates[criterion]
            return (block.mean(axis=1) if opponent == "mean" else block[opponent]).round(9)

        other = metrics[row.people] if row.other == "metric" else judged(row.other)
        found = kendall(judged(row.people), other)
        assert found == pytest.approx((row.tau, row.low, row.high)) and row.n == len(rates)
