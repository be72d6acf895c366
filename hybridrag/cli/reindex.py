"""`hybridrag reindex`: another model, or other chunks, behind a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.console import local_time
from hybridrag.cli.options import ChunkTokens, Dims, DryRun, Embedder, Precision, TextSearch, Wait, Workers
from hybridrag.cli.reindex_compare import compare
from hybridrag.cli.reindex_files import export_, import_
from hybridrag.cli.reindex_plan import plan
from hybridrag.cli.reindex_run import run
from hybridrag.cli.reindex_shown import show, status_json
from hybridrag.cli.session import Session
from hybridrag.errors import ModelError
from hybridrag.flows.promotion import GRACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridrag.types import GenerationStatus
    from hybridrag.wiring.reindexing import Reindexing

app = typer.Typer(
    help="A new index beside the one that serves: built, judged, promoted, taken back.", no_args_is_help=True
)

Chosen = Annotated[int | None, typer.Argument(metavar="[GENERATION]", help="Its number; the newest if left out.")]


@app.command("status")
def status(context: typer.Context) -> int:
    """Shows the generations of a collection and what they lack. Example: hybridrag reindex status"""
    session = Session.of(context)
    session.say_collection()
    found = reindexing(session).status()
    if session.flags.json:
        _print(session, found)
    else:
        show(found)
    return 0


@app.command("start")
def start(
    context: typer.Context,
    embedder: Embedder = None,
    dims: Dims = None,
    precision: Precision = None,
    chunk_tokens: ChunkTokens = None,
    text_search: TextSearch = None,
    wait: Wait = 0,
) -> int:
    """Begins a new generation: everything is queued for it, and what changes from now on too. Nothing is embedded yet.

    Example: hybridrag reindex start --embedder bge-small-en-v1.5      then: hybridrag reindex work
    """
    session = Session.of(context, embedder=embedder, dims=dims, precision=precision)
    session.say_collection()
    work_of = reindexing(session, wait=wait)
    begun = work_of.start(work_of.wanted(chunk_tokens=chunk_tokens, text_search=text_search))
    if session.flags.json:
        _print(session, [begun])
    else:
        show([begun])
        if not begun.complete or begun.generation.state == "building":
            session.notice("hybridrag reindex work brings in what is waiting")
        else:
            session.notice(f"it lacks nothing: hybridrag reindex promote {begun.generation.id} has it serve")
    return 0


@app.command("work")
def work(
    context: typer.Context,
    generation: Chosen = None,
    workers: Workers = 1,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
) -> int:
    """Brings in what generations lack: documents chunked, texts embedded, an index made. Any number of workers may run.

    Example: hybridrag reindex work      on another host: hybridrag reindex work --database-url postgresql://db/rag
    """
    from hybridrag.cli.workers import fill, fill_together
    from hybridrag.flows.workers import end_with_parent
    from hybridrag.store import GenerationGone

    if supervised:
        end_with_parent()
    session = Session.of(context)
    session.say_collection()
    work_of = reindexing(session)
    chosen = [work_of.candidate(generation)] if generation is not None else work_of.lacking()
    if not chosen:
        session.notice("nothing is waiting")
    for one in chosen:
        try:
            if workers > 1:
                fill_together(session, work_of, one, workers)
            else:
                fill(session, work_of, one)
        except GenerationGone as exc:
            if generation is not None:
                raise
            session.notice(exc.message)
        except ModelError as exc:
            if generation is not None or one.generation.state != "retired":
                raise
            session.notice(f"generation {one.generation.id} is not brought up to date: {exc.message}")
    numbers = {one.generation.id for one in chosen}
    done = [one for one in work_of.status() if one.generation.id in numbers]
    if session.flags.json:
        _print(session, done)
    elif done:
        show(done)
    return 0


@app.command("inspect")
def inspect(context: typer.Context) -> int:
    """Searches documents for personal data again, after detectors have changed, so that no question waits for it.

    Example: hybridrag reindex inspect
    """
    from hybridrag.cli.progress import progress

    session = Session.of(context)
    session.say_collection()
    flags = session.flags
    with progress(quiet=flags.quiet, verbose=flags.verbose, doing="searching", before="") as shown:
        searched = reindexing(session).reinspect(progress=shown)
    if session.flags.json:
        collection = session.settings.collection
        session.json({"schema": "hybridrag.reindex_inspect/1", "collection": collection, "searched": searched})
    else:
        session.notice(f"{searched:,} documents were searched again")
    return 0


@app.command("promote")
def promote(
    context: typer.Context,
    generation: Chosen = None,
    share: Annotated[
        int | None,
        typer.Option("--share", metavar="PERCENT", min=0, max=100, help="Only so many of the questions; 0 for none."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Even if its last gate was not passed.")] = False,
    wait: Wait = 0,
) -> int:
    """Has a generation serve from now on, in one moment. The one before stays for a way back.

    Examples: hybridrag reindex promote      hybridrag reindex promote --share 10      hybridrag reindex promote 3
    """
    from hybridrag.cli.workers import filling

    session = Session.of(context)
    session.say_collection()
    work_of = reindexing(session, wait=wait)
    chosen = work_of.candidate(generation)
    with filling(session) as shown:
        done = work_of.promote(chosen, progress=shown, share=share, force=force)
    return _served(session, done, before=work_of.collection.generation.id, way_back="rollback")


@app.command("rollback")
def rollback(context: typer.Context, wait: Wait = 0) -> int:
    """Has the generation serve again that served before, with all that changed since.

    Example: hybridrag reindex rollback
    """
    from hybridrag.cli.workers import filling

    session = Session.of(context)
    session.say_collection()
    work_of = reindexing(session, wait=wait)
    with filling(session) as shown:
        done = work_of.rollback(progress=shown)
    before = work_of.collection.generation.id
    return _served(session, done, before=before, way_back=f"promote {before}")


@app.command("gc")
def gc(
    context: typer.Context,
    generations: Annotated[
        list[int] | None,
        typer.Argument(metavar="[GENERATION...]", help="These; else all whose grace period is over."),
    ] = None,
    grace: Annotated[
        str, typer.Option("--grace", metavar="AGE", help="How long a retired generation is kept: 7d, 12h, 0.")
    ] = f"{GRACE.days}d",
    dry_run: DryRun = False,
    wait: Wait = 0,
) -> int:
    """Removes generations that no longer serve, once there is no need of a way back to them.

    Examples: hybridrag reindex gc      hybridrag reindex gc --grace 0      hybridrag reindex gc 4
    """
    from hybridrag.flows.moments import age

    session = Session.of(context)
    session.say_collection()
    collected = reindexing(session, wait=wait).collect(
        grace=age(grace, option="--grace"), named=generations or (), dry_run=dry_run
    )
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.reindex_gc/1",
                "collection": session.settings.collection,
                "dry_run": dry_run,
                "dropped": [status_json(one) for one in collected.dropped],
                "kept": [{**status_json(one), "until": until.isoformat()} for one, until in collected.kept],
            }
        )
        return 0
    for one in collected.dropped:
        verb = "would be dropped" if dry_run else "dropped"
        session.notice(f"generation {one.generation.id} ({one.generation.model}, {one.generation.state}): {verb}")
    for one, until in collected.kept:
        session.notice(f"generation {one.generation.id} ({one.generation.model}) is kept until {local_time(until)}")
    if not collected.dropped and not collected.kept:
        session.notice("nothing to drop")
    return 0


app.command("plan")(plan)
app.command("compare")(compare)
app.command("run")(run)
app.command("export")(export_)
app.command("import")(import_)


def reindexing(session: Session, *, wait: float = 0) -> Reindexing:
    from hybridrag.wiring.reindexing import Reindexing

    return Reindexing(session.wiring, wait=wait)


def _served(session: Session, done: GenerationStatus, *, before: int, way_back: str) -> int:
    """Tells what serves now, where generation `before` did."""
    generation = done.generation
    if session.flags.json:
        _print(session, [done])
    elif generation.id == before:
        session.notice(f"generation {before} ({generation.model}) serves already; nothing was changed")
    elif generation.state == "active":
        session.notice(
            f"generation {generation.id} ({generation.model}) serves now; the way back: hybridrag reindex {way_back}"
        )
    else:
        session.notice(f"generation {generation.id} ({generation.model}) answers {generation.share}% of the questions")
    return 0


def _print(session: Session, found: Sequence[GenerationStatus]) -> None:
    session.json(
        {
            "schema": "hybridrag.reindex/1",
            "collection": session.settings.collection,
            "generations": [status_json(one) for one in found],
        }
    )
