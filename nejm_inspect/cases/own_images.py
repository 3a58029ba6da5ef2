"""Images of the user's own cases: in the table itself, files beside it, or at https URLs.

A table of cases may come from anybody. Its paths must not leave its folder, and its URLs must not
make this machine ask something of its own network, such as a cloud's metadata service.
"""

import hashlib
import ipaddress
import json
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import BeforeValidator, ValidationInfo

from nejm_inspect.cases.cache import cache_folder, write_atomically
from nejm_inspect.cases.download import TIMEOUT, DownloadError, download_images, limit_reads
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.manifest import checked_image
from nejm_inspect.errors import masked

NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
SPECIAL = "192.0.0.0/24 192.88.99.0/24 168.63.129.16 3fff::/20 5f00::/16 fec0::/10"
"""Not public, but global to some versions of Python. 168.63.129.16 is Azure's own."""
SPECIAL_NETWORKS = tuple(ipaddress.ip_network(network) for network in SPECIAL.split())


def from_json(cell: Any) -> Any:
    """Returns the list that a cell of text holds as JSON; any other cell as it is."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(cell)
    return cell


def stored_images(cell: Any) -> list[Any]:
    """Returns what a cell with an image or a list of images holds: bytes or places.

    Raises:
        ValueError: If the list is empty.
    """
    value = from_json(cell)
    if value == []:
        raise ValueError("Input should hold an image")
    return [
        (v["path"] if v["bytes"] is None else v["bytes"])
        if isinstance(v, dict) and v.keys() == {"bytes", "path"}
        else v
        for v in (value if isinstance(value, list | tuple) else [value])
    ]


def _as_image_place(value: object, info: ValidationInfo) -> Path | str:
    """Returns a file, which for an image in the table is in the cache, or an https URL.

    The validation context is the `Table`, whose folder no path leaves.
    """
    if isinstance(value, bytes):
        return _embedded(value)
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("Input should be a path, an https URL or bytes")
    if "://" in value or "::" in value or value.startswith("data:"):  # "::" chains URLs in fsspec
        _check_url(value)
        return value
    folder = info.context.folder if info.context else None
    if folder is None:
        raise ValueError(
            "is a path, but no files lie beside these rows. A dataset at a URL must hold the "
            "images or their https URLs"
        )
    # Unlike Path.resolve, realpath raises no errors for links that form a circle.
    path = Path(folder, value)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"the path leaves the folder {folder}")
    return path


ImagePlace = Annotated[Path | str, BeforeValidator(_as_image_place)]


def _embedded(data: bytes) -> Path:
    """Writes an image of the table to the cache, under a hash of its bytes."""
    from nejm_inspect.cases.images import keep_image  # imports Pillow and numpy

    stem = cache_folder() / "embedded" / hashlib.sha256(data).hexdigest()[:32]
    try:
        return keep_image(stem, data)
    except ImageError:  # reported when the image is needed, as for any broken file
        write_atomically(stem, data)
        return stem


def _check_url(url: str) -> None:
    """Raises `ValueError` unless it is an https URL whose host is a name or a public address.

    The addresses behind a name are checked when the image is downloaded.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        parsed = httpx.URL()
    if parsed.scheme != "https" or not parsed.host:
        raise ValueError("Input should be a path or an https URL")
    try:
        public = is_public(parsed.host)
    except ValueError:  # a name
        return
    if not public:
        raise ValueError(f"{parsed.host} is not a public address")


def is_public(address: str) -> bool:
    """Returns whether an IP address, or the IPv4 address in it, is on the public internet."""
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    if ip in NAT64:
        ip = ipaddress.IPv4Address(ip.packed[-4:])
    elif ip.version == 6:
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    special = any(ip in network for network in SPECIAL_NETWORKS)
    return bool(ip.is_global and not (ip.is_multicast or ip.is_reserved or special))


def fetch_web_images(urls: Iterable[str]) -> dict[str, Path | str]:
    """Returns for each URL its file in the cache, downloaded if need be, or what failed."""
    folder = cache_folder() / "web"
    stems = {url: folder / hashlib.sha256(url.encode()).hexdigest()[:32] for url in urls}
    wanted = set(stems.values())
    files: dict[Path, Path | str] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        stem = path.with_suffix("")
        if stem in wanted and stem not in files:
            with suppress(OSError, ImageError):
                checked_image(path)
                files[stem] = path
    if absent := {stem: url for url, stem in stems.items() if stem not in files}:
        with httpx.Client(
            headers={"User-Agent": f"nejm-inspect/{version('nejm-inspect')}"},
            timeout=TIMEOUT,
            verify=httpx.create_ssl_context(),
            trust_env=False,  # The address that a proxy connects to cannot be checked.
            event_hooks={"request": [_check_request]},
        ) as client:
            files |= download_images(client, absent)
    return {
        url: file if isinstance(file := files[stem], Path) else f"{masked(url)}: {file}"
        for url, stem in stems.items()
    }


def _check_request(request: httpx.Request) -> None:
    """Runs before each request, also those of redirects."""
    if request.url.scheme != "https":
        raise DownloadError(f"redirected to {masked(str(request.url)):.80}, not https", again=False)
    host = request.url.host

    def check_address(address: str) -> None:
        if not is_public(address):
            raise DownloadError(f"{host} ({address}) is not a public address", again=False)

    def check_connection(event: str, info: Mapping[str, Any]) -> None:
        limit_reads(event, info)
        if event == "connection.connect_tcp.complete":
            # The name may stand for another address by now. Nothing has been sent yet.
            stream = info["return_value"]
            try:
                check_address(stream.get_extra_info("server_addr")[0])
            except DownloadError:
                stream.close()
                raise

    request.extensions["trace"] = check_connection
    with suppress(OSError):  # connecting will fail with a better message
        for *_, (address, *_) in socket.getaddrinfo(host, request.url.port or 443):
            check_address(str(address))
