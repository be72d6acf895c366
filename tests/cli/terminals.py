"""A command on a terminal of a given width."""

from __future__ import annotations

import os
import pty
import re

from tests.conftest import CommandLine


def on_a_terminal(cli: CommandLine, *arguments: str, columns: int = 80, typed: bytes = b"") -> tuple[int, str]:
    """Exit code and what a terminal of so many columns shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cli.home)
        environment = {**cli.environment, "COLUMNS": str(columns), "TERM": "xterm"}
        command = [os.fsdecode(part) for part in cli.command(*arguments)]
        os.execve(command[0], command, environment)
    os.write(terminal, typed)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4_096)
        except OSError:  # the other end is closed
            break
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def without_colours(shown: str) -> str:
    return re.sub("\x1b\\[[0-9;]*m", "", shown)
