"""The registry, and every reader against samples, archives and official files."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from dataclasses import replace
from itertools import combinations
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils.datasets import (
    DATASETS,
    data_root,
    dataset,
    fingerprint,
    load,
    provenance,
    subset,
)
from benchhealth_utils.download import members_digest
from benchhealth_utils.inventory import inventory
from benchhealth_utils.schema import ROOT, BenchHealthError, DataError, Example, canonical
from benchhealth_utils.tasks.discharge import instruction
from benchhealth_utils.tasks.entities import detokenise
from benchhealth_utils.tasks.files import Place
from benchhealth_utils.tasks.hallmarks import ARCHIVE, HALLMARKS, labels_of
from benchhealth_utils.tasks.radiology import sections_of
from benchhealth_utils.tasks.relations import mark
from benchhealth_utils.tasks.treatment import drug_name

# Table 1, typed from the paper; the last column is the project's word for a metric.
TABLE_1 = """\
medqa          1273  reasoning      question answering                  accuracy
medmcqa        4183  reasoning      question answering                  accuracy
mmlu_medicine  272   reasoning      question answering                  accuracy
pubmedqa       500   reasoning      question answering                  accuracy
chatdoctor     796   reasoning      treatment recommendation            micro F1
mimic_cxr      3269  generation     radiology report summarization      ROUGE-L
iu_xray        341   generation     radiology report summarization      ROUGE-L
mimic_iii      3633  generation     discharge instruction generation    BLEU-4
bc5_disease    4797  understanding  named entity recognition            entity-level F1
ncbi_disease   940   understanding  named entity recognition            entity-level F1
ddi            5716  understanding  relation extraction                 micro F1
gad            534   understanding  relation extraction                 micro F1
hoc            315   understanding  document classification             micro F1
"""
ROWS = [re.split(r"\s{2,}", line) for line in TABLE_1.strip().split("\n")]
KEYS = [row[0] for row in ROWS]
OPEN = [key for key in KEYS if not key.startswith("mimic")]
NER = ("bc5_disease", "ncbi_disease")
INPUTS = {
    **dict.fromkeys(("medqa", "medmcqa", "mmlu_medicine"), {"question", "options"}),
    "pubmedqa": {"question", "context"},
    "chatdoctor": {"disease", "symptoms"},
    **dict.fromkeys(("mimic_cxr", "iu_xray"), {"findings"}),
    "mimic_iii": {"record"},
    **dict.fromkeys(NER, {"sentence", "tokens"}),
    **dict.fromkeys(("ddi", "gad"), {"sentence"}),
    "hoc": {"text"},
}
ANSWERS = {
    **dict.fromkeys(("medqa", "medmcqa", "mmlu_medicine"), set("ABCD")),
    "pubmedqa": {"yes", "no", "maybe"},
    "ddi": {"mechanism", "effect", "advise", "int", "false"},
    "gad": {"yes", "no"},
}
OWN_ID = {  # what the data set's own identifiers look like; else <key>-<row>
    "medmcqa": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "pubmedqa": r"\d{8}",
    "chatdoctor": r"\d+",
    "mimic_cxr": r"s5\d{7}",
    "iu_xray": r"CXR\d+",
    "mimic_iii": r"\d+_\d+",
    "ddi": r"DDI-(DrugBank|MedLine)\.d\d+\.s\d+\.p\d+",
    "hoc": r"\d{7,8}",
}


# The registry


def test_registry_is_table_1():
    listed = [[s.key, str(s.size), s.scenario, s.task, s.metric] for s in DATASETS.values()]
    assert listed == ROWS


def test_registry_counts():
    scenarios = Counter(spec.scenario for spec in DATASETS.values())
    assert scenarios == {"reasoning": 5, "generation": 3, "understanding": 5}
    assert len({spec.task for spec in DATASETS.values()}) == 7
    assert [key for key in DATASETS if DATASETS[key].tier == "open"] == OPEN


@pytest.mark.parametrize("key", KEYS)
def test_registry_entry_is_complete(key, samples):
    spec = dataset(key)
    texts = (spec.name, spec.domain, spec.licence, spec.split)
    assert all(text.strip() for text in texts)
    assert re.fullmatch(r"[a-z0-9]+\d{4}[a-z]*", spec.reference)
    assert (samples / spec.folder).is_dir()
    roles = {entry["role"] for entry in spec.files}
    assert roles <= {"test", "train", "both", "optional", "dialogues"}
    assert roles >= {"test", "train"} or "both" in roles
    if spec.tier == "credentialed":
        assert "https://physionet.org/content/" in spec.request
        assert spec.fingerprint is None
        assert not any("url" in entry for entry in spec.files)
    else:
        assert spec.tier == "open" and not spec.request
        assert spec.fingerprint is None or re.fullmatch(r"[0-9a-f]{64}", spec.fingerprint)


@pytest.mark.parametrize("key", OPEN)
def test_addresses_are_pinned_and_verifiable(key):
    for entry in dataset(key).files:
        if entry["role"] == "optional" and "url" not in entry:
            assert entry["note"]
            continue
        address = urlsplit(entry["url"])
        assert address.scheme == "https"
        pin = re.search(r"/([0-9a-f]{40})(/|\.zip$)", address.path)
        assert pin or address.netloc == "openi.nlm.nih.gov"
        assert "commit" not in entry or entry["commit"] == pin[1]
        assert entry["name"].split("/")[-1].split("-")[-1] in address.path
        (digest,) = entry.keys() & {"sha256", "members_sha256"}
        assert re.fullmatch(r"[0-9a-f]{64}", entry[digest])


def test_unknown_names_list_the_known_ones(samples):
    with pytest.raises(
        BenchHealthError, match="'medQA'. Did you mean medqa. Known: medqa, medmcqa, .* hoc"
    ):
        load("medQA", root=samples)
    with pytest.raises(BenchHealthError, match="'validation'. Known: test, train"):
        load("medqa", "validation", root=samples)


# All thirteen sets, from the samples


@pytest.fixture(scope="session")
def loaded(samples):
    return {(k, s): load(k, s, root=samples) for k in KEYS for s in ("test", "train")}


@pytest.mark.parametrize("split, least", [("test", 24), ("train", 8)])
@pytest.mark.parametrize("key", KEYS)
def test_samples_load(key, split, least, loaded):
    examples = loaded[key, split]
    assert len(examples) >= least
    assert len({example.id for example in examples}) == len(examples)
    for row, example in enumerate(examples):
        assert isinstance(example, Example) and example.dataset == key
        assert set(example.inputs) == INPUTS[key]
        assert all(value and str(value).strip() for value in example.inputs.values())
        assert isinstance(example.group, str) and example.group
        check_gold(example)
        own = OWN_ID.get(key)
        middle = {"test": "", "train": "-dev" if key == "mmlu_medicine" else "-train"}
        assert re.fullmatch(own or f"{key}{middle[split]}-{row}", example.id)


def check_gold(example):
    gold, key, inputs = example.gold, example.dataset, example.inputs
    if key in ANSWERS:
        assert gold in ANSWERS[key]
    elif key in NER:
        sizes = {len(span) for span in gold}
        assert sizes <= {2} and isinstance(gold, frozenset)
        assert all(0 <= a < b <= len(inputs["sentence"]) for a, b in gold)
    elif key == "hoc":
        assert gold and isinstance(gold, frozenset) and gold <= set(HALLMARKS)
    elif key == "chatdoctor":
        assert gold and isinstance(gold, frozenset)
        assert all(name == name.strip().lower() and name for name in gold)
    else:
        assert isinstance(gold, str) and gold.strip() == gold != ""
    if "options" in inputs:
        assert list(inputs["options"]) == list("ABCD")
        assert all(text.strip() for text in inputs["options"].values())
    if "tokens" in inputs:
        assert isinstance(inputs["tokens"], tuple)


@pytest.mark.parametrize("key", KEYS)
def test_test_and_train_share_no_item(key, loaded):
    if key == "chatdoctor":  # has no training part: the table itself is the pool
        assert loaded[key, "train"] == loaded[key, "test"]
        return
    test, train = loaded[key, "test"], loaded[key, "train"]
    assert not {example.id for example in test} & {example.id for example in train}
    assert not {example.group for example in test} & {example.group for example in train}


def test_samples_cover_every_answer(loaded):
    for key, answers in ANSWERS.items():
        assert {example.gold for example in loaded[key, "test"]} == answers
    pubmedqa = Counter(example.gold for example in loaded["pubmedqa", "test"])
    assert pubmedqa == {"yes": 12, "no": 8, "maybe": 4}
    for key in NER:
        empty = sum(not example.gold for example in loaded[key, "test"])
        assert 0 < empty < len(loaded[key, "test"])
    hoc = frozenset().union(*(example.gold for example in loaded["hoc", "test"]))
    assert hoc == set(HALLMARKS)


SENTINEL = "the answer is told here"


@pytest.mark.parametrize(
    "key, file, pattern",
    [
        ("medqa", "medqa/phrases_no_exclude_test.jsonl", r'("meta_info": ")[^"]+'),
        ("medmcqa", "medmcqa/dev.json", r'("exp":")[^"]+'),
        ("pubmedqa", "pubmedqa/ori_pqal.json", r'("LONG_ANSWER": ")[^"]+'),
    ],
)
def test_telling_fields_are_never_shown(key, file, pattern, fresh, samples):
    root = fresh(key)
    told, count = re.subn(pattern, rf"\g<1>{SENTINEL}", (root / file).read_text("utf-8"))
    (root / file).write_text(told, encoding="utf-8")
    assert count >= 20
    assert load(key, root=root) == load(key, root=samples)
    assert SENTINEL not in canonical([dict(e.inputs) for e in load(key, root=root)])


def test_chatdoctor_never_shows_the_reason(fresh, samples):
    root = fresh("chatdoctor")
    path = root / "chatdoctor" / "format_dataset.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    shown = [canonical(dict(e.inputs)) for e in load("chatdoctor", root=samples)]
    naming = 0
    for row, text in zip(rows, shown, strict=True):
        assert row["reason"] not in text
        naming += "lisinopril" in row["reason"].lower()
        row["reason"] = row["TestsAndProcedures"] = SENTINEL
    assert naming  # the sample has a reason that names the drug
    assert not any("lisinopril" in text.lower() for text in shown)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert load("chatdoctor", root=root) == load("chatdoctor", root=samples)


# Stability


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("key", KEYS)
def test_copies_and_line_ends_change_nothing(key, split, fresh, loaded):
    root = fresh(key)
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"\r" not in data
            path.write_bytes(data.replace(b"\n", b"\r\n"))
    copy = load(key, split, root=root)
    assert copy == loaded[key, split]
    assert fingerprint(copy) == fingerprint(loaded[key, split])


def test_fingerprints_do_not_depend_on_the_hash_seed(samples, loaded):
    code = (
        "import sys; from benchhealth_utils.datasets import *\n"
        "for key in DATASETS: print(fingerprint(load(key, root=sys.argv[1])))"
    )
    expected = [fingerprint(loaded[key, "test"]) for key in KEYS]
    assert len(set(expected)) == 13
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code, samples],
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.split() == expected


def test_the_fingerprint_sees_every_part(loaded):
    examples = loaded["pubmedqa", "test"]
    first = examples[0]
    changes = [
        Example("x", "pubmedqa", first.inputs, first.gold, first.group),
        Example(first.id, "pubmedqa", {**first.inputs, "context": "x"}, first.gold, first.group),
        Example(first.id, "pubmedqa", first.inputs, "maybe", first.group),
        Example(first.id, "pubmedqa", first.inputs, first.gold, "x"),
    ]
    lists = [examples, *([new, *examples[1:]] for new in changes), examples[::-1], examples[1:]]
    assert len({fingerprint(one) for one in lists}) == len(lists)


def test_provenance_of_samples(samples, loaded, monkeypatch, tmp_path):
    for key in KEYS:
        found = provenance(key, loaded[key, "test"], samples)
        assert (found["source"], found["items"]) == ("samples", len(loaded[key, "test"]))
        assert provenance(key, loaded[key, "test"], tmp_path)["source"] == "samples"
        own = [replace(loaded[key, "test"][0], group="x"), *loaded[key, "test"][1:]]
        found = provenance(key, own, tmp_path)
        assert found["source"] == ("other" if key in OPEN else "credentialed")
    monkeypatch.setenv("BENCHHEALTH_DATA", str(samples))
    assert data_root() == samples
    monkeypatch.setenv("BENCHHEALTH_DATA", str(samples / "nowhere"))
    with pytest.raises(BenchHealthError, match="nowhere, which is not a folder"):
        data_root()


def test_inventory_reports_every_set(samples, fresh):
    assert [row["key"] for row in inventory(samples)] == KEYS
    assert not [row["problem"] for row in inventory(samples) if row["problem"]]
    root = fresh("gad")
    (root / "gad" / "test.tsv").write_text("damaged", encoding="utf-8")
    rows = {row["key"]: row for row in inventory(root)}
    assert "test.tsv, line 1: 1 tab-separated cells" in rows["gad"]["problem"]
    assert not rows["hoc"]["present"] and rows["hoc"]["items"] is None


# The limit


@pytest.mark.parametrize("key", KEYS)
def test_limits_are_nested_and_in_file_order(key, samples, loaded):
    every = loaded[key, "test"]
    previous: set[str] = set()
    for limit in (1, 2, 5, 12, 23, len(every), len(every) + 1):
        drawn = load(key, limit=limit, seed=3, root=samples)
        assert len(drawn) == min(limit, len(every))
        assert drawn == [example for example in every if example in drawn]
        assert previous <= {example.id for example in drawn}
        previous = {example.id for example in drawn}
    assert load(key, limit=0, root=samples) == every == load(key, limit=None, root=samples)


def test_the_draw_is_fixed(samples):
    def drawn(seed):
        return [int(e.id) for e in load("chatdoctor", limit=5, seed=seed, root=samples)]

    assert drawn(0) == drawn(0) == [7, 15, 18, 20, 25]
    assert drawn(1) == [4, 7, 8, 11, 17]


@given(st.sets(st.text(max_size=8), max_size=30), st.integers(1, 31), st.randoms())
def test_the_draw_does_not_depend_on_file_position(ids, limit, random):
    examples = [Example(i, "x", {}, "", i) for i in sorted(ids)]
    shuffled = random.sample(examples, len(examples))
    chosen = subset(shuffled, limit, 0)
    assert len(chosen) == min(limit, len(ids))
    assert {e.id for e in chosen} == {e.id for e in subset(examples, limit, 0)}
    assert chosen == [e for e in shuffled if e in chosen]


def test_the_draw_is_not_a_prefix(loaded):
    """GAD is sorted by label: a prefix would hold one label only."""
    drawn = subset(loaded["gad", "test"], 8, 0)
    assert {example.gold for example in drawn} == {"yes", "no"}


@pytest.mark.parametrize("limit", [-1, 2.5, "3"])
def test_a_limit_is_a_count(limit, samples):
    with pytest.raises(BenchHealthError, match="expected a whole number, 0 or more"):
        load("gad", limit=limit, root=samples)


# Archives


def pack_zip(folder, top, archive):
    """Zip a tree as its publisher does, and remove it; with what macOS adds."""
    with zipfile.ZipFile(folder / archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted((folder / top).rglob("*"), reverse=True):
            packed.write(path, path.relative_to(folder))
            if path.is_file():
                name = path.relative_to(folder)
                packed.writestr(f"__MACOSX/{name}", b"\x00junk")
                packed.writestr(str(name.with_name(f"._{name.name}")), b"\x00junk")
    shutil.rmtree(folder / top)


def pack_tgz(folder, top, archive):
    with tarfile.open(folder / archive, "w:gz") as packed:
        for path in sorted((folder / top).rglob("*"), reverse=True):
            packed.add(path, path.relative_to(folder))
    shutil.rmtree(folder / top)


def pack_gz(folder, name):
    (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    (folder / name).unlink()


PACKED = {
    "ddi": lambda folder: pack_zip(folder, "DDICorpus", "DDICorpus-2013.zip"),
    "hoc": lambda folder: pack_zip(folder, ARCHIVE, f"{ARCHIVE}.zip"),
    "iu_xray": lambda folder: pack_tgz(folder, "ecgen-radiology", "NLMCXR_reports.tgz"),
    "mimic_cxr": lambda folder: pack_zip(folder, "files", "mimic-cxr-reports.zip"),
    "mimic_iii": lambda folder: pack_gz(folder, "NOTEEVENTS.csv"),
}


@pytest.mark.parametrize("key", PACKED)
def test_archives_equal_their_trees(key, fresh, loaded):
    root = fresh(key)
    folder = root / dataset(key).folder
    PACKED[key](folder)
    if key == "mimic_cxr":
        pack_gz(folder, "mimic-cxr-2.0.0-split.csv")
    assert not [p for p in folder.rglob("*") if p.suffix in (".xml", ".txt", ".csv")]
    for split in ("test", "train"):
        assert load(key, split, root=root) == loaded[key, split]


# Oddities of each layout


@pytest.fixture
def written(tmp_path):
    """Write one file of a data folder made for the test, and return the folder."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
        return tmp_path

    return write


