#!/usr/bin/env bash
# jcache says that all went well where notebooks raised, or could not be run at all.
#
# Setting:  a book's pages are executed side by side by jupyter-cache, before they are built.
# Versions: jupyter-cache 1.0.1, nbclient 0.11.0, ipykernel 7.2.0.
# Expected: `jcache project execute` ends with another status than 0 when a cell raised, as
#           `jupyter execute` does; so a script or `make` stops.
# Observed: it lists the notebook under "excepted" (a cell raised) or "errored" (its kernel is
#           not there) and ends with 0, with either executor. Exit statuses:
#                                   jupyter execute   jcache, serial   jcache, parallel
#             a cell raises                       1                0                  0
#             no such kernel                      1                0                  0
#           Such a notebook is not in the cache. Whoever builds from it executes it once more, or
#           publishes a page without outputs; only the cache's own list says which are missing.
# Exit:     0 while this is so, 1 when it has changed, 2 when it could not be tried.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    jupyter-cache==1.0.1 nbclient==0.11.0 ipykernel==7.2.0
} || exit 2
cd "$work"
export PATH="$work/venv/bin:$PATH" JUPYTER_PLATFORM_DIRS=1
python - <<'PY' || exit 2
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

for name, kernel, source in [("raises", "python3", "1 / 0"), ("missing", "absent", "1 + 1")]:
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    notebook = new_notebook(cells=[new_code_cell(source)], metadata={"kernelspec": spec})
    nbformat.write(notebook, f"{name}.ipynb")
PY
status() { local code=0; "$@" >>log 2>&1 || code=$?; echo "$code"; }
said=""
for name in raises missing; do
  said+="$name: jupyter execute $(status jupyter execute $name.ipynb)"
  for way in local-serial local-parallel; do
    echo y | jcache notebook -p "$way-$name" add "$name.ipynb" >>log 2>&1 || exit 2
    said+=", $way $(status jcache project -p "$way-$name" execute -e "$way")"
  done
  said+=$'\n'
done
printf '%s' "$said"
as_observed="jupyter execute 1, local-serial 0, local-parallel 0"
[ "$said" = "raises: $as_observed"$'\n'"missing: $as_observed"$'\n' ]
