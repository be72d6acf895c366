"""A pooler in transaction mode, as PgBouncer's `pool_mode = transaction`, between libpq and a real PostgreSQL.

Every transaction of a client goes to another server process than the one before, and a server process forgets all
session state (`DISCARD ALL`) before it serves the next: what a program keeps in a session is gone at once, not now and
then. Like PgBouncer it gives clients key data of its own, forwards their cancel requests, and refuses start-up
parameters that it cannot keep apart, `options` among them.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

_PROTOCOL, _SSL, _GSS, _CANCEL = 196_608, 80_877_103, 80_877_104, 80_877_102
_KEPT_APART = {"user", "database", "application_name", "client_encoding", "_pq_.protocol_managed_params"}
_PATIENCE = 30.0
Message: TypeAlias = tuple[bytes, bytes]


class Closed(Exception):
    """The other side has gone."""


class Wire:
    """Messages of the protocol over a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._buffer = b""

    def read(self) -> Message:
        """The next message: its type and its body."""
        kind = self._exactly(1)
        (length,) = struct.unpack("!I", self._exactly(4))
        return kind, self._exactly(length - 4)

    def start(self) -> bytes:
        """A message without a type, as the first of a client is."""
        (length,) = struct.unpack("!I", self._exactly(4))
        return self._exactly(length - 4)

    def waiting(self) -> bool:
        return bool(self._buffer)

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(kind + struct.pack("!I", len(body) + 4) + body for kind, body in messages))

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            try:
                more = self.socket.recv(65_536)
            except OSError as exc:
                raise Closed from exc
            if not more:
                raise Closed
            self._buffer += more
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found


@dataclass
class Backend:
    """One server process and what it said when it began."""

    wire: Wire
    number: int
    greeting: list[Message]
    key: bytes


