"""One model on data sets, all the way: load, answer, read, score; and frames of what came out.

`evaluate` only joins the rooms; each step can be called on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from itertools import islice

import numpy as np
import pandas as pd

from . import __version__
from .answers import MODES, ask
from .data import fingerprint, provenance
from .guard import check_may_send, is_credentialed
from .models import open_model
from .perturb import applies, check_applies, perturbation_signature, restored
from .plan import Job, announce, keys_of, mode_of
from .prompts import exemplar_order, exemplars
from .registry import DATASETS, MODELS, known
from .results import one_run, published
from .schema import BenchHealthError, DataError, Run, whole_number
from .stats import compare as compare_sums
from .stats import holm
from .tasks import TASKS, read, score, sufficient

COLUMNS = (
    "model name dataset title scenario metric shots mode exemplar_seed perturbation n value low "
    "high precision recall coverage constant source comparable dollars tokens"
).split()
TOGETHER = 128  # items of small data sets that are asked at once
PACKAGES = ("torch transformers scikit-learn scipy statsmodels rouge-score sacrebleu").split()


def evaluate(
    model,
    datasets: str | Sequence[str],
    *,
    shots: int | Sequence[int] = 0,
    limit: int | None = None,
    seed: int = 0,
    mode: str = "generate",
    exemplar_seed: int | Sequence[int] | None = None,
    perturbation: str | Sequence[str] | None = None,
    store=None,
    progress: bool = True,
) -> list[Run]:
    """Evaluate one model on data sets, in their order; small ones are asked together.

    In likelihood mode open questions are still answered in text, since they have no labels
    to compare, and so is everything by a model without that mode. Before a model behind an
    API is asked, the plan of the run is printed: tokens, dollars, time.

    Parameters
    ----------
    model : str or backend
        A name for `open_model`, or what it returned.
    datasets : str or sequence of str
        Keys in ``DATASETS``.
    limit, seed, mode, store, progress
        As in `load` and `answer`.
    shots : int or sequence of int
        Exemplars before each item; of several numbers, all data sets with each.
    exemplar_seed : int or sequence of int, optional
        Of the exemplars' order, to vary them on the same items; by default `seed`.
    perturbation : str or sequence of str, optional
        Ask the same items in other words, drawn with `seed`, or by a variant of the prompt;
        readings are in the terms of the items as the data have them. Of several, each on the
        data sets that it applies to.

    Returns
    -------
    list of Run
        By shots, exemplar seed, perturbation, data set.

    Raises
    ------
    BenchHealthError
        For an unknown key, mode or perturbation, a wrong number, or data that may not go to
        the model, before anything is asked.
    """
    keys, limit = keys_of(datasets), 0 if limit is None else limit
    counts, draws = _each("shots", shots), _each("exemplar_seed", exemplar_seed)
    kinds = _each("perturbation", perturbation)
    known("mode", mode, MODES)
    drawn = [("exemplar_seed", draw) for draw in draws if draw is not None]
    for name, value in [("limit", limit), ("seed", seed), *(("shots", n) for n in counts), *drawn]:
        whole_number(name, value)
    model, jobs = open_model(model), []
    fit = {kind: [key for key in keys if kind is None or applies(kind, key)] for kind in kinds}
    for key in keys:
        check_may_send(model, key)
        if perturbation is not None and len(kinds) == 1:
            check_applies(kinds[0], key)
    grid = [(n, draw) for n in counts for draw in (draws if n else draws[:1])]
    for n, draw, kind in [(*each, kind) for each in grid for kind in kinds]:
        asked = dict(shots=n, limit=limit, seed=seed, mode=mode, perturbation=kind)
        announce(model, fit[kind], exemplar_seed=draw, **asked)
        draw = draw if n and draw is not None else seed
        jobs += [(key, n, draw, kind, mode_of(key, mode, model.modes)) for key in fit[kind]]
    runs, part = [], []
    for job in jobs:
        part.append(Job(*job, limit, seed, cap=model.max_tokens, learns=model.learns))
        whole = sum(len(each.asked) for each in part) >= TOGETHER
        if whole or not model.alone or job is jobs[-1]:
            # asked together; where neighbours may change an answer, it is one
            requests = [request for each in part for request in each.requests]
            options = dict(pool=part[0].pool, store=store, progress=progress)
            answers = iter(ask(model, requests, **options))
            runs += [_run(model, each, list(islice(answers, len(each.requests)))) for each in part]
            part = []
    return runs


def _each(name: str, value) -> list:
    """The values of an argument that takes one or several."""
    found = list(value) if isinstance(value, list | tuple | range) else [value]
    if not found or len({*map(repr, found)}) < len(found):
        raise BenchHealthError(f"{name} is {value!r}; expected one or several, each once.")
    return found


def _run(model, job: Job, answers) -> Run:
    key, kind, seed, examples = job.key, job.kind, job.seed, job.examples
    usable, pairs = ("ok", "truncated"), zip(job.asked, answers, strict=True)
    lenient = [read(e, a.text) if a.status in usable else None for e, a in pairs]
    if kind:
        lenient = [restored(r, e, kind, seed) for r, e in zip(lenient, examples, strict=True)]
    pairs = zip(lenient, answers, strict=True)
    strict = [reading if a.status == "ok" else None for reading, a in pairs]
    gold, groups = [e.gold for e in examples], [e.group for e in examples]
    scores = score(key, gold, strict, groups=groups, seed=seed)
    if lenient != strict:
        lenient = score(key, gold, lenient, groups=groups, seed=seed)
        scores.extra["value_with_truncated"] = lenient.value
    task, limited = TASKS[key], len(examples) if len(examples) < len(job.whole) else 0
    signature = {
        "model": dict(model.signature),
        "mode": job.mode,
        "shots": job.shots,
        "seed": seed,
        **({"exemplar_seed": job.draw} if job.shots else {}),
        "prompt_version": task.version,
        **(perturbation_signature(kind, examples, seed) if kind else {}),
        "max_tokens": min(filter(None, (task.max_tokens, model.max_tokens))),
        "exemplars": _exemplar_ids(examples, job.pool, job.shots, job.draw),
        "pool": fingerprint(job.pool) if job.shots else None,
        "data": provenance(key, job.whole, job.root, job.pool) | {"limit": limited},
        "packages": _versions(),
    }
    rows = _rows(key, examples, answers, strict)
    texts = examples, job.asked, answers, strict
    return Run(model.name, key, scores, signature, rows, _usage(answers), *texts)


def _rows(key, examples, answers, readings) -> pd.DataFrame:
    sums = sufficient(key, [e.gold for e in examples], readings)[0]
    frame = pd.DataFrame([(e.id, e.group) for e in examples], columns=["id", "group"])
    pairs = zip(answers, readings, strict=True)
    frame["status"] = ["unparsed" if a.status == "ok" and r is None else a.status for a, r in pairs]
    frame[list(TASKS[key].metric.columns)] = sums
    for name in ("prompt_tokens", "completion_tokens"):
        frame[name] = pd.array([a.usage.get(name) for a in answers], dtype="Int64")
    return frame


def _usage(answers) -> dict:
    """Tokens and dollars over all requests; equal prompts were sent once and count once."""
    each = list({a.key or at: a.usage for at, a in enumerate(answers)}.values())
    found = {}
    for name in ("prompt_tokens", "completion_tokens", "cut_tokens", "dollars"):
        counted = [usage[name] for usage in each if usage.get(name) is not None]
        found[name.removesuffix("_tokens")] = round(sum(counted), 6) if counted else None
    return found


def items(run: Run) -> pd.DataFrame:
    """A row an item: what was asked, answered, read, and what it adds to the score.

    Parameters
    ----------
    run : Run

    Returns
    -------
    DataFrame
        Columns: dataset, id, group, status, reading, gold, value (the metric on this item
        alone, 0-1), the metric's sums, prompt_tokens, completion_tokens, reply. Reading,
        gold and reply are None for credentialed sets and for published runs.
    """
    metric, frame = TASKS[one_run("items", run).dataset].metric, run.rows.copy()
    frame.insert(0, "dataset", run.dataset)
    shown = bool(run.examples) and not is_credentialed(run.dataset)
    none = [None] * len(frame)
    frame.insert(4, "reading", pd.Series(run.readings if shown else none, dtype=object))
    gold = [e.gold for e in run.examples] if shown else none
    frame.insert(5, "gold", pd.Series(gold, dtype=object))
    frame.insert(6, "value", metric.statistic(run.rows[list(metric.columns)].to_numpy(float)))
    frame["reply"] = pd.Series([a.text for a in run.answers] if shown else none, dtype=object)
    return frame


def frame(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run; every rate lies in [0, 1].

    Parameters
    ----------
    runs : sequence of Run

    Returns
    -------
    DataFrame
        Columns: model, name, dataset, title, scenario, metric, shots, mode, exemplar_seed,
        perturbation, n, value, low, high, precision, recall, coverage, constant (score of
        the best answer that is always the same, NaN where not known), source (official,
        samples, credentialed, other; with ", imported" where the answers came from files of
        a model declared, not seen), comparable (the paper's score may stand beside it),
        dollars, tokens (of prompts and replies).
    """
    return pd.DataFrame([_row(run) for run in _listed(runs)], columns=COLUMNS)


