"""A settings file: what it says by the names of the settings, unread. Everything it may not say is refused here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hybridrag.config.project import NOT_YOURS
from hybridrag.config.settings import ENTRIES
from hybridrag.errors import ConfigError


def read_user_file(path: Path) -> dict[str, Any]:
    """What the user's own file says. Raises ConfigError for what is no setting or may not stand in a file."""
    said = _flat(_read_toml(path))
    for name in said:
        if name not in ENTRIES:
            raise unknown(name, str(path), ENTRIES)
    for name, value in said.items():
        if (check := ENTRIES[name].own) is not None:
            check(name, value, path)
    return said


def read_project_file(path: Path) -> dict[str, Any]:
    """What a project's file says. Raises ConfigError also for what only the user may say."""
    said = _flat(_read_toml(path))
    for name, value in said.items():
        if name not in ENTRIES:
            raise unknown(name, str(path), (name for name, entry in ENTRIES.items() if entry.project))
        check = ENTRIES[name].project
        if check is None:
            raise ConfigError(f"{path}: a project file may not set {name}", hint=NOT_YOURS)
        check(name, value, path)
    return said


def unknown(name: str, where: str, known: Iterable[str]) -> ConfigError:
    """The refusal of a name that is none of `known`."""
    import difflib

    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return ConfigError(
        f"{where}: unknown setting {name}",
        hint=f"did you mean {close[0]}?" if close else "known: " + ", ".join(known),
    )


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None
    except (ValueError, RecursionError) as exc:  # the first also for numbers of thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {exc}", hint="mend the line it names") from None
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}", hint="check the path and its permissions") from None


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    """`[database] url` is `database_url`; tables that are settings stay tables."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and not (key in ENTRIES and ENTRIES[key].table):
            flat.update({f"{key}_{inner}": deeper for inner, deeper in value.items()})
        else:
            flat[key] = value
    return flat
