"""The answer without a language model: of each of the best passages the sentence that is nearest to the question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.answering.parts import chunk_at
from hybridrag.answering.rows import header_of, is_header, named
from hybridrag.answering.scores import words_of
from hybridrag.answering.sentences import sentence_spans
from hybridrag.answering.units import units_of
from hybridrag.types import ROWS, Passage

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

_MOST = 3
"""Sentences in an answer, and so citations."""
_LEAST_SHARE = 0.75
"""Any further sentence must score at least this share of the best one. At .5 nearly every answer had three, and the
right source was among them for .02 more of the questions (claude_docs); the rest was beside the question."""
_LEAST_WORDS = 3
_NAVIGATION_WORDS = 8
"""Fewer words are a label or a short item, whatever they look like."""
_PASSAGE_SHARE = 0.25
"""Weight of a passage's own place in the ranking beside its sentence's nearness."""
_LONGEST_SAID = 700
"""Characters of a sentence that a reader would take for one; longer ones are tables and lists without marks."""
_LONGEST = 1_000
"""Characters of a context that are compared: MiniLM reads 256 tokens."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage; `context` is what it is compared by: the heading it stands under, and itself.

    `header` are the names of the columns where it is a row of a table, empty where they are not known.
    """

    passage: Passage
    start: int
    end: int
    context: str
    header: str | None = None

    @property
    def text(self) -> str:
        """The sentence as it stands in the document."""
        return self.passage.text[self.start : self.end]

    @property
    def readable(self) -> str:
        """The sentence on one line, without the sign of an item or a quotation; a row with its columns' names."""
        if self.header is not None:
            return named(self.text, self.header)
        return " ".join(_ITEM.sub("", self.text).split())


def candidate_sentences(passages: Sequence[Passage]) -> list[Candidate]:
    """Every sentence that could stand in an answer, each once.

    No headings, no code, no table rules, no navigation, no directives of a generator, nothing very short. Of a passage
    that is all code, its lines.
    """
    found = []
    seen: set[str] = set()
    for passage in passages:
        for start, end, header in _spans_of(passage):
            text = passage.text[start:end]
            said = " ".join(text.split()).casefold()
            if said not in seen:
                seen.add(said)
                headings = chunk_at(passage, start, end).headings
                heading = headings[-1] if headings else passage.chunk.document.title
                context = f"{heading}: {text if header is None else named(text, header)}"[:_LONGEST]
                found.append(Candidate(passage, start, end, context, header))
    return found


def best_sentences(
    candidates: Sequence[Candidate], question: str, *, query: Vector, vectors: Vectors
) -> list[Candidate]:
    """The few candidates nearest to the question: the best of each passage first, then further ones of the same.

    In reading order within a passage, best passage first. None only where there are no candidates: whether the
    documents answer the question at all is not judged here.

    `vectors` has shape `(len(candidates), dimensions)`, rows of norm 1 like `query`. Nearness is the cosine, raised by
    the share of the question's words that the sentence holds.
    """
    if not candidates:
        return []
    words = words_of(question)
    # Rounded, since the last bits depend on the threads, and the same question is to get the same answer.
    scores = [
        round(float(cosine), 4) + 0.5 * _overlap(words, candidate.context) + _PASSAGE_SHARE / candidate.passage.marker
        for candidate, cosine in zip(candidates, vectors @ query, strict=True)
    ]
    ranked = sorted(range(len(candidates)), key=lambda index: (-scores[index], index))
    best = scores[ranked[0]]
    first_of: dict[int, int] = {}
    for index in ranked:
        first_of.setdefault(candidates[index].passage.marker, index)
    leading = [index for index in first_of.values() if scores[index] >= _LEAST_SHARE * best]
    leading = (leading or ranked)[:_MOST]
    cited = {candidates[index].passage.marker for index in leading}
    further = [
        index
        for index in ranked
        if index not in leading and candidates[index].passage.marker in cited and scores[index] >= _LEAST_SHARE * best
    ]
    chosen = [*leading, *further[: _MOST - len(leading)]]
    place = {candidates[index].passage.marker: number for number, index in enumerate(leading)}
    in_order = sorted(chosen, key=lambda i: (place[candidates[i].passage.marker], candidates[i].start))
    return [candidates[index] for index in in_order]


