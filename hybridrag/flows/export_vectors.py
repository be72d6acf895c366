"""A generation's vectors to a file: what was embedded here need not be embedded where the same texts are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.models import PROBE_TEXTS
from hybridrag.store.vectors import chunk_parameters, count_vectors, find_probes, read_vectors
from hybridrag.types import Generation
from hybridrag.vectorfile import Facts, Origin, check_place, check_pyarrow, write_vectors

if TYPE_CHECKING:
    from hybridrag.flows.progress import Progress
    from hybridrag.store import PostgresStore
    from hybridrag.store.snapshot import SearchSnapshot


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished file of a generation's vectors, with its size in bytes; `complete` where the generation lacks none."""

    file: Path
    generation: Generation
    facts: Facts
    bytes: int
    complete: bool


def export_vectors(
    store: PostgresStore, collection: str, file: Path, *, generation: int | None, force: bool, progress: Progress
) -> Exported:
    """Writes the vectors of a generation, the active one if none is named, that some chunk holds.

    They are those of one moment, whatever is written meanwhile. Raises UsageError where the file cannot be written, and
    ConfigError where the library for it is missing.
    """
    check_pyarrow()
    check_place(file, force=force)
    with store.snapshot(collection, generation=generation) as snapshot:
        progress.begin(count_vectors(snapshot))
        facts, size = write_vectors(file, _origin(snapshot), _told(snapshot, progress), force=force)
        return Exported(file, snapshot.collection.generation, facts, size, snapshot.complete)


def _origin(snapshot: SearchSnapshot) -> Origin:
    generation = snapshot.collection.generation
    probes = find_probes(snapshot, PROBE_TEXTS)
    return Origin(
        fingerprint=generation.fingerprint,
        model=generation.model,
        dimensions=generation.dimensions,
        chunking=chunk_parameters(snapshot),
        probe_texts=PROBE_TEXTS if probes else b"",
        probes=probes or b"",
        made_by=f"hybridrag {metadata.version('hybridrag')}",
    )


def _told(snapshot: SearchSnapshot, progress: Progress) -> Iterator[tuple[list[bytes], bytes]]:
    for hashes, vectors in read_vectors(snapshot):
        yield hashes, vectors
        progress.advance(len(hashes), 0)
