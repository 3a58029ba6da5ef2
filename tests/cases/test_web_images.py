"""Images at URLs: of public hosts alone, whatever a name or a redirect says."""

import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from nejm_inspect.cases import open_source, web_images
from nejm_inspect.cases.web_images import fetch_web_images, is_public
from tests.loopback import encoded, picture

IMAGE = encoded(picture(), "PNG")


@dataclass
class Web:
    """An https server on loopback; paths that are no image are redirected."""

    port: int = 0
    images: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    user_agent: str = ""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.port}{path}"


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.requests[self.path] += 1
            web.user_agent = str(self.headers["User-Agent"])
            body = web.images.get(self.path, b"")
            self.send_response(302 if self.path in web.redirects else 200)
            if self.path in web.redirects:
                self.send_header("Location", web.redirects[self.path])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "images.test").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    web.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield web
    server.shutdown()
    server.server_close()


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one thing that is not real here: there is no public host to ask."""
    monkeypatch.setattr(
        web_images, "is_public", lambda address: address == "127.0.0.1" or is_public(address)
    )


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Has every name stand for these addresses, one after the other."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("loopback_is_public")
def test_images_are_downloaded_once(web: Web, tmp_path: Path) -> None:
    web.images = {"/a": IMAGE, "/b.png": encoded(picture(2))}
    web.redirects = {"/c": "/a"}
    urls = [web.url(path) for path in ("/a", "/b.png", "/c")]
    files = fetch_web_images(urls)
    assert [Path(files[url]).read_bytes() for url in urls] == [IMAGE, web.images["/b.png"], IMAGE]
    assert [Path(files[url]).suffix for url in urls] == [".png", ".jpg", ".png"]
    assert Path(files[urls[0]]).parent == tmp_path / "cache" / "web"
    assert web.user_agent.startswith("nejm-inspect/")
    assert fetch_web_images(urls) == files
    assert web.requests == {"/a": 2, "/b.png": 1, "/c": 1}
    Path(files[urls[1]]).write_bytes(b"damaged")
    assert fetch_web_images(urls) == files
    assert web.requests["/b.png"] == 2


@pytest.mark.usefixtures("loopback_is_public")
def test_cases_may_have_their_images_on_the_web(web: Web, tmp_path: Path) -> None:
    web.images = {"/a": IMAGE}
    case = {"history": "What?", "reference": "Gout"}
    rows = [{**case, "image": [web.url("/a")]}, {**case, "image": [web.url("/b")]}]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(rows))
    source = open_source(str(file))
    assert not web.requests, "images are fetched when they are wanted"
    images = source.images(source.cases)
    (image,) = images.found[1]
    assert image.path.read_bytes() == IMAGE
    assert images.missing == {2: f"row 2: {web.url('/b')}: not an image: an empty answer"}


@pytest.mark.usefixtures("loopback_is_public")
def test_proxies_are_not_asked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    web.images = {"/a": IMAGE}
    (file,) = fetch_web_images([web.url("/a")]).values()
    assert isinstance(file, Path)


@pytest.mark.usefixtures("loopback_is_public")
def test_what_is_no_image_is_named(web: Web) -> None:
    web.images = {"/page": b"<!DOCTYPE html><p>Log in"}
    url = web.url("/page")
    assert fetch_web_images([url]) == {url: f"{url}: not an image: an HTML page of 24 bytes"}


@pytest.mark.usefixtures("loopback_is_public")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("https://10.1.2.3/a", "10.1.2.3 (10.1.2.3) is not a public address"),
        ("https://[::1]/a", "::1 (::1) is not a public address"),
        ("http://127.0.0.1/a", "redirected to http://127.0.0.1/a, not https"),
    ],
)
def test_redirects_lead_to_public_hosts_alone(target: str, reason: str, web: Web) -> None:
    web.redirects = {"/a": target}
    url = web.url("/a")
    assert fetch_web_images([url]) == {url: f"{url}: {reason}"}


def test_a_name_of_a_private_address_is_refused(web: Web) -> None:
    url = web.url("/a", "localhost")
    (reason,) = fetch_web_images([url]).values()
    assert str(reason).endswith("is not a public address")
    assert not web.requests


def test_a_name_that_changes_its_address_is_refused(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is looked up, private when it is connected to."""
    web.images = {"/a": IMAGE}
    resolve(monkeypatch, "8.8.8.8", "127.0.0.1")
    url = web.url("/a", "images.test")
    assert fetch_web_images([url]) == {
        url: f"{url}: images.test (127.0.0.1) is not a public address"
    }
    assert not web.requests


def test_certificates_are_checked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_images, "is_public", lambda address: True)
    resolve(monkeypatch, "127.0.0.1")
    url = web.url("/a", "elsewhere.test")
    (reason,) = fetch_web_images([url]).values()
    assert "CERTIFICATE_VERIFY_FAILED" in str(reason)
    assert not web.requests


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 (nothing is bound)
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::808:808", False),
        ("2002:7f00:1::1", False),
        ("2002:808:808::1", True),
        ("::7f00:1", False),
        ("::808:808", False),
        ("fec0::1", False),
        ("::ffff:8.8.8.8", True),
    ],
)
def test_addresses_of_the_public_internet(address: str, public: bool) -> None:
    assert is_public(address) == public
