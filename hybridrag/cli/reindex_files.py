"""`hybridrag reindex export` and `reindex import`: vectors embedded on one machine, served by another."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.console import shown_bytes
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.flows.progress import Progress
    from hybridrag.wiring.vector_files import VectorFiles


def export_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The Parquet file to write.")],
    generation: Annotated[
        int | None, typer.Option("--generation", metavar="ID", help="Its number; the active one if left out.")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", metavar="MODEL", help="The generation of this model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> int:
    """Writes the vectors of a generation to a Parquet file, without any text, for another database with the same texts.

    Example: hybridrag reindex export vectors.parquet
    """
    session = Session.of(context)
    session.say_collection()
    with _counting(session, "exporting") as shown:
        done = _files(session).export(file, generation=generation, model=embedder, force=force, progress=shown)
    facts = done.facts
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.reindex_export/1",
                "collection": session.settings.collection,
                "file": str(done.file),
                "generation": {"id": done.generation.id, "model": facts.model, "fingerprint": facts.fingerprint},
                "dimensions": facts.dimensions,
                "vectors": facts.count,
                "sha256": facts.sha256,
                "bytes": done.bytes,
                "complete": done.complete,
            }
        )
        return 0
    session.notice(f"{facts.count:,} vectors of generation {done.generation.id} ({facts.model}) in {done.file}")
    session.notice(f"{shown_bytes(done.bytes)}, SHA-256 of the vectors {facts.sha256}")
    if not done.complete:
        session.notice("the generation is not complete; these are those that it has")
    return 0


def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files that `reindex export` wrote.")],
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Embed some of the texts here too, and refuse files that differ."),
    ] = True,
) -> int:
    """Takes vectors that were embedded elsewhere into the generation of the same model; what is there already stays.

    Example: hybridrag reindex start --embedder bge-small-en-v1.5   then: hybridrag reindex import vectors.parquet
    """
    from hybridrag.cli.reindex_shown import show, status_json

    session = Session.of(context)
    session.say_collection()
    with _counting(session, "importing") as shown:
        report = _files(session).take(files, verify=verify, progress=shown)
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.reindex_import/1",
                "collection": session.settings.collection,
                "files": [
                    {
                        "file": str(one.file),
                        "generation": one.generation,
                        "vectors": one.vectors,
                        "taken": one.taken,
                        "present": one.present,
                        "unused": one.unused,
                        "compared": one.compared,
                    }
                    for one in report.files
                ],
                "generations": [status_json(one) for one in report.generations],
            }
        )
        return 0
    for one in report.files:
        compared = f"; {one.compared} compared with the model here" if one.compared else ""
        session.notice(
            f"{one.file}: {one.taken:,} vectors taken, {one.present:,} were there, {one.unused:,} that no chunk holds"
            f"{compared}"
        )
    show(report.generations)
    if any(not one.complete or one.generation.state == "building" for one in report.generations):
        session.notice("hybridrag reindex work brings in what is waiting")
    return 0


def _files(session: Session) -> VectorFiles:
    from hybridrag.wiring.vector_files import VectorFiles

    return VectorFiles(session.wiring)


def _counting(session: Session, doing: str) -> AbstractContextManager[Progress]:
    from hybridrag.cli.progress import progress

    flags = session.flags
    return progress(quiet=flags.quiet, verbose=flags.verbose, doing=doing, unit="vectors", before="")
