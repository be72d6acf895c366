"""A backup: pg_dump's custom format of the schema `hybridrag`, one moment of it, whatever is written meanwhile.

Owners and privileges stay behind: another server has other roles.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hybridrag.errors import DatabaseError, DatabaseUnavailable
from hybridrag.store.client_programs import environment, fitting, reaching
from hybridrag.store.connection import Connection, address, transaction_on
from hybridrag.store.queries import one, statement

_WHAT = ("--format=custom", "--schema=hybridrag", "--no-owner", "--no-privileges", "--encoding=UTF8")
_PAUSE = 0.2
"""Seconds between two looks at how far it is."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much an index holds; `server` is the version of its PostgreSQL."""

    server: str
    collections: int
    documents: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its bare name, with its rows."""

    name: str
    rows: int


def dump(url: str, to: Path | IO[bytes], *, working: Callable[[], None] = lambda: None) -> Contents:
    """Writes a backup to a file or into a pipe and returns what is in it; calls `working` now and then.

    Needs no more than the right to read. Raises DatabaseError; `to` then holds nothing of use.
    """
    with _one_moment(url) as (connection, snapshot):
        contents = contents_of(connection)
        program = fitting("pg_dump", server=contents.server, tls=connection.info.pgconn.ssl_in_use)
        target, passed = reaching(url)
        command = [str(program.path), *_WHAT, f"--snapshot={snapshot}", "--no-password", target]
        # Its stdout it would only append to, even where that is a file, and leave the places of the tables out.
        command += [f"--file={to.absolute()}"] if isinstance(to, Path) else []
        out = subprocess.DEVNULL if isinstance(to, Path) else to
        with tempfile.TemporaryFile() as said, _started(command, out, said, passed) as process:
            while process.poll() is None:
                working()
                time.sleep(_PAUSE)
            if process.returncode != 0:
                said.seek(0)
                raise _failed(url, said.read().decode(errors="replace"))
    return contents


@contextmanager
def _one_moment(url: str) -> Iterator[tuple[Connection, str]]:
    """A transaction and the name of its snapshot, which pg_dump can share while it lasts."""
    with transaction_on(url, read_only=True) as tx:
        if tx.execute("select to_regclass('hybridrag.collection') as it").fetchone() == {"it": None}:
            raise DatabaseError(
                f"the database {address(url)} holds nothing of hybridrag", hint="see its address: hybridrag db status"
            )
        tx.execute("set local idle_in_transaction_session_timeout = 0")
        row = tx.execute("select pg_export_snapshot() as it").fetchone()
        assert row is not None  # a function's result is one row
        yield tx, row["it"]


def contents_of(tx: Connection) -> Contents:
    row = one(tx, "contents")
    return Contents(**{**row, "server": row["server"].split()[0]})


def tables_of(tx: Connection) -> list[Table]:
    """Every table of the schema, with its rows counted."""
    from psycopg import sql

    names = [row["name"] for row in tx.execute(statement("tables"))]
    counts = [
        tx.execute(sql.SQL("select count(*) as it from {}").format(sql.Identifier("hybridrag", name))).fetchone()
        for name in names
    ]
    return [Table(name, count["it"] if count else 0) for name, count in zip(names, counts, strict=True)]


@contextmanager
def _started(
    command: list[str], out: IO[bytes] | int, said: IO[bytes], passed: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """pg_dump at work; it ends with the block, however that ends."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=said, env=passed, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _failed(url: str, complaint: str) -> DatabaseError:
    lines = [line for line in complaint.splitlines() if "error:" in line] or ["it did not say why"]
    reason = lines[0].partition("error:")[2].strip()[:200] or lines[0]
    if "No space left" in complaint:
        return DatabaseUnavailable("the backup cannot be written: no space left on the device", hint="free some space")
    if "permission denied" in complaint:
        return DatabaseError(f"this role may not read everything: {reason}", hint="let the owner make the backup")
    return DatabaseUnavailable(f"the backup of {address(url)} broke off: {reason}", hint="run it again")


def listed(archive: IO[bytes]) -> list[str]:
    """The tables whose rows a backup holds. Raises DatabaseError for a file that is none, or has no end."""
    done = subprocess.run(
        [fitting("pg_restore").path, "--list"], stdin=archive, capture_output=True, env=environment(), check=False
    )
    if done.returncode != 0:
        raise not_a_backup(done.stderr.decode(errors="replace"))
    lines = done.stdout.decode(errors="replace").splitlines()
    return [line.partition(" TABLE DATA hybridrag ")[2].split(" ")[0] for line in lines if " TABLE DATA " in line]


def not_a_backup(complaint: str) -> DatabaseError:
    """What pg_restore said of a file, in our words."""
    if "unsupported version" in complaint:
        ours = fitting("pg_restore").version
        return DatabaseError(
            f"the backup was made by a newer PostgreSQL than the pg_restore here, {ours}", hint="install a newer one"
        )
    reason = (complaint.partition("error:")[2].strip().splitlines() or ["it ends too early"])[0][:200]
    return DatabaseError(
        f"this is no whole backup of hybridrag: {reason}", hint="take another file, as `hybridrag db backup` wrote it"
    )
