"""The local key: 32 random bytes in a file that only its owner can read; and the keys that are made of it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from hybridrag.drafts import sync_folder
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.regular import open_regular, write_new

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


def derived(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HMAC-SHA256 of its name), which tells nothing of the local one."""
    return hmac.new(key, purpose.encode("ascii"), hashlib.sha256).digest()


def document_hash(key: bytes, uri: str) -> str:
    """What stands for a document in the ledger: told apart by whoever has the local key, and by nobody else."""
    return hmac.new(derived(key, "documents"), uri.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def _unusable(path: Path, exc: OSError) -> BlockedByPolicy:
    return BlockedByPolicy(
        f"The local key {path} cannot be read or made: {exc.strerror or type(exc).__name__}.",
        hint="Without it nothing can be pseudonymised or recorded. Its folder must be yours (HYBRIDRAG_HOME).",
    )


def _create(path: Path) -> None:
    """Makes the file whole or not at all: written aside, then linked. Raises FileExistsError if it is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    try:
        write_new(aside, secrets.token_bytes(KEY_BYTES))
        os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def _read(path: Path) -> bytes:
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        status = os.fstat(file.fileno())
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