@pytest.mark.parametrize("cop, letter", [(1, "A"), (2, "B"), (3, "C"), (4, "D")])
def test_medmcqa_counts_from_one(cop, letter, written):
    row = {"question": "Which?", "opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": cop}
    root = written("medmcqa/dev.json", json.dumps({**row, "id": "one"}))
    (example,) = load("medmcqa", root=root)
    options = {"A": "w", "B": "x", "C": "y", "D": "z"}
    assert (example.gold, example.inputs["options"]) == (letter, options)
    assert (example.id, example.group) == ("one", "one")


def instance(question, options, output):
    lines = [f"Option {x}: {text}" for x, text in zip("ABCDE", options, strict=False)]
    return {"instances": {"input": "\n".join([question, *lines]), "output": output}}


@pytest.mark.parametrize("as_lines", [True, False])
def test_public_partial_copies(as_lines, written):
    items = [
        instance("QUESTION: First?", ["a", "b", "c", "d"], "c"),
        instance("Five?", ["a", "b", "c", "d", "e"], "e"),
        instance("Cue?", ["a", "b", "b", "d"], "Answer: (B)"),
    ]
    lines = "\n".join(map(json.dumps, items))
    content = lines if as_lines else json.dumps(items, indent=1)
    root = written("medqa/med_qa_train.json", content)
    found = [(e.id, e.inputs["question"], e.gold) for e in load("medqa", "train", root=root)]
    assert found == [("medqa-train-0", "First?", "C"), ("medqa-train-2", "Cue?", "B")]


