"""A model whose answers were made elsewhere and came in files: nothing can be asked of it here."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

from ..registry import parts
from ..schema import ModelError
from .base import Replies, Reply, Request, stated_thinking
from .money import stated_limit
from .remote import AnthropicModel, OpenAIModel

MISSING = 0.05  # of the items that may be without an answer, and count as errors


class Imported(OpenAIModel):
    """Answers from files, as if of OpenAI's protocol.

    Parameters
    ----------
    name : str
        Open form: what whoever asked the model calls it (declared, not seen), and whose
        prompts it was asked, if not ours.
    """

    def __init__(self, name: str):
        self.name, (_, self.model, self.harness) = name, parts(name)
        self.template, self.stop, self.remote, self.endpoint = None, [], False, ""
        self.place, self.price, self.thinking = "elsewhere", None, stated_thinking()
        prompts = f"those of {self.harness}" if self.harness else "ours, checked by digest"
        stated = {"reply_limit": stated_limit() or None, "thinking": self.thinking.get("thinking")}
        self.signature = {"backend": "imported", "model": self.model, "prompts": prompts}
        self.signature |= {"weights": "declared, not seen", "decoding": "temperature 0 asked for"}
        self.signature |= {key: value for key, value in stated.items() if value is not None}

    def replies(self, requests: Sequence[Request], wanted: Collection[int]) -> Replies:
        """Errors for the few items that have no answer, or for one that is asked alone.

        Raises
        ------
        ModelError
            If they are more than a few.
        """
        key = requests[0].example.dataset
        about = f"{self.name} has no answer to {len(wanted)} of {len(requests)} prompts of {key}"
        if len(wanted) > MISSING * len(requests) and len(requests) > 1:
            advice = "`benchhealth export` writes those that lack one, `benchhealth import` reads"
            fewer = "To score only what was answered, name it as exported: --datasets KEY --limit N"
            raise ModelError(f"{about}; nothing is scored. {advice} what came back. {fewer}.")
        warnings.warn(f"{about}: they count as errors, and the run as incomplete.", stacklevel=2)
        yield [(at, Reply("error", "", "no answer was imported")) for at in sorted(wanted)]


class ImportedMessages(Imported, AnthropicModel):
    """The same, of Anthropic's protocol."""

    reason, counts = AnthropicModel.reason, AnthropicModel.counts
    _body, _parts = AnthropicModel._body, AnthropicModel._parts
