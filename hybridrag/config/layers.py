"""The layers of settings into one, and where each value came from.

Precedence, highest first: command-line flag, `HYBRIDRAG_*` environment variable, `hybridrag.toml` (the nearest one
upward), the user's file, default. Unknown keys are errors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hybridrag.config.entry import Merge
from hybridrag.config.files import read_project_file, read_user_file, unknown
from hybridrag.config.paths import Paths, nearest_project_file
from hybridrag.config.settings import ENTRIES, Settings
from hybridrag.config.values import CUSTOM_ENDPOINT_KEY, CUSTOM_PROVIDER_KEY, CUSTOM_RERANKER_KEY, boolean
from hybridrag.errors import ConfigError, UsageError

_NO_SETTINGS = frozenset({"HYBRIDRAG_HOME", CUSTOM_PROVIDER_KEY, CUSTOM_ENDPOINT_KEY, CUSTOM_RERANKER_KEY})
"""Variables that are read where they are used."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one place says, unread. `origin` is a file's path, `environment` or `flag`."""

    origin: str
    said: Mapping[str, Any]
    project: bool = False

    def parsed(self, name: str) -> Any:
        """Raises ConfigError, or UsageError for a bad flag."""
        entry = ENTRIES[name]
        try:
            value = entry.parse(self.said[name])
        except ValueError as exc:
            error = UsageError if self.origin == "flag" else ConfigError
            where = self.where(name) if self.origin in {"environment", "flag"} else f"{self.origin}: {name}"
            raise error(f"{where}: {exc}", hint=entry.hint) from None
        return value if entry.place is None else entry.place(value, Path(self.origin))

    def where(self, name: str) -> str:
        """Where the layer says it, as `config show` tells."""
        if self.origin == "environment":
            return _variable(name)
        return f"--{name.replace('_', '-')}" if self.origin == "flag" else self.origin


def load(
    *,
    flags: Mapping[str, Any] | None = None,
    config_file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> Settings:
    """Settings from all layers. `flags` holds only what was given. Raises ConfigError, or UsageError for a bad flag."""
    paths, project_file = Paths.from_environment(environ), nearest_project_file(cwd)
    user_file = config_file or paths.user_file
    if project_file is not None and project_file.resolve() == user_file.resolve():
        project_file = None
    defaults = Settings(paths=paths)
    values = {name: getattr(defaults, name) for name in ENTRIES}
    origins = dict.fromkeys(ENTRIES, "default")
    for layer in _layers(user_file if config_file or _exists(user_file) else None, project_file, environ, flags or {}):
        for name in layer.said:
            value, where, before = layer.parsed(name), layer.where(name), values[name]
            merge = ENTRIES[name].merge
            if merge is Merge.LOWER and layer.project and before is not None and before <= value:
                continue
            if merge is Merge.KEEP:
                value = {layer.origin: value}
            if before and (merge is Merge.KEEP or (merge is Merge.ADD and layer.project)):
                value, where = _added(before, value), f"{origins[name]}, {where}"
            values[name], origins[name] = value, where
    return Settings(paths=paths, **values, project_file=project_file, origins=MappingProxyType(origins))


def read_settings_file(path: Path, *, project: bool) -> Mapping[str, Any]:
    """What a settings file says, read as a user's own or as a project's. Raises ConfigError as `load` does."""
    layer = _Layer(str(path), read_project_file(path) if project else read_user_file(path))
    return {name: layer.parsed(name) for name in layer.said}


def _layers(
    user_file: Path | None, project_file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> list[_Layer]:
    """The layers above the defaults, the weakest first. Raises ConfigError for what one of them may not say."""
    user = [_Layer(str(user_file), read_user_file(user_file))] if user_file else []
    project = [_Layer(str(project_file), read_project_file(project_file), project=True)] if project_file else []
    return [*user, *project, _Layer("environment", _from_environment(environ)), _Layer("flag", flags)]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as exc:  # what it says may protect something, so it is not passed over
        raise ConfigError(f"{path} cannot be read: {exc.strerror}", hint="check its permissions") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What variables say; a switch of a table is a key of it."""
    names = {_variable(name): name for name, entry in ENTRIES.items() if entry.environment}
    switches = {
        _variable(f"{name}_{switch}"): (name, switch) for name, entry in ENTRIES.items() for switch in entry.switches
    }
    said: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith("HYBRIDRAG_") or variable.startswith("HYBRIDRAG_TEST_"):
            continue
        if variable in _NO_SETTINGS or not value:
            continue
        if variable in names:
            said[names[variable]] = value
        elif variable in switches:
            name, switch = switches[variable]
            said.setdefault(name, {})[switch] = _switched(value, variable)
        else:
            raise unknown(variable, "the environment", (*names, *switches))
    return said


def _variable(name: str) -> str:
    return f"HYBRIDRAG_{name.upper()}"


def _switched(value: str, variable: str) -> bool:
    try:
        return boolean(value)
    except ValueError as exc:
        raise ConfigError(f"{variable}: {exc}", hint="true or false") from None


def _added(before: Any, more: Any) -> Any:
    """Lists one after the other, and tables with the lists of both."""
    if isinstance(before, tuple):
        return (*before, *more)
    both = {**before, **more}
    shared = {name: (*before[name], *more[name]) for name in before.keys() & more.keys()}
    return MappingProxyType({name: shared.get(name, value) for name, value in both.items()})
