"""Sentences of a text as spans: by line, then by sentence marks. Pure, for any script with or without spaces."""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\n]+")
_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+(?=[\"'“‘„«(\[]*[\w*`⟦])|(?<=[。！？])")
# Before these a full stop ends no sentence.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|Inc|Ltd|Co|z\.B|d\.h|bzw|ca|u\.a|Abs|Art)|\b[A-Z]|^\s*\d{1,3})\.\s+$"
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """`(start, end)` of each sentence, in order, without the white space around it."""
    spans: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        start = line.start()
        for match in _END.finditer(text, line.start(), line.end()):
            if not _ABBREVIATION.search(text[start : match.end()]):
                spans.append((start, match.end()))
                start = match.end()
        spans.append((start, line.end()))
    return [span for span in (_stripped(text, start, end) for start, end in spans) if span[0] < span[1]]


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
