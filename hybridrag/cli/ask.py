"""`hybridrag ask`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.answers import AnswerWriter, answer_json, check_chosen, check_grounded, show_answer
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.types import Answer


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to answer; - reads it from stdin.")],
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider", metavar="NAME|URL", help="A name of `hybridrag providers list`, or an OpenAI-compatible URL."
        ),
    ] = None,
    llm: Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")] = None,
    fallback: Annotated[
        str | None, typer.Option("--fallback", metavar="NAME,...", help="Whom to ask next where the provider fails.")
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost-usd", metavar="USD", help="What all requests of a day may cost.")
    ] = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="Number of passages.", min=1, max=50)] = 8,
    filter_: Annotated[str, typer.Option("--filter", metavar="EXPR", help="As for search.")] = "",
    rerank: Annotated[bool | None, typer.Option("--rerank/--no-rerank", help="As for search.")] = None,
    show_outbound: Annotated[
        bool, typer.Option("--show-outbound", help="Print the exact request that would leave, and stop.")
    ] = False,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show the answer as it comes.")] = True,
    require_grounded: Annotated[
        bool, typer.Option("--require-grounded", help="Withhold an answer with a sentence that no passage bears out.")
    ] = False,
    require_provider: Annotated[
        bool, typer.Option("--require-provider", help="Fail rather than answer without a provider.")
    ] = False,
) -> int:
    """Answers a question from your documents, with citations.

    Without a provider the answer is made of the documents' own sentences, and nothing leaves this machine.

    Examples: hybridrag ask 'Who approves travel?'      hybridrag ask --provider together 'Who approves travel?'
    """
    from hybridrag.cli.questions import question_of
    from hybridrag.errors import UsageError
    from hybridrag.retrieval import parse_filter
    from hybridrag.types import Query

    session = Session.of(context, provider=provider, llm=llm, fallback=fallback, max_cost_usd=max_cost)
    query = Query(
        text=question_of(question),
        k=k,
        filter=parse_filter(filter_),
        rerank=session.wiring.settings.rerank if rerank is None else rerank,
        unit="passage",
    )
    check_chosen(session, llm=llm, fallback=fallback)
    session.say_collection()
    wiring = session.wiring
    if not wiring.has_provider:
        if show_outbound or require_provider:
            raise UsageError("no provider is chosen", hint="add --provider NAME; `hybridrag providers list` shows them")
        session.notice(wiring.provider.advice())
        answer = wiring.extract(query)
        check_grounded(answer, required=require_grounded)
        _finish(session, answer, streamed=False, filtered=bool(filter_))
        return 0
    if show_outbound:
        body = wiring.outbound(query)
        sys.stdout.flush()
        sys.stdout.buffer.write(body + b"\n")  # the very bytes, whatever the terminal's encoding
        return 0
    # What may have to be withheld cannot be shown as it comes.
    live = stream and not session.flags.json and not require_grounded
    with AnswerWriter() as writer:
        answer = wiring.ask(query, on_text=writer if live else lambda _: None)
    check_grounded(answer, required=require_grounded)
    _finish(session, answer, streamed=live and writer.wrote, filtered=bool(filter_))
    return 0


def _finish(session: Session, answer: Answer, *, streamed: bool, filtered: bool) -> None:
    places, freshness = session.wiring.whereabouts(answer)
    if session.flags.json:
        session.json(answer_json(answer, places=places, freshness=freshness))
        return
    show_answer(
        answer,
        streamed=streamed,
        verbose=session.flags.verbose,
        quiet=session.flags.quiet,
        places=places,
        freshness=freshness,
    )
    if answer.abstained and filtered:
        session.notice("note: only documents that pass --filter were looked at")
