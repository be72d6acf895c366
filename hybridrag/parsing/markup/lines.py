"""Texts that are read line by line: lines with their places, and the lists among them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hybridrag.types import Block


class Lines:
    """The lines of a text, and where each begins; one more place for the end of the text."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.starts[-1] = len(text)

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, number: int) -> str:
        """A line; empty before the first and after the last."""
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    def end(self, number: int) -> int:
        """Where a line ends, its line end aside."""
        return self.starts[number] + len(self.lines[number])

    def after_indented(self, number: int, *, than: int = 0) -> int:
        """The first line from `number` on that is neither blank nor indented by more than `than`."""
        while number < len(self) and (not self.lines[number].strip() or indent(self.lines[number]) > than):
            number += 1
        return number

    def last_filled(self, number: int) -> int:
        """The last line before `number` that is not blank."""
        number -= 1
        while number > 0 and not self.lines[number].strip():
            number -= 1
        return number


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def with_lists(blocks: Iterable[Block], lines: Lines, marker: re.Pattern[str]) -> tuple[Block, ...]:
    """The blocks in order, with the lists that stand between them: two items or more after a blank line."""
    found = sorted(blocks, key=lambda block: block.start)
    kept: list[Block] = []
    for block in found:
        if not kept or block.start >= kept[-1].end:
            kept.append(block)
    taken = iter([*kept, None])
    next_block = next(taken)
    number = 0
    lists: list[Block] = []
    while number < len(lines):
        while next_block is not None and next_block.end <= lines.starts[number]:
            next_block = next(taken)
        inside = next_block is not None and next_block.start <= lines.starts[number]
        if inside or not marker.match(lines.lines[number]) or lines.at(number - 1).strip():
            number += 1
            continue
        first, items = number, 0
        limit = next_block.start if next_block is not None else lines.starts[-1] + 1
        margin = indent(lines.lines[number])
        while number < len(lines) and lines.starts[number] < limit:
            line = lines.lines[number]
            begins = bool(marker.match(line))
            if line.strip() and not begins and indent(line) <= margin and not lines.lines[number - 1].strip():
                break
            items += begins
            number += 1
        if items > 1:
            lists.append(Block("list", lines.starts[first], lines.end(lines.last_filled(number)), lines.starts[first]))
    return tuple(sorted([*kept, *lists], key=lambda block: block.start))
