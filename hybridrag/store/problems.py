"""Documents that could not be indexed as they are now: the open problems of each source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.store.chunks import storable
from hybridrag.store.connection import Connection, transaction_on
from hybridrag.store.queries import statement
from hybridrag.types import Collection, Skipped

if TYPE_CHECKING:
    from datetime import datetime

_LONGEST = 600
"""Characters of a path that are kept: PostgreSQL takes at most 2,704 bytes for the index that keeps paths apart."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a document is not indexed as it is now; `failed` is False where nothing is wrong with it, `needs_ocr` as in
    `Skipped`.

    Where the fault lies in its content, `content_hash` and `stamp` tell which content that is, and `processing` what
    was tried on it: the same would come of it again.
    """

    reason: str
    hint: str
    failed: bool
    content_hash: bytes | None = None
    stamp: str | None = None
    processing: str | None = None
    needs_ocr: bool = False

    def told(self, uri: str) -> Skipped:
        return Skipped(uri, self.reason, self.hint, self.failed, needs_ocr=self.needs_ocr)


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """A problem as people are shown it, and since when it is known."""

    uri: str
    reason: str
    hint: str
    failed: bool
    since: datetime
    needs_ocr: bool


def shortened(path: str) -> str:
    """The path under which a problem is kept."""
    return storable(path if len(path) <= _LONGEST else f"{path[:_LONGEST]}...")


def problems_of(tx: Connection, source: int) -> dict[str, Problem]:
    """The problems of a source by path; the source's own, as a whole, under the empty path."""
    rows = tx.execute(statement("problems_of_source"), {"source": source}).fetchall()
    return {
        row["path"]: Problem(
            row["reason"],
            row["hint"],
            row["failed"],
            None if row["content_hash"] is None else bytes(row["content_hash"]),
            row["stamp"],
            row["processing"],
            row["needs_ocr"],
        )
        for row in rows
    }


def change_problems(tx: Connection, source: int, *, solved: Iterable[str], found: Mapping[str, Problem]) -> None:
    """Forgets the problems that are solved, and keeps those that are new or other than before."""
    tx.execute(statement("delete_problems"), {"source": source, "paths": list(solved)})
    with tx.cursor() as cursor:
        cursor.executemany(
            statement("upsert_problem"),
            [
                {
                    "source": source,
                    "path": path,
                    "reason": storable(problem.reason),
                    "hint": storable(problem.hint),
                    "failed": problem.failed,
                    "content_hash": problem.content_hash,
                    "stamp": problem.stamp,
                    "processing": problem.processing,
                    "needs_ocr": problem.needs_ocr,
                }
                for path, problem in found.items()
            ],
        )


def open_problems(url: str, collection: Collection) -> list[OpenProblem]:
    """The problems of a collection. The database is one that a store has opened before."""
    with transaction_on(url, read_only=True) as tx:
        rows = tx.execute(statement("list_problems"), {"collection": collection.id}).fetchall()
    return [
        OpenProblem(
            f"{row['source']}/{row['path']}".rstrip("/"),
            row["reason"],
            row["hint"],
            row["failed"],
            row["since"],
            row["needs_ocr"],
        )
        for row in rows
    ]
