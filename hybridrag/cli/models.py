"""`hybridrag models list|show|pull|bench|recommend`. All but `list` lie in modules of their own."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli import models_bench, models_pull, models_recommend, models_show
from hybridrag.cli.console import stdout
from hybridrag.cli.models_show import short_number, window_of
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.flows.models import Listed
    from hybridrag.models.catalogue import Entry

app = typer.Typer(
    help="The embedding models and rerankers: which there are, fetching, measuring and choosing one.",
    no_args_is_help=True,
)

_WIDE = 130
"""Columns that the table needs; a narrower terminal gets a few lines for each model."""


@app.command("list")
def list_(
    context: typer.Context,
    language: Annotated[
        list[str] | None,
        typer.Option("--language", metavar="CODE", help="Only those that know it: de. May be repeated."),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", "--license", metavar="NAME", help="Only these: MIT. May be repeated."),
    ] = None,
    max_parameters: Annotated[
        str | None, typer.Option("--max-parameters", metavar="N", help="Only those of at most so many: 200M, 1B.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Only those that are on this machine.")] = False,
    rerankers: Annotated[bool, typer.Option("--rerankers", help="Rerankers instead of embedding models.")] = False,
) -> int:
    """Shows the models of the catalogue.

    Examples: hybridrag models list --language de --max-parameters 600M      hybridrag models list --local --json
    """
    session = Session.of(context)
    for code in language or ():
        if not re.fullmatch(r"[A-Za-z]{2}", code):
            raise UsageError(f"{code!r} is no code of a language", hint="give the two letters of ISO 639-1: en, de, zh")
    from hybridrag.flows.models import list_models, list_rerankers

    wanted: dict[str, Any] = {
        "languages": language or (),
        "licences": licence or (),
        "most_parameters": None if max_parameters is None else _number(max_parameters),
        "only_here": local,
    }
    if rerankers:
        from hybridrag.cli.models_rerankers import print_list

        print_list(session, list_rerankers(session.settings, **wanted))
        return 0
    lines = list_models(session.settings, **wanted)
    if session.flags.json:
        session.json({"schema": "hybridrag.models/1", "models": [_line_json(line) for line in lines]})
        return 0
    if not lines:
        session.notice("no model of the catalogue is all of that")
        return 0
    console = stdout()
    if console.is_terminal and console.width < _WIDE:
        _print_narrow(console, lines)
    else:
        _print_wide(console, lines)
    return 0


def _print_wide(console: Console, lines: list[Listed]) -> None:
    from rich.table import Table

    if not console.is_terminal:
        console.width = 400  # a line for each model, however long
    table = Table(box=None, pad_edge=False)
    for title in ("name", "dimensions", "window", "parameters", "languages", "licence", "here", "good for"):
        table.add_column(title, justify="right" if title in {"dimensions", "window", "parameters"} else "left")
    for line in lines:
        entry = line.entry
        table.add_row(
            entry.name + (" (default)" if line.is_default else ""),
            str(entry.dimensions),
            window_of(entry.window),
            short_number(entry.parameters),
            _languages(entry),
            entry.licence,
            "-" if line.path is None else "yes",
            entry.good_for,
        )
    console.print(table)


def _print_narrow(console: Console, lines: list[Listed]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for line in lines:
        entry = line.entry
        marks = [*(["default"] if line.is_default else []), *(["here"] if line.path is not None else [])]
        console.print(Text(entry.name, style="bold").append(f"  {', '.join(marks)}" if marks else "", style="not bold"))
        facts = (
            f"{entry.dimensions} dimensions",
            f"window {window_of(entry.window)}",
            f"{short_number(entry.parameters)} parameters",
            _languages(entry) + (" languages" if len(entry.languages) > 1 else ""),
            entry.licence,
        )
        console.print(Padding(Text(", ".join(facts)), (0, 0, 0, 2)))
        console.print(Padding(Text(entry.good_for, style="dim"), (0, 0, 0, 2)))


def _line_json(line: Listed) -> dict[str, Any]:
    return {**asdict(line.entry), "local": str(line.path) if line.path else None, "default": line.is_default}


def _number(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMB]?)", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{text!r} is no number of parameters", hint="write 33M, 600M or 1.5B")
    return int(float(match[1]) * {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}[match[2].lower()])


def _languages(entry: Entry) -> str:
    return entry.languages[0] if len(entry.languages) == 1 else str(len(entry.languages))


app.command("show")(models_show.show)
app.command("pull")(models_pull.pull)
app.command("bench")(models_bench.bench)
app.command("recommend")(models_recommend.recommend)
