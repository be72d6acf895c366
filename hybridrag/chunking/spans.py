"""Spans of a text, and what lies between its paragraphs and its lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

BLANK = re.compile(r"\n[ \t]*\n\s*")
"""What lies between two paragraphs."""
LINE = re.compile(r"\n+")


def trimmed(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans without white space at their ends; none where there is nothing else."""
    for start, end in spans:
        piece = text[start:end]
        begin, stop = end - len(piece.lstrip()), start + len(piece.rstrip())
        if begin < stop:
            yield begin, stop
