"""Files and folders that settings name: relative ones lie beside the settings file, and a project's in its folder."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hybridrag.errors import ConfigError

_MODEL_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")
"""What may stand before the folder of a names model: the entry point that opens it."""


def placed(value: Any, file: Path) -> Any:
    """A path, a tuple of them or a table of tuples, each whole. Raises ConfigError for the home of nobody."""
    if isinstance(value, str):
        return str(file.absolute().parent / _from_home(Path(value)))
    if isinstance(value, tuple):
        return tuple(placed(each, file) for each in value)
    return MappingProxyType({name: placed(each, file) for name, each in value.items()})


def placed_model(value: str, file: Path) -> str:
    """`FOLDER` or `KIND:FOLDER` with the whole path. Raises as `placed` does."""
    found = _MODEL_KIND.match(value)
    kind = found[0] if found else ""
    return kind + str(placed(value.removeprefix(kind), file))


def _from_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such home folder", hint="write the whole path") from None


def inside_its_folder(name: str, value: object, file: Path) -> None:
    """A project's dictionaries lie in its folder: a cloned file does not make the program read others."""
    folder = Path(os.path.realpath(file.parent))
    for kind, named in value.items() if isinstance(value, dict) else ():
        for each in named if isinstance(named, list) else [named]:
            if not isinstance(each, str) or "\0" in each:
                continue  # told when it is parsed
            inside = not each.startswith(("/", "~")) and ".." not in Path(each).parts
            if not inside or not Path(os.path.realpath(folder / each)).is_relative_to(folder):
                raise ConfigError(
                    f"{file}: {name}.{kind}: a project file may only name files in its own folder",
                    hint="put the file there, or name it in your own file (`hybridrag config path`)",
                )
