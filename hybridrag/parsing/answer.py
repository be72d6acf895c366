"""The child's answer, believed in nothing: the child has read untrusted bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from hybridrag.parsing import unpacking
from hybridrag.parsing.dates import read_date
from hybridrag.parsing.language import LANGUAGES
from hybridrag.parsing.parsed import Parsed, UnreadableError, one_line
from hybridrag.types import Block, BlockKind, Heading, Member, Page, Skipped


class BadAnswerError(Exception):
    """An answer that does not hold together."""


def read_answer(answer: dict[str, Any], body: bytes) -> Parsed:
    """What the child parsed; `body` is the text.

    Raises UnreadableError where the child says why there is none, BadAnswerError for one that does not hold together.
    """
    try:
        refuse(answer)
        text = body.decode()
        parsed = Parsed(
            text=text,
            title=None if answer["title"] is None else one_line(answer["title"]),
            pages=tuple(Page(int(number), int(start), int(end)) for number, start, end in answer["pages"]),
            headings=tuple(Heading(int(at), int(level), one_line(title)) for at, level, title in answer["headings"]),
            blocks=tuple(Block(kind, int(start), int(end), int(head)) for kind, start, end, head in answer["blocks"]),
            metadata=dict(answer["metadata"]),
            date=read_date(answer["date"]),
            language=None if answer["language"] is None else str(answer["language"]),
            notes=tuple(one_line(note, limit=600) for note in answer["notes"]),
            ocr=answer["ocr"] is True,
            needs_ocr=answer["needs_ocr"] is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadAnswerError from None
    if not _sound(parsed):
        raise BadAnswerError
    return parsed


def read_members(answer: dict[str, Any], content: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What is told of each of the files inside another that came with one answer, and its bytes.

    Raises UnreadableError where no more can be had of the other, BadAnswerError for what does not hold together.
    """
    refuse(answer)
    told = answer.get("members")
    if not isinstance(told, list) or not told or not all(isinstance(each, dict) for each in told):
        raise BadAnswerError
    sizes = [each.get("size") for each in told]
    if any(type(size) is not int or size < 0 for size in sizes) or sum(sizes) != len(content):
        raise BadAnswerError
    end = 0
    for each, size in zip(told, sizes, strict=True):
        end += size
        yield each, content[end - size : end]


def read_member(answer: dict[str, Any], content: bytes, *, uri: str) -> Member | Skipped:
    """A file inside another, whose URI is `uri`, or why it cannot be had.

    Raises UnreadableError where no more can be had of the other, BadAnswerError for what does not hold together.

    One whose name leads out of the file it lies in is refused: it was made to deceive whoever unpacks it.
    """
    try:
        if "name" not in answer:
            refuse(answer)
        name, modified = inner_path(str(answer["name"])), read_date(answer.get("modified"))
        if "reason" in answer:
            reason, hint = one_line(answer["reason"], limit=200), one_line(answer["hint"], limit=200)
            return Skipped(f"{uri}/{name or _NAMELESS}", reason, hint, answer["failed"] is True, unpacking.VERSION)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadAnswerError from None
    if name is None:
        return Skipped(f"{uri}/{_NAMELESS}", "its name leads out of the file it lies in", "", True, unpacking.VERSION)
    return Member(name, content, modified)


def read_spent(answer: dict[str, Any]) -> int:
    """How many bytes were unpacked for an answer. Raises BadAnswerError for what is no number of bytes."""
    spent = answer.get("spent", 0)
    if type(spent) is not int or spent < 0:
        raise BadAnswerError
    return spent


def inner_path(written: str) -> str | None:
    """A name inside an archive as a path: forward slashes, no `.` and no `..`, printable. None where it leads out."""
    parts = [part for part in written.replace("\\", "/").split("/") if part not in {"", "."}]
    if not parts or ".." in parts or written.startswith(("/", "\\")) or _DRIVE.match(written):
        return None
    return "/".join(_UNPRINTABLE.sub("_", part)[:_LONGEST_NAME] for part in parts)


_NAMELESS = "(a name that cannot be used)"
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_LONGEST_NAME = 200


def refuse(answer: dict[str, Any]) -> None:
    """Raises UnreadableError where the child says that it could not read the file."""
    if "reason" in answer:
        raise UnreadableError(
            one_line(answer["reason"], limit=200),
            hint=one_line(answer["hint"], limit=200),
            failed=answer["failed"] is True,
            ocr=answer["ocr"] is True,
            needs_ocr=answer["needs_ocr"] is True,
        )


def _sound(parsed: Parsed) -> bool:
    """Whether text, pages, headings and blocks fit together."""
    length = len(parsed.text)
    edges = [edge for page in parsed.pages for edge in (page.start, page.end)]
    starts = [heading.start for heading in parsed.headings]
    borders = [edge for block in parsed.blocks for edge in (block.start, block.head, block.end)]
    return (
        bool(parsed.text.strip())
        and (parsed.language is None or parsed.language in LANGUAGES)
        and "\0" not in parsed.text
        and edges == sorted(edges)
        and all(0 <= edge <= length for edge in edges)
        and [page.number for page in parsed.pages] == list(range(1, len(parsed.pages) + 1))
        and starts == sorted(starts)
        and all(0 <= start < length for start in starts)
        and borders == sorted(borders)
        and all(0 <= border <= length for border in borders)
        and all(block.kind in get_args(BlockKind) and block.start < block.end for block in parsed.blocks)
        and all(1 <= heading.level <= 6 and heading.title for heading in parsed.headings)
    )
