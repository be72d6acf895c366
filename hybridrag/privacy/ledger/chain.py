"""The lines of the ledger: JSON objects in one spelling, each sealed with the one before it by HMAC.

A line is `{"at", "entry", "kind": "intent" | "outcome" | "checkpoint", "mac", "prev", "seq", ...}`, its keys sorted.
`mac` is HMAC-SHA256 under a key derived from the local one over the rest of the line, `prev` is the mac of the line
before. A checkpoint stands in place of lines that were pruned, as the first line only: its `seq` and `prev` are number
and mac of the last one removed, so the lines that stay, and heads noted elsewhere, hold as they did.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hybridrag.privacy.keys import derived

GENESIS = "0" * 64
_BLOCK = 65_536
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_FIELDS = {"seq": int, "prev": str, "mac": str, "kind": str, "entry": str, "at": str}

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many lines there ever were, and the last one's mac. Noted elsewhere, it shows a cut."""

    seq: int
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac}"

    @staticmethod
    def parse(text: str) -> Head:
        """What `str` gave. Raises ValueError for anything else."""
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise ValueError("a head is a number, a colon and 64 hexadecimal digits")
        return Head(int(found[1]), found[2])


START = Head(0, GENESIS)


def chain_key(key: bytes) -> bytes:
    """The key of the chain, derived from the local one."""
    return derived(key, "ledger chain")


def sealed(record: Record, *, key: bytes) -> Record:
    """`record` with its mac."""
    return {**record, "mac": _mac(record, key=key)}


def line_of(record: Record) -> bytes:
    """The one spelling of `record`, without a line break. Raises TypeError or ValueError for what JSON cannot hold."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def record_of(line: bytes) -> Record | None:
    """The record that a line holds, unverified; None for what is none, and for a record spelt in another way."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict) or any(type(record.get(name)) is not kind for name, kind in _FIELDS.items()):
            return None
        # Only the exact bytes that were written count: a re-spelled line is a changed line.
        return record if line_of(record) == line else None
    except (ValueError, RecursionError):
        return None


def genuine(line: bytes, *, key: bytes) -> Record | None:
    """The record of a line that was made with this key and not changed since; None otherwise."""
    record = record_of(line)
    if record is None or not hmac.compare_digest(
        record["mac"].encode("utf-8", "surrogatepass"), _mac(record, key=key).encode()
    ):
        return None
    return record


def head_after(record: Record | None) -> Head:
    """The end of a chain whose last line is `record`; None is the chain without a line."""
    if record is None:
        return START
    return Head(record["seq"], record["prev"] if record["kind"] == "checkpoint" else record["mac"])


def whole(descriptor: int) -> int:
    """Where the last whole line of a file ends (bytes). What follows is a line that a crash left unfinished."""
    position = os.fstat(descriptor).st_size
    while position > 0:
        step = min(position, _BLOCK)
        found = os.pread(descriptor, step, position - step).rfind(b"\n")
        if found >= 0:
            return position - step + found + 1
        position -= step
    return 0


def forward(descriptor: int, end: int) -> Iterator[bytes]:
    """The lines before `end`, which is where one ends, from the first on, without their line breaks."""
    position, rest = 0, bytearray()
    while position < end:
        block = os.pread(descriptor, min(_BLOCK * 4, end - position), position)
        if not block:
            return
        position += len(block)
        *lines, last = block.split(b"\n")
        for line in lines:
            rest += line
            yield bytes(rest)
            rest.clear()
        rest += last


def backward(descriptor: int, end: int) -> Iterator[bytes]:
    """The same lines from the last on. Reads no more than it gives, but for one block."""
    position, rest = end - 1, [b""]  # the last line's break is left out; `rest` is a line's end in pieces, last first
    while position > 0:
        step = min(position, _BLOCK)
        position -= step
        first, *lines = os.pread(descriptor, step, position).split(b"\n")
        if lines:
            yield b"".join([lines.pop(), *reversed(rest)])
            yield from reversed(lines)
            rest = []
        rest.append(first)
    if end > 0:
        yield b"".join(reversed(rest))


def _mac(record: Record, *, key: bytes) -> str:
    body = {name: value for name, value in record.items() if name != "mac"}
    return hmac.new(key, line_of(body), hashlib.sha256).hexdigest()
