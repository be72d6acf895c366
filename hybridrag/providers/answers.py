"""A server that answers a request with one JSON document: the half that sends.

What is in a request and what an answer means is the model's business; here sealed bytes go out and whole answers come
back.
"""

from __future__ import annotations

import random
import socket
import threading
import time
import weakref
from collections.abc import Callable, Generator
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.errors import ProviderUnavailable
from hybridrag.providers.addresses import check_url
from hybridrag.providers.posting import Poster, foreign_body, kind_of
from hybridrag.providers.retry import Retry
from hybridrag.providers.secret import Secret
from hybridrag.providers.transport import Failure, Timeouts, Watchdog, broken, open_client, shut
from hybridrag.types import Destination, Outbound

if TYPE_CHECKING:
    import httpx


PATIENT = Timeouts(read=300.0, total=900.0)
"""A large model on a CPU takes its time over a batch, and a server may load it first."""


class AnswerServer:
    """Sends requests to one destination. May be used by several threads at once; keeps its connections.

    `base_url` is the address that the destination was made of. `destination.local` says whether the user trusts it with
    plain text; here that allows http and rules out a proxy. `setting` is what names the model on the command line,
    `wanted` what an answer holds, `limit` the bytes it may have. `unreachable` and `unknown_model` are hints for these
    two failures. `sleep` and `chance` stand for time and luck. Raises ConfigError for an address that requests may not
    be sent to.
    """

    def __init__(
        self,
        destination: Destination,
        *,
        base_url: str,
        setting: str,
        wanted: str,
        limit: int,
        key: Secret | None,
        unreachable: str = "",
        unknown_model: str = "",
        timeouts: Timeouts = PATIENT,
        attempts: int = 4,
        sleep: Callable[[float], None] | None = None,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_url(base_url, listed_local=destination.local)
        self.destination = destination
        self._wanted = wanted
        self._limit = limit
        self._cancelled = threading.Event()
        self._poster = Poster(
            self.destination,
            key=key,
            flag=setting,
            timeouts=timeouts,
            attempts=attempts,
            sleep=sleep or self._wait,
            chance=chance,
            clock=clock,
        )
        self._timeouts = timeouts
        self._unreachable = unreachable
        self._unknown_model = unknown_model
        self._opening = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def send(self, outbound: Outbound, *, on_retry: Callable[[Retry], None]) -> bytes:
        """The whole body of the answer.

        `on_retry` is called before the wait that precedes a further attempt; if it raises, nothing more is sent. Raises
        ProviderUnavailable where the server cannot be reached, is overloaded or breaks off, and ProviderError where
        trying again would not help.
        """
        self._poster.check(outbound)
        attempt = self._poster.attempted(lambda deadline: self._attempt(outbound.body, deadline), on_retry)
        return b"".join(attempt)

    def cancel(self) -> None:
        """Ends what other threads send or wait for here, with an error. Nothing can be sent afterwards."""
        self._cancelled.set()
        for connected in list(self._sockets):
            shut(connected)

    def close(self) -> None:
        """Closes the connections."""
        if "_client" in self.__dict__:
            self._client.close()
            del self.__dict__["_client"]

    def _attempt(self, body: bytes, deadline: float | None) -> Generator[bytes, None, Failure | None]:
        """Yields the body of one attempt's answer once it is whole. Returns how it failed, or None."""
        import httpx

        if self._cancelled.is_set():
            return self._given_up()
        with self._opening:
            client = self._client
        # It bites all connections: which of those kept is in use cannot be told, and others' requests are repeated.
        watchdog = Watchdog(self._poster.left(deadline), self._sockets)
        try:
            with self._poster.answered(client, body, watchdog) as response:
                if not response.is_success:
                    failure = self._poster.refused(response, deadline)
                    return self._hinted(failure, self._unknown_model) if response.status_code == 404 else failure
                whole = self._whole(response, deadline)
        except httpx.HTTPError as error:
            failure = broken(error, self.destination, self._timeouts, started=False)
            if isinstance(error, httpx.ConnectError) and failure.transient:
                failure = self._hinted(failure, self._unreachable)
            if watchdog.expired:
                failure = Failure(self._poster.late(), reason="too late", transient=False)
            return self._given_up() if self._cancelled.is_set() else failure
        yield whole
        return None

    def _whole(self, response: httpx.Response, deadline: float | None) -> bytes:
        if kind_of(response) != "application/json":
            raise foreign_body(response, self.destination, self._poster.key, wanted=self._wanted)
        return b"".join(self._poster.received(response, deadline, limit=self._limit))

    def _wait(self, seconds: float) -> None:
        self._cancelled.wait(seconds)

    def _given_up(self) -> Failure:
        error = ProviderUnavailable(f"The request to {self.destination.provider} was given up.", hint="Run it again.")
        return Failure(error, reason="given up", transient=False)

    @staticmethod
    def _hinted(failure: Failure, hint: str) -> Failure:
        """The failure with a better hint, where there is one."""
        if hint:
            failure.error.hint = hint
        return failure

    @cached_property
    def _client(self) -> httpx.Client:
        return open_client(self.destination, self._timeouts)
