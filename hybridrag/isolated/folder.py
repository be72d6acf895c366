"""The folder that a child stands in: empty at first, and locked by its parent as long as the parent lives.

A parent that is killed takes no folder away, and the files in it may hold text. The lock ends with the parent,
however it ends, so the next parent that starts a child removes what nobody holds.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "hybridrag-parse-"
AGE_S = 60.0
"""A younger folder may have been made a moment ago, and its lock be about to be taken."""


class Folder:
    """A new temporary folder of this process's own. Raises OSError where none can be made."""

    def __init__(self) -> None:
        _sweep()
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        self._held = _locked(Path(self.path))

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None


@functools.cache  # once a process
def _sweep() -> None:
    """Removes this user's folders whose parents are gone."""
    oldest = time.time() - AGE_S
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            status = folder.lstat()
        except OSError:
            continue
        if status.st_uid == os.geteuid() and status.st_mtime < oldest and (held := _locked(folder)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _locked(folder: Path) -> int | None:
    """A descriptor that holds a folder, until it is closed; None where another process does, or nobody can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
