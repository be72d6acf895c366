"""The local key: 32 random bytes in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from hybridrag.errors import BlockedByPolicy

KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """The 32 bytes in `path`, made there if there is no such file; two processes that race get the same key.

    Raises BlockedByPolicy if the file is readable by others, is no regular file, or cannot be read or made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            if not os.path.lexists(path):
                _create(path)
        return _read(path)
    except OSError as exc:
        raise _unusable(path, exc) from exc


def existing_key(path: Path) -> bytes | None:
    """The same without making one: None where there is none yet. Raises BlockedByPolicy."""
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _unusable(path, exc) from exc


def _unusable(path: Path, exc: OSError) -> BlockedByPolicy:
    return BlockedByPolicy(
        f"The local key {path} cannot be read or made: {exc.strerror or type(exc).__name__}.",
        hint="Without it nothing can be pseudonymised or recorded. Its folder must be yours (HYBRIDRAG_HOME).",
    )


def _create(path: Path) -> None:
    """Makes the file whole or not at all: written aside, then linked. Raises FileExistsError if it is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a pipe put in its place must not hang the program.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise BlockedByPolicy(f"The local key {path} is not a regular file.", hint="Move it aside and run again.")
        if status.st_mode & 0o077:
            raise BlockedByPolicy(
                f"The local key {path} can be read by other users (mode {stat.S_IMODE(status.st_mode):04o}).",
                hint=f"Nothing is sent while it can. Run: chmod 600 {path}",
            )
        if status.st_uid not in {os.geteuid(), 0}:
            raise BlockedByPolicy(
                f"The local key {path} belongs to another user.", hint="Use a home folder of your own (HYBRIDRAG_HOME)."
            )
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise BlockedByPolicy(
            f"The local key {path} is damaged: {KEY_BYTES} bytes are expected.",
            hint="Restore it from a backup, or move it, ledger.jsonl and ledger.head aside to begin a new ledger.",
        )
    return key
