"""Files that hold other files: what they were when all of those were indexed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hybridrag.store.connection import Connection
from hybridrag.store.queries import statement


@dataclass(frozen=True, slots=True)
class Container:
    """An archive, a mailbox or a message, once everything in it was indexed. `stamp` is what it looked like then, where
    that can be relied on; `processing` tells what took its files out, and which of them were wanted."""

    content_hash: bytes
    stamp: str | None
    processing: str


def containers_of(tx: Connection, source: int) -> dict[str, Container]:
    """Those of a source, by path."""
    return {
        row["path"]: Container(bytes(row["content_hash"]), row["stamp"], row["processing"])
        for row in tx.execute(statement("containers_of_source"), {"source": source})
    }


def change_containers(tx: Connection, source: int, *, gone: Iterable[str], found: Mapping[str, Container]) -> None:
    """Forgets those that are gone, or no longer whole, and keeps those that are new or other than before."""
    tx.execute(statement("delete_containers"), {"source": source, "paths": list(gone)})
    with tx.cursor() as cursor:
        cursor.executemany(
            statement("upsert_container"),
            [
                {
                    "source": source,
                    "path": path,
                    "content_hash": container.content_hash,
                    "stamp": container.stamp,
                    "processing": container.processing,
                }
                for path, container in found.items()
            ],
        )
