"""Which official test items are odd, rule by rule: ``python tools/oddities.py``.

Works on the official data (``BENCHHEALTH_DATA``) and writes, without any of their text,
``data/oddities.csv`` (a row a rule: data set, name, rule, items, of) and
``data/oddities-items.csv.gz`` (the identifiers of the items that a rule names). The book's
page on oddities shows each model's score with and without them. ``data/splits/gad_sources.tsv``
has the hashes of GAD's test sentences that are versions of one source sentence.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections import Counter, defaultdict
from difflib import SequenceMatcher
from itertools import combinations

import pandas as pd

import benchhealth_utils as bh
from benchhealth_utils.data import data_root
from benchhealth_utils.prompts import normalised
from benchhealth_utils.schema import ROOT, digest, write_atomic

PICTURE = (
    r"\b(?:shown|seen|depicted|pictured|illustrated|displayed)\s+(?:here|below|above|in (?:the )?"
    r"(?:figure|image|photo|picture|exhibit|ecg|ekg))|\b(?:image|photograph|picture|figure|exhibit|"
    r"audio|recording|tracing)\b[^.]{0,30}\b(?:shown|below|above|shows|is given|given)"
)
NO_TIE = r"\bno (?:significant )?(?:association|relation)|\bnot (?:significantly )?associated"


def norm(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def report(item) -> tuple[str, str]:
    return norm(item.inputs["findings"]), norm(item.gold)


def shared(items, key) -> set[str]:
    """Ids of items whose key another item has, too."""
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item.id)
    return {name for group in groups.values() if len(group) > 1 for name in group}


def in_train(key, of) -> set[str]:
    known = {of(item) for item in bh.load(key, "train")}
    return {item.id for item in bh.load(key) if of(item) in known}


def sources(items) -> dict[str, int]:
    """GAD items by source sentence: the same words but for what is masked."""
    words = {item.id: re.findall(r"@\w+\$?|\w+", item.inputs["sentence"].lower()) for item in items}
    grams = defaultdict(set)
    for name, found in words.items():
        plain = [word for word in found if not word.startswith("@")]
        for at in range(len(plain) - 3):
            grams[tuple(plain[at : at + 4])].add(name)
    near = {pair for group in grams.values() for pair in combinations(sorted(group), 2)}
    place = {name: number for number, name in enumerate(words)}
    for one, two in sorted(near):
        changes = SequenceMatcher(None, words[one], words[two], autojunk=False).get_opcodes()
        parts = [
            (words[one][a:b], words[two][c:d]) for tag, a, b, c, d in changes if tag != "equal"
        ]
        masked = all(
            any(word.startswith("@") for word in left + right) and max(len(left), len(right)) <= 8
            for left, right in parts
        )
        if masked and place[one] != place[two]:
            old, new = place[two], place[one]
            place = {name: new if number == old else number for name, number in place.items()}
    return place


def found() -> list[tuple[str, str, str, set[str]]]:
    """Data set, name, rule and ids of every oddity."""
    rows = []

    def add(key, name, rule, ids):
        rows.append((key, name, rule, set(ids)))

    def those(key, holds):
        return {item.id for item in bh.load(key) if holds(item)}

    for key in ("medqa", "medmcqa"):
        rule = "the question speaks of a picture, tracing or sound that is not there"
        odd = those(key, lambda item: re.search(PICTURE, item.inputs["question"], re.I))
        add(key, "no picture", rule, odd)
    for key, letter in (("mmlu_medicine", "D"), ("medmcqa", "A")):
        add(key, f"gold {letter}", f"the right answer is {letter}, the commonest letter",
            those(key, lambda item, letter=letter: item.gold == letter))  # fmt: skip
    add("medmcqa", "option twice", "two options are the same text but for case",
        those("medmcqa", lambda item: len({x.casefold().strip() for x in
              item.inputs["options"].values()}) < 4))  # fmt: skip
    add("medmcqa", "all or both", "an option says all of the above, or both",
        those("medmcqa", lambda item: any(re.match(r"(?:all|both)\b", x.strip(), re.I)
              for x in item.inputs["options"].values())))  # fmt: skip
    raw = json.loads((data_root() / "pubmedqa" / "ori_pqal.json").read_text("utf-8"))
    add("pubmedqa", "annotators differ", "the two annotators of the item do not agree",
        those("pubmedqa", lambda item: raw[item.id]["reasoning_required_pred"]
              != raw[item.id]["reasoning_free_pred"]))  # fmt: skip
    add("pubmedqa", "maybe", "the right answer is maybe",
        those("pubmedqa", lambda item: item.gold == "maybe"))  # fmt: skip
    drugs = bh.load("chatdoctor")
    lists = Counter(item.gold for item in drugs)
    (filler, _), *_ = lists.most_common(1)
    add("chatdoctor", "one list", "the row's gold is the commonest list of all",
        those("chatdoctor", lambda item: item.gold == filler))  # fmt: skip
    add("chatdoctor", "padded", "three or more names of that list are in the gold",
        those("chatdoctor", lambda item: len(item.gold & filler) >= 3))  # fmt: skip
    add("iu_xray", "impression in train", "the same impression, letters and digits, is in train",
        in_train("iu_xray", lambda item: norm(item.gold)))  # fmt: skip
    add("iu_xray", "report in train", "the same findings and impression are in train",
        in_train("iu_xray", report))  # fmt: skip
    add("iu_xray", "blanked words", "the impression has a word blanked out (XXXX)",
        those("iu_xray", lambda item: "XXXX" in item.gold))  # fmt: skip
    for key in ("bc5_disease", "ncbi_disease"):
        add(key, "same name twice", "one name is annotated twice or more in the sentence",
            those(key, lambda item: max(Counter(item.inputs["sentence"][a:b].casefold()
                  for a, b in item.gold).values(), default=0) > 1))  # fmt: skip
        add(key, "in train", "the sentence is in train", in_train(key, normalised))
        add(
            key, "no disease", "the sentence has no disease", those(key, lambda item: not item.gold)
        )
    pairs = Counter(item.id.rpartition(".")[0] for item in bh.load("ddi"))
    add("ddi", "crowded sentence", "more than ten pairs are of the same sentence",
        those("ddi", lambda item: pairs[item.id.rpartition(".")[0]] > 10))  # fmt: skip
    add("ddi", "in train", "the same sentence with the same pair masked is in train",
        in_train("ddi", normalised))  # fmt: skip
    add("ddi", "MedLine", "from an abstract, not from DrugBank",
        those("ddi", lambda item: "MedLine" in item.id))  # fmt: skip
    gad = bh.load("gad")
    place = sources(gad)
    labels = defaultdict(set)
    for item in gad:
        labels[place[item.id]].add(item.gold)
    add("gad", "both labels", "masked versions of one source sentence carry both labels",
        those("gad", lambda item: len(labels[place[item.id]]) > 1))  # fmt: skip
    add("gad", "repeated", "the same masked sentence stands twice", shared(gad, normalised))
    add("gad", "in train", "the same masked sentence is in train", in_train("gad", normalised))
    add("gad", "no association", "the sentence says that there is no association",
        those("gad", lambda item: re.search(NO_TIE, item.inputs["sentence"], re.I)))  # fmt: skip
    add("hoc", "several labels", "the document has two hallmarks or more",
        those("hoc", lambda item: len(item.gold) > 1))  # fmt: skip
    return rows


def write_sources() -> None:
    """Hashes of GAD's test sentences that are versions of one source sentence."""
    gad = bh.load("gad")
    place = sources(gad)
    several = Counter(place.values())
    lines = [
        f"{digest(item.inputs['sentence'])}\t{place[item.id]}"
        for item in gad
        if several[place[item.id]] > 1
    ]
    text = "\n".join(["sentence\tsource", *dict.fromkeys(lines), ""])
    write_atomic(ROOT / "data" / "splits" / "gad_sources.tsv", text)


def main() -> None:
    rows = found()
    sizes = {key: bh.DATASETS[key].size for key in bh.DATASETS}
    table = pd.DataFrame(
        [(key, name, rule, len(ids), sizes[key]) for key, name, rule, ids in rows],
        columns=["dataset", "name", "rule", "items", "of"],
    )
    write_atomic(ROOT / "data" / "oddities.csv", table.to_csv(index=False, lineterminator="\n"))
    each = [(key, name, one) for key, name, _, ids in rows for one in sorted(ids)]
    text = io.StringIO()
    pd.DataFrame(each, columns=["dataset", "name", "id"]).to_csv(text, index=False)
    packed = gzip.compress(text.getvalue().encode(), mtime=0)
    write_atomic(ROOT / "data" / "oddities-items.csv.gz", packed)
    write_sources()
    print(table.drop(columns="rule").to_string(index=False))


if __name__ == "__main__":
    main()
