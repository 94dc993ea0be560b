"""What is known of the models: facts from ``data/models.yaml``, and the forms of a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import yaml

from .schema import ROOT, ModelError

TEMPLATES = ROOT / "data" / "templates"
REMOTE = ("openai", "anthropic")


@dataclass(frozen=True)
class ModelSpec:
    """One entry of ``data/models.yaml``; see the comments there."""

    key: str
    name: str
    type: str
    published: str
    parameters: str | None = None
    checkpoint: str = ""
    revision: str | None = None
    assumed: bool = False
    gated: bool = False
    base: str = ""
    base_checkpoint: str = ""
    checksum: float | None = None
    url: str = ""
    licence: str = ""
    vendor: str = ""
    protocol: str = ""
    deprecated: date | None = None
    retired: date | None = None
    snapshots: Mapping = field(default_factory=dict)
    successor: str = ""
    price: Mapping = field(default_factory=dict)
    template: str | None = None
    stop: tuple[str, ...] = ()
    context: int | None = None
    decoding: str = ""
    contamination: str = ""
    note: str = ""
    max_tokens: int | None = None

    def retired_since(self, name: str) -> date | None:
        """When the vendor has switched a model off, by its own name or a dated one."""
        return self.snapshots.get(name, {}).get("retired") or self.retired


with (ROOT / "data" / "models.yaml").open(encoding="utf-8") as stream:
    _ROWS = yaml.safe_load(stream)
HOW: dict[str, str] = _ROWS.pop("how")
MODELS: dict[str, ModelSpec] = {
    key: ModelSpec(**{**row, "key": key, "stop": tuple(row.get("stop", ()))})
    for key, row in _ROWS.items()
}


def model_spec(name: str) -> ModelSpec | None:
    """The registry's entry of a key; None for any other name."""
    return MODELS.get(name)


def parts(name: str) -> tuple[str, str, str | None]:
    """Form, model and template of an open form; a folder may have a ``#`` in its own name.

    >>> parts("openai:served#baize"), parts("hf:owner/name")
    (('openai', 'served', 'baize'), ('hf', 'owner/name', None))
    """
    form, _, rest = name.partition(":")
    source, mark, style = rest.rpartition("#")
    if not mark or form == "hf" and Path(rest).expanduser().exists():
        return form, rest, None
    return form, source, style


def recorded_name(name: str) -> str:
    """The name under which answers and results are kept: of a folder the last part, no path."""
    form, source, style = parts(name)
    path = Path(source).expanduser()
    if form != "hf" or not path.exists():
        return name
    return f"hf:{path.resolve().name}" + ("" if style is None else f"#{style}")


def template(name: str) -> str:
    """The Jinja chat template of ``data/templates/`` that has this name.

    Raises
    ------
    ModelError
        For one that does not exist; the message lists those that do.
    """
    known = sorted(path.stem for path in TEMPLATES.glob("*.jinja"))
    if name not in known:
        raise ModelError(f"There is no chat template '{name}'. Known: {', '.join(known)}.")
    return (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")


def vendor_model(model: str) -> ModelSpec | None:
    """The registry's entry of a vendor's model, by the vendor's own name or a dated one."""
    specs = (spec for spec in MODELS.values() if spec.vendor)
    return next((s for s in specs if model in (s.key, s.checkpoint, *s.snapshots)), None)


def how_to_get(spec: ModelSpec, cause: str = "", *, snapshot: str = "") -> str:
    """What to do about a model that is not here, in the words of ``data/models.yaml``.

    Parameters
    ----------
    spec : ModelSpec
    cause : str
        What the hub said, if it was asked.
    snapshot : str
        The vendor's name of the model, where a dated one was asked for.
    """
    name = snapshot if snapshot in spec.snapshots else spec.checkpoint
    since, form = spec.retired_since(name), spec.published
    if form == "api" and since:
        form = "retired"
    elif form == "full" and not spec.checkpoint:
        form = "elsewhere"
    facts = asdict(spec) | {
        "snapshot": name,
        "since": since,
        "gate": HOW["gated"].format_map(asdict(spec)) if spec.gated else "",
        "own": "hf:<folder>" + (f"#{spec.template}" if spec.template else ""),
        "base_folder": spec.base_checkpoint.split("/")[-1],
    }
    return HOW[form].format_map(facts) + (f" ({cause})" if cause else "")
