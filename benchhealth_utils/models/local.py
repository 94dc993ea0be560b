"""Causal language models on this machine, through transformers.

Greedy. Where `decoding` shows that an answer does not depend on what is asked beside it, only
what is wanted is computed. Elsewhere prompts are grouped into batches by length, and the batch
is part of the answer's key: a function of the requests alone, never of what is stored.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from ..registry import MODELS, parts, recorded_name, template
from ..schema import ModelError, digest
from .base import Backend, Replies, Reply, Request, before_stop, needed, stated_thinking
from .money import stated_limit
from .weights import model_of, tokenizer_of, weights_of, window_of

BITS, DEVICE, DTYPE = (f"BENCHHEALTH_{each}" for each in ("BITS", "DEVICE", "DTYPE"))
BATCH_TOKENS = 16_384  # prompt and reply tokens held at once, padding included
BATCH_ROWS = 16
LONGEST, ROOM = 10_000_000, 2**29  # letters of a prompt, bytes to put it together in
VERSION = 3  # of how a prompt becomes tokens, and tokens a text


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
        counts = {"prompt_tokens": len(self.ids), "completion_tokens": written}
        return {**counts, "cut_tokens": self.cut}


class Prompts:
    """A tokenizer and a chat format: what a model is sent, as text and as token ids.

    Parameters
    ----------
    name : str
        As for `open_model`, a key or of the form ``hf:``.
    tokenizer : object
        Of transformers.
    window : int
        Tokens of prompt and reply together.
    """

    def __init__(self, name: str, tokenizer, window: int):
        self.name, self.tokenizer, self.window = name, tokenizer, window
        spec, style, own = MODELS.get(name), parts(name)[2], tokenizer.chat_template
        if spec:
            tokenizer.chat_template = own or (template(spec.template) if spec.template else None)
            self.stop = spec.stop
        else:
            tokenizer.chat_template = template(style) if style else own
            stops = (known.stop for known in MODELS.values() if style and known.template == style)
            self.stop = next(stops, ())
        switch = stated_thinking()
        self.switch = switch if "thinking" in str(tokenizer.chat_template) else {}

    def text(self, messages) -> str:
        """Messages in the model's own chat format, ready for its reply.

        A tokenizer without a chat template is that of a base model: its prompt is
        the turns parted by blank lines.
        """
        from jinja2 import TemplateError

        turns = [dict(message) for message in messages]
        if self.tokenizer.chat_template is None:
            return "".join(f"{turn['content']}\n\n" for turn in turns)
        put = {"add_generation_prompt": True, "tokenize": False, **self.switch}
        try:
            with _little_memory():
                text = self.tokenizer.apply_chat_template(turns, **put)
            if len(text) > LONGEST:
                raise MemoryError(f"{len(text):,} letters")
        except (TemplateError, MemoryError) as error:
            said = str(error) or "out of memory"
            raise ModelError(f"{self.name}: its chat format fails on the prompt: {said}") from None
        return text

    def ids(self, text: str) -> tuple[int, ...]:
        """Token ids with exactly one beginning token, if the tokenizer wants one."""
        ids, bos = self._plain(text), self.tokenizer.bos_token_id
        wanted = bos is not None and self.tokenizer("").input_ids[:1] == [bos]
        return (bos, *ids) if wanted and ids[:1] != [bos] else tuple(ids)

    def render(self, request: Request) -> Rendered:
        """A request's prompt, with room for the reply.

        The document is shortened, never the instruction: from its end, or from its
        beginning where the question stands at the end.
        """
        room = self.window - request.max_tokens
        full = self._put(request, request.document)
        if len(full.ids) <= room:
            return full
        document = self._plain(request.document)
        keep = len(document) - (len(full.ids) - room)
        while keep > 0:
            part = document[-keep:] if request.keep_end else document[:keep]
            lost = len(document) - keep
            shorter = self._put(request, self.tokenizer.decode(part), lost)
            if len(shorter.ids) <= room:
                return shorter
            keep -= max(1, len(shorter.ids) - room)
        return Rendered("", (), len(document))

    def label(self, prompt: Rendered, label: str) -> tuple[int, ...]:
        """Token ids of `label` after the prompt, tokenised together with it.

        Raises
        ------
        ModelError
            If the tokenizer merges the end of the prompt with the label.
        """
        both = self.ids(prompt.text + label)
        if both[: len(prompt.ids)] != prompt.ids or len(both) == len(prompt.ids):
            raise ModelError(
                f"{self.name}: the tokenizer merges the end of the prompt with '{label}', so the "
                "label's probability is not defined. Use mode='generate'."
            )
        return both[len(prompt.ids) :]

    def _plain(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def _put(self, request: Request, document: str, cut: int = 0) -> Rendered:
        *before, last = request.messages
        if document != request.document:
            head, found, tail = last["content"].rpartition(request.document)
            last = {**last, "content": head + (document if found else "") + tail}
        text = self.text([*before, last]) + request.cue
        return Rendered(text, self.ids(text), cut)


@contextmanager
def _little_memory():
    """What a stranger's chat format may take: `ROOM` bytes more, where the system can say so."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = [used + ROOM, *(each for each in before if each != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(most), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def open_prompts(name: str) -> Prompts:
    """The prompts of a model whose weights are not wanted: nothing else is read or fetched.

    Raises
    ------
    ModelError
        If there is no tokenizer to be had.
    """
    weights, shown = weights_of(name, tokenizer_only=True), recorded_name(name)
    return Prompts(name, tokenizer_of(shown, weights), window_of(shown, weights))


