"""Writing a file of questions: whole or not at all, and never over another by accident."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hybridrag.errors import UsageError
from hybridrag.evaluation.files import check_place, look, whole_file
from hybridrag.evaluation.generated import GeneratedQuestion

_WHAT = "file of questions"


def check_target(file: Path, *, force: bool) -> None:
    """Raises UsageError where a file cannot be written, before any work is done for it."""
    check_place(file, _WHAT)
    if not force and look(file) is not None:
        raise _taken(file)


def write_questions(file: Path, questions: Sequence[GeneratedQuestion], *, force: bool) -> None:
    """Writes all of them at once. Raises UsageError where that fails, or a file is there."""
    try:
        with whole_file(file, _WHAT, replace=force) as out:
            out.writelines(f"{question.line()}\n".encode("utf-8", "replace") for question in questions)
    except FileExistsError:
        raise _taken(file) from None


def _taken(file: Path) -> UsageError:
    return UsageError(f"{file} is there already", hint="choose another --output, or overwrite it with --force")
