"""A chat model over HTTP, streamed, whatever the wire format.

`encode` makes the exact body; the privacy gateway seals it; `send` sends nothing but what was sealed for this very
destination. A request is repeated only while no text of an answer has been handed out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers.addresses import check_url
from hybridrag.providers.posting import Poster, foreign_body, kind_of
from hybridrag.providers.refusal import quoted
from hybridrag.providers.reply import Reply, ReportedError
from hybridrag.providers.retry import RETRIED_STATUSES, Retry
from hybridrag.providers.secret import Secret
from hybridrag.providers.sse import Event, EventTooLargeError, parse
from hybridrag.providers.transport import Failure, Timeouts, Watchdog, broken, open_client
from hybridrag.providers.wire import WireFormat
from hybridrag.types import ChatModel, Completion, Destination, Outbound, Prompt

if TYPE_CHECKING:
    import httpx

MAX_REPLY_BYTES = 10_000_000


class HttpChat:
    """A `ChatProvider` for the wire format given.

    `local` says whether the user trusts this address with plain text; here it only allows http and rules out a proxy.
    `attempts` counts the first one. `on_retry` is called before the wait that precedes a further attempt; if it raises,
    nothing more is sent. `sleep` (seconds), `chance` (a number in [0, 1)), `clock` (monotonic seconds) and `now` (UTC)
    stand for time and luck. Raises ConfigError for an address that requests may not be sent to.
    """

    def __init__(
        self,
        *,
        wire: WireFormat,
        name: str,
        base_url: str,
        model: str,
        key: Secret | None,
        local: bool,
        zero_retention: bool = False,
        retention: str = "nothing is known of it",
        chat_model: ChatModel = ChatModel(),  # noqa: B008 - frozen
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        attempts: int = 3,
        on_retry: Callable[[Retry], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        check_url(base_url, listed_local=local)
        self._destination = Destination(
            provider=name,
            url=wire.url(base_url),
            model=model,
            local=local,
            zero_retention=zero_retention,
            retention=retention,
        )
        self._poster = Poster(
            self._destination,
            key=key,
            flag="--llm",
            headers=wire.headers,
            timeouts=timeouts,
            attempts=attempts,
            sleep=sleep,
            chance=chance,
            clock=clock,
            now=now,
        )
        self._wire = wire
        self._timeouts = timeouts
        self._on_retry = on_retry
        self._chat_model = chat_model

    @property
    def destination(self) -> Destination:
        return self._destination

    @property
    def chat_model(self) -> ChatModel:
        return self._chat_model

    def encode(self, prompt: Prompt) -> bytes:
        """The request body, as the wire format has it."""
        return self._wire.encode(self._destination.model, prompt)

    def send(self, outbound: Outbound) -> Iterator[str | Completion]:
        """Streams the reply's text, then one `Completion`.

        Raises at once ProviderError for what was sealed for another destination; while iterating, ProviderUnavailable
        where the provider cannot be reached, is overloaded or breaks off, and ProviderError where trying again would
        not help.
        """
        self._poster.check(outbound)
        return self._send(outbound.body)

    def _send(self, body: bytes) -> Iterator[str | Completion]:
        with open_client(self._destination, self._timeouts) as client:
            yield from self._poster.attempted(lambda deadline: self._attempt(client, body, deadline), self._on_retry)

    def _attempt(
        self, client: httpx.Client, body: bytes, deadline: float | None
    ) -> Generator[str | Completion, None, Failure | None]:
        """Streams one attempt. Returns how it failed, or None."""
        import httpx

        reply = self._wire.reply(self._destination.provider)
        started = False
        failure = None
        watchdog = Watchdog(self._poster.left(deadline))
        try:
            with self._poster.answered(client, body, watchdog) as response:
                if not response.is_success:
                    return self._poster.refused(response, deadline)
                for text in self._texts(response, reply, deadline):
                    started = True
                    yield text
        # What happens to a connection after the provider ended its answer takes nothing away from the answer.
        except httpx.HTTPError as error:
            if not reply.ended:
                failure = broken(error, self._destination, self._timeouts, started=started)
                if isinstance(error, httpx.ReadTimeout):
                    # The server may be at it still. Asked again, it would begin again, and be waited for as long.
                    failure = replace(failure, transient=False)
                    failure.error.hint = "Try again, or wait longer for a slow server: set provider_timeout."
                if watchdog.expired:
                    failure = Failure(self._poster.late(), reason="too late", transient=False)
        except ReportedError as error:
            failure = self._reported(error, started=started)
        except ProviderUnavailable as error:
            failure = (
                None if reply.ended else Failure(error, reason="stopped before the first word", transient=not started)
            )
        if failure is None:
            yield reply.completion
        return failure

    def _texts(self, response: httpx.Response, reply: Reply, deadline: float | None) -> Iterator[str]:
        kind = kind_of(response)
        if kind == "text/event-stream":
            yield from reply.stream(self._events(response, deadline))
        elif kind == "application/json":
            text = reply.whole(b"".join(self._bytes(response, deadline)))
            if text:
                yield text
        else:
            raise foreign_body(response, self._destination, self._poster.key, wanted="a chat reply")

    def _events(self, response: httpx.Response, deadline: float | None) -> Iterator[Event]:
        try:
            yield from parse(self._bytes(response, deadline))
        except EventTooLargeError as error:
            flaw = str(error)
        else:
            return
        raise ProviderError(f"{self._destination.provider} sent {flaw}.", hint="Try another model or provider.")

    def _bytes(self, response: httpx.Response, deadline: float | None) -> Iterator[bytes]:
        return self._poster.received(response, deadline, limit=MAX_REPLY_BYTES)

    def _reported(self, error: ReportedError, *, started: bool) -> Failure:
        passing = error.status in RETRIED_STATUSES
        kind = ProviderUnavailable if passing else ProviderError
        said = quoted(error.message, self._poster.key)
        reported = kind(
            f"{self._destination.provider} reported an error in its answer.{said}",
            hint="Try again later." if passing else "Check the model's name (--llm) and its context length.",
        )
        return Failure(reported, reason="an error in the answer", transient=passing and not started)
