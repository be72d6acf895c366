"""Rewriting what was deleted out of PostgreSQL: its statistics, the files of its tables, and the write-ahead log.

A deleted row stays in the file of its table, in indexes and in the log until PostgreSQL needs the room, and what
ANALYZE noted of it can be read in `pg_stats`. See `docs/decisions/0041-forget.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from hybridrag.errors import DatabaseError, DatabaseUnavailable
from hybridrag.store.connection import Connection, connect, transaction, translating
from hybridrag.store.queries import one, statement
from hybridrag.types import Collection

_PATIENCE = 60.0
"""Seconds to wait for transactions that can still see what was deleted."""
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a purge did: tables and their bytes before and after, and segments of the log written over.

    `left` tells, a line each, what this role or this server did not allow.
    """

    tables: int
    bytes_before: int
    bytes_after: int
    segments: int
    left: tuple[str, ...]


class Rewriting:
    """Rewrites the tables of a collection, which others share with it. `notify` gets lines about what takes long."""

    def __init__(self, connection: Connection, collection: Collection, notify: Callable[[str], None]) -> None:
        self._connection = connection
        self._collection = collection
        self._notify = notify

    @classmethod
    @contextmanager
    def open(cls, url: str, collection: Collection, notify: Callable[[str], None]) -> Iterator[Rewriting]:
        with closing(connect(url)) as connection:
            yield cls(connection, collection, notify)

    def renew_statistics(self) -> list[str]:
        """Has PostgreSQL note anew what values are common; returns lines about tables whose notes stay."""
        names = [table["name"] for table in self._tables()]
        self._run("analyze_tables", [f"hybridrag.{name}" for name in names])
        return [line for name in names for line in self._cleared(name)]

    def _cleared(self, table: str) -> list[str]:
        """ANALYZE of a table without rows leaves what it noted of earlier ones: that goes here."""
        import psycopg

        with transaction(self._connection) as tx:
            row = tx.execute(_on("is_empty", [f"hybridrag.{table}"])).fetchone()
            noted = tx.execute(statement("statistics_of"), {"table": table}).fetchall() if row and row["empty"] else []
        try:
            with self._connection.transaction():
                for row in noted:
                    self._connection.execute(statement("clear_statistics"), {"table": table, **row})
        except (psycopg.errors.UndefinedFunction, psycopg.errors.InsufficientPrivilege):
            return [f"what PostgreSQL noted of values in {table}, which is empty now, until something is ingested"]
        return []

    def rewrite(self, *, own_server: bool) -> Rewritten:
        """Writes tables and statistics anew and leaves the log's old segments behind. Searches wait meanwhile.

        On a server that is not ours the log is switched where the role may, and what it keeps of old segments is told.
        Raises DatabaseUnavailable where a transaction goes on seeing what was deleted, and DatabaseError where the
        tables are not this role's.
        """
        self._wait_for_older()
        left = self.renew_statistics()
        tables = [table for table in self._tables() if table["stored"]]
        before = sum(table["bytes"] for table in tables)
        self._notify(f"rewriting {len(tables)} tables ({before / 1e6:,.1f} MB); searches wait meanwhile")
        if same := self._not_rewritten([f"hybridrag.{table['name']}" for table in tables]):
            raise DatabaseError(
                f"{same[0]} does not belong to this role, so it cannot be rewritten",
                hint="the documents are deleted; run the same command as the role that owns the tables",
            )
        if self._not_rewritten(["pg_catalog.pg_statistic"]):
            left.append("freed rows of pg_statistic, which an administrator can rewrite: VACUUM FULL pg_statistic")
        after = sum(table["bytes"] for table in self._tables() if table["stored"])
        segments = self._leave_wal(left, overwrite=own_server)
        return Rewritten(len(tables), before, after, segments, tuple(left))

    def _wait_for_older(self) -> None:
        """Waits until nobody can see what was deleted before now."""
        with transaction(self._connection) as tx:
            horizon = one(tx, "horizon")
        until, told = time.monotonic() + _PATIENCE, False
        while older := self._older(horizon):
            who = ", ".join(sorted({f"{row['program']} {row['pid'] or ''} {row['state']}".strip() for row in older}))
            if time.monotonic() > until:
                raise DatabaseUnavailable(
                    f"what was deleted can still be seen by {who}, so PostgreSQL would keep it",
                    hint="the documents are deleted, and nothing was rewritten; end that, and run the same command "
                    "again",
                )
            if not told:
                self._notify(f"waiting for {who}")
                told = True
            time.sleep(_PAUSE)

    def _older(self, horizon: dict[str, Any]) -> list[dict[str, Any]]:
        with transaction(self._connection) as tx:
            return tx.execute(statement("older_snapshots"), horizon).fetchall()

    def _not_rewritten(self, tables: Sequence[str]) -> list[str]:
        """Rewrites tables and returns those that have the same file as before: PostgreSQL leaves out what the role does
        not own, and only warns."""
        before = self._files(tables)
        self._run("rewrite_tables", tables)
        return [name for name, node in self._files(tables).items() if node == before[name]]

    def _files(self, tables: Sequence[str]) -> dict[str, int]:
        with transaction(self._connection, read_only=True) as tx:
            return {row["name"]: row["node"] for row in tx.execute(statement("files_of"), {"tables": list(tables)})}

    def _leave_wal(self, left: list[str], *, overwrite: bool) -> int:
        """Goes on to a log without old content: every segment there is, those kept for reuse too, is filled with new
        bytes; returns how many. Where `overwrite` is False, only the present one is left behind.
        """
        import psycopg

        execute, passed = self._connection.execute, 0
        try:
            with self._connection.transaction():
                execute(statement("mark_wal"))
            execute(statement("switch_wal"))
            # The files of the old tables go with it, and segments before it are put at the end, for reuse.
            execute(statement("checkpoint"))
            if not overwrite:
                left.append("the write-ahead log's older segments, as long as the server keeps or reuses them")
                return 1
            newest = one(self._connection, "newest_wal")
            while not one(self._connection, "passed_wal", **newest)["passed"]:
                execute(statement("mark_wal"))
                execute(statement("switch_wal"))
                passed += 1
            execute(statement("checkpoint"))
        except psycopg.errors.InsufficientPrivilege:
            left.append(
                "the write-ahead log: this role may not switch it; an administrator can: pg_switch_wal, CHECKPOINT"
            )
        except psycopg.Error:
            with translating():
                raise
        return passed

    def _tables(self) -> list[dict[str, Any]]:
        with transaction(self._connection, read_only=True) as tx:
            generations = [
                row["id"]
                for row in tx.execute(statement("generations_with_texts"), {"collection": self._collection.id})
            ]
            return tx.execute(statement("tables_of_collections"), {"generations": generations}).fetchall()

    def _run(self, name: str, tables: Sequence[str]) -> None:
        """A statement on tables that cannot be part of a transaction."""
        with translating():
            self._connection.execute(_on(name, tables))


def _on(name: str, tables: Sequence[str]) -> Any:
    from psycopg import sql

    named = [sql.Identifier(*table.split(".")) for table in tables]
    return sql.SQL(statement(name)).format(tables=sql.SQL(", ").join(named))
