"""Which network addresses a page may be fetched from.

A program that fetches what it is told to can be sent to machines that only it can reach. So a name is resolved once,
every address it has is judged, and the connection goes to one that was judged: a name that means another address a
moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

from hybridrag.sources.reading import ReadError

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host for connections to a port. Raises OSError where it has none."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def resolve(host: str, port: int) -> list[str]:
    """What this machine's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def permitted(host: str, port: int, *, resolve: Resolve, allow_private: bool) -> list[str]:
    """The addresses of a host that may be connected to. Raises ReadError where one of them may not be."""
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise ReadError(f"{host} was not found", hint="Check the address, and that this machine is on the network.")
    for address in found:
        _judge(host, address, allow_private=allow_private)
    return list(found)


def _judge(host: str, address: str, *, allow_private: bool) -> None:
    which = f"{host} is {address}" if host != address else host
    try:
        meant = _all_meant(ipaddress.ip_address(address))
    except ValueError:  # with a zone (fe80::1%eth0), which only addresses of this network segment have
        raise ReadError(f"{which}, which no page is fetched from", hint=_NEVER) from None
    for each in meant:
        if _never(each):
            raise ReadError(f"{which}, which no page is fetched from", hint=_NEVER)
        if not allow_private and not _public(each):
            joined = "," if host != address else " is"
            raise ReadError(f"{which}{joined} an address of this machine or of a private network", hint=_ALLOW)


def _all_meant(address: Address) -> list[Address]:
    """The address, and the IPv4 addresses that a gateway may make of it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if any(address in net for net in _TRANSLATED):
        return [ipaddress.IPv4Address(address.packed[-4:])]
    return [address, *(each for each in (address.sixtofour, *(address.teredo or ())) if each is not None)]


def _never(address: Address) -> bool:
    return (
        any(address.version == net.version and address in net for net in _NEVER_FETCHED)
        or address.is_multicast
        or address.is_link_local
        or address.is_unspecified
    )


def _public(address: Address) -> bool:
    listed = any(address.version == net.version and address in net for net in _NOT_PUBLIC)
    return address.is_global and not address.is_reserved and not listed


_ALLOW = "If you mean it: --allow-private-addresses, or allow_private_addresses = true in your own settings."
_NEVER = "Save the page and ingest the file."
_TRANSLATED = [ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/96")]
"""NAT64 (RFC 6052, RFC 8215): the last four bytes are the IPv4 address that a gateway connects to."""
_NEVER_FETCHED = [
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local; 169.254.169.254 hands out the keys of cloud machines
        "255.255.255.255/32",
        "100.100.100.200/32",  # the same at Alibaba, inside CGNAT
        "192.0.0.192/32",  # and at Oracle
        "fd00:ec2::/32",  # and at Amazon
        "fd20:ce::/32",  # and at Google
    )
]
_NOT_PUBLIC = [
    ipaddress.ip_network(net)
    # Python's own table grows from version to version (CVE-2024-4032); these are what must not depend on that.
    for net in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/8",
        "fc00::/7",
        "fec0::/10",
    )
]
