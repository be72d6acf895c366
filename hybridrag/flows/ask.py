"""Ask: a chat model answers from redacted passages, and its answer is restored, checked and cited."""

from __future__ import annotations

import time
from collections.abc import Callable

from hybridrag.answering import resolve
from hybridrag.errors import ProviderError
from hybridrag.flows.evidence import NOTHING_FOUND, timings
from hybridrag.flows.request import Request, sealed
from hybridrag.flows.sending import Sending, received
from hybridrag.ports import ChatProvider
from hybridrag.privacy.gateway import Gateway
from hybridrag.providers import Retry
from hybridrag.types import Answer, Completion, SearchResult, Usage


def complete(
    request: Request,
    found: SearchResult,
    *,
    gateway: Gateway,
    open_provider: Callable[[Callable[[Retry], None]], ChatProvider],
    on_text: Callable[[str], None],
    notify: Callable[[str], None],
) -> Answer:
    """Sends a request and returns the restored answer; `on_text` gets it as it streams.

    Every attempt is in the ledger before its first byte leaves. Raises ProviderError, with the attempt recorded as
    failed, where no whole answer came.
    """
    sending = Sending(
        gateway, seal=lambda: sealed(request, gateway=gateway, destination=provider.destination), notify=notify
    )
    provider = open_provider(sending.retried)
    started = time.perf_counter()
    first_token = 0.0
    restorer = request.session.restorer()
    raw: list[str] = []
    usage: Completion | None = None
    try:
        for event in provider.send(sending.begin()):
            if isinstance(event, Completion):
                usage = event
                continue
            first_token = first_token or (time.perf_counter() - started) * 1000
            raw.append(event)
            _emit(restorer.feed(event), on_text)
        _emit(restorer.flush(), on_text)
        if not "".join(raw).strip():
            raise ProviderError(
                f"the provider {provider.destination.provider} gave an empty answer", hint="ask again, or another model"
            )
    except BaseException as exc:
        sending.failed(exc, received=received(raw))
        raise
    sending.sent(received(raw))
    text, sentences, citations, warnings = resolve("".join(raw), request.passages, restore=request.session.restore)
    warnings = [*request.warnings, *warnings]
    unknown = len(restorer.unknown) + request.session.altered(text)
    if unknown:
        warnings.append(f"the answer holds {unknown} signs that stand for nothing; they were left as they are")
    cut = usage is not None and usage.finish_reason not in {None, "stop"}
    if cut and usage is not None:
        warnings.append(f"the provider ended the answer early ({usage.finish_reason})")
    return Answer(
        question=request.question,
        text=text,
        mode="provider",
        sentences=sentences,
        citations=citations,
        abstained=not citations,
        complete=not cut,
        warnings=tuple(warnings),
        provider=provider.destination.provider,
        model=provider.destination.model,
        usage=_usage(usage),
        redactions=dict(request.session.counts),
        ledger_id=sending.outbound.ledger_id,
        timings_ms=timings(found, started=started, redact=request.redact_ms, first_token=first_token),
    )


def nothing_to_answer_from(question: str, found: SearchResult) -> Answer:
    """The answer where the search found nothing: no provider is asked."""
    return Answer(
        question=question,
        text=NOTHING_FOUND,
        mode="provider",
        sentences=(),
        citations=(),
        abstained=True,
        complete=True,
        warnings=(),
        provider=None,
        model=None,
        usage=None,
        redactions={},
        ledger_id=None,
        timings_ms=timings(found, started=time.perf_counter()),
    )


def _emit(text: str, on_text: Callable[[str], None]) -> None:
    if text:
        on_text(text)


def _usage(ended: Completion | None) -> Usage | None:
    if ended is None or ended.prompt_tokens is None or ended.completion_tokens is None:
        return None
    return Usage(ended.prompt_tokens, ended.completion_tokens, counted="provider", cost_usd=None)
