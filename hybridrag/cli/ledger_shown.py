"""How the ledger looks: a table of requests, one request, what verifying found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.cli.console import agrees, one_line, printable, stdout
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.privacy.ledger.reading import Entry
    from hybridrag.privacy.ledger.verification import Verification

_COLOURS = {"sent": "green", "failed": "yellow", "retried": "yellow", "blocked": "red", "unfinished": "magenta"}
_NARROW = 100
"""Columns below which the model is left out."""
_WIDEST = 10_000


def print_entries(entries: Sequence[Entry]) -> None:
    """A table with a row for each request."""
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    wide = console.width >= _NARROW or not sys.stdout.isatty()
    table = Table(box=None, pad_edge=False)
    table.add_column("entry", no_wrap=True)
    table.add_column("time", no_wrap=True)
    table.add_column("outcome", min_width=10)
    for title in ("provider", *(["model"] if wide else [])):
        table.add_column(title, overflow="fold")
    table.add_column("bytes", justify="right", no_wrap=True)
    table.add_column("replaced", overflow="fold")
    for entry in entries:
        intent = entry.intent
        table.add_row(
            entry.id[:8],
            _local(entry.at, "%Y-%m-%d %H:%M" if wide else "%m-%d %H:%M"),
            Text(_outcome(entry), style=_COLOURS.get(entry.outcome, "")),
            one_line(str(intent["provider"])),
            *([one_line(str(intent["model"]))] if wide else []),
            f"{intent['payload_bytes']:,}",
            _replaced(intent),
        )
    if not sys.stdout.isatty():  # a row is a line, however wide
        console.width = console.measure(table, options=console.options.update(width=_WIDEST)).maximum
    console.print(table)


def print_entry(entry: Entry) -> None:
    """One request, a fact a line."""
    facts = entry.facts()
    told: list[tuple[str, str]] = [
        ("entry", entry.id),
        ("outcome", _outcome(entry)),
        ("time", _local(entry.at, "%Y-%m-%d %H:%M:%S %Z")),
    ]
    if "ended" in facts:
        told.append(("ended", _local(datetime.fromisoformat(facts["ended"]), "%Y-%m-%d %H:%M:%S %Z")))
    told.append(("by", f"{facts['user']} on {facts['host']}"))
    told.append(("to", f"{facts['provider']}, {facts['model']}, {'local' if facts['local'] else 'remote'}"))
    known = {"id", "outcome", "at", "ended", "user", "host", "provider", "model", "local"}
    told += [(name.replace("_", " "), _fact(value)) for name, value in facts.items() if name not in known]
    for name, text in told:
        stdout().print(f"{name + ':':<17} {one_line(text)}", soft_wrap=True)


def print_payload(body: bytes) -> None:
    """The very bytes; on a terminal without what it would obey."""
    if sys.stdout.isatty():
        stdout().print(printable(body.decode("utf-8", "replace")), soft_wrap=True)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(body)


def print_verification(found: Verification, *, begun: bool) -> None:
    """What a sound ledger holds."""
    if not begun:
        stdout().print("nothing has left: there is no ledger yet")
        return
    lines = [f"sound: {counted(found.requests)}, head {found.head}"]
    if found.checkpoint is not None:
        until = _local(datetime.fromisoformat(found.checkpoint["until"]), "%Y-%m-%d")
        lines.append(f"pruned before: {found.checkpoint['count']:,} lines, up to {until}")
    lines += [f"anchor {head.seq}:{head.mac[:8]}... is before the checkpoint: pruned since" for head in found.before]
    if found.unfinished:
        some = ", ".join(entry[:8] for entry in found.unfinished[:5]) + (", ..." if len(found.unfinished) > 5 else "")
        lines.append(f"unfinished, still running or killed: {len(found.unfinished)} ({some})")
    if found.torn:
        lines.append(f"a last line that a crash left unfinished ({found.torn} bytes); the next request cuts it off")
    for line in lines:
        stdout().print(line, soft_wrap=True)


def verification_json(found: Verification) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "requests": found.requests,
        "head": {"seq": found.head.seq, "mac": found.head.mac},
        "problems": list(found.problems),
        "unfinished": list(found.unfinished),
        "checkpoint": found.checkpoint,
        "anchors_before_checkpoint": [str(head) for head in found.before],
        "torn_bytes": found.torn,
    }


def export_lines(lines: Iterable[bytes], file: str) -> int:
    """Writes lines to a new file, which only its owner can read, or to stdout for `-`; returns how many.

    Raises UsageError where the file is there already or cannot be made.
    """
    if file == "-":
        sys.stdout.flush()
        return _write(lines, sys.stdout.buffer)
    try:
        descriptor = os.open(Path(file).expanduser(), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise UsageError(
            f"{file} cannot be made: {exc.strerror}", hint="name a new file in a folder of yours"
        ) from None
    with os.fdopen(descriptor, "wb") as out:
        return _write(lines, out)


def confirmed(what: str, *, keep_days: int) -> bool:
    """Whether the user says yes. Raises UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError(f"this would remove {what}, and nobody can be asked", hint="add --yes if it is meant")
    return agrees(f"Remove {what} older than {keep_days} days from the ledger?")


def counted(requests: int) -> str:
    """So many requests, in words."""
    return "1 request" if requests == 1 else f"{requests:,} requests"


def _write(lines: Iterable[bytes], out: Any) -> int:
    count = 0
    for line in lines:
        out.write(line)
        count += 1
    out.flush()
    return count


def _outcome(entry: Entry) -> str:
    result = entry.result or {}
    # What the policy blocks has types in place of one rule.
    types = ", ".join(map(str, result.get("types") or ()))
    why = result.get("rule") or types or result.get("reason") or result.get("detail")
    return one_line(f"{entry.outcome} ({why})" if why else entry.outcome)


def _replaced(intent: dict[str, Any]) -> str:
    if intent.get("texts"):
        return f"nothing, {intent['texts']} texts"
    counts = intent.get("entities") or {}
    return one_line(", ".join(f"{count} {name}" for name, count in counts.items())) or "nothing"


def _fact(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _local(at: datetime, form: str) -> str:
    return at.astimezone().strftime(form)
