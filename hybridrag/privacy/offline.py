"""`--offline`: this process opens no connection but to addresses that are allowed, whichever library asks for one.

Providers, hubs and endpoints refuse by themselves, with better words; this is the wall behind them. It sees what goes
through Python's sockets. libpq, which is C, connects to the configured database only.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable
from typing import Any

from hybridrag.errors import BlockedByPolicy

_RESOLVING = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


def refuse_connections(allowed: Callable[[str], bool]) -> None:
    """From now on, until the process ends, any other connection raises BlockedByPolicy.

    `allowed` is asked with a host, a name or a number. Sockets of this machine (Unix sockets, loopback) are always
    allowed.
    """
    resolved: set[str] = set()
    asking = False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal asking
        if asking or (event not in _RESOLVING and event not in _CONNECTING):
            return
        address = arguments[0] if event in _RESOLVING else arguments[1]
        if event in _CONNECTING and not isinstance(address, tuple):
            return  # a Unix socket's path, or a connected socket
        host = address if event in _RESOLVING else address[0]
        host = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        if _is_here(host) or host in resolved:
            return
        asking = True
        try:
            if not allowed(host):
                raise BlockedByPolicy(
                    f"--offline: a connection to {host} was refused.",
                    hint="List the address in local_addresses if it is yours, or leave --offline out.",
                )
            if event in _RESOLVING:
                # What is connected to afterwards is a number; it is allowed as its name is.
                resolved.update(_numbers(host))
        finally:
            asking = False

    sys.addaudithook(watch)


def _is_here(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _numbers(host: str) -> set[str]:
    import socket

    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()
