"""papermill's engine, which refuses a key or an unknown name among the parameters.

papermill writes the parameters into the output file before a notebook runs, so
a check inside the notebook would come too late. The package registers this
engine in place of papermill's own, by default and by name, through the entry
point ``papermill.engine``; papermill's ``--prepare-only``, which runs nothing,
passes it by. What ends a run is said without papermill's own traceback.
"""

from __future__ import annotations

import logging
import re

from click import ClickException

from .guard import check_no_secret
from .registry import known
from .schema import BenchHealthError, runs_folder, shown


class Refused(BenchHealthError, ClickException):
    """What papermill's command shows in a line."""


class CheckedEngine:
    """papermill's own engine, after a look at the parameters before anything is saved."""

    @classmethod
    def execute_notebook(cls, nb, kernel_name, **options):
        from papermill.execute import raise_for_execution_errors

        try:
            _check(nb, nb.metadata.get("papermill", {}).get("parameters", {}))
            if kernel_name.startswith("python"):  # whose log a terminal shows when it is stopped
                options.setdefault("extra_arguments", ["--log-level=CRITICAL"])
            done = NBClientEngine.execute_notebook(nb, kernel_name, **options)
            raise_for_execution_errors(done, nb.metadata.papermill.get("output_path"))
            return done
        except BenchHealthError as error:
            raise Refused(str(error)) from None
        except PapermillExecutionError as error:
            raise Failed(error) from None
        except KeyboardInterrupt:
            logging.getLogger("asyncio").disabled = True  # of the cell that it leaves unfinished
            store = runs_folder() / "answers"
            kept = sum(path.read_bytes().count(b"\n") for path in store.rglob("*.jsonl"))
            said = f"Interrupted. {kept} answers are stored in {shown(store)}; run again to go on."
            stopped = Refused(said)
            stopped.exit_code = 130  # as shells have it
            raise stopped from None

    @classmethod
    def nb_kernel_name(cls, nb, name=None):
        return NBClientEngine.nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb, language=None):
        return NBClientEngine.nb_language(nb, language)


def _check(nb, given) -> None:
    """Refuse a key, and a name that the parameters cell has not; papermill would only warn."""
    for name, value in given.items():
        check_no_secret("(in its name)", str(name))
        check_no_secret(name, str(value))
    for cell in nb.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            names = re.findall(r"^(\w+)\s*(?::[^=\n]+)?=", cell.source, re.M)
            for name in given:
                known("parameter", name, names)


# Last, since papermill, while it is imported, asks this module for the class above.
from papermill.engines import NBClientEngine, papermill_engines  # noqa: E402
from papermill.exceptions import PapermillExecutionError  # noqa: E402


class Failed(PapermillExecutionError, ClickException):
    """An error in a cell, which papermill's command shows as the cell does."""

    def __init__(self, error: PapermillExecutionError):
        ClickException.__init__(self, str(error).lstrip("\n-"))
        vars(self).update(vars(error))


for name in (None, "nbclient"):  # the default, and the same when it is asked for by its name
    papermill_engines.register(name, CheckedEngine)
