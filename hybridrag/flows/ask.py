"""Ask: a chat model answers from redacted passages, and its answer is restored, checked and cited as it streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from hybridrag.answering.grounding import Grounding
from hybridrag.answering.links import LinkGuard
from hybridrag.answering.streaming import AnswerReader
from hybridrag.errors import ConfigError, HybridragError, ProviderError, UsageError
from hybridrag.flows.evidence import NOTHING_FOUND, timings
from hybridrag.flows.request import Request, sealed
from hybridrag.flows.sending import Sending, received
from hybridrag.flows.spending import Spending
from hybridrag.ports import ChatProvider
from hybridrag.privacy.gateway import Gateway
from hybridrag.providers import Retry
from hybridrag.providers.tokens import usage_of
from hybridrag.types import Answer, Completion, Destination, SearchResult, Usage

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
                exchange = _Exchange(choice, gateway=self._gateway, spending=self._spending, notify=self._notify)
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

    def _complete(self, request: Request, exchange: _Exchange) -> Answer:
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
        usage, ended = exchange.run(request, lambda text: self._show(reader.feed(text)))
        self._show(reader.finish())
        if not reader.text.strip():
            raise _wordless(exchange.provider.destination, ended)
        warnings = [*request.warnings, *reader.warnings]
        if unknown := len(restorer.unknown) + request.session.altered(reader.text):
            warnings.append(f"the answer holds {unknown} signs that stand for nothing; they were left as they are")
        if guard.defused:
            warnings.append(f"links or images that no document holds were made harmless: {guard.defused}")
        cut = ended.finish_reason not in {None, "stop"}
        if cut:
            warnings.append(f"the provider ended the answer early ({ended.finish_reason})")
        destination = exchange.provider.destination
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
            usage=usage,
            redactions=dict(request.session.counts),
            ledger_id=exchange.ledger_id,
            timings_ms=timings(
                self._found, started=exchange.started, redact=request.redact_ms, first_token=exchange.first_token_ms
            ),
        )

    def _show(self, text: str) -> None:
        if text:
            self._spoken = True
            self._on_text(text)


class _Exchange:
    """One request to one provider and its reply. Every attempt is in the ledger before its first byte leaves."""

    def __init__(self, choice: Choice, *, gateway: Gateway, spending: Spending, notify: Callable[[str], None]) -> None:
        self.provider = choice.open(self._retried)
        self.started = 0.0
        self.first_token_ms = 0.0
        self._gateway = gateway
        self._spending = spending
        self._notify = notify
        self._raw: list[str] = []

    @property
    def ledger_id(self) -> str:
        return self._sending.outbound.ledger_id

    def run(self, request: Request, on_text: Callable[[str], None]) -> tuple[Usage, Completion]:
        """Sends the request; `on_text` gets the reply as it comes. Returns what it took and how it ended.

        Raises ProviderError, with the attempt recorded as failed, where no whole reply came.
        """
        provider, prompt = self.provider, request.prompt
        destination, model = provider.destination, provider.chat_model
        self._sending = sending = Sending(
            self._gateway,
            seal=lambda: sealed(request, gateway=self._gateway, destination=destination),
            reserve=lambda: self._spending.reserve(
                destination, model=model, prompt=prompt.texts, max_tokens=prompt.max_tokens
            ),
            notify=self._notify,
        )
        ended = Completion(None, None, None)
        self.started = time.perf_counter()
        try:
            for event in provider.send(sending.begin()):
                if isinstance(event, Completion):
                    ended = event
                    continue
                self.first_token_ms = self.first_token_ms or (time.perf_counter() - self.started) * 1000
                self._raw.append(event)
                on_text(event)
        except BaseException as exc:
            sending.failed(exc, received=received(self._raw))
            raise
        usage = usage_of(ended, destination=destination, model=model, prompt=prompt.texts, reply="".join(self._raw))
        sending.sent(received(self._raw), usage=usage)
        return usage, ended

    def _retried(self, retry: Retry) -> None:
        self._sending.retried(retry)


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
        yield from (passage.text, document.title, document.uri, *passage.chunk.headings)


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
