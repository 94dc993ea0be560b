"""What a run will take: tokens, dollars, time, before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from .answers import MODES, Store, answer_key, make_requests, store_path
from .data import data_root, load, provenance, subset
from .models import Backend, Request, check_name, modes_of
from .models.local import open_prompts
from .models.money import Price, known_price, most_tokens
from .perturb import perturb
from .registry import REMOTE, dataset, known, parts, recorded_name, template
from .schema import BenchHealthError, ModelError, whole_number
from .tasks import TASKS

LETTERS = 4  # of English text to a token, by rule of thumb
SHARE = 0.5  # of its limit that a reply is expected to take, where no answer is stored


class Job:
    """A data set asked in one way: its items, and the requests made of them."""

    def __init__(self, key, shots, draw, kind, mode, limit, seed, *, cap=None, learns=False):
        self.key, self.shots, self.draw, self.kind, self.mode = key, shots, draw, kind, mode
        self.seed, self.root = seed, data_root()
        self.whole = load(key, root=self.root)
        self.examples = self.asked = subset(self.whole, limit, seed)
        if kind:
            self.asked = [perturb(item, kind, seed) for item in self.examples]
        pool = load(key, "train", root=self.root) if shots or learns else None
        if pool and kind == "worked_steps":  # the exemplars change, not the item
            pool = [perturb(item, kind) for item in pool]
        how = dict(shots=shots, seed=draw, mode=mode, pool=pool, cap=cap)
        self.requests, self.pool = make_requests(self.asked, **how)


def plan(
    model: str,
    datasets: str | Sequence[str],
    *,
    shots: int = 0,
    limit: int | None = None,
    seed: int = 0,
    mode: str = "generate",
    exemplar_seed: int | None = None,
    perturbation: str | None = None,
    seconds: float = 2.0,
    price: Price | None = None,
    store=None,
) -> pd.DataFrame:
    """Tokens, money and time of a run, a row a data set.

    Parameters
    ----------
    model : str
        As for `open_model`; it is not opened, only its tokenizer is read.
    datasets, shots, limit, seed, mode, exemplar_seed, perturbation, store
        As in `evaluate`.
    seconds : float
        Time for a request.
    price : Price, optional
        By default what ``BENCHHEALTH_PRICE`` states or the registry lists.

    Returns
    -------
    DataFrame
        Columns: dataset, source, items, requests (equal prompts are asked once),
        prompt_tokens, reply_tokens (as long as the model's stored answers, or half of what is
        allowed), most_reply_tokens, dollars and most_dollars (NaN without a price), hours.
        ``attrs`` say how tokens were ``counted`` and from where the model is ``priced``.
    """
    model = str(model)
    spec, (form, _, style) = check_name(model), parts(model)
    whole_number("limit", limit or 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise BenchHealthError(f"seconds is {seconds!r}; expected 0 or more.")
    price, priced = (price, "as given") if price else known_price(model)
    count, counted = _counter(model)
    jinja = template(style) if form in REMOTE and style else None
    draw = exemplar_seed if shots and exemplar_seed is not None else seed
    cap, rows = spec.max_tokens if spec else None, []
    known("mode", mode, MODES)
    for key in keys_of(datasets):
        how = mode_of(key, mode, modes_of(model))
        job = Job(key, shots, draw, perturbation, how, limit, seed, cap=cap)
        requests = list({answer_key({}, request): request for request in job.requests}.values())
        bounds = [most_tokens(request, jinja) for request in requests]
        bound, most = (sum(each) for each in zip(*bounds, strict=True))
        most = 0 if how == "likelihood" else most
        written = _written(recorded_name(model), key, store)
        likely = round(SHARE * most if written is None else min(most, written * len(requests)))
        prompts = sum(map(count, requests))
        row = {"dataset": key, "source": provenance(key, job.whole, job.root)["source"]}
        row |= {"items": len(job.asked), "requests": len(requests), "prompt_tokens": prompts}
        row |= {"reply_tokens": likely, "most_reply_tokens": most}
        row["dollars"] = price.of(prompts, likely) if price else math.nan
        row["most_dollars"] = price.of(bound, most) if price else math.nan
        rows.append(row | {"hours": len(requests) * seconds / 3600})
    frame = pd.DataFrame(rows)
    frame.attrs |= {"counted": counted, "priced": priced}
    return frame


def keys_of(datasets: str | Sequence[str]) -> list[str]:
    """Keys of data sets, of one or of several; an unknown one is refused, and one named twice."""
    several = isinstance(datasets, Iterable) and not isinstance(datasets, str)
    keys = [dataset(key).key for key in (datasets if several else [datasets])]
    if len(set(keys)) < len(keys):
        raise BenchHealthError(f"A data set is named twice: {', '.join(keys)}.")
    return keys


def mode_of(key: str, mode: str, offered: Sequence[str]) -> str:
    """How a data set is asked: open questions, and a model without this mode, in free text."""
    return mode if TASKS[key].labels and mode in offered else "generate"


def _counter(model: str) -> tuple[Callable[[Request], int], str]:
    """How the tokens of a prompt are counted: by the model's own tokenizer if it is here."""
    if (form := parts(model)[0]) not in REMOTE:
        try:
            prompts = open_prompts(model)
            return lambda r: len(prompts.render(r).ids), "counted with the model's own tokenizer"
        except (ImportError, ModelError) as error:
            if form == "hf" and isinstance(error, ModelError):
                raise
    how = f"estimated, {LETTERS} letters a token; the most assumes a token a byte"
    return lambda r: sum(len(m["content"]) // LETTERS + 4 for m in r.messages), how


def _written(name: str, key: str, store) -> float | None:
    """Tokens of a reply, on average, that the model has written on this data set before."""
    answers = Store(store_path(name, key, store)).read().values()
    counts = [n for item in answers if (n := item.usage.get("completion_tokens"))]
    return sum(counts) / len(counts) if counts else None


def announce(model: Backend, datasets: Sequence[str], **options) -> None:
    """Print the plan of a run, of a model that has a price or a budget, before it is asked.

    Parameters
    ----------
    model : Backend
    datasets : sequence of str
    **options
        Of `plan`.
    """
    if model.budget is None:
        return
    frame = plan(model.name, datasets, price=model.price, **options)
    frame.attrs["priced"] = model.priced
    print(f"The plan for {model.name} at {model.place}, if no answer is stored yet:")
    print(as_text(frame))
    limit = "none" if model.budget.limit is None else f"{model.budget.limit:g} dollars"
    print(f"Budget: {limit}.")


def as_text(frame: pd.DataFrame) -> str:
    """A plan with its sums, in lines."""
    whole = frame.copy()
    whole.loc["all"] = frame.sum(numeric_only=True, min_count=1)
    form = dict.fromkeys(frame.select_dtypes("number"), "{:,.0f}".format)
    form |= dict.fromkeys(("dollars", "most_dollars"), "{:,.4f}".format)
    whole = whole.fillna({"dataset": "all", "source": ""})
    lines = whole.to_string(index=False, na_rep="-", formatters=form | {"hours": "{:.2f}".format})
    return f"{lines}\n\nPrompt tokens: {frame.attrs['counted']}.\nPrice: {frame.attrs['priced']}."
