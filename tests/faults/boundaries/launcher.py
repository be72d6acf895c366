"""Runs commands in processes of their own that need not import anything: a process with everything imported forks them.

    python -m tests.faults.boundaries.launcher FOLDER

takes a request a line on stdin and answers with a line on stdout, one after the other. It has one thread and no
connection, so that what it forks is as fresh as a process can be. When stdin ends, which it does however the one who
asks ends, it stops the server below the folder and removes the folder.
"""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hybridrag.store.embedded import EmbeddedServer
from tests.faults.boundaries.steps import Fault, Steps
from tests.forking import import_ahead

_PATIENCE = 60.0
"""Seconds after which a command counts as hung: it tells where all of its threads are, and ends with 1."""


@dataclass(frozen=True)
class Step:
    """A durable step that was taken: its number from 1, what it was, and the line of our package that took it."""

    number: int
    kind: str
    what: str
    caller: str
    fails: bool


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, or minus the signal that killed it."""

    code: int
    out: str
    err: str
    steps: tuple[Step, ...]

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.out)
        return value

    @property
    def failed_at(self) -> Step | None:
        """The step that was made to fail; None where the run was over before."""
        return next((step for step in self.steps if step.fails), None)


def server_of(folder: Path) -> EmbeddedServer:
    """The PostgreSQL below a world's folder."""
    return EmbeddedServer(data=folder / "data", run=folder / "run")


class Launcher:
    """The forking process, from the side of the one who asks."""

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the world, with its server; outputs of commands are put there too."""
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.boundaries.launcher", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
            start_new_session=True,  # Ctrl-C at the terminal is for the one who asks
        )

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        watched: Sequence[Path] = (),
        fault: Fault | None = None,
    ) -> Ended:
        """Runs `hybridrag` with `arguments` to its end, or to that of the fault. Changes below `watched` are steps."""
        files = {name: str(self._folder / name) for name in ("out", "err", "steps")}
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "cwd": str(cwd),
            "watched": [str(folder) for folder in watched],
            "fault": asdict(fault) if fault else None,
            "files": files,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the launcher ended"
        out, err, steps = (Path(file).read_text(encoding="utf-8", errors="replace") for file in files.values())
        return Ended(int(answer), out, err, tuple(_step(line) for line in steps.splitlines()))

    def close(self) -> None:
        self._process.communicate()


def _step(line: str) -> Step:
    number, kind, what, caller, fails = line.split("\t")
    return Step(int(number), kind, what, caller, bool(fails))


# --- the process that forks ------------------------------------------------------------------------------------------


def main(folder: Path) -> None:
    """Answers requests until stdin ends, and clears up."""
    try:
        _serve()
    finally:
        server_of(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def _serve() -> None:
    import_ahead(["hybridrag.cli.app", "psycopg", "numpy", "httpx"])
    for line in sys.stdin:
        request = json.loads(line)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            _become(request, write)
        os.close(write)
        with os.fdopen(read) as modules:
            import_ahead(modules.read().split())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(code, flush=True)


def _become(request: dict[str, Any], modules: int) -> None:
    """Turns this process into one that runs the command; never returns."""
    null = os.open(os.devnull, os.O_RDONLY)
    out, err, log = (
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_APPEND, 0o600)
        for file in request["files"].values()
    )
    for number, descriptor in enumerate((null, out, err)):
        os.dup2(descriptor, number)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - the process's own
        for number, mode in enumerate(("r", "w", "w"))
    )
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    faulthandler.dump_traceback_later(_PATIENCE, exit=True)
    fault = Fault(**request["fault"]) if request["fault"] else None
    Steps(fault, watched=request["watched"], log=log).install()

    from hybridrag.cli.main import run

    code = run(request["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(modules, "w") as told:
        told.write("\n".join(sys.modules))
    os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
