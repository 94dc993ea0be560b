"""The blinding key: the one file that says which model wrote what.

Nothing that a rater's page uses reads it. It may be kept away from the study
folder while raters work.
"""

from __future__ import annotations

from pathlib import Path

from .folder import (
    CARDS,
    DESIGN,
    KEY,
    ORDERS,
    StudyError,
    as_json,
    design_digest,
    file_digest,
    read_json,
    write_text,
)


def seal(folder: Path) -> dict[str, str]:
    """SHA-256 of what the key belongs to: design, cards and orders."""
    return {
        "design": design_digest(read_json(folder / DESIGN)),
        "cards": file_digest(folder / CARDS),
        "orders": file_digest(folder / ORDERS),
    }


def write_key(folder: Path, key: dict) -> None:
    """Write the key of a folder that has its other files; its owner alone can read it."""
    write_text(folder / KEY, as_json({**key, "sha256": seal(folder)}), private=True)


def read_key(folder: str | Path, path: str | Path | None = None) -> dict:
    """The key of a study.

    Parameters
    ----------
    folder : path-like
        The study.
    path : path-like, optional
        The key file, if it is not in the folder.

    Returns
    -------
    dict
        ``models``, ``comparisons`` (pairs of models), ``seed`` (of the sample),
        ``blinding`` (of all else that is drawn), ``record``, and ``cards``: card id to
        ``item``, ``kind`` (``pair``, ``repeat``, ``check``), ``repeat_of``, ``left``,
        ``right``, ``equal`` and ``flags``.

    Raises
    ------
    StudyError
        If there is no key, or it belongs to other cards.
    """
    folder = Path(folder)
    path = Path(path) if path is not None else folder / KEY
    if not path.exists():
        raise StudyError(
            f"There is no key at {path}. Put the study's {KEY} back, or say where it is kept."
        )
    key = read_json(path)
    now = seal(folder)
    changed = [name for name in now if key.get("sha256", {}).get(name) != now[name]]
    if changed:
        raise StudyError(
            f"{path} was not written for this study as it is: {', '.join(changed)} differ. "
            "Use the key that was made with the folder, or restore the folder from a copy."
        )
    return key
