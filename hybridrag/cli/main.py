"""From arguments to an exit code: the one place where errors become messages."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
import traceback
from _thread import start_new_thread
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from hybridrag.cli.console import json_text, one_line
from hybridrag.cli.globals import Globals, hoisted, verb_of
from hybridrag.cli.logs import VARIABLE, log, log_in, stderr_kept
from hybridrag.errors import HybridragError, UsageError

if TYPE_CHECKING:
    import typer

INTERRUPTED = 130
TERMINATED = 143
BUG = 70
OUTPUT = 74
USAGE = 2
_COMPLETION = "_HYBRIDRAG_COMPLETE"
"""The variable by which a shell asks for completions."""


_GRACE_S = 0.5
"""How long the work under way has to end after SIGTERM, in seconds."""
_FINISH = frozenset({"db", "reindex"})
"""Verbs that may take longer: one ends the servers and programs that it started, the other its batch, and tells so."""
_CURSOR = "\033[?25h"
"""Shows the cursor, which a progress bar hides."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM came. Libraries give up their work for it as they do when interrupted."""


def run(argv: Sequence[str]) -> int:
    """Runs one command line and returns its exit code (docs/cli.md). Never raises."""
    _mend_streams()
    arguments = hoisted(argv)
    flags = Globals.peek(arguments)
    with stderr_kept(), _stopped_by_signals(flags, soon=verb_of(arguments) not in _FINISH) as over:
        log_in(os.environ.get(VARIABLE, "") if flags.log_format is None else flags.log_format)
        return _ended(argv, arguments, flags, over)


def _ended(argv: Sequence[str], arguments: list[str], flags: Globals, over: threading.Event) -> int:
    try:
        _refuse_other_encodings(argv)
        code = _run(arguments)
        sys.stdout.flush()
    except BaseException as exc:
        over.set()
        return _failed(exc, flags)
    over.set()
    return code


def _run(arguments: list[str]) -> int:
    import typer

    from hybridrag.cli.app import app, only

    if _COMPLETION in os.environ:
        typer.main.get_command(app)(arguments, prog_name="hybridrag", complete_var=_COMPLETION)
    command = typer.main.get_command(only(verb_of(arguments)))
    try:
        # Not `main`, which turns interrupts and closed pipes into exits of its own.
        with command.make_context("hybridrag", arguments) as context:
            result = command.invoke(context)
    except typer.Exit as exc:
        return exc.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as exc:
        message = exc.format_message().rstrip(".")
        if not message:  # no verb was given, and the help has been shown
            return USAGE
        raise UsageError(message, hint=_usage_hint(exc)) from exc
    return result if isinstance(result, int) else 0


def _usage_hint(exc: typer.TyperException) -> str:
    """Where the help is for what was wrong, and what people forget most."""
    context = getattr(exc, "ctx", None)
    quotes = "a text with blanks stands in quotes; " if "extra argument" in exc.format_message() else ""
    return f"{quotes}see `{context.command_path if context else 'hybridrag'} --help`"


def _failed(exc: BaseException, flags: Globals) -> int:
    """The exit code for what went wrong, after telling it."""
    try:
        sys.stdout.flush()  # what was found before stands before the error
    except (OSError, ValueError):
        _silence_stdout()
    if isinstance(exc, SystemExit):
        # rich ends the process so when its pipe is closed.
        return 0 if isinstance(exc.__context__, BrokenPipeError) or not exc.code else USAGE
    if isinstance(exc, BrokenPipeError):
        _silence_stdout()
        return 0
    return tell(exc, flags)


def tell(exc: BaseException, flags: Globals) -> int:
    """Tells people, or programs, what went wrong, and returns its exit code."""
    code, message, hint, name, retryable = _told(exc)
    shown = exc.shown if isinstance(exc, HybridragError) else ()
    _report(flags, code, message, hint, name=name, retryable=retryable, shown=shown)
    if flags.debug and code not in {INTERRUPTED, TERMINATED}:
        _trace(exc)
    return code


def _trace(exc: BaseException) -> None:
    if found := log():
        trace = "".join(traceback.format_exception(exc))
        found.record(type(exc).__name__, level="debug", event="traceback", fields={"traceback": trace})
    else:
        traceback.print_exception(exc)


