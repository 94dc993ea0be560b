"""The most probable of some labels, by a model on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import Reply, Request
from .rendering import Rendered, continuation


def most_probable(
    model, tokenizer, requests: Sequence[Request], rendered: Sequence[Rendered], pad: Callable, name
) -> list[Reply]:
    """The label whose tokens, after the cue, have the highest probability.

    Labels are compared by the sum of their tokens' log-probabilities; the first
    of equals wins. Where every label is one token, one forward pass serves all.

    Parameters
    ----------
    model, tokenizer
        Of transformers.
    requests, rendered : sequences of equal length
        One batch.
    pad : callable
        Makes tensors of rows of token ids, padded on the left.
    name : str
        The model's, for messages.

    Returns
    -------
    list of Reply
    """
    import torch

    rows, owners, choices = [], [], []
    for which, (request, prompt) in enumerate(zip(requests, rendered, strict=True)):
        labels = [continuation(tokenizer, prompt, label, name) for label in request.labels]
        choices.append(labels)
        single = all(len(label) == 1 for label in labels)
        for label in [()] if single else labels:
            rows.append((*prompt.ids, *label))
            owners.append((which, len(label)))
    inputs = pad(rows)
    longest = max(length for _, length in owners)
    with torch.inference_mode():
        positions = inputs.attention_mask.cumsum(-1).sub(1).clamp(min=0)
        logits = model(**inputs, position_ids=positions, logits_to_keep=longest + 1).logits.float()
        logs = logits.log_softmax(-1)
    scores: list[list[float]] = [[] for _ in requests]
    for row, (which, length) in enumerate(owners):
        if length == 0:
            scores[which] = [logs[row, -1, label[0]].item() for label in choices[which]]
        else:
            at = logs[row, -length - 1 : -1]
            tokens = rows[row][-length:]
            scores[which].append(sum(at[k, token].item() for k, token in enumerate(tokens)))
    return [
        _likeliest(request, prompt, values)
        for request, prompt, values in zip(requests, rendered, scores, strict=True)
    ]


def _likeliest(request: Request, prompt: Rendered, values: list[float]) -> Reply:
    best = max(range(len(values)), key=lambda k: (values[k], -k))
    names = [label.strip() for label in request.labels]
    logprobs = {name: round(value, 4) for name, value in zip(names, values, strict=True)}
    usage = {**prompt.usage(0), "logprobs": logprobs}
    return Reply("ok", f"{request.cue}{request.labels[best]}", "by likelihood", usage)
