"""From messages to token ids: chat template, one beginning token, and fitting."""

from __future__ import annotations

from dataclasses import dataclass

from ..schema import ModelError
from . import Request


@dataclass(frozen=True)
class Rendered:
    """A prompt as token ids; ``ids`` is empty if it cannot be made to fit.

    ``text`` is what was tokenised, ``cut`` counts the document's lost tokens.
    """

    text: str
    ids: tuple[int, ...]
    cut: int = 0

    def usage(self, written: int) -> dict[str, int]:
        """Tokens of the prompt, of a reply, and of what was cut off."""
        return {
            "prompt_tokens": len(self.ids),
            "completion_tokens": written,
            "cut_tokens": self.cut,
        }


def prompt_text(tokenizer, messages) -> str:
    """Messages in the model's own chat format, ready for its reply.

    A tokenizer without a chat template is that of a base model: its prompt is
    the turns parted by blank lines.
    """
    messages = [dict(message) for message in messages]
    if tokenizer.chat_template is None:
        return "\n\n".join(message["content"] for message in messages) + "\n\n"
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)


def before_stop(text: str, stop) -> str:
    """The part of a reply before the first of the marks that end it.

    >>> before_stop("Aspirin. Patient: and", ["Patient: "])
    'Aspirin. '
    """
    return text[: min((text.index(mark) for mark in stop if mark in text), default=None)]


def token_ids(tokenizer, text: str) -> tuple[int, ...]:
    """Token ids with exactly one beginning token, if the tokenizer wants one."""
    ids = tokenizer(text, add_special_tokens=False).input_ids
    bos = tokenizer.bos_token_id
    wanted = bos is not None and tokenizer("", add_special_tokens=True).input_ids[:1] == [bos]
    return (bos, *ids) if wanted and ids[:1] != [bos] else tuple(ids)


def render(tokenizer, request: Request, room: int) -> Rendered:
    """A request's prompt within `room` tokens.

    The document is shortened, never the instruction: from its end, or from its
    beginning where the question stands at the end.
    """
    full = _put(tokenizer, request, request.document)
    if len(full.ids) <= room:
        return full
    document = tokenizer(request.document, add_special_tokens=False).input_ids
    keep = len(document) - (len(full.ids) - room)
    while keep > 0:
        part = document[-keep:] if request.keep_end else document[:keep]
        shorter = _put(tokenizer, request, tokenizer.decode(part), len(document) - keep)
        if len(shorter.ids) <= room:
            return shorter
        keep -= max(1, len(shorter.ids) - room)
    return Rendered("", (), len(document))


def _put(tokenizer, request: Request, document: str, cut: int = 0) -> Rendered:
    *before, last = request.messages
    if document != request.document:
        head, found, tail = last["content"].rpartition(request.document)
        last = {**last, "content": head + (document if found else "") + tail}
    text = prompt_text(tokenizer, [*before, last]) + request.cue
    return Rendered(text, token_ids(tokenizer, text), cut)


def continuation(tokenizer, prompt: Rendered, label: str, model: str) -> tuple[int, ...]:
    """Token ids of `label` after the prompt, tokenised together with it.

    Raises
    ------
    ModelError
        If the tokenizer merges the end of the prompt with the label.
    """
    both = token_ids(tokenizer, prompt.text + label)
    if both[: len(prompt.ids)] != prompt.ids or len(both) == len(prompt.ids):
        raise ModelError(
            f"{model}: the tokenizer merges the end of the prompt with '{label}', so the "
            "label's probability is not defined. Use mode='generate'."
        )
    return both[len(prompt.ids) :]
