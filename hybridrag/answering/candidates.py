"""The units of retrieved passages as candidates for a prompt, each with what it makes no sense without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridrag.answering.parts import chunk_at
from hybridrag.answering.units import Unit, units_of
from hybridrag.types import Passage, Span

_CONTEXT = 1_000
"""Characters of a unit that are compared: MiniLM reads 256 tokens."""
_OWN_SENSE = 20
"""Words from which on a copy means the same under any heading (0017)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit of the passage at `place`, number `number` of all. `needs` are others that it makes no sense without."""

    number: int
    place: int
    unit: Unit
    text: str
    heading: str
    needs: tuple[int, ...]
    cost: int
    alone: bool
    """Whether it may be chosen for itself; a heading comes with what stands under it."""

    @property
    def context(self) -> str:
        """What it is compared by, as for the extractive answer."""
        return f"{self.heading}: {self.text}"[:_CONTEXT]

    @property
    def says(self) -> tuple[str, str]:
        """The same for copies."""
        words = self.text.split()
        return "" if len(words) >= _OWN_SENSE else self.heading, " ".join(words)

    def repeats(self, other: Candidate) -> bool:
        """Whether a copy adds nothing. In one passage, a row or a line of code may be meant twice."""
        return self.place != other.place or (self.unit.kind in {"sentence", "item"} and self.needs == other.needs)


def candidates_of(passages: Sequence[Passage], spans: Mapping[int, Sequence[Span]]) -> list[Candidate]:
    """The units of all passages, numbered in reading order; none ends inside one of the `spans` of its passage."""
    found: list[Candidate] = []
    for place, passage in enumerate(passages):
        units = units_of(passage.text, spans.get(passage.marker, ()))
        first = len(found)
        over = _Over()
        for index, unit in enumerate(units):
            after = units[index + 1] if index + 1 < len(units) else None
            text = passage.text[unit.start : unit.end]
            headings = chunk_at(passage, unit.start, unit.end).headings
            found.append(
                Candidate(
                    number=len(found),
                    place=place,
                    unit=unit,
                    text=text,
                    heading=headings[-1] if headings else passage.chunk.document.title,
                    needs=tuple(first + needed for needed in over.needed(index, unit, text)),
                    # With the white space after it, so that what is kept is never more than its costs.
                    cost=(after.start if after else unit.end) - unit.start,
                    alone=unit.level == 0 or after is None or 0 < after.level <= unit.level,
                )
            )
    return found


class _Over:
    """What stands over each next unit of a text: headings, a table's header, the line that leads to a list."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, int]] = []
        self._header: tuple[int, int] | None = None
        self._leading: tuple[int, int] | None = None
        self._before: tuple[int, Unit, str] | None = None

    def needed(self, index: int, unit: Unit, text: str) -> tuple[int, ...]:
        """The numbers of the units that this one, the next, needs."""
        if unit.level:
            while self._headings and self._headings[-1][1] >= unit.level:
                self._headings.pop()
        needed = [number for number, _ in self._headings]
        if unit.level:
            self._headings.append((index, unit.level))
        if unit.kind == "header":
            self._header = (index, unit.block)
        elif self._header is not None and self._header[1] == unit.block:
            needed.append(self._header[0])
        if self._before is not None:
            number, before, said = self._before
            if before.block != unit.block and before.kind == "sentence" and said.endswith((":", "：")):
                self._leading = (number, unit.block)
        if self._leading is not None and self._leading[1] == unit.block and unit.kind != "sentence":
            needed.append(self._leading[0])
        self._before = (index, unit, text)
        return tuple(needed)
