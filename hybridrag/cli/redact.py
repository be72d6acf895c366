"""`hybridrag redact`."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import coloured, one_line, printable, stderr
from hybridrag.cli.labels import label_named
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from rich.table import Table

    from hybridrag.flows.redact import Redaction
    from hybridrag.types import Replacement

_COLOURS = {"allow": "32", "pseudonymise": "33", "hash": "35", "mask": "31", "block": "41;97"}
_STYLES = {"allow": "green", "pseudonymise": "yellow", "hash": "magenta", "mask": "red", "block": "bold white on red"}
"""The same colours in the list."""
_LONGEST = 48
"""Characters of a value in the list of what was found."""
_MOST_ROWS = 200
_NARROW = 76
_MIDDLING = 100
"""Columns below which the list goes without the action, which the last line tells by type, and without the mark."""


def redact(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="What to redact; - is stdin.")] = "-",
    label: Annotated[
        str, typer.Option("--label", metavar="LEVEL", help="public, internal, confidential or local-only.")
    ] = "internal",
) -> int:
    """Shows what the privacy gateway would do to a text: what would leave, and why. Nothing is sent.

    The redacted text goes to stdout; what was found, by which rule and what the policy does with it, to stderr.

    Examples: hybridrag redact letter.pdf      git diff | hybridrag redact
    """
    session = Session.of(context)
    level = label_named(label)
    if file == "-" and sys.stdin.isatty():
        session.notice("reading what you type; end with Ctrl-D on a line of its own")
    done = session.wiring.redact(file, level, stdin=sys.stdin.buffer)
    if session.flags.json:
        session.json(_json(done))
        return 0
    sys.stdout.write(_shown(done, colour=coloured(sys.stdout)))
    if done.redacted.text and not done.redacted.text.endswith("\n"):
        sys.stdout.write("\n")
    sys.stdout.flush()
    for note in done.notes:
        session.notice(note)
    _explain(done, quiet=session.flags.quiet)
    return 0


def _json(done: Redaction) -> dict[str, Any]:
    return {
        "schema": "hybridrag.redact/1",
        "label": done.label.value,
        "text": done.redacted.text,
        "spans": [
            {
                "start": each.span.start,
                "end": each.span.end,
                "type": each.span.type,
                "rule": each.span.rule,
                "action": each.action,
                "replacement": each.text,
            }
            for each in done.redacted.replacements
        ],
        "blocked": done.blocked,
        "notes": list(done.notes),
    }


def _shown(done: Redaction, *, colour: bool) -> str:
    """The redacted text; on a terminal with a colour for each action."""
    if not sys.stdout.isatty():
        return done.redacted.text.encode("utf-8", "replace").decode()
    out: list[str] = []
    end = 0
    for each in done.redacted.replacements:
        out.append(printable(done.original[end : each.span.start]))
        mark = printable(each.text)
        out.append(f"\033[{_COLOURS[each.action]}m{mark}\033[0m" if colour else mark)
        end = each.span.end
    return "".join(out) + printable(done.original[end:])


def _explain(done: Redaction, *, quiet: bool) -> None:
    console = stderr(quiet=quiet)
    found = done.redacted.replacements
    if found and console.is_terminal:
        console.print(_listed(done, width=console.width))
        if len(found) > _MOST_ROWS:
            console.print(f"and {len(found) - _MOST_ROWS:,} more: --json lists them all")
    counts = Counter((each.span.type, each.action) for each in found)
    told = ", ".join(f"{n:,} {kind} ({action})" for (kind, action), n in sorted(counts.items()))
    console.print(f"{done.label.value}: {told or 'nothing found'}", soft_wrap=not console.is_terminal)
    if done.redacted.blocked:
        console.print("the policy blocks this: a request with it would not be sent")
    elif done.blocked:
        console.print("local-only: nothing of it would be sent")


def _listed(done: Redaction, *, width: int) -> Table:
    """What was found, a row for each, in as many columns as the terminal has room for."""
    from rich.table import Table
    from rich.text import Text

    titles = ["line", "what stands there", "type", "rule", "action", "becomes"]
    shown = titles[:4] if width < _NARROW else titles[:5] if width < _MIDDLING else titles
    table = Table(box=None, pad_edge=False)
    for title in shown:
        free = title == "what stands there"  # the others are words, which are not broken
        table.add_column(title, overflow="fold", no_wrap=not free, justify="right" if title == "line" else "left")
    for line, each in _with_lines(done.original, done.redacted.replacements[:_MOST_ROWS]):
        value = one_line(" ".join(done.original[each.span.start : each.span.end].split()))
        short = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
        becomes = "" if each.action == "allow" else each.text
        row = (str(line), short, each.span.type, each.span.rule, Text(each.action, _STYLES[each.action]), becomes)
        table.add_row(*row[: len(shown)])
    return table


def _with_lines(text: str, found: tuple[Replacement, ...]) -> list[tuple[int, Replacement]]:
    """Each replacement with the line it begins in, from 1."""
    rows: list[tuple[int, Replacement]] = []
    line, at = 1, 0
    for each in found:
        line += text.count("\n", at, each.span.start)
        at = each.span.start
        rows.append((line, each))
    return rows
