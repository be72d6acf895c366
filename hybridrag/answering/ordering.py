"""The order of passages in a prompt. Why: `docs/decisions/0034-filling-the-budget.md`."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from hybridrag.answering.reduction import Reduced


def ordered(evidence: Iterable[Reduced]) -> list[Reduced]:
    """Documents by their best passage, and the passages of each side by side, as they stand in it."""
    best: dict[UUID, int] = {}
    found = list(evidence)
    for each in found:
        document, marker = each.passage.chunk.document.id, each.passage.marker
        best[document] = min(marker, best.get(document, marker))
    return sorted(
        found,
        key=lambda each: (best[each.passage.chunk.document.id], each.passage.chunk.start, each.passage.marker),
    )
