"""The paper's own numbers and the references: complete and consistent."""

import csv
import statistics
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAPER = ROOT / "data" / "paper"


def rows(name):
    with (PAPER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def registry(name):
    return yaml.safe_load((ROOT / "data" / f"{name}.yaml").read_text("utf-8"))


TABLES = {f"table{n}": rows(f"table{n}") for n in (1, 2, 3, 5, 6)}
NUMBERS = rows("text_numbers")
DATASETS = [row["dataset"] for row in TABLES["table1"]]
MODELS = [row["model"] for row in TABLES["table3"]]
SCORES = {
    (row["model"], row["dataset"]): Decimal(row["value"])
    for row in TABLES["table5"]
    if row["value"]
}
RATES = {
    (row["model"], row["criterion"], row["opponent"]): Decimal(row["win_tie"])
    for row in TABLES["table6"]
}
CRITERIA = ["faithfulness", "comprehensiveness", "generalizability", "robustness"]
COMMERCIAL = ["claude-2", "gpt-3.5-turbo", "gpt-4"]

# Worked out apart from the CSV files: the sum of a model's printed scores, its
# robustness and its generalizability (Figure 2 (c) and (d) follow from Table 5).
OF_MODEL = {
    "sota": ("724.9", None, None),
    "claude-2": ("601.8", 16.8, 46.3),
    "gpt-3.5-turbo": ("589.5", 13.9, 45.3),
    "gpt-4": ("719.7", 17.3, 55.4),
    "chatglm-6b": ("366.0", 21.1, 28.2),
    "alpaca-7b": ("420.1", 21.8, 32.3),
    "vicuna-7b": ("440.0", 23.8, 33.8),
    "llama-2-7b": ("414.3", 21.3, 31.9),
    "llama-2-13b": ("455.1", 22.1, 35.0),
    "llama-2-70b": ("503.3", 19.7, 38.7),
    "chatglm-med": ("330.8", 22.4, 27.6),
    "doctorglm": ("364.9", 21.3, 28.1),
    "huatuo": ("389.5", 24.4, 30.0),
    "chatdoctor-7b": ("431.7", 21.7, 33.2),
    "baize-healthcare": ("435.8", 22.8, 33.5),
    "medalpaca-7b": ("456.3", 21.5, 35.1),
    "medalpaca-13b": ("479.0", 21.6, 36.8),
}
SUM_OF_DATASET = {
    "medqa": "685.4",
    "medmcqa": "638.9",
    "mmlu_medicine": "789.0",
    "pubmedqa": "1091.8",
    "chatdoctor": "82.8",
    "mimic_cxr": "232.1",
    "iu_xray": "185.9",
    "mimic_iii": "381.4",
    "bc5_disease": "827.8",
    "ncbi_disease": "721.3",
    "ddi": "764.3",
    "gad": "770.7",
    "hoc": "951.3",
}
SUM_OF_PUBLIC_MODEL = {
    "alpaca-7b": "323.5",
    "vicuna-7b": "390.0",
    "llama-2-7b": "401.0",
    "llama-2-13b": "493.5",
    "llama-2-70b": "578.5",
    "chatdoctor-7b": "273.0",
    "baize-healthcare": "420.0",
    "medalpaca-7b": "377.0",
    "medalpaca-13b": "434.0",
}
SUM_OF_COLUMN = {
    ("faithfulness", "claude-2"): "358.5",
    ("faithfulness", "gpt-3.5-turbo"): "420.0",
    ("faithfulness", "gpt-4"): "189.0",
    ("comprehensiveness", "claude-2"): "307.0",
    ("comprehensiveness", "gpt-3.5-turbo"): "360.5",
    ("comprehensiveness", "gpt-4"): "215.0",
    ("generalizability", "claude-2"): "319.5",
    ("generalizability", "gpt-3.5-turbo"): "349.5",
    ("generalizability", "gpt-4"): "215.5",
    ("robustness", "claude-2"): "350.5",
    ("robustness", "gpt-3.5-turbo"): "384.0",
    ("robustness", "gpt-4"): "221.5",
}

CITED = {
    *("singhal2023b", "zhou2023b", "tu2023", "fleming2023", "chen2023", "tang2023"),
    *("wilson1927", "efron1993", "mcnemar1947", "holm1979", "krippendorff2004"),
    *("davidson1970", "cohen1960", "kendall1938", "post2018", "lin2004"),
    *("papineni2002", "allal2025", "liu2024benchhealth", "liu2024clinicbench"),
}


def robustness(model):
    """Sum of the sample standard deviations within the three tasks."""
    enter = next(r for r in TABLES["table2"] if r["metric"] == "robustness")
    groups = {}
    for row in TABLES["table1"]:
        if row["dataset"] in enter["datasets"].split():
            score = SCORES[model, row["dataset"]]
            groups.setdefault(row["task"], []).append(score)
    return round(float(sum(map(statistics.stdev, groups.values()))), 1)


def total(cells, position):
    sums = {}
    for key, value in cells.items():
        part = position(key)
        sums[part] = sums.get(part, 0) + value
    return {part: str(value) for part, value in sums.items()}


def test_table1_has_the_thirteen_data_sets_of_the_registry():
    known = registry("datasets")
    assert list(known) == DATASETS and len(DATASETS) == 13
    assert sum(int(row["size"]) for row in TABLES["table1"]) == 26_569
    for row in TABLES["table1"]:
        entry = known[row["dataset"]]
        assert int(row["size"]) == entry["size"]
        assert row["reference"] == entry["reference"]
        assert row["scenario"].lower().endswith(entry["scenario"])
        assert row["task"].lower() == entry["task"]


def test_table2_has_the_five_metrics():
    better = {row["metric"]: row["better"] for row in TABLES["table2"]}
    assert list(better) == ["matching", *CRITERIA[:2], "robustness", "generalizability"]
    assert [name for name in better if better[name] == "lower"] == ["robustness"]
    enter = {row["metric"]: row["datasets"].split() for row in TABLES["table2"]}
    assert enter["matching"] == enter["generalizability"] == DATASETS
    tasks = {
        "Question Answering",
        "Radiology Report Summarization",
        "Named Entity Recognition",
    }
    assert enter["robustness"] == [
        row["dataset"] for row in TABLES["table1"] if row["task"] in tasks
    ]


def test_table3_has_nine_general_and_seven_medical_models():
    assert [r["type"] for r in TABLES["table3"]] == ["general"] * 9 + ["medical"] * 7
    assert len(set(MODELS)) == 16
    commercial = [r["model"] for r in TABLES["table3"] if r["commercial"] == "yes"]
    assert commercial == COMMERCIAL
    assert commercial == [r["model"] for r in TABLES["table3"] if not r["parameters"]]
    known = registry("models")
    assert [key for key in known if key != "how"][:16] == MODELS
    for row in TABLES["table3"]:
        entry = known[row["model"]]
        printed = row["name"], row["type"], row["parameters"] or None
        assert printed == (entry["name"], entry["type"], entry["parameters"])


def test_table5_is_complete_but_for_the_known_gaps():
    pairs = [(row["model"], row["dataset"]) for row in TABLES["table5"]]
    assert pairs == [(m, d) for m in ["sota", *MODELS] for d in DATASETS]
    gaps = {p: r["note"] for p, r in zip(pairs, TABLES["table5"], strict=True)}
    assert {pair: note for pair, note in gaps.items() if note} == {
        ("sota", "mmlu_medicine"): "printed as a dash",
        ("sota", "chatdoctor"): "printed as a dash",
        ("chatglm-med", "hoc"): "lost in the text source",
    }
    assert set(pairs) - set(SCORES) == {pair for pair in gaps if gaps[pair]}
    assert sum(model != "sota" for model, _ in SCORES) == 16 * 13 - 1


def test_table6_is_complete():
    public = [model for model in MODELS if model in SUM_OF_PUBLIC_MODEL]
    assert [(r["model"], r["criterion"], r["opponent"]) for r in TABLES["table6"]] == [
        (model, *column) for model in public for column in SUM_OF_COLUMN
    ]
    assert len(RATES) == 9 * 12


def test_values_are_in_range_and_have_one_decimal():
    for value in [*SCORES.values(), *RATES.values()]:
        assert 0 < value < 100 and value.as_tuple().exponent == -1
    # 200 conversations: every rate is a multiple of half a per cent.
    assert all(2 * rate % 1 == 0 for rate in RATES.values())


def test_sums_of_rows_and_columns():
    assert total(SCORES, lambda key: key[0]) == {m: OF_MODEL[m][0] for m in OF_MODEL}
    assert total(SCORES, lambda key: key[1]) == SUM_OF_DATASET
    assert total(RATES, lambda key: key[0]) == SUM_OF_PUBLIC_MODEL
    assert total(RATES, lambda key: key[1:]) == SUM_OF_COLUMN


@pytest.mark.parametrize("dataset", DATASETS)
def test_bold_is_the_best_score_of_a_data_set(dataset):
    column = {m: value for (m, d), value in SCORES.items() if d == dataset}
    bold = [
        row["model"]
        for row in TABLES["table5"]
        if row["dataset"] == dataset and row["bold"] == "yes"
    ]
    assert bold == [model for model in column if column[model] == max(column.values())]


@pytest.mark.parametrize(("criterion", "opponent"), SUM_OF_COLUMN)
def test_bold_is_the_best_rate_of_a_column(criterion, opponent):
    column = [r for r in TABLES["table6"] if r["criterion"] == criterion]
    column = [r for r in column if r["opponent"] == opponent]
    best = max(column, key=lambda row: float(row["win_tie"]))
    assert [row["model"] for row in column if row["bold"] == "yes"] == [best["model"]]


@pytest.mark.parametrize("model", MODELS)
def test_usefulness_follows_from_table5(model):
    scores = [SCORES[model, d] for d in DATASETS if (model, d) in SCORES]
    mean = round(float(statistics.mean(scores)), 1)
    assert (robustness(model), mean) == OF_MODEL[model][1:]


def test_numbers_of_the_text_are_described():
    quotes = [row["quote"] for row in NUMBERS]
    assert len(set(quotes)) == len(quotes) == 69
    assert all(row["section"] and row["what"] and row["unit"] for row in NUMBERS)


BELOW = [
    ("claude-2", ["vicuna-7b", "llama-2-70b"], "mimic_cxr"),
    ("doctorglm", ["chatglm-6b"], "medmcqa"),
    ("medalpaca-7b", ["vicuna-7b"], "mimic_iii"),
    ("doctorglm", ["chatglm-6b"], "mimic_iii"),
    ("chatglm-med", ["chatglm-6b"], "gad"),
    ("doctorglm", ["chatglm-6b"], "gad"),
    ("llama-2-70b", ["llama-2-7b", "llama-2-13b"], "iu_xray"),
]


@pytest.mark.parametrize(("lower", "higher", "dataset"), BELOW)
def test_where_text_and_table5_disagree(lower, higher, dataset):
    """Some of the cells that decide claims on the page book/claims.md."""
    assert all(SCORES[lower, dataset] < SCORES[model, dataset] for model in higher)


def test_public_models_below_the_task_specific_ones():
    def below(dataset):
        bar = SCORES["sota", dataset]
        return [m for m in MODELS if SCORES[m, dataset] < bar]

    public = [model for model in MODELS if model not in COMMERCIAL]
    assert below("medmcqa") == public
    assert below("medqa") == [model for model in public if model != "llama-2-70b"]
    assert below("pubmedqa") == ["chatglm-6b", "chatglm-med", "doctorglm"]


def test_where_text_and_other_numbers_disagree():
    for model in ("vicuna-7b", "alpaca-7b"):
        assert robustness(model) > robustness("medalpaca-7b")
    for opponent in COMMERCIAL:
        case = "generalizability", opponent
        assert RATES["medalpaca-13b", *case] < RATES["llama-2-13b", *case]
    for criterion in ("comprehensiveness", "robustness"):
        case = criterion, "claude-2"
        assert RATES["alpaca-7b", *case] < RATES["baize-healthcare", *case]


@pytest.fixture(scope="module")
def bibliography():
    database = pytest.importorskip("pybtex.database")
    return database.parse_file(str(ROOT / "book" / "references.bib"))


def test_references_render_without_warnings(bibliography):
    from pybtex import errors
    from pybtex.plugin import find_plugin

    style = find_plugin("pybtex.style.formatting", "unsrt")()
    with errors.capture() as warnings:
        done = list(style.format_entries(bibliography.entries.values()))
    assert not warnings and len(done) == len(bibliography.entries)


def test_what_the_project_cites_is_in_the_references(bibliography):
    cited = {entry["reference"] for entry in registry("datasets").values()}
    cited |= {row["reference"] for row in TABLES["table1"] + TABLES["table3"]}
    assert cited | CITED <= set(bibliography.entries)
