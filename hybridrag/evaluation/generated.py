"""A question that nobody asked: made from a chunk, with what answers it and where it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridrag.types import StoredChunk

MOST_ANSWER = 600
"""Characters of an answer that are kept."""

# What ends a line for some readers though JSON allows it, what terminals obey, and what turns the direction of writing.
_ESCAPED = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Material:
    """A chunk to make a question from, the language of its document (ISO 639-1), and all documents that hold it."""

    chunk: StoredChunk
    language: str | None
    sources: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """Title and headings, from the topmost."""
        return tuple(dict.fromkeys((self.chunk.document.title, *self.chunk.headings)))

    @property
    def text(self) -> str:
        """All that the chunk can be found by."""
        return "\n".join((*self.path, *filter(None, (self.chunk.head,)), self.chunk.text))


@dataclass(frozen=True, slots=True)
class GeneratedQuestion:
    """A question, the URIs of the documents that answer it, and the words of the chunk that do.

    `method` says how it was made: `keywords`, `heading`, `definition`, `docstring`, or `provider:MODEL`.
    """

    question: str
    answer: str
    sources: tuple[str, ...]
    chunk: str
    method: str

    def as_json(self) -> Mapping[str, Any]:
        """The object of a question file."""
        return {
            "question": self.question,
            "sources": list(self.sources),
            "answer": self.answer,
            "origin": {"chunk": self.chunk, "method": self.method},
        }

    def line(self) -> str:
        """The line of a question file, without its end."""
        return escaped(json.dumps(self.as_json(), ensure_ascii=False))


def escaped(line: str) -> str:
    """JSON as one line, whoever reads or shows it."""
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def one_line(text: str) -> str:
    """`text` without control characters, signs of direction and what else cannot be seen, on one line."""
    # Nothing of category C is shown but the joiners, which some scripts and emoji need.
    kept = (c if c.isprintable() or c in "\u200c\u200d" else " " if c.isspace() else "" for c in text)
    return " ".join("".join(kept).split())


def shortened(text: str) -> str:
    """An answer on one line, cut at a word where it is too long."""
    text = one_line(text)
    return text if len(text) <= MOST_ANSWER else text[:MOST_ANSWER].rsplit(" ", 1)[0] + " …"
