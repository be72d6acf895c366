"""What the worker gives up before it reads a byte of a document."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from hybridrag.parsing import confinement

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_LARGEST_FILE = 256 * 1024 * 1024
_MOST_FILES = 128


def enter(*, memory: int, parent: int) -> None:
    """Bounds this process to `memory` bytes of address space and takes away its network.

    On Linux it dies with its parent, can gain no privileges, lives in a network namespace without an interface, opens
    no sockets and changes files in the current folder only; where the kernel refuses some of it, and on other systems,
    the rest still holds. Ends the process if `parent` is no longer there.
    """
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
    ):
        _lower(limit, most)
    die_with_parent()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # A user namespace of its own lets an ordinary user have a network namespace, and takes root's powers from root.
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        confinement.write_only_in(str(Path.cwd()))
        confinement.refuse_system_calls()
    if os.getppid() != parent:
        os._exit(1)


def die_with_parent() -> None:
    """From now on this process is killed when the one that started it ends, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _lower(limit: int, most: int) -> None:
    try:
        hard = resource.getrlimit(limit)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    except (OSError, ValueError):
        pass  # macOS refuses some of them; the others still hold
