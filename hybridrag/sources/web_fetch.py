"""Fetches one page over HTTP, whatever the server does: size, time, redirects and addresses are bounded.

The connection is made here, to an address that was judged (`web_address`), and handed to the library: nothing else
connects. So no proxy is used, whatever the environment says, as behind one nobody here knows what is connected to. No
cookies, no passwords, no `.netrc`; certificates are verified.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Self

import hybridrag
from hybridrag.sources.reading import ReadError, too_large
from hybridrag.sources.stamp import Validator
from hybridrag.sources.web_address import Resolve, permitted, resolve
from hybridrag.sources.web_body import decoded
from hybridrag.sources.web_url import PageUrl

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Access:
    """How pages are fetched. Seconds: for a connection, for the longest silence, for all of a page with its redirects.

    `allow_private` lets addresses of this machine and of private networks through. `resolve` tells the addresses of a
    host.
    """

    allow_private: bool = False
    connect_s: float = 10.0
    silence_s: float = 30.0
    total_s: float = 300.0
    resolve: Resolve = resolve


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was fetched. `media_type` and `charset` are what the server says, in lower case, empty where it says
    nothing; `modified` is when the page last changed, as far as it says."""

    size: int
    media_type: str
    charset: str
    modified: datetime | None
    stamp: Validator | None


class GoneError(ReadError):
    """The server says that there is no such page."""


def fetch(url: PageUrl, access: Access, *, into: IO[bytes], limit: int, seen: Validator | None) -> Page | None:
    """Writes the page to `into`, at most `limit` bytes of it, or None where it is what it was when it was `seen`.

    Raises ReadError, or GoneError where there is no such page.
    """
    with _Watch(access.total_s) as watch:
        try:
            return _fetch(url, access, watch, into, limit, seen)
        except (ssl.SSLError, OSError, http.client.HTTPException, ValueError) as error:
            raise _failure(error, url, access, expired=watch.expired) from error


def _fetch(
    url: PageUrl, access: Access, watch: _Watch, into: IO[bytes], limit: int, seen: Validator | None
) -> Page | None:
    here = url
    for _ in range(_MOST_REDIRECTS + 1):
        with closing(_connected(here, access, watch)) as connection:
            asked = seen if seen is not None and seen.page == _digest(here) else None
            response = _asked(connection, here, asked)
            if response.status in _REDIRECTS:
                here = _next(here, response.headers.get("Location"))
                continue
            if response.status == http.client.NOT_MODIFIED and asked is not None:
                return None
            _check(response.status)
            page = _page(here, response, into, limit)
            watch.check()  # a connection that it broke off looks as if the page were whole
            return page
    raise ReadError(f"redirected more than {_MOST_REDIRECTS} times", hint="Give the address where it ends.")


def _connected(url: PageUrl, access: Access, watch: _Watch) -> http.client.HTTPConnection:
    """A connection to one of the host's addresses, the first that answers."""
    host, port = url.place
    addresses = permitted(host, port, resolve=access.resolve, allow_private=access.allow_private)
    failure: OSError | None = None
    for address in addresses[:_MOST_ADDRESSES]:
        watch.check()
        try:
            raw = socket.create_connection((address, port), timeout=access.connect_s)
        except OSError as error:
            failure = error
            continue
        watch.guard(raw)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = raw
        try:
            if url.scheme == "https":
                # The handshake is a step of its own, so that the watch already has the socket.
                secured = _trusting().wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
                connection.sock = secured
                watch.guard(secured)
                secured.do_handshake()
            connection.sock.settimeout(access.silence_s)
        except BaseException:
            connection.close()
            raise
        return connection
    assert failure is not None  # `permitted` gives at least one address
    raise failure


def _trusting() -> ssl.SSLContext:
    """Trusts the authorities that the environment names, else those that come with the HTTP library, as providers do.

    A company's own authority is set by SSL_CERT_FILE.
    """
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        made = ssl.create_default_context()
    else:
        import certifi

        made = ssl.create_default_context(cafile=certifi.where())
    made.set_alpn_protocols(["http/1.1"])
    return made


def _asked(connection: http.client.HTTPConnection, url: PageUrl, seen: Validator | None) -> http.client.HTTPResponse:
    connection.putrequest("GET", url.target, skip_host=True, skip_accept_encoding=True)
    headers = {
        "Host": url.host + url.port,
        "User-Agent": f"hybridrag/{hybridrag.__version__}",
        "Accept": "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "gzip, identity",
        "Connection": "close",
    }
    if seen is not None and seen.etag:
        headers["If-None-Match"] = seen.etag
    if seen is not None and seen.modified:
        headers["If-Modified-Since"] = seen.modified
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def _next(here: PageUrl, location: str | None) -> PageUrl:
    """Where a redirect leads. What stands there is not repeated: a server may write anything."""
    there = here.joined(location.encode("latin-1").decode("utf-8", "replace")) if location else None
    if there is None:
        raise ReadError("is redirected to what is no address of a web page", hint="Open it in a browser.")
    if here.scheme == "https" and there.scheme == "http":
        raise ReadError("is redirected from https to http, where anybody could change it", hint=_BROWSER)
    return there


