"""How large a study has to be, and what one of a given size can find."""

from __future__ import annotations

import pandas as pd

from ..human_eval.planning import chances, detectable_lead, discordant, items_needed
from .combined import model_name
from .human_study import whose
from .style import points, table

LEADS = (0.05, 0.1, 0.15, 0.2, 0.3)
TIES = (0.0, 0.2, 0.4, 0.6)
RATES = (0.5, 0.4)  # win+tie rates that a study may want to tell apart


def planning_table(tests: int, leads=LEADS, uuid: str = "study-planning"):
    """Items that the sign test needs, by lead and share of ties.

    Parameters
    ----------
    tests : int
        Tests of the family, for the second number of each cell.
    leads : sequence of float
        Wins less losses as a share of items, a row each.
    """
    rows = []
    for lead in leads:
        row: dict = {"Lead, points": points(lead)}
        for ties in TIES:
            shares = chances(lead, ties)
            one, all_ = items_needed(*shares), items_needed(*shares, tests=tests)
            row[f"{100 * ties:.0f} % ties"] = f"{one:,} / {all_:,}"
        rows.append(row)
    caption = (
        "Items for power 0.8 at level 0.05, by the exact power of the sign test: for one test / "
        f"for each of {tests} under Holm's correction. Lead: wins less losses, in % of items."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def own_planning_table(analysis, leads=(0.1, 0.2), uuid: str = "study-own-planning"):
    """What a study finds at its own shares of ties, and what the next one needs.

    Leads are chosen beforehand and not the study's own: the power for what was
    found says no more than its p-value.
    """
    tests = sum(rate.p_value is not None for rate in analysis.rates)
    rows = []
    for rate in analysis.rates:
        row = {
            "Criterion": rate.criterion.capitalize(),
            "Comparison": f"{model_name(rate.model_a)} against {model_name(rate.model_b)}",
            "Items": rate.n,
        }
        ties = rate.ties / rate.n if rate.n else None
        row["Ties, %"] = "none is settled" if ties is None else points(ties)
        found = None
        if ties is not None and ties < 1:
            found = detectable_lead(rate.n, ties, tests=max(tests, 1))
        row["Smallest lead found, points"] = points(found) if found else "none"
        for lead in leads:
            row[f"Items for a lead of {points(lead)}"] = _needed(lead, ties, max(tests, 1))
        rows.append(row)
    caption = (
        f"{whose(analysis)}The size of a study at this one's shares of ties, for power 0.8 of the "
        f"sign test at level 0.05, Holm's hardest step of {tests} tests. Lead: wins less losses, "
        "in % of items. The shares of ties are themselves estimates."
    )
    return table(pd.DataFrame(rows), caption, uuid)


def _needed(lead: float, ties: float | None, tests: int) -> str:
    """Items for a lead, or why there is no number."""
    if ties is None:
        return ""
    if lead > 1 - ties:
        return "cannot be: too many ties"
    return f"{items_needed(*chances(lead, ties), tests=tests):,}"


def planning_reading(items: int, tests: int):
    """What a study of so many items could have found."""
    from IPython.display import Markdown

    leads = [detectable_lead(items, ties, tests=tests) for ties in TIES]
    each = "; ".join(
        f"{points(lead) if lead else 'no'} points with {100 * ties:.0f} % ties"
        for lead, ties in zip(leads, TIES, strict=True)
    )
    apart, together = (
        items_needed(*discordant(*RATES, shared), tests=tests) for shared in (None, RATES[0] / 2)
    )
    return Markdown(
        f"- With {items} items and {tests} tests, the smallest lead found with power 0.8 is: "
        f"{each}.\n"
        f"- To tell win+tie rates of {points(RATES[0])} and {points(RATES[1])} against one "
        f"opponent apart takes {apart:,} items if verdicts on the two have nothing in common, "
        f"and {together:,} if only one item in four favours just one of them."
    )
