"""Tables of a chapter: items, prompts, answers, scores, and what was not read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import zip_longest

import pandas as pd

from ..datasets import DATASETS
from ..evaluation import Evaluation
from ..privacy import check_may_show, is_credentialed
from ..prompts import build, exemplar_order, exemplars
from ..schema import Example
from ..tasks import TASKS
from .constant import constant_answer
from .recording import paper_scores
from .sources import data_note
from .style import members, points, printed, span, table, with_interval


def example_table(examples: Sequence[Example], caption: str, uuid: str):
    """Items as they are asked, with gold; refused for credentialed data.

    Without items it says that credentialed text is not shown.
    """
    rows = []
    for example in examples:
        check_may_show(example.dataset)
        question = TASKS[example.dataset].question(example)
        rows.append(
            {
                "Data set": DATASETS[example.dataset].name,
                "Item": example.id,
                "Question": question,
                "Gold": members(example.gold, example.inputs.get("sentence", "")),
            }
        )
    rows = rows or [{"Item": "credentialed text is not shown"}]
    return table(pd.DataFrame(rows), caption, uuid)


def prompt_text(example: Example, pool=(), shots: int = 0, seed: int = 0, model=None):
    """The whole prompt of an item, as preformatted text.

    With a `model` that has a chat format, what it reads, marks and system text
    included; else the messages, turn by turn.
    """
    from IPython.display import HTML

    check_may_show(example.dataset)
    chosen = exemplars(example, exemplar_order(pool, seed), shots) if shots else ()
    turns = build(example, chosen)
    if model is not None and (text := model.prompt_text(turns)):
        return HTML(f'<pre class="prompt">{escape(text)}</pre>')
    blocks = (
        f"<dt>{escape(turn['role'])}</dt><dd><pre>{escape(turn['content'])}</pre></dd>"
        for turn in turns
    )
    return HTML(f'<dl class="prompt">{"".join(blocks)}</dl>')


def answer_table(evaluation: Evaluation, rows: int, caption: str, uuid: str, width: int = 280):
    """A few answers with what was read in them, text shortened to `width`.

    Refused for credentialed data, whose text is never shown.
    """
    check_may_show(evaluation.dataset)
    lines = []
    for example, reply, reading, status in evaluation.rows[:rows]:
        text = " ".join(reply.text.split())
        text = text if len(text) <= width else f"{text[: width // 2]} ... {text[-width // 2 :]}"
        lines.append(
            {
                "Item": example.id,
                "Answer": text,
                "Status": status,
                "Reading": members(reading, example.inputs.get("sentence", "")),
                "Gold": members(example.gold, example.inputs.get("sentence", "")),
            }
        )
    return table(pd.DataFrame(lines), caption, uuid)


def scores_table(evaluations: Sequence[Evaluation], caption: str, uuid: str = "scores"):
    """Scores of one model over data sets, beside the paper's.

    A column that would be empty is left out: chance, where no set has one, and the
    paper's score of this model, where the paper has not this model.

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
        rows.append(
            {
                "Data set and metric": f"{DATASETS[key].name}: {scores.metric}",
                "n": scores.n,
                "Score (95 % interval)": with_interval(scores),
                "Precision": points(scores.precision),
                "Recall": points(scores.recall),
                "Coverage": points(scores.coverage),
                "Chance": points(scores.extra["chance"]) if "chance" in scores.extra else "",
                "Constant answer": str(constant_answer(run) or "none"),
                "The paper's 16": span(models[key], printed),
                "This model in the paper": "" if own is None or pd.isna(own) else f"{own:.1f}",
            }
        )
    frame = pd.DataFrame(rows)
    empty = [name for name in ("Chance", "This model in the paper") if not any(frame[name])]
    return table(frame.drop(columns=empty), f"{caption} {data_note(evaluations)}", uuid)


def reading_of(evaluations: Sequence[Evaluation]):
    """What the figure says, computed from the scores: one line a data set."""
    from IPython.display import Markdown

    lines = []
    for run in evaluations:
        scores = run.scores
        low, high = scores.interval
        line = f"- **{DATASETS[run.dataset].name}**: {with_interval(scores)}, n = {scores.n}"
        if constant := constant_answer(run):
            relation = "not told apart from"
            if low > constant.value or high < constant.value:
                relation = "above" if low > constant.value else "below"
            line += f", {relation} a constant answer, {constant}"
        lines.append(f"{line}; {points(scores.coverage)} % of the answers were read.")
    return Markdown("\n".join(lines))


def status_table(evaluations: Sequence[Evaluation], caption: str, uuid: str = "statuses"):
    """How many answers were read, and what became of the others."""
    rows = [{"Data set": DATASETS[run.dataset].name, **run.counts} for run in evaluations]
    frame = pd.DataFrame(rows).fillna(0)
    numbers = [name for name in frame if name != "Data set"]
    title = f"{caption} {data_note(evaluations)}"
    return table(frame.astype(dict.fromkeys(numbers, int)), title, uuid)


def unread_table(evaluations: Sequence[Evaluation], rows: int, caption: str, uuid: str):
    """Answers without a reading, taken in turn from the data sets."""
    found = []
    for run in evaluations:
        if is_credentialed(run.dataset):
            continue
        unread = [
            {
                "Data set": DATASETS[run.dataset].name,
                "Item": example.id,
                "Status": status,
                "End of the answer": _end(reply.text),
                "Why": reply.detail or "no final statement found",
            }
            for example, reply, _, status in run.rows
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
