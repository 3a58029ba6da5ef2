"""Images at URLs: of public hosts alone, whatever a name or a redirect says."""

import json
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from nejm_inspect.cases import download, open_source, own_images
from nejm_inspect.cases.own_images import fetch_web_images, is_public
from nejm_inspect.errors import NejmInspectError
from tests.cases.test_download import Server, redirect, serving, whole
from tests.loopback import encoded, picture

IMAGE = encoded(picture(), "PNG")


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An https server on loopback."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "images.test").configure_cert(context)
    with serving(context) as server:
        server.pages = {"/a": whole(IMAGE)}
        yield server


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one thing that is not real here: there is no public host to ask."""
    monkeypatch.setattr(
        own_images, "is_public", lambda address: address == "127.0.0.1" or is_public(address)
    )


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Has every name stand for these addresses, one after the other."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("loopback_is_public")
def test_images_are_downloaded_once_and_by_no_proxy(
    web: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    web.pages |= {"/b.png": whole(encoded(picture(2))), "/c": redirect("/a")}
    urls = [f"https://{web.host}{path}" for path in ("/a", "/b.png", "/c")]
    files = {url: Path(file) for url, file in fetch_web_images(urls).items()}
    assert [files[url].read_bytes() for url in urls] == [IMAGE, encoded(picture(2)), IMAGE]
    assert [files[url].suffix for url in urls] == [".png", ".jpg", ".png"]
    assert files[urls[0]].parent == tmp_path / "cache" / "web"
    assert "User-Agent: nejm-inspect/" in web.requests[0]
    assert fetch_web_images(urls) == files
    assert sorted(web.paths) == ["/a", "/a", "/b.png", "/c"]
    files[urls[1]].write_bytes(b"damaged")
    assert fetch_web_images(urls) == files
    assert web.paths[4:] == ["/b.png"]


@pytest.mark.usefixtures("loopback_is_public")
def test_cases_may_have_their_images_on_the_web(web: Server, tmp_path: Path) -> None:
    case = {"history": "What?", "reference": "Gout"}
    rows = [{**case, "image": [f"https://{web.host}/{name}"]} for name in "ab"]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(rows))
    source = open_source(str(file))
    assert not web.requests, "images are fetched when they are wanted"
    images = source.images(source.cases)
    (image,) = images.found[1]
    assert image.path.read_bytes() == IMAGE
    assert images.missing == {2: f"https://{web.host}/b: not an image: an empty answer"}


@pytest.mark.usefixtures("loopback_is_public")
@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (whole(b"<!DOCTYPE html><p>Log in"), "not an image: an HTML page of 24 bytes"),
        (whole(bytes(1_000)), "more than 0 MB"),
        (redirect("https://10.1.2.3/a"), "10.1.2.3 (10.1.2.3) is not a public address"),
        (redirect("https://[::1]/a"), "::1 (::1) is not a public address"),
        (redirect("http://127.0.0.1/a"), "redirected to http://127.0.0.1/a, not https"),
        (
            redirect("http://a:secret@b/?key=secret&c"),
            "redirected to http://…b/?key=…&c, not https",
        ),
    ],
)
def test_what_goes_wrong_is_told_without_credentials(
    page: bytes, reason: str, web: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1_000)
    web.pages = {"/a?sig=secret": page}
    url = f"https://me:secret@{web.host}/a?sig=secret"
    assert fetch_web_images([url]) == {url: f"https://…{web.host}/a?sig=…: {reason}"}
    assert f"Authorization: Basic {b64encode(b'me:secret').decode()}" in web.requests[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@host/a?token=secret",
        "https://me:se/cret@host/a",
        f"https://{80 * 'me'}:secret@host:port/",
        "https://me:secret@10.0.0.1/a?api_key=secret",
        "https://me:secret@/a",
    ],
)
def test_a_refusal_names_no_credentials(url: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([{"history": "What?", "reference": "Gout", "image": url}]))
    with pytest.raises(NejmInspectError, match=r"row 1: image.0='https?://…") as error:
        open_source(str(file))
    assert not re.search("me:|cret", str(error.value).partition("image.0=")[2])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("localhost", ["127.0.0.1"]),
        # DNS rebinding: public when it is looked up, private when it is connected to.
        ("images.test", ["8.8.8.8", "127.0.0.1"]),
    ],
)
def test_names_stand_for_public_addresses_alone(
    name: str, found: list[str], web: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, *found)
    url = f"https://{web.host}/a".replace("127.0.0.1", name)
    (reason,) = fetch_web_images([url]).values()
    assert reason == f"{url}: {name} (127.0.0.1) is not a public address"
    assert not web.requests


def test_certificates_are_checked(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_images, "is_public", lambda address: True)
    resolve(monkeypatch, "127.0.0.1")
    (reason,) = fetch_web_images([f"https://{web.host}/a".replace("127.0.0.1", "a.test")]).values()
    assert "CERTIFICATE_VERIFY_FAILED" in str(reason)
    assert not web.requests


PUBLIC = """
8.8.8.8 192.0.1.1 192.88.98.1 168.63.129.15 2606:4700::1111 3ffe::1 ::ffff:8.8.8.8
64:ff9b::8.8.8.8 2002:808:808::1
"""
NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 168.63.129.16 169.254.169.254 172.16.0.1 192.0.0.1
192.0.0.9 192.0.0.254 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1
224.0.0.1 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::808:808 ::ffff:127.0.0.1 ::ffff:0:808:808 64:ff9b::127.0.0.1
64:ff9b::10.0.0.1 64:ff9b::168.63.129.16 64:ff9b:1::808:808 100::1 2001::1 2001:db8::1
2002:7f00:1::1 3fff::1 5f00::1 fd00::1 fe80::1%eth0 fec0::1 ff0e::1
"""


@pytest.mark.parametrize("address", [*PUBLIC.split(), *NOT_PUBLIC.split()])
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(address) == (address in PUBLIC.split())
