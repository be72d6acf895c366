"""Sync: which of the remembered sources are ingested again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybridrag.errors import UsageError
from hybridrag.flows.selection import Selection
from hybridrag.types import Source


def remembered(sources: Sequence[Source], names: Sequence[str], *, note: Callable[[str], None]) -> list[Selection]:
    """The sources of these names, or all where none is given, each as a whole.

    What came from standard input cannot be read again: it stays as it is, and `note` is told so. Raises UsageError for
    a name that no source has.
    """
    if unknown := [name for name in names if name not in {source.name for source in sources}]:
        there = ", ".join(source.name for source in sources) or "none"
        raise UsageError(f"there is no source {unknown[0]!r}", hint=f"hybridrag sources list shows them: {there}")
    wanted = [source for source in sources if not names or source.name in names]
    for source in wanted:
        if source.kind == "stdin":
            note(f"{source.name} came from standard input, and stays as it is")
    return [Selection(source) for source in wanted if source.kind != "stdin"]