def test_mmlu_cells_may_hold_lines_and_quotes(written):
    content = '"Lines:\none, ""two""",a,"b, c",d,e,B\r\n'
    root = written("mmlu/test/professional_medicine_test.csv", content)
    (example,) = load("mmlu_medicine", root=root)
    assert example.inputs["question"] == 'Lines:\none, "two"'
    assert example.inputs["options"]["B"] == "b, c" and example.gold == "B"


def test_pubmedqa_heads_sections_with_their_labels(fresh, loaded):
    items = json.loads((fresh("pubmedqa") / "pubmedqa" / "ori_pqal.json").read_text("utf-8"))
    for example in loaded["pubmedqa", "test"]:
        item = items[example.id]
        pairs = zip(item["LABELS"], item["CONTEXTS"], strict=True)
        assert example.inputs["context"].split("\n") == [f"{a}: {b}" for a, b in pairs]


@pytest.mark.parametrize(
    "name, compared",
    [
        ("Prednisone", "prednisone"),
        ("Lisinopril (Zestril)", "lisinopril"),
        ("Insulin, Aspart, Human (Novolog)", "insulin, aspart, human"),
        ("Rho(D) Immune Globulin (Rhogam)", "rho immune globulin"),
        ("Estrogens, Conjugated (Usp) (Premarin)", "estrogens, conjugated"),
        ("Haemophilus B Conjugate (Prp-T) Vaccine", "haemophilus b conjugate vaccine"),
        ("  Folic   Acid ", "folic acid"),
        ("St. John\\'s Wort (Kira)", "st. john's wort"),
        ("(Tylenol)", ""),
    ],
)
def test_drug_names(name, compared):
    assert drug_name(name) == compared


