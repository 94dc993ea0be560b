"""Whether the engine's answers are those of the plain model, and the same in any company.

    python tools/same.py texts --items 46
    python tools/same.py company --datasets medmcqa --items 1000

``texts`` writes greedily about the items of each data set, all at once, and then reads every
prompt with its reply in one forward pass of transformers' own model, in the same number format,
without cache, packing or neighbours: each token must be the likeliest there too. ``company``
takes the likeliest label for a tenth of a tenth, a tenth and all of the items, each in their
order and in reverse: every log-probability, in the four decimals that are stored, must be the
same. Rows are written to ``data/bench/same.csv``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import torch
from bench import write
from transformers import AutoModelForCausalLM

from benchhealth_utils import DATASETS, load, open_model
from benchhealth_utils.answers import make_requests
from benchhealth_utils.models.decoding import Row
from benchhealth_utils.models.weights import embedded

MODEL = "smollm2-135m"
OPEN = [key for key, spec in DATASETS.items() if spec.tier == "open"]
LONGEST = 32  # tokens of a reply


def requests_of(keys: Sequence[str], n: int, mode: str) -> list:
    """Random items of some data sets as requests, zero-shot."""
    sets = [load(key, limit=n) for key in keys]
    return [x for each in sets for x in make_requests(each, shots=0, seed=0, mode=mode)[0]]


@torch.inference_mode()
def texts(model, plain, requests: Sequence) -> dict:
    """Items with a token that the plain model finds less likely than another, and by how much."""
    prompts = sorted(model.prompts.render(request).ids for request in requests)
    rows = [Row(k, ids, LONGEST) for k, ids in enumerate(prompts)]
    ended = model.engine[0].run(iter(rows), lambda written: written[-1] in model.ends)
    done = [row for part in ended for row in part]
    checked, differ, margin = 0, 0, 0.0
    for row in done:
        ids = torch.tensor([row.ids])
        logits = plain(ids, use_cache=False).logits[0, len(row.prompt) - 1 : -1]
        written = ids[0, len(row.prompt) :]
        behind = logits.amax(-1) - logits.gather(-1, written[:, None])[:, 0]
        checked += len(written)
        differ += bool((behind > 0).any())
        margin = max(margin, behind.max().item())
    return {"n": len(done), "checked": checked, "differ": differ, "apart": margin}


def company(model, requests: Sequence) -> dict:
    """Items of which a stored log-probability depends on how many are asked, or in which order."""
    n, seen = len(requests), [[] for _ in requests]
    for most in (n // 100, n // 10, n):
        for order in (range(most), range(most)[::-1]):
            part = [requests[i] for i in order]
            found = dict(x for some in model.replies(part, set(range(most))) for x in some)
            for k, i in enumerate(order):
                seen[i].append(found[k].usage["logprobs"])
    apart = [max(abs(x[k] - each[0][k]) for x in each for k in x) for each in seen]
    asked = sum(map(len, seen))
    return {"n": n, "checked": asked, "differ": sum(x > 0 for x in apart), "apart": max(apart)}


def main() -> None:
    about, *rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("what", choices=("texts", "company"))
    parser.add_argument("--datasets", nargs="+", default=OPEN, choices=OPEN, metavar="KEY")
    parser.add_argument("--items", type=int, required=True, help="of each data set")
    parser.add_argument("--dtype", default="float32")
    told = parser.parse_args()
    torch.set_num_threads(1)
    model = open_model(MODEL, dtype=told.dtype, device="cpu")
    mode = "generate" if told.what == "texts" else "likelihood"
    requests = requests_of(told.datasets, told.items, mode)
    began = time.process_time()
    if told.what == "texts":
        kind = getattr(torch, told.dtype)
        plain = AutoModelForCausalLM.from_pretrained(embedded(), dtype=kind).eval()
        found = texts(model, plain, requests)
    else:
        found = company(model, requests)
    row = {"what": told.what, "dtype": told.dtype, "datasets": len(told.datasets)}
    write("same.csv", "what dtype", [row | found | {"cpu": time.process_time() - began}])
    print(row | found)


if __name__ == "__main__":
    main()
