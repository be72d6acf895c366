"""`hybridrag chat`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

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
from hybridrag.cli.chat_loop import Loop
from hybridrag.cli.console import local_time
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.flows.chat import Chat
    from hybridrag.privacy.conversation import Conversation
    from hybridrag.privacy.conversations import Conversations, Kept
    from hybridrag.types import Query


def chat(
    context: typer.Context,
    provider: Provider = None,
    llm: Llm = None,
    fallback: Fallback = None,
    max_cost: MaxCost = None,
    k: Passages = 8,
    filter_: Filtered = "",
    rerank: Rerank = None,
    stream: Stream = True,
    require_grounded: RequireGrounded = False,
    require_provider: RequireProvider = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Keep the conversation, encrypted, under this name.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="NAME", help="Take up a conversation that was kept.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the conversations that were kept, and stop.")] = False,
    forget: Annotated[
        str | None, typer.Option("--forget", metavar="NAME", help="Remove a conversation that was kept, and stop.")
    ] = None,
) -> int:
    """Answers questions that may lean on the ones before, as `ask` does. Questions are read line by line.

    Nothing of it is kept unless it has a name. Lines that begin with / are commands: /help shows them.

    Examples: hybridrag chat      hybridrag chat --name onboarding      hybridrag chat --json < questions.txt
    """
    from hybridrag.cli.answers import check_chosen
    from hybridrag.retrieval import parse_filter
    from hybridrag.types import Query

    if sum((name is not None, resume is not None, list_, forget is not None)) > 1:
        raise UsageError("--name, --resume, --list and --forget exclude each other", hint="give one of them")
    flags = {"provider": provider, "llm": llm, "fallback": fallback, "max_cost_usd": max_cost}
    session = Session.of(context, **flags)
    saved = session.wiring.privacy.conversations
    if list_:
        _list(session, saved)
        return 0
    if forget is not None:
        saved.forget(forget)
        session.notice(f"the conversation {forget} was removed")
        return 0
    check_chosen(session, llm=llm, fallback=fallback)
    if require_provider and not session.wiring.has_provider:
        raise UsageError("no provider is chosen", hint="add --provider NAME; `hybridrag providers list` shows them")
    query = Query(
        text="",
        k=k,
        filter=parse_filter(filter_),
        rerank=session.settings.rerank if rerank is None else rerank,
        unit="passage",
    )
    with ExitStack() as held:
        kept, before = None, None
        if resume is not None:
            kept, before = held.enter_context(saved.resumed(resume))
            session = _where_it_was(context, session, before, **flags)
        elif name is not None:
            kept = held.enter_context(saved.new(name))
        talk = _begun(session, query, kept, before)
        live = stream and not session.flags.json and not require_grounded
        return Loop(
            session,
            talk,
            live=live,
            require_grounded=require_grounded,
            keep=lambda chosen: talk.keep(held.enter_context(saved.new(chosen))),
        ).run()


def _where_it_was(context: typer.Context, session: Session, before: Conversation, **flags: str | None) -> Session:
    """The session for the collection that a conversation is about."""
    chosen = session.flags.collection
    if chosen is not None and chosen != before.collection:
        raise UsageError(
            f"that conversation is about the collection {before.collection}, not {chosen}", hint="leave -c out"
        )
    return Session.of(context, collection=before.collection, **flags)


def _begun(session: Session, query: Query, kept: Kept | None, before: Conversation | None) -> Chat:
    from hybridrag.flows.chat import Chat
    from hybridrag.privacy.conversation import Conversation
    from hybridrag.wiring.chatting import Chatting

    wiring = session.wiring
    collection = wiring.collection()
    if before is None:
        session.say_collection()
        before = Conversation(collection.name, collection.generation.id)
    elif before.generation != collection.generation.id:
        session.notice("the index was built anew since this conversation was kept")
    if not wiring.has_provider:
        session.notice(wiring.provider.advice())
    return Chat(Chatting(wiring, query), before, kept=kept, notify=session.notice)


def _list(session: Session, saved: Conversations) -> None:
    found = saved.listed()
    if session.flags.json:
        rows = [{"name": each.name, "bytes": each.size, "written": each.written.isoformat()} for each in found]
        session.json({"schema": "hybridrag.chats/1", "conversations": rows})
        return
    if not found:
        session.notice("no conversation was kept; hybridrag chat --name NAME keeps one")
    for each in found:
        sys.stdout.write(f"{each.name}  {local_time(each.written)}\n")
