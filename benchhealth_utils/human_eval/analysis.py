"""The whole analysis of a study, and writing it down."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..schema import ROOT, BenchHealthError
from .adjudication import PATHS, UNIT, settle
from .estimates import check_votes, is_simulated
from .ranking import Ranking, rankings
from .raters import Rater, each_rater
from .rates import Rate, cell_rates, win_tie_rates
from .reliability import Reliability, agreement
from .study import open_study
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
    pairs : int
        Questions times comparisons.
    noted : mapping of str to int
        Pairs by what the key notes of them: ``equal`` replies, or the name of a rule.
    noted_pairs : int
        Pairs of which anything is noted.
    rates_unnoted : list of Rate
        `rates` without these pairs and without tests; empty where nothing is noted.
    """

    simulated: bool
    items: int
    paths: Mapping[str, Mapping[str, int]]
    rates: list[Rate]
    reliability: list[Reliability]
    raters: list[Rater]
    rankings: list[Ranking]
    pairs: int = 0
    noted: Mapping[str, int] = field(default_factory=dict)
    noted_pairs: int = 0
    rates_unnoted: list[Rate] = field(default_factory=list)
    synthetic: bool = False


def analyse(
    votes: pd.DataFrame,
    final: pd.DataFrame,
    *,
    synthetic: bool = False,
    replicates: int = 10_000,
    seed: int = 0,
) -> Analysis:
    """Analyse unblinded votes and the final verdicts made of them.

    Parameters
    ----------
    votes : pandas.DataFrame
        As from `unblind`. Without its columns ``equal`` and ``flags`` nothing is noted.
    final : pandas.DataFrame
        As from `settle`.
    synthetic : bool
        Whether the questions are made up; whatever is shown then says so.
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
    noted = noted_pairs(votes)
    marked = pd.MultiIndex.from_frame(noted[UNIT[:3]])
    clean = final[~pd.MultiIndex.from_frame(final[UNIT[:3]]).isin(marked)]
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
        pairs=len(final[UNIT[:3]].drop_duplicates()),
        noted={str(name): int(n) for name, n in noted["note"].value_counts(sort=False).items()},
        noted_pairs=len(marked.unique()),
        rates_unnoted=cell_rates(clean, **options) if len(noted) and len(clean) else [],
        synthetic=synthetic,
    )


def noted_pairs(votes: pd.DataFrame) -> pd.DataFrame:
    """What the key notes of the pairs that were voted on, a row a pair and note.

    A flag ``MODEL: RULE`` is about that model's reply, so it counts where the model is
    one of the two; any other is about the question and counts in every comparison.

    Returns
    -------
    pandas.DataFrame
        Columns ``item, model_a, model_b, note``; a note is ``equal`` or a rule.
    """
    rows = []
    if {"equal", "flags"} <= set(votes):
        pairs = votes[votes["kind"] == "pair"].drop_duplicates(UNIT[:3])
        for row in pairs.itertuples(index=False):
            found = ["equal"] if row.equal else []
            for flag in row.flags:
                model, _, rule = flag.rpartition(": ")
                if model in ("", row.model_a, row.model_b):
                    found.append(rule)
            unit = (row.item, row.model_a, row.model_b)
            rows += [(*unit, note) for note in dict.fromkeys(found)]
    return pd.DataFrame(rows, columns=[*UNIT[:3], "note"])


def analyse_study(folder: str | Path, *, key: str | Path | None = None, **options) -> Analysis:
    """Read, unblind, settle and analyse a study folder; options as in `analyse`."""
    return analyse(*read_study(folder, key=key), synthetic=open_study(folder).synthetic, **options)


def read_study(
    folder: str | Path, *, key: str | Path | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A study's unblinded votes, and the final verdicts made of them."""
    votes = unblind(load_votes(folder), folder, key=key)
    return votes, settle(votes, folder, key=key)


def write_analysis(analysis: Analysis, path: str | Path) -> Path:
    """Write an analysis as JSON; returns the file.

    Raises
    ------
    BenchHealthError
        As in `check_destination`.
    """
    path = Path(path)
    check_destination(path, [rater.name for rater in analysis.raters])
    return write_json(analysis, path)


def write_json(value, path: Path) -> Path:
    """Write data classes, mappings and lists of them; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    scratch.write_text(json.dumps(_as_json(value), indent=1) + "\n", encoding="utf-8")
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
