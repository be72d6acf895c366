"""What installed packages bring, by entry point. Nothing of them is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def installed(group: str) -> tuple[str, ...]:
    """The names in a group, in order."""
    from importlib.metadata import entry_points

    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def entries_of(group: str, name: str) -> list[EntryPoint]:
    """The entries of one name, in order: more than one where packages disagree about it, however often each tells."""
    from importlib.metadata import entry_points

    found = {entry.value: entry for entry in entry_points(group=group, name=name)}
    return [found[value] for value in sorted(found)]
