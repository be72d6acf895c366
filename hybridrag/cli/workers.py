"""Workers: this program again, several times, with the same flags and settings."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hybridrag.cli.globals import Globals
from hybridrag.cli.reindex_shown import waiting
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.flows.progress import Progress
    from hybridrag.flows.reindex import Worked
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


def fill(session: Session, work_of: Reindexing, one: GenerationStatus) -> Worked:
    """Fills a generation in this process, with a bar."""
    generation = one.generation
    session.notice(f"generation {generation.id}: {generation.model}, waiting: {waiting(one)}")
    with filling(session) as shown:
        worked = work_of.work(one, progress=shown)
    rate = f", {worked.tokens / worked.seconds:,.0f} tokens/s" if worked.tokens and worked.seconds else ""
    session.notice(
        f"generation {generation.id}: {worked.documents:,} documents chunked, {worked.embedded:,} texts embedded, "
        f"{worked.reused:,} reused, {worked.seconds:.1f} s{rate}"
    )
    return worked


def filling(session: Session) -> AbstractContextManager[Progress]:
    """How far a generation is with what it lacks; nothing is told before that is known."""
    from hybridrag.cli.progress import progress

    flags = session.flags
    return progress(quiet=flags.quiet, verbose=flags.verbose, doing="embedding", unit="texts", before="")


def worked_json(worked: Worked) -> dict[str, Any]:
    """What one worker did, as a report has it."""
    return {
        "documents": worked.documents,
        "embedded": worked.embedded,
        "reused": worked.reused,
        "tokens": worked.tokens,
        "seconds": round(worked.seconds, 3),
    }


def fill_together(session: Session, work_of: Reindexing, one: GenerationStatus, number: int) -> None:
    """Fills a generation by several processes, with a bar."""
    from hybridrag.wiring.workers import work_together

    generation, started = one.generation, time.monotonic()
    session.notice(f"generation {generation.id}: {generation.model}, {number} workers")
    command = worker_command(session.flags, "reindex", "work", str(generation.id), "--supervised")
    with filling(session) as shown:
        work_together(session.wiring, work_of, one, number=number, command=command, progress=shown)
    session.notice(f"generation {generation.id}: {number} workers, {time.monotonic() - started:.1f} s")
