"""Writing a file of questions: whole or not at all, and never over another by accident."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hybridrag.errors import UsageError
from hybridrag.evaluation.generated import GeneratedQuestion


def check_target(file: Path, *, force: bool) -> None:
    """Raises UsageError where a file cannot be written, before any work is done for it."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        if not file.parent.is_dir():
            raise UsageError(f"{file}: there is no folder {file.parent}", hint="make it first") from None
        return
    except OSError as exc:
        raise _unwritable(file, exc) from exc
    if not stat.S_ISREG(mode):
        raise UsageError(f"{file} is no regular file", hint="name a file, or - for the standard output")
    if not force:
        raise _taken(file)


def write_questions(file: Path, questions: Sequence[GeneratedQuestion], *, force: bool) -> None:
    """Writes all of them under a name of their own first. Raises UsageError where that fails, or a file is there."""
    target = Path(os.path.realpath(file))
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
                out.writelines(question.line() + "\n" for question in questions)
                out.flush()
                os.fsync(out.fileno())
            temporary.chmod(_mode())
            _put(temporary, target, force=force)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise _taken(file) from None
    except OSError as exc:
        raise _unwritable(file, exc) from exc


def _put(temporary: Path, target: Path, *, force: bool) -> None:
    if not force:
        try:
            os.link(temporary, target)  # unlike a rename it fails where a file came to be meanwhile
        except FileExistsError:
            raise
        except OSError:
            pass  # a file system without links
        else:
            return
    temporary.replace(target)


def _mode() -> int:
    """The permissions of a new file, which a temporary one does not get."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _taken(file: Path) -> UsageError:
    return UsageError(f"{file} is there already", hint="choose another --output, or overwrite it with --force")


def _unwritable(file: Path, exc: OSError) -> UsageError:
    return UsageError(f"{file} cannot be written ({type(exc).__name__})", hint="choose another --output")
