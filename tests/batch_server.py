"""A server on loopback with both vendors' batches: files, states, partial failure, expiry."""

import json
import re
import time
from http.server import BaseHTTPRequestHandler

from fault_server import Loopback, chat

COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


def always(text="Answer: A"):
    """What a well-behaved vendor answers to the n-th line."""
    return lambda number, name: text


class BatchServer(Loopback):
    """Serve until closed.

    `fate` gives, for a line's number and custom id, the text of its answer, or "error" or
    "expired"; a batch has gone through its `states` after as many looks at it.
    """

    def __init__(self, fate=None, states=("in_progress",), end="completed"):
        super().__init__(Handler)
        self.fate, self.states, self.end = fate or always(), list(states), end
        self.files, self.batches, self.hang_up = {}, {}, False
        self.keys, self.paths = set(), []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, said, status=200):
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        server, body = self.server, self.rfile.read(int(self.headers["Content-Length"]))
        server.keys.add(self.headers.get("Authorization") or self.headers.get("x-api-key"))
        server.paths.append(("POST", self.path))
        if self.path == "/v1/files":
            name = f"file-{len(server.files)}"
            server.files[name] = b"\n".join(re.findall(rb'^\{"custom_id".*\}$', body, re.M))
            return self.send({"id": name, "object": "file", "bytes": 1, "created_at": 1,
                              "filename": "prompts.jsonl", "purpose": "batch"})  # fmt: skip
        name, said = f"batch_{len(server.batches)}", json.loads(body)
        if self.path == "/v1/batches":
            lines = server.files[said["input_file_id"]].split(b"\n")
        else:
            lines = [json.dumps(line) for line in said["requests"]]
        server.batches[name] = {"lines": list(map(json.loads, lines)), "looks": 0,
                                "since": time.time(), "asked": said}  # fmt: skip
        if server.hang_up:
            server.hang_up = False
            self.close_connection = True
            return None
        return self.send(self.about(name))

    def do_GET(self):
        server, path = self.server, self.path.partition("?")[0]
        server.paths.append(("GET", path))
        if path.endswith("/content"):
            return self.send(server.files[path.split("/")[-2]])
        if path.endswith("/results"):
            return self.send(self.results(path.split("/")[-2]))
        if path.endswith("/batches"):
            found = [self.about(name) for name in reversed(server.batches)]
            return self.send({"object": "list", "data": found, "has_more": False,
                              "first_id": None, "last_id": None})  # fmt: skip
        name = path.rpartition("/")[2]
        if name not in server.batches:
            return self.send({"error": {"type": "e", "message": f"No batch {name}"}}, 404)
        server.batches[name]["looks"] += 1
        return self.send(self.about(name))

    def state(self, name):
        looks = self.server.batches[name]["looks"]
        return next(iter(self.server.states[looks : looks + 1]), self.server.end)

    def about(self, name):
        batch, state = self.server.batches[name], self.state(name)
        fates = [self.server.fate(i, x["custom_id"]) for i, x in enumerate(batch["lines"])]
        ended = state == self.server.end
        if "requests" in batch["asked"]:
            n = {"errored": fates.count("error"), "expired": fates.count("expired")}
            n = dict.fromkeys(COUNTS, 0) | (n if ended else {})
            n["succeeded" if ended else "processing"] = len(fates) - sum(n.values())
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch["since"]))
            url = f"{self.server.address}/v1/messages/batches/{name}/results"
            return {"id": name, "type": "message_batch", "created_at": when, "expires_at": when,
                    "processing_status": "ended" if ended else "in_progress",
                    "request_counts": n, "results_url": url if ended else None}  # fmt: skip
        files = self.output(name, fates) if ended and state != "failed" else {}
        bad = sum(fate in ("error", "expired") for fate in fates)
        errors = {"object": "list", "data": [{"code": "c", "message": "line 1 is no JSON"}]}
        return {"id": name, "object": "batch", "completion_window": "24h", "status": state,
                "created_at": int(batch["since"]), "endpoint": batch["asked"]["endpoint"],
                "input_file_id": batch["asked"]["input_file_id"], **files,
                "metadata": batch["asked"].get("metadata"),
                "errors": errors if state == "failed" else None,
                "request_counts": {"total": len(fates), "completed": len(fates) - bad,
                                   "failed": bad}}  # fmt: skip

    def output(self, name, fates):
        """OpenAI's two files, shuffled; neither is there if it would be empty."""
        rows = {"output_file_id": [], "error_file_id": []}
        for line, fate in zip(self.server.batches[name]["lines"], fates, strict=True):
            row = {"id": "r", "custom_id": line["custom_id"], "response": None, "error": None}
            if fate == "expired":
                row["error"] = {"code": "batch_expired", "message": "This request expired."}
            elif fate == "error":
                row["response"] = {"status_code": 500, "body": {"error": {"message": "no"}}}
            else:
                usage = {"prompt_tokens": 400, "completion_tokens": 10}
                row["response"] = {"status_code": 200, "body": chat(fate, usage=usage)}
            rows["output_file_id" if fate not in ("error", "expired") else "error_file_id"].append(
                row
            )
        found = {}
        for field, lines in rows.items():
            if lines:
                found[field] = f"{name}-{field}"
                text = "\n".join(map(json.dumps, reversed(lines)))
                self.server.files[found[field]] = f"{text}\n".encode()
        return found

    def results(self, name):
        rows = []
        for i, line in enumerate(self.server.batches[name]["lines"]):
            fate, result = self.server.fate(i, line["custom_id"]), {"type": "succeeded"}
            if fate == "error":
                inner = {"type": "api_error", "message": "no"}
                result = {"type": "errored", "error": {"type": "error", "error": inner}}
            elif fate == "expired":
                result = {"type": "expired"}
            else:
                usage = {"prompt_tokens": 400, "completion_tokens": 10}
                content = [{"type": "text", "text": fate}]
                result["message"] = chat(content, "end_turn", "anthropic", usage)
            rows.append({"custom_id": line["custom_id"], "result": result})
        return "\n".join(map(json.dumps, reversed(rows))).encode() + b"\n"
