"""Detectors as other packages bring them: good ones, and each kind of bad one."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from hybridrag.types import Span


class Badges:
    """Finds BADGE numbers. As good as a third-party detector gets."""

    name = "badges"
    version = "3"

    def detect(self, text: str) -> Iterator[Span]:
        return (Span(found.start(), found.end(), "BADGE", "badge") for found in re.finditer("B-[0-9]{4}", text))


class _Misbehaves(Badges):
    name = "misbehaves"


class Raises(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        raise RuntimeError(f"cannot read {text}")


class Hangs(_Misbehaves):
    """Holds the interpreter's lock while it hangs, as an expression that backtracks does."""

    def detect(self, text: str) -> Iterator[Span]:
        re.match("(a*)*b", "a" * 40)
        return iter(())


class Sleeps(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        time.sleep(600)
        return iter(())


class Dies(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        os._exit(0)


class Phones(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        with socket.socket() as one:
            one.connect(("127.0.0.1", int(text)))
        return iter(())


class Resolves(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        socket.getaddrinfo("localhost", 80)
        return iter(())


class Outside(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        yield Span(0, len(text) + 1, "BADGE", "badge")


class Oddly(_Misbehaves):
    def detect(self, text: str) -> Iterator[Span]:
        yield Span(0, 1, "⟦BADGE", "badge")


class Numbers(_Misbehaves):
    def detect(self, text: str) -> Iterator[int]:  # type: ignore[override]
        yield 1


class Chatty(Badges):
    """Writes where the answers would go."""

    def detect(self, text: str) -> Iterator[Span]:
        os.write(1, b"hello")
        print("hello", flush=True)
        return super().detect(text)


class Keys(Badges):
    """Tells what it sees of the environment as its version."""

    version = ",".join(sorted(os.environ))


class Folder(Badges):
    """A names model of another package's own kind."""

    def __init__(self, folder: Path) -> None:
        self.version = (folder / "version").read_text()


class Nameless:
    version = "1"

    def detect(self, text: str) -> list[Span]:
        return []


def not_a_detector() -> object:
    return object()


def unable() -> object:
    raise OSError("no such thing as /secret/path")
