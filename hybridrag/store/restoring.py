"""A backup back into a database, as one transaction: all of it, or what was there before.

pg_restore only turns the file into SQL, which our own connection runs: so locks, load, verification and migrations
stand in one transaction, no password leaves this process, and a pooler in transaction mode does no harm. What was
there is renamed aside, which nobody sees before the commit: searches read it until then. It is dropped after the
commit, since a DROP waits for readers, of whom one may be waiting for our locks to write.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, LiteralString

from hybridrag.errors import CollectionBusy, DatabaseError, UsageError
from hybridrag.store.backup import Contents, Table, contents_of, not_a_backup, tables_of
from hybridrag.store.client_programs import environment, fitting
from hybridrag.store.connection import Connection, check_pgvector, connect, transaction, transaction_on, translating
from hybridrag.store.migrations import migrate
from hybridrag.store.queries import statement

if TYPE_CHECKING:
    from psycopg import sql

_WHAT = ("--file=-", "--schema=hybridrag", "--no-owner", "--no-privileges", "--no-tablespaces")
_AT_ONCE = 256 * 1024
"""Bytes given to PostgreSQL at a time."""
_ASIDE = "hybridrag_before_restore"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought: the index, each table as it was in the file, and the migrations applied since."""

    contents: Contents
    tables: tuple[Table, ...]
    applied: tuple[str, ...]


def collections_in(url: str) -> list[str]:
    """The names of the collections that a restore would take the place of."""
    with transaction_on(url, read_only=True) as tx:
        return [row["name"] for row in tx.execute(statement("collections"))] if _exists(tx, "collection") else []


def restore(
    url: str, archive: IO[bytes], *, replace: bool, working: Callable[[str], None] = lambda _: None
) -> Restored:
    """Takes what the backup `archive` holds into the database, and brings it to the present schema.

    `working` gets what is being done. Raises UsageError where there are collections and not `replace`; CollectionBusy
    where another run works; DatabaseError for a file that is no whole backup and for what PostgreSQL refuses. Whatever
    is raised before that is done, and if this process is killed, the database is as it was.
    """
    with closing(connect(url)) as connection:
        with translating():
            check_pgvector(connection)
        with transaction(connection) as tx:
            tx.execute("set local idle_in_transaction_session_timeout = 0")
            tx.execute("set local statement_timeout = 0")
            aside = _put_aside(tx, replace=replace)
            copied = _load(tx, archive, working)
            tables = _verified(tx, copied)
            working("bringing the schema up to date")
            applied = migrate(connection)
            working("gathering statistics")
            for table in tables_of(tx):
                tx.execute(_on(table, "analyze {}"))
            restored = Restored(contents_of(tx), tables, tuple(applied))
        if aside:
            working("removing what was there before")
            drop_aside(connection, done="the backup is restored")
        return restored


def _put_aside(tx: Connection, *, replace: bool) -> bool:
    """Keeps every other run out and renames what is there; False where there is nothing."""
    alone = tx.execute("select pg_try_advisory_xact_lock(hashtextextended('hybridrag migrate', 0)) as it").fetchone()
    if alone != {"it": True}:
        raise CollectionBusy(
            "another command restores or migrates this database",
            hint="try again when it has ended; nothing was changed",
        )
    tx.execute(f"drop schema if exists {_ASIDE} cascade")  # which a restore that was killed late has left
    if not tx.execute("select 1 from pg_namespace where nspname = 'hybridrag'").fetchone():
        return False
    for row in tx.execute(statement("collections")).fetchall() if _exists(tx, "collection") else []:
        if not replace:
            raise UsageError(
                "the database holds collections, which a restore would remove",
                hint="say --replace to have the backup in their place",
            )
        held = tx.execute(statement("lock_run"), {"collection": row["id"]}).fetchone()
        if not held or not held["held"]:
            raise CollectionBusy(
                f"another run holds the collection {row['name']!r}",
                hint="try again when it has ended; nothing was changed",
            )
    _lock_tables(tx)
    tx.execute(f"alter schema hybridrag rename to {_ASIDE}")
    return True


def drop_aside(connection: Connection, *, done: str) -> None:
    """Removes what was there before a restore, if it is there still: one that was killed late has left it.

    Raises DatabaseError, which tells what is `done` all the same.
    """
    try:
        with transaction(connection) as tx:
            tx.execute("set local lock_timeout = '60s'")
            tx.execute(f"drop schema if exists {_ASIDE} cascade")
    except DatabaseError as exc:
        raise DatabaseError(
            f"{done}, but what was there before a restore could not be removed: {exc.message}",
            hint=f"let the owner run: DROP SCHEMA {_ASIDE} CASCADE; the next restore does it too",
        ) from exc


