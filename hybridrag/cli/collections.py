"""`hybridrag collections list|show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import local_time, printable, stdout
from hybridrag.cli.reindex_shown import waiting
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.store.runs import RunRecord
    from hybridrag.types import GenerationStatus

app = typer.Typer(help="The indexes of this database.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that `eval` made of datasets.")] = False,
) -> int:
    """Shows the collections with their model and size. Example: hybridrag collections list --json"""
    from hybridrag.wiring.evaluating import HIDDEN

    session = Session.of(context)
    found = session.wiring.store.list_collections()
    rows = [row for row in found if every or not row["name"].startswith(HIDDEN)]
    if hidden := len(found) - len(rows):
        session.notice(f"{hidden} collections of datasets ({HIDDEN}*) are not shown; --all shows them")
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.collections/1",
                "collections": [_collection_json(row) for row in rows],
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("collection", "model", "documents", "chunks", "last ingest"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            printable(row["embedder"]),
            str(row["documents"]),
            str(row["chunks"]),
            _last_ingest(row),
        )
    stdout().print(table)
    return 0


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="As -c; the chosen collection if left out.")
    ] = None,
) -> int:
    """Shows one collection: its model, size and languages, how old it is, and what its last runs did.

    Example: hybridrag collections show handbook
    """
    from hybridrag.flows.languages import named
    from hybridrag.store import unknown_collection
    from hybridrag.store.generations import Generations
    from hybridrag.store.problems import open_problems
    from hybridrag.store.runs import last_runs

    session = Session.of(context)
    wanted = name or session.settings.collection
    store = session.wiring.store
    collection = store.find_collection(wanted)
    row = next((row for row in store.list_collections() if row["name"] == wanted), None)
    if collection is None or row is None:
        raise unknown_collection(wanted)
    languages = store.count_languages(collection)
    generations = Generations(store.url).list(collection)
    runs = last_runs(store.url, collection, most=_RUNS)
    done = next((run for run in runs if run.outcome == "done"), None)
    problems = open_problems(store.url, collection)
    if session.flags.json:
        known = {code: number for code, number in languages.items() if code}
        session.json(
            {
                "schema": "hybridrag.collection/1",
                **_collection_json(row),
                "languages": known,
                "age_seconds": round(done.age_seconds, 1) if done else None,
                "last_success": _run_json(done) if done else None,
                "last_run": _run_json(runs[0]) if runs else None,
                "runs": [_run_json(run) for run in runs[:_SHOWN_RUNS]],
                "problems": len(problems),
                "generations": [_generation_json(status) for status in generations],
            }
        )
        return 0
    shown = [f"{named(code) if code else 'not sure'} {number}" for code, number in languages.items()]
    out = stdout()
    out.print(f"collection:  {wanted}")
    out.print(f"model:       {printable(row['embedder'])}, {row['dimensions']} dimensions")
    out.print(f"documents:   {row['documents']}, in {row['chunks']} chunks")
    out.print(f"languages:   {', '.join(shown) or 'none'}")
    out.print(f"last ingest: {_last_ingest(row)}")
    out.print(f"up to date:  {_age(done)}")
    out.print(f"last run:    {_run_line(runs[0]) if runs else 'none'}")
    for status in generations:
        out.print(f"generation:  {_generation_line(status)}")
    failed = sum(problem.failed for problem in problems)
    out.print(f"problems:    {failed} failed, {len(problems) - failed} left out")
    if problems:
        session.notice(f"hybridrag documents list --problems -c {wanted} shows them")
    return 0


_RUNS = 200
"""As many as are remembered."""
_SHOWN_RUNS = 20


def _age(done: RunRecord | None) -> str:
    from hybridrag.flows.freshness import span

    return f"{span(done.age_seconds)} ago" if done else "never"


def _run_line(run: RunRecord) -> str:
    counted = [f"{run.counts[name]} {name}" for name in _COUNTED if run.counts.get(name)]
    told = ", ".join(counted) or "nothing changed"
    error = f"; {printable(run.message or run.error)}" if run.error else ""
    who = f", process {run.pid} of {run.user} on {run.host}"
    began = f"{run.verb} of {local_time(run.started_at)}"
    return f"{began}, {run.outcome} after {run.seconds:.1f} s: {told}{error}{printable(who)}"


_COUNTED = ("added", "updated", "unchanged", "removed", "moved", "skipped", "failed", "refused")


def _run_json(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "verb": run.verb,
        "outcome": run.outcome,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "seconds": round(run.seconds, 3),
        "age_seconds": round(run.age_seconds, 1),
        "host": run.host,
        "user": run.user,
        "pid": run.pid,
        "counts": dict(run.counts),
        "error": run.error,
        "message": run.message,
    }


def _generation_line(status: GenerationStatus) -> str:
    generation = status.generation
    share = f", answers {generation.share}% of the questions" if generation.share else ""
    lacking = "" if status.complete else f", waiting: {waiting(status)}"
    return f"{generation.id}, {generation.state}: {printable(generation.model)}{share}{lacking}"


def _generation_json(status: GenerationStatus) -> dict[str, Any]:
    generation = status.generation
    return {
        "id": generation.id,
        "state": generation.state,
        "model": generation.model,
        "fingerprint": generation.fingerprint,
        "share": generation.share,
        "complete": status.complete,
    }


def _collection_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "embedder": row["embedder"],
        "text_search": row["text_search"],
        "generation": {"id": row["generation"], "model": row["model"], "fingerprint": row["fingerprint"]},
        "dimensions": row["dimensions"],
        "documents": row["documents"],
        "chunks": row["chunks"],
        "ingested_at": row["ingested_at"].isoformat() if row["ingested_at"] else None,
    }


def _last_ingest(row: dict[str, Any]) -> str:
    when = row["ingested_at"]
    return local_time(when) if when else "never"
