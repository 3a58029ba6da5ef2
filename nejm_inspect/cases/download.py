"""Downloads: polite, bounded, retried, and able to say what came instead."""

import threading
import time
from collections.abc import Callable

import httpx
from tenacity import (
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
)
from tenacity.wait import wait_base, wait_exponential_jitter

ATTEMPTS = 4
RETRY_WAIT: wait_base = wait_exponential_jitter(multiplier=0.5, max=10)
MAX_BYTES = 100_000_000
"""More than any honest case list or clinical image; a guard against endless bodies."""
DEADLINE = 300.0
"""Seconds that one body may take to arrive; a guard against those that trickle."""

HEADERS = {
    # The journal's image server turns away clients that don't look like a browser on
    # its own pages.
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36 nejm-inspect"
    ),
    "Referer": "https://www.nejm.org/image-challenge",
    "Accept": "*/*",
}


class DownloadError(Exception):
    """A download that failed for good; the message says what came.

    Args:
        message: What came instead of the wanted content.
        again: Whether trying again may help.
    """

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


def new_client() -> httpx.Client:
    """A client that any number of threads may share."""
    return httpx.Client(headers=HEADERS, follow_redirects=True, timeout=30)


def download(
    client: httpx.Client,
    url: str,
    check: Callable[[bytes], None],
    cancelled: threading.Event | None = None,
) -> bytes:
    """Gets a body that passes a check, trying again where that may help.

    Args:
        client: From `new_client`.
        url: Where from.
        check: Raises `DownloadError` if the body is not what is wanted. A wrong body
            is tried again like a failed request: challenge pages pass.
        cancelled: Once set, from any thread, the download ends.

    Raises:
        DownloadError: If no attempt brought a good body.
    """
    cancelled = cancelled or threading.Event()
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS) | stop_when_event_set(cancelled),
        sleep=sleep_using_event(cancelled),
        wait=RETRY_WAIT,
        retry=retry_if_exception(lambda e: isinstance(e, DownloadError) and e.again),
        reraise=True,
    )
    return retrying(_attempt, client, url, check, cancelled)


def _attempt(
    client: httpx.Client, url: str, check: Callable[[bytes], None], cancelled: threading.Event
) -> bytes:
    deadline = time.monotonic() + DEADLINE
    # Unpacked, a small body might fill the memory before anything could be counted.
    plain = {"Accept-Encoding": "identity"}
    try:
        with client.stream("GET", url, headers=plain) as response:
            if response.is_error:
                # A missing file stays missing; a refusal or a fault may pass.
                again = response.status_code not in (404, 410)
                raise DownloadError(f"HTTP {response.status_code}", again=again)
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding != "identity":
                raise DownloadError(f"an answer in {encoding}, not asked for")
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    message = f"more than {MAX_BYTES // 1_000_000} MB"
                    raise DownloadError(message, again=False)
                if cancelled.is_set():
                    raise DownloadError("interrupted", again=False)
                if time.monotonic() > deadline:
                    message = f"not complete after {DEADLINE:.0f} seconds"
                    raise DownloadError(message, again=False)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise DownloadError(f"not a URL: {error}", again=False) from error
    except httpx.HTTPError as error:
        # Some of httpx's errors carry no text of their own.
        raise DownloadError(str(error) or type(error).__name__) from error
    data = bytes(body)
    check(data)
    return data


def describe_body(data: bytes) -> str:
    """Names what a body is, for a message about getting the wrong one."""
    start = data[:200].lstrip().lower()
    if not data:
        return "an empty answer"
    kind = "an HTML page" if start.startswith((b"<!doctype html", b"<html")) else "data"
    return f"{kind} of {len(data):,} bytes"
