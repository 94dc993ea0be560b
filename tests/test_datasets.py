"""The registry, and every data set as `load` gives it: samples, layouts, official files."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import re
import shutil
import socket
import tarfile
import zipfile
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from conftest import cases, taken
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import DATASETS, load
from benchhealth_utils.data import fingerprint, provenance, subset
from benchhealth_utils.download import members_digest
from benchhealth_utils.schema import ROOT, BenchHealthError, Example, canonical
from benchhealth_utils.tasks.hallmarks import ARCHIVE, HALLMARKS

pytestmark = pytest.mark.filterwarnings("ignore:.*the official data have")

KEYS = list(DATASETS)
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


# The registry


@pytest.mark.parametrize("key", KEYS)
def test_addresses_are_pinned_and_verifiable(key):
    spec = DATASETS[key]
    assert ("https://physionet.org/content/" in spec.request) == (key not in OPEN)
    assert bool(spec.fingerprint) == (key in OPEN)
    for entry in spec.files:
        assert "url" not in entry or key in OPEN
        if "url" not in entry:
            assert key not in OPEN or (entry["role"] == "optional" and entry["note"])
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
    with pytest.raises(BenchHealthError, match="'medQA'. Did you mean medqa. Known: medqa, .* hoc"):
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
    assert len(examples) >= least and len({example.id for example in examples}) == len(examples)
    for example in examples:
        told = {"explanation"} if (key, split) == ("medmcqa", "train") else set()
        assert example.dataset == key and set(example.inputs) - told == INPUTS[key]
        assert all(value and str(value).strip() for value in example.inputs.values())
        assert isinstance(example.group, str) and example.group
        check_gold(example)


def check_gold(example):
    gold, key, inputs = example.gold, example.dataset, example.inputs
    if key in ANSWERS:
        assert gold in ANSWERS[key]
    elif key in NER:
        assert isinstance(gold, frozenset) and isinstance(inputs["tokens"], tuple)
        assert all(0 <= a < b <= len(inputs["sentence"]) for a, b in gold)
    elif key == "hoc":
        assert gold and isinstance(gold, frozenset) and gold <= set(HALLMARKS)
    elif key == "chatdoctor":
        assert gold and all(name == name.strip().lower() and name for name in gold)
    else:
        assert isinstance(gold, str) and gold.strip() == gold != ""
    if "options" in inputs:
        assert list(inputs["options"]) == list("ABCD") and all(inputs["options"].values())


@pytest.mark.parametrize("key", KEYS)
def test_test_and_train_share_no_item(key, loaded):
    test, train = loaded[key, "test"], loaded[key, "train"]
    if key == "chatdoctor":  # has no training part: the table itself is the pool
        assert train == test
        return
    assert not {example.id for example in test} & {example.id for example in train}
    assert not {example.group for example in test} & {example.group for example in train}


def test_samples_cover_every_answer(loaded):
    for key, answers in ANSWERS.items():
        assert {example.gold for example in loaded[key, "test"]} == answers
    for key in NER:
        assert 0 < sum(not e.gold for e in loaded[key, "test"]) < len(loaded[key, "test"])
    assert frozenset().union(*(e.gold for e in loaded["hoc", "test"])) == set(HALLMARKS)
    assert len(set(HALLMARKS)) == 10


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
    assert count >= 20 and load(key, root=root) == load(key, root=samples)


def test_chatdoctor_never_shows_the_reason(fresh, loaded):
    path = fresh("chatdoctor") / "chatdoctor" / "format_dataset.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert any("lisinopril" in row["reason"].lower() for row in rows)  # it names the drug
    rows = [row | {"reason": SENTINEL, "TestsAndProcedures": SENTINEL} for row in rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert load("chatdoctor", root=path.parent.parent) == loaded["chatdoctor", "test"]
    shown = [canonical(dict(e.inputs)) for e in loaded["chatdoctor", "test"]]
    assert not any("lisinopril" in text.lower() for text in shown)


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


def test_the_fingerprint_sees_every_part(loaded):
    first, *rest = examples = loaded["pubmedqa", "test"]
    parts = {"id": "x", "inputs": {**first.inputs, "context": "x"}, "gold": "no", "group": "x"}
    changed = [[replace(first, **{name: value}), *rest] for name, value in parts.items()]
    lists = [examples, *changed, examples[::-1], rest]
    assert len({fingerprint(one) for one in lists}) == len(lists)


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


def test_the_draw_is_fixed_and_no_prefix(samples, loaded):
    for seed, ids in ((0, "7 15 18 20 25"), (1, "4 7 8 11 17")):
        drawn = load("chatdoctor", limit=5, seed=seed, root=samples)
        assert [example.id for example in drawn] == ids.split()
    # GAD is sorted by label: a prefix would hold one label only
    assert {example.gold for example in subset(loaded["gad", "test"], 8, 0)} == {"yes", "no"}


@given(st.sets(st.text(max_size=8), max_size=30), st.integers(1, 31), st.randoms())
def test_the_draw_does_not_depend_on_file_position(ids, limit, random):
    examples = [Example(i, "x", {}, "", i) for i in sorted(ids)]
    shuffled = random.sample(examples, len(examples))
    chosen = subset(shuffled, limit, 0)
    assert len(chosen) == min(limit, len(ids))
    assert {e.id for e in chosen} == {e.id for e in subset(examples, limit, 0)}
    assert chosen == [e for e in shuffled if e in chosen]


@pytest.mark.parametrize("limit", [-1, 2.5, "3"])
def test_a_limit_is_a_count(limit, samples):
    with pytest.raises(BenchHealthError, match="expected a whole number, 0 or more"):
        load("gad", limit=limit, root=samples)


@pytest.mark.filterwarnings("default")
def test_a_file_cut_between_rows_is_warned_of(fresh):
    with pytest.warns(UserWarning, match=r"medmcqa: 24 test items; the official data have 4,183"):
        load("medmcqa", root=fresh("medmcqa"))


# Archives


def pack_zip(folder, top, archive):
    """Zip a tree as its publisher does, and remove it; with what macOS adds."""
    with zipfile.ZipFile(folder / archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted((folder / top).rglob("*"), reverse=True):
            name = path.relative_to(folder)
            packed.write(path, name)
            if path.is_file():
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
    folder = root / DATASETS[key].folder
    PACKED[key](folder)
    if key == "mimic_cxr":
        pack_gz(folder, "mimic-cxr-2.0.0-split.csv")
    assert not [p for p in folder.rglob("*") if p.suffix in (".xml", ".txt", ".csv")]
    for split in ("test", "train"):
        assert load(key, split, root=root) == loaded[key, split]


# Oddities of each layout

LAYOUTS = cases("layouts")


@pytest.mark.parametrize("case", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(case, tmp_path):
    for name, content in case["files"].items():
        hoc = case["dataset"] == "hoc" and not name.startswith("splits")
        path = tmp_path / (f"hoc/{ARCHIVE}/{name}" if hoc else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
    examples = load(case["dataset"], case.get("split", "test"), root=tmp_path)
    for example, expected in zip(examples, case["items"], strict=True):
        found = {**vars(example), **example.inputs}
        for name, value in expected.items():
            given = tuple(value) if name == "symptoms" else taken(value)
            assert found[name] == given


def check_sentences(examples, path):
    """Sentence and spans against the file itself, read without the reader."""
    blocks = [block for block in path.read_text("utf-8").split("\n\n") if block.strip()]
    mentions = 0
    for number, (block, example) in enumerate(zip(blocks, examples, strict=True)):
        sentence = example.inputs["sentence"]
        rows = [line.split("\t") for line in block.strip("\n").split("\n")]
        assert example.inputs["tokens"] == tuple(token for token, _ in rows)
        assert sentence.replace(" ", "") == "".join(token for token, _ in rows)
        assert "  " not in sentence and sentence.strip() == sentence
        expected = []
        for token, tag in rows:
            if tag[0] == "B":
                expected.append(token)
            elif tag[0] == "I":
                expected[-1] += token
        found = [sentence[a:b] for a, b in sorted(example.gold)]
        assert [text.replace(" ", "") for text in found] == expected
        assert all(text.strip() == text for text in found)
        assert example.group.endswith(f"-block-{number // 10}")
        mentions += len(expected)
    return mentions


TOKENS = st.lists(
    st.sampled_from(["a", "B2", *"\"'.,;:!?%)]}([{-/s", "β", "'s", "1.5"]), min_size=1
)


@given(tokens=TOKENS, tags=st.randoms())
def test_no_character_is_lost(tokens, tags, tmp_path_factory):
    root = tmp_path_factory.mktemp("tokens")
    path = root / "ncbi_disease" / "test.tsv"
    path.parent.mkdir()
    path.write_text("".join(f"{x}\t{tags.choice(('O', 'B-Disease'))}\n" for x in tokens), "utf-8")
    check_sentences(load("ncbi_disease", root=root), path)


# Relations and labels


def test_ddi_takes_only_typed_pairs_of_the_extraction_task(samples, loaded):
    ids = {"untyped": set(), "ner": set(), "test": set(), "train": set()}
    for path in (samples / "ddi" / "DDICorpus").rglob("*.xml"):
        part = "train" if "Train" in path.parts else "test"
        part = "ner" if "Test for DrugNER task" in path.parts else part
        for pair in re.findall(r"<pair [^>]+>", path.read_text("utf-8")):
            untyped = 'ddi="true"' in pair and "type=" not in pair
            ids["untyped" if untyped else part].add(re.search(r' id="([^"]+)"', pair)[1])
    assert ids["untyped"] == {"DDI-DrugBank.d9104.s1.p0"} and ids["ner"]
    for split in ("test", "train"):
        assert {example.id for example in loaded["ddi", split]} == ids[split]


# The official files


@pytest.fixture(scope="session")
def official(real_data):
    """Load an official set once; skip one whose folder is not there."""
    cache = {}

    def one(key, split="test"):
        if not (real_data / DATASETS[key].folder).is_dir():
            pytest.skip(f"{real_data} has no folder {DATASETS[key].folder}")
        if (key, split) not in cache:
            cache[key, split] = load(key, split, root=real_data)
        return cache[key, split]

    return one


@pytest.mark.parametrize("key", OPEN)
def test_official_data_are_the_paper_s(key, official, real_data):
    examples, spec = official(key), DATASETS[key]
    assert len(examples) == spec.size
    for example in examples:
        assert set(example.inputs) == INPUTS[key]
        check_gold(example)
    assert provenance(key, examples, real_data)["source"] == "official"
    assert provenance(key, examples[1:], real_data)["source"] == "other"
    for entry in spec.files:
        path = real_data / spec.folder / entry["name"]
        if path.exists() and "members_sha256" in entry:
            assert members_digest(path) == entry["members_sha256"]
        elif path.exists() and "sha256" in entry:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]


@pytest.mark.parametrize(
    "key, mentions, empty", [("bc5_disease", 4424, 41), ("ncbi_disease", 960, 43)]
)
def test_official_mentions(key, mentions, empty, official, real_data):
    folder = real_data / DATASETS[key].folder
    assert check_sentences(official(key), folder / "test.tsv") == mentions
    assert check_sentences(official(key, "train"), folder / "train.tsv") > 4000
    share = sum(not example.gold for example in official(key)) / len(official(key))
    assert round(100 * share) == empty


def test_the_network_is_refused_and_the_data_folder_not_seen():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        for reach in (
            lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
            lambda: socket.getaddrinfo("example.org", 443),
            lambda: datagram.sendto(b"x", ("192.0.2.1", 53)),
            lambda: datagram.connect_ex(("192.0.2.1", 53)),
        ):
            with pytest.raises(RuntimeError, match="tests use no network"):
                reach()
    assert os.environ["BENCHHEALTH_DATA"] == str(ROOT / "data" / "samples")
