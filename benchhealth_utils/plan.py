"""What a run will take: tokens, dollars, time, before anything is asked.

``python -m benchhealth_utils.plan --model openai:<model> --datasets gad hoc``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from .answers import MODES, make_requests
from .availability import how_to_get
from .backends import Request
from .backends.budget import PRICE, Price, most_prompt_tokens, stated_price
from .datasets import DATASETS, data_root, load, provenance, subset
from .models import check_name, listed_price, template, vendor_model
from .prompts import PROMPTS
from .schema import BenchHealthError, ModelError

LETTERS = 4  # of English text to a token, where no tokenizer is at hand
MARKS = 4  # tokens of a chat format around a message, by the same rule of thumb


@dataclass(frozen=True)
class Tokens:
    """How the tokens of a model are counted: of a request's prompt, and of a text."""

    prompt: Callable[[Request], int]
    text: Callable[[str], int]
    how: str
    exact: bool = False


def plan(
    model: str,
    datasets: Sequence[str],
    *,
    shots: int = 0,
    limit: int | None = None,
    seed: int = 0,
    mode: str = "generate",
    seconds: float = 2.0,
    price: Price | None = None,
) -> pd.DataFrame:
    """Tokens, money and time of a run, a row a data set.

    Parameters
    ----------
    model : str
        As for `open_model`; it is not opened, only its tokenizer is read.
    datasets : sequence of str
    shots, limit, seed, mode
        As in `evaluate_all`.
    seconds : float
        Time for an item.
    price : Price, optional
        By default what ``BENCHHEALTH_PRICE`` states or the registry lists.

    Returns
    -------
    DataFrame
        Columns: Data set, Data, Items, Prompt tokens, Reply tokens expected (as
        long as the gold) and at most, Dollars expected and at most, Hours.
        Dollars are missing without a price. ``attrs["counted"]`` says how
        tokens were counted, ``attrs["priced"]`` where the price is from.

    Raises
    ------
    BenchHealthError
        If there is no such model or data set.
    """
    spec = check_name(model)
    if unknown := [key for key in datasets if key not in DATASETS]:
        raise BenchHealthError(
            f"There is no data set '{unknown[0]}'. Known: {', '.join(DATASETS)}."
        )
    price, priced = _price(model, price)
    tokens = counter(model)
    rows = []
    for key in datasets:
        whole = load(key)
        items = subset(whole, limit, seed)
        closed = mode if PROMPTS[key].labels is not None else "generate"
        requests, _ = make_requests(
            items, shots=shots, seed=seed, mode=closed, cap=spec.max_tokens if spec else None
        )
        asked = [max(1, len(request.labels)) for request in requests]  # a label, a request
        prompts = _sum(tokens.prompt, requests, asked)
        bound = prompts if tokens.exact else _sum(_most_prompt_tokens, requests, asked)
        most = sum(len(request.labels) or request.max_tokens for request in requests)
        likely = sum(
            len(request.labels)
            or min(tokens.text(PROMPTS[key].answer(item)) + 1, request.max_tokens)
            for item, request in zip(items, requests, strict=True)
        )
        rows.append(
            {
                "Data set": DATASETS[key].name,
                "Data": provenance(key, whole, data_root())["source"],
                "Items": len(items),
                "Prompt tokens": prompts,
                "Reply tokens, expected": likely,
                "Reply tokens, at most": most,
                "Dollars, expected": price.of(prompts, likely) if price else None,
                "Dollars, at most": price.of(bound, most) if price else None,
                "Hours": len(items) * seconds / 3600,
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs |= {"counted": tokens.how, "priced": priced}
    return frame


def _sum(count: Callable[[Request], int], requests: Sequence[Request], asked) -> int:
    return sum(n * count(request) for request, n in zip(requests, asked, strict=True))


def _most_prompt_tokens(request: Request) -> int:
    """A bound on the prompt's tokens, with the longest label behind it."""
    label = max((len(label.encode()) for label in request.labels), default=0)
    return most_prompt_tokens(request.messages) + label


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
    budget = getattr(model, "budget", None)
    if budget is None:
        return
    print(f"The plan for {model.name} at {model.endpoint}, if no answer is stored yet:")
    print(as_text(plan(model.name, datasets, price=budget.price, **options)))
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
    return (
        f"{lines}\n\nPrompt tokens: {frame.attrs['counted']}.\nPrice: {frame.attrs['priced']}."
    )


def _price(model: str, given: Price | None) -> tuple[Price | None, str]:
    if given:
        return given, "as given"
    if stated := stated_price():
        return stated, f"from {PRICE}"
    form, _, rest = model.partition(":")
    known = vendor_model(rest.partition("#")[0] or form)
    if known and known.price:
        return listed_price(known.key), f"the vendor's list of {known.price['listed']}"
    return None, f"not known; state it with {PRICE}=PROMPT/COMPLETION, in dollars for a million"


def counter(model: str) -> Tokens:
    """How to count the tokens of a model: by its own tokenizer, tiktoken, or letters."""
    spec = check_name(model)
    form, _, rest = model.partition(":")
    if form == "anthropic" or (spec and spec.published == "api" and spec.protocol == "anthropic"):
        return _estimate()
    if form == "openai" or (spec and spec.published == "api"):
        return _tiktoken(rest.partition("#")[0] or spec.checkpoint) or _estimate()
    return _own(model, spec) or _estimate()


def _estimate() -> Tokens:
    how = f"estimated, {LETTERS} letters a token; the most assumes a token a byte"
    return _by_message(lambda text: len(text) // LETTERS, how)


def _by_message(text: Callable[[str], int], how: str) -> Tokens:
    return Tokens(lambda r: sum(text(m["content"]) + MARKS for m in r.messages), text, how)


def _tiktoken(model: str) -> Tokens | None:
    """OpenAI's tokenizer, if its package and the table of the model are here."""
    try:
        import tiktoken

        encoding = tiktoken.encoding_for_model(model)
    except Exception:  # no package, no such model, or no network for its table
        return None
    return _by_message(lambda text: len(encoding.encode(text)), "counted with tiktoken")


def _own(model: str, spec) -> Tokens | None:
    """The model's own tokenizer, if it is on this machine; its weights are not read."""
    try:
        from transformers import AutoConfig, AutoTokenizer

        from .backends.machine import context_window
        from .backends.opening import weights_of
        from .backends.rendering import render

        weights = weights_of(model)
    except (ImportError, ModelError):
        return None
    options = {"gguf_file": weights.gguf} if weights.gguf else {}
    tokenizer = AutoTokenizer.from_pretrained(weights.folder, **options)
    if spec and spec.template and tokenizer.chat_template is None:
        tokenizer.chat_template = template(spec.template)
    window = context_window(AutoConfig.from_pretrained(weights.folder, **options))
    return Tokens(
        prompt=lambda r: len(render(tokenizer, r, window - r.max_tokens).ids),
        text=lambda text: len(tokenizer(text, add_special_tokens=False).input_ids),
        how="counted with the model's own tokenizer",
        exact=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchhealth_utils.plan", description="What a run will take."
    )
    parser.add_argument("--model", required=True, help="a key of data/models.yaml or an open form")
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), metavar="KEY")
    parser.add_argument("--shots", type=int, default=0, help="exemplars before each item")
    parser.add_argument("--limit", type=int, default=0, help="items of each data set; 0: all")
    parser.add_argument("--mode", choices=MODES, default=MODES[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="time for an item")
    options = vars(parser.parse_args(arguments))
    model = options.pop("model")
    try:
        frame = plan(model, options.pop("datasets"), **options)
    except BenchHealthError as error:
        raise SystemExit(f"{error}") from None
    print(as_text(frame))
    known = vendor_model(model.partition(":")[2].partition("#")[0] or model)
    if known and known.retired:
        print(how_to_get(known, snapshot=model.partition(":")[2]))


if __name__ == "__main__":
    main()
