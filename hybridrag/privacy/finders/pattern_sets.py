"""Several patterns asked at once: which of them occur in a text at all. Most occur in no passage, and need no search.

The states of one automaton for many patterns multiply, and each costs microseconds when a text first leads there: sets
of a few patterns that begin alike win, one set of all of them loses until it has seen a megabyte.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from hybridrag.privacy.finders.patterns import compiled


def matches(patterns: tuple[bytes, ...], data: bytes) -> Iterator[tuple[bytes, Any]]:
    """Pattern and match, for every match in the view `data`, pattern by pattern in their order.

    Raises re2.error where the patterns cannot be compiled, or want more memory than an automaton gets: that is tried
    when the set is made, so a set never reports nothing for want of memory (RE2, `Compiler::CompileSet`). Both block
    the request.
    """
    # Most patterns occur somewhere in a long text, and the question would be one pass more.
    occurring = range(len(patterns)) if len(data) > _LONG else sorted(_together(patterns).Match(data) or ())
    for number in occurring:
        for match in compiled(patterns[number]).finditer(data):
            yield patterns[number], match


_LONG = 50_000


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
