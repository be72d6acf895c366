"""The calibration of abstention, kept with each generation."""

from __future__ import annotations

from dataclasses import dataclass

from hybridrag.store.connection import transaction_on
from hybridrag.store.queries import statement
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Generation


@dataclass(frozen=True, slots=True)
class KeptCalibration:
    """A threshold as it was measured when there were so many chunks; see `migrations/0007_abstention.sql`."""

    threshold: float
    floor: float
    sentences: int
    chunks: int


def find_calibration(snapshot: SearchSnapshot) -> KeptCalibration | None:
    """What is kept for the snapshot's generation; None before it was measured."""
    key = {"generation": snapshot.collection.generation.id}
    row = snapshot.tx.execute(statement("find_abstention"), key).fetchone()
    return KeptCalibration(row["threshold"], row["floor"], row["sentences"], row["chunks"]) if row else None


def keep_calibration(url: str, generation: Generation, kept: KeptCalibration) -> None:
    """Keeps what was measured, in the place of what there was.

    The database is one that a store has opened before, and so brought up to date.
    """
    with transaction_on(url) as tx:
        tx.execute(
            statement("keep_abstention"),
            {
                "generation": generation.id,
                "threshold": kept.threshold,
                "floor": kept.floor,
                "sentences": kept.sentences,
                "chunks": kept.chunks,
            },
        )
