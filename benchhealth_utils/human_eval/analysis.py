"""The whole analysis of a study, and writing it down."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..schema import ROOT, BenchHealthError
from .adjudication import PATHS, settle
from .estimates import check_votes, is_simulated
from .ranking import Ranking, rankings
from .raters import Rater, each_rater
from .rates import Rate, win_tie_rates
from .reliability import Reliability, agreement
from .votes import load_votes, unblind


@dataclass(frozen=True)
class Analysis:
    """What the votes of a study say; see the modules that each part comes from.

    Attributes
    ----------
    simulated : bool
        Whether the raters were simulated: then nothing here is about any model.
    items : int
        Questions.
    paths : mapping of str to mapping
        Criterion to how many final verdicts came about as ``agreed``, ``senior``
        or ``open``.
    rates : list of Rate
    reliability : list of Reliability
        Before adjudication.
    raters : list of Rater
    rankings : list of Ranking
        Empty with fewer than three models.
    """

    simulated: bool
    items: int
    paths: Mapping[str, Mapping[str, int]]
    rates: list[Rate]
    reliability: list[Reliability]
    raters: list[Rater]
    rankings: list[Ranking]


def analyse(
    votes: pd.DataFrame, final: pd.DataFrame, *, replicates: int = 10_000, seed: int = 0
) -> Analysis:
    """Analyse unblinded votes and the final verdicts made of them.

    Parameters
    ----------
    votes : pandas.DataFrame
        As from `unblind`.
    final : pandas.DataFrame
        As from `settle`.
    replicates, seed : int
        Of all bootstraps.

    Raises
    ------
    BenchHealthError
        For votes of a judge, for simulated votes among those of people, and for
        frames that are not as described.
    """
    check_votes(votes)
    options = {"replicates": replicates, "seed": seed}
    models = set(final["model_a"]) | set(final["model_b"])
    counts = pd.crosstab(final["criterion"], final["path"])
    return Analysis(
        simulated=is_simulated(votes["rater"].unique()),
        items=final["item"].nunique(),
        paths={
            name: {path: int(counts.loc[name].get(path, 0)) for path in PATHS}
            for name in pd.unique(final["criterion"])
        },
        rates=win_tie_rates(final, **options),
        reliability=agreement(votes, **options),
        raters=each_rater(votes, **options),
        rankings=rankings(final, **options) if len(models) > 2 else [],
    )


def analyse_study(folder: str | Path, *, key: str | Path | None = None, **options) -> Analysis:
    """Read, unblind, settle and analyse a study folder; options as in `analyse`."""
    votes = unblind(load_votes(folder), folder, key=key)
    return analyse(votes, settle(votes, folder, key=key), **options)


def write_analysis(analysis: Analysis, path: str | Path) -> Path:
    """Write an analysis as JSON; returns the file.

    Raises
    ------
    BenchHealthError
        As in `check_destination`.
    """
    path = Path(path)
    check_destination(path, [rater.name for rater in analysis.raters])
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(_as_json(analysis), indent=1) + "\n", encoding="utf-8")
    scratch.replace(path)
    return path


def check_destination(path: Path, raters: Sequence[str]) -> None:
    """Refuse to write what simulated raters said to the folder of published results.

    Raises
    ------
    BenchHealthError
        If a rater is simulated and the path lies in the project's ``data/``.
    """
    if is_simulated(raters) and Path(path).resolve().is_relative_to((ROOT / "data").resolve()):
        raise BenchHealthError(
            f"{path} is in the folder of published data, and these raters are simulated: nothing "
            "was written. A simulated number must never be taken for a human one; write it below "
            "runs/."
        )


def _as_json(value):
    """Data classes as objects, keys of pairs as text."""
    if dataclasses.is_dataclass(value):
        return {x.name: _as_json(getattr(value, x.name)) for x in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {
            " / ".join(key) if isinstance(key, tuple) else key: _as_json(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    return value
