"""Causal language models on this machine, through transformers.

Greedy. Prompts are grouped into batches by length. In low precision an answer
can depend on what shares its batch, so the batch is part of the answer's key,
and it is a function of the requests alone, never of what is stored.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Collection, Iterator, Sequence
from importlib.metadata import version

from ..models.base import Backend, Reply, Request
from ..schema import ModelError, digest
from .likelihood import most_probable
from .loading import loaded, place
from .machine import context_window, is_out_of_memory
from .rendering import Rendered, before_stop, prompt_text, render
from .weights import Weights

BATCH_TOKENS = 16_384  # prompt and reply tokens held at once, padding included
BATCH_ROWS = 16


class LocalModel(Backend):
    """A transformers causal LM behind the backend interface.

    Parameters
    ----------
    name : str
        Key or open form, as the user wrote it.
    weights : Weights
        Where weights, configuration and tokenizer are.
    dtype : str, optional
        ``float32``, ``bfloat16`` or ``float16``; by default what the machine
        runs well.
    device : str, optional
        ``cuda``, ``mps``, ``cpu`` or ``auto``; by default the best there is.
    bits : {4, 8}, optional
        Load quantised, through bitsandbytes.
    template : str, optional
        Jinja chat template, for a tokenizer that carries none of its own.
    template_first : bool
        Take it also where the tokenizer has one.
    stop : sequence of str
        What ends a reply, beside the model's own mark.
    max_tokens : int, optional
        A cap of the model's own on the length of a reply.
    """

    remote = False
    modes = ("generate", "likelihood")

    def __init__(
        self,
        name: str,
        weights: Weights,
        *,
        dtype: str | None = None,
        device: str | None = None,
        bits: int | None = None,
        template: str | None = None,
        template_first: bool = False,
        stop: Sequence[str] = (),
        max_tokens: int | None = None,
    ):
        # threads that wait for each other should sleep: if another process takes a core, an
        # answer took five times as long with threads that wait busily
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            from transformers import GenerationConfig
        except ImportError as error:
            raise ModelError(
                f"{name} needs {error.name}, which is not installed. Install it with "
                "`pip install -e '.[local]'`, or try `-p model majority`."
            ) from None
        self.name, self.max_tokens, self.stop = name, max_tokens, tuple(stop)
        self.device, self.dtype = place(name, weights, device, dtype, bits)
        self.tokenizer, self.model = loaded(name, weights, self.dtype, self.device, bits)
        self.device = self.device if self.device != "auto" else str(self.model.device)
        if template and (template_first or self.tokenizer.chat_template is None):
            self.tokenizer.chat_template = template
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        self.window = context_window(self.model.config)
        own = self.model.generation_config.eos_token_id
        ends = {*(own if isinstance(own, list) else [own]), self.tokenizer.eos_token_id} - {None}
        self.ends = sorted(ends)
        # nothing of the model's own decoding, such as a repetition penalty
        self.greedy = GenerationConfig(
            do_sample=False, eos_token_id=self.ends, pad_token_id=self.tokenizer.pad_token_id
        )
        self.signature = {
            "backend": "transformers",
            "weights": weights.fingerprint,
            "dtype": self.dtype,
            "device": self.device.split(":")[0],
            "decoding": "greedy",
            "template": digest(self.tokenizer.chat_template or "")[:16],
            "torch": version("torch"),
            "transformers": version("transformers"),
            **({"bits": bits} if bits else {}),
            **({"stop": list(stop)} if stop else {}),
        }

    def prompt_text(self, messages) -> str:
        """The whole prompt as the model reads it, with its own marks."""
        return prompt_text(self.tokenizer, messages)

    def contexts(self, requests: Sequence[Request]) -> list[str]:
        """A hash of each request's batch: what it is answered together with."""
        rendered = self._render(requests)
        found = [""] * len(requests)
        for batch in self._batches(requests, rendered):
            print_of_batch = digest([[rendered[i].ids, requests[i].max_tokens] for i in batch])
            for i in batch:
                found[i] = print_of_batch
        return found

    def replies(
        self, requests: Sequence[Request], wanted: Collection[int]
    ) -> Iterator[list[tuple[int, Reply]]]:
        """See `Backend`."""
        rendered = self._render(requests)
        too_long = [(i, _TOO_LONG) for i in sorted(wanted) if not rendered[i].ids]
        if too_long:
            yield too_long
        for batch in self._batches(requests, rendered):
            if set(batch) & set(wanted):
                for positions, replies in self._run(requests, rendered, batch):
                    yield [(i, r) for i, r in zip(positions, replies, strict=True) if i in wanted]

    def _render(self, requests) -> list[Rendered]:
        return [render(self.tokenizer, r, self.window - r.max_tokens) for r in requests]

    def _batches(self, requests, rendered) -> Iterator[list[int]]:
        order = sorted(
            (i for i in range(len(requests)) if rendered[i].ids),
            key=lambda i: (bool(requests[i].labels), -len(rendered[i].ids), i),
        )
        batch: list[int] = []
        for i in order:
            longest = batch[0] if batch else i
            each = len(rendered[longest].ids) + requests[longest].max_tokens
            mixed = bool(requests[i].labels) != bool(requests[longest].labels)
            full = len(batch) == BATCH_ROWS or (len(batch) + 1) * each > BATCH_TOKENS
            if batch and (mixed or full):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _run(self, requests, rendered, batch):
        """Answer a batch; out of memory, halve it and go on."""
        work = self._choose if requests[batch[0]].labels else self._generate
        try:
            done = work([requests[i] for i in batch], [rendered[i] for i in batch])
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            done = None
        if done is not None:
            yield batch, done
            return
        gc.collect()
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()
        if len(batch) == 1:
            yield batch, [_NO_ROOM]
            return
        half = len(batch) // 2
        yield from self._run(requests, rendered, batch[:half])
        yield from self._run(requests, rendered, batch[half:])

    def _pad(self, rows):
        rows = {"input_ids": [list(row) for row in rows]}
        return self.tokenizer.pad(rows, return_tensors="pt").to(self.device)

    def _generate(self, requests, rendered) -> list[Reply]:
        import torch

        inputs = self._pad(prompt.ids for prompt in rendered)
        cache = {}
        if self.device == "cpu" and getattr(self.model, "_can_compile_fullgraph", False):
            # a cache allocated once: growing one copies it at every token
            cache = {"cache_implementation": "static", "disable_compile": True}
        if self.stop:
            cache |= {"stop_strings": list(self.stop), "tokenizer": self.tokenizer}
        with torch.inference_mode():
            output = self.model.generate(
                **inputs,
                generation_config=self.greedy,
                max_new_tokens=max(request.max_tokens for request in requests),
                **cache,
            )
        rows = output[:, inputs.input_ids.shape[1] :].tolist()
        return [self._reply(*each) for each in zip(requests, rendered, rows, strict=True)]

    def _choose(self, requests, rendered) -> list[Reply]:
        return most_probable(self.model, self.tokenizer, requests, rendered, self._pad, self.name)

    def _reply(self, request: Request, prompt: Rendered, row: list[int]) -> Reply:
        row = row[: request.max_tokens]
        stop = next((k for k, token in enumerate(row) if token in self.ends), None)
        text = self.tokenizer.decode(row[:stop], skip_special_tokens=True)
        tokens = len(row) if stop is None else stop + 1
        usage = prompt.usage(tokens)
        whole, text = text, before_stop(text, self.stop)
        ended, text = stop is not None or text != whole, text.strip()
        if not ended:
            return Reply("truncated", text, f"no end within {tokens} tokens", usage)
        return Reply("ok" if text else "empty", text, "", usage)


_TOO_LONG = Reply(
    "truncated", "", "the prompt without its document does not fit the context window"
)
_NO_ROOM = Reply(
    "error",
    "",
    "out of memory with a single prompt; try BENCHHEALTH_BITS=4 or BENCHHEALTH_DEVICE=auto",
)
