"""Documents that the present detectors have not searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hybridrag.store.connection import transaction_on
from hybridrag.store.queries import statement
from hybridrag.types import Collection, Label

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Unsearched:
    """A document's text with its label, and when it was stored."""

    id: UUID
    text: str
    label: Label
    stored: datetime


def unsearched(
    url: str, collection: Collection, fingerprints: Mapping[Label, str], *, most: int, after: UUID = _FIRST
) -> list[Unsearched]:
    """Documents whose detections are not of these fingerprints, by label; those behind `after`, in the order of ids."""
    key = {
        "collection": collection.id,
        "labels": [label.value for label in fingerprints],
        "fingerprints": list(fingerprints.values()),
        "after": after,
        "most": most,
    }
    with transaction_on(url, read_only=True) as tx:
        rows = tx.execute(statement("stale_detections"), key).fetchall()
    return [Unsearched(row["id"], row["text"], Label(row["label"]), row["indexed_at"]) for row in rows]


def count_unsearched(url: str, collection: Collection, fingerprints: Mapping[Label, str]) -> int:
    """How many documents there are of that kind."""
    key = {
        "collection": collection.id,
        "labels": [label.value for label in fingerprints],
        "fingerprints": list(fingerprints.values()),
    }
    with transaction_on(url, read_only=True) as tx:
        row = tx.execute(statement("count_stale_detections"), key).fetchone()
    assert row is not None  # a count
    return int(row["documents"])