def _check(status: int) -> None:
    if status in {http.client.NOT_FOUND, http.client.GONE}:
        raise GoneError(f"there is no such page (HTTP {status})", hint="Check the address.")
    if status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN, http.client.PROXY_AUTHENTICATION_REQUIRED}:
        raise ReadError(f"the server does not let everybody read it (HTTP {status})", hint=_BROWSER)
    if status in {http.client.TOO_MANY_REQUESTS, http.client.REQUEST_TIMEOUT} or status >= _SERVER_ERRORS:
        raise ReadError(f"the server cannot give it now (HTTP {status})", hint="Try again later: hybridrag sync.")
    if status not in {http.client.OK, http.client.NON_AUTHORITATIVE_INFORMATION}:
        raise ReadError(f"the server gave no page (HTTP {status})", hint=_BROWSER)


def _page(url: PageUrl, response: http.client.HTTPResponse, into: IO[bytes], limit: int) -> Page:
    promised = response.length
    if promised is not None and promised > limit:
        raise too_large(promised, limit)
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    size = 0
    for piece in decoded(_pieces(response, limit), encoding, limit):
        into.write(piece)
        size += len(piece)
    headers = response.headers
    written = headers.get("Last-Modified", "")
    return Page(
        size=size,
        media_type=headers.get_content_type() if "Content-Type" in headers else "",
        charset=(headers.get_content_charset("") or "")[:40],
        modified=_time(written),
        stamp=_stamp(url, headers.get("ETag", ""), written, _time(headers.get("Date", ""))),
    )


def _pieces(response: http.client.HTTPResponse, limit: int) -> Iterator[bytes]:
    """The body as it was sent, at most `limit` bytes."""
    received = 0
    while piece := response.read(_PIECE):
        received += len(piece)
        if received > limit:
            raise too_large(received, limit)
        yield piece
    if response.length:  # what was promised and did not come
        raise http.client.IncompleteRead(b"", response.length)


def _stamp(url: PageUrl, etag: str, modified: str, sent: datetime | None) -> Validator | None:
    """What tells the page from a later one, as far as the server says so in words that may be sent back."""
    etag, written = (each if _HEADER.fullmatch(each) else "" for each in (etag.strip(), modified.strip()))
    last = _time(written)
    if not etag and last is None:
        return None
    # RFC 9110, 8.8.2.2: a page that was changed a moment ago may be changed once more within the same second.
    steady = bool(etag) or (sent is not None and last is not None and (sent - last).total_seconds() > 1)
    return Validator(_digest(url), etag, "" if last is None else written, steady)


def _digest(url: PageUrl) -> str:
    """Names the page that a redirect led to. Not its address: one that is good for a while is as good as a key."""
    return hashlib.sha256(str(url).encode()).hexdigest()[:16]


def _time(written: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(written)
        return found if found.tzinfo is not None else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _failure(error: Exception, url: PageUrl, access: Access, *, expired: bool) -> ReadError:
    """The same failure in words for people."""
    if expired:
        return ReadError(f"took longer than {access.total_s:g} s", hint=_LATER)
    if isinstance(error, ssl.SSLError):
        return _not_trusted(error)
    if isinstance(error, TimeoutError):
        return ReadError(f"no answer from {url.host} within {access.silence_s:g} s", hint=_LATER)
    if isinstance(error, http.client.IncompleteRead | ConnectionResetError):
        return ReadError("the connection broke off before the page was whole", hint=_LATER)
    if isinstance(error, OSError):
        return _not_reached(error, url)
    return ReadError("the server's answer is no valid HTTP", hint=_BROWSER)


def _not_trusted(error: ssl.SSLError) -> ReadError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return ReadError("the encrypted connection could not be set up", hint="Check the address.")
    return ReadError(
        f"the certificate cannot be trusted: {error.verify_message}",
        hint="Check the address; where a company signs certificates itself, set SSL_CERT_FILE to its authority.",
    )


def _not_reached(error: OSError, url: PageUrl) -> ReadError:
    said = os.strerror(error.errno).lower() if error.errno else "no connection"
    proxied = any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"))
    instead = "Pages are fetched without a proxy: save it and ingest the file."
    return ReadError(f"{url.host} could not be reached: {said}", hint=instead if proxied else "Check the address.")


class _Watch:
    """Breaks connections off after some seconds: a server that trickles bytes never exceeds a limit of silence."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._ends = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._bite)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def guard(self, connected: socket.socket) -> None:
        """Watches this connection from now on."""
        self._socket = connected
        if self.expired:
            self._bite()

    def check(self) -> None:
        """Raises TimeoutError once the time is over."""
        if self.expired or time.monotonic() > self._ends:
            self.expired = True
            raise TimeoutError

    def _bite(self) -> None:
        self.expired = True
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of an encrypted socket, which takes away the encryption that the reader is using.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_MOST_REDIRECTS = 5
_MOST_ADDRESSES = 4
"""Addresses of a host that are tried, one after the other."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SERVER_ERRORS = 500
_PIECE = 1 << 16
_HEADER = re.compile(r"[ -~]{1,1000}", re.ASCII)
_BROWSER = "Open it in a browser, save it and ingest the file."
_LATER = "Try again later."
