"""Files of the data folder: regular ones, the owner's alone, and on disk before anyone goes on."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_regular(path: Path, flags: int) -> int:
    """A descriptor of a regular file that only its owner can use (new ones get mode 0600). Raises OSError otherwise.

    A link is not followed, and a pipe put in its place does not hang the program.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a regular file", str(path))
        if status.st_mode & 0o077 and flags & (os.O_WRONLY | os.O_RDWR):
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_new(path: Path, content: bytes, *, wait: bool = True) -> None:
    """Makes or overwrites a file that only its owner can read, and may wait for the disk. Raises OSError."""
    descriptor = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if wait:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_small(path: Path, *, most: int) -> bytes:
    """The content of a regular file. Raises OSError, and ValueError where it is longer than `most` bytes."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError("the file is too long")
    return content
