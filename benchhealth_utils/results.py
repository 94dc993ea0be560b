"""Results kept and read back: scores with their signature, and a row for each item.

``data/results/<model>/<data set>-<shots>shot-<mode>.json`` holds scores and signature,
``.csv.gz`` beside it what each item adds to them: enough to work out every score, interval
and paired test again without the data's text.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import warnings
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from .answers import file_name, naming
from .registry import DATASETS, MODELS
from .registry import dataset as registered
from .schema import DATA, ROOT, STATUSES, BenchHealthError, Run, Scores, runs_folder, write_atomic
from .tasks import TASKS

CLONED = DATA.parent == ROOT  # else an installed package, which is not written into
SCORES = TypeAdapter(Scores)


def one_run(what: str, run: Run) -> Run:
    """A run, for what takes one; anything else is refused."""
    if not isinstance(run, Run):
        raise BenchHealthError(f"{what} takes one run; `evaluate` and `published` give a list.")
    return run


def record(run: Run, folder: Path | None = None) -> Path:
    """Keep a run's scores and items; returns the file of the scores.

    Parameters
    ----------
    run : Run
    folder : Path, optional
        By default ``data/results`` of a clone for a complete run of full official data by a
        model that was asked here, else ``results`` in the runs folder, with source, size
        and seed in the name.
    """
    fit = _fit(one_run("record", run))
    folder = folder or (DATA if fit and CLONED else runs_folder()) / "results"
    path = file_of(run, folder)
    about = {"model": run.model, "dataset": run.dataset, "statuses": run.counts}
    about |= {"usage": dict(run.usage), "signature": dict(run.signature)}
    text = json.dumps(about | dataclasses.asdict(run.scores), indent=1, sort_keys=True) + "\n"
    text = re.sub(r"\[[\d\s,.e+-]+\]", lambda found: " ".join(found[0].split()), text)
    rows = run.rows.to_csv(index=False, lineterminator="\n").encode()
    with naming(path):
        write_atomic(_items_file(path), gzip.compress(rows, mtime=0))
        return write_atomic(path, text)


def file_of(run: Run, folder: Path) -> Path:
    """The file of a run's scores in a folder of results."""
    asked, kind = run.signature, run.signature.get("perturbation")
    name = f"{run.dataset}-{asked['shots']}shot-{asked['mode']}"
    name += f"-exemplars{asked['exemplar_seed']}" if asked["shots"] else ""
    name += f"-{kind}" if kind else ""
    name += "" if _fit(run) else f"-{asked['data']['source']}-{run.scores.n}"
    name += f"-seed{asked['seed']}" if kind or not _fit(run) else ""
    return Path(folder) / file_name(run.model) / f"{name}.json"


def _fit(run: Run) -> bool:
    return run.official and run.complete and not run.imported


def published(model: str | None = None, dataset: str | None = None) -> list[Run]:
    """Runs that ``data/results`` holds, of full official data, by model and data set.

    Parameters
    ----------
    model, dataset : str, optional
        Only theirs.

    Raises
    ------
    BenchHealthError
        For an unknown data set.
    """
    if dataset is not None:
        registered(dataset)
    return [run for run in recorded(DATA / "results", model, dataset) if run.official]


def recorded(folder: Path, model: str | None = None, dataset: str | None = None) -> list[Run]:
    """Runs kept in a folder of results; a file that is not whole is named and left out.

    Parameters
    ----------
    folder : Path
    model, dataset : str, optional
        Only theirs.

    Returns
    -------
    list of Run
        By model in the registry's order, then Table 1's; without texts.
    """
    found = []
    for path in sorted(Path(folder).glob(f"{file_name(str(model)) if model else '*'}/*.json")):
        if dataset is None or path.name.startswith(f"{dataset}-"):
            try:
                found.append(_read(path, *map(_changed, (path, _items_file(path)))))
            except BenchHealthError as error:
                warnings.warn(f"{error} It is left out.", stacklevel=2)
    models = [*MODELS, *sorted({run.model for run in found} - set(MODELS))]
    return sorted(found, key=lambda r: (models.index(r.model), list(DATASETS).index(r.dataset)))


@lru_cache(maxsize=256)
def _read(path: Path, *changed: int) -> Run:
    """One result; its scores have to follow from its items."""

    def refuse(problem: str):
        raise BenchHealthError(f"{path.parent.name}/{path.name}: {problem}. Record it again.")

    try:
        text = path.read_text(encoding="utf-8")
        scores, row = SCORES.validate_json(text, strict=True), json.loads(text)
        asked, data = row["signature"], row["signature"]["data"]
        known = {name: row[name] for name in ("model", "dataset", "usage")}
        counts = asked["shots"], asked["seed"], data["limit"], data["items"]
        texts, key = (known["model"], asked["mode"]), known["dataset"]
        metric = TASKS[key].metric
        rows = _rows(path, metric.columns)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zlib.error) as e:
        refuse(f"it is no result ({type(e).__name__}: {' '.join(str(e).split())[:120]})")
    for kind, values in {int: counts, str: texts, dict: (known["usage"],)}.items():
        if not all(type(value) is kind for value in values):
            refuse("a field of its signature or usage is of the wrong kind")
    n, status = scores.n, rows["status"]
    if len(rows) != n or rows["id"].duplicated().any() or not set(status) <= set(STATUSES):
        refuse(f"it has {len(rows)} items, or one twice, or an unknown status; n is {n}")
    sums = rows[list(metric.columns)].to_numpy(float).sum(axis=0)
    found = *(metric.figures(sums) if sums.any() else [np.nan] * 3), scores.coverage
    given = scores.value, scores.precision, scores.recall, (status == "ok").mean()
    low, high = scores.interval
    fits = np.allclose(found, given, rtol=0, atol=1e-9, equal_nan=True)
    if not (fits and (0 <= low <= high <= 1 or not sums.any())):
        refuse("its items do not give its scores, or its interval is none")
    official = data.get("fingerprint") == DATASETS[key].fingerprint is not None
    whole = not data["limit"] and n == data["items"] == DATASETS[key].size
    source = data.get("source")
    if official or source == "official":
        source = "official" if official else "other"
    asked = asked | {"data": data | {"source": source, "limit": 0 if whole else n}}
    return Run(**known, scores=scores, signature=asked, rows=rows)


def _items_file(path: Path) -> Path:
    return path.with_suffix(".csv.gz")


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _rows(path: Path, columns) -> pd.DataFrame:
    kinds = {"id": str, "group": str, "status": str, **dict.fromkeys(columns, float)}
    kinds |= dict.fromkeys(("prompt_tokens", "completion_tokens"), "Int64")
    blank = {name: [""] for name, kind in kinds.items() if kind is not str}
    rows = pd.read_csv(_items_file(path), dtype=kinds, keep_default_na=False, na_values=blank)
    if rows[list(columns)].isna().any(axis=None):
        raise ValueError("a sum is missing")
    return rows[list(kinds)]


def texts(value) -> list[str]:
    """All texts in an item's inputs, or in another tree of mappings and sequences."""
    if isinstance(value, str):
        return [value]
    value = tuple(value.values()) if hasattr(value, "values") else value
    return [x for part in value for x in texts(part)] if isinstance(value, tuple | list) else []
