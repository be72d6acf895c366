"""`hybridrag reindex run`: all of it in one command, for CI."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.options import ChunkTokens, Dims, Embedder, Precision, TextSearch, Wait, Workers
from hybridrag.cli.reindex_shown import status_json
from hybridrag.cli.session import Session
from hybridrag.errors import BelowBaseline, UsageError

if TYPE_CHECKING:
    from hybridrag.types import GenerationStatus
    from hybridrag.wiring.reindexing import Reindexing


def run(
    context: typer.Context,
    embedder: Embedder = None,
    gate: Annotated[
        Path | None, typer.Option("--gate", metavar="FILE", help="What the new generation must reach (TOML).")
    ] = None,
    dims: Dims = None,
    precision: Precision = None,
    chunk_tokens: ChunkTokens = None,
    text_search: TextSearch = None,
    workers: Workers = 1,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Have it serve once the gate is passed.")
    ] = True,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the JSON report there as well.")
    ] = None,
    wait: Wait = 600,
) -> int:
    """Builds a generation, puts it to a gate and promotes it. Run again after a failure, it goes on where it was.

    Where the gate is not passed, the exit code is 10, and the generation serves on that did before.

    Examples: hybridrag reindex run --embedder bge-small-en-v1.5 --gate gate.toml
    hybridrag reindex run --embedder ./our-model --no-promote --report report.json
    """
    from hybridrag.cli.workers import fill, fill_together, filling, worked_json
    from hybridrag.evaluation.files import check_place
    from hybridrag.evaluation.gate import read_gate
    from hybridrag.store.generations import AlreadyServing
    from hybridrag.wiring.reindexing import Reindexing

    if gate is None and promote:
        raise UsageError(
            "without a gate nothing tells whether the new generation is as good as the one that serves",
            hint="name one with --gate FILE, or add --no-promote",
        )
    session = Session.of(context, embedder=embedder, dims=dims, precision=precision)
    session.say_collection()
    # Before hours are spent for a gate that cannot be read, or a report that cannot be written.
    if gate is not None:
        read_gate(gate)
    if report is not None:
        check_place(report, "report", read=[gate] if gate is not None else [])
    outcome = _Outcome(session, report)
    reindexing = Reindexing(session.wiring, wait=wait)
    active = reindexing.candidate(reindexing.collection.generation.id)
    try:
        wanted = reindexing.wanted(chunk_tokens=chunk_tokens, text_search=text_search)
        status = reindexing.start(wanted)
    except AlreadyServing as exc:
        session.notice(exc.message)
        return outcome.told(active, previous=active)
    if workers > 1:
        fill_together(session, reindexing, status, workers)
    else:
        outcome.worked = worked_json(fill(session, reindexing, status))
    reasons = _judged(session, reindexing, gate, status, outcome) if gate is not None else ()
    status = reindexing.candidate(status.generation.id)
    if promote and not reasons:
        with filling(session) as shown:
            status = reindexing.promote(status, progress=shown)
    outcome.told(status, previous=active)
    if reasons:
        raise BelowBaseline(
            f"generation {status.generation.id} did not pass the gate: {'; '.join(reasons)}",
            hint=f"generation {active.generation.id} serves as before; `hybridrag reindex compare` shows the other one",
        )
    return 0


def _judged(
    session: Session, reindexing: Reindexing, gate: Path, status: GenerationStatus, outcome: _Outcome
) -> tuple[str, ...]:
    """The demands of a gate that a generation does not meet."""
    from hybridrag.cli.eval_progress import asking
    from hybridrag.flows.gate import gate_json

    with asking(quiet=session.flags.quiet) as shown:
        found = reindexing.judge(gate, status, asking=shown)
    for note in found.notes:
        session.notice(note)
    outcome.gate = gate_json(found)
    if found.passed and found.run is not None:
        session.notice(f"generation {status.generation.id} passed the gate, with {len(found.run.texts):,} questions")
    return found.reasons


class _Outcome:
    """The `hybridrag.reindex_run/1` object as it grows."""

    def __init__(self, session: Session, file: Path | None) -> None:
        self._session = session
        self._file = file
        self._started = time.perf_counter()
        self.worked: dict[str, Any] | None = None
        self.gate: dict[str, Any] | None = None

    def told(self, status: GenerationStatus, *, previous: GenerationStatus) -> int:
        """Shows it, and writes it into the file."""
        generation = status.generation
        value = {
            "schema": "hybridrag.reindex_run/1",
            "collection": self._session.settings.collection,
            "generation": status_json(status),
            "previous": previous.generation.id,
            "promoted": generation.state == "active" and generation.id != previous.generation.id,
            "worked": self.worked,
            "gate": self.gate,
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        if self._file is not None:
            from hybridrag.evaluation.files import write_whole

            write_whole(self._file, json.dumps(value, indent=2, default=str) + "\n", "report")
        if self._session.flags.json:
            self._session.json(value)
        elif value["promoted"]:
            self._session.notice(
                f"generation {generation.id} ({generation.model}) serves now; the way back: hybridrag reindex rollback"
            )
        else:
            self._session.notice(f"generation {generation.id} ({generation.model}) is {generation.state}")
        return 0
