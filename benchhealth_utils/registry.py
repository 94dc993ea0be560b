"""What is known of data sets and models: facts from ``data/*.yaml``, and the forms of a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, PositiveInt, Strict, ValidationError
from pydantic.dataclasses import dataclass

from .schema import DATA, BenchHealthError, DataError, ModelError, read_yaml

TEMPLATES = DATA / "templates"
REMOTE = ("openai", "anthropic")
SCENARIOS = ("reasoning", "generation", "understanding")
TIERS = ("open", "credentialed")
STRICT = ConfigDict(extra="forbid", strict=True)
LISTED = Strict(False)  # a list of YAML becomes a tuple
MEND = "Restore the file from the repository, or mend the entry."


@dataclass(frozen=True, repr=False, config=STRICT)
class Dataset:
    """One entry of ``data/datasets.yaml``; see the comments there."""

    key: str
    name: str
    scenario: Literal[SCENARIOS]
    task: str
    domain: str
    size: PositiveInt
    metric: str
    tier: Literal[TIERS]
    licence: str
    reference: str
    reader: str
    folder: str
    split: str
    files: Annotated[tuple[Mapping, ...], LISTED]
    fingerprint: str | None = None
    train_fingerprints: Annotated[tuple[str, ...], LISTED] = ()
    note: str = ""
    request: str = ""

    def __repr__(self) -> str:
        return f"Dataset({self.key!r}: {self.name}, {self.task}, {self.size:,} items, {self.tier})"

    def split_file(self, root: Path, name: str) -> Path:
        """A list of identifiers: the data folder's own, else the published one."""
        own = root / "splits" / name
        return own if own.exists() else DATA / "splits" / name


@dataclass(frozen=True, repr=False, config=STRICT)
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
    stop: Annotated[tuple[str, ...], LISTED] = ()
    context: int | None = None
    decoding: str = ""
    contamination: str = ""
    note: str = ""
    max_tokens: int | None = None

    def retired_since(self, name: str) -> date | None:
        """When the vendor has switched a model off, by its own name or a dated one."""
        return self.snapshots.get(name, {}).get("retired") or self.retired

    def __repr__(self) -> str:
        return f"ModelSpec({self.key!r}: {self.name}, {self.type}, published as {self.published})"


def _entries(rows: Mapping, kind: type, name: str) -> dict:
    """Registry rows as objects; a field that is missing, unknown or wrong is named."""
    found = {}
    for key, row in rows.items():
        try:
            found[key] = kind(**{"key": key} | (row if isinstance(row, dict) else {}))
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{first['loc'][0]}: {first['msg']}."
            raise DataError(name, f"entry {key}", problem, MEND) from None
    return found


DATASETS: dict[str, Dataset] = _entries(read_yaml("datasets.yaml"), Dataset, "datasets.yaml")
_ROWS = read_yaml("models.yaml")
HOW: dict[str, str] = _ROWS.pop("how")
MODELS: dict[str, ModelSpec] = _entries(_ROWS, ModelSpec, "models.yaml")


def dataset(key: str) -> Dataset:
    """The registry's entry; an unknown key lists the known ones."""
    return DATASETS[known("data set", key, DATASETS)]


def known(what: str, name, names: Collection[str], error: type = BenchHealthError) -> str:
    """A name that there is; for any other an error says what may be meant, and all there are."""
    if isinstance(name, str) and name in names:
        return name
    near = get_close_matches(str(name).lower(), names, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise error(f"There is no {what} '{name}'. {meant}Known: {', '.join(names)}.")


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
    known("chat template", name, sorted(p.stem for p in TEMPLATES.glob("*.jinja")), ModelError)
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
