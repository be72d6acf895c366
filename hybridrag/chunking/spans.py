"""Spans of a text, places in it, and what lies between its paragraphs and its lines.

A long text may have a cut at every second character: places are kept in arrays, of four bytes each, or made while they
are read.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby

BLANK = re.compile(r"\n[ \t]*\n\s*")
"""What lies between two paragraphs."""
LINE = re.compile(r"\n+")


def places(found: Iterable[int]) -> array[int]:
    """Places of a text, kept small."""
    return array("I", found)


def together(*found: Iterable[int]) -> Iterator[int]:
    """Places that are each in rising order, as one order, each once."""
    return (place for place, _ in groupby(merge(*found)))


def trimmed(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans without white space at their ends; none where there is nothing else."""
    for start, end in spans:
        piece = text[start:end]
        begin, stop = end - len(piece.lstrip()), start + len(piece.rstrip())
        if begin < stop:
            yield begin, stop
