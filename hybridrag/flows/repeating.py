"""What a document need not be chunked with, told while documents pass: text that others hold in their chunks.

Where a run before has told what is repeated, it is known. Where it has not, as in the first ingest of a site, it is
guessed once enough documents have come, so that few of them have to be chunked and embedded again in the end. No guess
outlives the run: `boilerplate.leave_out_repeated` tells all of it anew, and puts right what was guessed wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from typing import TYPE_CHECKING
from uuid import UUID

from hybridrag.types import Likeness

if TYPE_CHECKING:
    from hybridrag.store.repeated import Repeated

_LEAST = 10
"""Documents that have a paragraph at an edge before it is repeated: as the store counts them in the end."""
_PLACES = 1 << 20
"""Counters: paragraphs share them by their hashes. With a million documents of 24 paragraphs, a counter has some 24
documents that are no business of one paragraph's own, and a thousand are enough to be repeated; and what is guessed
wrongly for it is put right like any other guess."""


class Repeating:
    """One run's documents as they pass, in one thread. It takes 6 MB, however many they are."""

    def __init__(self, repeated: Repeated) -> None:
        self._keepers: Mapping[int, UUID] = repeated.keepers()
        self._stored = self._expected = repeated.compared_with()
        self._passed = 0
        # Of each counter the documents, and by two bytes of its digest the last of them: a copy of it does not count.
        self._counts = memoryview(bytearray(4 * _PLACES)).cast("I")
        self._last = memoryview(bytearray(2 * _PLACES)).cast("H")

    def expect(self, documents: int) -> None:
        """So many documents may come; those that lie in other files are known only when they do."""
        self._expected = self._stored + documents

    def left_out(self, document: UUID, likeness: Likeness) -> tuple[int, ...]:
        """The hashes of the paragraphs that the document, which has come now, need not be chunked with."""
        self._passed += 1
        self._count(likeness)
        enough = max(_LEAST, ceil(sqrt(max(self._expected, self._stored + self._passed))))
        # Those that came before are chunked with what is guessed: the first of them keeps it, mostly also in the end.
        return tuple(
            number
            for number in likeness.edges
            if (
                self._keepers[number] != document
                if number in self._keepers
                else self._counts[number % _PLACES] >= enough
            )
        )

    def _count(self, likeness: Likeness) -> None:
        mark = int.from_bytes(likeness.digest[:2])
        for number in likeness.edges:
            place = number % _PLACES
            if self._last[place] != mark:
                self._last[place] = mark
                self._counts[place] += 1
