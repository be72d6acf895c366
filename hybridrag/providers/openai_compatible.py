"""Any server that speaks OpenAI's chat format, over HTTP, streamed.

`encode` makes the exact body; the privacy gateway seals it; `send` sends nothing but what was sealed for this very
destination. A request is repeated only while no text of an answer has been handed out.

httpx exceptions hold the request with its Authorization header. They are turned into our own errors, which are raised
outside the `except` block that caught the others, so that no error leads to a key by its cause or context.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hybridrag.errors import ConfigError, ProviderError, ProviderUnavailable
from hybridrag.providers.addresses import check_url, endpoint
from hybridrag.providers.refusal import quoted, refusal
from hybridrag.providers.reply import Reply, ReportedError
from hybridrag.providers.retry import LONGEST_WAIT, RETRIED_STATUSES, Retry, backoff, retry_after
from hybridrag.providers.secret import Secret
from hybridrag.providers.sse import Event, EventTooLargeError, parse
from hybridrag.providers.transport import Failure, Timeouts, broken, open_client
from hybridrag.types import Completion, Destination, Outbound, Prompt

if TYPE_CHECKING:
    import httpx

MAX_REPLY_BYTES = 10_000_000
MAX_ERROR_BYTES = 64_000


class OpenAICompatible:
    """A `ChatProvider` for OpenAI's chat format.

    `local` says whether the user trusts this address with plain text; here it only allows http and rules out a proxy.
    `attempts` counts the first one. `on_retry` is called before the wait that precedes a further attempt; if it raises,
    nothing more is sent. `sleep` (seconds), `chance` (a number in [0, 1)), `clock` (monotonic seconds) and `now` (UTC)
    stand for time and luck. Raises ConfigError for an address that requests may not be sent to.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        model: str,
        key: Secret | None,
        local: bool,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        attempts: int = 3,
        on_retry: Callable[[Retry], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        check_url(base_url, listed_local=local)
        if not model.strip():
            raise ConfigError(f"No model is chosen for the provider {name}.", hint="Name one with --llm.")
        if attempts < 1:
            raise ConfigError(f"The provider {name} is allowed {attempts} attempts; it takes at least one.")
        self._destination = Destination(provider=name, url=endpoint(base_url), model=model, local=local)
        self._key = key
        self._timeouts = timeouts
        self._attempts = attempts
        self._on_retry = on_retry
        self._sleep = sleep
        self._chance = chance
        self._clock = clock
        self._now = now

    @property
    def destination(self) -> Destination:
        return self._destination

    def encode(self, prompt: Prompt) -> bytes:
        """The request body: JSON in UTF-8, keys in a fixed order. A lone surrogate, which UTF-8 cannot hold, becomes
        a question mark."""
        body = {
            "model": self._destination.model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")

    def send(self, outbound: Outbound) -> Iterator[str | Completion]:
        """Streams the reply's text, then one `Completion`.

        Raises at once ProviderError for what was sealed for another destination; while iterating, ProviderUnavailable
        where the provider cannot be reached, is overloaded or breaks off, and ProviderError where trying again would
        not help.
        """
        if outbound.destination != self._destination:
            raise ProviderError(
                f"A request sealed for {outbound.destination.url} was handed to the provider "
                f"{self._destination.provider} at {self._destination.url}. Nothing was sent.",
                hint="This is a mistake in the program: please report it.",
            )
        return self._send(outbound.body)

    def _send(self, body: bytes) -> Iterator[str | Completion]:
        total = self._timeouts.total
        deadline = None if total is None else self._clock() + total
        with open_client(self._destination, self._timeouts) as client:
            for attempt in range(1, self._attempts + 1):
                failure = yield from self._attempt(client, body, deadline)
                if failure is None:
                    return
                wait = backoff(attempt, self._chance()) if failure.retry_after is None else failure.retry_after
                too_late = deadline is not None and self._clock() + wait >= deadline
                if not failure.transient or attempt == self._attempts or too_late:
                    raise failure.error
                self._on_retry(Retry(attempt=attempt, reason=failure.reason, wait=wait))
                self._sleep(wait)

    def _attempt(
        self, client: httpx.Client, body: bytes, deadline: float | None
    ) -> Generator[str | Completion, None, Failure | None]:
        """Streams one attempt. Returns how it failed, or None."""
        import httpx

        reply = Reply(self._destination.provider)
        started = False
        failure = None
        try:
            with client.stream("POST", self._destination.url, content=body, auth=self._sign) as response:
                if not response.is_success:
                    return self._refused(response, deadline)
                for text in self._texts(response, reply, deadline):
                    started = True
                    yield text
        # What happens to a connection after the provider ended its answer takes nothing away from the answer.
        except httpx.HTTPError as error:
            failure = None if reply.ended else broken(error, self._destination, self._timeouts, started=started)
        except ReportedError as error:
            failure = self._reported(error, started=started)
        except ProviderUnavailable as error:
            failure = None if reply.ended else Failure(error, reason="stopped mid-stream", transient=not started)
        if failure is None:
            yield reply.completion
        return failure

    def _sign(self, request: httpx.Request) -> httpx.Request:
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request

    def _texts(self, response: httpx.Response, reply: Reply, deadline: float | None) -> Iterator[str]:
        name, address = self._destination.provider, self._destination.url
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ProviderError(
                f"{name} at {address} sent a compressed answer, which was not asked for.",
                hint="Check for a proxy in between that compresses.",
            )
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type == "text/event-stream":
            yield from reply.stream(self._events(response, deadline))
        elif media_type == "application/json":
            text = reply.whole(b"".join(self._bytes(response, deadline)))
            if text:
                yield text
        else:
            readable = re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}", media_type)
            shown = (self._key.mask(media_type) if self._key else media_type) if readable else "no content type"
            raise ProviderError(
                f"{name} at {address} answered with {shown} (HTTP {response.status_code}) in place of a chat reply.",
                hint="Check the address: a web page instead of an answer means that it is not the API's, or that a "
                "login page or proxy stands in between.",
            )

    def _events(self, response: httpx.Response, deadline: float | None) -> Iterator[Event]:
        try:
            yield from parse(self._bytes(response, deadline))
        except EventTooLargeError as error:
            flaw = str(error)
        else:
            return
        raise ProviderError(f"{self._destination.provider} sent {flaw}.", hint="Try another model or provider.")

    def _bytes(self, response: httpx.Response, deadline: float | None) -> Iterator[bytes]:
        received = 0
        for chunk in response.iter_raw():
            received += len(chunk)
            if received > MAX_REPLY_BYTES:
                raise ProviderError(
                    f"{self._destination.provider} sent more than {MAX_REPLY_BYTES // 1_000_000} MB for one answer.",
                    hint="Try another model or provider.",
                )
            if deadline is not None and self._clock() > deadline:
                raise ProviderUnavailable(
                    f"{self._destination.provider} did not finish its answer within {self._timeouts.total:g} s.",
                    hint="Try again, or choose a faster model.",
                )
            yield chunk

    def _refused(self, response: httpx.Response, deadline: float | None) -> Failure:
        status = response.status_code
        wait = retry_after(response.headers.get("Retry-After"), self._now())
        patience = wait is None or wait <= LONGEST_WAIT
        error = refusal(
            status,
            self._error_body(response, deadline),
            destination=self._destination,
            key=self._key,
            location=response.headers.get("Location"),
            wait=None if patience else wait,
        )
        return Failure(error, f"HTTP {status}", transient=status in RETRIED_STATUSES and patience, retry_after=wait)

    def _error_body(self, response: httpx.Response, deadline: float | None) -> bytes:
        """The beginning of an error's body, or nothing where it cannot be read: the status says enough."""
        import httpx

        body = b""
        try:
            for chunk in self._bytes(response, deadline):
                body += chunk
                if len(body) > MAX_ERROR_BYTES:
                    break
        except (httpx.HTTPError, ProviderUnavailable):
            return b""
        return body

    def _reported(self, error: ReportedError, *, started: bool) -> Failure:
        passing = error.status in RETRIED_STATUSES
        kind = ProviderUnavailable if passing else ProviderError
        said = quoted(error.message, self._key)
        reported = kind(
            f"{self._destination.provider} reported an error in its answer.{said}",
            hint="Try again later." if passing else "Check the model's name (--llm) and its context length.",
        )
        return Failure(reported, reason="an error in the answer", transient=passing and not started)
