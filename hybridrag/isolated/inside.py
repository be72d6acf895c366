"""An isolated process, from inside: what it runs first, and its one way to the parent."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, BinaryIO

from hybridrag.isolated import sandbox
from hybridrag.isolated.bounds import Bounds
from hybridrag.isolated.frames import SIGN_OF_LIFE, framed, read_message


class Parent:
    """Whoever started this process: what it asks for, and what it is told."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers

    def request(self) -> tuple[dict[str, Any], bytes] | None:
        """The next one, waited for; None where there is none any more."""
        return read_message(self._requests)

    def tell(self, header: Mapping[str, Any], content: bytes = b"") -> None:
        for part in framed(header, content):
            self._answers.write(part)
        self._answers.flush()

    def sign_of_life(self) -> None:
        """The answer takes its time."""
        self._answers.write(SIGN_OF_LIFE)
        self._answers.flush()


def main() -> None:
    """Gives up what the parent says, then has a module's `serve` do the rest. The first argument is JSON:
    `module`, `settings`, `bounds`, `parent`.
    """
    told = json.loads(sys.argv[1])
    parent = _private()
    sandbox.enter(Bounds(**told["bounds"]), parent=told["parent"])
    import_module(told["module"]).serve(parent, told["settings"])


def _private() -> Parent:
    """The two pipes, moved away from where a chatty library would read or write."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    return Parent(requests, answers)
