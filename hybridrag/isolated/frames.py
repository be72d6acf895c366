"""How parent and child frame their messages: a header in JSON, then bytes, each after its length in eight bytes.

Before an answer there may be signs of life, lengths of 0: the child is at work on something that takes its time, such
as the pages of a scan, and is waited for. No header is empty, so that none is taken for one. Nothing is a pickle: a
child that was taken over could make a pickle do anything in the parent.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">Q")
SIGN_OF_LIFE = _LENGTH.pack(0)


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest answer that is taken, in bytes.

    The header is kept small, since JSON of a few bytes an item takes twenty times as much once it is read.
    """

    header: int
    body: int = 0


def framed(header: Mapping[str, Any], content: bytes) -> list[bytes]:
    """A message in the parts it is written in, so that a large content is not copied."""
    head = json.dumps(header).encode()
    return [_LENGTH.pack(len(head)) + head + _LENGTH.pack(len(content)), content]


def read_message(pipe: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message of a parent, waited for; None where there is none any more."""
    head = _read_part(pipe)
    content = _read_part(pipe) if head is not None else None
    return None if head is None or content is None else (json.loads(head), content)


def _read_part(pipe: BinaryIO) -> bytes | None:
    length = pipe.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    size = _LENGTH.unpack(length)[0]
    part = pipe.read(size)
    return part if len(part) == size else None


class Incoming:
    """A child's answer as it comes. `signs` counts its signs of life."""

    def __init__(self, largest: Largest) -> None:
        self._largest = (largest.header, largest.body)
        self._come = bytearray()
        self._found: list[bytes] = []
        self.signs = 0

    def complete(self, piece: bytes) -> bool:
        """Takes the next bytes. Whether all has come. Raises EOFError for what is too long, or more than an answer."""
        self._come += piece
        while len(self._found) < 2 and len(self._come) >= _LENGTH.size:
            size = _LENGTH.unpack_from(self._come)[0]
            if not size and not self._found:
                del self._come[: _LENGTH.size]
                self.signs += 1
                continue
            if size > self._largest[len(self._found)]:
                raise EOFError
            end = _LENGTH.size + size
            if len(self._come) < end:
                return False
            self._found.append(bytes(self._come[_LENGTH.size : end]))
            del self._come[:end]
        if len(self._found) == 2 and self._come:
            raise EOFError
        return len(self._found) == 2

    @property
    def parts(self) -> tuple[bytes, bytes]:
        """The header, still in JSON, and the bytes."""
        head, body = self._found
        return head, body
