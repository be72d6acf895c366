"""Ask: a chat model answers from redacted passages, and its answer is restored, checked and cited as it streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from hybridrag.answering.grounding import Grounding
from hybridrag.answering.links import LinkGuard
from hybridrag.answering.prompt import head_of
from hybridrag.answering.streaming import AnswerReader
from hybridrag.errors import ConfigError, HybridragError, ProviderError, UsageError
from hybridrag.flows.evidence import NOTHING_FOUND, timings
from hybridrag.flows.exchange import Exchange
from hybridrag.flows.request import Request, sealed
from hybridrag.flows.spending import Spending
from hybridrag.ports import ChatProvider
from hybridrag.privacy.gateway import Gateway
from hybridrag.providers import Retry
from hybridrag.types import Answer, Completion, Destination, SearchResult

if TYPE_CHECKING:
    from hybridrag.types import Vectors


class Choice(Protocol):
    """A provider that may be asked. `plain` says whether it may have text as it is."""

    @property
    def plain(self) -> bool: ...

    def open(self, on_retry: Callable[[Retry], None], /) -> ChatProvider: ...


class Asking:
    """One question on its way through the providers that may answer it, first to last.

    `prepare` makes the request for a provider, None where there is nothing to answer from. `embed` gives the vectors
    that answers are checked by. `on_text` gets the answer as it streams, and `notify` what happens on the way.
    """

    def __init__(
        self,
        found: SearchResult,
        *,
        prepare: Callable[[ChatProvider, bool], Request | None],
        gateway: Gateway,
        spending: Spending,
        embed: Callable[[Sequence[str]], Vectors],
        on_text: Callable[[str], None],
        notify: Callable[[str], None],
    ) -> None:
        self._found = found
        self._prepare = prepare
        self._gateway = gateway
        self._spending = spending
        self._embed = embed
        self._on_text = on_text
        self._notify = notify
        self._spoken = False

    def answer(self, question: str, choices: Sequence[Choice]) -> Answer:
        """The answer of the first provider that gives one.

        The next is asked only while no word of an answer has come. Raises ProviderError, with each attempt recorded as
        failed, where none gave a whole one.
        """
        first: HybridragError | None = None
        for number, choice in enumerate(choices, start=1):
            self._spoken = False
            try:
                exchange = Exchange(choice.open, gateway=self._gateway, spending=self._spending, notify=self._notify)
                request = self._prepare(exchange.provider, choice.plain)
                if request is None:
                    return nothing_to_answer_from(question, self._found)
                return self._complete(request, exchange)
            except (ProviderError, ConfigError, UsageError) as error:
                failed = isinstance(error, ProviderError)
                if self._spoken or (failed and number == len(choices)) or (first is None and not failed):
                    raise
                first = first or error
                # What is wrong with a fallback's settings is told, and does not hide what failed before it.
                told = error.message.removesuffix(".")
                if number == len(choices):
                    self._notify(f"{told}.")
                    raise first from None
                self._notify(f"{told}. Asking the next provider instead.")
        raise AssertionError("there is always a provider")

    def _complete(self, request: Request, exchange: Exchange) -> Answer:
        """Sends a request and returns the restored answer."""
        restorer = request.session.restorer()
        guard = LinkGuard(_known_texts(request))
        reader = AnswerReader(
            request.passages,
            grounding=Grounding(request.passages, embed=self._embed, question=request.question),
            question=request.question,
            stages=[restorer, guard],
            restore=request.session.restore,
            harmless=guard.whole,
        )
        destination, started = exchange.provider.destination, time.perf_counter()
        reply = exchange.run(
            request.prompt,
            seal=lambda: sealed(request, gateway=self._gateway, destination=destination),
            on_text=lambda text: self._show(reader.feed(text)),
        )
        self._show(reader.finish())
        if not reader.text.strip():
            raise _wordless(destination, reply.ended)
        warnings = [*request.warnings, *reader.warnings]
        if unknown := len(restorer.unknown) + request.session.altered(reader.text):
            warnings.append(f"the answer holds {unknown} signs that stand for nothing; they were left as they are")
        if guard.defused:
            warnings.append(f"links or images that no document holds were made harmless: {guard.defused}")
        reason = reply.ended.finish_reason
        cut = reason not in {None, "stop"}
        if cut:
            warnings.append(f"the provider ended the answer early ({reason})")
        return Answer(
            question=request.question,
            text=reader.text,
            mode="provider",
            sentences=reader.sentences,
            citations=reader.citations,
            abstained=not reader.sentences,
            complete=not cut,
            warnings=tuple(warnings),
            provider=destination.provider,
            model=destination.model,
            usage=reply.usage,
            redactions=dict(request.session.counts),
            ledger_id=reply.ledger_id,
            timings_ms=timings(
                self._found, started=started, redact=request.redact_ms, first_token=reply.first_token_ms
            ),
        )

    def _show(self, text: str) -> None:
        if text:
            self._spoken = True
            self._on_text(text)


def _wordless(destination: Destination, ended: Completion) -> ProviderError:
    """The error for a reply that holds nothing but, perhaps, what the model thought."""
    name, reason = destination.provider, ended.finish_reason
    if reason == "length":
        return ProviderError(
            f"{name} ran into the limit of a reply before its first word",
            hint="the model reasons at length: ask another one (--llm)",
        )
    how = "" if reason in {None, "stop"} else f" ({reason})"
    return ProviderError(f"{name} gave an empty answer{how}", hint="ask again, or another model (--llm)")


def _known_texts(request: Request) -> Iterator[str]:
    """Where an address may stand that the answer may hold too."""
    yield request.question
    for passage in request.passages:
        document = passage.chunk.document
        yield from (passage.text, head_of(passage), document.title, document.uri, *passage.chunk.headings)


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
