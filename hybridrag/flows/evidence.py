"""What both ways to answer share: which passages may be used, what is said where there are none, how long it took."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hybridrag.types import Label, Passage, SearchResult

NOTHING_FOUND = "The documents do not seem to answer this."


def usable(passages: Sequence[Passage], *, local: bool) -> tuple[Sequence[Passage], tuple[str, ...]]:
    """The passages that may be sent, all of them where that is `local`, and what is to be said of the others."""
    allowed = [passage for passage in passages if local or passage.chunk.document.label is not Label.LOCAL_ONLY]
    left = len(passages) - len(allowed)
    if not left:
        return allowed, ()
    return allowed, (f"{left} of {len(passages)} passages are labelled local-only and were left out",)


def timings(found: SearchResult, *, started: float, redact: float = 0.0, first_token: float = 0.0) -> dict[str, float]:
    """Milliseconds: `first_token` counts from the sending, `total` everything since the search began."""
    retrieve = found.timings_ms["total"]
    total = retrieve + redact + (time.perf_counter() - started) * 1000
    return {
        "retrieve": retrieve,
        "redact": redact,
        "first_token": round(first_token, 2),
        "total": round(total, 2),
    }
