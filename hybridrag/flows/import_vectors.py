"""Vectors from files: what was embedded elsewhere is taken into the generation of the same model.

All files are read to their ends before anything is written, and some of their texts are embedded here: a file whose
vectors are not what the model gives is refused, whatever it says of itself.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.chunking import embed_text
from hybridrag.errors import ModelError, UsageError
from hybridrag.models import PROBE_TEXTS
from hybridrag.models.probes import AGREEMENT, PROBES, least_cosine
from hybridrag.types import Collection, GenerationStatus
from hybridrag.vectorfile import VectorFile, check_pyarrow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hybridrag.flows.progress import Progress
    from hybridrag.ports import Embedder
    from hybridrag.store.vectors import VectorImport
    from hybridrag.store.work import StoredText

_COMPARED = 32
"""Texts of a file that are embedded here: where one vector in ten is wrong, 97 of 100 such files are found out."""
_SPARE = 2
"""So many times as many are kept in mind, since not every text may be embedded here."""
_ORDER = ("building", "ready", "retired", "active")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's vectors: `taken` now, `present` before, `unused` where no chunk holds their text.

    `compared` of the texts were embedded here too.
    """

    file: Path
    generation: int
    vectors: int
    taken: int
    present: int
    compared: int

    @property
    def unused(self) -> int:
        return self.vectors - self.taken - self.present


@dataclass(frozen=True, slots=True)
class Destination:
    """A generation that vectors are taken into. `probes` are its probe vectors where they are kept.

    `model` opens its model, and tells whether texts leave this machine for it; None where nothing is to be compared.
    """

    taking: VectorImport
    probes: bytes | None
    model: Callable[[], tuple[Embedder, bool]] | None


def import_vectors(
    paths: Sequence[Path],
    *,
    find: Callable[[VectorFile], Destination],
    progress: Progress,
) -> list[Imported]:
    """Takes the vectors of files. `find` gives where those of a file belong.

    Raises UsageError where a file is damaged, altered, or not what the generation's model gives: then nothing of any
    file was written. Broken off in the middle, the same again takes the rest.
    """
    check_pyarrow()
    with ExitStack() as stack:
        found = []
        for path in paths:
            file = stack.enter_context(VectorFile(path))
            found.append((file, find(file)))
        progress.begin(2 * sum(file.facts.count for file, _ in found))
        compared = [_checked(file, destination, progress) for file, destination in found]
        return [
            _taken(file, destination, progress, compared=number)
            for (file, destination), number in zip(found, compared, strict=True)
        ]


def destination_of(file: VectorFile, collection: Collection, statuses: Sequence[GenerationStatus]) -> GenerationStatus:
    """The generation that a file's vectors are of: the newest of that fingerprint that is being built, else another.

    Raises UsageError where there is none.
    """
    facts = file.facts
    alike = [status for status in statuses if status.generation.fingerprint == facts.fingerprint]
    if not alike:
        had = ", ".join(
            f"{status.generation.id} ({status.generation.model}, {status.generation.fingerprint[:12]})"
            for status in statuses
        )
        raise UsageError(
            f"{file.path} holds vectors of {facts.model} ({facts.fingerprint[:12]}), of which no generation of the "
            f"collection {collection.name!r} is made; its generations: {had}",
            hint=f"begin one of that model first: hybridrag reindex start --embedder {facts.model}",
        )
    status = min(alike, key=lambda one: (_ORDER.index(one.generation.state), -one.generation.id))
    if status.generation.dimensions != facts.dimensions:
        raise file.refused(
            f"its vectors have {facts.dimensions} dimensions, those of generation {status.generation.id} "
            f"{status.generation.dimensions}"
        )
    return status


# --- before anything is written --------------------------------------------------------------------------------------


def _checked(file: VectorFile, destination: Destination, progress: Progress) -> int:
    """Reads a whole file and compares some of its vectors. Returns how many were compared."""
    _compare_probes(file, destination)
    drawn = _Draw(file.facts.sha256)
    for batch in file.batches():
        lacking = destination.taking.wanted(batch.hashes).lacking
        for text_hash, vector in zip(batch.hashes, batch.vectors, strict=True):
            if text_hash in lacking:
                drawn.offer(text_hash, vector)
        progress.advance(len(batch.hashes), 0)
    return _compare(file, destination, drawn.drawn()) if destination.model else 0


