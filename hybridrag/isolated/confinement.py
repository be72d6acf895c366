"""What the kernel refuses a child from then on, on Linux: writing outside its folder, sockets, other processes.

Neither needs a privilege or a daemon, and neither can be taken back. Landlock (5.13 and later, where it is switched on)
bounds where files are written, and from 6.12 on whom signals reach; the filter of system calls refuses what none of
these processes asks for. What the kernel does not know is left out.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

_PR_SET_SECCOMP = 22
_FILTER = 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same numbers on every processor, like all that are younger than 2019."""
_ASK_VERSION = 1
_BENEATH = 1
_WRITE, _TRUNCATE = 1 << 1, 1 << 14
_CHANGES = sum(1 << bit for bit in range(4, 13)) | _WRITE
"""To remove and to make files of any kind, and to write to them."""
_REFER = 1 << 13
_SCOPES = 0b11
"""Abstract sockets, and signals."""

_NOBODY_ASKS: dict[str, tuple[int, Sequence[int]]] = {
    # socket, connect; ptrace, process_vm_readv and _writev; chmod, fchmod, chown, fchown, lchown, fchownat, fchmodat;
    # add_key, request_key, keyctl; mount, unshare, setns; bpf, userfaultfd, perf_event_open
    "x86_64": (
        0xC000003E,
        (41, 42, 101, 310, 311, 90, 91, 92, 93, 94, 260, 268, 248, 249, 250, 165, 272, 308, 321, 323, 298),
    ),
    "aarch64": (0xC00000B7, (198, 203, 117, 270, 271, 52, 53, 54, 55, 217, 218, 219, 40, 97, 268, 280, 282, 241)),
}
_EVERYWHERE = (425, 438, 452)
"""io_uring_setup, which opens sockets too; pidfd_getfd; fchmodat2."""
_OF_ANOTHER_KIND = 0x40000000
"""Numbers from here on are those of a second table of x86-64, which nobody uses."""
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM


def write_only_in(folder: str) -> None:
    """From now on this process and what it starts change files in `folder` only, as far as the kernel can see to it."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return
    handled = _CHANGES | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    wanted = struct.pack("=QQQ", handled, 0, _SCOPES if version >= 6 else 0)
    rules = libc.syscall(_CREATE_RULESET, wanted, len(wanted), 0)
    if rules < 0:
        return
    try:
        for path, allowed in ((folder, handled), (os.devnull, handled & (_WRITE | _TRUNCATE))):
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                libc.syscall(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
            finally:
                os.close(descriptor)
        libc.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def refuse_system_calls() -> None:
    """From now on this process and what it starts open no sockets and reach into no other process."""
    known = _NOBODY_ASKS.get(platform.machine())
    if known is None:
        return
    kind, numbers = known
    refused = (*numbers, *_EVERYWHERE)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, kind), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, 0)]
    left = len(refused) + 1  # to the last step, which refuses; the one before allows
    steps += [(_AT_LEAST, left, 0, _OF_ANOTHER_KIND)]
    steps += [(_EQUAL, left - at, 0, number) for at, number in enumerate(refused, 1)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0)
