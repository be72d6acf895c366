"""What a project file may say of a setting. It can arrive with a cloned repository, so it may not say where data goes
or loosen what protects it."""

from __future__ import annotations

from pathlib import Path

from hybridrag.config.values import names_endpoint
from hybridrag.errors import ConfigError

NOT_YOURS = (
    "it may arrive with somebody else's files; set it in your own file (`hybridrag config path`), the environment or "
    "a flag"
)


def anything(name: str, value: object, file: Path) -> None:
    """The check of a setting that a project file may say as everybody else may."""


def no_endpoint(name: str, value: object, file: Path) -> None:
    """An `embedder` or a `reranker` of this machine."""
    if isinstance(value, str) and names_endpoint(value.strip()):
        kind = "an embedding" if name == "embedder" else "a rerank"
        raise ConfigError(
            f"{file}: a project file may not name {kind} endpoint: that says where your documents go", hint=NOT_YOURS
        )


def only_on(name: str, value: object, file: Path) -> None:
    """A switch that protects."""
    if value is not True:
        raise ConfigError(f"{file}: a project file may only set {name} = true", hint="remove the line")


def no_public_label(_name: str, value: object, file: Path) -> None:
    """Labels that are stricter than none."""
    levels = value.values() if isinstance(value, dict) else ()
    if any(str(level).strip().lower() == "public" for level in levels):
        raise ConfigError(f"{file}: a project file may not label documents public", hint="use your own file")
