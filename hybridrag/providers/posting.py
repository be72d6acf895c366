"""One sealed request to one destination: the key, the time limits, the attempts, and what a refusal means.

What is done with the answer is the caller's: chat streams it, an embedding endpoint's is read as a whole.

httpx exceptions hold the request with its Authorization header. They are turned into our own errors, which are raised
outside the `except` block that caught the others, so that no error leads to a key by its cause or context.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from hybridrag.errors import ConfigError, ProviderError, ProviderUnavailable
from hybridrag.providers.refusal import refusal
from hybridrag.providers.retry import LONGEST_WAIT, RETRIED_STATUSES, Retry, backoff, retry_after
from hybridrag.providers.secret import Secret
from hybridrag.providers.transport import Failure, Timeouts, Watchdog
from hybridrag.types import Destination, Outbound

if TYPE_CHECKING:
    import httpx

Piece = TypeVar("Piece")
Attempt = Callable[[float | None], Generator[Piece, None, Failure | None]]
"""One attempt under a deadline (monotonic seconds, or None): yields pieces of the answer, returns how it failed."""
MAX_ERROR_BYTES = 64_000


def bearer(key: Secret | None) -> dict[str, str]:
    """The header that most servers want the key in."""
    return {} if key is None else {"Authorization": f"Bearer {key.reveal()}"}


class Poster:
    """Sends to `destination`, and to nothing else. `flag` is what names the model on the command line, and `headers`
    are those that carry the key.

    `attempts` counts the first one. `sleep` (seconds), `chance` (a number in [0, 1)), `clock` (monotonic seconds) and
    `now` (UTC) stand for time and luck.
    """

    def __init__(
        self,
        destination: Destination,
        *,
        key: Secret | None,
        flag: str,
        headers: Callable[[Secret | None], dict[str, str]] = bearer,
        timeouts: Timeouts,
        attempts: int,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not destination.model.strip():
            raise ConfigError(
                f"No model is chosen for the provider {destination.provider}.", hint=f"Name one with {flag}."
            )
        if attempts < 1:
            raise ConfigError(
                f"The provider {destination.provider} is allowed {attempts} attempts; it takes at least one."
            )
        self.destination = destination
        self.key = key
        self.timeouts = timeouts
        self._flag = flag
        self._headers = headers
        self._attempts = attempts
        self._sleep = sleep
        self._chance = chance
        self._clock = clock
        self._now = now

    def check(self, outbound: Outbound) -> None:
        """Raises ProviderError for what was sealed for another destination."""
        if outbound.destination != self.destination:
            raise ProviderError(
                f"A request sealed for {outbound.destination.url} was handed to the provider "
                f"{self.destination.provider} at {self.destination.url}. Nothing was sent.",
                hint="This is a mistake in the program: please report it.",
            )

    def attempted(self, attempt: Attempt[Piece], on_retry: Callable[[Retry], None]) -> Iterator[Piece]:
        """The pieces of the first attempt that does not fail.

        `on_retry` is called before the wait that precedes a further attempt; if it raises, nothing more is sent. Raises
        the last failure's error where no further attempt is made: it would not help, it is too late, or there were
        enough.
        """
        total = self.timeouts.total
        deadline = None if total is None else self._clock() + total
        for number in range(1, self._attempts + 1):
            failure = yield from attempt(deadline)
            if failure is None:
                return
            wait = backoff(number, self._chance()) if failure.retry_after is None else failure.retry_after
            too_late = deadline is not None and self._clock() + wait >= deadline
            if not failure.transient or number == self._attempts or too_late:
                raise failure.error
            on_retry(Retry(attempt=number, reason=failure.reason, wait=wait))
            self._sleep(wait)

    @contextmanager
    def answered(self, client: httpx.Client, body: bytes, watchdog: Watchdog) -> Iterator[httpx.Response]:
        """The answer to a request, as it comes; `watchdog` looks after it."""
        tracing = {"trace": watchdog.trace}
        with (
            watchdog,
            client.stream("POST", self.destination.url, content=body, auth=self._sign, extensions=tracing) as response,
        ):
            yield response

    def _sign(self, request: httpx.Request) -> httpx.Request:
        request.headers.update(self._headers(self.key))
        return request

    def received(self, response: httpx.Response, deadline: float | None, *, limit: int) -> Iterator[bytes]:
        """The body as it arrives. Raises ProviderError for more than `limit` bytes, ProviderUnavailable past the
        deadline."""
        received = 0
        for chunk in response.iter_raw():
            received += len(chunk)
            if received > limit:
                raise ProviderError(
                    f"{self.destination.provider} sent more than {limit // 1_000_000} MB for one answer.",
                    hint="Try another model or provider.",
                )
            if deadline is not None and self._clock() > deadline:
                raise self.late()
            yield chunk

    def left(self, deadline: float | None) -> float | None:
        """Seconds until a deadline; None where there is none."""
        return None if deadline is None else deadline - self._clock()

    def late(self) -> ProviderUnavailable:
        """The error for an answer that is not there at its deadline."""
        return ProviderUnavailable(
            f"{self.destination.provider} did not finish its answer within {self.timeouts.total:g} s.",
            hint="Try again, or choose a faster model.",
        )

    def refused(self, response: httpx.Response, deadline: float | None) -> Failure:
        """What an answer other than 200 means."""
        status = response.status_code
        wait = retry_after(response.headers.get("Retry-After"), self._now())
        patience = wait is None or wait <= LONGEST_WAIT
        error = refusal(
            status,
            self._error_body(response, deadline),
            destination=self.destination,
            key=self.key,
            location=response.headers.get("Location"),
            wait=None if patience else wait,
            flag=self._flag,
        )
        return Failure(error, f"HTTP {status}", transient=status in RETRIED_STATUSES and patience, retry_after=wait)

    def _error_body(self, response: httpx.Response, deadline: float | None) -> bytes:
        """The beginning of an error's body, or nothing where it cannot be read: the status says enough."""
        import httpx

        body = b""
        try:
            for chunk in self.received(response, deadline, limit=2 * MAX_ERROR_BYTES):
                body += chunk
                if len(body) > MAX_ERROR_BYTES:
                    break
        except (httpx.HTTPError, ProviderError):
            return b""
        return body


def kind_of(response: httpx.Response) -> str:
    """The media type of an answer that can be read; empty for one that is compressed, which was not asked for."""
    return "" if _is_compressed(response) else _media_type(response)


def foreign_body(
    response: httpx.Response, destination: Destination, key: Secret | None, *, wanted: str
) -> ProviderError:
    """The error for an answer of a kind that was not asked for: compressed, or a web page in place of `wanted`."""
    name, address = destination.provider, destination.url
    if _is_compressed(response):
        return ProviderError(
            f"{name} at {address} sent a compressed answer, which was not asked for.",
            hint="Check for a proxy in between that compresses.",
        )
    media_type = _media_type(response)
    readable = re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}", media_type)
    shown = (key.mask(media_type) if key else media_type) if readable else "no content type"
    return ProviderError(
        f"{name} at {address} answered with {shown} (HTTP {response.status_code}) in place of {wanted}.",
        hint="Check the address: a web page instead of an answer means that it is not the API's, or that a "
        "login page or proxy stands in between.",
    )


def _media_type(response: httpx.Response) -> str:
    media_type: str = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type


def _is_compressed(response: httpx.Response) -> bool:
    encoding: str = response.headers.get("Content-Encoding", "identity").lower()
    return encoding != "identity"
