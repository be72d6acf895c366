"""What an isolated process gives up before it does anything else."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from hybridrag.isolated import confinement
from hybridrag.isolated.bounds import Bounds

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_REFUSED = frozenset(
    {
        "socket.connect",
        "socket.sendto",
        "socket.sendmsg",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
    }
)


def enter(bounds: Bounds, *, parent: int) -> None:
    """Bounds this process and takes away its network.

    On Linux it dies with its parent, can gain no privileges, and lives in a network namespace without an interface;
    where the kernel refuses some of it, and on other systems, the rest still holds. Python's own connections are
    refused everywhere. Ends the process if `parent` is no longer there.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, bounds.memory)
    _lower(resource.RLIMIT_FSIZE, bounds.largest_file)
    _lower(resource.RLIMIT_NOFILE, bounds.most_files)
    die_with_parent()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # A user namespace of its own lets an ordinary user have a network namespace, and takes root's powers from root.
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        if bounds.strict:
            confinement.write_only_in(str(Path.cwd()))
            confinement.refuse_system_calls()
    if os.getppid() != parent:
        os._exit(1)
    sys.addaudithook(_refuse_connections)


def die_with_parent() -> None:
    """From now on this process is killed when the one that started it ends, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _lower(limit: int, most: int | None) -> None:
    if most is None:
        return
    try:
        hard = resource.getrlimit(limit)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    except (OSError, ValueError):
        pass  # macOS refuses some of them; the others still hold


def _refuse_connections(event: str, _: tuple[object, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError("an isolated process has no network")
