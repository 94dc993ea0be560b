"""papermill's engine with one more step: a key among the parameters is refused.

papermill writes the parameters into the output file before a notebook runs, so
a check inside the notebook would come too late. The package registers this
engine in place of papermill's own, by default and by name, through the entry
point ``papermill.engine``; papermill's ``--prepare-only``, which runs nothing,
passes it by.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from .guard import check_no_secret
from .schema import BenchHealthError


class CheckedEngine:
    """papermill's own engine, after a look at the parameters before anything is saved."""

    @classmethod
    def execute_notebook(cls, nb, kernel_name, **options):
        given = nb.metadata.get("papermill", {}).get("parameters", {})
        for name, value in given.items():
            check_no_secret("(in its name)", str(name))
            check_no_secret(name, str(value))
        _check_known(nb, given)
        return _default().execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb, name=None):
        return _default().nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb, language=None):
        return _default().nb_language(nb, language)


def _check_known(nb, given) -> None:
    """Refuse a name that the notebook's parameters cell has not; papermill would only warn."""
    for cell in nb.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            names = re.findall(r"^(\w+)\s*(?::[^=\n]+)?=", cell.source, re.M)
            if unknown := sorted(set(given) - set(names)):
                near = get_close_matches(unknown[0], names, 1)
                raise BenchHealthError(
                    f"This notebook has no parameter {', '.join(unknown)}. It has: "
                    f"{', '.join(names)}." + (f" Did you mean {near[0]}?" if near else "")
                )


def _default():
    from papermill.engines import NBClientEngine

    return NBClientEngine


# Last, since papermill, while it is imported, asks this module for the class above.
from papermill.engines import papermill_engines  # noqa: E402

for name in (None, "nbclient"):  # the default, and the same when it is asked for by its name
    papermill_engines.register(name, CheckedEngine)
