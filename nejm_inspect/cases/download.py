"""Downloads: limited in number, size and time, and tried again if they fail."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
from rich.console import Console
from rich.progress import track
from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt
from tenacity.wait import wait_base, wait_exponential_jitter

from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.errors import masked

AT_ONCE = 8  # downloads from a public web server without burdening it
ATTEMPTS = 4
RETRY_WAIT: wait_base = wait_exponential_jitter(multiplier=0.5, max=10)
TIMEOUT = 30  # seconds for a single step, such as a read
DEADLINE = 300.0
"""Seconds for an attempt with its redirects. It ends after the step that exceeds this."""
MAX_BYTES = 100_000_000
"""More than any case list or image has. Headers, 1xx responses and redirects count too."""
MAX_REDIRECTS = 20
HEADERS = {
    # The journal's image server refuses clients that do not look like a browser on its pages.
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 nejm-inspect",
    "Referer": "https://www.nejm.org/image-challenge",
}

T = TypeVar("T")
_attempt = threading.local()
"""The limits of the attempt that runs in this thread. Threads share connections."""


class DownloadError(Exception):
    """A failed attempt: what came instead, with credentials masked; and whether to try again."""

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(masked(message))
        self.again = again


def new_client() -> httpx.Client:
    """Returns a client that any number of threads may share."""
    return httpx.Client(headers=HEADERS, timeout=TIMEOUT)


def download(
    client: httpx.Client,
    url: str,
    take: Callable[[bytes], T],
    cancelled: threading.Event | None = None,
) -> T:
    """Gets a body, trying again where that may help, and returns what `take` makes of it.

    Args:
        client: A request may have its own `trace` extension if that calls `limit_reads`.
        url: Where the body comes from.
        take: Raises `DownloadError` or `ImageError` for a wrong body. That is tried again like a
            failed request, since a server may send a challenge page for a while.
        cancelled: Once set, from any thread, the download ends.

    Raises:
        DownloadError: If no attempt brought a good body.
    """
    cancelled = cancelled or threading.Event()
    taken: T = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        sleep=sleep_using_event(cancelled),
        wait=RETRY_WAIT,
        retry=retry_if_exception(lambda e: isinstance(e, DownloadError) and e.again),
        reraise=True,
    )(_download_once, client, url, take, cancelled)
    return taken


def _download_once(
    client: httpx.Client, url: str, take: Callable[[bytes], T], cancelled: threading.Event
) -> T:
    _attempt.received, _attempt.cancelled = 0, cancelled
    _attempt.deadline = time.monotonic() + DEADLINE
    plain = {"Accept-Encoding": "identity"}
    try:
        request = client.build_request("GET", url, headers=plain, extensions={"trace": limit_reads})
        for _ in range(1 + MAX_REDIRECTS):
            _count_received(0)
            # If it followed redirects, httpx would read and unpack their whole bodies.
            with closing(client.send(request, stream=True, follow_redirects=False)) as response:
                if response.next_request is None:
                    data = _body(response)
                    return take(data)
                request = response.next_request
    except ImageError as error:
        raise DownloadError(f"{error}: {describe_body(data)}") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        # httpx's reason is left out: it may quote a part of a password as a port.
        raise DownloadError("not a URL for http or https", again=False) from error
    except (httpx.HTTPError, OSError) as error:
        raise DownloadError(str(error) or type(error).__name__) from error
    raise DownloadError(f"more than {MAX_REDIRECTS} redirects", again=False)


def _body(response: httpx.Response) -> bytes:
    if response.is_error:
        missing = response.status_code in (404, 410)  # Other errors may pass.
        raise DownloadError(f"HTTP {response.status_code}", again=not missing)
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise DownloadError(f"an answer in {encoding}, not asked for")
    # A list of many tiny chunks would take far more memory than their content.
    return b"".join(response.iter_raw(chunk_size=65_536))


def limit_reads(event: str, info: Mapping[str, Any]) -> None:
    """Makes new connections count the bytes that they read.

    It is a `trace` extension of httpx, since a response gives access to its connection only after
    its headers.
    """
    if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
        stream = info["return_value"]
        read = stream.read

        def limited_read(max_bytes: int, timeout: float | None = None) -> bytes:
            data: bytes = read(max_bytes, timeout)
            _count_received(len(data))
            return data

        stream.read = limited_read


def _count_received(size: int) -> None:
    _attempt.received += size
    if _attempt.received > MAX_BYTES:
        raise DownloadError(f"more than {MAX_BYTES // 1_000_000} MB", again=False)
    if _attempt.cancelled.is_set():
        raise DownloadError("interrupted", again=False)
    if time.monotonic() > _attempt.deadline:
        raise DownloadError(f"not complete after {DEADLINE:.0f} seconds", again=False)


def _mask_urls(record: logging.LogRecord) -> bool:
    record.msg, record.args = masked(record.getMessage()), ()
    return True


for _logger in ("httpx", "httpcore.http11"):  # They log the URLs of requests and redirects.
    logging.getLogger(_logger).addFilter(_mask_urls)


def describe_body(data: bytes) -> str:
    """Says what a wrong body is."""
    start = data[:200].lstrip().lower()
    if not data:
        return "an empty answer"
    kind = "an HTML page" if start.startswith((b"<!doctype html", b"<html")) else "data"
    return f"{kind} of {len(data):,} bytes"


def download_images(client: httpx.Client, urls: Mapping[Path, str]) -> dict[Path, Path | str]:
    """Downloads images, and writes each as soon as it has arrived.

    The keys of `urls` are the paths of the files without the endings of their formats. Returns the
    file for each, or the reason for its failure.
    """
    from nejm_inspect.cases.images import keep_image  # imports Pillow and numpy

    cancelled = threading.Event()

    def fetch(stem: Path) -> Path | str:
        try:
            return download(client, urls[stem], partial(keep_image, stem), cancelled)
        except DownloadError as error:
            return str(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = {pool.submit(fetch, stem): stem for stem in urls}
        try:
            done = with_progress(as_completed(pending), len(pending), "Fetching images")
            return {pending[future]: future.result() for future in done}
        finally:
            cancelled.set()  # On Ctrl-C, this ends the downloads that run or have yet to start.


def with_progress(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Passes items on and shows their number: a bar on a terminal, about ten lines elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, description, total=total, console=console)
        return
    for done, item in enumerate(items, start=1):
        yield item
        if done % max(1, total // 10) == 0 or done == total:
            console.print(f"{description}: {done} of {total}", highlight=False)