def _spans_of(passage: Passage) -> Iterator[tuple[int, int, str | None]]:
    """What may stand in an answer, with the names of its columns where it is a row."""
    if passage.chunk.document.media_type in ROWS:
        yield from _lines_of(passage)
        return
    found = list(_prose_of(passage))
    text = passage.text
    if not found:
        found = [(start, end, None) for start, end in sentence_spans(text) if _is_prose(text[start:end])]
    if not found and len(text) <= _LONGEST_SAID and _is_prose(text):  # data: a few words on each of its lines
        found = [(0, len(text), None)]
    yield from found


def _lines_of(passage: Passage) -> Iterator[tuple[int, int, str]]:
    """The rows of a table, where each is a line. The first line of all may be its header."""
    lines = [match for match in _LINE.finditer(passage.text) if match[0].strip()]
    first = lines[0][0] if lines else ""
    names = first if len(lines) > 1 and is_header(first, lines[1][0]) else ""
    for number, line in enumerate(lines):
        head = header_of(chunk_at(passage, *line.span()).head)
        header = head or names
        if (number or not names or head) and _is_row(line[0], header):
            yield *line.span(), header


def _prose_of(passage: Passage) -> Iterator[tuple[int, int, str | None]]:
    text, headers = passage.text, dict[int, str]()
    for unit in units_of(text):
        piece = text[unit.start : unit.end]
        if unit.kind == "header":
            headers[unit.block] = header_of(piece.partition("\n")[0])
        elif unit.kind == "row":
            header = headers.get(unit.block) or header_of(chunk_at(passage, unit.start, unit.end).head)
            if len(piece) <= _LONGEST_SAID and _is_row(piece, header):
                yield unit.start, unit.end, header
        elif unit.kind in {"sentence", "item"}:
            for start, end in sentence_spans(piece):
                if end - start <= _LONGEST_SAID and _is_prose(piece[start:end]):
                    yield unit.start + start, unit.start + end, None


def _is_row(text: str, header: str) -> bool:
    """Whether a row says something, with the names of its columns."""
    return not _MARKUP.match(text) and len(_WORD.findall(named(text, header))) >= _LEAST_WORDS


def _is_prose(text: str) -> bool:
    if _MARKUP.match(text) or _DIRECTIVE.fullmatch(text):
        return False
    words = _WORD.findall(text)
    if _is_navigation(text, words):
        return False
    return len(words) >= _LEAST_WORDS or (len(text) >= 8 and not text.isascii())


def _is_navigation(text: str, words: Sequence[str]) -> bool:
    """A run of titles or links: no sentence mark at its end, and most words capital, or the same ones again."""
    if len(words) < _NAVIGATION_WORDS or text.startswith("|") or _SENTENCE_END.search(text[-8:]):
        return False
    capital = sum(word[0].isupper() for word in words)
    return capital >= 0.5 * len(words) or len({word.casefold() for word in words}) <= 0.6 * len(words)


_WORD = re.compile(r"\w+")
_LINE = re.compile(r"[^\n]+")
_ITEM = re.compile(r"^(?:[-*+•>]|\d{1,3}[.)])\s+")
_MARKUP = re.compile(r"#|```|~~~|\|[\s:|-]*-|---|===|<!--|!\[|:::|///|\[\[|<[a-zA-Z/][^<>\n]{0,200}>\s*$")
_DIRECTIVE = re.compile(r"\{[*!%{][^\n]*[*!%}]\}", re.DOTALL)
"""`{* file.py ln[1:3] *}`, `{! file !}`, `{% include %}`, `{{ name }}`."""
_SENTENCE_END = re.compile(r"[.!?…:;。！？][\"'”’»)\]*_`]{0,4}\s*$")


def _overlap(words: set[str], text: str) -> float:
    return len(words & words_of(text)) / len(words) if words else 0.0
