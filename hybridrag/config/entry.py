"""What the entry of a setting says beside its type and its default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

Check = Callable[[str, object, Path], None]
"""Looks at what a settings file says, unread, by the setting's name. Raises ConfigError for what it may not say."""


class Merge(Enum):
    """What becomes of what the layers before said."""

    REPLACE = "the later layer holds"
    ADD = "a project adds to it"
    LOWER = "a project can only lower it"
    KEEP = "each layer is kept, by its origin"


@dataclass(frozen=True, slots=True)
class Entry:
    """How a setting is said, and by whom.

    `parse` makes the value of what was said, and raises ValueError; `hint` is told beside what it says. `place` gives
    the files in a value their whole path, for the settings file that named them. `show` is the value as it may be
    shown.

    In a file `[a] b` says the setting `a_b`; where `a` is a `table`, `[a]` says all of it. `own` checks what a user's
    file says, `project` what a project's does; where that is None, it may not say the setting. Variables say it as
    `HYBRIDRAG_NAME`, if `environment`, and those keys of a table that are `switches` as `HYBRIDRAG_NAME_SWITCH`.
    """

    parse: Callable[[object], Any]
    hint: str = ""
    table: bool = False
    own: Check | None = None
    project: Check | None = None
    environment: bool = True
    switches: tuple[str, ...] = ()
    merge: Merge = Merge.REPLACE
    place: Callable[[Any, Path], Any] | None = None
    show: Callable[[Any], Any] | None = None


def said(parse: Callable[[object], Any], **how: Any) -> dict[str, Entry]:
    """The metadata of a field that is a setting; `how` as in `Entry`."""
    return {"entry": Entry(parse, **how)}


def entries_of(table: type[Any]) -> dict[str, Entry]:
    """The entries of a dataclass by the names of its fields, in their order; fields that are no settings have none."""
    return {each.name: each.metadata["entry"] for each in fields(table) if "entry" in each.metadata}
