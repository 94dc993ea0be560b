"""What the votes of a study say: frames in, frames out.

`votes`, `marks` and `cards` are a study's `votes()`, `marks()` and `unblinded()`; `told` is
the votes with the cards put to them (`unblind`), `final` one outcome a question, comparison
and criterion (`settle`).

The unit is the patient's question: its comparisons, criteria and raters are not independent,
so an interval draws the question with all that was said of it. Intervals are those of 95 %,
nothing is in per cent, and what cannot be estimated is missing.
"""

from __future__ import annotations

import json
import warnings
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..schema import DATA, whole_number, write_atomic
from ..stats import ENDS, holm, mcnemar, resample, wilson
from .sample import CHOICES, StudyError, expect, is_simulated

ROLES, OUTCOMES, PATHS = ("rater", "senior"), ("a", "tie", "b"), ("agreed", "senior", "open")
PAIR = ["item", "model_a", "model_b"]
UNIT = [*PAIR, "criterion"]
SHARES = {"win_tie": (1, 1, 0), "mirror": (0, 1, 1), "lead": (1, 0, -1)}
UNBOUNDED = 1e-10  # a fitted chance below it is 0: the strengths behind it have no limit


def unblind(votes, cards) -> pd.DataFrame:
    """Votes with what the key says of their cards, and ``outcome``: ``a``, ``tie`` or ``b``.

    Raises
    ------
    StudyError
        For a card that the key does not have, a verdict given twice, an unknown one, or votes
        of a language model, which are never analysed with people's.
    """
    known = {"card": list(cards["card"]), "verdict": CHOICES, "role": ROLES}
    _check(votes, ["rater", "card", "criterion"], **known)
    told = votes.merge(cards, on="card")
    side = np.where(told["verdict"] == told["a_side"], "a", "b")
    return told.assign(outcome=np.where(told["verdict"] == "tie", "tie", side))


def settle(votes, marks, cards, *, raters=None, criteria=None) -> pd.DataFrame:
    """Final verdicts: the raters' where they agree, else the senior's, else none.

    A pair is ready when every rater has judged all criteria or marked it as difficult. Then a
    criterion on which all agree keeps their verdict, unless one marked the pair; any other
    takes the senior's. Pairs that nobody has judged are open.

    Parameters
    ----------
    votes, marks, cards : DataFrame
        Repeats and checks are left aside.
    raters, criteria : sequence of str, optional
        All of the study; by default those that the votes name.

    Returns
    -------
    DataFrame
        ``item, model_a, model_b, criterion, outcome`` (``a``, ``tie``, ``b``; None if open)
        and ``path``: ``agreed``, ``senior`` or ``open``.
    """
    told = unblind(votes, cards)
    pairs = cards[cards["kind"] == "pair"].set_index("card")
    told = told[told["card"].isin(pairs.index)]
    own, senior = (told[told["role"] == role] for role in ("rater", "senior"))
    raters = set(own["rater"] if raters is None else raters)
    criteria = list(criteria or told["criterion"].unique())
    hard = marks[marks["difficult"].astype(bool) & (marks["role"] == "rater")]
    done = own.groupby(["card", "rater"])["criterion"].nunique().eq(len(criteria))
    done = {*done[done].index} | {*zip(hard["card"], hard["rater"], strict=True)}
    ready = pd.Series([card for card, rater in done if rater in raters]).value_counts()
    final = pairs[PAIR].reset_index().merge(pd.Series(criteria, name="criterion"), how="cross")
    unit = ["card", "criterion"]
    final = final.join(own.groupby(unit)["outcome"].agg(["nunique", "first"]), on=unit)
    final = final.join(senior.groupby(unit)["outcome"].last(), on=unit)
    ready = final["card"].map(ready).eq(len(raters))
    agreed = ready & final["nunique"].eq(1) & ~final["card"].isin(hard["card"])
    settled = ready & ~agreed & final["outcome"].notna()
    outcome = np.select([agreed, settled], [final["first"], final["outcome"]], None)
    path = np.select([agreed, settled], PATHS[:2], PATHS[2])
    return final[UNIT].assign(outcome=pd.Series(outcome, final.index, object), path=path)


