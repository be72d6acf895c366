"""What one file says of the policy, read strictly: a key or a value that is not understood protects nothing.

The administrator's file, the user's, a project's, the environment and flags all say it in the same words.
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hybridrag.errors import BlockedByPolicy, ConfigError
from hybridrag.privacy.policy import ACTIONS, EVERY, TYPE, least, may_be
from hybridrag.types import Action, Label

FLOOR = Path("/etc/hybridrag/policy.toml")
"""The administrator's file. Nothing but this path is looked at: who could name another could leave it out."""
BUDGETS = ("document", "confidential_document", "day")
SWITCHES = ("require_zdr", "require_ner")
KEEP_PAYLOAD = "keep_payload"
_KEYS = ("actions", "labels", "types", "strict", *SWITCHES, "budgets", "reduction")
_LARGEST = 1_000_000
"""Bytes of the administrator's file."""


@dataclass(frozen=True, slots=True)
class Said:
    """Where something is said: a file, or `environment`, or `flag`, and the key in it."""

    origin: str
    key: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.key}" if self.key else self.origin


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be done with a type (or `*`) under a label (or, where it is None, under all)."""

    type: str
    label: Label | None
    action: Action
    said: Said


@dataclass(frozen=True, slots=True)
class Layer:
    """All that one place says. A `trusted` one may say something looser than the defaults, and `floor` is the first.

    `bounds` are characters by key (`budgets.day`, `reduction.internal`), `switches` and `strict` by theirs. `types` are
    names of types that detectors or dictionaries of its own report.
    """

    origin: str
    trusted: bool
    floor: bool = False
    rules: tuple[Rule, ...] = ()
    bounds: Mapping[str, int] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)
    strict: frozenset[Label] = frozenset()
    types: frozenset[str] = frozenset()

    def about(self, type: str, label: Label) -> tuple[Rule, ...]:
        """The rules that hold for a type under a label: of one table, that which names the type comes before `*`.

        A table that does not name NAME treats it no less strictly than what it may turn out to be.
        """
        found: list[Rule] = []
        for scope in (None, label):
            table = [rule for rule in self.rules if rule.label is scope]
            types = {rule.type for rule in table}
            wanted = {type if type in types else EVERY, *may_be(type, types)}
            found.extend(rule for rule in table if rule.type in wanted)
        return tuple(found)

    def said(self, key: str) -> Said:
        return Said(self.origin, key if key == f"ledger.{KEEP_PAYLOAD}" else f"policy.{key}")


def read_floor(path: Path = FLOOR, *, owner: int = 0) -> Layer | None:
    """What the administrator's file says; None where there is none.

    Raises BlockedByPolicy where it cannot be read, cannot be understood, or where others than `owner` (a user id;
    0 is root) could change or replace it.
    """
    try:
        os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _unusable(path, f"cannot be read: {exc.strerror}", "Nothing is sent until it can be.") from exc
    try:
        return parse_floor(_guarded_bytes(path, owner=owner), origin=str(path))
    except ConfigError as exc:
        raise BlockedByPolicy(
            f"{exc.message}; nothing is sent", hint=f"{exc.hint}; `hybridrag policy check FILE` tells if it is right"
        ) from exc
    except OSError as exc:
        raise _unusable(path, f"cannot be read: {exc.strerror}", f"As root: chmod 644 {path}") from exc


def parse_floor(content: bytes, *, origin: str) -> Layer:
    """What an administrator's file says: `[policy]`, and of `[ledger]` only `keep_payload`. Raises ConfigError."""
    try:
        tree = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{origin} is not UTF-8 text", hint="save it as UTF-8") from exc
    except (ValueError, RecursionError) as exc:  # the first also for numbers of thousands of digits
        raise ConfigError(f"{origin} is not valid TOML: {exc}", hint="mend the line it names") from exc
    _only(tree, ("policy", "ledger"), origin, "")
    ledger = _table(tree.get("ledger", {}), Said(origin, "ledger"))
    _only(ledger, (KEEP_PAYLOAD,), origin, "ledger.")
    keep = {key: _switch(value, Said(origin, f"ledger.{key}")) for key, value in ledger.items()}
    return read_tables(tree.get("policy", {}), origin=origin, trusted=True, floor=True, keep=keep.get(KEEP_PAYLOAD))


def read_tables(policy: object, *, origin: str, trusted: bool, floor: bool = False, keep: bool | None = None) -> Layer:
    """What a `[policy]` table says. `keep` is what the same file says of `ledger.keep_payload`, None for nothing.

    Raises ConfigError, which names the key, for everything that is not understood.
    """
    tables = _table(policy, Said(origin, "policy"))
    _only(tables, _KEYS, origin, "policy.")
    switches = {key: _switch(tables[key], Said(origin, f"policy.{key}")) for key in SWITCHES if key in tables}
    return Layer(
        origin=origin,
        trusted=trusted,
        floor=floor,
        rules=tuple(_rules(tables, origin)),
        bounds=dict(_bounds(tables, origin)),
        switches=switches if keep is None else {**switches, KEEP_PAYLOAD: keep},
        strict=frozenset(
            _label(text, Said(origin, "policy.strict"))
            for text in _texts(tables.get("strict", []), Said(origin, "policy.strict"))
        ),
        types=frozenset(
            _type(text, Said(origin, "policy.types"))
            for text in _texts(tables.get("types", []), Said(origin, "policy.types"))
        ),
    )


