"""The tables of the book's page on the claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from ..report import publish, table
from . import Checked, read_claims
from .verdicts import FAILS, HOLDS, UNCHECKED, VERDICTS

NAMES = {HOLDS: "holds", FAILS: "fails", UNCHECKED: "unchecked"}


def publish_counts(checked: Sequence[Checked]) -> None:
    """Publish ``claims.holds``, ``claims.fails``, ``claims.unchecked``, ``claims.total``."""
    found = Counter(each.result.verdict for each in checked)
    for verdict, name in NAMES.items():
        publish(f"claims.{name}", found[verdict])
    publish("claims.total", len(checked))


def _counts(checked: Sequence[Checked], keys: Sequence[str], heading: str) -> pd.DataFrame:
    rows = {key: Counter() for key in keys}
    for key, each in zip(keys, checked, strict=True):
        rows[key][each.result.verdict] += 1
    rows["all"] = sum(rows.values(), Counter())
    return pd.DataFrame(
        {heading: key, **{verdict: row[verdict] for verdict in VERDICTS}, "claims": row.total()}
        for key, row in rows.items()
    )


def section_table(checked: Sequence[Checked], caption: str, uuid: str):
    """Claims per section of the paper and verdict."""
    keys = [each.claim.section for each in checked]
    return table(_counts(checked, keys, "Section"), caption, uuid)


def kind_table(checked: Sequence[Checked], caption: str, uuid: str):
    """Claims per kind and verdict, in the order of the file of claims."""
    order = list(read_claims().kinds.values())
    ranked = sorted(checked, key=lambda each: order.index(each.kind))
    return table(_counts(ranked, [each.kind for each in ranked], "About"), caption, uuid)


def claims_table(checked: Sequence[Checked], caption: str, uuid: str):
    """Every claim: where it stands, how it was read, its verdict, what decides it."""
    rows = []
    for each in checked:
        claim = each.claim
        section = f"section {claim.section}" if claim.section[0].isdigit() else claim.section
        reading = f" Read as: {claim.question.reading}." if claim.question.reading else ""
        rows.append(
            {
                "Where": f'{section}, paragraph {claim.paragraph}: "{claim.locator} ..."',
                "Claim": f"{claim.claim}{reading}",
                "Verdict": each.result.verdict,
                "What decides it": f"{each.result.numbers}{_otherwise(each)}",
            }
        )
    return table(pd.DataFrame(rows), caption, uuid, sortable=True)


def _otherwise(each: Checked) -> str:
    others = [
        f"{question.reading}: {result.verdict} ({result.held} of {result.cases})"
        for question, result in zip(each.claim.also, each.also, strict=True)
    ]
    return f" Read otherwise: {'; '.join(others)}." if others else ""


def reading_of(checked: Sequence[Checked]):
    """What the tables say, computed from the verdicts."""
    from IPython.display import Markdown

    verdicts = Counter(each.result.verdict for each in checked)
    decided = [each for each in checked if each.result.verdict != UNCHECKED]
    failed = [each for each in decided if each.result.verdict == FAILS]
    lines = [
        f"Of {len(checked)} claims, {verdicts[HOLDS]} hold, {verdicts[FAILS]} fail and "
        f"{verdicts[UNCHECKED]} cannot be checked. Among those that can be checked, these hold:",
        "",
    ]
    for kind in read_claims().kinds.values():
        own = [each.result.verdict for each in decided if each.kind == kind]
        if own:
            lines.append(f"- {own.count(HOLDS)} of {len(own)} about *{kind}*")
    rescued = [each for each in failed if HOLDS in {result.verdict for result in each.also}]
    nearly = [each for each in failed if 10 * each.result.held >= 9 * each.result.cases]
    fragile = [
        each
        for each in decided
        if each.result.verdict == HOLDS and FAILS in {result.verdict for result in each.also}
    ]
    lines += [
        "",
        f"Of the {len(failed)} that fail, {len(nearly)} are right in at least nine of ten of "
        f"their comparisons, and {len(rescued)} hold in another reading given here. Of the "
        f"{verdicts[HOLDS]} that hold, {len(fragile)} fail in another one.",
    ]
    return Markdown("\n".join(lines))
