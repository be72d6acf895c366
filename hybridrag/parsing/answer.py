"""The child's answer, believed in nothing: the child has read untrusted bytes."""

from __future__ import annotations

from typing import Any

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.language import LANGUAGES
from hybridrag.parsing.parsed import Parsed, UnreadableError, one_line
from hybridrag.types import Heading, Page


class BadAnswerError(Exception):
    """An answer that does not hold together."""


def read_answer(answer: dict[str, Any]) -> Parsed:
    """What the child parsed.

    Raises UnreadableError where the child says why there is none, BadAnswerError for one that does not hold together.
    """
    try:
        if "reason" in answer:
            raise UnreadableError(
                one_line(answer["reason"], limit=200),
                hint=one_line(answer["hint"], limit=200),
                failed=answer["failed"] is True,
            )
        text = answer["text"]
        text.encode()
        parsed = Parsed(
            text=text,
            title=None if answer["title"] is None else one_line(answer["title"]),
            pages=tuple(Page(int(number), int(start), int(end)) for number, start, end in answer["pages"]),
            headings=tuple(Heading(int(at), int(level), one_line(title)) for at, level, title in answer["headings"]),
            metadata=dict(answer["metadata"]),
            date=read_date(answer["date"]),
            language=None if answer["language"] is None else str(answer["language"]),
            notes=tuple(one_line(note, limit=600) for note in answer["notes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadAnswerError from None
    if not _sound(parsed):
        raise BadAnswerError
    return parsed


def _sound(parsed: Parsed) -> bool:
    """Whether text, pages and headings fit together."""
    length = len(parsed.text)
    edges = [edge for page in parsed.pages for edge in (page.start, page.end)]
    starts = [heading.start for heading in parsed.headings]
    return (
        bool(parsed.text.strip())
        and (parsed.language is None or parsed.language in LANGUAGES)
        and "\0" not in parsed.text
        and edges == sorted(edges)
        and all(0 <= edge <= length for edge in edges)
        and [page.number for page in parsed.pages] == list(range(1, len(parsed.pages) + 1))
        and starts == sorted(starts)
        and all(0 <= start < length for start in starts)
        and all(1 <= heading.level <= 6 and heading.title for heading in parsed.headings)
    )
