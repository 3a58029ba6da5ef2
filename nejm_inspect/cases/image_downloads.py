"""Downloads of images: several at once, each kept as soon as it is there."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

import httpx

from nejm_inspect.cases.cache import write_atomically
from nejm_inspect.cases.download import DownloadError, describe_body, download
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.images import OTHER_SUFFIXES, SUFFIXES, check_image, image_suffix
from nejm_inspect.cases.progress import with_progress

DOWNLOADS_AT_ONCE = 8
"""What a public web server may be asked for at a time without being a burden."""

Key = TypeVar("Key")


def download_images(
    client: httpx.Client, urls: Mapping[Key, str], stem: Callable[[Key], Path]
) -> dict[Key, str]:
    """Downloads images; each gets the ending of what it is.

    Every image that arrives is kept at once, so that an interrupted call is resumed
    by the next one, not repeated.

    Args:
        client: Shared by all downloads.
        urls: Where from, by any key.
        stem: Gives the path for a key, without the ending.

    Returns:
        The reasons for those that failed.
    """
    failed: dict[Key, str] = {}
    cancelled = threading.Event()

    def download_one(key: Key) -> None:
        data = download(client, urls[key], _check_image_body, cancelled)
        path = stem(key)
        write_atomically(path.with_name(f"{path.name}{image_suffix(data)}"), data)

    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        pending = {pool.submit(download_one, key): key for key in urls}
        try:
            for future in with_progress(as_completed(pending), len(pending), "Fetching images"):
                try:
                    future.result()
                except DownloadError as error:
                    failed[pending[future]] = str(error)
        except BaseException:  # Ctrl-C, mostly: end what runs, start nothing more
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def kept_image(stem: Path) -> Path | None:
    """The file that `download_images` left for a stem, if it is still sound."""
    for suffix in dict.fromkeys((*SUFFIXES.values(), *OTHER_SUFFIXES.values())):
        path = stem.with_name(f"{stem.name}{suffix}")
        try:
            check_image(path.read_bytes())
        except (OSError, ImageError):
            continue
        return path
    return None


def _check_image_body(data: bytes) -> None:
    try:
        check_image(data)
    except ImageError as error:
        raise DownloadError(f"{error}: {describe_body(data)}") from error
