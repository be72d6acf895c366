"""The command tree. Verbs live in modules of their own and import what they need when they run."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Annotated

import typer

from hybridrag.cli import (
    ask,
    chat,
    collections,
    config,
    db,
    doctor,
    documents,
    eval,
    ingest,
    ledger,
    models,
    policy,
    providers,
    redact,
    reindex,
    search,
    sources,
    sync,
)
from hybridrag.cli.globals import Globals

app = typer.Typer(
    name="hybridrag",
    help="Answers from your own documents. Parsing, embedding and search stay on this machine; a cloud LLM, if you "
    "choose one, receives only retrieved and redacted passages.",
    epilog="Start with: hybridrag ingest ./docs   then   hybridrag ask 'your question'. "
    "Global flags may stand before or after the verb.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import hybridrag

        typer.echo(f"hybridrag {hybridrag.__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    collection: Annotated[
        str | None, typer.Option("--collection", "-c", metavar="NAME", help="The collection to use.")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", metavar="URL", help="A PostgreSQL of your own, without a password in it."),
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A settings file, trusted like your own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="No connection but to the database and local providers.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notices and no progress.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More on what happens.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the cause of an error.")] = False,
    log_format: Annotated[
        str | None, typer.Option("--log-format", metavar="FORMAT", help="text, or json: one object a line on stderr.")
    ] = None,
    _shown: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    context.obj = Globals(
        collection=collection,
        database_url=database_url,
        config=str(config_file) if config_file else None,
        json=json,
        offline=offline,
        quiet=quiet,
        verbose=verbose,
        debug=debug,
        log_format=log_format,
    )


_GLOBAL = "Global flags, before or after the verb: -c NAME, --json, --offline, -q, -v and more: hybridrag --help."

app.command("ingest", epilog=_GLOBAL)(ingest.ingest)
app.command("sync", epilog=_GLOBAL)(sync.sync)
app.command("search", epilog=_GLOBAL)(search.search)
app.command("ask", epilog=_GLOBAL)(ask.ask)
app.command("chat", epilog=_GLOBAL)(chat.chat)
app.command("redact", epilog=_GLOBAL)(redact.redact)
app.add_typer(sources.app, name="sources")
app.add_typer(documents.app, name="documents")
app.add_typer(collections.app, name="collections")
app.add_typer(models.app, name="models")
app.add_typer(eval.app, name="eval")
app.add_typer(reindex.app, name="reindex")
app.add_typer(ledger.app, name="ledger")
app.add_typer(policy.app, name="policy")
app.add_typer(providers.app, name="providers")
app.add_typer(db.app, name="db")
app.command("doctor")(doctor.doctor)
app.add_typer(config.app, name="config")


@functools.cache
def only(verb: str) -> typer.Typer:
    """The command line with no other verb than this one; all of them where there is none of that name.

    For each option, typer compiles and evaluates what it is annotated with: 50 ms for all verbs, 5 to 20 for one, and
    whoever named one sees nothing of the others.
    """
    narrowed = copy.copy(app)
    narrowed.registered_commands = [command for command in app.registered_commands if command.name == verb]
    narrowed.registered_groups = [group for group in app.registered_groups if group.name == verb]
    return narrowed if narrowed.registered_commands or narrowed.registered_groups else app
