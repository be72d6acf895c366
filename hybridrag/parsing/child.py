"""The child process of a parser, from the parent: what it is started with, and how long it is waited for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hybridrag.isolated.bounds import Bounds
from hybridrag.isolated.frames import Largest
from hybridrag.isolated.process import Patience, Process
from hybridrag.parsing.pictures import ocr
from hybridrag.parsing.plugins import Chosen


@dataclass(frozen=True, slots=True)
class Means:
    """What a child has: bytes of address space, characters of text that it may find in one document, and bytes of one
    file, and of all, that it may unpack of another; what it reads pictures with, and the parsers of other packages.
    """

    memory: int
    max_text: int
    largest_member: int
    most_unpacked: int
    pictures: ocr.Ocr = field(default_factory=ocr.Ocr)
    parsers: tuple[Chosen, ...] = ()


_LARGEST_FILE = 256 * 1024**2
_MOST_FILES = 128
_LARGEST_HEADER = 32 * 1024**2
_BYTES_A_CHARACTER = 4
"""Of UTF-8, at most."""
_UNPACKING_S = 30.0
"""Given to a picture before the program reads it."""
_ENVIRONMENT = {
    # Threads reserve address space, which the memory limit counts.
    "MALLOC_ARENA_MAX": "2",
    "RAYON_NUM_THREADS": "1",
    "TOKIO_WORKER_THREADS": "1",
}


class Child:
    """One worker process; `answered` counts what it has answered."""

    def __init__(self, means: Means) -> None:
        """Starts it. Raises OSError if the system cannot start a process."""
        self.answered = 0
        self._largest = Largest(_LARGEST_HEADER, max(_BYTES_A_CHARACTER * means.max_text, means.largest_member))
        bounds = Bounds(means.memory, _LARGEST_FILE, _MOST_FILES, strict=True)
        self.process = Process("hybridrag.parsing.worker", asdict(means), bounds, environment=_ENVIRONMENT)

    def ask(
        self, header: dict[str, Any], content: bytes, *, timeout_s: float, pictures: bool
    ) -> tuple[dict[str, Any], bytes]:
        """The answer to one request, and the bytes that came with it. Where there may be `pictures` to read, signs of
        life are waited for. Raises TimedOutError, or EndedError if there is none.
        """
        patience = Patience(
            timeout_s,
            after_sign=max(timeout_s, ocr.PAGE_S + _UNPACKING_S),
            in_all=timeout_s + (ocr.DOCUMENT_S if pictures else 0.0),
        )
        answer = self.process.ask(header, content, patience=patience, largest=self._largest)
        self.answered += 1
        return answer
