"""PubMedQA: yes, no or maybe from an abstract without its conclusion."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import DataError, Example
from .files import field, json_document

ANSWERS = ("yes", "no", "maybe")


def pubmedqa(spec, split, root) -> Iterator[Example]:
    """PubMedQA's 500 test ids; the other 500 labelled items are ``train``.

    Each section of the abstract is headed by its label.
    """
    folder = root / spec.folder
    path, truth_path = folder / "ori_pqal.json", folder / "test_ground_truth.json"
    items, truth = json_document(path), json_document(truth_path)
    for document, place in ((items, path), (truth, truth_path)):
        if not isinstance(document, dict) or not document:
            raise DataError(place, "", "expected a JSON object keyed by PMID.")
    if absent := [pmid for pmid in truth if pmid not in items]:
        raise DataError(path, "", f"{len(absent)} test ids are missing, {absent[0]} the first.")
    for pmid, item in items.items():
        if (pmid in truth) != (split == "test"):
            continue
        where = f"record {pmid}"
        if not isinstance(item, dict):
            raise DataError(path, where, "expected a JSON object.")
        gold = field(item, "final_decision", path, where)
        if gold not in ANSWERS:
            raise DataError(path, where, f"final_decision is '{gold}'; expected yes, no or maybe.")
        if split == "test" and truth[pmid] != gold:
            raise DataError(
                truth_path,
                where,
                f"says '{truth[pmid]}' where {path.name} says '{gold}'.",
            )
        labels = field(item, "LABELS", path, where, list)
        contexts = field(item, "CONTEXTS", path, where, list)
        if len(labels) != len(contexts) or not all(
            isinstance(part, str) and part.strip() for part in (*labels, *contexts)
        ):
            raise DataError(
                path,
                where,
                f"{len(labels)} LABELS for {len(contexts)} CONTEXTS, or a blank one; "
                "expected one label a section.",
            )
        question = field(item, "QUESTION", path, where)
        context = "\n".join(
            f"{label}: {part}" for label, part in zip(labels, contexts, strict=True)
        )
        inputs = {"question": question, "context": context}
        yield Example(pmid, spec.key, inputs, gold, pmid)
