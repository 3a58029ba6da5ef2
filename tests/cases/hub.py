"""The Hugging Face Hub on loopback: as much of it as `datasets` asks for."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"
DATASET = "owner/cases"


@contextmanager
def hub(files: Mapping[str, bytes], error: str | None = None) -> Iterator[str]:
    """Serves one dataset, or refuses it by one of the Hub's error codes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            status, headers, body = _answer(path, files, error)
            if match := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or ""):
                first, last = map(int, match.groups())
                headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
                status, body = 206, body[first : last + 1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _answer(
    path: str, files: Mapping[str, bytes], error: str | None
) -> tuple[int, dict[str, str], bytes]:
    if error is not None:
        return 401, {"X-Error-Code": error}, b""
    if match := re.fullmatch(rf"/datasets/{DATASET}/resolve/([^/]+)/(.+)", path):
        revision, name = match.groups()
        headers = {"X-Repo-Commit": COMMIT}
        if revision not in ("main", COMMIT):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        if name not in files:
            return 404, {**headers, "X-Error-Code": "EntryNotFound"}, b""
        body = files[name]
        return 200, {**headers, "ETag": f'"{hashlib.sha256(body).hexdigest()}"'}, body
    if match := re.fullmatch(rf"/api/datasets/{DATASET}(/revision/(.+))?", path):
        if match[2] not in (None, "main", COMMIT):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        siblings = [{"rfilename": name} for name in files]
        info = {"id": DATASET, "sha": COMMIT, "private": False, "siblings": siblings}
        return 200, {}, json.dumps(info).encode()
    if match := re.fullmatch(rf"/api/datasets/{DATASET}/tree/{COMMIT}(/.*)?", path):
        tree = _tree((match[1] or "")[1:], files)
        if not tree:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        return 200, {}, json.dumps(tree).encode()
    return 404, {"X-Error-Code": "RepoNotFound"}, b""


def _tree(folder: str, files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """What lies directly in a folder."""
    prefix = f"{folder}/" if folder else ""
    inside = {f.removeprefix(prefix): b for f, b in files.items() if f.startswith(prefix)}
    folders = {name.partition("/")[0] for name in inside if "/" in name}
    return [
        {"type": "directory", "path": prefix + name, "size": 0, "oid": COMMIT} for name in folders
    ] + [
        {
            "type": "file",
            "path": prefix + name,
            "size": len(body),
            "oid": hashlib.sha1(body, usedforsecurity=False).hexdigest(),
        }
        for name, body in inside.items()
        if "/" not in name
    ]
