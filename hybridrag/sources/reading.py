"""Reads one file safely: regular files only, never through a link, size bounded, hash and bytes from one read."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime

from hybridrag.sources.stamp import Stamp
from hybridrag.types import Metadata


class ReadError(Exception):
    """A file that was not read: `reason` and `hint` are for people; `failed` is False where nothing is wrong."""

    def __init__(self, reason: str, *, hint: str = "", failed: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.failed = failed


class VanishedError(ReadError):
    """A file that is not there any more."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of a file and when it was last modified (UTC), where its clock shows a date that exists."""

    content: bytes
    modified: datetime | None


def read_file(path: str, *, limit: int) -> FileContent:
    """The content of the regular file at `path`, at most `limit` bytes.

    A file that changes while it is read is read once more. Raises ReadError.
    """
    try:
        for _ in range(2):
            content, before, after = _read_once(path, limit)
            if _same(before, after) and (len(content) == after.st_size or after.st_size == 0):
                return FileContent(content, timestamp(after.st_mtime))
    except OSError as error:
        raise read_error(error) from error
    raise ReadError("changed while it was being read", hint="Run again once nothing writes to it.")


def timestamp(seconds: float) -> datetime | None:
    """Seconds since 1970 as a time in UTC, or None for one outside the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def content_hash(content: bytes, *, title: str | None = None, metadata: Metadata | None = None) -> bytes:
    """SHA-256 over the bytes and over the title and metadata that came with them."""
    digest = hashlib.sha256(content)
    if title is not None or metadata:
        given = json.dumps([title, metadata or {}], sort_keys=True, separators=(",", ":"))
        digest.update(b"\0" + hashlib.sha256(given.encode()).digest())
    return digest.digest()


def read_error(error: OSError) -> ReadError:
    """The same failure in words for people."""
    if isinstance(error, PermissionError):
        return ReadError(
            "permission denied",
            hint="Make it readable for the user who runs hybridrag, or leave it out with --exclude.",
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return VanishedError("vanished before it could be read", hint="If it was removed on purpose, run again.")
    return ReadError(f"cannot be read: {os.strerror(error.errno) if error.errno else 'input/output error'}")


def kind_of_file(mode: int) -> str | None:
    """What a file is that must not be opened (`a named pipe`, say), or None for regular files and folders."""
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode))


def _read_once(path: str, limit: int) -> tuple[bytes, os.stat_result, os.stat_result]:
    # O_NONBLOCK: a pipe that took the file's place since it was listed must not stop the run.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise ReadError(f"is {kind_of_file(before.st_mode) or 'not a regular file'}")
        if before.st_size > limit:
            raise too_large(before.st_size, limit)
        parts: list[bytes] = []
        room = limit + 1
        piece = min(max(before.st_size + 1, 1 << 16), 1 << 24)
        while room > 0 and (part := file.read(min(room, piece))):
            parts.append(part)
            room -= len(part)
        if room <= 0:
            raise too_large(limit + 1, limit)
        return b"".join(parts), before, os.fstat(descriptor)


def too_large(size: int, limit: int) -> ReadError:
    """The refusal of a file of `size` bytes."""
    return ReadError(
        f"too large: {size:,} bytes, more than the limit of {limit:,}",
        hint="Raise max_file_bytes, split it, or leave it out with --exclude.",
    )


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return Stamp.of(before) == Stamp.of(after)