@dataclass
class TransactionPooler:
    """`served` lists which server process (by number) got each transaction, client by client.

    At most `size` server processes are used at once; a client waits for one that is free.
    """

    host: str
    port: int
    size: int
    served: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free: dict[bytes, deque[Backend]] = defaultdict(deque)
        self._made = self._number = 0
        self._changed = threading.Condition()
        self._running: dict[int, Backend] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = {self._listener}

    def url(self, database_url: str) -> str:
        """The same database by way of the pooler."""
        parts = urlsplit(database_url)
        user = f"{parts.username}@" if parts.username else ""
        port = self._listener.getsockname()[1]
        return f"postgresql://{user}127.0.0.1:{port}{parts.path}?sslmode=disable"

    def accept(self) -> None:
        """Serves clients until `close`."""
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            _send_at_once(connection)
            self._open.add(connection)
            threading.Thread(target=self._client, args=(connection, number), daemon=True).start()

    def close(self) -> None:
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    # --- a client ----------------------------------------------------------------------------------------------------

    def _client(self, connection: socket.socket, number: int) -> None:
        client = Wire(connection)
        with suppress(Closed, OSError), connection:
            parameters = self._greet(client, number)
            while parameters is not None:
                first = client.read()
                if first[0] == b"X":
                    return
                self._transaction(client, number, parameters, first)

    def _greet(self, client: Wire, number: int) -> bytes | None:
        """The client's parameters, or None where it wanted something else and has had it."""
        start = client.start()
        (code,) = struct.unpack("!I", start[:4])
        while code in {_SSL, _GSS}:
            client.socket.sendall(b"N")
            start = client.start()
            (code,) = struct.unpack("!I", start[:4])
        if code == _CANCEL:
            (wanted,) = struct.unpack("!I", start[4:8])
            self._cancel(wanted)
            return None
        words = start[4:].rstrip(b"\0").split(b"\0")
        names = {name.decode() for name in words[::2]}
        if odd := sorted(names - _KEPT_APART):
            self.refused += odd
            client.send((b"E", _error("08P01", f"unsupported startup parameter: {odd[0]}")))
            return None
        given = dict(zip(words[::2], words[1::2], strict=True))
        # One pool for each database and user, as the server knows them.
        parameters = b"".join(name + b"\0" + given[name] + b"\0" for name in (b"user", b"database"))
        backend = self._take(parameters, last=None)
        client.send((b"R", struct.pack("!I", 0)), *backend.greeting, (b"K", struct.pack("!II", number, 1)), READY)
        self._give(parameters, backend)
        return parameters

    def _transaction(self, client: Wire, number: int, parameters: bytes, first: Message) -> None:
        """Passes messages on until the server says that no transaction is open, and nothing is under way."""
        last = self.served[number][-1] if self.served[number] else None
        backend = self._take(parameters, last=last)
        self.served[number].append(backend.number)
        self._running[number] = backend
        clean = False
        try:
            self._pass_on(client, backend, first)
            clean = True
        finally:
            del self._running[number]
            if clean:
                self._give(parameters, backend)
            else:
                self._drop(backend)

    def _pass_on(self, client: Wire, backend: Backend, first: Message) -> None:
        queries, syncs = 0, 0
        message: Message | None = first
        while True:
            while message is not None:
                kind = message[0]
                if kind == b"X":
                    raise Closed
                queries += kind in {b"Q", b"F"}
                syncs += kind == b"S"
                backend.wire.send(message)
                message = client.read() if client.waiting() else None
            if not backend.wire.waiting():
                ready, _, _ = select.select([client.socket, backend.wire.socket], [], [])
                if client.socket in ready and backend.wire.socket not in ready:
                    message = client.read()
                    continue
            try:
                answer = backend.wire.read()
            except Closed:
                # What PgBouncer says when the server went away.
                client.send((b"E", _error("08P01", "server conn crashed?")))
                raise
            if answer[0] == b"G":
                syncs = 0  # the server passes over a Sync while it takes in a COPY; another one follows
            if answer[0] != b"Z":
                client.send(answer)
                continue
            queries, syncs = (queries - 1, syncs) if queries else (queries, syncs - 1)
            ended = answer[1] == b"I" and queries == 0 and syncs == 0
            if ended:
                self._forget(backend)
            client.send(answer)
            if ended:
                return

    # --- server processes --------------------------------------------------------------------------------------------

    def _take(self, parameters: bytes, *, last: int | None) -> Backend:
        """A free server process, never the one that served this client last."""
        with self._changed:
            while True:
                free = self._free[parameters]
                found = next((each for each in free if each.number != last), None)
                if found is not None:
                    free.remove(found)
                    return found
                if self._made < self.size:
                    self._made += 1
                    self._number += 1
                    number = self._number
                    break
                assert self._changed.wait(_PATIENCE), "the pool is exhausted"
        return self._connect(parameters, number)

    def _give(self, parameters: bytes, backend: Backend) -> None:
        with self._changed:
            self._free[parameters].append(backend)
            self._changed.notify_all()

    def _drop(self, backend: Backend) -> None:
        with suppress(OSError):
            backend.wire.socket.close()
        with self._changed:
            self._made -= 1
            self._changed.notify_all()

    def _forget(self, backend: Backend) -> None:
        backend.wire.send((b"Q", b"DISCARD ALL\0"))
        while backend.wire.read()[0] != b"Z":
            pass

    def _connect(self, parameters: bytes, number: int) -> Backend:
        wire = Wire(self._dial())
        body = struct.pack("!I", _PROTOCOL) + parameters + b"\0"
        wire.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        greeting: list[Message] = []
        key = b""
        while True:
            kind, answer = wire.read()
            if kind == b"Z":
                return Backend(wire, number, greeting, key)
            assert kind in {b"R", b"S", b"K", b"N"}, answer
            assert kind != b"R" or answer == struct.pack("!I", 0), "the pooler logs in without a password"
            if kind == b"S":
                greeting.append((kind, answer))
            if kind == b"K":
                key = answer

    def _cancel(self, client: int) -> None:
        backend = self._running.get(client)
        if backend is not None:
            with self._dial() as connection:
                connection.sendall(struct.pack("!II", 8 + len(backend.key), _CANCEL) + backend.key)
                connection.recv(1)

    def _dial(self) -> socket.socket:
        if not self.host.startswith("/"):
            connection = socket.create_connection((self.host, self.port))
            _send_at_once(connection)
        else:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(Path(self.host) / f".s.PGSQL.{self.port}"))
        self._open.add(connection)
        return connection


@contextmanager
def transaction_pooler(database_url: str, *, size: int = 8) -> Iterator[TransactionPooler]:
    """A pooler before the server of an address that needs no password."""
    parts = urlsplit(database_url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    pooler = TransactionPooler(host, parts.port or 5432, size)
    threading.Thread(target=pooler.accept, daemon=True).start()
    try:
        yield pooler
    finally:
        pooler.close()


def _send_at_once(connection: socket.socket) -> None:
    """As PgBouncer does: a small message that waits for the answer to the one before waits 40 milliseconds."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _error(state: str, message: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": state, "M": message}
    return b"".join(f"{code}{text}".encode() + b"\0" for code, text in fields.items()) + b"\0"


READY: Message = (b"Z", b"I")
