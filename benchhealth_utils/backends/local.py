"""Causal language models on this machine, through transformers.

Greedy by default. Prompts are grouped into batches by length; what shares a
batch depends only on the sequence of requests, so a resumed run gives the
same answers as one that was never interrupted.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ..schema import ModelError, digest
from . import Reply, Request

BATCH_TOKENS = 16_384  # prompt and reply tokens held at once, padding included
BATCH_ROWS = 16


class LocalModel:
    """A transformers causal LM behind the backend interface.

    Parameters
    ----------
    name : str
        Key or open form, as the user wrote it.
    source : str or Path
        Folder, or id on the Hugging Face hub.
    revision : str, optional
    dtype : str, optional
        ``float32``, ``bfloat16`` or ``float16``; by default what the machine
        runs well.
    device : str, optional
        ``cuda``, ``mps`` or ``cpu``; by default the best there is.
    template : str, optional
        Jinja chat template that replaces the tokenizer's own.
    trust_remote_code : bool
    """

    remote = False
    modes = ("generate", "likelihood")
    max_tokens: int | None = None  # a cap of the model's own

    def __init__(
        self,
        name: str,
        source,
        *,
        revision: str | None = None,
        dtype: str | None = None,
        device: str | None = None,
        template: str | None = None,
        trust_remote_code: bool = False,
    ):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.name = name
        self.device = device or best_device()
        self.dtype = dtype or best_dtype(self.device)
        options = {"revision": revision, "trust_remote_code": trust_remote_code}
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self.model = AutoModelForCausalLM.from_pretrained(
                source, dtype=getattr(torch, self.dtype), **options
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{name}: no usable causal language model in {source} "
                f"({str(error).strip().splitlines()[0][:300]}). Expected a folder or hub "
                "repository with config.json, weights and tokenizer files."
            ) from None
        self.model = self.model.to(self.device).eval()
        if template:
            self.tokenizer.chat_template = template
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        self.window = context_window(self.model.config)
        self.signature = {
            "backend": "transformers",
            "source": Path(source).name if Path(source).exists() else str(source),
            "weights": weight_fingerprint(source, self.model.config),
            "dtype": self.dtype,
            "device": self.device.split(":")[0],
            "decoding": {"do_sample": False, "num_beams": 1},
            "template": digest(self.tokenizer.chat_template or "")[:16],
        }

    def render(self, request: Request) -> tuple[list[int], int]:
        """Token ids of the prompt, and how many document tokens were cut."""
        ids = self._ids(request, request.document)
        spare = self.window - request.max_tokens
        if len(ids) <= spare:
            return ids, 0
        document = self.tokenizer(request.document, add_special_tokens=False).input_ids
        keep = len(document) - (len(ids) - spare)
        while keep > 0:
            shorter = self.tokenizer.decode(document[:keep])
            ids = self._ids(request, shorter)
            if len(ids) <= spare:
                return ids, len(document) - keep
            keep -= max(1, len(ids) - spare)
        return [], len(document)

    def _ids(self, request: Request, document: str) -> list[int]:
        messages = [dict(message) for message in request.messages]
        if document != request.document:
            messages[-1]["content"] = messages[-1]["content"].replace(request.document, document)
        if self.tokenizer.chat_template is None:
            prompt = "\n\n".join(message["content"] for message in messages) + "\n\n"
            return self.tokenizer(prompt + request.cue).input_ids
        prompt = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False
        )
        ids = self.tokenizer(prompt + request.cue, add_special_tokens=False).input_ids
        bos = self.tokenizer.bos_token_id
        full = self.tokenizer("", add_special_tokens=True).input_ids
        if bos is not None and full[:1] == [bos] and ids[:1] != [bos]:
            ids = [bos, *ids]  # a template without it, a tokenizer that wants it
        return ids

    def replies(
        self, requests: Sequence[Request], wanted: Collection[int]
    ) -> Iterator[list[tuple[int, Reply]]]:
        """See `benchhealth_utils.backends`."""
        rendered = [self.render(request) for request in requests]
        too_long = [(i, _TOO_LONG) for i in sorted(wanted) if not rendered[i][0]]
        if too_long:
            yield too_long
        for batch in self._batches(requests, rendered):
            if not set(batch) & set(wanted):
                continue
            for positions, replies in self._run(requests, rendered, batch):
                yield [(i, r) for i, r in zip(positions, replies, strict=True) if i in wanted]

    def _batches(self, requests, rendered) -> Iterator[list[int]]:
        order = sorted(
            (i for i in range(len(requests)) if rendered[i][0]),
            key=lambda i: (bool(requests[i].labels), -len(rendered[i][0]), i),
        )
        batch: list[int] = []
        for i in order:
            longest = batch[0] if batch else i
            each = len(rendered[longest][0]) + requests[longest].max_tokens
            mixed = batch and bool(requests[i].labels) != bool(requests[longest].labels)
            if batch and (
                mixed or len(batch) == BATCH_ROWS or (len(batch) + 1) * each > BATCH_TOKENS
            ):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _run(self, requests, rendered, batch):
        """Answer a batch; out of memory, halve it and go on."""
        import torch

        try:
            work = self._compare if requests[batch[0]].labels else self._generate
            done = work([requests[i] for i in batch], [rendered[i] for i in batch])
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            done = None
        if done is not None:
            yield batch, done
            return
        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        if len(batch) == 1:
            yield batch, [Reply("error", "", "out of memory with a single prompt")]
            return
        half = len(batch) // 2
        yield from self._run(requests, rendered, batch[:half])
        yield from self._run(requests, rendered, batch[half:])

    def _pad(self, rows: Sequence[Sequence[int]]):
        return self.tokenizer.pad({"input_ids": list(rows)}, return_tensors="pt").to(self.device)

    def _generate(self, requests, rendered) -> list[Reply]:
        import torch

        inputs = self._pad([ids for ids, _ in rendered])
        limit = max(request.max_tokens for request in requests)
        cache = {}
        if self.device == "cpu" and getattr(self.model, "_can_compile_fullgraph", False):
            # a cache allocated once: growing one copies it at every token
            cache = {"cache_implementation": "static", "disable_compile": True}
        with torch.inference_mode():
            output = self.model.generate(
                **inputs,
                max_new_tokens=limit,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=self.tokenizer.pad_token_id,
                **cache,
            )
        ends = self.model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        ends |= {self.tokenizer.eos_token_id}
        replies = []
        for request, (ids, cut), row in zip(
            requests,
            rendered,
            output[:, inputs.input_ids.shape[1] :].tolist(),
            strict=True,
        ):
            row = row[: request.max_tokens]
            stop = next((k for k, token in enumerate(row) if token in ends), None)
            text = self.tokenizer.decode(row[:stop], skip_special_tokens=True).strip()
            tokens = len(row) if stop is None else stop + 1
            usage = {
                "prompt_tokens": len(ids),
                "completion_tokens": tokens,
                "cut_tokens": cut,
            }
            if stop is None:
                replies.append(Reply("truncated", text, f"no end within {tokens} tokens", usage))
            else:
                replies.append(Reply("ok" if text else "empty", text, "", usage))
        return replies

    def _compare(self, requests, rendered) -> list[Reply]:
        """The label whose tokens, after the cue, have the highest probability.

        Labels are compared by the sum of their tokens' log-probabilities; the
        first of equals wins. Where every label is one token, one forward pass
        serves all.
        """
        import torch

        choices = []  # per request: token ids of each label after the prompt
        for request, (ids, _) in zip(requests, rendered, strict=True):
            choices.append([self._continuation(ids, request, label) for label in request.labels])
        rows, owners = [], []
        for which, ((ids, _), labels) in enumerate(zip(rendered, choices, strict=True)):
            single = all(len(label) == 1 for label in labels)
            for label in [()] if single else labels:
                rows.append([*ids, *label])
                owners.append((which, None if single else len(label)))
        scores: list[list[float]] = [[] for _ in requests]
        inputs = self._pad(rows)
        with torch.inference_mode():
            positions = inputs.attention_mask.cumsum(-1).sub(1).clamp(min=0)
            longest = max(length or 1 for _, length in owners)
            logits = self.model(
                **inputs, position_ids=positions, logits_to_keep=longest + 1
            ).logits.float()
            logs = logits.log_softmax(-1)
        for row, (which, length) in enumerate(owners):
            if length is None:
                scores[which] = [logs[row, -1, label[0]].item() for label in choices[which]]
            else:
                label = rows[row][-length:]
                at = logs[row, -length - 1 : -1]
                scores[which].append(sum(at[k, t].item() for k, t in enumerate(label)))
        replies = []
        for request, (ids, cut), values in zip(requests, rendered, scores, strict=True):
            best = max(range(len(values)), key=lambda k: (values[k], -k))
            usage = {
                "prompt_tokens": len(ids),
                "completion_tokens": 0,
                "cut_tokens": cut,
                "logprobs": {
                    label.strip(): round(v, 4)
                    for label, v in zip(request.labels, values, strict=True)
                },
            }
            text = f"{request.cue}{request.labels[best]}"
            replies.append(Reply("ok", text, "by likelihood", usage))
        return replies

    def _continuation(self, ids: list[int], request: Request, label: str) -> list[int]:
        """Tokens of `label` after the prompt, tokenised together with it."""
        cue = self.tokenizer(request.cue, add_special_tokens=False).input_ids
        both = self.tokenizer(request.cue + label, add_special_tokens=False).input_ids
        if both[: len(cue)] != cue or ids[-len(cue) :] != cue:
            raise ModelError(
                f"{self.name}: the tokenizer merges '{request.cue}' with '{label}', so the "
                "label's probability is not defined. Use mode='generate'."
            )
        return both[len(cue) :]


_TOO_LONG = Reply("error", "", "the prompt without its document exceeds the context window")


def _out_of_memory(error: Exception) -> bool:
    import torch

    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in str(error).lower()
        or ("can't allocate memory" in str(error).lower())
    )


def best_device() -> str:
    """``cuda``, else ``mps``, else ``cpu``."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_dtype(device: str) -> str:
    """``bfloat16`` where the device computes with it, else float32 or float16."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if device == "mps":
        return "float16"
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return "bfloat16" if fast else "float32"


def context_window(config) -> int:
    """Tokens a model can attend to, prompt and reply together."""
    for name in ("max_position_embeddings", "n_positions", "seq_length"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    return 2048


def weight_fingerprint(source, config) -> str:
    """Commit of a hub snapshot, or a hash of a folder's weight files.

    For a folder: names, sizes and the first and last MiB of each weight file,
    and the whole of the configuration and tokenizer files.
    """
    folder = Path(source)
    if not folder.is_dir():
        return getattr(config, "_commit_hash", None) or "unknown"
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".bin", ".gguf", ".pt"):
            size = path.stat().st_size
            with path.open("rb") as stream:
                ends = stream.read(2**20)
                stream.seek(max(0, size - 2**20))
                ends += stream.read()
            whole.update(f"{path.name} {size} ".encode() + ends)
        elif path.suffix in (".json", ".jinja", ".txt", ".model"):
            whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()[:16]
