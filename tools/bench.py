"""What this engine costs beside lm-evaluation-harness and beside an earlier commit.

`make bench` runs it: the same prompts, weights and number format, one thread each, in turns.

    python tools/bench.py --items 50 --rival DIR/bin/python --before DIR

Every engine is a process of its own (`--worker`) that loads the weights once and is then given
halves of the items in turn with the others. CPU-seconds are user and system time without
loading; the peak is the process's resident memory. Written to ``data/bench/``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "data" / "bench"
MODEL = "smollm2-135m"
# name, data sets, mode, shots, most tokens of a reply, number formats
WORKS = [
    ("letters-0", ["medmcqa"], "likelihood", 0, None),
    ("letters-5", ["medmcqa"], "likelihood", 5, None),
    ("letters-5-medqa", ["medqa"], "likelihood", 5, None),
    ("text-64", ["pubmedqa"], "generate", 0, 64),
    ("text-256", ["medmcqa"], "generate", 0, 256),
]
TURNS = 2


# In a worker


def here(dtype: str):
    """This version, or an earlier one that stands first on the path."""
    import benchhealth_utils
    from benchhealth_utils import open_model

    try:
        from benchhealth_utils.models import Request
    except ImportError:  # before 0.2
        from benchhealth_utils.backends import Request
    model = open_model(MODEL, dtype=dtype, device="cpu")
    model.contexts([])  # what is looked at once belongs to loading

    def ask(items):
        keep = ("document", "keep_end", "max_tokens", "cue")
        requests = [
            Request(
                example=None, messages=tuple(item["messages"]), labels=tuple(item["labels"]),
                **{key: item[key] for key in keep},
            )
            for item in items
        ]  # fmt: skip
        everything = set(range(len(items)))
        found = dict(pair for part in model.replies(requests, everything) for pair in part)
        return [
            {"text": found[i].text, "logprobs": dict(found[i].usage).get("logprobs", {})}
            for i in range(len(items))
        ]

    return ask, benchhealth_utils.__version__


def rival(dtype: str):
    """lm-evaluation-harness, its transformers backend in batches of eight."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    folder = os.environ["BENCH_WEIGHTS"]
    model = HFLM(pretrained=folder, dtype=dtype, batch_size=8, device="cpu", max_length=8192)

    def instances(kind, pairs):
        return [Instance(kind, {}, pair, 0) for pair in pairs]

    def ask(items):
        if not items[0]["labels"]:
            stated = {"until": [model.tokenizer.eos_token], "do_sample": False}
            kinds = [
                (item["text"], {**stated, "max_gen_toks": item["max_tokens"]}) for item in items
            ]
            texts = model.generate_until(instances("generate_until", kinds), disable_tqdm=True)
            return [{"text": text.strip(), "logprobs": {}} for text in texts]
        pairs = [(item["text"], label) for item in items for label in item["labels"]]
        values = iter(model.loglikelihood(instances("loglikelihood", pairs), disable_tqdm=True))
        found = []
        for item in items:
            logs = {label.strip(): next(values)[0] for label in item["labels"]}
            found.append({"text": "", "logprobs": logs})
        return found

    return ask, version("lm-eval")


def work(engine: str, dtype: str) -> None:
    """Answer what comes on standard input, a list of items a line."""
    import torch

    torch.set_num_threads(1)
    answers, sys.stdout = sys.stdout, sys.stderr
    ask, release = (rival if engine == "rival" else here)(dtype)
    print(json.dumps({"version": release}), file=answers, flush=True)
    for line in sys.stdin:
        items, began, cpu = json.loads(line), time.perf_counter(), time.process_time()
        replies = ask(items)
        took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - began}
        peak = next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1]
        found = {**took, "mb": int(peak) / 1024, "replies": replies}
        print(json.dumps(found), file=answers, flush=True)


# In the process that compares


def items_of(key: str, mode: str, shots: int, n: int, most: int | None) -> list[dict]:
    """Requests as plain values, with the prompt's text for an engine that knows no chat format."""
    from benchhealth_utils import load
    from benchhealth_utils.answers import make_requests
    from benchhealth_utils.models.local import open_prompts

    prompts = open_prompts(MODEL)
    requests, _ = make_requests(load(key, limit=n), shots=shots, seed=0, mode=mode, cap=most)
    return [
        {
            "messages": list(each.messages), "labels": list(each.labels), "cue": each.cue,
            "document": each.document, "keep_end": each.keep_end, "max_tokens": each.max_tokens,
            "text": prompts.render(each).text,
        }
        for each in requests
    ]  # fmt: skip


