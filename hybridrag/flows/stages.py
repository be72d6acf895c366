"""How long each stage of a flow is at work, whichever threads work on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

STAGES = ("read", "parse", "chunk", "inspect", "embed", "store")


class Stages:
    """A clock for each stage. It runs while at least one thread is in the stage, so no second counts twice."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._inside = dict.fromkeys(STAGES, 0)
        self._since = dict.fromkeys(STAGES, 0.0)
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        with self._lock:
            if self._inside[stage] == 0:
                self._since[stage] = time.perf_counter()
            self._inside[stage] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[stage] -= 1
                if self._inside[stage] == 0:
                    self._seconds[stage] += time.perf_counter() - self._since[stage]

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds by stage."""
        return MappingProxyType(dict(self._seconds))