def _lock_tables(tx: Connection) -> None:
    """Waits a moment for whoever writes, and lets nobody write from here on; reading goes on."""
    import psycopg

    tx.execute("set local lock_timeout = '10s'")
    try:
        for table in tables_of(tx):
            tx.execute(_on(table, "lock table {} in exclusive mode"))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as exc:
        raise CollectionBusy(
            "another command writes to this database", hint="try again when it has ended; nothing was changed"
        ) from exc
    tx.execute("set local lock_timeout = 0")


def _on(table: Table, command: LiteralString) -> sql.Composed:
    from psycopg import sql

    return sql.SQL(command).format(sql.Identifier("hybridrag", table.name))


def _exists(tx: Connection, table: str) -> bool:
    return tx.execute("select to_regclass(%s) as it", (f"hybridrag.{table}",)).fetchone() != {"it": None}


def _load(tx: Connection, archive: IO[bytes], working: Callable[[str], None]) -> dict[str, int]:
    """Runs the backup's SQL; returns how many rows it brought for each table."""
    import psycopg

    # Everything in the file bears its schema's name, but for pgvector's types where that was in another than here.
    tx.execute("create schema hybridrag")
    tx.execute("set local search_path = pg_catalog")
    tx.execute("set local check_function_bodies = off")
    copied: dict[str, int] = {}
    pending: list[bytes] = []
    begun = False
    try:
        with _script(archive) as lines:
            for line in lines:
                if line.startswith(b"-- Name: "):
                    _run(tx, pending)
                    begun = True  # before it stand settings, which are of the server that the backup is from
                    working(_entry(line))
                elif line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n"):
                    copied[_table(line)] = _copy(tx, line, lines)
                elif begun and not line.startswith((b"\\", b"--")):
                    pending.append(line)
            _run(tx, pending)
    except psycopg.errors.UndefinedObject as exc:
        if "vec" not in str(exc):
            raise
        raise DatabaseError(
            "the backup expects pgvector in another schema than where it is here",
            hint="ALTER EXTENSION vector SET SCHEMA public (or where the backup has it), then run it again",
        ) from exc
    if "schema_migration" not in copied:
        raise not_a_backup("error: it holds no tables of hybridrag")
    tx.execute("set local search_path = hybridrag, public, extensions")
    return copied


@contextmanager
def _script(archive: IO[bytes]) -> Iterator[Iterator[bytes]]:
    """The lines of SQL that pg_restore makes of a backup. Raises DatabaseError where it finds no end."""
    command = [str(fitting("pg_restore").path), *_WHAT]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, stdin=archive, stdout=subprocess.PIPE, stderr=said, env=environment(), start_new_session=True
        ) as process,
    ):
        assert process.stdout is not None  # it is a pipe
        try:
            yield iter(process.stdout)
            if process.wait() != 0:
                said.seek(0)
                raise not_a_backup(said.read().decode(errors="replace"))
        finally:
            process.kill()


def _run(tx: Connection, pending: list[bytes]) -> None:
    if text := b"".join(pending).strip():
        tx.execute(text)
    pending.clear()


def _copy(tx: Connection, command: bytes, lines: Iterator[bytes]) -> int:
    """Rows up to the line that ends them, into a table; returns how many."""
    rows, waiting, size = 0, list[bytes](), 0
    with tx.cursor() as cursor, cursor.copy(command.rstrip(b";\n")) as copy:
        for line in lines:
            if line == b"\\.\n":
                copy.write(b"".join(waiting))
                return rows
            rows, size = rows + 1, size + len(line)
            waiting.append(line)
            if size > _AT_ONCE:
                copy.write(b"".join(waiting))
                waiting, size = [], 0
        raise not_a_backup("")


def _table(command: bytes) -> str:
    """The bare name of the table of a COPY."""
    return command.split(b" ")[1].rpartition(b".")[2].strip(b'"').decode(errors="replace")


def _entry(line: bytes) -> str:
    """What a comment of pg_restore's announces: `-- Name: chunk; Type: TABLE DATA; Schema: ...`."""
    parts = dict(part.partition(": ")[::2] for part in line.decode(errors="replace")[3:].split("; "))
    return f"{parts.get('Type', '').lower()} {parts.get('Name', '')}"


def _verified(tx: Connection, copied: dict[str, int]) -> tuple[Table, ...]:
    """Every table with its rows, counted. Raises DatabaseError where they are not those of the file."""
    tables = tuple(tables_of(tx))
    for table in tables:
        if table.rows != copied.get(table.name, 0):
            raise DatabaseError(
                f"the table {table.name} has {table.rows:,} rows, and the backup {copied.get(table.name, 0):,}",
                hint="nothing was changed; report this with --debug",
            )
    return tables
