"""The Hugging Face Hub on loopback: as much of it as `datasets` asks for."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.loopback import Reply, serve

COMMIT = "c0ffee" * 6 + "c0ff"
DATASET = "owner/cases"
Files = Mapping[str, bytes]


@contextmanager
def hub(datasets: Mapping[str, Files | str]) -> Iterator[str]:
    """Serves datasets, or refuses them by the Hub's error codes."""

    def respond(path: str, headers: dict[str, str], body: bytes) -> Reply:
        path = unquote(urlsplit(path).path)
        name = next((name for name in datasets if f"/datasets/{name}" in path), "")
        files = datasets.get(name, "RepoNotFound")
        if isinstance(files, str):
            return _refusal(files, status=401)
        reply = _answer(path.replace(name, "", 1), files)
        asked = {name.lower(): value for name, value in headers.items()}.get("range", "")
        if match := re.fullmatch(r"bytes=(\d+)-(\d+)", asked):
            first, last = map(int, match.groups())
            content_range = f"bytes {first}-{last}/{len(reply.body)}"
            part = reply.body[first : last + 1]
            return Reply(part, 206, headers={**reply.headers, "Content-Range": content_range})
        return reply

    with serve(respond) as url:
        yield url


def asked_of_hub(url: str, *calls: Sequence[str]) -> list[Any]:
    """What calls come to in one process that takes a loopback server for the Hub.

    `["described", CASES]` describes a source, or gives its error; any other call is a command of
    `nejm-inspect`, whose exit code and output are returned.
    """
    folder = Path(os.environ["NEJM_INSPECT_CACHE"]) / "hf"
    process = subprocess.run(
        [sys.executable, "-m", "tests.cases.described", json.dumps(calls)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(folder)},
    )
    return list(json.loads(process.stdout))


def _answer(path: str, files: Files) -> Reply:
    if match := re.fullmatch(r"/datasets//resolve/([^/]+)/(.+)", path):
        revision, name = match.groups()
        if revision not in ("main", COMMIT):
            return _refusal("RevisionNotFound")
        if name not in files:
            return _refusal("EntryNotFound")
        etag = f'"{hashlib.sha256(files[name]).hexdigest()}"'
        return Reply(files[name], headers={"X-Repo-Commit": COMMIT, "ETag": etag})
    if match := re.fullmatch(r"/api/datasets/(/revision/(.+))?", path):
        if match[2] not in (None, "main", COMMIT):
            return _refusal("RevisionNotFound")
        siblings = [{"rfilename": name} for name in files]
        info = {"id": DATASET, "sha": COMMIT, "private": False, "siblings": siblings}
        return Reply(json.dumps(info).encode())
    if match := re.fullmatch(rf"/api/datasets//tree/{COMMIT}(/.*)?", path):
        if tree := _tree((match[1] or "")[1:], files):
            return Reply(json.dumps(tree).encode())
        return _refusal("EntryNotFound")
    return _refusal("RepoNotFound")


def _refusal(code: str, status: int = 404) -> Reply:
    return Reply(status=status, headers={"X-Error-Code": code, "X-Repo-Commit": COMMIT})


def _tree(folder: str, files: Files) -> list[dict[str, Any]]:
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
