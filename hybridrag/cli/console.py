"""What people see: notices on stderr, results on stdout. Text from documents is shown, never obeyed by the terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` without what moves cursors, changes colours or turns the direction of writing."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode())


def one_line(text: str) -> str:
    """A name or a message as `printable`, and without line breaks: a file's name must not write lines of its own."""
    return re.sub(r"[\n\t]", "\N{REPLACEMENT CHARACTER}", printable(text))


def local_time(moment: datetime) -> str:
    """`2026-11-21 13:45`, by this machine's clock."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def shown_bytes(size: int) -> str:
    """`12.3 MB`, or gigabytes where it is more than one."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def agrees(question: str) -> bool:
    """Whether the user says yes to a question. Whoever asks has seen that stdin is a terminal."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def stdout() -> Console:
    """The console for results."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty(), emoji=False, markup=False)


def stderr(*, quiet: bool = False) -> Console:
    """The console for everything else."""
    from rich.console import Console

    from hybridrag.cli.logs import log

    # A line that were folded would be several records.
    return Console(stderr=True, highlight=False, quiet=quiet, emoji=False, markup=False, soft_wrap=log() is not None)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on stdout: indented for people, on one line for programs."""
    indent = 2 if sys.stdout.isatty() else None
    text = json_text(value, sys.stdout, indent=indent)
    sys.stdout.write(text.encode("utf-8", "replace").decode() + "\n")


def json_text(value: dict[str, Any], stream: Any, *, indent: int | None = None) -> str:
    """JSON that a stream can take: with escapes where its encoding is not UTF-8, and for what a terminal would obey."""
    unicode = (stream.encoding or "").lower().replace("_", "-") in {"utf-8", "utf8"}
    text = json.dumps(value, ensure_ascii=not unicode, indent=indent, default=str)
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def notice(text: str, *, quiet: bool, level: str = "info", event: str = "notice", **fields: Any) -> None:
    """A line on stderr, unless `--quiet`. `level`, `event` and `fields` are what a log of JSON objects has besides."""
    from hybridrag.cli.logs import log

    if quiet:
        return
    if found := log():
        found.record(text, level=level, event=event, fields=fields)
        return
    dim, off = ("\033[2m", "\033[0m") if coloured(sys.stderr) else ("", "")
    sys.stderr.write(f"{dim}{one_line(text)}{off}\n")
    sys.stderr.flush()


def coloured(stream: Any) -> bool:
    """Whether a stream takes colour: a terminal, and the user did not say NO_COLOR."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
