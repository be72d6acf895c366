"""Markers in an answer, resolved to passages: `[1]`, `[2][3]`, `[1, 4]`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hybridrag.answering.sentences import sentence_spans
from hybridrag.types import Citation, Passage, Sentence

_MARKER = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_LEADING = re.compile(r"^(?:\s*\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\])+")


def resolve(
    text: str, passages: Sequence[Passage]
) -> tuple[str, tuple[Sentence, ...], tuple[Citation, ...], list[str]]:
    """The text with only markers that name a passage, its sentences, the passages cited, and warnings.

    A marker that names no passage is taken out and reported. Citations come in the order of their first marker.
    """
    known = {passage.marker: passage for passage in passages}
    unknown: list[int] = []

    def keep(match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        unknown.extend(number for number in numbers if number not in known)
        kept = "".join(f"[{number}]" for number in numbers if number in known)
        blank = match[0][: match[0].index("[")]
        return blank + kept if kept else ""

    cleaned = _MARKER.sub(keep, text).strip()
    sentences = tuple(_sentence(piece, known) for piece in _with_their_markers(cleaned))
    cited = list(dict.fromkeys(int(number) for match in _MARKER.finditer(cleaned) for number in [match[1]]))
    citations = tuple(Citation(marker=number, chunk=known[number].chunk, quote=known[number].text) for number in cited)
    warnings = [f"the answer cited passage {n}, which does not exist; removed" for n in dict.fromkeys(unknown)]
    return cleaned, sentences, citations, warnings


def _with_their_markers(text: str) -> list[str]:
    """Sentences; markers written after the full stop belong to the sentence before them."""
    pieces: list[str] = []
    for start, end in sentence_spans(text):
        piece = text[start:end]
        leading = _LEADING.match(piece)
        if leading and pieces:
            pieces[-1] += " " + leading[0].strip()
            piece = piece[leading.end() :].strip()
        if piece:
            pieces.append(piece)
    return pieces


def _sentence(piece: str, known: dict[int, Passage]) -> Sentence:
    markers = tuple(dict.fromkeys(int(match[1]) for match in _MARKER.finditer(piece)))
    plain = re.sub(r"\s+([.,;:!?])", r"\1", _MARKER.sub("", piece)).strip()
    return Sentence(text=plain, markers=markers, supported=any(marker in known for marker in markers))
