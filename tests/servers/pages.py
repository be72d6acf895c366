"""A web site on loopback that serves what a test says, faults included.

    with PageServer() as site:
        site["/a.html"] = Answer(b"<p>Hello.</p>", {"Content-Type": "text/html", "ETag": '"1"'})
        fetch(site.url("/a.html"))
    assert site.requests[0].headers["user-agent"].startswith("hybridrag/")

An answer with an `ETag` or a `Last-Modified` that the request names is 304. Instead of an answer a function may be
given, which is handed the connection once the request was read, and writes what it likes. What is not given is 404.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]


Handler = Callable[[socket.socket], None]


class PageServer:
    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, Answer | Handler] = {}
        self._scheme = "http" if tls is None else "https"
        site = self

        class Handling(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_: object) -> None:
                pass  # a client that hangs up is what many tests are about

        self._server = Server((host, 0), Handling)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.host = f"[{host}]" if ":" in host else host
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def url(self, path: str, *, host: str = "") -> str:
        return f"{self._scheme}://{host or self.host}:{self.port}{path}"

    def __setitem__(self, path: str, answer: Answer | Handler) -> None:
        self._answers[path] = answer

    def __delitem__(self, path: str) -> None:
        del self._answers[path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handling: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handling.headers.items()}
        self.requests.append(Request(handling.path, headers))
        answer = self._answers.get(handling.path, Answer(b"not here", status=HTTPStatus.NOT_FOUND))
        if not isinstance(answer, Answer):
            handling.close_connection = True
            answer(handling.connection)
            return
        known = (answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        asked = (headers.get("if-none-match"), headers.get("if-modified-since"))
        same = known[0] == asked[0] if asked[0] else asked[1] is not None and asked[1] == known[1]
        handling.send_response(HTTPStatus.NOT_MODIFIED if same else answer.status)
        for name, value in answer.headers.items():
            handling.send_header(name, value)
        if not same:
            handling.send_header("Content-Length", str(len(answer.content)))
        handling.end_headers()
        if not same:
            handling.wfile.write(answer.content)
