"""Reads a file of vectors as if a stranger had made it: by a process of its own, batch by batch, all of it checked."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from hybridrag.errors import UsageError
from hybridrag.isolated.bounds import Bounds
from hybridrag.isolated.frames import Largest
from hybridrag.isolated.process import EndedError, Patience, Process, TimedOutError
from hybridrag.vectorfile.child import MOST_IN_BATCH
from hybridrag.vectorfile.facts import HASH_BYTES, Facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Halves = NDArray[np.float16]
    """Vectors as they are stored: shape `(n, dimensions)`, float16."""

UNIT = 1e-3
"""How far a vector's length may be from 1. Rounding to 16 bits moves it by half of that at most."""
_BOUNDS = Bounds(memory=2 << 30, largest_file=0, most_files=64, strict=True)
"""Reading vectors of 4,000 dimensions takes a quarter of that memory, most of it for libraries."""
_PATIENCE = Patience(600.0)
"""For a batch, which takes some hundredths of a second."""
_LARGEST_HEADER = 64 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Text hashes and their vectors, in order."""

    hashes: tuple[bytes, ...]
    vectors: Halves


class VectorFile:
    """A file of vectors, open. Raises UsageError, from every method, where it is not what it should be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = self._open()
        self._seen: list[bytes] = []
        try:
            reading = _Pass(self)
        except BaseException:
            self._file.close()
            raise
        self.facts = reading.facts
        reading.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def batches(self) -> Iterator[Batch]:
        """Every batch, in the order of the hashes. What the file says of itself has been compared at the end only.

        May be called again; then it raises where a batch is not what it was before, before it gives that batch.
        """
        reading = _Pass(self)
        if reading.facts != self.facts:
            reading.close()
            raise self.refused("it was changed while it was read")
        seen, self._seen = self._seen, []
        last, count, digest = b"", 0, hashlib.sha256()
        try:
            for hashes, packed in reading.batches():
                batch = self._checked(hashes, packed, last=last, first_row=count)
                _add(digest, batch, packed)
                if seen and (len(seen) <= len(self._seen) or seen[len(self._seen)] != digest.digest()):
                    raise self.refused("it was changed while it was read")
                self._seen.append(digest.digest())
                last, count = batch.hashes[-1], count + len(batch.hashes)
                yield batch
        finally:
            reading.close()
        if count != self.facts.count:
            raise self.refused(f"it holds {count:,} vectors where {self.facts.count:,} were written")
        if digest.hexdigest() != self.facts.sha256:
            raise self.refused("its checksum is not that of its vectors: it was altered or damaged")

    def refused(self, reason: str) -> UsageError:
        return UsageError(
            f"{self.path} cannot be imported: {reason}", hint="export it again: hybridrag reindex export FILE"
        )

    def _checked(self, hashes: bytes, packed: bytes, *, last: bytes, first_row: int) -> Batch:
        import numpy as np

        split = tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))
        for row, text_hash in enumerate(split, first_row + 1):
            if text_hash <= last:
                raise self.refused(f"row {row:,} repeats a text hash, or is out of their order")
            last = text_hash
        vectors: Halves = np.frombuffer(packed, dtype="<f2").reshape(len(split), self.facts.dimensions)
        lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
        wrong = ~(np.abs(lengths - 1) <= UNIT)  # a length that is not a number is none of either
        if wrong.any():
            row = int(wrong.argmax())
            raise self.refused(
                f"the vector in row {first_row + row + 1:,} has the length {float(lengths[row]):.4g}, not 1"
            )
        return Batch(split, vectors)

    def _open(self) -> BinaryIO:
        try:
            # A pipe without a writer is not waited for: it is no file.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as exc:
            reason = (exc.strerror if isinstance(exc, OSError) else None) or "it has no valid name"
            raise UsageError(f"{self.path} cannot be read: {reason}", hint="check its name") from None
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            os.close(descriptor)
            raise UsageError(
                f"{self.path} cannot be read: it is {'a folder' if stat.S_ISDIR(kind) else 'no regular file'}",
                hint="name a file that `hybridrag reindex export` wrote",
            )
        return os.fdopen(descriptor, "rb", buffering=0)


def _add(digest: Any, batch: Batch, packed: bytes) -> None:
    width = len(packed) // len(batch.hashes)
    for place, text_hash in enumerate(batch.hashes):
        digest.update(text_hash)
        digest.update(packed[place * width : (place + 1) * width])


class _Pass:
    """One reading of a file, by a process that ends with it."""

    def __init__(self, owner: VectorFile) -> None:
        self._owner = owner
        file = owner._file.fileno()
        try:
            self._process = Process(
                "hybridrag.vectorfile.child", {"file": file}, _BOUNDS, environment=_ENVIRONMENT, files=[file]
            )
        except OSError as exc:
            raise UsageError(
                f"{owner.path} cannot be read: no process can be started for it: {exc.strerror}",
                hint="free memory, or space for temporary files, and run it again",
            ) from exc
        try:
            self.facts = Facts.of_json(str(self._told(None, body=0)[0].get("facts")))
        except ValueError as exc:
            self.close()
            raise owner.refused(str(exc)) from None
        except BaseException:
            self.close()
            raise

    def batches(self) -> Iterator[tuple[bytes, bytes]]:
        """Hashes and vectors of each batch, as bytes."""
        row = HASH_BYTES + 2 * self.facts.dimensions
        while True:
            answer, body = self._told({}, body=MOST_IN_BATCH * row)
            if "end" in answer:
                return
            rows, rest = divmod(len(body), row)
            if rest or not rows:
                raise self._ended()
            yield body[: rows * HASH_BYTES], body[rows * HASH_BYTES :]

    def close(self) -> None:
        self._process.end()

    def _told(self, request: dict[str, Any] | None, *, body: int) -> tuple[dict[str, Any], bytes]:
        """What the process says. Raises UsageError where that is why the file is refused."""
        try:
            answer = self._process.ask(request, patience=_PATIENCE, largest=Largest(_LARGEST_HEADER, body))
        except (EndedError, TimedOutError):
            raise self._ended() from None
        if "refused" in answer[0]:
            raise self._owner.refused(answer[0]["refused"])
        return answer

    def _ended(self) -> UsageError:
        return self._owner.refused("it is no sound Parquet file: reading it broke off")


_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
