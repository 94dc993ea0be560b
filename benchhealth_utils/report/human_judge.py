"""A language model as judge, beside people."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .human_study import in_words, whose
from .style import plain, table

JUDGED = {"same": "Same in both orders", "changed": "Changed with the order"}


def judge_table(rows: Sequence, judge: str, uuid: str = "study-judge"):
    """A judge's verdicts beside those of people, from `judge_agreement`."""
    frame = [
        {
            "Criterion": row.criterion.capitalize(),
            "Cards": row.cards,
            **{head: row.paths[path] for path, head in JUDGED.items()},
            "To the first, to the second": f"{row.first}, {row.second}",
            "Abstained": row.paths["abstained"],
            **{f"Alpha with {x}": in_words(a, plain) for x, a in row.with_raters.items()},
            **{
                f"Alpha of {' and '.join(pair)}": in_words(among, plain)
                for pair, among in row.among_raters.items()
            },
            "Same as the final verdict, %": in_words(row.same),
            "Of all cards, %": in_words(row.same_of_all),
        }
        for row in rows
    ]
    own = (
        f" {judge} is itself one of the models compared: it judges its own replies."
        if any(row.compared for row in rows)
        else ""
    )
    caption = (
        f"{whose(rows[0])}The judge {judge} beside people, on cards that every rater has judged. "
        "Ordinal alphas are over cards on which the judge said the same in both orders: the "
        "judge with each rater, and the raters with each other, before adjudication. A final "
        "verdict has fewer errors than a rater's, so its columns cannot be set beside the alphas. "
        "Of all cards: changed and abstained count as not the same. With 95 % bootstrap "
        f"intervals over items.{own}"
    )
    return table(pd.DataFrame(frame), caption, uuid)