def rates(final, *, replicates: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """Wins, ties and losses of each comparison and criterion, in order of appearance.

    Returns
    -------
    DataFrame
        ``criterion, model_a, model_b``; ``wins, ties, losses`` of ``model_a`` and ``n``,
        their sum; ``open``, items without a verdict; ``win_tie`` (wins and ties by n),
        ``mirror`` (losses and ties by n: the other model's win+tie) and ``lead`` (wins
        less losses by n), each with ``_low`` and ``_high``; ``least`` and ``most``, the
        win+tie rate if all open items were lost, or none; ``p`` of the exact sign test
        of wins against losses, and ``p_holm`` over all tests here.

    Raises
    ------
    StudyError
        For a column that is missing, an unknown outcome, or two verdicts on one thing.
    """
    _check(final, UNIT, outcome=[*OUTCOMES, None, np.nan])
    options = {"replicates": replicates, "seed": seed}
    rows = []
    for (a, b, criterion), cell in final.groupby(UNIT[1:], sort=False):
        settled = cell.dropna(subset="outcome")
        hits = np.stack([settled["outcome"] == outcome for outcome in OUTCOMES], axis=1)
        wins, ties, losses = map(int, hits.sum(axis=0))
        row = {"criterion": criterion, "model_a": a, "model_b": b}
        row |= {"wins": wins, "ties": ties, "losses": losses, "n": len(settled)}
        row["open"] = len(cell) - len(settled)
        for name, signs in SHARES.items():
            row |= share(hits @ np.array(signs), settled["item"], name=name, **options)
        row["least"] = (wins + ties) / len(cell)
        row["most"] = row["least"] + row["open"] / len(cell)
        row["p"] = mcnemar(wins, losses) if wins + losses else np.nan
        rows.append(row)
    return _adjusted(pd.DataFrame(rows), "p")


def agreement(told, *, replicates: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """How far the raters agree on each criterion, before anyone settles it.

    What is compared is left, tie and right: raters are blind, so chance agreement follows
    from how often they choose a side. Only first verdicts of raters on pairs count.

    Returns
    -------
    DataFrame
        ``criterion``; ``coefficient``: ``same`` (share of equal verdicts), ``kappa``
        (Cohen's, of each two raters; any two different choices are equally far apart),
        ``alpha`` (Krippendorff's ordinal one of all raters, in which left against right
        is worse than left against tie) and ``alpha nominal``; ``raters``; ``value``,
        ``low``, ``high``; ``n`` cards that two of them rated. Missing where a rater (of
        kappa) or everybody made one choice throughout.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960;20:37-46. Krippendorff K. Content Analysis, 2nd ed.
    Sage 2004, ch. 11.
    """
    first = told[(told["kind"] == "pair") & (told["role"] == "rater")]
    _check(first, [], verdict=CHOICES)
    rows = []
    for criterion, given in first.groupby("criterion", sort=False):
        verdicts = given.set_index(["item", "card", "rater"])["verdict"]
        wide = verdicts.unstack("rater", sort=False).sort_index(axis=1)
        hot = np.stack([wide == choice for choice in CHOICES], axis=-1).astype(float)
        counts = hot.sum(axis=1)  # cards by choices
        coincidences = counts[:, :, None] * counts[:, None] - counts[:, None] * np.eye(3)
        coincidences /= np.maximum(counts.sum(axis=1) - 1, 1)[:, None, None]
        tables = [(name, "all", coincidences) for name in ("same", "alpha", "alpha nominal")]
        for one, two in combinations(range(wide.shape[1]), 2):
            names = f"{wide.columns[one]}, {wide.columns[two]}"
            tables.append(("kappa", names, hot[:, one, :, None] * hot[:, two, None]))
        for name, raters, table in tables:
            sums, rated = table.reshape(-1, 9), table.any(axis=(1, 2))
            items = wide.index.get_level_values("item")
            found = _estimate(sums, partial(_coefficient, name), items, replicates, seed)
            row = {"criterion": criterion, "coefficient": name, "raters": raters}
            rows.append({**row, **_named("", *found), "n": int(rated.sum())})
    return pd.DataFrame(rows)


def raters(told, marks, *, replicates: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """Each rater alone: repeats, attention checks, and a liking for one side.

    The senior is among them, though adjudicated cards are a choice of hard ones.

    Returns
    -------
    DataFrame
        ``rater, role``; ``cards`` judged (pairs) and how many were marked ``difficult``; of
        ``repeats``, verdicts asked again with the sides swapped, the share ``kept`` and how
        many were ``softened`` (to a tie or from one) and ``reversed``; of ``checks``, verdicts
        on identical replies, the share called a tie, ``attention``; pairs that lean (to the
        side that is better on more criteria) ``left``, ``right`` or neither, ``even``; the
        ``left_share`` of left and right with Clopper and Pearson's interval, and ``left_p`` of
        an even chance, ``left_p_holm`` over raters. Sides were drawn, so no model's strength
        makes cards lean.
    """
    rows, options = [], {"replicates": replicates, "seed": seed}
    marked = marks[marks["difficult"].astype(bool)]
    marked = marked[marked["card"].isin(told.loc[told["kind"] == "pair", "card"])]
    for (rater, role), own in told.groupby(["rater", "role"]):
        pairs, repeats, checks = (own[own["kind"] == kind] for kind in ("pair", "repeat", "check"))
        both = pairs.merge(repeats, on=UNIT, suffixes=("", "_again"))
        kept = both["outcome"] == both["outcome_again"]
        tied = both[["outcome", "outcome_again"]].eq("tie").any(axis=1)
        lean = pairs["verdict"].map(dict(zip(CHOICES, (1, 0, -1), strict=True)))
        lean = np.sign(lean.groupby(pairs["card"]).sum())
        left, even, right = (int((lean == sign).sum()) for sign in (1, 0, -1))
        row = {"rater": rater, "role": role, "cards": len(lean)}
        row["difficult"] = int((marked["rater"] == rater).sum())
        row |= {"repeats": len(both), **share(kept, both["item"], name="kept", **options)}
        row |= {"softened": int((tied & ~kept).sum()), "reversed": int((~tied & ~kept).sum())}
        ties = checks["verdict"] == "tie"
        row |= {"checks": len(checks), "left": left, "even": even, "right": right}
        row |= share(ties, checks["item"], name="attention", **options) | _named("left_share")
        row["left_p"] = np.nan
        if left + right:
            test = binomtest(left, left + right)
            row |= _named("left_share", test.statistic, *test.proportion_ci(method="exact"))
            row["left_p"] = test.pvalue
        rows.append(row)
    return _adjusted(pd.DataFrame(rows), "left_p")


def strengths(final) -> pd.DataFrame:
    """Strengths of three models or more on each criterion, by Davidson's model.

    Of models of strength ``p`` and ``q`` the first wins with a chance proportional to
    ``p``, the second to ``q``, and a tie has one proportional to ``nu sqrt(p q)``. As counts
    this is a Poisson regression with a constant for each comparison. Nothing is added to
    the counts. Intervals are normal ones with the sandwich variance over items.

    Returns
    -------
    DataFrame
        ``criterion``; ``quantity``: ``strength`` of ``model``, a logarithm, all adding up
        to 0, strongest first; ``difference`` of ``model`` less ``rival``, not corrected for
        the number of pairs; ``tie of equals``, the chance of a tie of two equal models;
        ``value, low, high``, ``n`` settled verdicts, and ``note``: why there are no
        strengths, as where a model won every time.

    Raises
    ------
    StudyError
        With fewer than three models: the win+tie rate then says it all.

    References
    ----------
    Davidson RR. J Am Stat Assoc 1970;65:317-328.
    """
    _check(final, UNIT, outcome=[*OUTCOMES, None, np.nan])
    models = list(pd.unique(final[["model_a", "model_b"]].to_numpy().ravel()))
    expect(len(models) > 2, f"{len(models)} models have no order to estimate; read the rates.")
    cells = final.groupby("criterion", sort=False)
    found = [_davidson(cell, models).assign(criterion=criterion) for criterion, cell in cells]
    columns = "criterion quantity model rival value low high n note".split()
    return pd.concat(found, ignore_index=True)[columns]


def _davidson(cell, models) -> pd.DataFrame:
    """Strengths on one criterion; or one row that says why there are none."""
    import statsmodels.api as sm

    cell = cell.dropna(subset="outcome")
    free, frame = len(models) - 1, pd.DataFrame({"quantity": ["strength"], "n": len(cell)})
    frame = frame.reindex(columns=["quantity", "n", "model", "rival", "value", "low", "high"])
    if cell["item"].nunique() < 2:
        return frame.assign(note="fewer than two questions are settled")
    kept = [x for x in OUTCOMES if x != "tie" or cell["outcome"].eq("tie").any()]
    rows = cell.merge(pd.Series(kept, name="of"), how="cross")  # each outcome that could be
    won = rows["of"].map({"a": 1.0, "tie": 0.5, "b": 0.0})
    sides = [(rows["model_a"] == x) * won + (rows["model_b"] == x) * (1 - won) for x in models]
    ties = [rows["of"] == "tie"] * (len(kept) == 3)
    pairs = pd.get_dummies(rows["model_a"] + "\n" + rows["model_b"])
    design = np.column_stack([*sides[:-1], *ties, pairs]).astype(float)  # the last is held at 0
    if np.linalg.matrix_rank(np.unique(design, axis=0)) < design.shape[1]:
        return frame.assign(note="some models were never compared, not even through others")
    model = sm.GLM((rows["outcome"] == rows["of"]).astype(float), design, sm.families.Poisson())
    items = {"groups": pd.factorize(rows["item"])[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of perfect separation, which is looked for below
        fitted = model.fit(maxiter=100, tol=1e-12, cov_type="cluster", cov_kwds=items)
    if fitted.mu.min() < UNBOUNDED:
        return frame.assign(note="no finite strengths: a model won, or never lost, every time")
    each = np.eye(len(models), design.shape[1]) * (np.arange(len(models)) < free)[:, None]
    each[:, :free] -= 1 / len(models)  # all add up to 0
    order = np.argsort(-(each @ fitted.params.to_numpy()).round(9), kind="stable")
    two = list(combinations(order, 2))
    named = [("strength", models[i], None) for i in order]
    named += [("difference", models[i], models[j]) for i, j in two]
    wanted = [*each[order], *(each[i] - each[j] for i, j in two)]
    if ties:
        named.append(("tie of equals", None, None))
        wanted.append(np.eye(len(design.T))[free])
    tested = fitted.t_test(np.array(wanted))
    found = np.column_stack([tested.effect, tested.conf_int()])
    found[np.ptp(found[:, 1:], axis=1) < 1e-9, 1:] = np.nan  # all questions say the same
    if ties:
        found[-1] = 1 / (1 + 2 * np.exp(-found[-1]))  # nu / (2 + nu), of log nu
    frame = pd.DataFrame(named, columns=["quantity", "model", "rival"]).assign(n=len(cell), note="")
    return frame.join(pd.DataFrame(found, columns=["value", "low", "high"]))


def analyse(votes, marks, cards, *, replicates=10_000, seed=0, **study) -> dict[str, pd.DataFrame]:
    """Every frame of a study by name, as this module computes them.

    ``final``, ``rates``, ``rates_without_noted`` (where both replies of a pair are one text, or
    the key has a flag on it: a rule that question or replies fall under),
    ``agreement``, ``raters`` and, of three models or more, ``strengths``. `study` is what
    `settle` takes: ``raters``, ``criteria``.
    """
    options = {"replicates": replicates, "seed": seed}
    told, final = unblind(votes, cards), settle(votes, marks, cards, **study)
    found = {"final": final, "rates": rates(final, **options)}
    noted = cards[(cards["kind"] == "pair") & (cards["equal"] | cards["flags"].map(bool))]
    where = pd.MultiIndex.from_frame(final[PAIR])
    clean = final[~where.isin(pd.MultiIndex.from_frame(noted[PAIR]))]
    if 0 < len(clean) < len(final):
        found["rates_without_noted"] = rates(clean, **options)
    found |= {"agreement": agreement(told, **options), "raters": raters(told, marks, **options)}
    if len({*final["model_a"], *final["model_b"]}) > 2:
        found["strengths"] = strengths(final)
    return found


def write(tables, folder, name: str = "analysis", **about) -> list[Path]:
    """Write each frame as CSV, and all of them with what is said `about` them as one JSON.

    Raises
    ------
    StudyError
        If a rater was simulated and the folder is among published data.
    """
    to = Path(folder).expanduser()
    simulated = any(is_simulated(frame.get("rater", ())) for frame in tables.values())
    problem = f"{to} is in the folder of published data, and these raters are simulated: nothing "
    published = to.resolve().is_relative_to(DATA.resolve())
    expect(not (simulated and published), f"{problem}was written. Write it below runs/.")
    about |= {key: json.loads(frame.to_json(orient="records")) for key, frame in tables.items()}
    written = [write_atomic(to / f"{key}.csv", tables[key].to_csv(index=False)) for key in tables]
    return [*written, write_atomic(to / f"{name}.json", json.dumps(about, indent=1) + "\n")]


def _check(frame, key, **known):
    """Refuse a frame without rows, with one `key` twice, or a value that is not `known`."""
    lacking = ", ".join({*key, *known} - {*frame})
    expect(not lacking, f"There is no column {lacking}. Give votes, or what `settle` made of them.")
    expect(len(frame), "There are no verdicts; nothing can be computed yet.")
    for name, values in known.items():
        if len(odd := frame[name][~frame[name].isin(values)]):
            of = "of the key" if name == "card" else f"of {', '.join(values[:3])}"
            raise StudyError(f"The {name} {odd.iloc[0]!r} is none {of}.")
    if key and (twice := frame.duplicated(list(key))).any():
        row = ", ".join(f"{name} {frame[name][twice].iloc[0]}" for name in key)
        raise StudyError(f"There are two verdicts of {row}. One of them must go.")


def share(hits, items, *, name: str = "", replicates: int = 10_000, seed: int = 0) -> dict:
    """The mean of `hits` as ``value, low, high``, by draws of items.

    Of a share that is 0 or 1 Wilson's interval, a trial an item. With a `name` the keys are
    ``name, name_low, name_high``.
    """
    hits, n = np.asarray(hits, dtype=float), len(set(items))
    if not n:
        return _named(name)
    if hits.min() == hits.max() and name != "lead":
        return _named(name, hits[0], *wilson(int(hits[0]) * n, n))
    sums = np.stack([hits, np.ones(len(hits))], axis=1)
    return _named(name, *_estimate(sums, lambda t: t[..., 0] / t[..., 1], items, replicates, seed))


def _named(name, value=np.nan, low=np.nan, high=np.nan) -> dict:
    """A value and the ends of its interval as columns."""
    prefix = f"{name}_" if name else ""
    return {name or "value": value, f"{prefix}low": low, f"{prefix}high": high}


def _estimate(sums, statistic, items, replicates, seed) -> tuple[float, float, float]:
    """A statistic of sums over verdicts, with the percentile interval of draws of items.

    Draws without a value are left out; where they are more than one tail, or all draws
    are alike, there is no interval.
    """
    whole_number("replicates", replicates, 1)
    value = float(statistic(np.asarray(sums, dtype=float).sum(axis=0)))
    drawn = resample(sums, statistic, items, replicates=replicates, seed=seed).replicates
    kept = drawn[~np.isnan(drawn)]
    if np.isnan(value) or len(kept) < ENDS[1] * replicates or kept.min() == kept.max():
        return value, np.nan, np.nan
    return value, *np.quantile(kept, ENDS)


def _coefficient(name, totals):
    """A coefficient of 3 by 3 tables of choices, which are the last axis, 9 long."""
    seen = totals.reshape(*totals.shape[:-1], 3, 3)
    one, two = seen.sum(axis=-1), seen.sum(axis=-2)
    n, apart = one.sum(axis=-1), 1 - np.eye(3)
    if name == "alpha":  # ordinal: by the mean rank of each choice
        rank = np.cumsum(one, axis=-1) - one / 2
        apart = (rank[..., :, None] - rank[..., None, :]) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (seen * apart).sum(axis=(-1, -2)) / n
        if name == "same":
            return 1 - observed
        chance = (one[..., :, None] * two[..., None, :] * apart).sum(axis=(-1, -2))
        chance = chance / n / (n - (name != "kappa"))  # alpha draws without replacement
        varied = (one.max(axis=-1) < n) & (two.max(axis=-1) < n)
        return np.where(varied, 1 - observed / chance, np.nan)


def _adjusted(frame, p):
    """With Holm's correction of a column of p-values, over those that are there."""
    known = frame[p].dropna()
    return frame.assign(**{f"{p}_holm": pd.Series(holm(known), known.index, float)})
