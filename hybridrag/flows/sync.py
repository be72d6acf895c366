"""Sync: which of the remembered sources are ingested again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybridrag.errors import UsageError
from hybridrag.flows.selection import Selection
from hybridrag.types import Source


def check_names(names: Sequence[str], sources: Sequence[Source]) -> None:
    """Raises UsageError for a name that no source has."""
    if unknown := [name for name in names if name not in {source.name for source in sources}]:
        there = ", ".join(source.name for source in sources) or "none"
        raise UsageError(f"there is no source {unknown[0]!r}", hint=f"hybridrag sources list shows them: {there}")


def remembered(
    sources: Sequence[Source], names: Sequence[str], *, note: Callable[[str], None], offline: bool = False
) -> list[Selection]:
    """The sources of these names, or all where none is given, each as a whole.

    What came from standard input cannot be read again, nor a web page when `offline`: it stays as it is, and `note` is
    told so. Raises UsageError for a name that no source has.
    """
    check_names(names, sources)
    wanted = [source for source in sources if not names or source.name in names]
    kept = {"stdin": "came from standard input"} | ({"web": "is on the web, and --offline is given"} if offline else {})
    for source in wanted:
        if source.kind in kept:
            note(f"{source.name} {kept[source.kind]}: it stays as it is")
    return [Selection(source) for source in wanted if source.kind not in kept]