class LocalModel(Backend):
    """A transformers causal LM behind the backend interface.

    Parameters
    ----------
    name : str
        Key or open form, as the user wrote it.
    dtype, device, bits
        As for `open_model`.
    """

    modes = ("generate", "likelihood")

    def __init__(self, name: str, *, dtype=None, device=None, bits=None):
        # threads that wait for each other should sleep: if another process takes a core, an
        # answer took five times as long with threads that wait busily
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self.name, spec = recorded_name(name), MODELS.get(name)
        self.max_tokens = spec.max_tokens if spec else None
        bits = bits or os.environ.get(BITS) or None
        if bits is not None and str(bits) not in ("4", "8"):
            raise ModelError(f"{self.name}: bits is {bits}; expected 4 or 8.")
        bits, device = bits and int(bits), device or os.environ.get(DEVICE)
        dtype = dtype or os.environ.get(DTYPE)
        self.room = stated_limit()
        weights = weights_of(name)
        needed("transformers", name, "`pip install -e '.[local]'`, or try `-p model majority`")
        self.tokenizer = tokenizer = tokenizer_of(self.name, weights)
        self.prompts = Prompts(name, tokenizer, window_of(self.name, weights))
        self.model = model_of(self.name, weights, dtype, device, bits)
        self.device, self.stop = str(self.model.device), self.prompts.stop
        tokenizer.padding_side = "left"
        rows = len(self.model.get_input_embeddings().weight)
        if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= rows:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        own = self.model.generation_config.eos_token_id
        ends = {*(own if isinstance(own, list) else [own]), tokenizer.eos_token_id} - {None}
        self.ends = sorted(ends)
        self.marks = {*self.ends, tokenizer.pad_token_id}
        thinking = self.prompts.switch.get("thinking")
        stated = {"bits": bits, "stop": list(self.stop), "reply_limit": self.room}
        self.signature = {
            "backend": "transformers",
            "version": VERSION,
            "weights": weights.fingerprint,
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "device": self.device.split(":")[0],
            "decoding": "greedy",
            "template": digest(tokenizer.chat_template or "")[:16],
            "torch": version("torch"),
            "transformers": version("transformers"),
            **{key: value for key, value in stated.items() if value},
            **({} if thinking is None else {"thinking": thinking}),
        }

    def prompt_text(self, messages) -> str:
        """The whole prompt as the model reads it, with its own marks."""
        return self.prompts.text(messages)

    @cached_property
    def engine(self):
        """What computes replies, see `decoding`, and whether it does so exactly."""
        from . import decoding

        answer = decoding.check(self.model)
        if answer == "no":
            return decoding.Padded(self.model, self.ends, self.tokenizer.pad_token_id), False
        return decoding.Packed(self.model), answer == "exactly"

    @property
    def alone(self) -> bool:
        """Whether no neighbour changes a bit of an answer."""
        return self.engine[1]

    def contexts(self, requests: Sequence[Request]) -> list[str]:
        """A hash of each request's batch, "" where no neighbour changes a bit of an answer."""
        found = [""] * len(requests)
        if not self.alone:
            rendered = [self.prompts.render(request) for request in requests]
            for batch in _batches(requests, rendered):
                together = digest([[rendered[i].ids, requests[i].max_tokens] for i in batch])
                for i in batch:
                    found[i] = together
        return found

    def replies(self, requests: Sequence[Request], wanted: Collection[int]) -> Replies:
        """See `Backend`."""
        (engine, exact), render = self.engine, self.prompts.render
        computed = wanted if exact else range(len(requests))
        rendered = [render(r) if i in computed else NOTHING for i, r in enumerate(requests)]
        if too_long := [(i, TOO_LONG) for i in sorted(wanted) if not rendered[i].ids]:
            yield too_long
        every = [i for i, prompt in enumerate(rendered) if prompt.ids]
        for batch in [every] if exact else _batches(requests, rendered):
            if not set(batch) & set(wanted):
                continue
            if not exact:
                engine.last = None  # a beginning from another batch
            for part in self._batch(engine, requests, rendered, batch):
                if found := [(i, reply) for i, reply in part if i in wanted]:
                    yield found

    def _batch(self, engine, requests, rendered, batch):
        """Answer some of the requests."""
        order = sorted(batch, key=lambda i: rendered[i].ids)  # what begins alike in a row
        scores: dict[int, dict[tuple, float]] = {i: {} for i in batch}
        rows = (row for i in order for row in self._rows(i, requests[i], rendered[i]))
        for part in engine.run(rows, self._ended):
            done = []
            for row in part:
                i, labels = row.owner
                if not (row.logits or row.written):
                    done.append((i, Reply("error", "", NO_ROOM)))
                elif row.limit:
                    done.append((i, self._reply(rendered[i], row.written)))
                else:
                    scores[i] |= _logprobs(row, labels, len(rendered[i].ids))
                    if all(label in scores[i] for label in labels):
                        values = [scores[i][label] for label in labels]
                        done.append((i, _likeliest(requests[i], rendered[i], values)))
            yield done

    def _rows(self, i: int, request: Request, prompt: Rendered):
        """What is to be computed for a request: to write on, or after the cue, for each label.

        Labels of one token each are decided by what follows the prompt; of longer ones
        also what follows their first tokens is needed.
        """
        from .decoding import Row

        if not request.labels:
            # what is stated beyond the task's own limit, as far as the window goes
            stated = min(self.room, self.prompts.window - len(prompt.ids))
            yield Row((i, ()), prompt.ids, max(request.max_tokens, stated))
            return
        labels = [self.prompts.label(prompt, label) for label in request.labels]
        for stem in dict.fromkeys(label[:-1] for label in labels):
            yield Row((i, labels), (*prompt.ids, *stem), kept=len(stem) + 1)

    def _ended(self, written: list[int]) -> bool:
        """Whether a reply is complete; a mark's letters are at least as many as its tokens."""
        if written[-1] in self.ends or not self.stop:
            return written[-1] in self.ends
        tail = self.tokenizer.decode(written[-max(map(len, self.stop)) - 4 :])
        return any(mark in tail for mark in self.stop)

    def _reply(self, prompt: Rendered, row: list[int]) -> Reply:
        stop = next((k for k, token in enumerate(row) if token in self.ends), None)
        # the marks of a thought or of another turn are the reader's business
        kept = [token for token in row[:stop] if token not in self.marks]
        whole, tokens = self.prompts.tokenizer.decode(kept), len(row) if stop is None else stop + 1
        usage, text = prompt.usage(tokens), before_stop(whole, self.stop)
        ended, text = stop is not None or text != whole, text.strip()
        if not ended:
            return Reply("truncated", text, f"no end within {tokens} tokens", usage)
        return Reply("ok" if text else "empty", text, "", usage)