def test_chatdoctor_commas_do_not_split_names(loaded):
    by_id = {example.id: example for example in loaded["chatdoctor", "test"]}
    assert "insulin, aspart, human" in by_id["2"].gold and len(by_id["2"].gold) == 8
    assert "rho immune globulin" in by_id["7"].gold and len(by_id["7"].gold) == 4


# Sentences with tags


@pytest.mark.parametrize(
    "tokens, sentence",
    [
        ("No disease .", "No disease."),
        ("Non - small ( NSCLC ) , 5 % .", "Non-small (NSCLC), 5%."),
        ("the patient ' s pain", "the patient's pain"),
        ('a " slow " course', 'a "slow" course'),
        ("and / or [ x ]", "and/or [x]"),
        ("", ""),
    ],
)
def test_detokenise(tokens, sentence):
    assert detokenise(tokens.split())[0] == sentence


def test_bio_spans_by_hand(written):
    lines = ["No O", "harm O", ". O", "", "Renal B", "failure I", "anemia B", "( O", "IDA B", ") O"]
    names = {" B": "\tB-Disease", " I": "\tI-Disease", " O": "\tO"}
    content = "\n".join(line and line[:-2] + names[line[-2:]] for line in lines)
    root = written("bc5cdr_disease/test.tsv", content + "\n\n\n")
    first, second = load("bc5_disease", root=root)
    assert first.gold == frozenset() and first.inputs["sentence"] == "No harm."
    assert second.inputs["sentence"] == "Renal failure anemia (IDA)"
    assert second.gold == {(0, 13), (14, 20), (22, 25)}
    assert first.group == second.group == "bc5_disease-block-0"


