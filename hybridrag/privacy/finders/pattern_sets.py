"""Many patterns asked at once: which of them occur in a text at all. Most occur in no passage, and need no search."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from hybridrag.privacy.finders.patterns import compiled


def matches(patterns: tuple[bytes, ...], data: bytes) -> Iterator[tuple[int, Any]]:
    """Number of the pattern and match, for every match in the view `data`, pattern by pattern in their order.

    Raises RuntimeError where the patterns cannot be compiled, which blocks the request.
    """
    for number in sorted(_together(patterns).Match(data) or ()):
        for match in compiled(patterns[number]).finditer(data):
            yield number, match


@cache
def _together(patterns: tuple[bytes, ...]) -> Any:
    """One automaton that tells in one pass which of the patterns occur."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    options.log_errors = False
    together = re2.Set.SearchSet(options)
    for pattern in patterns:
        together.Add(pattern)
    together.Compile()
    return together