def _listed(runs) -> list[Run]:
    """Runs as a list; one alone counts as a list of one."""
    found = list(runs) if isinstance(runs, Iterable) else [runs]
    if not all(isinstance(run, Run) for run in found):
        raise BenchHealthError("Expected runs, as `evaluate` and `published` give them.")
    return found


def _row(run: Run) -> tuple:
    """The values of `COLUMNS`."""
    spec, scores, asked = DATASETS[run.dataset], run.scores, run.signature
    name = MODELS[run.model].name if run.model in MODELS else run.model
    how = (asked.get(key) for key in ("shots", "mode", "exemplar_seed", "perturbation"))
    rates = scores.value, *scores.interval, scores.precision, scores.recall, scores.coverage
    usage = [run.usage.get(kind) for kind in ("prompt", "completion")]
    tokens = sum(usage) if None not in usage else None
    row = run.model, name, run.dataset, spec.name, spec.scenario, scores.metric, *how, scores.n
    source = asked["data"]["source"] + ", imported" * run.imported
    row += *rates, _constant(run), source, run.comparable
    return *row, run.usage.get("dollars"), tokens


def _constant(run: Run) -> float:
    """Always the items' commonest answer, always yes, or what `majority` gives."""
    extra = run.scores.extra
    known = extra.get("majority_accuracy", extra.get("all_yes_f1"))
    if known is not None:
        return known
    if run.official:
        return next((r.scores.value for r in published("majority", run.dataset)), np.nan)
    if run.dataset == "mimic_iii" or not run.examples:
        return np.nan
    try:
        (always,) = evaluate("majority", run.dataset, limit=0, progress=False)
    except DataError:  # no training part
        return np.nan
    rows = always.rows[always.rows["id"].isin(run.rows["id"])]
    metric = TASKS[run.dataset].metric
    return float(metric.statistic(rows[list(metric.columns)].to_numpy(float).sum(axis=0)))