def check_sentences(examples, path):
    """Sentence and spans against the file itself, read without the reader."""
    blocks = [block for block in path.read_text("utf-8").split("\n\n") if block.strip()]
    assert len(blocks) == len(examples)
    mentions = 0
    for number, (block, example) in enumerate(zip(blocks, examples, strict=True)):
        sentence = example.inputs["sentence"]
        rows = [line.split("\t") for line in block.strip("\n").split("\n")]
        assert example.inputs["tokens"] == tuple(token for token, _ in rows)
        assert sentence.replace(" ", "") == "".join(token for token, _ in rows)
        expected = []
        for token, tag in rows:
            if tag[0] == "B":
                expected.append(token)
            elif tag[0] == "I":
                expected[-1] += token
        spans = sorted(example.gold)
        assert [sentence[a:b].replace(" ", "") for a, b in spans] == expected
        assert all(sentence[a:b].strip() == sentence[a:b] for a, b in spans)
        assert example.group.endswith(f"-block-{number // 10}")
        mentions += len(expected)
    return mentions


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("key", NER)
def test_every_span_is_its_tokens(key, split, samples, loaded):
    path = samples / dataset(key).folder / f"{split}.tsv"
    assert check_sentences(loaded[key, split], path) > 10


TOKENS = st.lists(st.sampled_from(["a", "B2", *"\"'.,;:!?%)]}([{-/s", "β", "'s", "1.5"]))


@given(TOKENS)
def test_detokenise_loses_no_character(tokens):
    sentence, offsets = detokenise(tokens)
    assert [sentence[a:b] for a, b in offsets] == tokens
    assert sentence.replace(" ", "") == "".join(tokens)
    assert "  " not in sentence and sentence.strip() == sentence


# Relations and labels


@pytest.mark.parametrize(
    "one, two, shown",
    [
        ((0, 7), (15, 23), "@DRUGS raises @DRUGS levels."),
        ((15, 23), (0, 7), "@DRUGS raises @DRUGS levels."),
        ((0, 14), (8, 23), "@DRUGS/@DRUGS levels."),
        ((0, 23), (8, 14), "@DRUGS/@DRUGS levels."),
        ((8, 14), (8, 23), "Aspirin @DRUGS/@DRUGS levels."),
        ((0, 7), (7, 23), "@DRUGS@DRUGS levels."),
    ],
)
def test_ddi_marks(one, two, shown):
    assert mark("Aspirin raises warfarin levels.", one, two) == shown


def test_ddi_sample_by_hand(loaded):
    pairs = {example.id: example for example in loaded["ddi", "test"]}
    shown = {  # a discontinuous mention runs from first to last, over another one
        "p0": ("@DRUGS may interact with @DRUGS.", "int"),
        "p1": ("@DRUGS may interact with potassium-wasting and @DRUGS.", "int"),
        "p2": ("Lurasidone may interact with @DRUGS/@DRUGS.", "false"),
    }
    for pair, expected in shown.items():
        example = pairs[f"DDI-DrugBank.d9006.s0.{pair}"]
        assert (example.inputs["sentence"], example.gold) == expected
        assert example.group == "DDI-DrugBank.d9006"
    assert all(e.inputs["sentence"].count("@DRUGS") == 2 for e in pairs.values())


def test_ddi_takes_only_typed_pairs_of_the_extraction_task(samples, loaded):
    corpus = samples / "ddi" / "DDICorpus"
    ids = {"untyped": set(), "ner": set(), "test": set(), "train": set()}
    for path in corpus.rglob("*.xml"):
        part = "train" if "Train" in path.parts else "test"
        part = "ner" if "Test for DrugNER task" in path.parts else part
        for pair in re.findall(r"<pair [^>]+>", path.read_text("utf-8")):
            untyped = 'ddi="true"' in pair and "type=" not in pair
            ids["untyped" if untyped else part].add(re.search(r' id="([^"]+)"', pair)[1])
    assert ids["untyped"] == {"DDI-DrugBank.d9104.s1.p0"} and ids["ner"]
    for split in ("test", "train"):
        assert {example.id for example in loaded["ddi", split]} == ids[split]


def test_gad_groups_repeated_sentences(written, loaded):
    sentences = ["@GENE$ and @DISEASE$.", "@GENE$ in @DISEASE$.", "@GENE$ and @DISEASE$."]
    rows = [f"{i}\t{sentence}\t{i % 2}" for i, sentence in enumerate(sentences)]
    content = "\n".join(["index\tsentence\tlabel", *rows, ""])
    examples = load("gad", root=written("gad/test.tsv", content))
    assert [e.id for e in examples] == ["gad-0", "gad-1", "gad-2"]
    assert [e.group for e in examples] == ["gad-0", "gad-1", "gad-0"]
    assert [e.gold for e in examples] == ["no", "yes", "no"]
    sample = loaded["gad", "test"]
    assert len({e.group for e in sample}) == len({e.inputs["sentence"] for e in sample})
    assert len({e.group for e in sample}) == len(sample) - 1


def test_gad_keeps_quotation_marks(loaded):
    sentences = [example.inputs["sentence"] for example in loaded["gad", "test"]]
    assert any(sentence.startswith('"') and sentence.count('"') == 1 for sentence in sentences)


