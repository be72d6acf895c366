"""A model hub on loopback that speaks what huggingface.co does, serving folders as repositories, with every fault.

    with HubServer({"acme/tiny": folder}) as hub:
        hub.faults["model.safetensors"] = [cut(after=1000)]
        pull("acme/tiny", HF_ENDPOINT=hub.url)
    assert hub.requests[-1].headers["range"] == "bytes=1000-"

As on the real hub, a file is known by git's SHA-1 of its content, and a large one (LFS; here `*.safetensors`, `*.onnx`,
`*.bin`) by its SHA-256 too; those lie at another origin, to which the hub redirects. Each request for a path takes the
next fault from that path's list, while there is one; `INFO` stands for the questions what there is. All requests are
recorded. An error inside the server is raised when it closes.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

INFO = "INFO"
_LARGE = (".safetensors", ".onnx", ".bin", ".onnx_data")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. Header names are in lower case. `file` is the repository's file that it is about, or INFO."""

    method: str
    path: str
    headers: Mapping[str, str]
    file: str
    at_storage: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a repository, as the hub describes it."""

    content: bytes
    large: bool

    @property
    def blob(self) -> str:
        content = self.pointer if self.large else self.content
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.blob

    @property
    def pointer(self) -> bytes:
        """What git holds instead of a large file (git-lfs.com, specification)."""
        size = len(self.content)
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {size}\n".encode()


Fault = Callable[["_Handler", Stored | None], None]


class HubServer:
    """A hub at `url` for as long as the `with` block runs, holding each folder under its repository's name.

    All of a repository is one commit (`commit(name)`, made of its content unless `commits` gives one), which the branch
    `main` and the tag `v1` name.
    """

    def __init__(self, repositories: Mapping[str, Path], *, commits: Mapping[str, str] | None = None) -> None:
        self.requests: list[Request] = []
        self.faults: dict[str, list[Fault]] = {}
        self.claimed_sizes: dict[str, int] = {}
        self.released = threading.Event()
        self.errors: list[BaseException] = []
        self._commits = dict(commits or {})
        self._repositories = {name: _read(folder) for name, folder in repositories.items()}
        self._lock = threading.Lock()
        self._servers = [_Server(self, at_storage=False), _Server(self, at_storage=True)]
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True) for server in self._servers
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_address[1]}"

    @property
    def storage_url(self) -> str:
        """Where large files lie: another origin."""
        return f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    def commit(self, repository: str) -> str:
        files = self._repositories[repository]
        if repository in self._commits:
            return self._commits[repository]
        return hashlib.sha1(json.dumps({name: file.etag for name, file in files.items()}).encode()).hexdigest()

    def stored(self, repository: str) -> dict[str, Stored]:
        return self._repositories[repository]

    def asked(self, file: str) -> list[Request]:
        """The requests for a file that reached the place where it lies."""
        large = file.endswith(_LARGE)
        return [request for request in self.requests if request.file == file and request.at_storage == large]

    @property
    def files_asked(self) -> set[str]:
        return {request.file for request in self.requests} - {INFO}

    def __enter__(self) -> HubServer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.released.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
        if self.errors and error is None:
            raise self.errors[0]

    def next_fault(self, request: Request) -> Fault | None:
        """Records a request and says what goes wrong with it. A redirect goes well: its target may not."""
        with self._lock:
            self.requests.append(request)
            redirected = request.file.endswith(_LARGE) and not request.at_storage
            waiting = [] if redirected else self.faults.get(request.file, [])
            return waiting.pop(0) if waiting else None


# --- faults ----------------------------------------------------------------------------------------------------------


def status(code: int, *, error: str = "", message: str = "") -> Fault:
    """Refuses, with the hub's own name for the reason (`RepoNotFound`, `GatedRepo`, `RevisionNotFound`)."""

    def behave(handler: _Handler, _: Stored | None) -> None:
        told = {"X-Error-Code": error, "X-Error-Message": message}
        handler.reply(code, b"", {name: value for name, value in told.items() if value})

    return behave


def gated() -> Fault:
    return status(401, error="GatedRepo", message="Access to this model is restricted.")


def cut(*, after: int) -> Fault:
    """Closes the connection after so many bytes of the body."""

    def behave(handler: _Handler, file: Stored | None) -> None:
        assert file is not None
        handler.send_file(file, until=after)

    return behave


def stall(*, after: int) -> Fault:
    """Sends so many bytes of the body, then says nothing until the server closes."""

    def behave(handler: _Handler, file: Stored | None) -> None:
        assert file is not None
        handler.send_file(file, until=after)
        handler.hub.released.wait(timeout=60)

    return behave


def wrong_content() -> Fault:
    """As many bytes as there should be, the last of them changed."""

    def behave(handler: _Handler, file: Stored | None) -> None:
        assert file is not None
        handler.send_file(Stored(file.content[:-1] + bytes([file.content[-1] ^ 1]), large=file.large))

    return behave


def endless() -> Fault:
    """The file's first byte again and again, until the client goes."""

    def behave(handler: _Handler, file: Stored | None) -> None:
        assert file is not None
        handler.reply(200, b"", {}, length=False)
        while not handler.hub.released.is_set():
            handler.wfile.write(file.content[:1] * 4096)

    return behave


