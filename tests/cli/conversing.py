"""A command on a terminal that a test talks with: it types when something is shown."""

from __future__ import annotations

import os
import pty
import select
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import CommandLine

CTRL_C = b"\x03"
CTRL_D = b"\x04"
_PATIENCE = 60.0
"""Seconds until what is expected must be there; a busy machine is slow."""
_LOOK = 0.5
"""Seconds between two looks at whether a signal was missed."""


class Talk:
    """The command for as long as the `with` block runs; `shown` is everything that the terminal showed."""

    def __init__(self, cli: CommandLine, *arguments: str) -> None:
        self.shown = ""
        self._read = 0
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(cli.home)
            environment = {**cli.environment, "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}
            command = [os.fsdecode(part) for part in cli.command(*arguments)]
            os.execve(command[0], command, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._terminal)  # whoever still runs is hung up on
        if kind is not None:
            os.waitpid(self._pid, 0)

    def type(self, text: str | bytes) -> None:
        os.write(self._terminal, text.encode() if isinstance(text, str) else text)

    def ask(self, line: str) -> None:
        self.type(f"{line}\r")

    def interrupt(self, shows: str) -> None:
        """Ctrl-C, until `shows` is shown.

        CPython misses one that comes between two waits of its line editor until the next comes, and takes both for one.
        """
        self.type(CTRL_C)
        for _ in range(int(_PATIENCE / _LOOK)):
            try:
                self.until(shows, patience=_LOOK)
                return
            except AssertionError:
                if self._only_waits():
                    self.type(CTRL_C)
        self.until(shows)

    def until(self, text: str, *, patience: float = _PATIENCE) -> str:
        """What is shown from here on up to and with `text`."""
        deadline = time.monotonic() + patience
        while (at := self.shown.find(text, self._read)) < 0:
            if (
                not select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))[0]
                or not self._more()
            ):
                raise AssertionError(f"{text!r} was not shown after: {self.shown[self._read :]!r}")
        begun, self._read = self._read, at + len(text)
        return self.shown[begun : self._read]

    def end(self) -> int:
        """Waits for the command to end, and gives its exit code."""
        while self._more():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _only_waits(self) -> bool:
        """Whether the command sleeps, with nothing left that it showed: what it shows of a signal comes before."""
        state = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "S" and not select.select([self._terminal], [], [], 0)[0]

    def _more(self) -> bool:
        try:
            data = os.read(self._terminal, 4_096)
        except OSError:  # the other end is closed
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)