ANGIO, CELL, IMMUNE = HALLMARKS[4], HALLMARKS[8], HALLMARKS[9]


@pytest.mark.parametrize(
    "line, labels",
    [
        ("", set()),
        ("< < <", set()),
        ("< NULL< <NULL", set()),
        (f"<{ANGIO}", {ANGIO}),
        (f"< <  {ANGIO}--By x--Angiogenic factors< ", {ANGIO}),
        (f"<{ANGIO}--< <{ANGIO}--x<{CELL}", {ANGIO, CELL}),
        (f"<{ANGIO}--x AND{CELL}--y/z", {ANGIO, CELL}),
        (f"<{ANGIO}-- AND {CELL} AND{IMMUNE}--AND< NULL", {ANGIO, CELL, IMMUNE}),
        ("<Activating invasion and metastasis--x", {"Activating invasion and metastasis"}),
    ],
)
def test_hoc_labels(line, labels):
    assert labels_of(line, Place("x")) == labels
    assert labels_of(f"{line}\n", Place("x")) == labels


def test_hoc_has_ten_hallmarks_and_refuses_an_eleventh():
    assert len(set(HALLMARKS)) == 10
    with pytest.raises(DataError, match="'Longevity' is not one of the ten hallmarks"):
        labels_of(f"<{ANGIO} AND Longevity--x", Place("x"))


# Reports and notes


@pytest.mark.parametrize(
    "report, sections",
    [
        ("", {}),
        ("No  header\nhere.", {"full report": "No header here."}),
        (
            "FINAL REPORT\n FINDINGS:  Clear\n lungs.\n \n IMPRESSION: Normal.\n",
            {"preamble": "FINAL REPORT", "findings": "Clear lungs.", "impression": "Normal."},
        ),
        (
            "\n ADDENDUM: Tip higher.\n ____\n FINAL REPORT\n FINDINGS: A.\n IMPRESSION: B.",
            {
                "addendum": "Tip higher. ____ FINAL REPORT",
                "findings": "A.",
                "impression": "B.",
            },
        ),
        ("\n FINDNGS: A.\n IMPESSION: B.", {"findings": "A.", "impression": "B."}),
        ("\n FINDING: A.\n MPRESSION: B.", {"findings": "A.", "impression": "B."}),
        ("\n FINDINGS: A.\n CONCLUSION: B.", {"findings": "A.", "impression": "B."}),
        ("\n NDICATION: B.", {"impression": "B."}),
        ("\n FINDINGS AND IMPRESSION: B.", {"impression": "B."}),
        ("\n IMPRESSION AND FINDINGS: B.", {"impression": "B."}),
        ("\n FINDINGS ADDENDUM: A.", {"findings": "A."}),
        ("\n CHEST, TWO VIEWS: A.", {"findings": "A."}),
        ("\n BONE WINDOW: A.", {"findings": "A."}),
        ("\n REASON FOR EXAM: C.\n PFI: D.", {"indication": "C.", "history": "D."}),
        ("\n COMPARISONS: C.\n NOTIFICATION: D.", {"comparison": "C.", "notification": "D."}),
        (
            "\n IMPRESSION: First.\n FINDINGS: A.\n IMPRESSION: Last.",
            {"findings": "A.", "impression": "Last."},
        ),
        (
            "\n CHEST:  \n FINDINGS: A.\n IMPRESSION: B.\n PORTABLE AP:  \n IMPRESSION: \n",
            {"findings": "A.", "impression": "B."},
        ),
        # no header: lower case, no space before, text before, no white space behind
        ("x\n Findings: A.", {"full report": "x Findings: A."}),
        ("x\nFINDINGS: A.", {"full report": "x FINDINGS: A."}),
        ("x\n The FINDINGS: A.", {"full report": "x The FINDINGS: A."}),
        ("x\n FINDINGS:A.", {"full report": "x FINDINGS:A."}),
        # a header that ends its line at the colon takes the next line as text
        ("\n FINDINGS:\n IMPRESSION: B.\n", {"findings": "IMPRESSION: B."}),
        ("\n FINDINGS: \n IMPRESSION: B.\n", {"impression": "B."}),
    ],
)
def test_sections_of_a_report(report, sections):
    assert sections_of(report) == sections


def test_mimic_cxr_sample_by_hand(loaded):
    examples = {example.id: example for example in loaded["mimic_cxr", "test"]}
    assert "s59999011" not in examples  # no findings
    assert "s59999013" not in examples  # findings and impression in one
    assert "s59999028" not in examples and "s59999030" not in examples  # no impression
    assert examples["s59999007"].inputs["findings"].startswith("Following removal")
    assert examples["s59999015"].gold.startswith("Feeding tube malpositioned")  # IMPRESION
    assert examples["s59999016"].gold.endswith("respiratory isolation is advised.")
    assert examples["s59999017"].gold.startswith("Right PICC malpositioned")  # the last one
    assert examples["s59999008"].gold.endswith("by at least 6 cm.")  # not NOTIFICATION
    assert examples["s59999001"].group == examples["s59999002"].group == "p19999001"
    for example in examples.values():
        assert example.gold not in example.inputs["findings"]


NOTE = "Name: [**Known lastname 1**]\nSex:   F\n\nService: X\nCough.\nDischarge Instructions:\n"


