"""How long each step of a search takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

STEPS = ("embed", "filter", "dense", "lexical", "fuse", "rerank")


class Clock:
    """Milliseconds by step, and since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._steps = dict.fromkeys(STEPS, 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] += (time.perf_counter() - started) * 1000

    def finished(self) -> dict[str, float]:
        """All steps, and `total`."""
        steps = {name: round(value, 2) for name, value in self._steps.items()}
        return steps | {"total": round((time.perf_counter() - self._started) * 1000, 2)}
