"""Medical siblings of the embedded model: ``python tools/tune.py qa``, ``dialogue``, ``shuffled``.

LoRA on one CPU core, through transformers and peft. ``qa`` learns from MedQuAD's pairs,
``dialogue`` from the patients and physicians of the ChatDoctor release, and the control
``shuffled`` from the pairs of ``qa`` with the answers exchanged at random: as many steps and
tokens, and no answer to its own question. Texts that share thirteen words in a row with a test
item of the open sets are removed first. The loss is that of the answer alone, after the prompt
that the benchmark asks with.

``held-out loss`` is that of true pairs that are not learned, for the control too. A run that was
killed goes on from its last checkpoint in ``runs/tune/``. Beside the adapter,
in ``data/adapters/``, stand ``recipe.yaml`` (settings, versions, hashes, what was removed, cost)
and ``loss.csv`` (a row a step).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from bench import machine
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import (
    DataCollatorForSeq2Seq,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from benchhealth_utils import DATASETS, load
from benchhealth_utils.data import data_root, provenance
from benchhealth_utils.human_eval import sample
from benchhealth_utils.models.baselines import text_of
from benchhealth_utils.models.local import open_prompts
from benchhealth_utils.models.weights import model_of, weights_of
from benchhealth_utils.registry import MODELS, parts, recorded_name
from benchhealth_utils.schema import ROOT, digest, write_atomic
from benchhealth_utils.tasks.files import Place, json_lines

KINDS = ("qa", "dialogue", "shuffled")
LINEAR = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
RUN = 13  # words in a row that tell that a text is a test item's
IGNORED = -100  # a token without a loss


class Pair(NamedTuple):
    """A question and its answer."""

    id: str
    question: str
    answer: str


@dataclass(frozen=True)
class Recipe:
    """What makes an adapter what it is, beside the data."""

    kind: str
    model: str = "smollm2-135m"
    tokens: int = 1_000_000  # prompts and answers together
    seed: int = 0
    rank: int = 3
    alpha: int = 6
    learning_rate: float = 1e-3  # falls linearly to 0
    batch: int = 8  # pairs a step, one after the other: nothing is padded
    longest: int = 384  # tokens of a pair; longer ones are left out
    held_out: int = 12  # pairs that are not learned, to measure on


# The texts


def medquad(path: Path) -> tuple[list[Pair], Counter]:
    """MedQuAD's pairs: a JSON Lines file, or a folder with the XML of the original release.

    Answers that their owners have withdrawn are blank there; those pairs are counted.
    """
    if path.is_dir():
        files = sorted(path.rglob("*.xml"))
        Place(path).expect(files, "no XML file in it; expected the MedQuAD release.")
        rows = (row for file in files for row in _document(file))
    else:
        names = ("id", "question", "answer")
        rows = (tuple(row.field(name) for name in names) for row in json_lines(path))
    pairs, out, seen = [], Counter(), set()
    for pair in (Pair(*map(_folded, row)) for row in rows):
        why = "no answer" if not (pair.question and pair.answer) else ""
        # one answer under several questions would teach it several times
        why = why or ("same answer" if pair.answer in seen else "")
        if why:
            out[why] += 1
        else:
            seen.add(pair.answer)
            pairs.append(pair)
    return pairs, out


def _document(file: Path):
    document = Place(file).xml(file.read_bytes())
    for pair in document.iter("QAPair"):
        question = pair.find("Question")
        Place(file).expect(question is not None, "a QAPair without a Question.")
        yield question.get("qid", ""), question.text or "", pair.findtext("Answer") or ""


def _folded(text: str) -> str:
    """Blanks in a row as one, as in the JSON Lines file."""
    return re.sub(r"[^\S\n]+", " ", text).strip()


def dialogues(root: Path | None) -> tuple[list[Pair], Counter]:
    """Patients' messages and physicians' answers; those that the release damaged are counted."""
    found = sample.load_dialogues(root)
    kept, out, _ = sample.usable(found, sample.damage(found, physician=True))
    return [Pair(*item) for item in kept], out


def word_runs(text: str) -> set[int]:
    """Hashes of all runs of thirteen words, without case and punctuation."""
    words = re.findall(r"\w+", text.casefold())
    return {hash(tuple(words[at : at + RUN])) for at in range(len(words) - RUN + 1)}


@cache
def test_items() -> tuple[set[int], dict]:
    """Word runs of all test items of the open sets, gold texts included, and whose they are."""
    runs, facts = set(), {}
    for key in (key for key, spec in DATASETS.items() if spec.tier == "open"):
        items = load(key)
        facts[key] = provenance(key, items)
        for item in items:
            runs |= word_runs(f"{text_of(item)}\n{item.gold}")
    return runs, facts


def encoded(pair: Pair, prompts) -> dict[str, list[int]]:
    """A pair as token ids, with a loss for the answer and the mark that ends it."""
    asked = list(prompts.ids(prompts.text([{"role": "user", "content": pair.question}])))
    end = prompts.tokenizer.eos_token
    said = prompts.tokenizer(pair.answer + end, add_special_tokens=False).input_ids
    ids = asked + said
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [IGNORED] * len(asked) + said,
    }


def exchanged(pairs: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    """Each question with another one's answer, at random; none with an answer of its own."""
    own = {}
    for pair in pairs:
        own.setdefault(pair.question, set()).add(pair.answer)
    # draw again until no pair keeps its answer: on average three times, if questions differ
    for _ in range(1000):
        answers = [pairs[at].answer for at in rng.permutation(len(pairs))]
        if all(a not in own[p.question] for p, a in zip(pairs, answers, strict=True)):
            return [p._replace(answer=a) for p, a in zip(pairs, answers, strict=True)]
    raise SystemExit(f"{len(pairs)} pairs cannot be exchanged: their questions are too few.")


