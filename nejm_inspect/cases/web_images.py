"""Images of the user's own cases at https URLs, and of public hosts alone.

A table of cases may come from anybody. Its URLs must not make this machine ask
something of its own network, such as a cloud's metadata service.
"""

import hashlib
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.download import TIMEOUT, DownloadError, download_images, limit_reads
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.manifest import checked_image
from nejm_inspect.errors import masked

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
SPECIAL = "192.0.0.0/24 192.88.99.0/24 168.63.129.16 3fff::/20 5f00::/16 fec0::/10"
"""Not public, but global to some versions of Python. 168.63.129.16 is Azure's own."""
SPECIAL_NETWORKS = tuple(ipaddress.ip_network(network) for network in SPECIAL.split())


def check_url(url: str) -> None:
    """Raises `ValueError` for what is not an https URL or has a private address as its host.

    The addresses of a host's name are checked when the image is downloaded.
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
    """Tells whether an IP address, or the IPv4 address in it, is on the public internet."""
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    if ip in NAT64:
        ip = ipaddress.IPv4Address(ip.packed[-4:])
    elif ip.version == 6:
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    special = any(ip in network for network in SPECIAL_NETWORKS)
    return bool(ip.is_global and not (ip.is_multicast or ip.is_reserved or special))


def fetch_web_images(urls: Iterable[str]) -> dict[str, Path | str]:
    """Returns for each URL its file in the cache, downloaded if need be, or what failed."""
    kept = {url: _kept(url) for url in urls}
    absent = {url: url for url, path in kept.items() if path is None}
    failed: Mapping[str, str] = {}
    if absent:
        with httpx.Client(
            headers={"User-Agent": f"nejm-inspect/{version('nejm-inspect')}"},
            timeout=TIMEOUT,
            verify=httpx.create_ssl_context(),
            trust_env=False,  # What a proxy would connect to could not be checked.
            event_hooks={"request": [_check_request]},
        ) as client:
            failed = download_images(client, absent, _stem)
    return {
        url: path or _kept(url) or f"{masked(url)}: {failed.get(url, 'it has gone')}"
        for url, path in kept.items()
    }


def _stem(url: str) -> Path:
    return cache_folder() / "web" / hashlib.sha256(url.encode()).hexdigest()[:32]


def _kept(url: str) -> Path | None:
    for path in _stem(url).parent.glob(f"{_stem(url).name}.*"):
        with suppress(OSError, ImageError):
            checked_image(path)
            return path
    return None


def _check_request(request: httpx.Request) -> None:
    """Runs before each request, those of redirects included."""
    if request.url.scheme != "https":
        raise DownloadError(f"redirected to {masked(str(request.url)):.80}, not https", again=False)
    host = request.url.host

    def check_address(address: str) -> None:
        if not is_public(address):
            raise DownloadError(f"{host} ({address}) is not a public address", again=False)

    def check_connection(event: str, info: Mapping[str, Any]) -> None:
        limit_reads(event, info)
        if event == "connection.connect_tcp.complete":
            # The name may stand for something else by now. Nothing has been sent yet.
            stream = info["return_value"]
            address = stream.get_extra_info("server_addr")[0]
            if not is_public(address):
                stream.close()
            check_address(address)

    request.extensions["trace"] = check_connection
    with suppress(OSError):  # connecting will fail with a better message
        for *_, (address, *_) in socket.getaddrinfo(host, request.url.port or 443):
            check_address(str(address))
