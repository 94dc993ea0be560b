"""One model on many machines: shares of the prompts, answered side by side; one store.

Shares are those of `exchange.answer_shard`, so the answers are those of one machine. Workers
write nothing that lasts: what they give back is stored here, share by share, and a run that
is repeated asks only for the rest.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from .answers import Store, store_path
from .exchange import add, answer_shard, answer_share, merge
from .models import check_name, open_model
from .models.base import needed
from .registry import REMOTE, parts, recorded_name
from .schema import Answer, BenchHealthError, runs_folder

FORWARDED = ("BENCHHEALTH_", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")  # no keys: Ray logs them
SHARES = 4  # a worker, so that one that is done early has more to do
LIVES = 3  # workers that may die of one share


class Worker:
    """A process with a model of its own, wherever the cluster has put it."""

    def __init__(self, model: str):
        self.model = open_model(model)

    def answers(self, key: str, share, known: list[Answer], options: dict) -> list[Answer]:
        """The answers of one share; what is known is not asked again."""
        with tempfile.TemporaryDirectory() as store:
            add(store_path(self.model.name, key, store), known)
            return answer_share(self.model, key, share, store, progress=False, **options)


def on_ray(
    model: str,
    datasets: Sequence[str],
    address: str = "local",
    *,
    workers: int = 2,
    store: str | Path | None = None,
    **options,
) -> pd.DataFrame:
    """Ask a model's prompts on a Ray cluster, each worker with a GPU where there are any.

    Every machine needs the data and the weights at the same place. A worker that dies is
    replaced and its share asked again; an item that gives an error is counted, not stored.

    Parameters
    ----------
    model : str
    datasets : sequence of str
    address : str
        Of the cluster, as ``ray://head:10001`` or ``auto``; ``local`` starts one here.
    workers : int
        Processes, each with a model.
    store : path-like, optional
    **options
        Of `exchange.answer_shard`.

    Returns
    -------
    DataFrame
        A row a data set: dataset, answers (in the store from this run), errors, died (workers).

    Raises
    ------
    BenchHealthError
        If a share has killed several workers. What was answered is stored.
    """
    ray = needed("ray", "a cluster of Ray", "`pip install -e '.[ray]'`")
    check_name(model)
    if parts(model)[0] in REMOTE and (price := open_model(model).price) and price.of(1, 1):
        what = "costs money, and one budget cannot be kept by many processes"
        raise BenchHealthError(f"{model} {what}. Ask it without --ray, or in a batch.")
    own = {name: text for name, text in os.environ.items() if name.startswith(FORWARDED)}
    here = {"num_cpus": workers, "include_dashboard": False} if address == "local" else {}
    ray.init(address, runtime_env={"env_vars": own}, log_to_driver=False, **here)
    try:
        gpus = int(ray.cluster_resources().get("GPU", 0) > 0)
        start = partial(ray.remote(num_gpus=gpus, num_cpus=1)(Worker).remote, model)
        n = SHARES * workers
        paths = {key: store_path(recorded_name(model), key, store) for key in datasets}
        left = [(key, (k, n)) for key in datasets for k in range(1, n + 1)]
        died, found = Counter(), Counter()
        idle, busy = [start() for _ in range(workers)], {}
        while left or busy:
            while left and idle:
                (key, shard), worker = left.pop(), idle.pop()
                known = list(Store(paths[key]).read().values())
                busy[worker.answers.remote(key, shard, known, options)] = worker, key, shard
            (task,), _ = ray.wait(list(busy))
            worker, key, shard = busy.pop(task)
            try:
                answers = ray.get(task)
            except ray.exceptions.RayActorError:
                died[key, shard] += 1
                found[key, "died"] += 1
                if died[key, shard] == LIVES:
                    what = f"share {shard[0]}/{shard[1]} of {key} has ended {LIVES} workers"
                    raise BenchHealthError(f"{what}; out of memory? The rest is stored.") from None
                left, worker = [*left, (key, shard)], start()
            except ray.exceptions.RayTaskError as error:
                raise BenchHealthError(f"{key}: a worker says: {error.cause}") from None
            else:
                found[key, "errors"] += sum(item.status == "error" for item in answers)
                found[key, "answers"] += add(paths[key], answers)
            idle.append(worker)
    finally:
        ray.shutdown()
    names = ("answers", "errors", "died")
    return pd.DataFrame([{"dataset": key} | {x: found[key, x] for x in names} for key in datasets])


def on_slurm(
    model: str, datasets: Sequence[str], shares: int, settings: Mapping | None = None, **options
) -> pd.DataFrame:
    """Ask a model's prompts as a job array of Slurm, wait for it, and merge.

    Parameters
    ----------
    model : str
    datasets : sequence of str
    shares : int
        Jobs.
    settings : mapping, optional
        Of submitit's executor: ``cluster`` (``local`` for processes of this machine), and what
        its ``update_parameters`` takes, such as ``slurm_partition`` and ``gpus_per_node``.
    **options
        Of `answer_shard`.

    Returns
    -------
    DataFrame
        See `exchange.merge`.
    """
    submitit = needed("submitit", "an array of Slurm", "`pip install -e '.[slurm]'`")
    settings = dict(settings or {})
    executor = submitit.AutoExecutor(runs_folder() / "slurm", cluster=settings.pop("cluster", None))
    executor.update_parameters(**settings)
    work = partial(answer_shard, model, datasets, **options)
    jobs = executor.map_array(work, [f"{k}/{shares}" for k in range(1, shares + 1)])
    return merge([job.result() for job in jobs])
