"""Policy: what holds and who said so, and what a file would change before it is put in its place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hybridrag.config import PROJECT_FILE, Settings, read_settings_file
from hybridrag.errors import ConfigError
from hybridrag.privacy.ledger import entries
from hybridrag.privacy.policy import ACTIONS, EVERY
from hybridrag.privacy.policy_file import SWITCHES, Layer, parse_floor, read_tables
from hybridrag.privacy.policy_layers import Composed, compose, layers_of
from hybridrag.types import Label

Place = Literal["floor", "user", "project"]
"""Where a policy file would go: the administrator's, the user's or a project's."""
PLACES: tuple[Place, ...] = ("floor", "user", "project")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that would be different: `what` holds under `label` (None: under all) `before` and `after`."""

    what: str
    label: Label | None
    before: str
    after: str
    stricter: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What a file would have done to requests that the ledger knows. The rest is counts of requests, each once.

    `blocked` would not have left, `tightened` would have left with more taken out, `loosened` with less. `types` counts
    the requests that held values of each type whose treatment changes.
    """

    requests: int
    blocked: int
    tightened: int
    loosened: int
    types: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be put in its `place`, and what would be different then."""

    place: Place
    changes: tuple[Change, ...]
    fingerprint: str
    past: Past | None


def effective(settings: Settings) -> Composed:
    """The policy that holds, with origins. Raises ConfigError or BlockedByPolicy where none can."""
    composed = compose(layers_of(settings), dictionaries=settings.privacy_dictionaries)
    _ = composed.policy  # it is shown only where it can be used
    return composed


def place_of(file: Path) -> Place:
    """Where a file of this name belongs."""
    return "project" if file.name == PROJECT_FILE else "user" if file.name == "config.toml" else "floor"


def check(settings: Settings, file: Path, place: Place, *, label: Label, ledger: Path | None, last: int) -> Checked:
    """What would be different with `file` in its place. Nothing is installed.

    `ledger` is read for the last `last` requests; they are judged as if their texts were labelled `label`, which the
    ledger does not tell. Raises ConfigError, with all that is wrong, where the file could not be used there.
    """
    layer, dictionaries = _read(file, place)
    current = layers_of(settings)
    others = [other for other in current if _place(other, settings) != place]
    stack = sorted([*others, layer], key=lambda other: _RANKS[_place(other, settings) if other is not layer else place])
    types = {*settings.privacy_dictionaries, *dictionaries}
    before, after = compose(current, dictionaries=types), compose(stack, dictionaries=types)
    if after.problems:
        first, *more = after.problems
        raise ConfigError(first.message, hint=first.hint, shown=tuple(problem.message for problem in more))
    return Checked(
        place=place,
        changes=tuple(_changes(before, after)),
        fingerprint=after.policy.fingerprint,
        past=None if ledger is None else _past(ledger, before, after, label=label, last=last),
    )


def _read(file: Path, place: Place) -> tuple[Layer, Mapping[str, Any]]:
    """A file as the layer it would be, and the dictionaries it names."""
    if place == "floor":
        try:
            return parse_floor(file.read_bytes(), origin=str(file)), {}
        except OSError as exc:
            raise ConfigError(f"{file} cannot be read: {exc.strerror}", hint="check the path") from None
    values = read_settings_file(file, project=place == "project")
    layer = read_tables(
        values.get("policy", {}),
        origin=str(file),
        trusted=place == "user",
        keep=values.get("ledger_keep_payload"),
    )
    return layer, values.get("privacy_dictionaries", {})


_RANKS = {"floor": 0, "user": 1, "project": 2, "environment": 3, "flag": 4}


def _place(layer: Layer, settings: Settings) -> str:
    if layer.floor:
        return "floor"
    if layer.origin in {"environment", "flag"}:
        return layer.origin
    return "project" if layer.origin == str(settings.project_file) else "user"


def _changes(before: Composed, after: Composed) -> Iterator[Change]:
    for type in after.cells[Label.PUBLIC]:
        for label in Label:
            old, new = _action(before, type, label), _action(after, type, label)
            if old != new:
                yield Change(type, label, old, new, ACTIONS.index(new) > ACTIONS.index(old))
    for name, bound in after.budgets.items():
        yield from _bounded(f"budgets.{name}", None, before.budgets[name].characters, bound.characters)
    for label, bound in after.reduction.items():
        yield from _bounded("reduction", label, before.reduction[label].characters, bound.characters)
    for label in Label:
        yield from _switched("strict", label, label in before.strict, label in after.strict)
    for name in (*SWITCHES, "keep_payload"):
        yield from _switched(name, None, name in before.switches, name in after.switches)


def _action(composed: Composed, type: str, label: Label) -> str:
    row = composed.cells[label]
    return row.get(type, row[EVERY]).action


def _bounded(what: str, label: Label | None, old: int | None, new: int | None) -> Iterator[Change]:
    if old != new:
        tighter = new is not None and (old is None or new < old)
        yield Change(what, label, _characters(old), _characters(new), tighter)


def _characters(bound: int | None) -> str:
    return "no bound" if bound is None else f"{bound:,} characters"


def _switched(what: str, label: Label | None, old: bool, new: bool) -> Iterator[Change]:
    if old != new:
        yield Change(what, label, "yes" if old else "no", "yes" if new else "no", new)


def _past(path: Path, before: Composed, after: Composed, *, label: Label, last: int) -> Past:
    requests = deque(_redacted_requests(path), maxlen=last)
    blocked = tightened = loosened = 0
    types: dict[str, int] = {}
    for entities in requests:
        changes = {
            type: (old, new)
            for type in entities
            if (old := _action(before, type, label)) != (new := _action(after, type, label))
        }
        for type in changes:
            types[type] = types.get(type, 0) + 1
        stricter = [ACTIONS.index(new) > ACTIONS.index(old) for old, new in changes.values()]
        if any(new == "block" for _, new in changes.values()):
            blocked += 1
        elif any(stricter):
            tightened += 1
        elif stricter:
            loosened += 1
    return Past(len(requests), blocked, tightened, loosened, dict(sorted(types.items())))


def _redacted_requests(path: Path) -> Iterator[tuple[str, ...]]:
    """The types of values that each recorded request held; what was sent in plain to a local server held none."""
    for entry in entries(path):
        entities = entry.get("entities")
        if entry["kind"] == "intent" and isinstance(entities, dict) and not entry.get("plain"):
            yield tuple(type for type, count in entities.items() if count)
