"""Documents as they are compared with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.queries import statement
from hybridrag.store.reading import document_ref
from hybridrag.store.repeated import Repeated
from hybridrag.types import Collection, DocumentRef

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """A document with words in it. `digest` is of its words, `sketch` of their sequences; `dated` is its own date, else
    its file's."""

    document: DocumentRef
    words: int
    characters: int
    content_hash: str
    dated: datetime | None
    digest: bytes
    sketch: bytes


class Comparison:
    """The documents of a collection, to be compared. It needs no hold on it: it only reads what it does not find."""

    def __init__(self, connection: Connection, collection: Collection) -> None:
        self._connection = connection
        self._collection = collection

    @classmethod
    @contextmanager
    def open(cls, url: str, collection: Collection) -> Iterator[Comparison]:
        with closing(connect(url)) as connection:
            yield cls(connection, collection)

    @property
    def repeated(self) -> Repeated:
        """Where the likenesses of documents are kept."""
        return Repeated(self._connection, self._collection, lambda: None)

    def documents(self) -> list[Compared]:
        """By source and path."""
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("likenesses"), {"collection": self._collection.id}).fetchall()
        return [
            Compared(
                document=document_ref(row),
                words=row["words"],
                characters=row["characters"],
                content_hash=row["content_hash"],
                dated=row["dated_at"],
                digest=bytes(row["digest"]),
                sketch=bytes(row["sketch"]),
            )
            for row in rows
        ]

    def texts(self, documents: Sequence[UUID]) -> dict[UUID, str]:
        """The texts of those that are still there."""
        with transaction(self._connection, read_only=True) as tx:
            key = {"collection": self._collection.id, "documents": list(documents)}
            return {row["id"]: row["text"] for row in tx.execute(statement("texts_of_documents"), key)}