def compare(name: str, dtype: str, items: list[dict], engines: dict) -> list[dict]:
    """A row for each engine: what it took, and how near its answers are to this version's."""
    running, rows, replies = {}, {}, {}
    for engine, (python, path) in engines.items():
        extra = {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        running[engine] = subprocess.Popen(
            [python, __file__, "--worker", engine, "--dtype", dtype],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **extra},
        )  # fmt: skip
        if not (line := running[engine].stdout.readline()):
            raise SystemExit(f"{name}: '{engine}' did not start; what it said stands above.")
        first = json.loads(line)
        rows[engine] = {"work": name, "dtype": dtype, "engine": engine, **first, "n": len(items)}
        rows[engine] |= dict.fromkeys(("cpu", *(f"cpu_{k + 1}" for k in range(TURNS)), "wall"), 0.0)
        replies[engine] = []
    for turn in range(TURNS):
        part = items[turn::TURNS]
        for engine, process in running.items():
            process.stdin.write(json.dumps(part) + "\n")
            process.stdin.flush()
            found = json.loads(process.stdout.readline())
            replies[engine] += found["replies"]
            rows[engine] |= {key: rows[engine][key] + found[key] for key in ("cpu", "wall")}
            rows[engine] |= {f"cpu_{turn + 1}": found["cpu"], "mb": found["mb"]}
            print(f"  {engine}, turn {turn + 1}: {found['cpu']:.1f} CPU-s", flush=True)
    for engine, process in running.items():
        process.communicate()
        pairs = list(zip(replies[engine], replies["this"], strict=True))
        if items[0]["labels"]:
            logs = [(one["logprobs"], other["logprobs"]) for one, other in pairs]
            alike = [max(a, key=a.get) == max(b, key=b.get) for a, b in logs]
            apart = max(abs(a[key] - b[key]) for a, b in logs for key in b)
        else:
            alike, apart = [one["text"] == other["text"] for one, other in pairs], None
        rows[engine] |= {"same": sum(alike), "apart": apart}
    return list(rows.values())


def limits(dtype: str) -> dict:
    """What this machine can do, and what share of it the engine reaches."""
    import torch

    from benchhealth_utils import open_model
    from benchhealth_utils.models.decoding import Row

    torch.set_num_threads(1)

    def seconds(work, times):
        work()
        began = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - began) / times

    model = open_model(MODEL, dtype=dtype, device="cpu")
    engine, kind = model.engine[0], model.model.dtype
    config, size = model.model.config, model.model.dtype.itemsize
    a = torch.randn(512, config.hidden_size, dtype=kind)
    b = torch.randn(config.hidden_size, config.intermediate_size, dtype=kind)
    source = torch.randn(2**26)
    with torch.inference_mode():
        product = 2 * 512 * b.numel() / seconds(lambda: a @ b, 10)
        bandwidth = source.nbytes / seconds(source.sum, 5)
    head = model.model.get_output_embeddings().weight.numel()
    body = sum(p.numel() for p in model.model.parameters()) - head
    rows = {"machine_gflops": product / 1e9, "machine_gb_per_s": bandwidth / 1e9}

    def prefill():
        engine.step([Row(0, torch.randint(1000, (512,)).tolist())])

    rows["prefill_tokens_per_s"] = 512 / seconds(prefill, 3)
    rows["prefill_share_of_peak"] = 2 * body * rows["prefill_tokens_per_s"] / product
    for n in (1, 8, 32):
        many = [Row(k, torch.randint(1000, (128,)).tolist(), 64) for k in range(n)]
        while any(row.done < len(row.prompt) for row in many):
            engine.step(many)

        def decode(many=many):
            for row in many:
                row.ids.append(7)
            engine.step(many)

        took = seconds(decode, 5)
        cache = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
        read = size * (body + head + n * 130 * cache)
        rows[f"decode_{n}_tokens_per_s"] = n / took
        rows[f"decode_{n}_share_of_bandwidth"] = read / took / bandwidth
        rows[f"decode_{n}_share_of_peak"] = 2 * n * (body + head) / took / product
    return rows


