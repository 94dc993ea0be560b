"""Credentialed text: where it may go.

MIMIC-CXR and MIMIC-III are given out by PhysioNet under an agreement. Their
text may go to a model on this machine. It goes to a remote one only if the
user has stated, for that endpoint, that it keeps nothing; it is never shown in
a notebook and never written under ``data/``.
"""

from __future__ import annotations

import os

from .datasets import DATASETS
from .schema import BenchHealthError

POLICY = "https://physionet.org/news/post/llm-responsible-use"
VARIABLE = "BENCHHEALTH_ZERO_RETENTION_ENDPOINTS"


def is_credentialed(key: str) -> bool:
    """Whether a data set is given out under an agreement."""
    return key in DATASETS and DATASETS[key].tier == "credentialed"


def check_may_show(key: str) -> None:
    """Refuse to show a credentialed data set's text in a notebook."""
    if is_credentialed(key):
        raise BenchHealthError(
            f"{key} is credentialed: its text is never shown in a notebook. Show "
            "identifiers, lengths and scores instead."
        )


def check_may_send(model, key: str) -> None:
    """Refuse to send a credentialed data set's text to a remote model.

    Parameters
    ----------
    model : backend
        ``model.remote`` says whether prompts leave the machine,
        ``model.endpoint`` where to.
    key : str
        Data set.

    Raises
    ------
    BenchHealthError
        Unless the endpoint is among those that the user has declared, in the
        variable ``BENCHHEALTH_ZERO_RETENTION_ENDPOINTS`` (comma-separated
        addresses), to retain nothing.
    """
    if not (model.remote and is_credentialed(key)):
        return
    endpoint = getattr(model, "endpoint", "").rstrip("/")
    declared = {part.strip().rstrip("/") for part in os.environ.get(VARIABLE, "").split(",")}
    if endpoint and endpoint in declared:
        return
    raise BenchHealthError(
        f"{key} is credentialed and {model.name} is a remote model ({endpoint or 'unknown'}): "
        f"nothing was sent. PhysioNet's policy ({POLICY}) asks for zero data retention, no "
        "training and no human review, and recommends models run locally. If you have "
        f"verified this for that endpoint, state it: export {VARIABLE}={endpoint or 'ADDRESS'}"
    )