def _batches(requests, rendered) -> Iterator[list[int]]:
    """Positions that are answered together: alike in mode, and near in length."""
    order, batch = [i for i, prompt in enumerate(rendered) if prompt.ids], []
    order.sort(key=lambda i: (bool(requests[i].labels), -len(rendered[i].ids), i))
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


def _logprobs(row, labels, length: int) -> dict[tuple, float]:
    """Summed log-probabilities, after a prompt of so many tokens, of the labels a row decides."""
    own = [label for label in labels if label[:-1] == row.prompt[length:]]
    logs = [logits.log_softmax(-1) for part in row.logits for logits in part]
    each = ([log[t].item() for log, t in zip(logs, label, strict=True)] for label in own)
    return dict(zip(own, map(sum, each), strict=True))


def _likeliest(request: Request, prompt: Rendered, values: list[float]) -> Reply:
    """The label with the highest probability; the first of equals wins."""
    best = max(range(len(values)), key=lambda k: (values[k], -k))
    names = [label.strip() for label in request.labels]
    logprobs = {name: round(value, 4) for name, value in zip(names, values, strict=True)}
    usage = {**prompt.usage(0), "logprobs": logprobs}
    return Reply("ok", f"{request.cue}{request.labels[best]}", "by likelihood", usage)


NOTHING = Rendered("", ())
TOO_LONG = Reply("truncated", "", "the prompt without its document does not fit the context window")
NO_ROOM = "out of memory with a single prompt; try BENCHHEALTH_BITS=4 or BENCHHEALTH_DEVICE=auto"
