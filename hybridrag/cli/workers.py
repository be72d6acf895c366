"""Workers: this program again, several times, with the same flags and settings."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from hybridrag.cli.globals import Globals
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.types import GenerationStatus
    from hybridrag.wiring.reindexing import Reindexing


def worker_command(flags: Globals, *verb: str) -> list[str]:
    """The arguments that run a verb as this command was run. Secrets are in none of them: the environment has them.

    It shows nothing but its error, as JSON.
    """
    # `-P` keeps the working folder off the module path.
    command = [sys.executable, "-P", "-m", "hybridrag", "--json", "--quiet", "--log-format=text"]
    given = {"-c": flags.collection, "--database-url": flags.database_url, "--config": flags.config}
    for flag, value in given.items():
        if value is not None:
            command += [flag, value]
    if flags.offline:
        command.append("--offline")
    return [*command, *verb]


def fill_together(session: Session, work_of: Reindexing, one: GenerationStatus, number: int) -> None:
    """Fills a generation by several processes, with a bar."""
    from hybridrag.cli.progress import progress
    from hybridrag.wiring.workers import work_together

    generation, started = one.generation, time.monotonic()
    session.notice(f"generation {generation.id}: {generation.model}, {number} workers")
    command = worker_command(session.flags, "reindex", "work", str(generation.id), "--supervised")
    with progress(quiet=session.flags.quiet, verbose=session.flags.verbose) as shown:
        work_together(session.wiring, work_of, one, number=number, command=command, progress=shown)
    session.notice(f"generation {generation.id}: {number} workers, {time.monotonic() - started:.1f} s")
