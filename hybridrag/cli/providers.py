"""`hybridrag providers list|show|test`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.store.spending import Spent
    from hybridrag.wiring.providers import Providers

app = typer.Typer(
    help="Chat providers: addresses, prices, what they keep, and whether they answer.", no_args_is_help=True
)

_NAME = typer.Argument(metavar="NAME|URL", help="A name of `providers list`, or any OpenAI-compatible address.")


@app.command("list")
def list_(context: typer.Context) -> int:
    """Lists the providers that are known, yours among them, and what today has cost. Sends nothing.

    A key is never shown, only whether its variable is set.

    Examples: hybridrag providers list      hybridrag providers list --json
    """
    from hybridrag.cli.providers_shown import print_providers, provider_json, spent_json, spent_line

    session = Session.of(context)
    shown, spent = _providers(session).all(), _spent(session)
    settings = session.settings
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.providers/1",
                "chosen": settings.provider or None,
                "providers": [provider_json(each) for each in shown],
                "today": spent_json(spent, settings.max_cost_usd),
            }
        )
        return 0
    print_providers(shown, chosen=settings.provider)
    if spent is not None:
        session.notice(spent_line(spent, settings.max_cost_usd))
    return 0


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, _NAME],
    llm: Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")] = None,
) -> int:
    """Tells all that is known of a provider, and where each fact is from. Sends nothing.

    Examples: hybridrag providers show together      hybridrag providers show https://llm.example.com/v1 --json
    """
    from hybridrag.cli.providers_shown import print_provider, provider_json, spent_json, spent_line

    session = Session.of(context, provider=name, llm=llm)
    shown, spent = _providers(session).one(name), _spent(session)
    limit = session.settings.max_cost_usd
    if session.flags.json:
        session.json({"schema": "hybridrag.provider/1", **provider_json(shown), "today": spent_json(spent, limit)})
        return 0
    print_provider(shown)
    if spent is not None:
        session.notice(spent_line(spent, limit))
    return 0


@app.command("test")
def test(
    context: typer.Context,
    name: Annotated[str, _NAME],
    llm: Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")] = None,
) -> int:
    """Asks a provider for a few words, to see that it answers, how fast, and at what cost.

    Nothing of your documents is sent. The request is in the ledger and under the budget as any other.

    Examples: hybridrag providers test together      hybridrag providers test ollama --llm qwen3:8b
    """
    from hybridrag.cli.providers_shown import print_tried, tried_json

    session = Session.of(context, provider=name, llm=llm)
    tried = _providers(session).tried()
    if session.flags.json:
        session.json({"schema": "hybridrag.provider_test/1", **tried_json(tried)})
    else:
        print_tried(tried)
    return 0


def _spent(session: Session) -> Spent | None:
    """What today has cost; None where that cannot be told, which a line says where there is a budget."""
    from hybridrag.errors import DatabaseError

    try:
        return _providers(session).spent()
    except DatabaseError as exc:
        session.notice(f"what today has cost is not known: {exc.message}")
        return None


def _providers(session: Session) -> Providers:
    from hybridrag.wiring.providers import Providers

    return Providers(session.wiring)
