"""What a run will take: tokens, dollars, time, before anything is asked.

``python -m benchhealth_utils.plan --model openai:<model> --datasets gad hoc``
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import pandas as pd

from .answers import MODES, answer_key, make_requests
from .backends import Request
from .backends.budget import Price, most_tokens
from .backends.prices import known_price
from .datasets import DATASETS, data_root, load, provenance, subset
from .models import REMOTE, check_name, how_to_get, modes_of, parts, template, vendor_model
from .perturb import perturb
from .schema import BenchHealthError, Example
from .tasks import TASKS
from .tokens import Tokens, counter


def plan(
    model: str,
    datasets: Sequence[str],
    *,
    shots: int = 0,
    limit: int | None = None,
    seed: int = 0,
    mode: str = "generate",
    exemplar_seed: int | None = None,
    rewording: str | None = None,
    seconds: float = 2.0,
    price: Price | None = None,
) -> pd.DataFrame:
    """Tokens, money and time of a run, a row a data set.

    Parameters
    ----------
    model : str
        As for `open_model`; it is not opened, only its tokenizer is read.
    datasets : sequence of str
    shots, limit, seed, mode, exemplar_seed, rewording
        As in `evaluate_all`; where a model has no such mode, or a data set no
        labels, it is answered in text, as there.
    seconds : float
        Time for a request.
    price : Price, optional
        By default what ``BENCHHEALTH_PRICE`` states or the registry lists.

    Returns
    -------
    DataFrame
        Columns: Data set, Data, Items, Requests (equal prompts are asked once;
        in likelihood mode an API is asked for each label), Prompt tokens, Reply
        tokens expected (as long as the gold) and at most, Dollars expected and
        at most, Hours. Dollars are missing without a price. ``attrs["counted"]``
        says how tokens were counted, ``attrs["priced"]`` where the price is from.

    Raises
    ------
    BenchHealthError
        If there is no such model or data set, or a number is not one.
    """
    spec = check_name(model)
    _check(datasets, limit, seconds)
    price, priced = (price, "as given") if price else known_price(model)
    tokens = counter(model)
    form, _, style = parts(model)
    sent = form in REMOTE or (spec is not None and spec.published == "api")
    kind = template(style) if sent and style is not None else None
    rows = []
    for key in datasets:
        whole = load(key)
        items = subset(whole, limit, seed)
        asked = [perturb(item, rewording, seed) for item in items] if rewording else items
        closed = TASKS[key].labels is not None and mode in modes_of(model)
        requests, _ = make_requests(
            asked,
            shots=shots,
            seed=exemplar_seed if shots and exemplar_seed is not None else seed,
            mode=mode if closed or mode not in MODES else "generate",
            cap=spec.max_tokens if spec else None,
        )
        first = {answer_key({}, r): (item, r) for item, r in zip(asked, requests, strict=True)}
        counts = [_count(tokens, *pair, sent, kind) for pair in first.values()]
        calls, prompts, bound, likely, most = (sum(column) for column in zip(*counts, strict=True))
        rows.append(
            {
                "Data set": DATASETS[key].name,
                "Data": provenance(key, whole, data_root())["source"],
                "Items": len(items),
                "Requests": calls,
                "Prompt tokens": prompts,
                "Reply tokens, expected": likely,
                "Reply tokens, at most": most,
                "Dollars, expected": price.of(prompts, likely) if price else math.nan,
                "Dollars, at most": price.of(bound, most) if price else math.nan,
                "Hours": calls * seconds / 3600,
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs |= {"counted": tokens.how, "priced": priced}
    return frame


def _check(datasets: Sequence[str], limit, seconds) -> None:
    if unknown := [key for key in datasets if key not in DATASETS]:
        raise BenchHealthError(
            f"There is no data set '{unknown[0]}'. Known: {', '.join(DATASETS)}."
        )
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise BenchHealthError(f"limit is {limit!r}; expected a count, or 0 for all items.")
    if not 0 <= seconds < math.inf:
        raise BenchHealthError(f"seconds is {seconds!r}; expected 0 or more.")


def _count(
    tokens: Tokens, item: Example, request: Request, sent: bool, kind: str | None
) -> tuple[int, ...]:
    """Of one request: calls, prompt tokens, a bound on them, reply tokens expected and at most."""
    prompt, labels = tokens.prompt(request), request.labels
    gold = tokens.text(TASKS[item.dataset].answer(item.gold, item)) + 1
    if not sent:
        most = 0 if labels else request.max_tokens
        return 1, prompt, prompt, min(gold, most), most
    bound, most = most_tokens(request, kind)
    if not labels:
        return 1, prompt, bound, min(gold, most), most
    calls = len(labels)  # a label, which stands behind the prompt, is a call
    return calls, calls * prompt + sum(map(tokens.text, labels)), bound, calls, most


def announce(model, datasets: Sequence[str], **options) -> None:
    """Print the plan of a run before a model behind an API is asked.

    Parameters
    ----------
    model : backend
        Nothing is printed for one that has no price and no budget.
    datasets : sequence of str
    **options
        Of `plan`.
    """
    budget = model.budget
    if budget is None:
        return
    frame = plan(model.name, datasets, price=budget.price, **options)
    frame.attrs["priced"] = model.priced or frame.attrs["priced"]
    print(f"The plan for {model.name} at {model.place}, if no answer is stored yet:")
    print(as_text(frame))
    limit = "none" if budget.limit is None else f"{budget.limit:g} dollars"
    print(f"Budget: {limit}.")


def as_text(frame: pd.DataFrame) -> str:
    """A plan with its sums, in lines."""
    total = frame.select_dtypes("number").sum(min_count=1)
    whole = frame.copy()
    whole.loc[len(whole)] = {"Data set": "all", "Data": "", **total}
    shown = {"Hours": "{:.2f}"}
    formats = {
        name: shown.get(name, "{:,.4f}" if name.startswith("Dollars") else "{:,.0f}").format
        for name in total.index
    }
    lines = whole.to_string(index=False, formatters=formats, na_rep="-")
    return f"{lines}\n\nPrompt tokens: {frame.attrs['counted']}.\nPrice: {frame.attrs['priced']}."


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchhealth_utils.plan", description="What a run will take."
    )
    parser.add_argument("--model", required=True, help="a key of data/models.yaml or an open form")
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), metavar="KEY")
    parser.add_argument("--shots", type=int, default=0, help="exemplars before each item")
    parser.add_argument("--limit", type=int, default=0, help="items of each data set; 0: all")
    parser.add_argument("--mode", choices=MODES, default=MODES[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="time for a request")
    options = vars(parser.parse_args(arguments))
    model = options.pop("model")
    try:
        frame = plan(model, options.pop("datasets"), **options)
    except BenchHealthError as error:
        raise SystemExit(f"{error}") from None
    print(as_text(frame))
    name = model if check_name(model) else parts(model)[1]
    known = vendor_model(name)
    if known and known.retired_since(name):
        print(how_to_get(known, snapshot=name))


if __name__ == "__main__":
    main()
