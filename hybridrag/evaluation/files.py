"""Files of evaluations: read only where they are files of some size, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hybridrag.drafts import draft_of
from hybridrag.errors import UsageError

MOST_BYTES = 1 << 29
"""What is read into memory at once: a hundred thousand questions in five modes are less."""


def look(path: Path) -> os.stat_result | None:
    """What is at a path, None for nothing. Raises UsageError where that cannot be told."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from None


def read_text(path: Path) -> str:
    """The text of a file. Raises UsageError where it is none, not UTF-8, or larger than `MOST_BYTES`."""
    found = look(path)
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} cannot be read: it is no regular file", hint="name a file; pipes are not read")
    if found is not None and found.st_size > MOST_BYTES:
        raise UsageError(
            f"{path} cannot be read: it is larger than {MOST_BYTES >> 20} MiB", hint="split it into several files"
        )
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} cannot be read: it is not UTF-8", hint="save the file as UTF-8") from None
    except OSError as exc:
        raise _unreadable(path, exc) from None


def check_place(path: Path, what: str, *, read: Iterable[Path] = ()) -> None:
    """Raises UsageError where no file can be written to `path`, before any work is done for it.

    Only a regular file may be replaced, and none of those that are `read`.
    """
    refused = f"the {what} {path} cannot be written"
    try:
        found = path.stat()
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as exc:
        raise _unwritable(path, what, exc) from None
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{refused}: it is no regular file", hint="name a file")
    for other in read:
        if found is not None and _is(found, other):
            raise UsageError(f"{refused}: it is read as {other}", hint="give another name")
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UsageError(f"{refused}: there is no folder {folder}", hint="make it first")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{refused}: you may not write to {folder}", hint="name a file in another folder")


@contextmanager
def whole_file(path: Path, what: str, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Takes what is to stand in a file, which then appears at once; behind a link, the file that it leads to.

    Raises UsageError where that fails, and FileExistsError where something is there that is not to be replaced.
    """
    check_place(path, what)
    try:
        with draft_of(Path(os.path.realpath(path)), replace=replace, private=False) as draft, draft.open("wb") as file:
            yield file
    except FileExistsError:
        raise
    except OSError as exc:
        raise _unwritable(path, what, exc) from exc


def write_whole(path: Path, text: str, what: str) -> None:
    """Writes a text by `whole_file`, in the place of one that is there."""
    with whole_file(path, what) as file:
        file.write(text.encode("utf-8", "replace"))


def _is(found: os.stat_result, other: Path) -> bool:
    try:
        return os.path.samestat(found, other.stat())
    except (OSError, ValueError):  # whoever reads it will tell
        return False


def _unreadable(path: Path, exc: OSError | ValueError) -> UsageError:
    return UsageError(f"{path} cannot be read: {_reason(exc)}", hint="check its name and its permissions")


def _unwritable(path: Path, what: str, exc: OSError | ValueError) -> UsageError:
    hint = "free space" if isinstance(exc, OSError) and exc.errno == errno.ENOSPC else "choose another place"
    return UsageError(f"the {what} {path} cannot be written: {_reason(exc)}", hint=hint)


def _reason(exc: OSError | ValueError) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or "it has no valid name"
