"""The confined detector, from inside: reads texts from stdin, writes spans to stdout, until stdin ends.

A request is a text and an answer an object, both JSON after their length. The answer is no pickle, because a detector
that was taken over could make a pickle do anything in the parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

LENGTH = struct.Struct(">Q")
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


def main() -> None:
    """Serves until stdin ends. The one argument is JSON: `target`, `argument`, `parent`."""
    settings = json.loads(sys.argv[1])
    requests, answers = _private_pipes()
    _confine(parent=settings["parent"])
    detector: Any = None
    try:
        detector = _made(settings["target"], settings["argument"])
        greeting = {"name": detector.name, "version": detector.version}
    except BaseException as error:
        greeting = _fault(error)
    _write(answers, greeting)
    while "name" in greeting and (body := _frame(requests)) is not None:
        _write(answers, _answer(detector, json.loads(body)))


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, moved away from where a chatty library would read or write."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    return requests, answers


def _confine(*, parent: int) -> None:
    """Takes the network away and ties this process to its parent.

    On Linux the kernel does both, where it allows a namespace; Python's own connections are refused everywhere.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # A user namespace of its own lets an ordinary user have a network namespace.
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    if os.getppid() != parent:
        os._exit(1)
    sys.addaudithook(_refuse_connections)


def _refuse_connections(event: str, _: tuple[object, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError("a detector has no network")


def _made(target: str, argument: str | None) -> Any:
    """The detector. Raises what its module raises, and TypeError for an object that is no detector."""
    module, _, attribute = target.partition(":")
    factory: Any = import_module(module)
    for part in attribute.split("."):
        factory = getattr(factory, part)
    detector = factory() if argument is None else factory(Path(argument))
    texts = (getattr(detector, "name", None), getattr(detector, "version", None))
    if not all(isinstance(text, str) and text for text in texts) or not callable(getattr(detector, "detect", None)):
        raise TypeError
    return detector


def _answer(detector: Any, text: str) -> dict[str, Any]:
    try:
        spans: Iterable[Any] = detector.detect(text)
        return {"spans": [[span.start, span.end, span.type, span.rule] for span in spans]}
    except Exception as error:
        return _fault(error)


def _fault(error: BaseException) -> dict[str, Any]:
    """What the parent may tell of it. Our own refusals speak for themselves; other words may quote the text."""
    from hybridrag.errors import HybridragError

    if isinstance(error, HybridragError):
        return {"message": error.message, "hint": error.hint, "fault": type(error).__name__}
    return {"fault": type(error).__name__[:60]}


def _frame(pipe: BinaryIO) -> bytes | None:
    length = pipe.read(LENGTH.size)
    if len(length) < LENGTH.size:
        return None
    size = LENGTH.unpack(length)[0]
    body = pipe.read(size)
    return body if len(body) == size else None


def _write(pipe: BinaryIO, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    pipe.write(LENGTH.pack(len(body)) + body)
    pipe.flush()
