"""The paper's own numbers and the references: complete and consistent."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from benchhealth_utils import BenchHealthError, paper
from benchhealth_utils.registry import DATASETS, MODELS
from benchhealth_utils.schema import DATA
from benchhealth_utils.tasks import TASKS

ROOT = Path(__file__).parent.parent
KEYS, SIXTEEN = list(DATASETS), list(MODELS)[:16]
COMMERCIAL = ["claude-2", "gpt-3.5-turbo", "gpt-4"]
SCORES = pd.read_csv(DATA / "paper" / "table5.csv", dtype={"value": str}, keep_default_na=False)
RATES = pd.read_csv(DATA / "paper" / "table6.csv", dtype={"win_tie": str})
CITED = {
    *("singhal2023b", "zhou2023b", "tu2023", "fleming2023", "chen2023", "tang2023"),
    *("wilson1927", "efron1993", "mcnemar1947", "holm1979", "krippendorff2004"),
    *("davidson1970", "cohen1960", "kendall1938", "post2018", "lin2004"),
    *("papineni2002", "allal2025", "liu2024benchhealth", "liu2024clinicbench"),
}


def test_table1_has_the_thirteen_data_sets_of_the_registry():
    rows = paper(1)
    assert rows["dataset"].tolist() == KEYS and len(KEYS) == 13 and rows["size"].sum() == 26_569
    for row in rows.itertuples():
        entry = DATASETS[row.dataset]
        assert (row.size, row.reference) == (entry.size, entry.reference)
        assert row.scenario.lower().endswith(entry.scenario) and row.task.lower() == entry.task


def test_table2_has_the_five_metrics():
    rows = paper(2).set_index("metric")
    assert list(rows.index) == [
        *("matching", "faithfulness", "comprehensiveness", "robustness", "generalizability")
    ]
    assert rows.index[rows["better"] == "lower"].tolist() == ["robustness"]
    assert rows.loc["matching", "datasets"].split() == KEYS
    assert rows.loc["robustness", "datasets"].split() == [
        *("medqa", "medmcqa", "mmlu_medicine", "pubmedqa"),
        *("mimic_cxr", "iu_xray", "bc5_disease", "ncbi_disease"),
    ]


def test_table3_has_nine_general_and_seven_medical_models():
    rows = paper(3)
    assert rows["type"].tolist() == ["general"] * 9 + ["medical"] * 7
    assert rows["model"].tolist() == SIXTEEN
    assert rows.loc[rows["commercial"] == "yes", "model"].tolist() == COMMERCIAL
    assert rows.loc[rows["parameters"].isna(), "model"].tolist() == COMMERCIAL
    for row in rows.fillna("").itertuples():
        entry = MODELS[row.model]
        assert (row.name, row.type) == (entry.name, entry.type)
        assert (row.parameters or None) == entry.parameters


def test_table4_has_an_instruction_for_each_data_set():
    rows = paper(4).set_index("dataset")
    assert list(rows.index) == KEYS
    assert rows["instruction"].to_dict() == {key: TASKS[key].instruction for key in KEYS}
    with pytest.raises(BenchHealthError, match="no table 7"):
        paper(7)


def test_table5_is_complete_but_for_the_known_gaps():
    wide = paper(5)
    assert list(wide.index) == ["sota", *SIXTEEN] and list(wide) == KEYS
    noted = SCORES[SCORES["note"] != ""].set_index(["model", "dataset"])["note"]
    assert noted.to_dict() == {
        ("sota", "mmlu_medicine"): "printed as a dash",
        ("sota", "chatdoctor"): "printed as a dash",
        ("chatglm-med", "hoc"): "lost in the text source",
    }
    assert set(noted.index) == {(m, d) for m in wide.index for d in wide if np.isnan(wide[d][m])}


def test_sums_of_rows_and_columns_are_those_worked_out_apart():
    """From a second cut of the paper's text."""
    sums = pd.read_csv(Path(__file__).parent / "golden" / "sums.csv")
    wide, rates = paper(5), paper(6)
    columns = rates.groupby(["criterion", "opponent"])["win_tie"].sum()
    assert len(rates) == 9 * 12 and set(rates["opponent"]) == set(COMMERCIAL)
    found = {
        **{(5, key): x for key, x in [*wide.sum(axis=1).items(), *wide.sum().items()]},
        **{(6, key): x for key, x in rates.groupby("model")["win_tie"].sum().items()},
        **{(6, "/".join(key)): x for key, x in columns.items()},
    }
    was = {(table, of): total for table, of, total in sums.itertuples(index=False)}
    assert found == pytest.approx(was, abs=1e-6)


def test_bold_is_the_best_of_a_column():
    scores = SCORES.assign(value=pd.to_numeric(SCORES["value"]))
    best = scores["value"] == scores.groupby("dataset")["value"].transform("max")
    assert (best == (scores["bold"] == "yes")).all()
    columns = RATES.assign(value=pd.to_numeric(RATES["win_tie"])).groupby(["criterion", "opponent"])
    best = columns["value"].idxmax()
    assert set(best) == set(RATES.index[RATES["bold"] == "yes"])


def test_references_render_without_warnings_and_hold_what_is_cited():
    database = pytest.importorskip("pybtex.database")
    from pybtex import errors
    from pybtex.plugin import find_plugin

    entries = database.parse_file(str(ROOT / "book" / "references.bib")).entries
    style = find_plugin("pybtex.style.formatting", "unsrt")()
    with errors.capture() as warnings:
        done = list(style.format_entries(entries.values()))
    assert not warnings and len(done) == len(entries)
    cited = set(paper(1)["reference"]) | set(paper(3)["reference"]) | CITED
    named = yaml.safe_load((DATA / "datasets.yaml").read_text("utf-8")).values()
    assert cited | {entry["reference"] for entry in named} <= set(entries)
