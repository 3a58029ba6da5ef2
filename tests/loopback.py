"""Servers on loopback that behave like the real ones, faults included."""

import io
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from nejm_inspect.judging.preflight import KNOWN_PAIR


@dataclass
class Reply:
    """An HTTP answer; a `length` beyond the body's cuts it in the middle.

    Before the body it stalls for so many seconds. Without a status, the connection is reset before
    any byte.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stall: float = 0.0


Respond = Callable[[str, dict[str, str], bytes], Reply]


@contextmanager
def serve(respond: Respond, port: int = 0) -> Iterator[str]:
    """Serves on a port, by default a free one; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        do_HEAD = do_GET

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            reply = respond(self.path, dict(self.headers), body)
            self.close_connection = True
            if not reply.status:
                lingering = struct.pack("ii", 1, 0)  # not at all: the client gets a reset
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
                self.connection.close()
                return
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(reply.length or len(reply.body)))
                self.send_header("Connection", "close")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                time.sleep(reply.stall)
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
            except OSError:  # the client has hung up
                pass

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    # How often it looks whether it is to stop; half a second by default.
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def picture(seed: int = 0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A small picture that differs for each seed."""
    color = (seed % 256, seed // 256 % 256, 99)
    image = Image.new("RGB", size, color)
    image.putpixel((0, 0), (255, 255, 255))
    return image


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@dataclass
class Journal:
    """The case list's server and the journal's image server.

    `image_faults` maps a date (YYYYMMDD) to the replies given before the good image; a
    fault whose list never runs out is given as a single reply.
    """

    case_list: Reply
    image_faults: dict[str, Reply | list[Reply]] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    headers: dict[str, str] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0
    delay: float = 0.0
    lock: Any = field(default_factory=threading.Lock)

    def respond(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with self.lock:
            self.requests[path] += 1
            self.headers = headers
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            time.sleep(self.delay)
            if path == "/cases.json":
                return self.case_list
            return self._image(path.removeprefix("/images?id=IC"))
        finally:
            with self.lock:
                self.at_once -= 1

    def _image(self, date: str) -> Reply:
        fault = self.image_faults.get(date)
        if isinstance(fault, Reply):
            return fault
        if fault:
            return fault.pop(0)
        body = self.images.get(date) or encoded(picture(int(date)))
        return Reply(body, content_type="image/jpeg")

    @property
    def image_requests(self) -> int:
        return sum(n for path, n in self.requests.items() if "images" in path)


@dataclass
class Call:
    """A chat completion that was asked for."""

    model: str
    payload: dict[str, Any]

    @property
    def text(self) -> str:
        """All text of all messages."""
        return "\n".join(
            part["text"]
            for message in self.payload["messages"]
            for part in _parts(message["content"])
            if part["type"] == "text"
        )

    @property
    def token(self) -> str:
        """What a judge must repeat in its verdict; empty for an examinee."""
        fence = re.search(r"<reference-([0-9a-f]{12})>", self.text)
        return fence[1] if fence else ""

    @property
    def is_preflight(self) -> bool:
        """Whether a judge is asked about the known pair."""
        return bool(self.token) and KNOWN_PAIR.history in self.text

    @property
    def images(self) -> list[str]:
        """The data URLs of all images."""
        return [
            part["image_url"]["url"]
            for message in self.payload["messages"]
            for part in _parts(message["content"])
            if part["type"] == "image_url"
        ]


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content


TOKEN = "TOKEN"  # noqa: S105 - no secret, but what stands for a prompt's token


def verdict(points: object, **more: object) -> str:
    """A judge's reply."""
    fields = {"token": TOKEN, "reasoning": "because"}
    return json.dumps({**fields, "score": points, **more})


@dataclass
class OpenRouter:
    """OpenRouter: scripted chat completions, all of them kept, and a list of models.

    A script gets the call and gives the text of the reply, or a `Reply` for a fault, or
    the fields of a choice. In a judge's text, `TOKEN` becomes that of the call.
    """

    examinee: Callable[[Call], str | Reply | dict[str, Any]] = lambda call: "Gout"
    judge: Callable[[Call], str | Reply | dict[str, Any]] = lambda call: verdict(10)
    preflight: Callable[[Call], str | Reply | dict[str, Any]] = lambda call: verdict(5)
    models: list[dict[str, Any]] | Reply = field(
        default_factory=lambda: Reply(b"no list", status=503)
    )
    calls: list[Call] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)

    def respond(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path.endswith("/models"):
            if isinstance(self.models, Reply):
                return self.models
            return Reply(json.dumps({"data": self.models}).encode())
        payload = json.loads(body)
        call = Call(payload["model"], payload)
        judging = bool(call.token)
        with self.lock:
            self.calls.append(call)
            self.headers = headers
        try:
            script = self.judge if judging else self.examinee
            answer = (self.preflight if call.is_preflight else script)(call)
        except Exception as error:  # a mistake in a test, not to be asked again for
            return openrouter_error(400, repr(error))
        if isinstance(answer, Reply):
            return answer
        if judging and isinstance(answer, str):
            answer = answer.replace(TOKEN, call.token)
        choice = {"content": answer} if isinstance(answer, str) else dict(answer)
        finish_reason = choice.pop("finish_reason", "stop")
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        usage |= choice.pop("usage", {})
        completion = {
            "id": "gen-1",
            "object": "chat.completion",
            "created": 1,
            "model": call.model,
            "provider": "Loopback",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish_reason,
                    "message": {"role": "assistant", **choice},
                }
            ],
            "usage": usage,
        }
        return Reply(json.dumps(completion).encode())

    @property
    def examinee_calls(self) -> list[Call]:
        return [call for call in self.calls if not call.token]

    @property
    def judge_calls(self) -> list[Call]:
        return [c for c in self.calls if c.token and not c.is_preflight]

    @property
    def preflight_calls(self) -> list[Call]:
        return [call for call in self.calls if call.is_preflight]


def tool_call(name: str = "search") -> dict[str, Any]:
    """The fields of a choice that only asks for a tool."""
    function = {"name": name, "arguments": '{"query": "gout"}'}
    call = {"id": "call-1", "type": "function", "function": function}
    return {"content": None, "tool_calls": [call], "finish_reason": "tool_calls"}


def openrouter_error(status: int, message: str, **headers: str) -> Reply:
    """An error as OpenRouter words it."""
    error = {"error": {"code": status, "message": message}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(error).encode(), status=status, headers=named)
