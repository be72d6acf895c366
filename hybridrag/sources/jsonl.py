"""A document a line: `_id` or `id`, `title`, `text`; every other key becomes metadata.

The path of a document is its id, so a line may move without being indexed again. Without an id it is made from the
record's content: `line-N` would give every later document a new path when a line is inserted.

The file is listed in one pass that keeps no text, and read line by line afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from hybridrag.sources.listing import EVERYTHING, Entry, Listing
from hybridrag.sources.reading import ReadError, content_hash, kind_of_file, read_error, timestamp, too_large
from hybridrag.sources.stamp import Stamp
from hybridrag.types import RawDocument, Skipped, Source


@dataclass(frozen=True, slots=True)
class _Record:
    path: str
    external_id: str | None
    title: str | None
    text: str
    metadata: dict[str, Any]


class JsonlReader:
    """Reads a source of kind `jsonl`. With `only`, the lines with those paths."""

    def __init__(self, source: Source, *, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._file: BinaryIO | None = None
        self._modified: datetime | None = None

    def list(self) -> Listing:
        """The lines of the file. A line that cannot be read might be any document, so then nothing counts as gone."""
        entries: dict[str, Entry] = {}
        problems: list[Skipped] = []
        lines: dict[str, int] = {}
        unreadable = False
        try:
            for number, offset, line in self._lines(self._open()):
                try:
                    record = _record(self._bounded(line))
                    first = lines.setdefault(record.path, number)
                    if first != number:
                        raise _RepeatedError(record, first)
                    if not self._source.only or record.path in self._source.only:
                        entries[record.path] = Entry(record.path, len(line), offset=offset)
                except _RepeatedError as error:
                    problems.append(self._problem(f"line-{number}", error))
                except ReadError as error:
                    unreadable = True
                    problems.append(self._problem(f"line-{number}", error))
        except OSError as error:
            absent = isinstance(error, FileNotFoundError | NotADirectoryError)
            return Listing((), (self._problem("", read_error(error)),), EVERYTHING, absent=absent)
        except ReadError as error:
            return Listing((), (self._problem("", error),), EVERYTHING)
        missing = tuple(path for path in self._source.only if path not in lines)
        problems += [self._problem(path, ReadError("no line has this id")) for path in missing]
        return Listing(tuple(entries.values()), tuple(problems), EVERYTHING if unreadable else frozenset(), missing)

    def wants(self, path: str) -> bool:  # noqa: ARG002  a line holds no files
        return False

    def stamp(self) -> Stamp | None:
        try:
            return Stamp.of(Path(self._source.root).stat())
        except OSError:
            return None  # told when it is listed

    def read(self, entry: Entry) -> RawDocument | Skipped:
        try:
            file = self._file or self._open()
            file.seek(entry.offset)
            record = _record(self._bounded(file.readline(self._limit + 2)))
            if record.path != entry.path:
                raise ReadError("the file changed while it was being read", hint="Run again.")
            if not record.text.strip():
                raise ReadError("empty text", failed=False)
        except OSError as error:
            return self._problem(entry.path, read_error(error))
        except ReadError as error:
            return self._problem(entry.path, error)
        content = record.text.encode()
        return RawDocument(
            source=self._source.name,
            path=record.path,
            content=content,
            media_type="text/plain",
            content_hash=content_hash(content, title=record.title, metadata=record.metadata),
            modified=self._modified,
            external_id=record.external_id,
            title=record.title,
            metadata=record.metadata,
        )

    def _open(self) -> BinaryIO:
        if self._file is not None:
            self._file.close()
        descriptor = os.open(os.path.realpath(self._source.root), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._file = os.fdopen(descriptor, "rb", buffering=1 << 20)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ReadError(f"is {kind_of_file(found.st_mode) or 'a folder'}, not a file")
        self._modified = timestamp(found.st_mtime)
        return self._file

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
        """Number, offset and bytes of every line that is not blank; of one that is too long, only the beginning."""
        number, offset = 0, 0
        while line := file.readline(self._limit + 2):
            number += 1
            length = len(line)
            rest = line
            while len(rest) > self._limit and not rest.endswith(b"\n") and (rest := file.readline(self._limit + 2)):
                length += len(rest)
            if number == 1 and line.startswith(b"\xef\xbb\xbf"):
                line = line[3:]
            if line.strip():
                yield number, offset, line
            offset += length

    def _bounded(self, line: bytes) -> bytes:
        if len(line) > self._limit + 1:
            raise too_large(len(line), self._limit)
        return line.removeprefix(b"\xef\xbb\xbf")

    def _problem(self, where: str, error: ReadError) -> Skipped:
        uri = self._source.uri(where) if where else self._source.name
        return Skipped(uri, error.reason, error.hint, error.failed)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


class _RepeatedError(ReadError):
    """A line with a path that an earlier line has: that one stays, so nothing is lost that the index held."""

    def __init__(self, record: _Record, first: int) -> None:
        if record.external_id is None:
            super().__init__(f"the same as line {first}", failed=False)
        else:
            super().__init__(f"has the id of line {first}, which was kept", hint="Give every line an id of its own.")


def _record(line: bytes) -> _Record:
    """One line's document. Raises ReadError."""
    fields = _fields(line)
    given = {key: fields.pop(key) for key in ("_id", "text", "title") if key in fields}
    if "_id" not in given and "id" in fields:
        given["_id"] = fields.pop("id")
    text = given.get("text")
    if not isinstance(text, str):
        raise ReadError(
            "has no text" if text is None else "its text is not a string", hint='Write {"id": ..., "text": "..."}.'
        )
    external_id = _identifier(given.get("_id"))
    title = given.get("title")
    return _Record(
        path=external_id or f"text-{_digest(line)}",
        external_id=external_id,
        title=_whole(str(title)) if isinstance(title, str | int | float) and str(title).strip() else None,
        text=_whole(text),
        metadata=fields,
    )


def _fields(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode()
        record = json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise ReadError("is not UTF-8", hint="Save the file as UTF-8.") from None
    except (ValueError, RecursionError):
        raise ReadError("is not valid JSON", hint="Write one JSON object a line.") from None
    if not isinstance(record, dict):
        raise ReadError("is not a JSON object", hint="Write one JSON object a line.")
    if _SURROGATE_ESCAPE.search(text):
        record = _without_surrogates(record)
    return dict(record)


def _identifier(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ReadError("its id is neither text nor a whole number")
    identifier = str(value)
    if "\0" in identifier or identifier != _whole(identifier):
        raise ReadError("its id holds a character that cannot be stored")
    return identifier


def _digest(line: bytes) -> str:
    """A name for a record without an id: the same for the same fields in any order."""
    canonical = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _whole(text: str) -> str:
    """The text without lone surrogates, which JSON can spell but UTF-8 and PostgreSQL cannot hold."""
    return text if text.isascii() else _SURROGATES.sub("", text)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _without_surrogates(item) for key, item in value.items()}
    return value


_SURROGATES = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
