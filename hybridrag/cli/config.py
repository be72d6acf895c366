"""`hybridrag config show|path`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import typer

from hybridrag.cli.console import printable, stdout
from hybridrag.cli.session import Session
from hybridrag.config import masked, setting_names

app = typer.Typer(help="Settings, and where each came from.", no_args_is_help=True)


@app.command("show")
def show(context: typer.Context) -> int:
    """Shows every setting with its origin; secrets are masked. Example: hybridrag config show"""
    session = Session.of(context)
    settings = session.settings
    values = {
        name: {"value": _plain(masked(name, getattr(settings, name))), "origin": settings.origins[name]}
        for name in setting_names()
    }
    if session.flags.json:
        folders = {name: str(getattr(settings.paths, name)) for name in ("config", "data", "cache", "run")}
        session.json({"schema": "hybridrag.config/1", "settings": values, "paths": folders})
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("setting", "value", "origin"):
        table.add_column(title, overflow="fold")
    for name, entry in values.items():
        value = entry["value"]
        table.add_row(
            name, printable(str(value)) if value not in ("", [], {}, None) else "-", printable(str(entry["origin"]))
        )
    stdout().print(table)
    return 0


@app.command("path")
def path(context: typer.Context) -> int:
    """Prints where your own settings file is, or would be. Example: $EDITOR "$(hybridrag config path)" """
    session = Session.of(context)
    sys.stdout.write(f"{session.flags.config or session.settings.paths.user_file}\n")
    return 0


def _plain(value: Any) -> Any:
    """A setting as JSON can show it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if getattr(value, f.name)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value  # a label is a text with a longer name
