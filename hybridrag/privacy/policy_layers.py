"""Layers of policy into one: each can only tighten what those before it say (docs/decisions/0019)."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridrag.config import Settings
from hybridrag.errors import BlockedByPolicy, ConfigError, HybridragError
from hybridrag.privacy.policy import ACTIONS, DEFAULT_REDUCTION, EVERY, TYPES, Budgets, Policy, default, up_to
from hybridrag.privacy.policy_file import BUDGETS, FLOOR, KEEP_PAYLOAD, SWITCHES, Layer, Said, read_floor, read_tables
from hybridrag.types import Action, Label

DEFAULT = Said("default", "")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is done with a type under a label, and who said so."""

    action: Action
    said: Said


@dataclass(frozen=True, slots=True)
class Bound:
    """How many characters, None for no bound, and who said so."""

    characters: int | None
    said: Said


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a layer that cannot hold: it would loosen what was said before, or have no effect."""

    layer: Layer
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Composed:
    """What holds, with the origin of each part. It may be used only where there are no `problems`."""

    cells: Mapping[Label, Mapping[str, Cell]]
    budgets: Mapping[str, Bound]
    reduction: Mapping[Label, Bound]
    strict: Mapping[Label, Said]
    switches: Mapping[str, Said]
    problems: tuple[Problem, ...]

    @property
    def policy(self) -> Policy:
        """What holds, for those who act on it. Raises ConfigError (BlockedByPolicy for the floor) for a problem."""
        for problem in self.problems:
            raise (BlockedByPolicy if problem.layer.floor else ConfigError)(problem.message, hint=problem.hint)
        return Policy(
            labels={label: {type: cell.action for type, cell in row.items()} for label, row in self.cells.items()},
            budgets=Budgets(**{name: bound.characters for name, bound in self.budgets.items()}),
            characters={label: bound.characters or 0 for label, bound in self.reduction.items()},
            suspects=frozenset(self.strict),
            require_zdr="require_zdr" in self.switches,
            require_ner="require_ner" in self.switches,
            keep_payload=KEEP_PAYLOAD in self.switches,
        )


def load_policy(settings: Settings, *, floor: Path = FLOOR, owner: int = 0) -> Policy:
    """The policy of the administrator's file and of all settings. That file may belong to root and to user id `owner`.

    Raises ConfigError where the settings say something that is not understood or loosens, and BlockedByPolicy where the
    administrator's file is at fault or anything breaks.
    """
    try:
        return compose(layers_of(settings, floor=floor, owner=owner), dictionaries=settings.privacy_dictionaries).policy
    except HybridragError:
        raise
    except Exception as exc:
        raise BlockedByPolicy(
            f"The policy cannot be made ({type(exc).__name__}); nothing is sent.",
            hint="Run `hybridrag policy show --debug` and report what it prints.",
        ) from exc


def layers_of(settings: Settings, *, floor: Path = FLOOR, owner: int = 0) -> tuple[Layer, ...]:
    """The floor, the user's file, the project's, the environment and flags: those that say something, in this order."""
    layers = [read_floor(floor, owner=owner)]
    user = settings.origins.get("ledger_keep_payload", "default")
    tables = {**({} if user == "default" else {user: {}}), **settings.policy}
    for origin, table in tables.items():
        keep = settings.ledger_keep_payload if origin == user else None
        layers.append(read_tables(table, origin=origin, trusted=_trusted(origin, settings), keep=keep))
    return tuple(layer for layer in layers if layer is not None)


def _trusted(origin: str, settings: Settings) -> bool:
    return origin not in {"environment", "flag", str(settings.project_file)}


def compose(layers: Sequence[Layer], *, dictionaries: Collection[str] = ()) -> Composed:
    """What the layers say together. `dictionaries` are the types that the user's own dictionaries report."""
    known = {EVERY, *TYPES, *dictionaries, *(type for layer in layers for type in layer.types)}
    types = tuple(dict.fromkeys((*TYPES, *sorted(known - set(TYPES) - {EVERY}), EVERY)))
    problems = [problem for layer in layers for problem in _unknown_types(layer, known)]
    for count, layer in enumerate(layers, start=1):
        problems.extend(_without_effect(layer, layers[:count]))
    return Composed(
        cells={label: {type: _cell(layers, type, label) for type in types} for label in Label},
        budgets={name: _budget(layers, name) for name in BUDGETS},
        reduction={label: _reduction(layers, label) for label in Label},
        strict=_strict(layers),
        switches=_switches(layers),
        problems=tuple(problems),
    )


# --- what holds ------------------------------------------------------------------------------------------------------


def _cell(layers: Sequence[Layer], type: str, label: Label) -> Cell:
    """The strictest of what is said for this label and for every less strict one."""
    below = (_cell_alone(layers, type, each) for each in reversed(up_to(label)))
    return max(below, key=lambda cell: ACTIONS.index(cell.action))


