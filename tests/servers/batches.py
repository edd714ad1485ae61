"""The model server's Batch API: files, batches, and their results after a while."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from tests.servers.writing import completion

SECONDS = 0.3  # until a batch is complete


class Batches:
    """`serve` answers a path of the Batch API.

    The calls of a batch are entered into the server's ledger like any other.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def serve(self, server: Any, path: str, body: bytes) -> Any:
        if path.endswith("/files"):
            return self.upload(body)
        if path.endswith("/content"):
            return self.files[path.split("/")[-2]]
        if path.endswith("/batches"):
            return self.create(server, json.loads(body)["input_file_id"])
        batch = self.batches[path.rsplit("/", 1)[-1]]
        done = time.time() > batch["created_at"] + SECONDS
        return batch | {"status": "completed" if done else "in_progress"}

    def upload(self, body: bytes) -> dict[str, Any]:
        content = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        assert content
        return self.store(content[1])

    def store(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 1,
            "filename": "x",
            "purpose": "batch",
        }

    def create(self, server: Any, source: str) -> dict[str, Any]:
        lines = [self.answer(server, json.loads(line)) for line in self.files[source].splitlines()]
        good = [line for line in lines if line["response"]["status_code"] == 200]
        bad = [line for line in lines if line["response"]["status_code"] != 200]
        output, errors = (
            self.store("\n".join(map(json.dumps, part)).encode())["id"] for part in (good, bad)
        )
        batch = {
            "id": f"batch-{len(self.batches)}",
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": source,
            "completion_window": "24h",
            "created_at": time.time(),
            "status": "validating",
            "output_file_id": output,
            "error_file_id": errors if bad else None,
        }
        return self.batches.setdefault(str(batch["id"]), batch)

    def answer(self, server: Any, line: dict[str, Any]) -> dict[str, Any]:
        request = line["body"]
        if message := server.refused(request):
            return self.line(
                line, 400, {"error": {"message": message, "code": "unsupported_parameter"}}
            )
        key, work, attempt, _ = server.arrive(request)
        kind = server.choose(key, attempt)
        server.sent[kind] += 1
        status, body = 200, completion(request, key, server.write(request, key), "stop")
        if kind != "ok":
            status, code = (400, "content_policy_violation") if kind == "poison" else (500, kind)
            body = {"error": {"message": kind + server.secret, "code": code}}
        work.delivered += kind == "ok"
        return self.line(line, status, body)

    def line(self, asked: dict[str, Any], status: int, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": "x",
            "custom_id": asked["custom_id"],
            "response": {"status_code": status, "body": body},
        }
