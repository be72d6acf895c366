"""`hybridrag ask`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hybridrag.cli.answers import AnswerWriter, answer_json, check_chosen, check_grounded, show_answer
from hybridrag.cli.asking_options import (
    Fallback,
    Filtered,
    Llm,
    MaxCost,
    Passages,
    Provider,
    RequireGrounded,
    RequireProvider,
    Rerank,
    Stream,
)
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.types import Answer


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to answer; - reads it from stdin.")],
    provider: Provider = None,
    llm: Llm = None,
    fallback: Fallback = None,
    max_cost: MaxCost = None,
    k: Passages = 8,
    filter_: Filtered = "",
    rerank: Rerank = None,
    show_outbound: Annotated[
        bool, typer.Option("--show-outbound", help="Print the exact request that would leave, and stop.")
    ] = False,
    stream: Stream = True,
    require_grounded: RequireGrounded = False,
    require_provider: RequireProvider = False,
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
