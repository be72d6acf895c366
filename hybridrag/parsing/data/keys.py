"""The key paths of structured data as headings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hybridrag.parsing.parsed import one_line
from hybridrag.types import Heading


@dataclass(slots=True)
class Keys:
    """Collects headings, and leaves out the deepest levels where they would be too many: upper keys say the most."""

    deepest: int = 6
    found: list[Heading] = field(default_factory=list)
    under: int = 0

    def add(self, start: int, level: int, name: str) -> None:
        title = one_line(name, limit=120)
        if title and level + self.under <= self.deepest:
            self.found.append(Heading(start, level + self.under, title))

    def below(self, level: int) -> Keys:
        """The same collection for what stands under a heading of `level`."""
        return Keys(self.deepest, self.found, self.under + level)

    def headings(self) -> tuple[Heading, ...]:
        kept, room = 0, _MOST
        for level, number in sorted(Counter(heading.level for heading in self.found).items()):
            room -= number
            if room < 0:
                break
            kept = level
        return tuple(heading for heading in self.found if heading.level <= kept)


_MOST = 10_000
