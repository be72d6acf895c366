"""A text as units that stay or go whole: sentences, items, table rows, code blocks. No border lies inside a span."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hybridrag.answering.sentences import sentence_spans
from hybridrag.types import Span

Kind = Literal["heading", "sentence", "item", "header", "row", "code"]

LONGEST = 1_500
"""Characters of a unit, unless a span in it is longer. It is cut at a line's end, or else a blank, or else anywhere."""
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_HEADING = re.compile(r"#{1,6}[ \t]")
_ITEM = re.compile(r"[ \t]*(?:[-*+•–][ \t]|\d{1,3}[.)][ \t])")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*")
_HANGING = re.compile(r"(?: {4}|\t)")


@dataclass(frozen=True, slots=True)
class Unit:
    """`text[start:end]`. Units of one `block` belong together: a paragraph's sentences, a list's items, a table's rows.

    `level` is a heading's, 1 for the topmost, and 0 for what is none. A setext heading has 1 or 2.
    """

    start: int
    end: int
    kind: Kind
    block: int
    level: int = 0


def units_of(text: str, spans: Sequence[Span] = ()) -> list[Unit]:
    """The units of `text`, in order, with only white space between them and around them.

    A unit that would end inside one of the `spans` is one with the next. Linear in the text and n log n in the spans.
    """
    covered = _merged(spans, len(text))
    joined: list[Unit] = []
    for unit in _cut(text, _regions(text), covered):
        if joined and _runs_on(covered, unit.start):
            first = joined[-1]
            # A heading that runs on into what stands under it is none.
            joined[-1] = Unit(first.start, unit.end, "sentence" if first.level else first.kind, first.block)
        else:
            joined.append(unit)
    return [_stripped(text, unit, covered) for unit in joined if text[unit.start : unit.end].strip()]


# --- structure -------------------------------------------------------------------------------------------------------


def _regions(text: str) -> Iterator[Unit]:
    """Units that follow on each other without a gap, so that each takes the white space after it."""
    found = list(_structures(text))
    for number, unit in enumerate(found):
        start = unit.start if number else 0
        end = found[number + 1].start if number + 1 < len(found) else len(text)
        yield Unit(start, end, unit.kind, unit.block, unit.level)


def _structures(text: str) -> Iterator[Unit]:
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+\n?|\n", text)]
    block = at = 0
    while at < len(lines):
        start, end = lines[at]
        line = text[start:end]
        if not line.strip():
            at += 1
            continue
        block += 1
        if fence := _FENCE.match(line):
            after = _after_fence(text, lines, at, fence[1])
            yield Unit(start, lines[after - 1][1], "code", block)
        elif heading := _HEADING.match(line):
            after = at + 1
            yield Unit(start, end, "heading", block, len(heading[0].rstrip()))
        elif line.lstrip().startswith("|"):
            after = _while(text, lines, at, lambda line: line.lstrip().startswith("|"))
            yield from _rows(text, lines[at:after], block)
        elif _ITEM.match(line):
            after = at
            while after < len(lines) and _ITEM.match(text[slice(*lines[after])]):
                first, after = after, _while(text, lines, after + 1, _is_plain)
                yield Unit(lines[first][0], lines[after - 1][1], "item", block)
        else:
            after = _while(text, lines, at + 1, _is_plain)
            if after == at + 2 and _UNDERLINE.fullmatch(text[slice(*lines[at + 1])].rstrip("\n")):
                yield Unit(start, lines[at + 1][1], "heading", block, 1 if "=" in text[slice(*lines[at + 1])] else 2)
            else:
                yield from _paragraph(text, lines[at:after], block)
        at = after


def _after_fence(text: str, lines: Sequence[tuple[int, int]], at: int, fence: str) -> int:
    """The line after the block that is opened at `at`, or the end where nothing closes it."""
    for number in range(at + 1, len(lines)):
        line = text[slice(*lines[number])].strip()
        if line.startswith(fence) and not line.strip(fence[0]):
            return number + 1
    return len(lines)


