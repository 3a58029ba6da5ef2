"""OpenAI's endpoints for batches on loopback: files, batches, and what they hold."""

import json
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

from tests.loopback import OpenRouter, Reply


@dataclass
class OpenAI:
    """OpenAI: completions at once, or by batch. Both are scripted by `server`.

    A batch is validated, in progress, and completed the third time it is looked at. A line that
    fails is in the error file, with the error as its response's body.
    """

    server: OpenRouter
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    """The requests of each batch."""
    files: dict[str, bytes] = field(default_factory=dict)
    _status: dict[str, dict[str, Any]] = field(default_factory=dict)

    def respond(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        match path.removeprefix("/v1/").split("/"):
            case ["files"]:
                return self._upload(headers, body)
            case ["files", id, "content"]:
                return Reply(self.files[id], content_type="application/octet-stream")
            case ["batches"]:
                return self._create(json.loads(body))
            case ["batches", id]:
                return self._look_at(id)
            case ["chat", "completions"]:
                return self.server.respond(path, headers, body)
        return Reply(status=404)

    @property
    def batched_models(self) -> list[list[str]]:
        return [sorted({line["body"]["model"] for line in batch}) for batch in self.batches]

    def _upload(self, headers: dict[str, str], body: bytes) -> Reply:
        kind = next(value for name, value in headers.items() if name.lower() == "content-type")
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        (file,) = (part for part in form.walk() if part.get_filename())
        id = f"file-{len(self.files)}"
        content = file.get_payload(decode=True)
        assert isinstance(content, bytes)
        self.files[id] = content
        told = {"bytes": len(content), "created_at": 1, "filename": "x.jsonl", "purpose": "batch"}
        return _json({"id": id, "object": "file", "status": "processed", **told})

    def _create(self, asked: dict[str, Any]) -> Reply:
        id = f"batch_{len(self.batches)}"
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        assert all(line["url"] == asked["endpoint"] for line in lines)
        self.batches.append(lines)
        self._status[id] = {"id": id, "object": "batch", "created_at": 1, **asked}
        return self._report(id, "validating")

    def _look_at(self, id: str) -> Reply:
        if self._status[id]["status"] == "validating":
            return self._report(id, "in_progress")
        good, bad = [], []
        for line in self.batches[int(id.removeprefix("batch_"))]:
            reply = self.server.respond(line["url"], {}, json.dumps(line["body"]).encode())
            response = {"status_code": reply.status, "body": json.loads(reply.body)}
            result = {"id": "r", "custom_id": line["custom_id"], "response": response}
            (good if reply.status == 200 else bad).append({**result, "error": None})
        for name, results in (("output_file_id", good), ("error_file_id", bad)):
            if results:
                self.files[f"{id}-{name}"] = "\n".join(map(json.dumps, results)).encode()
                self._status[id][name] = f"{id}-{name}"
        counts = {"total": len(good + bad), "completed": len(good), "failed": len(bad)}
        return self._report(id, "completed", request_counts=counts)

    def _report(self, id: str, status: str, **more: Any) -> Reply:
        self._status[id] |= {"status": status, **more}
        return _json(self._status[id])


def _json(value: dict[str, Any]) -> Reply:
    return Reply(json.dumps(value).encode())
