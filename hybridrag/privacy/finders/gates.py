"""One cheap pass over a text that tells whether any of several patterns can occur in it at all."""

from __future__ import annotations

from functools import lru_cache

from hybridrag.privacy.finders.patterns import compiled


def occurs(patterns: tuple[bytes, ...], data: bytes) -> bool:
    """Whether one of `patterns` matches somewhere in `data`. Most texts hold none, and pay for this alone."""
    return compiled(_union(patterns)).search(data) is not None


@lru_cache(maxsize=32)
def _union(patterns: tuple[bytes, ...]) -> bytes:
    return b"|".join(b"(?:" + pattern + b")" for pattern in patterns)