def _rows(text: str, lines: Sequence[tuple[int, int]], block: int) -> Iterator[Unit]:
    """A table's header, with the rule under it, and its rows. Without a rule it has no header that one could tell."""
    rule = text[slice(*lines[1])] if len(lines) > 1 else ""
    ruled = "-" in rule and not rule.strip(" \t\n:|-")
    if ruled:
        yield Unit(lines[0][0], lines[1][1], "header", block)
    for start, end in lines[2 if ruled else 0 :]:
        yield Unit(start, end, "row", block)


def _paragraph(text: str, lines: Sequence[tuple[int, int]], block: int) -> Iterator[Unit]:
    """Sentences; but indented lines are code, one unit with the line that they hang from."""
    first = 0
    while first < len(lines):
        after = first + 1
        while after < len(lines) and not _HANGING.match(text, lines[after][0]):
            after += 1
        owner = after - 1 if after < len(lines) else after  # the line that indented ones hang from
        if first < owner:
            start, end = lines[first][0], lines[owner - 1][1]
            for begins, ends in sentence_spans(text[start:end]):
                yield Unit(start + begins, start + ends, "sentence", block)
        if after < len(lines):
            while after < len(lines) and _HANGING.match(text, lines[after][0]):
                after += 1
            yield Unit(lines[owner][0], lines[after - 1][1], "code", block)
        first = after


def _while(text: str, lines: Sequence[tuple[int, int]], at: int, holds: Callable[[str], bool]) -> int:
    """The first line from `at` on of which that does not hold."""
    while at < len(lines) and holds(text[slice(*lines[at])]):
        at += 1
    return at


def _is_plain(line: str) -> bool:
    """Whether a line can stand inside a paragraph."""
    return bool(line.strip()) and not (
        _FENCE.match(line) or _HEADING.match(line) or _ITEM.match(line) or line.lstrip().startswith("|")
    )


# --- borders ---------------------------------------------------------------------------------------------------------


def _cut(text: str, units: Iterator[Unit], covered: Sequence[tuple[int, int]]) -> Iterator[Unit]:
    """The units, none longer than it may be, save where a span is."""
    for unit in units:
        start = unit.start
        while unit.end - start > LONGEST:
            end = _border(text, start, covered)
            if end >= unit.end:
                break
            yield Unit(start, end, unit.kind, unit.block, unit.level)
            start = end
        yield Unit(start, unit.end, unit.kind, unit.block, unit.level)


def _border(text: str, start: int, covered: Sequence[tuple[int, int]]) -> int:
    """Where a unit that begins at `start` ends, at most `LONGEST` further, or after the span that lies there."""
    least, most = start + LONGEST // 2, start + LONGEST
    end = text.rfind("\n", least, most) + 1 or text.rfind(" ", least, most) + 1 or most
    span = _around(covered, end)
    return span[1] if span else end


def _runs_on(covered: Sequence[tuple[int, int]], border: int) -> bool:
    return _around(covered, border) is not None


def _around(covered: Sequence[tuple[int, int]], border: int) -> tuple[int, int] | None:
    """The span that `border` lies inside of, if any."""
    place = bisect_left(covered, (border, 0)) - 1
    return covered[place] if place >= 0 and covered[place][1] > border else None


def _merged(spans: Sequence[Span], length: int) -> list[tuple[int, int]]:
    """Where spans are, in order, without overlaps. Those that only touch are apart."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((max(span.start, 0), min(span.end, length)) for span in spans):
        if start >= end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _stripped(text: str, unit: Unit, covered: Sequence[tuple[int, int]]) -> Unit:
    """Without the white space around it, save what a span holds."""
    piece = text[unit.start : unit.end]
    start, end = unit.start + len(piece) - len(piece.lstrip()), unit.start + len(piece.rstrip())
    first, last = bisect_right(covered, (unit.start, 0)), bisect_left(covered, (unit.end, 0)) - 1
    if first < len(covered):
        start = min(start, max(covered[first][0], unit.start))
    if last >= 0 and covered[last][1] > unit.start:
        end = max(end, covered[last][1])
    return Unit(start, end, unit.kind, unit.block, unit.level)
