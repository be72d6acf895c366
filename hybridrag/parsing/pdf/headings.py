"""The headings of a PDF: from its outline, else from what is set larger than the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from hybridrag.parsing.parsed import one_line
from hybridrag.parsing.pdf.file import Bookmark
from hybridrag.parsing.pdf.layout import Line, PageText
from hybridrag.types import Heading, Page


class _Written(NamedTuple):
    """A line of the document: where it starts in the whole text, what it says, how it is set."""

    page: int
    start: int
    text: str
    line: Line


def pdf_headings(
    text: str, pages: Sequence[Page], read: Sequence[PageText], outline: Sequence[Bookmark]
) -> tuple[Heading, ...]:
    """The headings in order: bookmarks, else those that are tagged, else what is set larger than the text."""
    if outline:
        named = {mark.page for mark in outline}
        written = {number: list(_written(text, pages[number], number, read[number].lines)) for number in named}
        spelt = {number: [_letters(line.text) for line in lines] for number, lines in written.items()}
        found = [_placed(mark, written[mark.page], spelt[mark.page]) for mark in outline]
    elif any(page.headings for page in read):
        found = [
            heading
            for page, of in zip(pages, read, strict=True)
            for heading in _tagged(text[page.start : page.end].split("\n"), page.start, of)
        ]
    else:
        found = list(
            _larger(
                [line for number, page in enumerate(pages) for line in _written(text, page, number, read[number].lines)]
            )
        )
    # Where two bookmarks lead to one line, the one that comes first holds the other.
    return tuple(sorted((heading for heading in found if heading), key=lambda heading: heading.start))


def _written(text: str, page: Page, number: int, lines: Sequence[Line]) -> Iterator[_Written]:
    start = page.start
    parts = text[page.start : page.end].split("\n")
    if len(parts) == len(lines):
        for part, line in zip(parts, lines, strict=True):
            if said := part.strip():
                yield _Written(number, start, said, line)
            start += len(part) + 1


def _placed(bookmark: Bookmark, lines: Sequence[_Written], spelt: Sequence[str]) -> Heading | None:
    """The bookmark at the line it names, else at the first line below its height, else at the start of its page.

    `spelt` are the letters and digits of each line.
    """
    if not lines:
        return None
    title = _letters(bookmark.title)
    named = [line for number, line in enumerate(lines) if _says(title, spelt[number : number + _MOST_LINES])]
    at = lines[0]
    if bookmark.top is not None:
        top = bookmark.top
        at = next((line for line in lines if line.line.top <= top + _A_LINE), at)
        if named:
            at = min(named, key=lambda line: abs(line.line.top - top))
    elif named:
        at = named[0]
    title = one_line(bookmark.title)
    return Heading(at.start, bookmark.level, title) if title else None


def _says(title: str, spelt: Sequence[str]) -> bool:
    """Whether these lines begin with the title, which may be broken into several."""
    said = ""
    for letters in spelt:
        said += letters
        if not title or not said:
            return False
        if said.startswith(title):
            return True
        if not title.startswith(said):
            return False
    return False


def _tagged(lines: Sequence[str], start: int, page: PageText) -> Iterator[Heading]:
    if len(lines) != len(page.lines):
        return
    starts = list(accumulate((len(line) + 1 for line in lines), initial=start))
    for heading in page.headings:
        title = one_line(" ".join(lines[heading.first : heading.last]))
        if any(char.isalnum() for char in title):
            yield Heading(starts[heading.first], heading.level, title)


def _larger(lines: Sequence[_Written]) -> list[Heading]:
    """Short lines in a larger font than most of the text, whose words do not come again page after page.

    The larger the font, the higher the level. A size counts where it is used again and again, on more than one page: a
    cover has lines in many sizes, and none of them heads what follows. Nothing where no size is that of most of the
    text.
    """
    letters: Counter[float] = Counter()
    for line in lines:
        letters[line.line.size] += len(line.text)
    if not letters:
        return []
    body, most = letters.most_common(1)[0]
    if not body or most * 2 < letters.total():
        return []
    pages: dict[str, set[int]] = {}
    for line in lines:
        if line.line.size >= body * _LARGER:
            pages.setdefault(_letters(line.text), set()).add(line.page)
    runs: dict[float, list[list[_Written]]] = {}
    for (size, _), run in groupby(lines, key=lambda line: (line.line.size, line.page)):
        found = list(run)
        if size < body * _LARGER or len(found) > _MOST_LINES or letters[size] * 10 > letters.total():
            continue
        if _reads_as_heading("".join(line.text for line in found)) and len(pages[_letters(found[0].text)]) <= _OFTEN:
            runs.setdefault(size, []).append(found)
    several = lines[-1].page > lines[0].page
    kept = {
        size: found
        for size, found in runs.items()
        if len(found) >= _SYSTEM and (len({run[0].page for run in found}) > 1 or not several)
    }
    levels = {size: min(6, level) for level, size in enumerate(sorted(kept, reverse=True), 1)}
    return [heading for size, found in kept.items() for run in found for heading in _heading(run, levels[size])]


def _heading(lines: Sequence[_Written], level: int) -> list[Heading]:
    title = one_line(" ".join(line.text for line in lines))
    return [Heading(lines[0].start, level, title)] if any(char.isalpha() for char in title) else []


def _reads_as_heading(said: str) -> bool:
    letters = sum(char.isalpha() for char in said)
    return (
        letters >= 3 and not said[0].islower() and letters * 2 >= len(said.replace(" ", "")) and len(said) <= _LONGEST
    )


def _letters(text: str) -> str:
    return _NO_LETTERS.sub("", text.casefold())


_NO_LETTERS = re.compile(r"[\W_]+")
_A_LINE = 4.0
"""Points: a bookmark may lead a little below the top of its line."""
_LARGER = 1.15
_MOST_LINES = 4
_OFTEN = 2
"""Pages that may say the same in a large font; what more of them say is a running head."""
_SYSTEM = 3
"""Headings of one size, at least."""
_LONGEST = 200
