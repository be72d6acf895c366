"""History: which runs a person means, by a dataset's name or where it lies."""

from __future__ import annotations

import stat
from pathlib import Path

from hybridrag.errors import UsageError
from hybridrag.evaluation.files import look


def dataset_names(text: str) -> list[str]:
    """The names that the runs of a dataset go by: `text` itself, and what a file or folder of that path is called."""
    if not text.strip():
        raise UsageError("the dataset has no name", hint="`eval history` without one lists all runs")
    path = Path(text)
    try:
        there = look(path)
    except UsageError:  # a name that is no path
        there = None
    if there is None:
        return [text]
    if not stat.S_ISDIR(there.st_mode):
        return [path.stem, text]
    folder = path.resolve()
    return [folder.name, f"{folder.parent.name}/{folder.name}", text]
