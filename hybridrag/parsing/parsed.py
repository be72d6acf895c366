"""What a format's parser returns, and what it raises."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from hybridrag.types import Block, Heading, Page


class UnreadableError(Exception):
    """Content without text to index: `reason` and `hint` are our own words, never the document's.

    `failed` is False where nothing is wrong, as with a file of blanks. `ocr` is as in `Parsed`; `needs_ocr` says that
    there was no program for it.
    """

    def __init__(
        self, reason: str, *, hint: str = "", failed: bool = True, ocr: bool = False, needs_ocr: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.failed = failed
        self.ocr = ocr
        self.needs_ocr = needs_ocr


@dataclass(frozen=True, slots=True)
class Parsed:
    """The text of one document with its structure.

    Offsets are into `text`; `title` is None where the text has none, `language` (ISO 639-1) where it is not sure. `ocr`
    says that some of it was read from pictures, or would have been, had there been a program for it; `needs_ocr` that
    there was none.
    """

    text: str
    title: str | None = None
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    blocks: tuple[Block, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    date: datetime | None = None
    language: str | None = None
    notes: tuple[str, ...] = ()
    ocr: bool = False
    needs_ocr: bool = False


def readable_name(path: str) -> str:
    """A title made from a path, never empty: `hr/travel-rules.md` gives `Travel rules`."""
    stem = PurePosixPath(path).stem or path
    words = " ".join(stem.replace("_", " ").replace("-", " ").split())
    return one_line(words[:1].upper() + words[1:]) or one_line(path) or "Untitled"


def one_line(text: str, *, limit: int = 300) -> str:
    """The text on one line, without control characters, at most `limit` characters."""
    return " ".join(_CONTROLS.sub(" ", text).split())[:limit].rstrip()


def counted(number: int, what: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def storable(value: Any, *, depth: int = 0) -> Any:
    """A metadata value as plain JSON that PostgreSQL can hold: no NUL, no lone surrogate, bounded in size and depth."""
    if depth > _DEEPEST or value is None:
        return None
    if isinstance(value, dict):
        return {storable(str(key)): storable(item, depth=depth + 1) for key, item in list(value.items())[:_MOST]}
    if isinstance(value, list | tuple):
        return [storable(item, depth=depth + 1) for item in value[:_MOST]]
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _UNSTORABLE.sub("", str(value))[:_LONGEST]


def bounded(metadata: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Storable metadata of at most 64 KiB, with a note where keys were left out."""
    kept: dict[str, Any] = {}
    room = 64 * 1024
    # The label comes first: whatever else is left out, a document must not become less guarded by it.
    ordered = {key: metadata[key] for key in sorted(metadata, key=lambda key: key != "label")}
    for key, value in storable(ordered).items():
        room -= len(json.dumps([key, value]))
        if room < 0:
            return kept, ("metadata over 64 KiB was left out",)
        kept[key] = value
    return kept, ("metadata beyond 1,000 keys was left out",) if len(metadata) > _MOST else ()


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_DEEPEST, _MOST, _LONGEST = 8, 1000, 20_000