@dataclass
class Texts:
    """What is learned, what is measured on, and what was left out."""

    train: list[dict]
    held: list[dict]
    facts: dict


def texts_of(recipe: Recipe, path: Path, prompts) -> Texts:
    """Read, clean, draw and encode the pairs."""
    dialogue = recipe.kind == "dialogue"
    pairs, out = dialogues(path) if dialogue else medquad(path)
    read = len(pairs) + out.total()
    runs, tests = test_items()
    clean = [p for p in pairs if runs.isdisjoint(word_runs(f"{p.question}\n{p.answer}"))]
    out["shares 13 words with a test item"] = len(pairs) - len(clean)
    rng, rows = np.random.default_rng(recipe.seed), {}
    held, drawn, long, tokens = [], [], set(), 0
    while tokens < recipe.tokens:  # another pass over all, in another order, if need be
        for at in map(int, rng.permutation(len(clean))):
            rows[at] = rows.get(at) or encoded(clean[at], prompts)
            if len(rows[at]["input_ids"]) > recipe.longest:
                long.add(at)
            elif len(held) < recipe.held_out:
                held.append(at)
            elif at not in held:
                drawn.append(at)
                tokens += len(rows[at]["input_ids"])
            if tokens >= recipe.tokens:
                break
        if not drawn:
            raise SystemExit(f"{path.name}: no pair is left to learn from; nothing was tuned.")
    out[f"drawn, but longer than {recipe.longest} tokens"] = len(long)
    once = list(dict.fromkeys(drawn))
    learned = {at: rows[at] for at in once}
    if recipe.kind == "shuffled":
        swapped = exchanged([clean[at] for at in once], rng)
        learned = {at: encoded(pair, prompts) for at, pair in zip(once, swapped, strict=True)}
    facts = {
        "data": {"file": path.name if not dialogue else sample.dialogues_file(path).name},
        "pairs": {"read": read, "left out": dict(out), "learned": len(once)},
        "passes": round(len(drawn) / len(once), 2),
        "ids": digest([clean[at].id for at in drawn])[:16],
        "tokens": sum(len(learned[at]["input_ids"]) for at in drawn),
        "tokens with a loss": sum(
            label != IGNORED for at in drawn for label in learned[at]["labels"]
        ),
        "test items": tests,
    }
    facts["data"]["sha256"] = _hash(sample.dialogues_file(path) if dialogue else path)
    return Texts([learned[at] for at in drawn], [rows[at] for at in held], facts)


def _hash(path: Path) -> str:
    """SHA-256 of a file, or of all XML files of a folder in the order of their names."""
    total = hashlib.sha256()
    for file in sorted(path.rglob("*.xml")) if path.is_dir() else [path]:
        total.update(file.read_bytes())
    return total.hexdigest()


# The tuning


class Cost(TrainerCallback):
    """Writes into each row of the log what the run has cost so far, earlier parts included."""

    def on_train_begin(self, args, state, control, **_):
        last = state.log_history[-1] if state.log_history else {}
        self.before = last.get("cpu_seconds", 0), last.get("wall_seconds", 0)
        self.start = time.process_time(), time.monotonic()

    def on_log(self, args, state, control, **_):
        now = time.process_time(), time.monotonic()
        cpu, wall = (b + n - s for b, n, s in zip(self.before, now, self.start, strict=True))
        state.log_history[-1] |= {"cpu_seconds": round(cpu, 1), "wall_seconds": round(wall, 1)}


