"""Sentences of a text as spans: by block of lines, then by sentence marks. For any script."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+(?=[\"'“‘„«(\[]*[\w*`⟦])|(?<=[。！？])")
_STRUCTURE = re.compile(r"#{1,6}\s|[-*+•]\s|\d{1,3}[.)]\s|\||>|```|~~~|:::|<!--|[=_*-]{3,}$")
_STANDS_ALONE = re.compile(r"#{1,6}\s|\||```|~~~|:::|<!--|[=_*-]{3,}$")
_WRAPPED = 45
"""A line at least this long was ended by the margin; a shorter one, by the writer."""
# Before these a full stop ends no sentence; a number only where it stands first.
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|cf|vs|etc|approx|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|Inc|Ltd|Co|z\.B|d\.h|bzw|ca|u\.a|Abs|Art|[A-Z])\.\Z"
)
_NUMBER = re.compile(r"\d{1,3}\.\Z")
_LOOKED_AT = 12
"""Characters before the blank: an abbreviation and what stands before it."""


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """`(start, end)` of each sentence, in order, without the white space around it.

    A sentence may run over a line's end, as in wrapped text, but not over a blank line, a heading, an item or a row.
    """
    spans: list[tuple[int, int]] = []
    for block_start, block_end in _blocks(text):
        start = block_start + len(text[block_start:block_end]) - len(text[block_start:block_end].lstrip())
        for match in _END.finditer(text, block_start, block_end):
            if not _abbreviated(text, start, match):
                spans.append((start, match.end()))
                start = match.end()
        spans.append((start, block_end))
    return [span for span in (_stripped(text, start, end) for start, end in spans) if span[0] < span[1]]


def _abbreviated(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the full stop before `match` ends an abbreviation in the sentence from `start`, not the sentence."""
    stop = match.start()
    if stop == match.end() or not text[stop].isspace():
        return False
    before = text[max(start, stop - _LOOKED_AT) : stop]
    return bool(_ABBREVIATION.search(before) or (stop - start <= _LOOKED_AT and _NUMBER.match(before)))


def _blocks(text: str) -> list[tuple[int, int]]:
    """Runs of lines that read on from one to the next."""
    blocks: list[tuple[int, int]] = []
    before = ""
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0].strip()
        if not line:
            before = ""
            continue
        if before and _reads_on(before, line):
            blocks[-1] = (blocks[-1][0], match.end())
        else:
            blocks.append(match.span())
        before = line
    return blocks


def _reads_on(before: str, line: str) -> bool:
    """Whether `line` continues the one before: it is no structure of its own, and that one was wrapped."""
    if _STRUCTURE.match(line) or _STANDS_ALONE.match(before):
        return False
    return len(before) >= _WRAPPED or line[0].islower()


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
