"""Where state and settings files lie."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hybridrag.errors import ConfigError

PROJECT_FILE = "hybridrag.toml"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where state lives. `HYBRIDRAG_HOME` puts all of it under one folder; otherwise the XDG folders are used."""

    config: Path
    data: Path
    cache: Path
    run: Path

    @property
    def user_file(self) -> Path:
        return self.config / "config.toml"

    @staticmethod
    def from_environment(environ: Mapping[str, str]) -> Paths:
        """Absolute paths; nothing is created. Raises ConfigError where no home folder can be told."""
        try:
            if home := environ.get("HYBRIDRAG_HOME"):
                root = Path(home).expanduser().absolute()
                return Paths(config=root, data=root / "data", cache=root / "cache", run=root / "run")
            user = Path.home()
        except RuntimeError:
            raise ConfigError("this account has no home folder", hint="set HYBRIDRAG_HOME to a folder") from None

        def xdg(variable: str, default: str) -> Path:
            value = environ.get(variable, "")
            # The XDG specification: relative values are invalid and ignored.
            return (Path(value) if value.startswith("/") else user / default) / "hybridrag"

        data = xdg("XDG_DATA_HOME", ".local/share")
        # Not XDG_RUNTIME_DIR: it goes away at logout, and the database stays.
        run = data / "run"
        return Paths(
            config=xdg("XDG_CONFIG_HOME", ".config"), data=data, cache=xdg("XDG_CACHE_HOME", ".cache"), run=run
        )


def nearest_project_file(cwd: Path | None) -> Path | None:
    """`hybridrag.toml` of the working folder, or of the nearest one above; None where there is none."""
    try:
        here = (cwd or Path.cwd()).absolute()
    except FileNotFoundError:
        return None
    for folder in (here, *here.parents):
        candidate = folder / PROJECT_FILE
        with contextlib.suppress(OSError):  # a folder above that may not be looked into
            if candidate.is_file():
                return candidate
    return None