def _told(exc: BaseException) -> tuple[int, str, str, str, bool]:
    """Exit code, message, hint, name, and whether the same may succeed later."""
    if isinstance(exc, HybridragError):
        return exc.exit_code, exc.message, exc.hint, type(exc).__name__, exc.retryable
    if isinstance(exc, _Terminated):
        return TERMINATED, "terminated", "run it again to go on", "Terminated", True
    if isinstance(exc, KeyboardInterrupt):
        return INTERRUPTED, "interrupted", "run it again to go on", "Interrupted", True
    if isinstance(exc, OSError) and exc.errno in _NO_ROOM and exc.filename is None:
        reason = os.strerror(exc.errno)
        return OUTPUT, f"the output cannot be written: {reason}", "free space and run it again", "OutputLost", True
    # A bug: say so without showing what a traceback may hold.
    hint = "report it with the output of --debug"
    return BUG, f"a bug in hybridrag: {type(exc).__name__}", hint, "Bug", False


_EXPECTED = {75, INTERRUPTED, TERMINATED}
"""Ends that nobody need be woken for: another run is at work, or somebody stopped this one."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def _report(
    flags: Globals,
    code: int,
    message: str,
    hint: str,
    *,
    name: str,
    retryable: bool = False,
    shown: Sequence[str] = (),
) -> None:
    found = log()
    if flags.json or found:
        error: dict[str, object] = {
            "schema": "hybridrag.error/1",
            "code": code,
            "error": name,
            "message": message,
            "hint": hint,
            "retryable": retryable,
        }
        if shown:
            error["shown"] = list(shown)
        if found:
            with contextlib.suppress(OSError, ValueError):
                found.record(message, level="warning" if code in _EXPECTED else "error", event="error", fields=error)
            return
        _to_stderr(json_text(error, sys.stderr))
        return
    red, dim, off = ("\033[31;1m", "\033[2m", "\033[0m") if _colour() else ("", "", "")
    _to_stderr(f"{red}error:{off} {one_line(message)}")
    for line in shown:
        _to_stderr(f"  {one_line(line)}")
    if hint:
        _to_stderr(f"{dim}hint:{off}  {one_line(hint)}")


def _to_stderr(line: str) -> None:
    try:
        sys.stderr.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
        sys.stderr.flush()
    except (OSError, UnicodeError):
        pass  # nobody is there to read it


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _mend_streams() -> None:
    """Whoever started us may have closed a stream, or chosen an encoding that lacks what documents hold."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free descriptor is the missing one, so that no file or socket gets its number.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_other_encodings(argv: Sequence[str]) -> None:
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(argument).decode("utf-8", "backslashreplace")
            raise UsageError(
                f"an argument is not UTF-8: {shown}",
                hint="rename the file, or see to the terminal's encoding; a question can come from stdin: -",
            ) from None


@contextlib.contextmanager
def _stopped_by_signals(flags: Globals, *, soon: bool) -> Iterator[threading.Event]:
    """SIGTERM gives up the work under way. Where that must be `over` soon and is not, as inside of a library, the
    process ends all the same: like one that is killed it loses nothing that was stored.

    The kernel may hand a signal to any thread, and Python's handlers run in the main one, which may wait for another
    without end. So it is woken, by a signal of its own.
    """
    over, main = threading.Event(), threading.get_ident()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _Terminated

    def watch() -> None:
        while number := os.read(reading, 1):
            if number[0] in (signal.SIGINT, signal.SIGTERM):
                signal.pthread_kill(main, signal.SIGURG)
            if number[0] == signal.SIGTERM and soon and not over.wait(_GRACE_S):
                if sys.stderr.isatty():
                    sys.stderr.write(_CURSOR)
                tell(_Terminated(), flags)
                os._exit(TERMINATED)
        os.close(reading)

    try:
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGURG, lambda *_: None)
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: whoever embeds us handles signals
        os.close(reading)
        os.close(writing)
        yield over
        return
    start_new_thread(watch, ())  # not one of `threading`, whose threads are told apart from those that work
    try:
        yield over
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)


def _silence_stdout() -> None:
    """Keeps the interpreter from complaining about the closed pipe once more at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