def _cell_alone(layers: Sequence[Layer], type: str, label: Label) -> Cell:
    """The strictest of what is said. The default counts too, unless the administrator or the user said something."""
    said = [(layer, rule) for layer in layers for rule in layer.about(type, label)]
    cells = [Cell(rule.action, rule.said) for _, rule in said]
    if type == "SECRET" or not any(layer.trusted and rule.type in {type, EVERY} for layer, rule in said):
        cells.append(Cell(default(type), DEFAULT))
    return max(cells, key=lambda cell: ACTIONS.index(cell.action))


def _budget(layers: Sequence[Layer], name: str) -> Bound:
    return _bound(layers, f"budgets.{name}", getattr(Budgets(), name))


def _reduction(layers: Sequence[Layer], label: Label) -> Bound:
    """The smallest of what is said for this label and for every less strict one."""
    below = (_bound(layers, f"reduction.{each.value}", DEFAULT_REDUCTION[each]) for each in reversed(up_to(label)))
    return min(below, key=_size)


def _bound(layers: Sequence[Layer], key: str, otherwise: int | None) -> Bound:
    said = [layer for layer in layers if key in layer.bounds]
    bounds = [Bound(layer.bounds[key], layer.said(key)) for layer in said]
    if not any(layer.trusted for layer in said):
        bounds.append(Bound(otherwise, DEFAULT))
    return min(bounds, key=_size)


def _size(bound: Bound) -> float:
    return float("inf") if bound.characters is None else bound.characters


def _strict(layers: Sequence[Layer]) -> dict[Label, Said]:
    """The labels under which names are suspected: those that are named, and every stricter one."""
    first: dict[Label, Said] = {}
    for label in Label:
        named = next((layer.said("strict") for layer in layers if label in layer.strict), None)
        below = next(reversed(first.values()), None)
        if found := below or named or (DEFAULT if label is Label.CONFIDENTIAL else None):
            first[label] = found
    return first


def _switches(layers: Sequence[Layer]) -> dict[str, Said]:
    """Those that are on, and who was the first to say so."""
    return {name: said for name in (*SWITCHES, KEEP_PAYLOAD) if (said := _switched_on(layers, name)) is not None}


def _switched_on(layers: Sequence[Layer], name: str) -> Said | None:
    return next((layer.said(_switch_key(name)) for layer in layers if layer.switches.get(name)), None)


def _switch_key(name: str) -> str:
    return f"ledger.{name}" if name == KEEP_PAYLOAD else name


# --- what cannot hold ------------------------------------------------------------------------------------------------


def _unknown_types(layer: Layer, known: Collection[str]) -> list[Problem]:
    problems = []
    for rule in layer.rules:
        if rule.type not in known:
            close = difflib.get_close_matches(rule.type, sorted(known), n=1)
            meant = f"did you mean {close[0]}? " if close else ""
            hint = f'{meant}A type that only your own detectors report is listed first: types = ["{rule.type}"]'
            problems.append(Problem(layer, f"{rule.said}: nothing here reports the type {rule.type}", hint))
    return problems


def _without_effect(layer: Layer, layers: Sequence[Layer]) -> list[Problem]:
    """What `layer`, the last of `layers`, says in vain because something stricter holds."""
    problems = []
    for rule in layer.rules:
        cell = _cell(layers, rule.type, rule.label or Label.PUBLIC)
        if ACTIONS.index(rule.action) < ACTIONS.index(cell.action):
            problems.append(_problem(layer, rule.said, rule.action, cell.action, cell.said))
    for key, characters in layer.bounds.items():
        table, _, name = key.partition(".")
        bound = _budget(layers, name) if table == "budgets" else _reduction(layers, Label(name))
        if bound.characters is not None and characters > bound.characters:
            problems.append(_problem(layer, layer.said(key), f"{characters:,}", f"{bound.characters:,}", bound.said))
    for name, value in layer.switches.items():
        on = _switched_on(layers, name)
        if on is not None and not value:
            problems.append(_problem(layer, layer.said(_switch_key(name)), "false", "true", on))
    return problems


def _problem(layer: Layer, said: Said, mine: str, holds: str, other: Said) -> Problem:
    if other is DEFAULT and not layer.trusted:
        message = f"{said}: {mine} is looser than the default, {holds}"
        hint = "this place may only tighten; your own file may say it (`hybridrag config path`)"
    elif other is DEFAULT:
        message = f"{said}: {mine} is looser than what holds for a less strict label by default, {holds}"
        hint = "say it for the less strict labels too"
    elif other.origin == layer.origin:
        message = f"{said}: {mine} has no effect, since {other.key} says {holds}"
        hint = "the table of a label only tightens, and a label is never treated looser than a less strict one"
    else:
        message = f"{said}: {mine} is looser than {holds}, as {other} says"
        hint = "a later layer can only tighten: remove the line here, or change the other one"
    return Problem(layer, message, hint)