def ignore_range() -> Fault:
    """All of the file, though a part was asked for."""

    def behave(handler: _Handler, file: Stored | None) -> None:
        assert file is not None
        handler.reply(200, file.content, {})

    return behave


def body(content: bytes) -> Fault:
    """Some other answer."""
    return lambda handler, _: handler.reply(200, content, {})


# --- the server ------------------------------------------------------------------------------------------------------


def _read(folder: Path) -> dict[str, Stored]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: Stored(path.read_bytes(), large=name.endswith(_LARGE)) for name, path in names.items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: HubServer, *, at_storage: bool) -> None:
        self.hub = hub
        self.at_storage = at_storage
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Errors are kept by the handler; nothing goes to stderr."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def hub(self) -> HubServer:
        assert isinstance(self.server, _Server)
        return self.server.hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self._file(), self.server.at_storage)
        try:
            fault = self.hub.next_fault(request)
            if fault is not None:
                self.close_connection = True
                fault(self, self._stored(request.file))
            elif request.file == INFO:
                self._describe()
            else:
                self._resolve(request)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client went away, as some tests want it to
        except Exception as error:
            self.hub.errors.append(error)

    def send_file(self, file: Stored, *, until: int | None = None) -> None:
        """A file or the part that was asked for; cut off after `until` bytes of it."""
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        size = len(file.content)
        part = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
        self.reply(206 if start else 200, file.content[start:], {"ETag": f'"{file.etag}"', **part}, until=until)

    def reply(
        self, code: int, content: bytes, headers: Mapping[str, str], *, until: int | None = None, length: bool = True
    ) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if length:
            self.send_header("Content-Length", str(len(content)))
        if until is not None or not length:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:until])

    def _file(self) -> str:
        path = unquote(urlsplit(self.path).path)
        return INFO if path.startswith("/api/") else path.partition("/resolve/")[2].partition("/")[2]

    def _stored(self, file: str) -> Stored | None:
        return None if file == INFO else self._files().get(file)

    def _files(self) -> dict[str, Stored]:
        return self.hub.stored(self._repository())

    def _repository(self) -> str:
        path = unquote(urlsplit(self.path).path).removeprefix("/api/models")
        return "/".join(path.split("/")[1:3])

    def _revision(self) -> str:
        parts = urlsplit(self.path).path.split("/")
        for mark in ("resolve", "revision", "tree"):
            if mark in parts:
                return unquote(parts[parts.index(mark) + 1])
        return "main"

    def _is_known(self) -> bool:
        """Answers with the hub's refusal where there is no such repository or revision."""
        try:
            commit = self.hub.commit(self._repository())
        except KeyError:
            self.reply(401, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return False
        if self._revision() not in {"main", "v1", commit}:
            self.reply(404, b"", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return False
        return True

    def _describe(self) -> None:
        """`/api/models/NAME[/revision/REVISION]?blobs=True`, and `/api/models/NAME/tree/REVISION`."""
        if not self._is_known():
            return
        parts = urlsplit(self.path)
        if "/tree/" in parts.path:
            tree = [self._entry(name, file) for name, file in self._files().items()]
            self.reply(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
            return
        full = parse_qs(parts.query).get("blobs", [""])[0].lower() in {"true", "1"}
        siblings = [
            {"rfilename": name, **(self._sibling(name, file) if full else {})} for name, file in self._files().items()
        ]
        name = self._repository()
        info = {"id": name, "modelId": name, "sha": self.hub.commit(name), "private": False, "gated": False, "tags": []}
        self.reply(200, json.dumps({**info, "siblings": siblings}).encode(), {"Content-Type": "application/json"})

    def _sibling(self, name: str, file: Stored) -> dict[str, Any]:
        size = self.hub.claimed_sizes.get(name, len(file.content))
        described: dict[str, Any] = {"size": size, "blobId": file.blob}
        if file.large:
            described["lfs"] = {"size": size, "sha256": file.sha256, "pointerSize": len(file.pointer)}
        return described

    def _entry(self, name: str, file: Stored) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": name, "size": len(file.content), "oid": file.blob}
        if file.large:
            entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": len(file.pointer)}
        return entry

    def _resolve(self, request: Request) -> None:
        """`/NAME/resolve/REVISION/PATH`: a small file itself, a large one's place in the storage."""
        if not self._is_known():
            return
        file = self._stored(request.file)
        if file is None:
            self.reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        if request.at_storage or not file.large:
            if self.command == "HEAD":
                facts = {"X-Repo-Commit": self.hub.commit(self._repository()), "ETag": f'"{file.etag}"'}
                self.reply(200, file.content, facts)
            else:
                self.send_file(file)
            return
        facts = {
            "Location": f"{self.hub.storage_url}{quote(urlsplit(self.path).path)}",
            "X-Repo-Commit": self.hub.commit(self._repository()),
            "X-Linked-Etag": f'"{file.sha256}"',
            "X-Linked-Size": str(len(file.content)),
        }
        self.reply(302, b"", facts)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: `requests` is the log."""
