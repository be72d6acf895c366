"""Redact: what the gateway would do to a text. Nothing is sent, and nothing recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hybridrag.errors import DocumentsFailed
from hybridrag.parsing.formats import is_plain
from hybridrag.ports import Parser
from hybridrag.privacy.gateway import Gateway
from hybridrag.sources.media import media_type, sniff
from hybridrag.sources.reading import ReadError, content_hash, read_file
from hybridrag.types import Label, Piece, RawDocument, Redacted, Skipped

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text and what would become of it. `blocked` says that a request with it would not be sent at all."""

    original: str
    redacted: Redacted
    label: Label
    notes: tuple[str, ...]

    @property
    def blocked(self) -> bool:
        return bool(self.redacted.blocked) or self.label is Label.LOCAL_ONLY


def redact(
    name: str,
    label: Label,
    *,
    gateway: Gateway,
    stdin: BinaryIO,
    open_parser: Callable[[], Parser],
    limit: int,
) -> Redaction:
    """A file, or stdin where its name is `-`, as it would leave under `label`; at most `limit` bytes of it.

    Text is taken as it stands, so that offsets are those of the file; of other formats their text is taken, and a note
    says so. Raises DocumentsFailed for what cannot be read.
    """
    content = _content(name, stdin, limit)
    text, notes = _text(name, content, open_parser)
    session = gateway.open([(Piece(text, label),)])
    return Redaction(text, session.redact((Piece(text, label),)), label, notes)


def _content(name: str, stdin: BinaryIO, limit: int) -> bytes:
    if name == STDIN:
        content = stdin.read(limit + 1)
        if len(content) > limit:
            raise DocumentsFailed(f"stdin holds more than {limit:,} bytes", hint="raise max_file_bytes")
        return content
    if Path(name).is_dir():
        raise DocumentsFailed(f"{name or '.'} is a folder", hint="name one file of it, or give a text on stdin")
    try:
        # A link that the user names is meant.
        return read_file(str(Path(name).resolve()), limit=limit).content
    except ReadError as exc:
        if not os.path.lexists(name):
            raise DocumentsFailed(f"there is no file {name}", hint="check the path") from None
        raise DocumentsFailed(f"{name}: {exc.reason}", hint=exc.hint) from None


def _text(name: str, content: bytes, open_parser: Callable[[], Parser]) -> tuple[str, tuple[str, ...]]:
    place = "stdin" if name == STDIN else Path(name).name
    kind = sniff(content) if name == STDIN else media_type(name, content)
    if kind is None:
        raise DocumentsFailed(f"{place}: it is neither text nor of a known format", hint="give a document, or its text")
    if kind.startswith("text/") or is_plain(kind):
        with suppress(UnicodeDecodeError):
            return content.decode(), ()
    raw, parser = RawDocument("redact", place, content, kind, content_hash(content)), open_parser()
    if parser.holds_files(kind) and not parser.holds_text(kind):
        raise DocumentsFailed(f"{place}: it holds other files", hint="unpack it, and give one of them")
    parsed = parser.parse(raw)
    if isinstance(parsed, Skipped):
        raise DocumentsFailed(f"{place}: {parsed.reason}", hint=parsed.hint)
    notes = [f"offsets are those of the text read from it ({kind})"]
    if parser.holds_files(kind):
        notes.append("files attached to it are documents of their own, and not shown: save one, and give that")
    return parsed.text, (*notes, *parsed.notes)
