"""Files that appear whole or not at all: a draft beside them, safely on the disk, takes their name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(path: Path, *, replace: bool = True, private: bool = True) -> Iterator[Path]:
    """A new, empty file that becomes `path` when the block has ended well, and is removed otherwise.

    A `private` one has mode 0600, another what the user's mask leaves. Raises OSError, FileExistsError where something
    is there that is not to be replaced.
    """
    draft = path.parent / f".{path.name[:40]}.{os.urandom(8).hex()}.part"
    mode = 0o600 if private else 0o666
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    try:
        yield draft
        _sync(draft, os.O_RDONLY)
        _put(draft, path, replace=replace)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Waits until the names in `folder` are on disk. Raises OSError."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put(draft: Path, path: Path, *, replace: bool) -> None:
    if not replace:
        try:
            os.link(draft, path)  # unlike a rename it fails where a file came to be meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(path):
                raise FileExistsError(path) from None
        else:
            return
    draft.replace(path)
