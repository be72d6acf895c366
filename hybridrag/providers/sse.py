"""Server-sent events, from bytes to events, by the rules of the WHATWG HTML standard, section 9.2.6.

Pure and incremental: the events do not depend on how the bytes were cut into chunks. One rule is relaxed, because
servers break it: data that no blank line follows is not dropped at the end of the stream but handed out with
`whole=False`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_EVENT_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `name` is empty unless the stream gave one; `data` joins its data lines with line feeds. `whole` is
    False where the stream ended before the blank line that completes an event."""

    name: str
    data: str
    whole: bool = True


class EventTooLargeError(ValueError):
    """A single event, or a single line, is over the limit."""


def parse(chunks: Iterable[bytes], *, max_event_bytes: int = MAX_EVENT_BYTES) -> Iterator[Event]:
    """The events of a stream. Raises EventTooLargeError for one of more than `max_event_bytes` bytes."""
    parser = _Parser(max_event_bytes)
    for chunk in chunks:
        yield from parser.feed(chunk)
    yield from parser.end()


class _Parser:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._first_line = True
        self._after_return = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        if not chunk:
            return
        if self._after_return:
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        start = 0
        for end in _LINE_END.finditer(chunk):
            self._extend(chunk[start : end.start()])
            start = end.end()
            yield from self._end_of_line()
        self._extend(chunk[start:])

    def end(self) -> Iterator[Event]:
        if self._line:
            yield from self._end_of_line()
        if self._data:
            yield Event(self._name, "\n".join(self._data), whole=False)

    def _extend(self, piece: bytes) -> None:
        if len(self._line) + len(piece) + self._size > self._limit:
            raise EventTooLargeError(f"an event of more than {self._limit} bytes")
        self._line += piece

    def _end_of_line(self) -> Iterator[Event]:
        line = bytes(self._line)
        self._line.clear()
        if self._first_line:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._first_line = False
        if line:
            self._field(line)
            return
        if self._data:
            yield Event(self._name, "\n".join(self._data))
        self._name, self._data, self._size = "", [], 0

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            # Each data line counts one more than its bytes, so that endless empty ones are bounded too.
            self._size += len(value) + 1
            self._data.append(value.decode("utf-8", "replace"))
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")


_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