def compare(runs: Sequence[Run], rivals: Sequence[Run], *, seed: int = 0) -> pd.DataFrame:
    """Two models on the same items, data set by data set.

    Parameters
    ----------
    runs, rivals : sequence of Run
        Paired by data set; those that only one side has are left out.
    seed : int
        Of the resampling.

    Returns
    -------
    DataFrame
        Columns: dataset, title, n, value, value_rival, difference, low, high (paired
        bootstrap over groups), test, p, p_holm (Holm over the rows), detectable (the true
        difference found with power 0.8; NaN where nothing tells).

    Raises
    ------
    BenchHealthError
        Where two runs on a data set are not of the same items, or it has two rivals.
    """
    runs, rivals, found = _listed(runs), _listed(rivals), []
    others = {run.dataset: run for run in rivals}
    if len(others) < len(rivals):
        raise BenchHealthError("Two rival runs are on the same data set; compare with one of them.")
    for run in [run for run in runs if run.dataset in others]:
        rival, metric = others[run.dataset], TASKS[run.dataset].metric
        one, two = (each.rows.set_index("id") for each in (run, rival))
        if set(one.index) != set(two.index):
            what = f"{run.dataset}: {run.model} and {rival.model} were not asked the same items"
            advice = "Evaluate both with the same limit and seed."
            raise BenchHealthError(f"{what} ({len(one)} and {len(two)}). {advice}")
        sums = [each.loc[one.index, list(metric.columns)].to_numpy(float) for each in (one, two)]
        test = compare_sums(*sums, metric.statistic, one["group"].tolist(), seed=seed)
        row = run.dataset, DATASETS[run.dataset].name, test.n, run.scores.value, rival.scores.value
        row += test.difference, *test.interval, test.test, test.p_value, test.detectable
        found.append(row)
    names = "dataset title n value value_rival difference low high test p detectable".split()
    table = pd.DataFrame(found, columns=names)
    table.insert(10, "p_holm", holm(table["p"].tolist()))
    return table


def _exemplar_ids(examples, pool, shots: int, seed: int) -> dict:
    """The exemplars most items got, and the items that got others."""
    if not shots:
        return {"ids": [], "except": {}}
    ordered = exemplar_order(pool, seed)
    common = [item.id for item in ordered[:shots]]
    each = {item.id: [x.id for x in exemplars(item, ordered, shots)] for item in examples}
    return {"ids": common, "except": {key: ids for key, ids in each.items() if ids != common}}


def _versions() -> dict[str, str]:
    found = {"benchhealth_utils": __version__}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
