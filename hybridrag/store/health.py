"""What `doctor` asks the database: how it is reached, what it is set to, what the role may, and how runs went."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hybridrag.store.connection import transaction_on
from hybridrag.store.queries import one, statement


@dataclass(frozen=True, slots=True)
class Server:
    """Sizes in bytes. `ahead` are the seconds that its clock is ahead of this machine's, at least; 0 where that is less
    than the question took. `tls` is the protocol's version, empty without; `verified` says that its certificate is
    checked. `pooled` says that something between hands out the server's processes."""

    standby: bool
    read_only: bool
    shared_buffers: int
    maintenance_work_mem: int
    most_connections: int
    connections: int
    bytes: int
    tls: str
    verified: bool
    local: bool
    pooled: bool
    ahead: float


@dataclass(frozen=True, slots=True)
class Role:
    """What the role lacks in our schema: names of tables."""

    name: str
    may_make_tables: bool
    unreadable: tuple[str, ...]
    unwritable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vectors:
    """How many vectors the largest generation has."""

    collection: str
    dimensions: int
    count: int


@dataclass(frozen=True, slots=True)
class LastRun:
    """`age` and `well` are seconds since it began, and since one ended well; None where none has. `held` says that a
    run holds the collection now."""

    collection: str
    verb: str
    outcome: str
    host: str
    pid: int
    age: float
    well: float | None
    held: bool


@dataclass(frozen=True, slots=True)
class Root:
    """Where a source's files are."""

    collection: str
    source: str
    root: str


class Health:
    """Each question has a connection of its own. The database is one that a store has opened before."""

    def __init__(self, url: str) -> None:
        self._url = url

    def server(self) -> Server:
        with transaction_on(self._url, read_only=True) as tx:
            before = time.time()
            row = one(tx, "server_health")
            after = time.time()
            info = tx.info
            host = info.hostaddr or info.host
            parameters = info.get_parameters()
            # A server tells its process's number at the start; a pooler tells one of its own.
            pooled = info.backend_pid != row.pop("process")
        now = row.pop("now")
        ahead = now - after if now > after else min(now - before, 0.0)
        return Server(
            **row,
            verified=parameters.get("sslmode", "").startswith("verify-"),
            local=host.startswith(("/", "@", "127.")) or host in {"", "::1", "localhost"},
            pooled=pooled,
            ahead=ahead,
        )

    def role(self) -> Role:
        with transaction_on(self._url, read_only=True) as tx:
            row = one(tx, "role_health")
        return Role(str(row["name"]), row["may_make_tables"], tuple(row["unreadable"]), tuple(row["unwritable"]))

    def largest(self) -> Vectors | None:
        with transaction_on(self._url, read_only=True) as tx:
            row = tx.execute(statement("vectors_health")).fetchone()
        return Vectors(row["collection"], row["dimensions"], row["vectors"]) if row else None

    def last_runs(self) -> list[LastRun]:
        with transaction_on(self._url, read_only=True) as tx:
            rows = tx.execute(statement("runs_health")).fetchall()
        return [LastRun(**row) for row in rows]

    def roots(self) -> list[Root]:
        with transaction_on(self._url, read_only=True) as tx:
            rows = tx.execute(statement("roots_health")).fetchall()
        return [Root(row["collection"], row["name"], row["root"]) for row in rows]
