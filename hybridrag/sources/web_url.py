"""Addresses of web pages, each a path inside the source that is its site.

An address is matched as a whole against one strict pattern, after what browsers let people leave out was filled in:
characters that must be percent-encoded, the path of the start page. A fragment (`#chapter`) is no part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urljoin

from hybridrag.hosts import HOST, PORT, is_possible

START_PAGE = "index"
"""The path of a site's start page, which has none of its own."""


@dataclass(frozen=True, slots=True)
class PageUrl:
    """The address of one page. `host` is in lower case, an IPv6 address in brackets; `port` is written `:8080`, empty
    where the scheme says it; `target` is path and query and begins with a slash."""

    scheme: Literal["http", "https"]
    host: str
    port: str
    target: str

    @property
    def origin(self) -> str:
        """What all pages of the site have in common."""
        return f"{self.scheme}://{self.host}{self.port}"

    @property
    def place(self) -> tuple[str, int]:
        """Host and port as sockets take them."""
        port = int(self.port[1:]) if self.port else 443 if self.scheme == "https" else 80
        return self.host.strip("[]"), port

    @property
    def path(self) -> str:
        """The path inside the site: path and query without the first slash, where `page_at` can put it back."""
        rest = self.target[1:]
        if not rest or rest.startswith("?"):
            return START_PAGE + rest
        unclear = rest.startswith("/") or rest.partition("?")[0] == START_PAGE
        return self.target if unclear else rest

    def joined(self, location: str) -> PageUrl | None:
        """Where a redirect from here leads; None where that is no address of a web page."""
        return parse_url(urljoin(str(self), location.strip()))

    def __str__(self) -> str:
        return self.origin + self.target


def parse_url(written: str) -> PageUrl | None:
    """The address that a person or a server wrote, or None for what is none. `flaw_of` says why."""
    whole = quote(written.partition("#")[0], safe=_KEPT)
    match = _URL.fullmatch(whole)
    if match is None:
        return None
    host, port = match["host"].lower(), match["port"] or ""
    if not is_possible(host, port):
        return None
    scheme: Literal["http", "https"] = "https" if match["scheme"].lower() == "https" else "http"
    target = match["target"] or "/"
    usual = ":443" if scheme == "https" else ":80"
    return PageUrl(scheme, host, "" if port == usual else port, target if target.startswith("/") else f"/{target}")


def page_at(origin: str, path: str) -> PageUrl | None:
    """The address of a source's document, as `PageUrl.path` took it apart."""
    start = path == START_PAGE or path.startswith(f"{START_PAGE}?")
    rest = path.removeprefix(START_PAGE) if start else path
    return parse_url(f"{origin}{'' if rest.startswith('/') else '/'}{rest}")


def looks_like_url(written: str) -> bool:
    """Whether a person meant an address rather than a path, a misspelt one included."""
    return _MEANT.match(written) is not None


def flaw_of(written: str) -> tuple[str, str]:
    """What is wrong with an address that `parse_url` refuses, without repeating what may be a password, and a hint."""
    scheme, separator, rest = written.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" in authority:
        return "the address contains a user name or password", "hybridrag logs in nowhere: save the page and ingest it"
    if not separator or scheme.lower() not in {"http", "https"}:
        shown = scheme.partition(":")[0][:20]
        return f"{shown}: is no way to fetch a page", "an address begins with https:// or http://"
    if not authority.isascii():
        return "the host is not ASCII", "write an international name in its xn-- form"
    return "this is no address of a web page", "check its host and port: https://example.com/page.html"


_KEPT = "/?:@!$&'()*+,;=%[]-._~"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{HOST})(?P<port>{PORT})?(?P<target>[/?][!-~]*)?", re.IGNORECASE | re.ASCII
)
_MEANT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://|https?:", re.ASCII | re.IGNORECASE)
