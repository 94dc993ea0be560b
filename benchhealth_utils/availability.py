"""What a model needs that this machine lacks, and what to do about it."""

from __future__ import annotations

LEGACY = "environment-legacy.yml"


def how_to_get(spec, cause: str = "", *, snapshot: str | None = None) -> str:
    """A sentence or two for the user who has asked for a model that is not here.

    Parameters
    ----------
    spec : ModelSpec
    cause : str, optional
        What the hub said, if it was asked.
    snapshot : str, optional
        The vendor's name of the model, where a dated one was asked for.
    """
    lacking = f"{spec.key} ({spec.name}) cannot be run here: "
    folder = "put a folder named {} where BENCHHEALTH_WEIGHTS points"
    if spec.published == "baseline":
        return f"{spec.key} is a baseline: it has no weights."
    if spec.published == "api":
        name = snapshot if snapshot in spec.snapshots else spec.checkpoint
        since = spec.retired_since(name)
        if since is None:
            return (
                f"{spec.key} ({spec.name}) is behind the API of {spec.vendor}: run it with "
                f"-p model {spec.protocol}:{name}."
            )
        return (
            f"{lacking}{spec.vendor} has retired {name} since {since} "
            f"and names {spec.successor} as its "
            "successor, so the paper's row cannot be measured again. The paper's own numbers "
            "are in data/paper/; the successor is reached as "
            f"-p model {spec.protocol}:{spec.successor}."
        )
    if spec.published == "legacy":
        return (
            f"{lacking}its code ({spec.url}) does not run with today's transformers. Serve it "
            f"from the environment in {LEGACY} with any server that speaks OpenAI's protocol, "
            "set OPENAI_BASE_URL to its address, and run "
            f"-p model openai:<its name there>#{spec.template}."
        )
    own = f"-p model hf:<folder>{'#' + spec.template if spec.template else ''}"
    gate = (
        f"accept the licence at {spec.url}, log in with `hf auth login`, and " if spec.gated else ""
    )
    if spec.published in ("adapter", "diff"):
        kind = "a LoRA adapter" if spec.published == "adapter" else "weight differences"
        text = (
            f"{lacking}its authors published {kind} ({spec.checkpoint}) for {spec.base} "
            f"({spec.base_checkpoint}). Both are needed: `hf download` each, or "
            f"{folder.format(spec.key)} and one named {spec.base_checkpoint.split('/')[-1]}."
        )
    elif spec.checkpoint:
        text = (
            f"{lacking}its weights are not on this machine. To have them, {gate}fetch them with "
            f"`hf download {spec.checkpoint}`; or {folder.format(spec.key)}; or run any folder "
            f"with {own}."
        )
    else:
        text = (
            f"{lacking}its authors give the weights through {spec.url}. Fetch them there and "
            f"{folder.format(spec.key)}; or run any folder with {own}."
        )
    return f"{text} ({cause})" if cause else text
