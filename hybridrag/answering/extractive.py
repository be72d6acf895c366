"""The answer without a language model: the sentences of the best passages that are nearest to the question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.answering.parts import chunk_at
from hybridrag.answering.sentences import sentence_spans
from hybridrag.types import Passage

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

_MOST = 3
"""Sentences in an answer."""
_LEAST_SHARE = 0.75
"""A further sentence must score at least this share of the best one."""
_LEAST_NEARNESS = 0.5
"""Below this nearness of the best sentence there is no answer. Every answerable question of `examples/` is over .6, and
most questions about other things are below; it is not calibrated to a collection yet."""
_LEAST_WORDS = 3
_PASSAGE_SHARE = 0.25
"""Weight of a passage's own place in the ranking beside its sentence's nearness."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage; `context` is what it is compared by: the heading it stands under, and itself."""

    passage: Passage
    start: int
    end: int
    context: str

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]


def candidate_sentences(passages: Sequence[Passage]) -> list[Candidate]:
    """Every sentence that could stand in an answer: no headings, no fences, no table rules, nothing very short."""
    found = []
    seen: set[str] = set()
    for passage in passages:
        for start, end in sentence_spans(passage.text):
            text = passage.text[start:end]
            if _is_prose(text) and text not in seen:
                seen.add(text)
                headings = chunk_at(passage, start, end).headings
                heading = headings[-1] if headings else passage.chunk.document.title
                found.append(Candidate(passage, start, end, f"{heading}: {text}"))
    return found


def best_sentences(
    candidates: Sequence[Candidate], question: str, *, query: Vector, vectors: Vectors
) -> list[Candidate]:
    """The few candidates nearest to the question, in reading order within a passage, best passage first.

    None where even the nearest is far from it.

    `vectors` has shape `(len(candidates), dimensions)`, rows of norm 1 like `query`. Nearness is the cosine, raised by
    the share of the question's words that the sentence holds.
    """
    if not candidates:
        return []
    words = _words(question)
    cosines = (vectors @ query).tolist()
    nearness = [
        cosine + 0.5 * _overlap(words, candidate.context) for candidate, cosine in zip(candidates, cosines, strict=True)
    ]
    if max(nearness) < _LEAST_NEARNESS:
        return []
    ranked = sorted(
        (
            (near + _PASSAGE_SHARE / candidate.passage.marker, -index)
            for index, (candidate, near) in enumerate(zip(candidates, nearness, strict=True))
        ),
        reverse=True,
    )
    best = ranked[0][0]
    chosen = [candidates[-index] for score, index in ranked[:_MOST] if score >= _LEAST_SHARE * best]
    first = {candidate.passage.marker: place for place, candidate in reversed(list(enumerate(chosen)))}
    return sorted(chosen, key=lambda c: (first[c.passage.marker], c.start))


def _is_prose(text: str) -> bool:
    if text.startswith(("#", "```", "~~~", "|--", "|:-", "---", "<!--", "![")):
        return False
    return len(re.findall(r"\w+", text)) >= _LEAST_WORDS or (len(text) >= 8 and not text.isascii())


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 2}


def _overlap(words: set[str], text: str) -> float:
    return len(words & _words(text)) / len(words) if words else 0.0
