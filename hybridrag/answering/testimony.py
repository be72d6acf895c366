"""A passage made ready for many claims: its sentences, their words, and every figure, date and name in it."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import cached_property

from hybridrag.answering.dates import Date, dates_of
from hybridrag.answering.figures import Figure, borne_out, figures_of, periods_of
from hybridrag.answering.names import Held, Name
from hybridrag.answering.parts import chunks_of
from hybridrag.answering.sentences import sentence_spans
from hybridrag.answering.wording import content, placed_content
from hybridrag.types import Passage

_LOOKED_AT = 40_000
"""Characters of a passage that can bear anything out: a passage is some 2,000."""
_LONGEST = 1_200
"""Characters of a sentence; code and tables without a line's end are cut here."""
_CONTEXT = 4_000
_LIST = 10


class Testimony:
    """What one passage says. Offsets are those of `passage.text`."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self.text = passage.text[:_LOOKED_AT]
        self.spans: list[tuple[int, int]] = [
            (at, min(at + _LONGEST, end))
            for start, end in sentence_spans(self.text)
            for at in range(start, end, _LONGEST)
        ]
        starts = [start for start, _ in self.spans]
        self.words: list[set[str]] = [set() for _ in self.spans]
        for at, word in placed_content(self.text):
            place = bisect.bisect_right(starts, at) - 1
            if place >= 0:
                self.words[place].add(word)
        self.context_words = set(content(self.context))

    @cached_property
    def context(self) -> str:
        """What stands around the passage: its document's title, its headings, the heads of the tables whose rows it
        holds, its path, what is known of it."""
        chunk, parts = self.passage.chunk, chunks_of(self.passage)
        headings = dict.fromkeys(heading for part in parts for heading in (*part.headings, part.head) if heading)
        known = (f"{key} {value}" for key, value in chunk.document.metadata.items())
        return "\n".join((chunk.document.title, *headings, chunk.document.path, *known))[:_CONTEXT]

    @cached_property
    def everything(self) -> str:
        return f"{self.context}\n{self.text}"

    @cached_property
    def held(self) -> Held:
        return Held(self.everything)

    @cached_property
    def dates(self) -> list[Date]:
        return dates_of(self.everything)

    @cached_property
    def figures(self) -> list[Figure]:
        """Every number, those inside dates too: a year or a day may be named by itself."""
        spans = [(date.start, date.end) for date in self.dates]
        inside = [figure for start, end in spans for figure in figures_of(self.everything[start:end])]
        return figures_of(self.everything, spans) + inside

    @cached_property
    def years(self) -> frozenset[int]:
        said = {year for date in self.dates for year, _, _ in date.readings if year is not None}
        return frozenset(said | {int(v) for f in self.figures for v in f.bare if 1000 <= v <= 2999 and v == int(v)})

    @cached_property
    def counts(self) -> frozenset[int]:
        """How many items its lists have and how many rows its tables, up to ten."""
        found: set[int] = set()
        run = 0
        for line in (*self.text.splitlines(), ""):
            row = line.lstrip()
            if row.startswith(("- ", "* ", "+ ", "• ", "|")) or row[:3].rstrip(". )").isdigit():
                run += 1
            elif run and row:
                found |= {run, run - 2}
                run = 0
        return frozenset(n for n in found | {run, run - 2} if 2 <= n <= _LIST)

    def has_figure(self, figure: Figure) -> bool:
        return borne_out(figure, self.figures) or (
            not figure.dimension and any(count in figure.bare for count in self.counts)
        )

    @cached_property
    def periods(self) -> frozenset[str]:
        return periods_of(self.everything)

    def has_rate(self, period: str) -> bool:
        return period in self.periods

    def has_date(self, date: Date) -> bool:
        return any(date.agrees(other, self.years) for other in self.dates)

    def has_name(self, name: Name) -> bool:
        return self.held.holds(name)

    def sentence(self, place: int) -> str:
        start, end = self.spans[place]
        return self.text[start:end]

    def span(self, places: Sequence[int]) -> tuple[int, int]:
        """From the first to the last of some sentences."""
        return min(self.spans[place][0] for place in places), max(self.spans[place][1] for place in places)
