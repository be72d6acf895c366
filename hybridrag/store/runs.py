"""What runs did: who ran what on a collection, when, how it ended, and what it counted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.accounts import user_name
from hybridrag.errors import HybridragError, RefusedForSafety
from hybridrag.store.connection import Connection, transaction_on
from hybridrag.store.queries import statement
from hybridrag.types import Collection

if TYPE_CHECKING:
    from datetime import datetime

_KEPT = 200
"""Runs of a collection that are remembered."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. `outcome` is running, done, failed, refused, interrupted, or `broken off` where it was killed.

    `counts` are those of the report. Times and ages go by the database's clock; no age is negative, whatever it did.
    """

    id: str
    verb: str
    host: str
    user: str
    pid: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    seconds: float
    age_seconds: float
    counts: Mapping[str, int]
    error: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a collection, as far as that can be seen: `who` is host, process and user, empty where it cannot."""

    verb: str
    who: str
    since: datetime | None
    seconds: float


def last_runs(url: str, collection: Collection, *, most: int) -> list[RunRecord]:
    """The latest runs of a collection, the last one first. The database is one that a store has opened before."""
    with transaction_on(url, read_only=True) as tx:
        rows = tx.execute(statement("last_runs"), {"collection": collection.id, "most": most}).fetchall()
    return [
        RunRecord(
            id=str(row["id"]),
            verb=row["verb"],
            host=row["host"],
            user=row["os_user"],
            pid=row["pid"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            outcome=row["outcome"],
            seconds=row["seconds"],
            age_seconds=row["age_seconds"],
            counts=row["counts"],
            error=row["error"],
            message=row["message"],
        )
        for row in rows
    ]


def ages_of_sources(url: str, collection: Collection) -> dict[str, float | None]:
    """Seconds since each source was last brought up to date as a whole, by name; None where it never was."""
    with transaction_on(url, read_only=True) as tx:
        rows = tx.execute(statement("age_of_sources"), {"collection": collection.id}).fetchall()
    return {row["name"]: row["age_seconds"] for row in rows}


def holder_of(tx: Connection, collection: Collection) -> Holder | None:
    """Who holds a collection now, or None."""
    row = tx.execute(statement("holder_of_collection"), {"collection": collection.id}).fetchone()
    if row is None:
        return None
    who = f"process {row['pid']} of {row['os_user']} on {row['host']}" if row["host"] else ""
    return Holder(row["verb"], who, row["since"], row["seconds"] or 0.0)


def begin(tx: Connection, collection: Collection, run_id: str, verb: str) -> None:
    """Notes that this process begins a run on a collection that it holds, and forgets runs of long ago."""
    who = {"host": os.uname().nodename, "user": user_name(), "pid": os.getpid()}
    tx.execute(statement("begin_run"), {"id": run_id, "collection": collection.id, "verb": verb, **who})
    tx.execute(statement("prune_runs"), {"collection": collection.id, "kept": _KEPT})


def end(tx: Connection, run_id: str, counts: Mapping[str, int], error: BaseException | None) -> None:
    """Notes how a run ended: `counts["refused"]` are sources that were not brought up to date, for safety.

    Messages of our own errors are kept: no document's text is in them.
    """
    from psycopg.types.json import Jsonb

    tx.execute(
        statement("end_run"),
        {
            "id": run_id,
            "outcome": _outcome(error, counts),
            "counts": Jsonb(dict(counts)),
            "error": type(error).__name__ if isinstance(error, Exception) else None,
            "message": error.message if isinstance(error, HybridragError) else None,
        },
    )


def _outcome(error: BaseException | None, counts: Mapping[str, int]) -> str:
    if error is None:
        return "refused" if counts.get("refused") else "done"
    if isinstance(error, RefusedForSafety):
        return "refused"
    return "failed" if isinstance(error, Exception) else "interrupted"