def _compare_probes(file: VectorFile, destination: Destination) -> None:
    import numpy as np

    probes = file.facts.probes
    if destination.probes is None or file.facts.probe_texts != PROBE_TEXTS:
        return
    if len(probes) != 4 * len(PROBES) * file.facts.dimensions:
        raise file.refused("its probe vectors are damaged")
    cosine = least_cosine(destination.probes, np.frombuffer(probes, dtype="<f4").reshape(len(PROBES), -1))
    if not cosine >= AGREEMENT:
        raise file.refused(
            f"its model gave other vectors than the generation's for the same texts (cosine {cosine:.4f} where at "
            f"least {AGREEMENT} is the same model)"
        )


class _Draw:
    """Some of the vectors offered, spread evenly.

    Which they are depends on the checksum of them all: nobody can choose vectors that are compared and falsify the rest
    without changing which are compared.
    """

    def __init__(self, seed: str) -> None:
        self._seed = bytes.fromhex(seed)
        self._kept: list[tuple[int, bytes, NDArray[np.float16]]] = []

    def offer(self, text_hash: bytes, vector: NDArray[np.float16]) -> None:
        key = -int.from_bytes(hashlib.sha256(self._seed + text_hash).digest()[:8])
        if len(self._kept) < _SPARE * _COMPARED:
            heapq.heappush(self._kept, (key, text_hash, vector.copy()))
        elif key > self._kept[0][0]:
            heapq.heapreplace(self._kept, (key, text_hash, vector.copy()))

    def drawn(self) -> dict[bytes, NDArray[np.float16]]:
        """Text hashes with their vectors, in the order in which they are to be tried."""
        return {text_hash: vector for _, text_hash, vector in sorted(self._kept, reverse=True)}


def _compare(file: VectorFile, destination: Destination, drawn: dict[bytes, NDArray[np.float16]]) -> int:
    """How many texts were embedded here and compared. Raises UsageError where one has another vector in the file."""
    import numpy as np

    if not drawn:
        return 0  # nothing of it is taken
    assert destination.model is not None
    try:
        embedder, leave = destination.model()
        given = _given(destination.taking.texts([*drawn], leave=leave), drawn)
        ours = embedder.embed_documents([*given.values()]) if given else None
    except ModelError as exc:
        raise ModelError(
            f"the vectors of {file.path} cannot be compared with what the model gives here: {exc.message}",
            hint=f"{exc.hint or 'see to the model'}; or take them unseen with --no-verify, if you trust the file",
        ) from exc
    if ours is None:
        raise UsageError(
            f"the vectors of {file.path} cannot be compared with what the model gives here: none of the texts may be "
            "sent to it, or another version made them",
            hint="take them unseen with --no-verify, if you trust the file",
        )
    theirs = np.stack([drawn[text_hash].astype(np.float32) for text_hash in given])
    cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(theirs, axis=1)
    if not cosines.min() >= AGREEMENT:
        raise file.refused(
            f"its vectors are not what the model gives for the same texts (cosine {float(cosines.min()):.4f} where at "
            f"least {AGREEMENT} is the same); nothing was written"
        )
    return len(given)


def _given(stored: Sequence[StoredText], drawn: Iterable[bytes]) -> dict[bytes, str]:
    """What the model is given for the first of those drawn, by text hash."""
    texts = {text.text_hash: text for text in stored}
    found = (
        (text_hash, embed_text(text.title, text.headings, text.text, text_hash, head=text.head))
        for text_hash in drawn
        if (text := texts.get(text_hash))
    )
    return dict(islice(((text_hash, text) for text_hash, text in found if text is not None), _COMPARED))


# --- writing ---------------------------------------------------------------------------------------------------------


def _taken(file: VectorFile, destination: Destination, progress: Progress, *, compared: int) -> Imported:
    taken = present = 0
    for batch in file.batches():
        wanted = destination.taking.take(batch.hashes, batch.vectors)
        taken += len(wanted.lacking)
        present += len(wanted.present)
        progress.advance(len(batch.hashes), 0)
    return Imported(
        file=file.path,
        generation=destination.taking.collection.generation.id,
        vectors=file.facts.count,
        taken=taken,
        present=present,
        compared=compared,
    )
