"""The HTTP client, and what its failures mean.

The only place that configures httpx. Redirects are not followed, bodies are not decompressed, certificates are always
verified.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Mapping, MutableSet
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from hybridrag.errors import ConfigError, ProviderError, ProviderUnavailable
from hybridrag.providers.addresses import is_loopback
from hybridrag.types import Destination

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `connect` for the connection, `read` for the longest silence (before the first byte and between two
    pieces), `total` for everything with retries and waits; None means no limit.

    `read` leaves a local server on a CPU the time to read a long prompt before it says anything.
    """

    connect: float = 10.0
    read: float = 120.0
    total: float | None = 600.0

    @staticmethod
    def of(silence: float) -> Timeouts:
        """The limits that fit a longest silence."""
        return Timeouts(connect=min(10.0, silence), read=silence, total=5 * silence)


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed: the error to raise, a short reason, whether the same request may succeed in a moment, and
    the seconds that the provider asked to wait."""

    error: ProviderError
    reason: str
    transient: bool
    retry_after: float | None = None


def warm_up() -> None:
    """Loads the HTTP client's library, which takes a while, for whoever opens a client soon."""
    import httpx  # noqa: F401


def open_client(destination: Destination, timeouts: Timeouts) -> httpx.Client:
    """A client for this destination. Raises ConfigError where proxy or certificate settings cannot be used."""
    import httpx

    # Companies reach the internet through the proxy that HTTPS_PROXY names. To remote addresses we speak https only, so
    # such a proxy sees a host name and ciphertext. A local destination may get plain text over http, and a proxy would
    # read it (or, for loopback, mean its own loopback): local traffic never takes a proxy, whatever NO_PROXY says. A
    # transport of our own is what makes httpx ignore proxy variables; SSL_CERT_FILE still works with it.
    direct = destination.local or is_loopback(destination.url)
    try:
        return httpx.Client(
            transport=httpx.HTTPTransport(verify=_authorities(destination.url)) if direct else None,
            timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
            follow_redirects=False,
            headers=_HEADERS,
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL):
        pass
    # Said without the cause: a proxy's URL can hold a password.
    raise ConfigError(
        "The proxy or certificate settings in the environment cannot be used for a connection.",
        hint="Check HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR. SOCKS proxies need httpx[socks].",
    )


def _authorities(url: str) -> ssl.SSLContext | bool:
    """Whom to trust at `url`: over http nothing is encrypted, so nobody, and reading who there is would take 20 ms."""
    return True if url.lower().startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Watchdog:
    """Breaks connections off after `seconds`: a server that trickles bytes, headers included, starts httpx's own time
    limits over and over. `expired` says that it did.

    `sockets` are those of the connections that a client keeps; none are, unless given. Those that are opened are added.
    """

    def __init__(self, seconds: float | None, sockets: MutableSet[socket.socket] | None = None) -> None:
        self.expired = False
        self._sockets = set() if sockets is None else sockets
        self._timer = None if seconds is None else threading.Timer(max(seconds, 0.0), self._bite)

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def trace(self, event: str, facts: Mapping[str, object]) -> None:
        """Called by httpx with each step of a request."""
        connected = connected_socket(event, facts)
        if connected is not None:
            self._sockets.add(connected)
            if self.expired:
                shut(connected)

    def _bite(self) -> None:
        self.expired = True
        for connected in list(self._sockets):
            shut(connected)


def connected_socket(event: str, facts: Mapping[str, object]) -> socket.socket | None:
    """The socket that this step of a request, as httpx traces it, has opened; None for any other step."""
    if not event.endswith((".connect_tcp.complete", ".start_tls.complete")):
        return None
    stream = facts["return_value"]
    found = getattr(stream, "get_extra_info")("socket")  # noqa: B009 - httpcore's type, which only it imports
    return found if isinstance(found, socket.socket) else None


def shut(connected: socket.socket) -> None:
    """Ends what a thread waits for on a socket, with an error there.

    Not close: that would leave a thread waiting that already reads. Not the method of an encrypted socket, which takes
    away the encryption that the other thread is using.
    """
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def broken(error: httpx.HTTPError, destination: Destination, timeouts: Timeouts, *, started: bool) -> Failure:
    """What a failure of the connection means; `started` says whether text of the answer was handed out already."""
    import httpx

    name, address = destination.provider, destination.url
    if started:
        silent = f" Nothing came for {timeouts.read:g} s." if isinstance(error, httpx.TimeoutException) else ""
        text = f"{name} stopped mid-stream: the answer is not complete.{silent}"
        return Failure(ProviderUnavailable(text, hint="Try again."), reason="stopped mid-stream", transient=False)
    if isinstance(error, httpx.ConnectTimeout):
        reason = f"no connection within {timeouts.connect:g} s"
    elif isinstance(error, httpx.TimeoutException):
        reason = f"no answer within {timeouts.read:g} s"
    elif isinstance(error, httpx.ProxyError):
        return Failure(
            ProviderError(
                f"The proxy between here and {name} at {address} refused the connection.",
                hint="Check HTTPS_PROXY and NO_PROXY.",
            ),
            reason="the proxy refused",
            transient=False,
        )
    elif isinstance(error, httpx.ConnectError):
        if _cause(error, ssl.SSLError):
            return _not_trusted(error, name, address)
        reason = _network_reason(error)
    elif isinstance(error, httpx.RemoteProtocolError | httpx.NetworkError):
        reason = "the connection broke off before an answer came"
    else:
        return Failure(
            ProviderError(f"The request to {name} at {address} failed: {type(error).__name__}."),
            reason=type(error).__name__,
            transient=False,
        )
    unavailable = ProviderUnavailable(
        f"{name} could not be reached at {address}: {reason}.",
        hint="Check the address and the network; for a local server, that it is running.",
    )
    return Failure(unavailable, reason=reason, transient=True)


def _not_trusted(error: BaseException, name: str, address: str) -> Failure:
    found = _cause(error, ssl.SSLCertVerificationError)
    why = getattr(found, "verify_message", "") or "the encrypted connection could not be set up"
    return Failure(
        ProviderError(
            f"The certificate of {name} at {address} cannot be trusted: {why}."
            if found
            else f"{name} at {address}: {why}.",
            hint="Check the address; where a company proxy signs certificates, set SSL_CERT_FILE to its authority.",
        ),
        reason="no trusted connection",
        transient=False,
    )


def _network_reason(error: BaseException) -> str:
    found = _cause(error, OSError)
    reason = getattr(found, "strerror", "") or re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or "no connection"
    return reason[:1].lower() + reason[1:]


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The first error of this kind in the chain that led to `error`."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, kind):
        link = link.__cause__ or link.__context__
    return link


_HEADERS = {
    "Accept": "text/event-stream, application/json",
    # No compression: the size of a reply is bounded as it arrives, and nothing can swell after that.
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "hybridrag",
}
