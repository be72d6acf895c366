"""Rewriting what was deleted out of PostgreSQL: its statistics, the files of its tables, and the write-ahead log.

A deleted row stays in the file of its table, in indexes and in the log until PostgreSQL needs the room, and what
ANALYZE noted of it can be read in `pg_stats`. See `docs/decisions/0041-forget.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from hybridrag.errors import DatabaseError, DatabaseUnavailable
from hybridrag.store.connection import Connection, connect, transaction, translating
from hybridrag.store.queries import statement
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
        import psycopg

        left = []
        for table in self._tables():
            name = table["name"]
            self._run("analyze_table", name)
            with transaction(self._connection) as tx:
                # ANALYZE of a table without rows leaves its notes as they were.
                if not self._one(tx, "is_empty", table=name)["empty"]:
                    continue
                noted = tx.execute(statement("statistics_of"), {"table": name}).fetchall()
            try:
                with self._connection.transaction():
                    for row in noted:
                        self._connection.execute(statement("clear_statistics"), {"table": name, **row})
            except (psycopg.errors.UndefinedFunction, psycopg.errors.InsufficientPrivilege):
                left.append(f"the statistics of {name}, which is empty now, until something is ingested")
        return left

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
        self._notify(f"rewriting {len(tables)} tables ({before / 1e6:,.0f} MB); searches wait meanwhile")
        for table in tables:
            if not self._rewritten("rewrite_table", table["name"], schema="hybridrag"):
                raise DatabaseError(
                    f"the table {table['name']} does not belong to this role, so it cannot be rewritten",
                    hint="the documents are deleted; run the same command as the role that owns the tables",
                )
        if not self._rewritten("rewrite_statistics", "pg_statistic", schema="pg_catalog"):
            left.append("freed rows of pg_statistic, which an administrator can rewrite: VACUUM FULL pg_statistic")
        after = sum(table["bytes"] for table in self._tables() if table["stored"])
        segments = self._leave_wal(left, overwrite=own_server)
        return Rewritten(len(tables), before, after, segments, tuple(left))

    def _wait_for_older(self) -> None:
        """Waits until nobody can see what was deleted before now."""
        with transaction(self._connection) as tx:
            horizon = self._one(tx, "horizon")
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

    def _rewritten(self, name: str, table: str, *, schema: str) -> bool:
        """Whether a table has a new file after a statement. PostgreSQL only warns where it leaves a table out."""
        key = {"table": f'{schema}."{table}"'}
        with transaction(self._connection, read_only=True) as tx:
            old = tx.execute(statement("file_of"), key).fetchone()
        self._run(name, table)
        with transaction(self._connection, read_only=True) as tx:
            return tx.execute(statement("file_of"), key).fetchone() != old

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
            newest = self._one(self._connection, "newest_wal")
            while not self._one(self._connection, "passed_wal", **newest)["passed"]:
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

    def _run(self, name: str, table: str) -> None:
        """A statement on a table that cannot be part of a transaction."""
        with translating():
            self._connection.execute(_on(name, table))

    @staticmethod
    def _one(tx: Connection, name: str, *, table: str = "", **values: Any) -> dict[str, Any]:
        row = tx.execute(_on(name, table) if table else statement(name), values).fetchone()
        assert row is not None  # none of them can be empty
        return row


def _on(name: str, table: str) -> Any:
    from psycopg import sql

    return sql.SQL(statement(name)).format(table=sql.Identifier(table))
