"""Markers in an answer, resolved to passages: `[1]`, `[2][3]`, `[1, 4]`, `[1-3]`. Brackets in code are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hybridrag.answering.parts import chunk_meant
from hybridrag.answering.sentences import sentence_spans
from hybridrag.types import Citation, Passage, Sentence

_NUMBERS = r"\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*"
_CODE = r"```.*?(?:```|\Z)|`[^`\n]*`"
_WRITTEN = re.compile(rf"(?s:{_CODE})|([ \t]*)\[({_NUMBERS})\]")
"""Code, or a marker as a model may write it: the blank before it, and its numbers."""
_KEPT = re.compile(rf"(?s:{_CODE})|[ \t]*\[(\d{{1,3}})\]")
"""Code, or a marker as we leave it."""
_LEADING = re.compile(r"^(?:\s*\[\d{1,3}\])+")
_LONGEST_RANGE = 20


def resolve(
    text: str, passages: Sequence[Passage], *, restore: Callable[[str], str] = str
) -> tuple[str, tuple[Sentence, ...], tuple[Citation, ...], list[str]]:
    """The text with only markers that name a passage, its sentences, the passages cited, and warnings.

    A marker that names no passage is taken out and reported. Citations come in the order of their first marker. Of a
    passage that spans several chunks, the one is cited that the sentences with its marker are nearest to. `restore`
    puts back what was redacted, after the markers are read: a value may look like one.
    """
    known = {passage.marker: passage for passage in passages}
    unknown: list[int] = []

    def keep(match: re.Match[str]) -> str:
        blank, written = match.groups()
        if written is None:
            return match[0]
        numbers = _numbers(written)
        if not written.isdigit() and numbers[0] not in known:
            return match[0]  # a list or a range of something else
        unknown.extend(number for number in numbers if number not in known)
        kept = "".join(f"[{number}]" for number in numbers if number in known)
        return f"{blank}{kept}" if kept else ""

    cleaned = _WRITTEN.sub(keep, text).strip()
    sentences = tuple(_sentence(piece, known, restore) for piece in _with_their_markers(cleaned))
    cited = list(dict.fromkeys(_markers(cleaned)))
    citations = tuple(_citation(known[number], sentences) for number in cited)
    warnings = [f"the answer cited passage {n}, which does not exist; removed" for n in dict.fromkeys(unknown)]
    return restore(cleaned), sentences, citations, warnings


def _citation(passage: Passage, sentences: Sequence[Sentence]) -> Citation:
    statement = " ".join(sentence.text for sentence in sentences if passage.marker in sentence.markers)
    chunk = chunk_meant(passage, statement)
    return Citation(marker=passage.marker, chunk=chunk, quote=chunk.text, start=chunk.start)


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


def _sentence(piece: str, known: dict[int, Passage], restore: Callable[[str], str]) -> Sentence:
    markers = tuple(dict.fromkeys(_markers(piece)))
    plain = _KEPT.sub(lambda match: "" if match[1] else match[0], piece)
    plain = re.sub(r"\s+([.,;:!?])", r"\1", plain).strip()
    return Sentence(text=restore(plain), markers=markers, supported=any(marker in known for marker in markers))


def _markers(text: str) -> list[int]:
    return [int(match[1]) for match in _KEPT.finditer(text) if match[1]]


def _numbers(text: str) -> list[int]:
    """The numbers of a marker; `2-4` means 2, 3, 4, unless it runs too far or backwards to be meant so."""
    numbers: list[int] = []
    for part in re.split(r"[,;]", text):
        first, *rest = (int(number) for number in re.findall(r"\d+", part))
        last = rest[-1] if rest else first
        numbers.extend(range(first, last + 1) if first <= last < first + _LONGEST_RANGE else (first, *rest))
    return numbers
