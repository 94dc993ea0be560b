"""The members of an archive, or of the folder it unpacks to."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ..schema import DataError
from .files import read_bytes

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # zipfile, on an encrypted or unknown member
)


def members(archive: Path, top: str, suffix: str) -> dict[str, Callable[[], bytes]]:
    """Readers of an archive's members, or of the folder it unpacks to.

    Parameters
    ----------
    archive : Path
        A ``.zip`` or ``.tgz`` file; where it does not exist, the folder
        ``archive.parent / top`` is taken in its place.
    top : str
        Top folder inside the archive.
    suffix : str
        Only members with this ending are listed.

    Returns
    -------
    dict
        Member name, sorted, to a function that returns its bytes.
    """
    folder = archive.parent / top
    if not archive.exists() and folder.is_dir():
        found = {
            path.relative_to(archive.parent).as_posix(): path.read_bytes
            for path in folder.rglob(f"*{suffix}")
        }
    elif not archive.exists():
        raise DataError(archive, "", f"neither this file nor the folder {folder.name}/ is there.")
    else:
        found = _packed(archive, suffix)
    found = {
        name: found[name]
        for name in sorted(found)
        if name.startswith(f"{top}/") and not name.rsplit("/", 1)[-1].startswith(".")
    }
    if not found:
        raise DataError(archive, "", f"no {suffix} file under {top}/ in it.")
    return found


def _packed(archive: Path, suffix: str) -> dict[str, Callable[[], bytes]]:
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as packed:
                if damaged := packed.testzip():
                    raise DataError(archive, damaged, "the member is damaged.")
                data = {
                    name: packed.read(name) for name in packed.namelist() if name.endswith(suffix)
                }
        else:  # unpacked as a whole first, so that its checksum is verified
            whole = io.BytesIO(gzip.decompress(read_bytes(archive)))
            with tarfile.open(fileobj=whole) as packed:
                data = {
                    item.name: packed.extractfile(item).read()
                    for item in packed
                    if item.isfile() and item.name.endswith(suffix)
                }
    except _DAMAGED as error:
        raise DataError(archive, "", f"not a whole archive ({error}).") from None
    return {name: (lambda raw=raw: raw) for name, raw in data.items()}