def growth(dtype: str, most: int) -> list[dict]:
    """CPU-seconds by the number of items, exemplars, and letters of the prompt."""
    ask, _ = here(dtype)
    rows = []
    for key, shots, n in [
        *(("medmcqa", 0, n) for n in (most // 4, most // 2, most)),
        *(("medmcqa", shots, most // 4) for shots in (1, 3, 5)),
        *((key, 0, most // 4) for key in ("medqa", "pubmedqa")),
    ]:  # fmt: skip
        items = items_of(key, "likelihood", shots, n, None)
        began = time.process_time()
        ask(items)
        letters = sum(len(item["text"]) for item in items) / n
        row = {"dataset": key, "shots": shots, "n": n, "letters": round(letters)}
        rows.append({**row, "dtype": dtype, "cpu": time.process_time() - began})
    return rows


def machine() -> dict:
    """What was measured on, without its name."""
    facts = Path("/proc/cpuinfo").read_text()
    model = next((x.split(":")[1].strip() for x in facts.splitlines() if "model name" in x), "")
    wide = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {name}" in facts]
    packages = {name: version(name) for name in ("torch", "transformers")}
    return {
        "processor": model, "cores": os.cpu_count(), "instructions": wide, "threads": 1,
        "load": os.getloadavg()[0], "python": platform.python_version(), **packages,
        "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def write(name: str, marks: str, rows: list[dict]) -> None:
    """A table; new rows take the place of those with the same values in the columns `marks`."""

    def key(row):
        return [str(row[mark]) for mark in marks.split()]

    path, new = OUT / name, [key(row) for row in rows]
    kept = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    for row in rows:
        row |= {k: round(value, 4) for k, value in row.items() if isinstance(value, float)}
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows([*(row for row in kept if key(row) not in new), *rows])


def keep(rows: list[dict], run: int) -> None:
    """Rows of a comparison, in place of those of the same run."""
    write("compared.csv", "work dtype engine run", [{"run": run} | row for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=50, help="of each work")
    parser.add_argument("--slice", type=int, default=20, help="items of each open set; 0 for none")
    parser.add_argument("--run", type=int, default=1, help="a second one stands beside the first")
    parser.add_argument("--dtypes", default="float32,bfloat16")
    parser.add_argument("--works", default=",".join(name for name, *_ in WORKS))
    parser.add_argument("--rival", help="a Python that has lm-eval")
    parser.add_argument("--before", help="a folder with an earlier commit")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.worker:
        work(stated.worker, stated.dtype)
        return
    sys.path.insert(0, str(ROOT))
    from benchhealth_utils import DATASETS
    from benchhealth_utils.models.weights import embedded

    os.environ["BENCH_WEIGHTS"] = str(embedded())
    engines = {"this": (sys.executable, ROOT)}
    if stated.before:
        engines["before"] = (sys.executable, stated.before)
    if stated.rival:
        engines["rival"] = (stated.rival, "")
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "machines.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[str(stated.run)] = machine()
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    for dtype in stated.dtypes.split(","):
        for name, keys, mode, shots, most in WORKS:
            if name in stated.works.split(","):
                items = [i for key in keys for i in items_of(key, mode, shots, stated.items, most)]
                print(f"{name}, {dtype}", flush=True)
                keep(compare(name, dtype, items, engines), stated.run)
        if "limits" in stated.works or stated.works == parser.get_default("works"):
            facts = [{"dtype": dtype, "what": k, "value": v} for k, v in limits(dtype).items()]
            write("limits.csv", "dtype what", facts)
            write("growth.csv", "dtype dataset shots n", growth(dtype, stated.items))
    if stated.slice and stated.before:
        engines.pop("rival", None)
        keys = [key for key, spec in DATASETS.items() if spec.tier == "open"]
        items = [i for key in keys for i in items_of(key, "generate", 0, stated.slice, None)]
        print(f"slice of {len(items)}, float32", flush=True)
        keep(compare("slice", "float32", items, engines), stated.run)


if __name__ == "__main__":
    main()
