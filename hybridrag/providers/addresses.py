"""Which addresses a provider may have, and which of them are this machine.

A URL is matched as a whole against one strict pattern instead of being taken apart by a lenient parser. So no two
parsers can disagree about its host: user information (`http://localhost@evil.example`), backslashes, control
characters, percent-encoded hosts and anything outside ASCII do not match at all.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hybridrag.errors import ConfigError
from hybridrag.hosts import HOST, PORT, is_possible

CHAT_PATH = "/chat/completions"
EMBEDDINGS_PATH = "/embeddings"
RERANK_PATH = "/rerank"


def is_loopback(url: str) -> bool:
    """Whether this URL can only mean this machine: `localhost`, 127.0.0.0/8 or ::1, written out.

    False for everything else, names that happen to resolve to loopback included, and for what is no URL.
    """
    address = _parse(url)
    return address is not None and address.loopback


def is_local(url: str, listed: Iterable[str]) -> bool:
    """Whether the user trusts this URL like this machine: loopback, or one of the addresses listed as local.

    An entry is a host (`gpu.lan`, any port), a host with a port (`10.0.0.5:8000`) or a URL (scheme, host and port
    count, the path does not). It matches as written, in any letter case: no wildcards, no name resolution.
    """
    return is_loopback(url) or is_listed(url, listed)


def is_listed(url: str, listed: Iterable[str]) -> bool:
    """Whether the user named this URL among the local addresses, as `is_local` reads them."""
    address = _parse(url)
    if address is None:
        return False
    names = {address.host, address.host + address.port, address.origin}
    entries = (entry.strip().lower() for entry in listed)
    return any((origin(entry) if "://" in entry else entry) in names for entry in entries)


def listed_hosts(listed: Iterable[str]) -> frozenset[str]:
    """The hosts of the addresses that the user listed as local, without their ports, in lower case."""
    entries = (entry.strip().lower() for entry in listed)
    urls = (entry if "://" in entry else f"http://{entry}" for entry in entries)
    return frozenset(address.host.strip("[]") for url in urls if (address := _parse(url)) is not None)


def check_url(url: str, *, listed_local: bool = False) -> None:
    """Passes a base address that requests may be sent to; raises ConfigError for any other.

    `http` is for loopback and for addresses that the user listed as local: elsewhere the key and the passages would
    travel readable.
    """
    address = _parse(url)
    if address is None:
        raise ConfigError(_flaw(url), hint="Give it like https://llm.example.com/v1 or http://127.0.0.1:8080/v1.")
    if address.scheme == "http" and not address.loopback and not listed_local:
        raise ConfigError(
            f"The provider address {url} is not encrypted: key and texts could be read on the way.",
            hint="Use https, or list the address as local in your own settings if that network is yours.",
        )


def endpoint(base_url: str, path: str = CHAT_PATH) -> str:
    """The URL that requests go to: `BASE/chat/completions`, or BASE with another path, also where `base_url` already is
    that."""
    return base_url.rstrip("/").removesuffix(path) + path


def origin(url: str) -> str:
    """Scheme, host and port of a URL, or empty text where it has none that can be shown safely."""
    address = _parse(url)
    return address.origin if address else ""


def host_of(url: str) -> str:
    """Host and port of a URL, for people; empty text where it has none that can be shown safely."""
    return origin(url).partition("://")[2]


def same_endpoint(one: str, other: str) -> bool:
    """Whether embedding requests to both base addresses go to the same place: host in any letter case, path to the
    letter."""
    places = [(origin(url), endpoint(url, EMBEDDINGS_PATH)[len(origin(url)) :]) for url in (one, other)]
    return places[0][0] != "" and places[0] == places[1]


@dataclass(frozen=True, slots=True)
class _Address:
    scheme: str
    host: str
    port: str

    @property
    def loopback(self) -> bool:
        host = self.host.strip("[]")
        if host == "localhost":
            return True
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            return False
        mapped = getattr(ip, "ipv4_mapped", None)
        return (mapped or ip).is_loopback

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}{self.port}"


_URL = re.compile(
    r"(?P<scheme>https?)://"
    rf"(?P<host>{HOST})"
    rf"(?P<port>{PORT})?"
    r"(?P<path>/[a-z0-9._~!$&'()*+,;=:@%/-]*)?",
    re.IGNORECASE | re.ASCII,
)


def _parse(url: str) -> _Address | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, host, port = match["scheme"].lower(), match["host"].lower(), match["port"] or ""
    return _Address(scheme, host, port) if is_possible(host, port) else None


def _flaw(url: str) -> str:
    """What is wrong with an address, without repeating it: it may hold a password."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if not url.strip():
        return "The provider address is empty."
    if not separator or scheme.lower() not in {"http", "https"}:
        return "The provider address must begin with https:// or http://."
    if "@" in authority:
        return "The provider address contains a user name or password; a key belongs in the environment."
    if "?" in rest or "#" in rest:
        return "The provider address contains a query or fragment (? or #), which a base address cannot have."
    if not url.isascii():
        return "The provider address contains a character outside ASCII; write an international name in its xn-- form."
    return "The provider address is not a valid URL: check its host, port and characters."
