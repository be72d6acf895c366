"""How a host is written in a URL: one strict pattern, so that no two parsers can disagree about it."""

from __future__ import annotations

import ipaddress
import re

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]{{2,45}}\])"
"""A name, an IPv4 address or an IPv6 address in brackets; for patterns that ignore case and hold ASCII only."""
PORT = r":[1-9][0-9]{0,4}"


def is_possible(host: str, port: str = "") -> bool:
    """Whether a host that matches `HOST`, in lower case, and a port that matches `PORT` or is empty, can exist.

    A host whose last label is a number is an IPv4 address or nothing: 127.1 and 2130706433 are read differently by
    different programs (WHATWG URL standard, "ends in a number").
    """
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
        elif re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rstrip(".").rpartition(".")[2]):
            ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return len(host) <= 253 and (not port or int(port[1:]) <= 65535)
