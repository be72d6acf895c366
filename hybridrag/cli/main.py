"""From arguments to an exit code: the one place where errors become messages."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from hybridrag.cli.globals import Globals, hoisted
from hybridrag.errors import HybridragError

INTERRUPTED = 130
TERMINATED = 143
BUG = 70
USAGE = 2


class _Terminated(BaseException):
    """SIGTERM came."""


def run(argv: Sequence[str]) -> int:
    """Runs one command line and returns its exit code (docs/reference/exit-codes.md). Never raises."""
    arguments = hoisted(argv)
    flags = Globals.peek(arguments)
    _stop_on_sigterm()
    try:
        return _run(arguments)
    except HybridragError as exc:
        _report(flags, exc.exit_code, exc.message, exc.hint, name=type(exc).__name__, retryable=exc.retryable)
        if flags.debug:
            traceback.print_exc()
        return exc.exit_code
    except KeyboardInterrupt:
        _report(flags, INTERRUPTED, "interrupted", "run it again to go on", name="Interrupted", retryable=True)
        return INTERRUPTED
    except _Terminated:
        _report(flags, TERMINATED, "terminated", "run it again to go on", name="Terminated", retryable=True)
        return TERMINATED
    except BrokenPipeError:
        _silence_stdout()
        return 0
    except Exception as exc:  # a bug: say so without showing what a traceback may hold
        _report(
            flags, BUG, f"a bug in hybridrag: {type(exc).__name__}", "report it with the output of --debug", name="Bug"
        )
        if flags.debug:
            traceback.print_exc()
        return BUG


def _run(arguments: list[str]) -> int:
    import typer

    from hybridrag.cli.app import app

    try:
        result = app(arguments, prog_name="hybridrag", standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as exc:
        return exc.exit_code
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as exc:
        flags = Globals.peek(arguments)
        _report(
            flags,
            USAGE,
            exc.format_message().rstrip("."),
            "see `hybridrag --help`, or --help after a verb",
            name="UsageError",
        )
        return USAGE
    return result if isinstance(result, int) else 0


def _report(flags: Globals, code: int, message: str, hint: str, *, name: str, retryable: bool = False) -> None:
    if flags.json:
        error = {
            "schema": "hybridrag.error/1",
            "code": code,
            "error": name,
            "message": message,
            "hint": hint,
            "retryable": retryable,
        }
        _to_stderr(json.dumps(error, ensure_ascii=False))
        return
    from hybridrag.cli.console import printable

    red, dim, off = ("\033[31;1m", "\033[2m", "\033[0m") if _colour() else ("", "", "")
    _to_stderr(f"{red}error:{off} {printable(message)}")
    if hint:
        _to_stderr(f"{dim}hint:{off}  {printable(hint)}")


def _to_stderr(line: str) -> None:
    try:
        sys.stderr.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
        sys.stderr.flush()
    except (OSError, UnicodeError):
        pass  # nobody is there to read it


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _stop_on_sigterm() -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _Terminated

    with contextlib.suppress(ValueError):  # not in the main thread: whoever embeds us handles signals
        signal.signal(signal.SIGTERM, stop)


def _silence_stdout() -> None:
    """Keeps the interpreter from complaining about the closed pipe once more at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
