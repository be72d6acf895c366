"""One document from standard input."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from hybridrag.sources import media
from hybridrag.sources.listing import EVERYTHING, Entry, Listing
from hybridrag.sources.members import hides
from hybridrag.sources.reading import ReadError, content_hash, too_large
from hybridrag.sources.stamp import Stamp
from hybridrag.types import RawDocument, Skipped, Source


class StdinReader:
    """Reads a stream once, to its end. Its kind is told from `name`, else from its first bytes."""

    def __init__(self, source: Source, stream: BinaryIO, *, name: str | None, limit: int) -> None:
        self._source = source
        self._stream = stream
        self._name = name
        self._limit = limit
        self._content: bytes | None = None

    def list(self) -> Listing:
        """One entry. Standard input says nothing about what was given before, so nothing counts as gone."""
        try:
            content = self._read()
        except ReadError as error:
            uri = self._source.uri(self._name or "stdin")
            return Listing((), (Skipped(uri, error.reason, error.hint, error.failed),), EVERYTHING)
        return Listing((Entry(self._name or _name(content), len(content), named=True),), unlisted=EVERYTHING)

    def stamp(self) -> Stamp | None:
        return None

    def read(self, entry: Entry) -> RawDocument | Skipped:
        uri = self._source.uri(entry.path)
        try:
            content = self._read()
        except ReadError as error:
            return Skipped(uri, error.reason, error.hint, error.failed)
        kind = media.media_type(entry.path, content) if self._name else media.sniff(content)
        if kind is None:
            return Skipped(uri, "no parser for this kind of content", "Convert it to text, PDF or DOCX.")
        return RawDocument(
            source=self._source.name,
            path=entry.path,
            content=content,
            media_type=kind,
            content_hash=content_hash(content),
        )

    def wants(self, path: str) -> bool:
        return not hides(path)

    def _read(self) -> bytes:
        if self._content is None:
            try:
                content = self._stream.read(self._limit + 1)
            except OSError as error:
                raise ReadError("standard input cannot be read") from error
            if len(content) > self._limit:
                raise too_large(len(content), self._limit)
            if not content:
                raise ReadError("standard input is empty", hint="Pipe a document into it.")
            self._content = content
        return self._content


def _name(content: bytes) -> str:
    """A name from the content: the same text piped twice is the same document."""
    return f"stdin-{hashlib.sha256(content).hexdigest()[:12]}{media.extension(media.sniff(content) or 'text/plain')}"