@pytest.mark.parametrize(
    "body, target",
    [
        ("Rest well, and drink.", "rest well , and drink ."),
        ("Rest at home.\nFollowup Instructions:\nCall.", "rest at home ."),
        ("Rest at home.\nFollowupInstructions\nCall.", "rest at home ."),
        ("Rest. [**Hospital1 2**] Instructions follow", "rest ."),
        ("Rest. [**Hospital1 2**]p instruction", "rest ."),
        ("Rest.\nWound instructions: dry.", "rest . wound"),
        ("Rest.\n     [**First Name8 (NamePattern2) 3**]", "rest ."),
        ("Call    [**Telephone/Fax (1) 4**] then.", "call [contact] then ."),
        ("Rest.\n      Dr. [**Last Name (STitle) 5**]", "rest ."),
        ("Rest.\nReviewed by: x", "rest ."),
        ("Rest.\nCompleted  By: x", "rest ."),
        ("Rest.\nDictated By: x", "rest ."),
        # the order of the markers counts, not their place in the text
        ("A. Dictated By: b\nC. Followup Instructions: d", "a . dictated by : b c ."),
        ("A. Completed By: b\n     [**Name 1**]", "a . completed by : b"),
        ("A. Reviewed by b. Wound instructions: c", "a . reviewed by b . wound"),
        # repeats and leading marks go
        ("\n***\n-- Rest rest, well... ok!!", "rest , well . ok !"),
        ("__ 1. Take 2 2 __", "1 . take 2 _"),
    ],
)
def test_instruction_ends(body, target):
    record, found = instruction(NOTE + body)
    assert (record, found) == ("service : x cough .", target)


MARKERS = (  # in the order in which they are tried
    " Followup  Instruction ",
    " [**Hospital1 2**] instruction ",
    " Wound instructions: ",
    "      [**Name 3**] ",
    "      Dr. [**Name 4**] ",
    " Reviewed by ",
    " Completed by ",
    " Dictated by ",
)


@pytest.mark.parametrize("first, second", list(combinations(MARKERS, 2)))
def test_markers_are_tried_in_order(first, second):
    beta = "beta " + "x y " * 15  # no bracket reaches the other marker
    for body in (f"Alpha.{second}{beta}{first}gamma.", f"Alpha.{first}{beta}{second}gamma."):
        words = instruction(NOTE + body)[1].split()
        assert "alpha" in words and "gamma" not in words
        assert ("beta" in words) == (body.index(second) < body.index(first))


@pytest.mark.parametrize(
    "kinds, label",
    [
        ("2150-1-2|1-2|2150|Month/Day (2) 5|Date range (1) 6|Year (4 digits) 7", "date"),
        ("Hospital1 18|Hospital Ward Name 3|Hospital Unit Name 4|Wardname 5", "hospital"),
        ("Telephone/Fax (1) 8|Pager number 9|CC Contact Info 1|E-mail address 2", "contact"),
        ("Last Name (STitle) 1|Initials (NamePattern4) 2|Known firstname 3", "name"),
        ("Attending Info 4|Dictator Info 5|Doctor First Name 6|Name (NI) 7", "name"),
        ("Location (un) 1|Street Address(2) 2|Apartment Address(1) 3|PO Box 4", "address"),
        ("Country 1", "country"),
        ("University/College 1", "university"),
        ("Company 1", "company"),
        ("Provider Number 1|MD Number(1) 2", "provider"),
        ("URL 1", "url"),
        ("State 1", "state"),
        ("Holiday 1", "holiday"),
        ("Age over 90 1", "age"),
        ("Clip Number (Radiology) 1", "clip"),
        ("Numeric Identifier 1|Medical Record Number 2|Social Security Number 3", "identifier"),
        ("Job Number 1|Unit Number 2", "number"),
        ("Whatever 1|", "info"),
    ],
)
def test_brackets_become_labels(kinds, label):
    for kind in kinds.split("|"):
        target = instruction(f"{NOTE}Ask [**{kind}**] now.")[1]
        assert target == f"ask [{label}] now ."


@pytest.mark.parametrize(
    "head, record",
    [
        ("Junk\nSex:  M\nService: A\nAllergies: b\n", "service : a allergies : b"),
        ("Junk\nService: A\nAllergies: b\n", "service : a allergies : b"),
        ("Junk\nAllergies: b\nChief Complaint: c\n", "allergies : b chief complaint : c"),
        ("Junk\nChief Complaint: c\nHistory of d\n", "chief complaint : c history of d"),
        ("Junk\nHistory of d\n", "history of d"),
        ("Only this.\n", "only this ."),
    ],
)
def test_record_starts(head, record):
    for header in ("Discharge Instructions:", "DISCHARGE\nINSTRUCTIONS (cardiac):"):
        assert instruction(f"{head}{header} Rest.") == (record, "rest .")


def test_no_instruction_is_in_its_record(loaded):
    for example in loaded["mimic_iii", "test"]:
        assert example.gold not in example.inputs["record"]
        assert "discharge instructions" not in example.inputs["record"]


# The official files


@pytest.fixture(scope="session")
def official(real_data):
    """Load an official set once; skip one whose folder is not there."""
    cache = {}

    def one(key, split="test"):
        if not (real_data / dataset(key).folder).is_dir():
            pytest.skip(f"{real_data} has no folder {dataset(key).folder}")
        if (key, split) not in cache:
            cache[key, split] = load(key, split, root=real_data)
        return cache[key, split]

    return one


TRAIN = {
    "pubmedqa": 500,
    "chatdoctor": 796,
    "mmlu_medicine": 5,
    "iu_xray": 2735,
    "bc5_disease": 4560,
    "ncbi_disease": 5424,
    "gad": 4796,
    "hoc": 1108,
}


