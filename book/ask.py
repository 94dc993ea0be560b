"""Ask beforehand what the book asks of a local model, all at once.

``python book/ask.py MODEL -p limit 2 -p seed 0`` takes parameters of the chapters. Sixty prompts
at once take little longer than the longest of them, where each page would wait for its own. The
pages then find these answers stored; whatever is missing they ask themselves.
"""

from __future__ import annotations

import argparse
import json
from itertools import product

from benchhealth_utils import load
from benchhealth_utils.answers import ask, make_requests
from benchhealth_utils.models import Request, open_model
from benchhealth_utils.models.local import LocalModel
from benchhealth_utils.notebook import data_sets, numbers
from benchhealth_utils.perturb import PERTURBATIONS, applies, perturb
from benchhealth_utils.schema import ROOT, BenchHealthError

PERTURBED = ("medqa", "pubmedqa", "ncbi_disease")  # in the chapter on clinical usefulness
SOLVED = [("medqa", None), ("medqa", "option_order"), ("gad", None), ("gad", "template")]


def requests(limit: int, seed: int, cap: int | None = None) -> list[Request]:
    """What the chapters and the solutions ask of a model with so short replies, if any are cut."""
    few = json.loads((ROOT / "notebooks" / "few_shot.ipynb").read_text(encoding="utf-8"))
    exec("".join(few["cells"][1]["source"]), chosen := {})
    counts, draws = (numbers(chosen[name], name) for name in ("shot_counts", "seeds"))
    jobs = [(key, None, 0, seed) for key in data_sets()]
    jobs += [(*job, 0, seed) for job in product(PERTURBED, PERTURBATIONS) if applies(*job[::-1])]
    jobs += [(key, None, *how) for key in data_sets(chosen["datasets"])
             for how in product(counts, draws)]  # fmt: skip
    jobs = [("generate", limit, *job) for job in jobs]
    jobs += [("likelihood", None, *job, 0, 0) for job in SOLVED]
    found = []
    for mode, most, key, kind, shots, draw in jobs:
        items = load(key, limit=most or None, seed=seed)
        items = [perturb(item, kind, draw) for item in items] if kind else items
        found += make_requests(items, shots=shots, seed=draw, mode=mode, cap=cap)[0]
    return found


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
