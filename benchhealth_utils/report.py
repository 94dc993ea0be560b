"""Results in and out, and the tables and figures made of them.

A result is one JSON file. It goes to ``data/results/`` only if it is of the
full official data; anything else goes to ``runs/results/``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from html import escape
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from .answers import file_name
from .datasets import DATASETS
from .evaluation import Evaluation
from .models import MODELS
from .prompts import build, exemplar_order, exemplars, prompt
from .schema import ROOT, BenchHealthError, Example, shown

SOURCES = {
    "official": "official data",
    "samples": "synthetic samples",
    "credentialed": "credentialed data",
    "other": "data that differ from the official",
}


def result(evaluation: Evaluation) -> dict:
    """A run's scores, counts and signature, as they are recorded."""
    row = dataclasses.asdict(evaluation.scores)
    row["extra"] = dict(sorted(row["extra"].items()))
    return {
        "model": evaluation.model,
        "dataset": evaluation.dataset,
        **row,
        "statuses": evaluation.counts,
        "complete": "error" not in evaluation.counts,
        "official": evaluation.official,
        "signature": evaluation.signature,
    }


def record(evaluation: Evaluation, folder: Path | None = None) -> Path:
    """Write a run's result; returns the file.

    A run on samples, on a subset, or with errors in it goes to
    ``runs/results/``, so that ``data/results/`` holds only what may be
    compared with the paper.
    """
    row = result(evaluation)
    if folder is None:
        publishable = row["official"] and row["complete"]
        folder = ROOT / ("data" if publishable else "runs") / "results"
    name = f"{row['dataset']}-{row['signature']['shots']}shot-{row['signature']['mode']}.json"
    path = folder / file_name(row["model"]) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(row, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    scratch.replace(path)
    return path


def record_all(evaluations: Sequence[Evaluation]) -> None:
    """Record each run, publish its value and coverage, and say where it went."""
    for run in evaluations:
        print(shown(record(run)))
        publish(f"{run.dataset}.value", run.scores.value)
        publish(f"{run.dataset}.coverage", run.scores.coverage)


def paper_scores() -> pd.DataFrame:
    """The paper's Table 5: a row a model, a column a data set, in points."""
    path = ROOT / "data" / "paper" / "table5.csv"
    wide = pd.read_csv(path).pivot(index="model", columns="dataset", values="value")
    return wide[[key for key in DATASETS if key in wide]]


def points(value: float) -> str:
    """A rate as points: 0-100 with one decimal.

    >>> points(0.5521)
    '55.2'
    """
    return f"{100 * value:.1f}"


def scores_table(evaluations: Sequence[Evaluation], caption: str, uuid: str = "scores"):
    """Scores of one model over data sets, beside the paper's.

    Parameters
    ----------
    evaluations : sequence of Evaluation
    caption, uuid : str
        Heading of the table, and its fixed id in the page.

    Returns
    -------
    pandas.io.formats.style.Styler
    """
    paper = paper_scores()
    models = paper.drop(index="sota")
    rows = []
    for run in evaluations:
        scores, key = run.scores, run.dataset
        own = paper[key].get(run.model) if run.model in models.index else None
        majority = scores.extra.get("majority_accuracy")
        rows.append(
            {
                "Data set": DATASETS[key].name,
                "n": scores.n,
                "Metric": scores.metric,
                "Score": points(scores.value),
                "95 % interval": f"{points(scores.interval[0])} to {points(scores.interval[1])}",
                "Precision": points(scores.precision),
                "Recall": points(scores.recall),
                "Coverage": points(scores.coverage),
                "Largest class": "" if majority is None else points(majority),
                "Paper, this model": "none" if own is None or pd.isna(own) else f"{own:.1f}",
                "Paper, 16 LLMs": f"{models[key].min():.1f} to {models[key].max():.1f}",
            }
        )
    return table(pd.DataFrame(rows), f"{caption} {data_note(evaluations)}", uuid)


def data_note(evaluations: Sequence[Evaluation]) -> str:
    """One sentence: on which data, and whether the paper may be compared."""
    kinds = sorted({SOURCES[run.signature["data"]["source"]] for run in evaluations})
    some = [run for run in evaluations if run.signature["data"]["limit"]]
    note = f"Measured on {' and '.join(kinds)}"
    if some:
        note += f", a random subset of {', '.join(str(run.scores.n) for run in some)} items"
    if all(run.official for run in evaluations):
        return f"{note}: comparable with the paper."
    return f"{note}: not comparable with the paper."


def status_table(evaluations: Sequence[Evaluation], caption: str, uuid: str = "statuses"):
    """How many answers were read, and what became of the others."""
    rows = [{"Data set": DATASETS[run.dataset].name, **run.counts} for run in evaluations]
    frame = pd.DataFrame(rows).fillna(0)
    numbers = [name for name in frame if name != "Data set"]
    return table(frame.astype(dict.fromkeys(numbers, int)), caption, uuid)


def answer_table(evaluation: Evaluation, rows: int, caption: str, uuid: str, width: int = 280):
    """A few answers with what was read in them, text shortened to `width`.

    Refused for credentialed data, whose text is never shown.
    """
    _refuse_credentialed(evaluation.dataset)
    lines = []
    for example, reply, reading, status in list(
        zip(
            evaluation.examples,
            evaluation.answers,
            evaluation.readings,
            evaluation.statuses,
            strict=True,
        )
    )[:rows]:
        text = " ".join(reply.text.split())
        text = text if len(text) <= width else f"{text[: width // 2]} ... {text[-width // 2 :]}"
        lines.append(
            {
                "Item": example.id,
                "Answer": text,
                "Status": status,
                "Reading": members(reading),
                "Gold": members(example.gold),
            }
        )
    return table(pd.DataFrame(lines), caption, uuid)


def unread_table(evaluations: Sequence[Evaluation], rows: int, caption: str, uuid: str):
    """Answers without a reading, taken in turn from the data sets."""
    found = []
    for run in evaluations:
        if DATASETS[run.dataset].tier == "credentialed":
            continue
        unread = [
            {
                "Data set": DATASETS[run.dataset].name,
                "Item": example.id,
                "Status": status,
                "End of the answer": _end(reply.text),
                "Why": reply.detail or "no final statement found",
            }
            for example, reply, status in zip(run.examples, run.answers, run.statuses, strict=True)
            if status != "ok"
        ]
        found.append(unread)
    turns = [row for turn in zip_longest(*found) for row in turn if row][:rows]
    if not turns:
        turns = [{"Data set": "all", "Status": "every answer was read"}]
    return table(pd.DataFrame(turns), caption, uuid)


def _end(text: str, width: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"... {text[-width:]}"


def example_table(examples: Sequence[Example], caption: str, uuid: str):
    """Items as they are asked, with gold; refused for credentialed data."""
    rows = []
    for example in examples:
        _refuse_credentialed(example.dataset)
        question = prompt(example.dataset).question(example)
        rows.append(
            {
                "Data set": DATASETS[example.dataset].name,
                "Item": example.id,
                "Question": question,
                "Gold": members(example.gold),
            }
        )
    return table(pd.DataFrame(rows), caption, uuid)


def prompt_text(example: Example, pool: Sequence[Example] = (), shots: int = 0, seed: int = 0):
    """The whole prompt of an item, turn by turn, as preformatted text."""
    from IPython.display import HTML

    _refuse_credentialed(example.dataset)
    chosen = exemplars(example, exemplar_order(pool, seed), shots) if shots else ()
    turns = build(example, chosen)
    blocks = (
        f"<dt>{escape(turn['role'])}</dt><dd><pre>{escape(turn['content'])}</pre></dd>"
        for turn in turns
    )
    return HTML(f'<dl class="prompt">{"".join(blocks)}</dl>')


def reading_of(evaluations: Sequence[Evaluation]):
    """What the figure says, computed from the scores: one line a data set."""
    from IPython.display import Markdown

    lines = []
    for run in evaluations:
        scores = run.scores
        low, high = scores.interval
        line = (
            f"- **{DATASETS[run.dataset].name}**: {points(scores.value)} "
            f"({points(low)} to {points(high)}, n = {scores.n})"
        )
        reference = scores.extra.get("majority_accuracy")
        if reference is not None:
            relation = "not told apart from"
            if low > reference or high < reference:
                relation = "above" if low > reference else "below"
            line += f", {relation} the largest class ({points(reference)})"
        lines.append(f"{line}; {points(scores.coverage)} % of the answers were read.")
    return Markdown("\n".join(lines))


def _refuse_credentialed(key: str) -> None:
    if DATASETS[key].tier == "credentialed":
        raise BenchHealthError(f"{key} is credentialed: its text is never shown in a notebook.")


def members(value) -> str:
    """Gold or a reading as one line of text."""
    if value is None:
        return "not read"
    if isinstance(value, frozenset):
        return "; ".join(map(str, sorted(value))) or "none"
    return value


def table(frame: pd.DataFrame, caption: str, uuid: str):
    """A frame as a page shows it: caption, fixed id, text escaped, no index."""
    return (
        frame.style.hide(axis="index")
        .format(escape="html", na_rep="")
        .set_caption(caption)
        .set_uuid(uuid)
        .set_table_attributes('class="dataframe"')
    )


def scores_figure(evaluations: Sequence[Evaluation]):
    """Scores with intervals, the paper's sixteen models, and the largest class.

    Shapes tell them apart, not colour: a filled circle with a bar is measured
    here, open circles are the paper's models, a vertical tick is the accuracy
    of always answering the largest class.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid", context="notebook")
    models = paper_scores().drop(index="sota")
    figure, axes = plt.subplots(figsize=(7.5, 0.75 * len(evaluations) + 1.6))
    dark, light = sns.color_palette("colorblind")[0], "0.45"
    for row, run in enumerate(reversed(evaluations)):
        scores = run.scores
        low, high = (100 * end for end in scores.interval)
        axes.plot(
            models[run.dataset],
            [row + 0.2] * len(models),
            "o",
            mfc="none",
            mec=light,
            ms=5,
        )
        axes.plot([low, high], [row, row], color=dark, lw=2.5, solid_capstyle="butt")
        axes.plot(100 * scores.value, row, "o", color=dark, ms=9)
        if "majority_accuracy" in scores.extra:
            axes.plot(
                100 * scores.extra["majority_accuracy"],
                row,
                "|",
                color="black",
                ms=18,
                mew=2,
            )
    axes.set_yticks(range(len(evaluations)))
    axes.set_yticklabels(
        [
            f"{DATASETS[r.dataset].name}\n{r.scores.metric.split(' over')[0]}, n={r.scores.n}"
            for r in reversed(evaluations)
        ]
    )
    axes.set_ylim(-0.6, len(evaluations) - 0.4)
    axes.set_xlim(0, 100)
    axes.set_xlabel("Score (points, 0-100)")
    name = MODELS[run.model].name if run.model in MODELS else run.model
    handles = [
        plt.Line2D([], [], color=dark, marker="o", ms=9, lw=2.5, label=f"{name}, 95 % interval"),
        plt.Line2D(
            [],
            [],
            ls="",
            marker="o",
            mfc="none",
            mec=light,
            ms=5,
            label="the paper's 16 models",
        ),
        plt.Line2D(
            [],
            [],
            ls="",
            marker="|",
            color="black",
            ms=14,
            mew=2,
            label="always the largest class",
        ),
    ]
    figure.legend(handles=handles, loc="upper center", ncols=3, frameon=False, fontsize="small")
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    return figure


def publish(name: str, value) -> None:
    """Record a value in the notebook, for other pages and for tests.

    The output carries the MIME prefix that both myst-nb's ``glue`` and code
    that opens the executed notebook understand; nothing is shown.
    """
    from IPython.display import display

    prefix = "application/papermill.record/"
    if not isinstance(value, (str, int, float)):
        raise BenchHealthError(f"publish takes a number or a text, not {type(value).__name__}.")
    text = value if isinstance(value, str) else repr(value)
    display(
        {f"{prefix}text/plain": text},
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": prefix}},
    )
