"""Files that appear whole or not at all: a draft beside them, safely on the disk, takes their name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(path: Path, *, replace: bool = True, private: bool = True) -> Iterator[Path]:
    """A new, empty file that becomes `path` when the block has ended well, and is removed otherwise.

    A `private` one has mode 0600, another what the user's mask leaves. Raises OSError, FileExistsError where something
    is there that is not to be replaced.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        if not private:
            draft.chmod(_usual_mode())
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


def _usual_mode() -> int:
    """The permissions of a new file, which a temporary one does not get."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


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
