"""Ask beforehand what the book asks of a local model, all at once.

``python book/ask.py MODEL -p limit 2 -p seed 0`` takes parameters of the chapters. Sixty prompts
at once take little longer than the longest of them, where each page would wait for its own. The
pages then find these answers stored; whatever is missing they ask themselves.
"""

from __future__ import annotations

import argparse
from ast import literal_eval
from itertools import product

import papermill

from benchhealth_utils.answers import ask
from benchhealth_utils.models import Request, open_model
from benchhealth_utils.models.local import LocalModel
from benchhealth_utils.notebook import data_sets, numbers
from benchhealth_utils.perturb import PERTURBATIONS, applies
from benchhealth_utils.plan import Job
from benchhealth_utils.schema import ROOT, BenchHealthError

PERTURBED = ("medqa", "pubmedqa", "ncbi_disease")  # in the chapter on clinical usefulness
SOLVED = [("medqa", None), ("medqa", "option_order"), ("gad", None), ("gad", "template")]


def requests(limit: int, seed: int, cap: int | None = None) -> list[Request]:
    """What the chapters and the solutions ask of a model with so short replies, if any are cut."""
    few = papermill.inspect_notebook(str(ROOT / "notebooks" / "few_shot.ipynb"))
    few = {name: literal_eval(each["default"]) for name, each in few.items()}
    counts, draws = (numbers(few[name], name) for name in ("shot_counts", "seeds"))
    perturbed = product(PERTURBED, PERTURBATIONS)
    kinds = [(key, None) for key in data_sets()] + [(k, x) for k, x in perturbed if applies(x, k)]
    jobs = [Job(key, 0, seed, kind, "generate", limit, seed, cap=cap) for key, kind in kinds]
    shown = product(data_sets(few["datasets"]), counts, draws)
    jobs += [Job(*how, None, "generate", limit, seed, cap=cap) for how in shown]
    jobs += [Job(key, 0, 0, kind, "likelihood", 0, 0, cap=cap) for key, kind in SOLVED]
    return [request for job in jobs for request in job.requests]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    given, _ = parser.parse_known_args()
    how = {"limit": "8", "seed": "0"} | dict(given.p)
    limit, seed = (int(how[name]) if how[name].isdecimal() else -1 for name in ("limit", "seed"))
    try:
        model = open_model(given.model)
        local = isinstance(model, LocalModel) and model.alone  # else neighbours change answers
        if local and min(limit, seed) >= 0:  # the chapters refuse others
            ask(model, requests(limit, seed, model.max_tokens))
    except BenchHealthError as error:
        raise SystemExit(str(error)) from None
