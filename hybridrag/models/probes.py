"""Whether a model still gives the vectors that an index is made of, told by sixteen texts.

Their vectors are kept with every generation. They are computed again where something else computes now: a server behind
an address, another runtime, another machine. A fingerprint cannot tell that: it names what ought to be computed.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.ports import Embedder

if TYPE_CHECKING:
    import numpy as np

    from hybridrag.models.automatic import AutomaticEmbedder
    from hybridrag.types import Vector, Vectors

AGREEMENT = 0.999
"""The least cosine of a probe with itself. Number formats and batches stay above .9998, weights of 8 bits above .9995;
weights of 4 bits, another window, pooling or prompt fall below .95 on at least one of the sixteen (measured:
docs/decisions/0009-embedding-endpoints.md)."""

# Never edited: stored vectors are of these very texts. All fit into 256 tokens of any model; two are longer than 128.
PROBES: tuple[str, ...] = (
    "invoice",
    "What is the meal allowance on business trips?",
    "The quick brown fox jumps over the lazy dog.",
    "Wie lange dauert die Elternzeit, und wer genehmigt die Übergabe der Geschäftsführung?",
    "Le café de l'hôtel n'est remboursé qu'à hauteur de douze euros, même à l'étranger.",
    "¿Dónde está la contraseña del servidor? Mañana comienza la migración de la base de datos.",
    "Кто утверждает расходы на командировку, если руководитель в отпуске?",
    "员工出差的餐费标准是多少？超过部分由谁批准？",
    "サーバーのバックアップは毎晩三時に実行されます。",
    "كم عدد أيام الإجازة السنوية؟",
    "यात्रा व्यय की स्वीकृति कौन देता है?",
    'def mean(values: list[float]) -> float:\n    """The arithmetic mean."""\n    return sum(values) / len(values)\n',
    "SELECT c.name, count(*) FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.total > 99.5 GROUP BY 1;",
    "2026-03-14T09:26:53Z WARN 192.0.2.17 retry=3 total=1,234.56 EUR 3.14159 0x7FFF 42 % — ½ ≤ ∞ 🙂",
    "Remote work is allowed on up to three days a week after the first six months. Requests go to the team lead, who "
    "answers within five working days; a refusal gives its reasons in writing. Equipment is provided by the office: a "
    "laptop, a second screen, and a chair on request. Data of customers may be read only through the company network, "
    "and is never stored on private machines or sent to private addresses. Whoever travels reports the hotel, the "
    "number of nights and the cost of the journey within four weeks. Meals are paid by day and country, at the rates "
    "of the annex. When a machine is lost or stolen, the security team is told at once, at any hour of the day, and "
    "all of its keys and passwords are replaced before work goes on. The rules are read again every year in March.",
    "The retry loop waits twice as long after each failed attempt, up to a minute, and gives up after the eighth. "
    "A lock that is held by a process which died is taken over once its lease has run out; two processes never write "
    "to the same file. `open_store(path, create=True)` raises StoreError when the folder cannot be made, and the "
    "caller decides whether to go on without a cache. Every write goes to a temporary file first, is flushed to disk, "
    "and then takes its final name, so that a crash leaves either the old file or the new one and never a half. The "
    "index is built again when its version differs from the program's. Measured on two cores, reading ten thousand "
    "entries takes eleven milliseconds and writing them takes forty; most of that is waiting for the disk.",
)
TEXTS = hashlib.sha256("\0".join(PROBES).encode()).digest()
"""SHA-256 of the texts: vectors of other texts cannot be compared."""


def least_cosine(stored: bytes, now: Vectors) -> float:
    """The worst cosine between a probe's stored vector and its vector now. 0 where they differ in length."""
    before = _unpacked(stored, len(PROBES))
    if before is None or before.shape != now.shape:
        return 0.0
    found: float = (before.astype("float64") * now.astype("float64")).sum(axis=1).min()
    return float(found)


def packed(vectors: Vectors) -> bytes:
    """Vectors as they are stored: float32, little-endian, row by row."""
    return vectors.astype("<f4").tobytes()


class CheckedEmbedder:
    """An `Embedder` that, before its first text, shows that it still gives the vectors of a generation.

    `stored` are the probe vectors kept with the generation, None where there are none; then `keep`, if given, is called
    with the vectors as they are now and returns what is kept from then on, which another process may have been faster
    to write. `probe` computes them. `passed` gives the file that remembers a passed check; None remembers nothing.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        probe: Callable[[], Vectors],
        stored: bytes | None,
        keep: Callable[[bytes], bytes] | None,
        passed: Callable[[bytes], Path] | None,
    ) -> None:
        self._embedder = embedder
        self._probe = probe
        self._stored = stored
        self._keep = keep
        self._passed = passed
        self._checking = threading.Lock()
        self._agrees: bool | None = None

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.check()
        return self._embedder.embed_documents(texts)

    def embed_query(self, text: str) -> Vector:
        self.check()
        return self._embedder.embed_query(text)

    def cancel(self) -> None:
        self._embedder.cancel()

    def check(self) -> bool:
        """Compares once, further calls do not, and tells whether there was something to compare with.

        Raises ModelError where the vectors are not those of the index.
        """
        with self._checking:
            if self._agrees is None:
                self._agrees = self._compare()
            return self._agrees

    def _compare(self) -> bool:
        stored, now = self._stored, None
        if stored is None:
            if self._keep is None:
                return False  # made before probes were kept: the next ingest keeps them
            now = self._probe()
            stored = self._keep(packed(now))
        note = self._passed(stored) if self._passed else None
        if note is not None and note.exists():
            return True
        cosine = least_cosine(stored, self._probe() if now is None else now)
        if not cosine >= AGREEMENT:
            raise ModelError(
                f"the vectors of {self.name} have changed since the index was made (cosine {cosine:.4f} where at least "
                f"{AGREEMENT} is the same model); nothing was written",
                hint="something else is served or computed under this name: bring the former model back, or ingest "
                "into a new collection with -c NAME",
            )
        if note is not None:
            with contextlib.suppress(OSError):  # a note that cannot be kept costs time, not truth
                note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                note.touch(mode=0o600)
        return True


def passed_note(cache: Path, embedder: AutomaticEmbedder, stored: bytes) -> Path:
    """The file that says: this machine gives these vectors with the runtime that it has now. Loads the runtime."""
    facts = "\0".join((embedder.fingerprint, hashlib.sha256(stored).hexdigest(), _computed_by(embedder)))
    return cache / "probes" / hashlib.sha256(facts.encode()).hexdigest()[:32]


def _computed_by(embedder: AutomaticEmbedder) -> str:
    """What computes here: the runtime with its libraries' versions, the number format, and a graph that came along."""
    runtime, device = embedder.runtime, embedder.device
    libraries = {"openvino": ("openvino",), "torch": ("torch", "sentence_transformers", "transformers")}
    loaded = [(name, sys.modules.get(name)) for name in libraries.get(runtime, ())]
    versions = [f"{name} {getattr(module, '__version__', '')}" for name, module in loaded]
    graph = embedder.spec.graph
    return "\n".join([runtime, device, embedder.precision, *versions, graph.name if graph else ""])


def _unpacked(stored: bytes, rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None:
    import numpy as np

    if not stored or len(stored) % (4 * rows):
        return None
    return np.frombuffer(stored, dtype="<f4").reshape(rows, -1)
