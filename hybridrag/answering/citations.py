"""Markers in an answer and what they stand for: `[1]`, `[1, 4]`, `[1-3]` to passages, chunks and exact quotes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridrag.answering.parts import chunk_around, chunk_meant
from hybridrag.types import Citation, Passage, Quote, Sentence

_LONGEST_RANGE = 20


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence of an answer and where its passages say it: a span of each passage's text, by marker."""

    sentence: Sentence
    quotes: Mapping[int, tuple[int, int]]


def cited(passages: Mapping[int, Passage], marked: Sequence[Marked]) -> tuple[Citation, ...]:
    """The passages that sentences are marked with, in the order of their first marker.

    Of a passage that spans several chunks, the one is cited that its first quote lies in; what no words can be quoted
    of is cited by the chunk that its sentences are nearest to.
    """
    said: dict[int, list[Marked]] = {}
    for each in marked:
        for marker in each.sentence.markers:
            said.setdefault(marker, []).append(each)
    return tuple(_citation(passages[marker], sentences) for marker, sentences in said.items())


def numbers_of(written: str) -> list[int]:
    """The numbers of a marker; `2-4` means 2, 3, 4, unless it runs too far or backwards to be meant so."""
    numbers: list[int] = []
    for part in re.split(r"[,;&]|and|und", written, flags=re.IGNORECASE):
        first, *rest = (int(number) for number in re.findall(r"\d+", part))
        last = rest[-1] if rest else first
        numbers.extend(range(first, last + 1) if first <= last < first + _LONGEST_RANGE else (first, *rest))
    return numbers


def _citation(passage: Passage, sentences: Sequence[Marked]) -> Citation:
    marker, offset = passage.marker, passage.chunk.start
    spans = _merged([each.quotes[marker] for each in sentences if marker in each.quotes])
    if not spans:
        chunk = chunk_meant(passage, " ".join(each.sentence.text for each in sentences))
        return Citation(marker, chunk, (Quote(chunk.start, chunk.text),))
    quotes = tuple(Quote(offset + start, passage.text[start:end]) for start, end in spans)
    return Citation(marker, chunk_around(passage, spans), quotes)


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, without overlaps."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
