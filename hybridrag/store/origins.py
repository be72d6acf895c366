"""Where documents came from, and what they were when they were indexed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.store.connection import transaction_on
from hybridrag.store.queries import statement
from hybridrag.store.reading import source_of
from hybridrag.types import Collection, Source

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """A document's source and its path inside it, and what its file was: `content_hash` is SHA-256, as at ingest.
    `container` is the path of the file that it lies in, where that is not its own.

    `ingested_at` is when the source was last brought up to date, and `age_seconds` how long ago, by the database's
    clock; None where it never was as a whole.
    """

    source: Source
    path: str
    media_type: str
    content_hash: bytes
    modified: datetime | None
    ingested_at: datetime | None
    age_seconds: float | None
    container: str | None = None

    @property
    def uri(self) -> str:
        return self.source.uri(self.path)


def origins(url: str, collection: Collection, documents: Iterable[UUID]) -> dict[UUID, Origin]:
    """The origins of documents by id; those that are gone from the index are left out.

    The database is one that a store has opened before, and so brought up to date.
    """
    wanted = list(dict.fromkeys(documents))
    if not wanted:
        return {}
    with transaction_on(url, read_only=True) as tx:
        rows = tx.execute(statement("origins"), {"collection": collection.id, "documents": wanted}).fetchall()
    return {
        row["id"]: Origin(
            source=source_of(row),
            path=row["path"],
            container=row["container"],
            media_type=row["media_type"],
            content_hash=bytes(row["content_hash"]),
            modified=row["modified_at"],
            ingested_at=row["ingested_at"],
            age_seconds=None if row["age"] is None else max(0.0, row["age"]),
        )
        for row in rows
    }
