"""Many prompts at once through one causal language model of transformers.

`Packed` computes sequences of any length in one forward pass, without padding. Their tokens
lie one after another, so that a linear layer is one product over all of them; attention is
computed for each sequence by itself, in blocks of positions, so that the shape of every product
in it follows from the position alone. What comes out for a sequence is then the same, bit for
bit, whatever is computed beside it, wherever it is interrupted, and whether its beginning was
computed or copied; `check` shows, for a model on this machine, whether that holds. `Padded` is
for models of other kinds, as transformers does it.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, GenerationConfig
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .weights import is_out_of_memory

BLOCK = 16  # positions; beginnings are shared in whole blocks
TILE = 8  # the number of tokens in a pass is a multiple; products of 1 to 3 rows round otherwise
ROWS, TOKENS = 64, 16_384  # most sequences, and tokens of prompts and replies, held at once
PASS = 512  # most tokens in a pass, beside one of each sequence that is being continued
UNKNOWN = ("sliding_window", "softcap", "s_aux", "position_bias")  # other kinds of attention


class Row:
    """A sequence of token ids, with the keys and values of those that have been computed.

    Parameters
    ----------
    owner : object
        Whatever the caller wants to find on it again.
    prompt : sequence of int
        Token ids.
    limit : int
        Most tokens that are written after it; with 0 only the prompt's logits are wanted.
    kept : int
        Of so many of the prompt's last tokens.
    """

    def __init__(self, owner, prompt: Sequence[int], limit: int = 0, kept: int = 1):
        self.owner, self.prompt, self.limit, self.kept = owner, tuple(prompt), limit, kept
        self.begin(None)

    def begin(self, like: Row | None) -> None:
        """Start anew; what another row's prompt has in common is copied from there."""
        self.ids, self.cache, self.logits = list(self.prompt), {}, []
        self.done = in_common(self.prompt[: -self.kept], like.prompt) if like else 0
        self.like = like if self.done else None

    @property
    def written(self) -> list[int]:
        """Token ids after the prompt."""
        return self.ids[len(self.prompt) :]

    @property
    def room(self) -> int:
        """Most tokens it can come to have."""
        return len(self.prompt) + self.limit

    def plan(self, room: int) -> int:
        """Choose what of it is computed next, at most so many tokens of its prompt, in blocks.

        Returns how many tokens of the prompt may still be computed beside it.
        """
        new, writes = len(self.ids) - self.done, self.done >= len(self.prompt)
        if new > room and not writes:
            new, left = room // BLOCK * BLOCK, 0
        else:
            left = room if writes else room - new
        self.next = self.done + new
        marks = range(self.done // BLOCK * BLOCK + BLOCK, self.next, BLOCK)
        self.blocks = list(pairwise([self.done, *marks, self.next])) if new else []
        return left

    def keep(self, layer: int, new: torch.Tensor) -> torch.Tensor:
        """A layer's keys and values so far, (2, heads, room, size), the new ones among them."""
        if layer not in self.cache:
            self.cache[layer] = new.new_empty(2, new.shape[1], self.room, new.shape[3])
            if self.like:
                self.cache[layer][:, :, : self.done] = self.like.cache[layer][:, :, : self.done]
        self.cache[layer][:, :, self.done : self.next] = new
        return self.cache[layer]


def in_common(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens, in whole blocks, that two sequences begin with."""
    most = min(len(one), len(other))
    pairs = zip(one, other, strict=False)
    alike = next((k for k, (a, b) in enumerate(pairs) if a != b), most)
    return alike // BLOCK * BLOCK


class Packed:
    """A model, its attention computed row by row.

    Parameters
    ----------
    model : PreTrainedModel
        One for which `check` does not say "no".
    """

    def __init__(self, model):
        self.model, self.device, self.last = model, model.device, None

    def run(self, rows: Iterable[Row], ended: Callable[[list[int]], bool]) -> Iterator[list[Row]]:
        """Continue rows greedily; who is finished leaves, and the next one joins.

        Parameters
        ----------
        rows : iterable of Row
            Those with a common beginning one after another.
        ended : callable
            Whether what a row has written is complete before its limit.

        Yields
        ------
        list of Row
            Finished ones; with no logits and nothing written if memory ran out with one alone.
        """
        coming, again, live, most = iter(rows), [], [], ROWS
        while True:
            held = sum(row.room for row in live)
            while len(live) < most and (row := again.pop() if again else next(coming, None)):
                held += row.room
                if live and held > TOKENS:
                    again.append(row)
                    break
                row.begin(self.last)
                self.last = row
                live.append(row)
            if not live:
                return
            try:
                self.step(live)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                _free()
                most, self.last = max(1, len(live) // 2), None
                for row in live:
                    row.begin(None)
                if len(live) == 1:
                    yield live
                else:
                    again += live[::-1]
                live = []
                continue
            finished = [row for row in live if row.done == len(row.ids) and _over(row, ended)]
            live = [row for row in live if row not in finished]
            if finished:
                yield finished

    @torch.inference_mode()
    def step(self, rows: Sequence[Row]) -> None:
        """Compute what rows have not yet computed, the first ones first, as far as a pass goes.

        Appends to the `logits` of each row, float32 of shape (kept, vocabulary).
        """
        ids, places, wanted, room = [], [], [], PASS
        for row in rows:
            room = row.plan(room)
            first = max(row.done, len(row.prompt) - row.kept)
            at = len(ids) - row.done
            wanted.append(range(at + first, at + row.next))
            ids += row.ids[row.done : row.next]
            places += range(row.done, row.next)
        at = [k for each in wanted for k in each]
        logits = self._logits(ids, places, at, [row for row in rows if row.blocks])
        for row, each in zip(rows, wanted, strict=True):
            if each:
                row.logits.append(logits[: len(each)])
                logits = logits[len(each) :]
            if row.blocks:
                row.done, row.like = row.next, None

    def _logits(self, ids, places, at, rows):
        def padded(values):
            values = values + [0] * (-len(values) % TILE)
            return torch.tensor(values, dtype=torch.long, device=self.device)

        return self.model(
            input_ids=padded(ids)[None],
            position_ids=padded(places)[None],
            attention_mask=torch.ones(1, 1, 1, 1, device=self.device),  # none is made then
            use_cache=False,
            logits_to_keep=padded(at),
            rows=rows,
        ).logits[0, : len(at)].float()  # fmt: skip


def _over(row: Row, ended) -> bool:
    """Whether a row is finished; if not, it has a token more."""
    if not row.limit:
        return True
    row.ids.append(int(row.logits.pop()[-1].argmax()))
    return len(row.ids) == row.room or ended(row.written)


def _free() -> None:
    """Give memory back after it ran out."""
    gc.collect()
    torch.cuda.empty_cache()


def _attend(module, query, key, value, attention_mask, *, scaling=None, rows=None, **options):
    """Attention, as transformers calls it, of each row to itself."""
    if rows is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
    if any(options.get(name) is not None for name in UNKNOWN):
        raise ValueError("attention of another kind")
    heads, _, size = query.shape[1:]
    kinds, at, out = key.shape[1], 0, []
    both = torch.cat([key, value])
    for row in rows:
        cache = row.keep(module.layer_idx, both[:, :, at : at + row.next - row.done])
        for start, stop in row.blocks:
            n = stop - start
            # the heads that share keys and values become queries of one head
            asking = query[:, :, at : at + n].reshape(1, kinds, -1, size)
            keys, values = cache[:, None, :, :stop]
            mask = _causal(n, stop, heads // kinds, query.device) if n > 1 else None
            found = scaled_dot_product_attention(asking, keys, values, mask, scale=scaling)
            out.append(found.view(1, heads, n, size))
            at += n
    out.append(query.new_zeros(1, heads, query.shape[2] - at, size))
    return torch.cat(out, dim=2).transpose(1, 2), None


@lru_cache(maxsize=4096)
def _causal(n: int, stop: int, groups: int, device) -> torch.Tensor:
    """What the last n of so many positions see, for each head of a group."""
    mask = torch.ones(n, stop, dtype=torch.bool, device=device).tril(stop - n)
    return mask.repeat(groups, 1)


AttentionInterface.register("packed", _attend)
AttentionMaskInterface.register("packed", sdpa_mask)


class Padded:
    """A model, asked about rows that are padded on the left to equal length.

    Parameters
    ----------
    model : PreTrainedModel
    ends : list of int
        Tokens that end what is written.
    pad : int
    """

    def __init__(self, model, ends: list[int], pad: int):
        self.model, self.pad = model, pad
        # nothing of the model's own decoding, such as a repetition penalty
        self.greedy = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=pad)
        if model.device.type == "cpu" and getattr(model, "_can_compile_fullgraph", False):
            # a cache allocated once: growing one copies it at every token
            self.greedy.cache_implementation, self.greedy.disable_compile = "static", True

    def run(self, rows: Iterable[Row], ended: Callable[[list[int]], bool]) -> Iterator[list[Row]]:
        """As `Packed.run`, for rows of one kind, all at once; out of memory, by halves."""
        waiting = [list(rows)]
        while waiting:
            part = waiting.pop()
            try:
                self._compute(part, ended)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                _free()
                if half := len(part) // 2:
                    waiting += [part[half:], part[:half]]
                    continue
            yield part

    @torch.inference_mode()
    def _compute(self, rows, ended):
        longest = max(len(row.prompt) for row in rows)
        lengths = torch.tensor([len(row.prompt) for row in rows])
        ids = [[self.pad] * (longest - len(row.prompt)) + row.ids for row in rows]
        device = self.model.device
        mask = (torch.arange(longest) >= longest - lengths[:, None]).long().to(device)
        inputs = {"input_ids": torch.tensor(ids, device=device), "attention_mask": mask}
        if not rows[0].limit:
            inputs["position_ids"] = mask.cumsum(-1).sub(1).clamp(min=0)
            kept = max(row.kept for row in rows)
            logits = self.model(**inputs, logits_to_keep=kept, use_cache=False).logits
            for row, own in zip(rows, logits.float(), strict=True):
                row.logits = [own[-row.kept :]]
            return

        def over(ids, _):
            written = [own[longest:] for own in ids.tolist()]
            pairs = zip(written, rows, strict=True)
            done = [len(own) >= row.limit or ended(own) for own, row in pairs]
            return torch.tensor(done, device=ids.device)

        settings = copy.copy(self.greedy)
        settings.max_new_tokens = max(row.limit for row in rows)
        output = self.model.generate(**inputs, generation_config=settings, stopping_criteria=[over])
        for row, own in zip(rows, output[:, longest:].tolist(), strict=True):
            row.ids += own[: row.limit]


@torch.inference_mode()
def check(model) -> str:
    """Whether a model can be packed: "no", "yes", or "exactly" if neighbours change no bit.

    It is asked about a few tokens, without packing, packed alone, and beside others; and so is
    each kind of linear layer about as many rows as a pass may have.
    """
    needed = "_supports_attention_backend", "_can_compile_fullgraph"
    if not all(getattr(model, name, False) for name in needed):
        return "no"
    before = model.config._attn_implementation
    numbers = torch.Generator().manual_seed(0)
    rows = len(model.get_input_embeddings().weight)
    ids = torch.randint(rows, (3 * BLOCK,), generator=numbers).tolist()
    plain = model(torch.tensor([ids], device=model.device), use_cache=False).logits[0].float()
    model.set_attn_implementation("packed")
    packed, found = Packed(model), []
    beside = [ids[::-1], ids[: 2 * BLOCK + 5] + ids[::2]]
    try:
        for company in ([], beside):
            together = [Row("", each, 1, BLOCK + 3) for each in (*company, ids[:-1])]
            for row, like in zip(together, [None, *together], strict=False):
                row.begin(like)
            packed.step(together)
            for row in together:
                row.ids.append(ids[-1])
            packed.step(together)
            found.append(torch.cat(row.logits))
    except (ValueError, TypeError, AttributeError, KeyError, RuntimeError):
        found = []
    near = 1e-3 if model.dtype == torch.float32 else 0.1
    scale = plain.abs().max()
    if not found or (found[0] - plain[-len(found[0]) :]).abs().max() > near * scale:
        model.set_attn_implementation(before)
        return "no"
    return "exactly" if torch.equal(*found) and _row_by_row(model, numbers) else "yes"


def _row_by_row(model, numbers) -> bool:
    """Whether linear layers give a row the same numbers however many others there are."""
    ends, kinds = (model.get_input_embeddings(), model.get_output_embeddings()), {}
    for module in model.modules():
        if hasattr(module, "in_features") and module not in ends:
            kinds[type(module), module.in_features, module.out_features] = module
    for module in kinds.values():
        x = torch.randn(PASS, module.in_features, generator=numbers)
        x = x.to(model.device, model.dtype)
        whole = module(x)
        for n in (TILE, 5 * TILE, PASS // 2):
            if not torch.equal(module(x[-n:]), whole[-n:]):
                return False
    return True