@pytest.mark.parametrize("key", OPEN)
def test_official_sizes(key, official):
    assert len(official(key)) == DATASETS[key].size
    for example in official(key):
        assert set(example.inputs) == INPUTS[key]
        check_gold(example)
    if key in TRAIN:
        assert len(official(key, "train")) == TRAIN[key]


@pytest.mark.parametrize("key", OPEN)
def test_official_fingerprints(key, official, real_data):
    examples = official(key)
    if DATASETS[key].fingerprint is None:
        pytest.skip(f"data/datasets.yaml records no fingerprint of {key} yet")
    assert provenance(key, examples, real_data)["source"] == "official"
    assert provenance(key, examples[1:], real_data)["source"] == "other"


@pytest.mark.parametrize("key", OPEN)
def test_official_digests(key, real_data):
    spec = dataset(key)
    checked = 0
    for entry in spec.files:
        path = real_data / spec.folder / entry["name"]
        if path.exists() and "members_sha256" in entry:
            assert members_digest(path) == entry["members_sha256"]
        elif path.exists() and "sha256" in entry:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        checked += path.exists()
    if not checked:
        pytest.skip(f"{real_data} has no file of {key}")


def test_official_exams(official):
    train = official("medqa", "train")
    if len(train) == 10178:
        pytest.skip("the official training file is here, not the public partial copy")
    assert len(train) == 756
    ids = [example.id for example in official("medmcqa")]
    assert len(set(ids)) == 4183
    repeated = twice_gold = 0
    for example in official("medmcqa"):
        options = example.inputs["options"]
        texts = list(options.values())
        repeated += len(set(texts)) < 4
        twice_gold += texts.count(options[example.gold]) > 1
    assert (repeated, twice_gold) == (21, 4)


def test_official_answers(official):
    def count(key):
        return Counter(example.gold for example in official(key))

    assert count("pubmedqa") == {"yes": 276, "no": 169, "maybe": 55}
    assert count("gad") == {"yes": 281, "no": 253}
    assert count("ddi") == {
        "false": 4737,
        "effect": 360,
        "mechanism": 302,
        "advise": 221,
        "int": 96,
    }


def test_official_relations(official, real_data, monkeypatch):
    sources = Counter(example.id.split(".")[0] for example in official("ddi"))
    assert sources == {"DDI-DrugBank": 5265, "DDI-MedLine": 451}
    overlaps = []

    def spy(text, one, two):
        overlaps.append(max(one[0], two[0]) < min(one[1], two[1]))
        return mark(text, one, two)

    monkeypatch.setattr("benchhealth_utils.tasks.relations.mark", spy)
    assert load("ddi", root=real_data) == official("ddi") and sum(overlaps) == 7
    ids = {example.id for example in official("ddi", "train")}
    assert "DDI-DrugBank.d236.s29.p0" not in ids
    sentences = Counter(example.inputs["sentence"] for example in official("gad"))
    assert len(sentences) == 534 - 26
    assert len({example.group for example in official("gad")}) == len(sentences)


@pytest.mark.parametrize("key, mentions", [("bc5_disease", 4424), ("ncbi_disease", 960)])
def test_official_mentions(key, mentions, official, real_data):
    examples = official(key)
    assert sum(len(example.gold) for example in examples) == mentions
    folder = real_data / dataset(key).folder
    assert check_sentences(examples, folder / "test.tsv") == mentions
    assert check_sentences(official(key, "train"), folder / "train.tsv") > 4000
    empty = sum(not example.gold for example in examples) / len(examples)
    assert round(100 * empty) == {"bc5_disease": 41, "ncbi_disease": 43}[key]


def test_official_drug_names(official):
    examples = official("chatdoctor")
    names = Counter(name for example in examples for name in example.gold)
    assert len(names) == 1288
    assert names["mecamylamine"] == 73 and names["grepafloxacin"] == 57
    assert sum(count for name, count in names.items() if "," in name) == 102
    sizes = [len(example.gold) for example in examples]
    assert (min(sizes), max(sizes), round(sum(sizes) / 796, 1)) == (2, 12, 10.5)
    assert len({example.inputs["disease"] for example in examples}) == 796


def test_official_hallmarks(official):
    examples = official("hoc")
    assert frozenset().union(*(example.gold for example in examples)) == set(HALLMARKS)
    assert not {e.id for e in examples} & {e.id for e in official("hoc", "train")}


def test_official_radiology_overlap(official):
    """80 of the 341 pairs equal a train pair once only letters are kept."""

    def letters(example):
        pair = (example.inputs["findings"], example.gold)
        return tuple(re.sub("[^a-z]", "", text.lower()) for text in pair)

    train = set(map(letters, official("iu_xray", "train")))
    assert sum(letters(example) in train for example in official("iu_xray")) == 80


# What conftest promises


def test_the_network_is_refused():
    with pytest.raises(RuntimeError, match="tests use no network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(RuntimeError, match="tests use no network"):
        socket.getaddrinfo("example.org", 443)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        with pytest.raises(RuntimeError, match="tests use no network"):
            datagram.sendto(b"x", ("192.0.2.1", 53))
        with pytest.raises(RuntimeError, match="tests use no network"):
            datagram.connect_ex(("192.0.2.1", 53))
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_the_data_folder_is_not_seen():
    assert os.environ["BENCHHEALTH_DATA"] == str(ROOT / "data" / "samples")


def test_a_file_cut_between_rows_is_warned_of(fresh):
    root = fresh("medmcqa")
    with pytest.warns(UserWarning, match=r"medmcqa: 24 test items; the official data have 4,183"):
        load("medmcqa", root=root)
