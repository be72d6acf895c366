"""Temporary folders that a killed process left: they may hold texts of documents."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hybridrag.isolated.folder import AGE_S, PREFIX

_AGES = {PREFIX: AGE_S, "hybridrag-bench-": 86_400.0}
"""Folders of isolated processes, and of texts that models are measured with; from this age on (seconds) one that no
process names is nobody's. A child that starts has not entered its own yet; a measurement names its own by turns."""


def leftovers() -> list[Path]:
    """This user's temporary folders of ours that hold anything, and that no process stands in or was started with.

    None where the system does not tell what processes do (other systems than Linux).
    """
    folder = Path(tempfile.gettempdir())
    found = [
        entry
        for entry in folder.iterdir()
        if entry.name.startswith(tuple(_AGES)) and not entry.is_symlink() and _is_left(entry)
    ]
    if not found or not Path("/proc/self/cwd").exists():
        return []
    places = list(_places())
    return sorted(entry for entry in found if not any(str(entry) in place for place in places))


def sweep(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether a folder is this user's, old enough, and not empty."""
    age = next(age for prefix, age in _AGES.items() if folder.name.startswith(prefix))
    try:
        status = folder.stat()
        return status.st_uid == os.geteuid() and time.time() - status.st_mtime > age and any(folder.iterdir())
    except OSError:  # it is gone, or is no folder
        return False


def _places() -> Iterator[str]:
    """Where this user's processes stand, and what they were started with."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            yield str((process / "cwd").readlink())
            yield (process / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:  # it has ended, or is another user's
            continue
