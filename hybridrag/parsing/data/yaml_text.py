"""YAML: the text as written, with its keys as headings. Nothing is built from it, and no alias is followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.parsing.data.keys import Keys
from hybridrag.parsing.parsed import Parsed
from hybridrag.parsing.text import decode

if TYPE_CHECKING:
    from yaml.events import Event


def parse_yaml(content: bytes) -> Parsed:
    """The documents of the file; text that is no YAML, such as a template, stays as written, with a note."""
    text, notes = decode(content)
    if len(text) > _LONGEST:
        return Parsed(text=text, notes=(*notes, "too long for its structure to be read"))
    keys = Keys()
    valid = _walk(text, keys)
    if not valid:
        notes += ("not valid YAML: taken as it is written",)
    return Parsed(text=text, headings=keys.headings(), notes=notes)


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended: the key last seen and where it stands, or the number of items so far."""

    mapping: bool
    key: str | None = None
    start: int = 0
    items: int = 0


def _walk(text: str, keys: Keys) -> bool:
    """Tells `keys` of every key and index whose value is a mapping or a list. False where the text is no YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    opened: list[_Open] = []
    try:
        for event in yaml.parse(text, Loader=loader):
            _take(event, opened, keys, text)
            if len(opened) > _DEEPEST:
                return False
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return True


def _take(event: Event, opened: list[_Open], keys: Keys, text: str) -> None:
    import yaml

    if isinstance(event, yaml.CollectionEndEvent):
        opened.pop()
        return
    if not isinstance(event, yaml.NodeEvent):
        return
    around = opened[-1] if opened else None
    here = event.start_mark.index if event.start_mark is not None else 0
    collection = isinstance(event, yaml.CollectionStartEvent)
    if around is not None and around.mapping and around.key is None:
        around.key = str(getattr(event, "value", "") or "?")
        around.start = here
    elif around is not None:
        if collection:
            start = around.start if around.mapping else _item_start(text, here)
            keys.add(start, len(opened), around.key or str(around.items))
        around.key = None
        around.items += 1
    if collection:
        opened.append(_Open(mapping=isinstance(event, yaml.MappingStartEvent)))


def _item_start(text: str, start: int) -> int:
    """Where an item begins: at its dash, if that stands on the same line."""
    line = text.rfind("\n", max(0, start - 200), start) + 1
    dash = text.rfind("-", line, start)
    return dash if dash >= 0 and not text[dash + 1 : start].strip() else start


_LONGEST = 10_000_000
_DEEPEST = 200
