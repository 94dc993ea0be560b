#!/usr/bin/env bash
# Ray beside Jupyter: every process of Ray spends four times as long on importing itself, and on
# a busy machine a local cluster does not come up.
#
# Setting:  a notebook's environment, to which Ray is added. jupyter-server wants
#           jsonschema[format-nongpl], which brings rfc3987-syntax; Ray uses jsonschema, too.
# Versions: ray 2.60.0, jsonschema 4.26.0, rfc3987-syntax 1.1.0, lark 1.3.1.
# Expected: installing a checker for addresses does not change how Ray starts.
# Observed: jsonschema imports rfc3987-syntax where it is installed, and that builds a parser
#           from its grammar at import. CPU-seconds of `import ray`, least of three:
#             ray alone                         0.8
#             with jsonschema[format-nongpl]    3.7
#           On two cores with a load of ten the import took the cluster's agent 16 to 24 seconds.
#           The raylet waits 15 for its port and then gives up ("You have likely discovered a
#           bug in Ray"); RAY_agent_register_timeout_ms does not move that limit. Without
#           rfc3987-syntax the same cluster came up under the same load.
# Exit:     0 while this is so, 1 when it has changed, 2 when it could not be tried.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@" || exit 2; }
least() {
  "$work/venv/bin/python" - <<'PY'
import resource
import subprocess
import sys


def spent():
    subprocess.run([sys.executable, "-c", "import ray"], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


total = [0.0, *(spent() for _ in range(4))]  # the first one compiles
print(min(b - a for a, b in zip(total[1:], total[2:])))
PY
}
python3 -m venv "$work/venv" || exit 2
install ray==2.60.0 jsonschema==4.26.0
alone=$(least)
install "jsonschema[format-nongpl]==4.26.0" rfc3987-syntax==1.1.0 lark==1.3.1
beside=$(least)
printf 'import ray, CPU-seconds: alone %.1f, with jsonschema[format-nongpl] %.1f\n' "$alone" "$beside"
python3 -c "import sys; sys.exit(float(sys.argv[2]) < 2 * float(sys.argv[1]))" "$alone" "$beside"