def last_checkpoint(run: Path) -> str | None:
    """The newest whole checkpoint; what a kill has left half written is removed."""
    found = sorted(run.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    for path in found:
        if not (path / "trainer_state.json").exists():  # written last
            shutil.rmtree(path)
    whole = [path for path in found if path.exists()]
    return str(whole[-1]) if whole else None


def tune(recipe: Recipe, texts: Texts, prompts, run: Path):
    """The tuned model and a row a step, from where an earlier run stopped."""
    set_seed(recipe.seed)
    model = model_of(recipe.model, weights_of(recipe.model), "float32", "cpu", None)
    model.config.use_cache = False
    settings = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules=LINEAR, task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, settings)
    steps = -(-len(texts.train) // recipe.batch)
    arguments = TrainingArguments(
        output_dir=str(run),
        use_cpu=True,
        seed=recipe.seed,
        max_steps=steps,
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=recipe.batch,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        logging_steps=1,
        eval_on_start=True,
        eval_strategy="steps",
        eval_steps=steps,
        prediction_loss_only=True,
        save_steps=2,
        save_total_limit=2,
        include_num_input_tokens_seen="all",
        disable_tqdm=True,
        report_to="none",
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=texts.train,
        eval_dataset=texts.held,
        data_collator=DataCollatorForSeq2Seq(prompts.tokenizer),
        callbacks=[Cost()],
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(run))
    return model, trainer.state.log_history


def keep(recipe: Recipe, texts: Texts, model, log: list[dict], out: Path) -> None:
    """The adapter in half precision, its recipe and its loss curve."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = get_peft_model_state_dict(model)
    part = out / "adapter_model.part"
    save_file({name: t.half().contiguous() for name, t in tensors.items()}, part)
    part.rename(out / "adapter_model.safetensors")
    settings = model.peft_config["default"]
    source = recipe.model if recipe.model in MODELS else parts(recipe.model)[1]
    folder = source not in MODELS and Path(source).is_dir()
    base = str(Path(source).resolve()) if folder else source
    settings.base_model_name_or_path, settings.inference_mode = base, True
    facts = {name: sorted(x) if isinstance(x, set) else x for name, x in settings.to_dict().items()}
    write_atomic(out / "adapter_config.json", json.dumps(facts, indent=1, sort_keys=True) + "\n")

    names = {"step": "step", "num_input_tokens_seen": "tokens", "loss": "loss",
             "eval_loss": "held_out_loss", "learning_rate": "learning_rate",
             "grad_norm": "gradient_norm", "cpu_seconds": "cpu_seconds"}  # fmt: skip
    rows = pd.DataFrame([row for row in log if {"loss", "eval_loss"} & row.keys()])
    curve = rows.reindex(columns=list(names)).rename(columns=names)
    write_atomic(out / "loss.csv", curve.to_csv(index=False, lineterminator="\n"))
    held = curve["held_out_loss"].dropna()
    said = {
        "recipe": asdict(recipe) | {"model": recorded_name(recipe.model)},
        **texts.facts,
        "steps": int(curve["step"].max()),
        "parameters": sum(t.numel() for t in tensors.values()),
        "held-out loss": {"before": float(held.iloc[0]), "after": float(held.iloc[-1])},
        "cost": {
            "cpu_seconds": float(log[-1]["cpu_seconds"]),
            "wall_seconds": float(log[-1]["wall_seconds"]),
        },
        "base": weights_of(recipe.model).fingerprint,
        "machine": machine() | {"peft": version("peft")},
    }
    write_atomic(out / "recipe.yaml", yaml.safe_dump(said, sort_keys=False))


def main(argv: Sequence[str] | None = None) -> None:
    about, *rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog="".join(rest))
    parser.add_argument("kinds", nargs="+", choices=KINDS, help="one after the other")
    parser.add_argument("--tokens", type=int, default=Recipe.tokens, help="prompts and answers")
    parser.add_argument("--batch", type=int, default=Recipe.batch, help="pairs a step")
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=Recipe.model, help="the embedded one, or hf:<folder>")
    parser.add_argument("--data", type=Path, help="MedQuAD's file or folder, or a data folder")
    parser.add_argument("--out", type=Path, help="where the adapters' folders go")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "tune", help="checkpoints")
    told = parser.parse_args(argv)
    prompts = open_prompts(told.model)
    for kind in told.kinds:
        chosen = {"learning_rate": told.learning_rate, "batch": told.batch}
        recipe = Recipe(kind, told.model, told.tokens, told.seed, **chosen)
        usual = data_root() / ("" if kind == "dialogue" else "tuning/medquad.jsonl.gz")
        texts = texts_of(recipe, told.data or usual, prompts)
        print(yaml.safe_dump(texts.facts, sort_keys=False), flush=True)
        run = told.runs / f"{kind}-{digest([asdict(recipe), texts.facts])[:8]}"
        model, log = tune(recipe, texts, prompts, run)
        out = (told.out or ROOT / "data" / "adapters") / f"{Path(told.model).name}-{kind}"
        keep(recipe, texts, model, log, out)
        print(f"The adapter is in {out}", flush=True)


if __name__ == "__main__":
    main()
