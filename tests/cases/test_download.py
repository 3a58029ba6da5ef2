"""Answers of servers that mean no good, or are slow."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from nejm_inspect.cases import download as downloads
from nejm_inspect.cases.download import DownloadError, download, new_client

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def server() -> Iterator[tuple[str, list[Answer]]]:
    """A server that answers by the function in the list."""
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            with suppress(OSError):  # the client has hung up
                answers[0](self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


def got(url: str, cancelled: threading.Event | None = None) -> bytes:
    with new_client() as client:
        return download(client, url, lambda data: None, cancelled)


def test_nothing_is_unpacked(server: tuple[str, list[Answer]]) -> None:
    url, answers = server
    asked = set()

    def packed(request: BaseHTTPRequestHandler) -> None:
        asked.add(request.headers["Accept-Encoding"])
        request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        request.wfile.write(gzip.compress(bytes(1_000_000)))

    answers.append(packed)
    with pytest.raises(DownloadError, match="an answer in gzip, not asked for"):
        got(url)
    assert asked == {"identity"}


def trickle(until: threading.Event) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.end_headers()
        while not until.wait(0.01):
            request.wfile.write(b".")

    return answer


def enough(ended: threading.Event) -> None:
    """Ends what would otherwise never end, should the client not."""
    timer = threading.Timer(20, ended.set)
    timer.daemon = True
    timer.start()


def test_a_body_that_trickles_has_a_deadline(
    server: tuple[str, list[Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, answers = server
    monkeypatch.setattr(downloads, "DEADLINE", 0.2)
    ended = threading.Event()
    enough(ended)
    answers.append(trickle(ended))
    with pytest.raises(DownloadError, match="not complete after 0 seconds"):
        got(url)
    ended.set()


def test_a_body_that_trickles_is_cancelled(server: tuple[str, list[Answer]]) -> None:
    url, answers = server
    cancelled, ended = threading.Event(), threading.Event()
    enough(ended)
    answers.append(trickle(ended))
    threading.Timer(0.2, cancelled.set).start()
    with pytest.raises(DownloadError, match="interrupted"):
        got(url, cancelled)
    ended.set()
