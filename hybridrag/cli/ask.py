"""`hybridrag ask`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import coloured, printable, stderr
from hybridrag.cli.search import document_json, location_json, place
from hybridrag.cli.session import Session
from hybridrag.errors import NotGrounded

if TYPE_CHECKING:
    from hybridrag.types import Answer


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to answer; - reads it from stdin.")],
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider", metavar="NAME|URL", help="together, fireworks, baseten, or any OpenAI-compatible URL."
        ),
    ] = None,
    llm: Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")] = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="Number of passages.", min=1, max=50)] = 8,
    filter_: Annotated[str, typer.Option("--filter", metavar="EXPR", help="As for search.")] = "",
    rerank: Annotated[bool | None, typer.Option("--rerank/--no-rerank", help="As for search.")] = None,
    show_outbound: Annotated[
        bool, typer.Option("--show-outbound", help="Print the exact request that would leave, and stop.")
    ] = False,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show the answer as it comes.")] = True,
    require_grounded: Annotated[
        bool, typer.Option("--require-grounded", help="Withhold an answer with a sentence that cites nothing.")
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

    session = Session.of(context, provider=provider, llm=llm)
    query = Query(
        text=question_of(question),
        k=k,
        filter=parse_filter(filter_),
        rerank=session.wiring.settings.rerank if rerank is None else rerank,
        unit="passage",
    )
    session.say_collection()
    wiring = session.wiring
    if not wiring.has_provider:
        if show_outbound or require_provider:
            raise UsageError("no provider is chosen", hint="--provider together, for example")
        session.notice(wiring.provider.advice())
        answer = wiring.extract(query)
        _check_grounded(answer, required=require_grounded)
        _finish(session, answer, streamed=False)
        return 0
    if show_outbound:
        body = wiring.outbound(query)
        sys.stdout.flush()
        sys.stdout.buffer.write(body + b"\n")  # the very bytes, whatever the terminal's encoding
        return 0
    # What may have to be withheld cannot be shown as it comes.
    live = stream and not session.flags.json and not require_grounded
    writer = _Writer()
    try:
        answer = wiring.ask(query, on_text=writer if live else lambda _: None)
    finally:
        writer.end()
    _check_grounded(answer, required=require_grounded)
    _finish(session, answer, streamed=live and writer.wrote)
    return 0


def answer_json(answer: Answer) -> dict[str, Any]:
    """The `hybridrag.ask/1` object."""
    return {
        "schema": "hybridrag.ask/1",
        "question": answer.question,
        "answer": answer.text,
        "mode": answer.mode,
        "grounded": answer.grounded,
        "abstained": answer.abstained,
        "complete": answer.complete,
        "sentences": [{"text": s.text, "supported": s.supported, "markers": list(s.markers)} for s in answer.sentences],
        "warnings": list(answer.warnings),
        "citations": [
            {
                "marker": citation.marker,
                "chunk_id": str(citation.chunk.id),
                "document": document_json(citation.chunk.document),
                "location": location_json(citation.chunk),
                "quote": citation.quote,
            }
            for citation in answer.citations
        ],
        "provider": answer.provider,
        "model": answer.model,
        "usage": {
            "prompt_tokens": answer.usage.prompt_tokens if answer.usage else None,
            "completion_tokens": answer.usage.completion_tokens if answer.usage else None,
            "cost_usd": None,
        },
        "redactions": dict(answer.redactions),
        "ledger_id": answer.ledger_id,
        "timings_ms": dict(answer.timings_ms),
    }


def _finish(session: Session, answer: Answer, *, streamed: bool) -> None:
    if session.flags.json:
        session.json(answer_json(answer))
        return
    if not streamed:
        sys.stdout.write(printable(answer.text) + "\n")
    if answer.citations:
        bold, cyan, dim, off = (
            ("\033[1m", "\033[36m", "\033[2m", "\033[0m") if coloured(sys.stdout) else ("", "", "", "")
        )
        sys.stdout.write("\n")
        for citation in answer.citations:
            sys.stdout.write(f"{bold}[{citation.marker}]{off} {cyan}{place(citation.chunk)}{off}\n")
            if session.flags.verbose:
                sys.stdout.write(f"    {dim}{' '.join(printable(citation.quote).split())}{off}\n")
    sys.stdout.flush()
    console = stderr(quiet=session.flags.quiet)
    for warning in answer.warnings:
        console.print(f"note: {printable(warning)}", soft_wrap=True)
    if answer.redactions:
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(answer.redactions.items()))
        console.print(f"redacted before sending: {counts} (ledger {answer.ledger_id})", soft_wrap=True)


def _check_grounded(answer: Answer, *, required: bool) -> None:
    if required and not answer.grounded:
        unsupported = sum(not sentence.supported for sentence in answer.sentences)
        what = "there is no answer" if answer.abstained else f"{unsupported} of its sentences cite nothing"
        raise NotGrounded(f"the answer is withheld: {what}", hint="ask without --require-grounded to see it")


class _Writer:
    """Shows text as it comes."""

    def __init__(self) -> None:
        self.wrote = False

    def __call__(self, text: str) -> None:
        self.wrote = True
        sys.stdout.write(printable(text))
        sys.stdout.flush()

    def end(self) -> None:
        if self.wrote:
            sys.stdout.write("\n")
            sys.stdout.flush()
