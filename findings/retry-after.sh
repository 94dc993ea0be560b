#!/usr/bin/env bash
# Of two vendors' clients with the same defaults, one gives up at a long Retry-After, the other
# sleeps as long as it is told, a day too, whatever time-out it was given.
#
# Setting:  a server under load answers 429 with "Retry-After: N", and the next request well. The
#           clients are as they come, but for timeout=5 (seconds).
# Versions: openai 3.54.0, anthropic 2.12.0.
# Expected: both obey a short wait; beyond about a minute both fall back to their own short
#           waits, or give up, and a time-out of 5 seconds bounds what a call may take.
# Observed: seconds asked for        5    59   119   121         600         86400
#           openai sleeps            5    59   119   gives up    gives up    gives up
#           anthropic sleeps         5    59   119   121         600         86400
#           A run over many items hangs for a day in one call, and nothing says so.
# Exit:     0 while this is so, 1 when it has changed, 2 when it could not be tried.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.54.0 anthropic==2.12.0
} || exit 2
"$work/venv/bin/python" - <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import openai

message = {"role": "assistant", "content": "C"}
CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
CHAT["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "m"}
MESSAGE |= {"content": [{"type": "text", "text": "C"}], "stop_reason": "end_turn"}
MESSAGE["usage"] = {"input_tokens": 1, "output_tokens": 1}
BUSY = {"error": {"type": "rate_limit_error", "message": "slow down"}}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        busy, self.server.busy = self.server.busy, False
        said = json.dumps(BUSY if busy else CHAT if "chat" in self.path else MESSAGE).encode()
        self.send_response(429 if busy else 200)
        if busy:
            self.send_header("retry-after", str(self.server.wait))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def slept(vendor, wait):
    """Seconds that a call sleeps, which are noted and not slept; None if it gives up."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.busy, server.wait = True, wait
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    turns, noted, sleep = [{"role": "user", "content": "x"}], [], time.sleep
    time.sleep = noted.append
    try:
        if vendor == "openai":
            client = openai.OpenAI(api_key="none", base_url=address + "/v1", timeout=5)
            client.chat.completions.create(model="m", messages=turns)
        else:
            client = anthropic.Anthropic(api_key="none", base_url=address, timeout=5)
            client.messages.create(model="m", max_tokens=5, messages=turns)
        return round(sum(noted))
    except (openai.RateLimitError, anthropic.RateLimitError):
        return None
    finally:
        time.sleep = sleep
        server.shutdown()


waits = [5, 59, 119, 121, 600, 86400]
found = {vendor: [slept(vendor, wait) for wait in waits] for vendor in ("openai", "anthropic")}
print("asked for", waits, *found.items(), sep="\n")
same = found == {"openai": [5, 59, 119, None, None, None], "anthropic": waits}
sys.exit(0 if same else 1)
PY
