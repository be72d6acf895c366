"""A chat server on loopback that speaks the OpenAI streaming format, scripted, with every fault a client can meet.

    with ChatServer(status(429, retry_after="1"), answer("Two weeks [1].")) as server:
        ask(server.url)
    assert server.requests[0].json()["model"] == "test-model"

Each request takes the next behaviour of the script; the last one serves all requests that follow. A request to another
path than `/v1/chat/completions` gets 404. Every request is recorded, faulty ones too. An error inside a behaviour is
raised when the server closes, so that a test cannot pass on a broken server.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Behaviour = Callable[["Exchange"], None]
JSON = dict[str, Any]
EVENT_STREAM = "text/event-stream; charset=utf-8"
CERTIFICATE = Path(__file__).with_name("untrusted.pem")
"""Self-signed for 127.0.0.1 and localhost, with its key, valid until 2126: openssl req -x509 -newkey ec -nodes."""
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent, byte for byte. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> JSON:
        parsed: JSON = json.loads(self.body)
        return parsed

    def user_text(self) -> str:
        """The content of the last message of the user."""
        return str([m["content"] for m in self.json()["messages"] if m["role"] == "user"][-1])


class ChatServer:
    """A server on 127.0.0.1 for as long as the `with` block runs. `url` is what a client takes as its base address.

    With `tls` it shows `certificate`, which nobody trusts by default.
    """

    path = "/v1/chat/completions"
    host = "127.0.0.1"
    family = socket.AF_INET
    certificate = CERTIFICATE

    def __init__(self, *script: Behaviour, tls: bool = False) -> None:
        self.requests: list[Request] = []
        self.script: Sequence[Behaviour] = script or (echo(),)
        self.released = threading.Event()
        self._errors: list[BaseException] = []
        self._lock = threading.Lock()
        self._scheme = "https" if tls else "http"
        self._http = _Server(self)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            # The handshake belongs to the handler's thread: a client that refuses it must not end the server.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def origin(self) -> str:
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def bodies(self) -> list[bytes]:
        """The bodies that were posted, in their order."""
        return [request.body for request in self.requests if request.method == "POST"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if self._errors and error is None:
            raise self._errors[0]

    def next_behaviour(self, request: Request) -> Behaviour:
        """Records the request and says how to treat it."""
        with self._lock:
            turn = len(self.bodies)
            self.requests.append(request)
        if request.method != "POST" or request.path != self.path:
            return status(404, message=f"no such path: {request.path}")
        return self.script[min(turn, len(self.script) - 1)]

    def failed(self, error: BaseException) -> None:
        self._errors.append(error)


class Exchange:
    """One request and the pen to answer it with."""

    def __init__(self, handler: _Handler, request: Request) -> None:
        self.request = request
        self.server = handler.chat
        self._handler = handler
        self._chunked = False

    def start(
        self,
        code: int = 200,
        *,
        content_type: str | None = EVENT_STREAM,
        headers: Mapping[str, str] | None = None,
        chunked: bool = True,
    ) -> None:
        """Sends status and headers. Without `chunked` the end of the body is the end of the connection."""
        self._chunked = chunked
        self._handler.send_response(code)
        if content_type is not None:
            self._handler.send_header("Content-Type", content_type)
        if chunked:
            self._handler.send_header("Transfer-Encoding", "chunked")
        for name, value in (headers or {}).items():
            self._handler.send_header(name, value)
        self._handler.send_header("Connection", "close")
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        if data and self._chunked:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        self.raw(data)

    def raw(self, data: bytes) -> None:
        """Writes to the socket as it is."""
        self._handler.wfile.write(data)

    def finish(self) -> None:
        if self._chunked:
            self.raw(b"0\r\n\r\n")

    def reset(self) -> None:
        """Ends the connection with a reset, as a crash does."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self._handler.connection.detach())

    def wait(self) -> None:
        """Says nothing until the server closes."""
        self.server.released.wait(timeout=60)


# --- behaviours: a reply ---------------------------------------------------------------------------------------------


def answer(
    text: str | Callable[[JSON], str],
    *,
    finish_reason: str | None = "stop",
    usage: Mapping[str, Any] | None = USAGE,
    done: bool = True,
) -> Behaviour:
    """Streams a text, or what a function makes of the request's JSON, a few characters an event."""
    return lambda exchange: _stream(
        exchange,
        reply_events(_text(text, exchange.request), finish_reason=finish_reason, usage=usage, done=done),
    )


def echo() -> Behaviour:
    """Streams the user's last message back."""
    return lambda exchange: _stream(exchange, reply_events(exchange.request.user_text()))


def plain_json(text: str, *, finish_reason: str = "stop") -> Behaviour:
    """Ignores `stream` and answers with one JSON object, as some servers do."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason}]
    return body(json.dumps({"object": "chat.completion", "choices": choices, "usage": USAGE}).encode())


def one_byte_writes(text: str) -> Behaviour:
    """The reply, every byte in a write of its own."""

    def behave(exchange: Exchange) -> None:
        exchange.start()
        for byte in b"".join(reply_events(text)):
            exchange.write(bytes([byte]))
        exchange.finish()

    return behave


def events(
    *parts: bytes, content_type: str | None = EVENT_STREAM, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Writes these bytes as an event stream, each part in a write of its own."""
    return lambda exchange: _stream(exchange, parts, content_type=content_type, headers=headers)


