"""Servers that mean no good, or are slow, and URLs that hold credentials."""

import gzip
import logging
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from nejm_inspect.cases import download as downloads
from nejm_inspect.cases.download import DownloadError, download, new_client

Answer = Callable[[str], Iterable[bytes]]
"""Gives, for the path of a request, the bytes of a response, piece by piece."""
OK = b"HTTP/1.1 200 OK\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\n\r\n"


def whole(body: bytes, headers: bytes = b"") -> bytes:
    return OK + headers + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def redirect(target: str, headers: bytes = b"Content-Length: 0\r\n\r\n") -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: %b\r\n%b" % (target.encode(), headers)


def endless(start: bytes, rest: bytes) -> Answer:
    return lambda path: chain([start], repeat(rest))


class Server(ThreadingTCPServer):
    """A server on loopback that answers from its pages, unless told otherwise."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.pages: dict[str, bytes] = {}
        self.answer: Answer = lambda path: [self.pages.get(path, whole(b""))]
        self.pause = 0.0
        self.requests: list[str] = []
        self.connections = 0

    @property
    def paths(self) -> list[str]:
        return [request.split()[1] for request in self.requests]


class Handler(StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.connections += 1
        enough = time.monotonic() + 20  # should the client never hang up
        request = b""
        with suppress(OSError):
            for line in self.rfile:
                request += line
                if line != b"\r\n":
                    continue
                self.server.requests.append(request.decode())
                for piece in self.server.answer(self.server.paths[-1]):
                    self.wfile.write(piece)
                    time.sleep(self.server.pause)
                    if time.monotonic() > enough:
                        return
                request = b""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    with Server() as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def got(url: str, cancelled: threading.Event | None = None) -> bytes:
    with new_client() as client:
        return download(client, url, lambda data: data, cancelled)


Limit = tuple[str, float, str]
SLOW = ("DEADLINE", 0.2, "not complete after 0 seconds")
LARGE = ("MAX_BYTES", 1_000_000, "more than 1 MB")


@pytest.mark.parametrize(
    ("limit", "url", "answer"),
    [
        (SLOW, "http://{host}", endless(OK + b"X: ", b".")),
        (SLOW, "http://{host}", endless(HINT, HINT)),
        (SLOW, "http://{host}", endless(OK + b"\r\n", b".")),
        (SLOW, "http://{host}", endless(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b".")),
        (SLOW, "http://{host}", endless(redirect("/", b"X: "), b".")),
        (SLOW, "https://through.proxy", endless(OK + b"X: ", b".")),
        (LARGE, "http://{host}", endless(HINT, 5_000 * HINT)),
        (LARGE, "http://{host}", endless(OK + b"\r\n", bytes(99_999))),
    ],
)
def test_what_never_ends_has_a_limit(
    limit: Limit, url: str, answer: Answer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, value, reason = limit
    monkeypatch.setattr(downloads, name, value)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{server.host}")
    server.answer, server.pause = answer, 0.01
    with pytest.raises(DownloadError, match=reason):
        got(url.format(host=server.host))
    assert len(server.requests) == 1, "this is not tried again"


def test_what_trickles_is_cancelled(server: Server) -> None:
    cancelled = threading.Event()
    server.answer, server.pause = endless(OK + b"\r\n", b"."), 0.01
    threading.Timer(0.2, cancelled.set).start()
    with pytest.raises(DownloadError, match="interrupted"):
        got(f"http://{server.host}", cancelled)


def test_a_limit_is_one_downloads_own(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 1_000)
    server.pages = {"/": whole(bytes(600))}
    with new_client() as client:
        for _ in range(3):
            assert len(download(client, f"http://{server.host}", lambda data: data)) == 600
    assert server.connections == 1


def test_a_header_that_never_ends_is_refused(server: Server) -> None:
    server.answer = endless(OK + b"X: ", b"." * 9_999)
    with pytest.raises(DownloadError, match="buffer"):
        got(f"http://{server.host}")


def test_twenty_redirects_are_followed(server: Server) -> None:
    server.pages = {f"/{n + 1}": redirect(f"/{n}") for n in range(21)}
    server.pages["/0"] = whole(b"image")
    assert got(f"http://{server.host}/20") == b"image"
    with pytest.raises(DownloadError, match="more than 20 redirects"):
        got(f"http://{server.host}/21")
    assert server.paths[21:] == [f"/{n}" for n in range(21, 0, -1)]


def test_nothing_is_unpacked(server: Server) -> None:
    server.pages = {"/": whole(gzip.compress(bytes(1_000)), b"Content-Encoding: gzip\r\n")}
    with pytest.raises(DownloadError, match="an answer in gzip, not asked for"):
        got(f"http://{server.host}")
    assert "Accept-Encoding: identity" in server.requests[0]


def test_the_body_of_a_redirect_takes_no_memory(server: Server) -> None:
    gzipped = zlib.compressobj(1, wbits=31)
    bomb = b"".join(gzipped.compress(bytes(1_000_000)) for _ in range(100)) + gzipped.flush()
    headers = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    server.pages = {"/": redirect("/image", headers) + bomb, "/image": whole(b"image")}
    script = """if True:
        import resource, sys
        from nejm_inspect.cases.download import download, new_client
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with new_client() as client:
            before = peak()
            body = download(client, sys.argv[1], lambda data: data)
        print(body.decode(), peak() < 1.5 * before)
    """
    command = [sys.executable, "-c", script, f"http://{server.host}"]
    assert subprocess.check_output(command, text=True).split() == ["image", "True"]


def test_credentials_are_used_and_not_told(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving() as other:
        path = "/?token=secret"
        server.pages = {"/": redirect(path), path: redirect(f"http://{other.host}{path}")}
        other.pages = {path: b"HTTP/1.1 404 Gone\r\n\r\n"}
        with pytest.raises(DownloadError, match="HTTP 404"):
            got(f"http://user:secret@{server.host}")
    sent = ["Authorization: Basic" in request for request in server.requests + other.requests]
    assert sent == [True, True, False], "another server is not sent them"
    told = [record.getMessage() for record in caplog.records]
    assert sum("HTTP Request: GET http://" in message for message in told) == 3
    assert not [message for message in told if "secret" in message]


@pytest.mark.parametrize("url", ["http://user:se/cret@host/", "ftp://user:secret@host/", "host/"])
def test_what_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(DownloadError) as error:
        got(url)
    assert str(error.value) == "not a URL for http or https"