def _guarded_bytes(path: Path, *, owner: int) -> bytes:
    """The content of a file that nobody but root and `owner` can change or replace."""
    target = Path(os.path.realpath(path, strict=True))
    for folder in {path.parent, target.parent}:
        _guard(folder, folder.stat(), owner=owner)
    # O_NONBLOCK: a pipe put in its place must not hang the program.
    descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(path, "is not a regular file", "Put a file there, or remove it.")
        _guard(path, status, owner=owner)
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise _unusable(path, f"is larger than {_LARGEST:,} bytes", "Put a policy there, or remove it.")
    return content


def _guard(path: Path, status: os.stat_result, *, owner: int) -> None:
    if status.st_uid not in {0, owner}:
        raise _unusable(path, "does not belong to root", f"As root: chown root {path}")
    if status.st_mode & 0o022:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        raise _unusable(path, f"can be changed by other users (mode {mode})", f"As root: chmod go-w {path}")


def _unusable(path: Path, reason: str, hint: str) -> BlockedByPolicy:
    return BlockedByPolicy(f"The administrator's policy {path} {reason}; nothing is sent.", hint=hint)


# --- tables ----------------------------------------------------------------------------------------------------------


def _rules(tables: Mapping[str, object], origin: str) -> Iterable[Rule]:
    general = Said(origin, "policy.actions")
    yield from _actions(tables.get("actions", {}), None, general)
    for name, table in _table(tables.get("labels", {}), Said(origin, "policy.labels")).items():
        said = Said(origin, f"policy.labels.{name}")
        yield from _actions(table, _label(name, said), said)


def _actions(value: object, label: Label | None, said: Said) -> Iterable[Rule]:
    for name, action in _table(value, said).items():
        here = Said(said.origin, f"{said.key}.{name}")
        type = name if name == EVERY else _type(name, here)
        if not isinstance(action, str) or action not in ACTIONS:
            raise ConfigError(f"{here}: {action!r} is none of {', '.join(ACTIONS)}", hint="choose one of them")
        found = ACTIONS[ACTIONS.index(action)]
        if type != EVERY and ACTIONS.index(found) < ACTIONS.index(least(type)):
            raise ConfigError(
                f"{here}: a secret may only be mask or block, not {found}", hint="remove the line: mask is the default"
            )
        yield Rule(type, label, found, here)


def _bounds(tables: Mapping[str, object], origin: str) -> Iterable[tuple[str, int]]:
    budgets = _table(tables.get("budgets", {}), Said(origin, "policy.budgets"))
    _only(budgets, BUDGETS, origin, "policy.budgets.")
    for key, value in budgets.items():
        yield f"budgets.{key}", _characters(value, Said(origin, f"policy.budgets.{key}"))
    seen: dict[Label, Said] = {}
    for name, value in _table(tables.get("reduction", {}), Said(origin, "policy.reduction")).items():
        said = Said(origin, f"policy.reduction.{name}")
        label = _label(name, said)
        if label in seen:  # `secret` is another word for `local-only`
            raise ConfigError(f"{said}: says again what {seen[label].key} says", hint="keep one of them")
        seen[label] = said
        yield f"reduction.{label.value}", _characters(value, said)


def _table(value: object, said: Said) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{said}: must be a table", hint=f"write it as [{said.key}] with keys below it")
    return value


def _only(table: Mapping[str, object], known: tuple[str, ...], origin: str, prefix: str) -> None:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            if prefix == "policy." and (key == EVERY or TYPE.match(key)):
                hint = "what is done with a type is said in [policy.actions], or in [policy.labels.LABEL]"
            raise ConfigError(f"{origin}: unknown key {prefix}{key}", hint=hint)


def _type(name: str, said: Said) -> str:
    if not TYPE.match(name):
        raise ConfigError(
            f"{said}: {name!r} is no type: 1 to 10 capital letters, or '*' for the others", hint="mend it"
        )
    return name


def _label(name: str, said: Said) -> Label:
    try:
        return Label.parse(name)
    except ValueError:
        raise ConfigError(f"{said}: {name!r} is none of {', '.join(Label)}", hint="mend the label") from None


def _texts(value: object, said: Said) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ConfigError(f"{said}: must be a list of texts", hint='such as ["internal"]')
    return value


def _switch(value: object, said: Said) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{said}: must be true or false", hint="without quotes")
    return value


def _characters(value: object, said: Said) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(
            f"{said}: must be a number of characters above 0", hint="what may not leave at all is labelled local-only"
        )
    return value
