"""`hybridrag sync`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.ingest import report_json, show_report
from hybridrag.cli.logs import log
from hybridrag.cli.options import AllowMassDelete, AllowPrivate, DryRun, Prune, Strict
from hybridrag.cli.session import Session
from hybridrag.errors import DatabaseError, HybridragError, UsageError

if TYPE_CHECKING:
    from hybridrag.flows.ingest import IngestOptions
    from hybridrag.types import Collection


def sync(
    context: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE...]", help="Only these, as `sources list` shows them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every collection.")] = False,
    prune: Prune = True,
    allow_mass_delete: AllowMassDelete = False,
    dry_run: DryRun = False,
    strict: Strict = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file, however old it looks, and try again what failed.")
    ] = False,
    allow_private: AllowPrivate = None,
) -> int:
    """Ingests every remembered source again; what cron runs.

    Examples: hybridrag sync      hybridrag sync handbook -c work      hybridrag sync --all --quiet
    """
    from hybridrag.flows.ingest import IngestOptions

    session = Session.of(context, allow_private_addresses=allow_private)
    if every and sources:
        raise UsageError("--all is about every source of every collection", hint="name sources without it")
    if every and session.flags.collection:
        raise UsageError("--all is about every collection", hint="leave out -c, or --all")
    options = IngestOptions(
        prune=prune,
        strict=strict,
        allow_mass_delete=allow_mass_delete,
        dry_run=dry_run,
        globs=session.settings.labels,
        verify=verify,
        apart=True,
        verb="sync",
    )
    if not every:
        session.say_collection()
        _sync(session, session.wiring.collection(), sources or [], options)
        return 0
    return _sync_all(session, options)


def _sync_all(session: Session, options: IngestOptions) -> int:
    """One collection after the other, whatever becomes of one of them; the most telling error is the command's."""
    from hybridrag.cli.main import tell
    from hybridrag.wiring.evaluating import HIDDEN

    store = session.wiring.store
    names = [row["name"] for row in store.list_collections() if not row["name"].startswith(HIDDEN)]
    if not names:
        session.notice("there is no collection yet: hybridrag ingest PATH")
    codes: list[int] = []
    for name in names:
        session.notice(f"collection: {name}")
        if (found := store.find_collection(name)) is None:
            continue  # deleted a moment ago
        try:
            _sync(session, found, [], options)
        except DatabaseError:
            raise  # no other collection would fare better
        except HybridragError as exc:
            codes.append(tell(exc, session.flags))
    return min(codes, key=lambda code: _RANK.get(code, 0), default=0)


_RANK = {8: -1, 6: 1, 75: 2}
"""What is told by the exit code first: a refusal; last, that a collection is held, which mends itself."""


def _sync(session: Session, collection: Collection, names: list[str], options: IngestOptions) -> None:
    from hybridrag.cli.progress import progress

    flags = session.flags
    if found := log():
        found.know(collection=collection.name, run_id=None)
    with progress(quiet=flags.quiet, verbose=flags.verbose) as shown:
        report = session.wiring.ingesting.sync(collection, names, options=options, progress=shown)
    if found := log():
        found.know(run_id=report.run_id)
    if flags.json:
        session.json(report_json(report))
    else:
        show_report(report, quiet=flags.quiet, verbose=flags.verbose)
    for warning in report.warnings:
        session.notice(warning)
    report.check(strict=options.strict)
