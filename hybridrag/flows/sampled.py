"""The sample of a generation's vectors, by which the fusion judges cosines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrag.retrieval import pack, sampled

if TYPE_CHECKING:
    from hybridrag.store.writing import IngestRun


def keep_sample(run: IngestRun) -> None:
    """Keeps a few of the vectors that are now in the index."""
    import numpy as np

    with run.snapshot() as snapshot:
        numbers = snapshot.numbers()
        vectors = snapshot.vectors(numbers[sampled(len(numbers))].tolist())
    run.keep_sample(pack(np.stack([vectors[n] for n in sorted(vectors)])) if vectors else b"")