def body(data: bytes, *, content_type: str | None = "application/json", code: int = 200) -> Behaviour:
    """Answers with these bytes and this content type."""
    return lambda exchange: _stream(exchange, (data,), content_type=content_type, code=code)


# --- behaviours: a fault ---------------------------------------------------------------------------------------------


def status(
    code: int, *, message: str = "", retry_after: str | None = None, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Refuses with a status and OpenAI's error object."""
    extra = dict(headers or {}) | ({} if retry_after is None else {"Retry-After": retry_after})
    error = {"error": {"message": message or f"status {code}", "type": "test_error", "code": None}}
    return lambda exchange: _stream(
        exchange, (json.dumps(error).encode(),), content_type="application/json", code=code, headers=extra
    )


def html(code: int = 200, *, text: str = "Log in to the network") -> Behaviour:
    """What a captive portal, a proxy or a wrong address answers."""
    page = f"<!DOCTYPE html><html><body><h1>{text}</h1></body></html>"
    return body(page.encode(), content_type="text/html; charset=utf-8", code=code)


def redirect(location: str, *, code: int = 307) -> Behaviour:
    return lambda exchange: _stream(exchange, (), code=code, headers={"Location": location}, content_type=None)


def stall(after: str = "", *, headers: bool = True) -> Behaviour:
    """Streams `after`, then says nothing until the server closes. Without `headers` it never even begins."""
    return stall_after(*reply_events(after, finish_reason=None, usage=None, done=False), headers=headers)


def stall_after(*parts: bytes, headers: bool = True) -> Behaviour:
    """Writes these bytes of an event stream, then says nothing until the server closes."""

    def behave(exchange: Exchange) -> None:
        if headers:
            exchange.start()
            exchange.write(b"".join(parts))
        exchange.wait()

    return behave


def drip_headers() -> Behaviour:
    """Begins an answer, and goes on with its headers, a byte at a time, until the client or the server ends it."""

    def behave(exchange: Exchange) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not exchange.server.released.wait(timeout=0.01):
            exchange.raw(b"x")

    return behave


def keep_alive_forever() -> Behaviour:
    """Streams comments and no answer, until the client or the server ends it."""

    def behave(exchange: Exchange) -> None:
        exchange.start()
        while not exchange.server.released.is_set():
            exchange.write(b": keep-alive\n\n" * 64)

    return behave


def cut(text: str, *, after: int, chunked: bool = True) -> Behaviour:
    """Closes the connection after so many bytes of the event stream.

    Chunked, HTTP itself shows that the body is not whole; otherwise the body just ends.
    """

    return cut_bytes(b"".join(reply_events(text))[:after], chunked=chunked)


def cut_bytes(data: bytes, *, chunked: bool = True) -> Behaviour:
    """Writes these bytes of an event stream, and closes the connection."""

    def behave(exchange: Exchange) -> None:
        exchange.start(chunked=chunked)
        exchange.write(data)

    return behave


def hang_up() -> Behaviour:
    """Closes the connection without a word."""
    return lambda exchange: None


def garbage(data: bytes = b"220 mail.example ESMTP\r\n") -> Behaviour:
    """Answers in another protocol than HTTP."""
    return lambda exchange: exchange.raw(data)


# --- pieces ----------------------------------------------------------------------------------------------------------


def reply_events(
    text: str,
    *,
    finish_reason: str | None = "stop",
    usage: Mapping[str, Any] | None = USAGE,
    done: bool = True,
    size: int = 5,
) -> list[bytes]:
    """The events of a reply: a role, the text in pieces of `size` characters, an end, the usage, `[DONE]`."""
    deltas: list[JSON] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[at : at + size]} for at in range(0, len(text), size)]
    stream = [chunk(delta) for delta in deltas]
    if finish_reason is not None:
        stream.append(chunk({}, finish_reason=finish_reason))
    if usage is not None:
        stream.append(event({"object": "chat.completion.chunk", "choices": [], "usage": dict(usage)}))
    return [*stream, b"data: [DONE]\n\n"] if done else stream


def chunk(delta: JSON | None, *, finish_reason: str | None = None, index: int = 0) -> bytes:
    """One event with a delta."""
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "test-model", "choices": [choice]})


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


@contextmanager
def refused_address() -> Iterator[str]:
    """A base address at which every connection is refused: the port is taken, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"


def _text(text: str | Callable[[JSON], str], request: Request) -> str:
    return text if isinstance(text, str) else text(request.json())


def _stream(
    exchange: Exchange,
    parts: Sequence[bytes],
    *,
    content_type: str | None = EVENT_STREAM,
    code: int = 200,
    headers: Mapping[str, str] | None = None,
) -> None:
    exchange.start(code, content_type=content_type, headers=headers)
    for part in parts:
        exchange.write(part)
    exchange.finish()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, chat: ChatServer) -> None:
        self.chat = chat
        self.address_family = chat.family
        super().__init__(("127.0.0.1" if chat.family == socket.AF_INET else "::1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Errors are kept by the handler; nothing goes to stderr."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def chat(self) -> ChatServer:
        assert isinstance(self.server, _Server)
        return self.server.chat

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_CONNECT(self) -> None:
        """What a client asks of a proxy. Recorded, and refused with 404."""
        self._serve()

    def _serve(self) -> None:
        self.close_connection = True
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, data)
        try:
            self.chat.next_behaviour(request)(Exchange(self, request))
        except ConnectionError:
            pass  # the client went away, as some tests want it to
        except Exception as error:
            self.chat.failed(error)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: `requests` is the log."""
