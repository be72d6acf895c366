"""A backup to a file and back: the file appears whole and private, or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hybridrag.drafts import draft_of
from hybridrag.errors import DatabaseUnavailable, UsageError
from hybridrag.store.backup import Contents, dump, listed
from hybridrag.store.restoring import Restored, restore


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A finished backup; `bytes` is 0 where it went into a pipe."""

    contents: Contents
    bytes: int


def back_up(url: str, file: Path, *, force: bool, working: Callable[[int], None]) -> BackedUp:
    """Writes a backup of the database to `file`, mode 0600; `working` gets the bytes written so far.

    Raises UsageError where the file exists and not `force` or cannot be there, DatabaseError where it cannot be
    finished: then nothing is left of it, and an older one stays.
    """
    if file.is_dir():
        raise UsageError(f"{file} is a folder", hint="name a file in it")
    if not force and os.path.lexists(file):
        raise _exists(file)
    with _written(file, force=force) as temporary:
        contents = dump(url, temporary, working=lambda: working(temporary.stat().st_size))
        with temporary.open("rb", buffering=0) as out:
            listed(out)
        size = temporary.stat().st_size
    return BackedUp(contents, size)


def back_up_to(url: str, pipe: IO[bytes]) -> BackedUp:
    """The same into a pipe."""
    return BackedUp(dump(url, pipe), 0)


@contextmanager
def _written(file: Path, *, force: bool) -> Iterator[Path]:
    """A new, private file that takes its name when the block has ended well."""
    try:
        with draft_of(file, replace=force) as temporary:
            yield temporary
    except FileExistsError:
        raise _exists(file) from None
    except OSError as exc:
        kind = DatabaseUnavailable if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else UsageError
        raise kind(
            f"the backup cannot be written to {file}: {exc.strerror or exc}",
            hint="make that folder first"
            if exc.errno == errno.ENOENT
            else "free some space, or name a file in another folder of yours",
        ) from exc


def _exists(file: Path) -> UsageError:
    return UsageError(f"{file} exists", hint="choose another name, or say --force to replace it")


def bring_back(
    url: str, file: Path | None, stdin: IO[bytes], *, replace: bool, working: Callable[[str], None]
) -> Restored:
    """Restores the database from `file`, or from `stdin` where that is None. Raises what `restore` raises."""
    if file is None:
        return restore(url, stdin, replace=replace, working=working)
    try:
        with file.open("rb", buffering=0) as archive:
            listed(archive)  # a file that is none is told before anything is locked
            archive.seek(0)
            return restore(url, archive, replace=replace, working=working)
    except OSError as exc:
        raise UsageError(f"the backup {file} cannot be read: {exc.strerror or exc}", hint="see to its name") from exc
