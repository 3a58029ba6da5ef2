"""Images of the user's own cases at https URLs, and of public hosts alone.

A table of cases may come from anybody. Its URLs must not make this machine ask
something of its own network, such as a cloud's metadata service.
"""

import hashlib
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.download import DownloadError

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
OWN_NETWORKS = tuple(map(ipaddress.ip_network, ("::/96", "64:ff9b:1::/48", "fec0::/10")))
"""Not all of them private to Python: IPv4-compatible (RFC 4291), local NAT64 (RFC 8215)
and site-local addresses (RFC 3879)."""


def check_url(url: str) -> None:
    """Refuses what is no https URL, or names a private address outright.

    What a host's name stands for is looked up when the image is downloaded.

    Raises:
        ValueError: If the URL is refused; names it.
    """
    if not url.lower().startswith("https://"):
        raise ValueError(f"image={url!r:.80} must be a path or an https URL")
    try:
        host = httpx.URL(url).host
    except httpx.InvalidURL as error:
        raise ValueError(f"image={url!r:.80} is no URL: {error}") from error
    if not host:
        raise ValueError(f"image={url!r:.80} names no host")
    try:
        ipaddress.ip_address(host)
    except ValueError:  # a name
        return
    if not is_public(host):
        raise ValueError(f"image={url!r:.80}: {host} is no public address")


def is_public(address: str) -> bool:
    """Tells whether an IP address belongs to the public internet.

    Of an IPv6 address that stands for an IPv4 one, the latter counts.
    """
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    if ip in NAT64:
        ip = ipaddress.IPv4Address(ip.packed[-4:])
    elif ip.version == 6:
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    own = any(ip in network for network in OWN_NETWORKS)
    return bool(ip.is_global and not ip.is_multicast and not own)


def fetch_web_images(urls: Iterable[str]) -> dict[str, Path | str]:
    """Downloads images into the cache, unless they are there.

    Args:
        urls: https URLs.

    Returns:
        For each URL the file, or why there is none.
    """
    wanted = list(urls)
    if not wanted:  # nothing to import Pillow for
        return {}
    from nejm_inspect.cases.image_downloads import download_images, kept_image

    kept = {url: kept_image(_stem(url)) for url in wanted}
    absent = {url: url for url, path in kept.items() if path is None}
    failed: Mapping[str, str] = {}
    if absent:
        with _public_client() as client:
            failed = download_images(client, absent, _stem)
    return {
        url: path or kept_image(_stem(url)) or f"{url}: {failed.get(url, 'it has gone')}"
        for url, path in kept.items()
    }


def _stem(url: str) -> Path:
    return cache_folder() / "web" / hashlib.sha256(url.encode()).hexdigest()[:32]


def _public_client() -> httpx.Client:
    return httpx.Client(
        headers={"User-Agent": f"nejm-inspect/{version('nejm-inspect')}"},
        follow_redirects=True,
        timeout=30,
        verify=httpx.create_ssl_context(),
        # What a proxy would connect to could not be checked.
        trust_env=False,
        event_hooks={"request": [_check_request]},
    )


def _check_request(request: httpx.Request) -> None:
    """Before each request, those of redirects included."""
    if request.url.scheme != "https":
        raise DownloadError(f"redirected to {request.url}, not https", again=False)
    host = request.url.host
    try:
        found = socket.getaddrinfo(host, request.url.port or 443)
    except OSError:
        found = []  # connecting will fail with a better message
    for *_, (address, *_) in found:
        _require_public(host, str(address))

    def check_connection(event: str, info: Mapping[str, Any]) -> None:
        # The name may stand for something else by now: what counts is the address
        # that has been connected to, before anything is sent to it.
        if event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            try:
                _require_public(host, stream.get_extra_info("server_addr")[0])
            except DownloadError:
                stream.close()
                raise

    request.extensions["trace"] = check_connection


def _require_public(host: str, address: str) -> None:
    if not is_public(address):
        raise DownloadError(f"{host} ({address}) is no public address", again=False)
