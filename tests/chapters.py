"""Chapters executed by papermill, as a user would, and what they show."""

import io
import json
import os
import re
import shutil
import subprocess
import sys

import pandas as pd

from benchhealth_utils.schema import ROOT

CANARY = "zebrafinchquartz"  # in credentialed texts, and nowhere else


def papermill(*arguments, cwd=ROOT, stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, "-m", "papermill", *map(str, arguments)], cwd=cwd, stdout=stdout,
        stderr=subprocess.PIPE, text=True, timeout=600, env={**os.environ, **environment},
    )  # fmt: skip


def execute(notebook, folder, *parameters, **environment):
    """The executed notebook as text, and all that papermill logged."""
    target, environment = folder / "out.ipynb", {"BENCHHEALTH_RUNS": str(folder)} | environment
    given = ("--log-output", "-p", "model", "majority", *parameters)
    done = papermill(notebook, target, *given, **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return target.read_text(encoding="utf-8"), done.stdout + done.stderr


def shown(text, name):
    """A table of an executed notebook, by its id; cells as they are printed."""
    for cell in json.loads(text)["cells"]:
        for output in cell.get("outputs", ()):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if f'id="T_{name}"' in html:
                (found,) = pd.read_html(io.StringIO(html), thousands=None, keep_default_na=False)
                return found.astype(str)
    raise AssertionError(f"no table {name}")


def images(text):
    cells = json.loads(text)["cells"]
    return sum("image/png" in o.get("data", {}) for c in cells for o in c.get("outputs", ()))


def planted(folder, *others):
    """A data folder of the two MIMIC sets, whose every text holds the canary, and others."""
    for key in ("mimic_cxr", "mimic_iii", *others):
        shutil.copytree(ROOT / "data" / "samples" / key, folder / key)
    for path in (folder / "mimic_cxr").rglob("s*.txt"):
        path.write_text(re.sub(r"(FINDINGS|IMPRESSION):", rf"\1: {CANARY}", path.read_text()))
    notes = folder / "mimic_iii" / "NOTEEVENTS.csv"
    words = r"(?i)(discharge instructions:|sex:[^\n]*\n)"
    notes.write_text(re.sub(words, rf"\1 {CANARY} ", notes.read_text()))
    return folder
