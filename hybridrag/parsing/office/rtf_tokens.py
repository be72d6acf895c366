"""The words of RTF (Rich Text Format Specification 1.9.1): what stands in a file one after the other, decoded."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hybridrag.parsing.refusals import nested

_DEEPEST = 2_000
_TOKEN = re.compile(rb"\\([a-zA-Z]+)(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([\r\n]+)|([^\\{}\r\n]+)")
_BRACE = re.compile(rb"\\bin(\d{1,9}) ?|\\[\\{}]|[{}]")
_SAID = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ", "softline": "\n",
}  # fmt: skip
_SYMBOLS = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n", b"\t": "\t"}
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""Of fonts; any other is of the file's own code page."""


@dataclass(frozen=True, slots=True)
class Word:
    """A control word with its number; `{` and `}` for a group; the empty name for text, which `text` holds."""

    name: str
    number: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    fallback: int = 1
    """Characters that stand for one of Unicode in old programs."""
    charset: int = 0


class Tokens:
    """The words of a file. `skip` passes over the rest of the group that was begun last."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0
        self._page = "cp1252"
        self._fonts: dict[int, int] = {}
        self._font = 0
        self._reading = _Reading()
        self._outer: list[_Reading] = []
        self._bytes = bytearray()
        self._passing = 0

    def __iter__(self) -> Iterator[Word]:
        while found := _TOKEN.match(self._content, self._at):
            self._at = found.end()
            if found[3] is not None:
                if not self._passes():
                    self._bytes.append(int(found[3], 16))
                continue
            if found[6]:
                continue
            if self._bytes:
                yield Word("", text=self._decoded())
            if found[7]:
                text = found[7].decode(self._page, "replace")
                passed = min(self._passing, len(text))
                self._passing -= passed
                yield Word("", text=text[passed:])
            elif found[5]:
                yield self._brace(found[5])
            elif found[4]:
                yield from self._symbol(found[4])
            else:
                yield from self._control(found[1].decode(), int(found[2]) if found[2] else None)
        if self._bytes:
            yield Word("", text=self._decoded())

    def skip(self) -> None:
        """Passes over what is left of the group, but for the brace that ends it."""
        depth = 0
        self._bytes.clear()
        at = self._at
        while found := _BRACE.search(self._content, at):
            at = found.end() + int(found[1] or 0)
            if found[0] == b"{":
                depth += 1
            elif found[0] == b"}":
                if not depth:
                    self._at = found.start()
                    return
                depth -= 1
        self._at = len(self._content)

    def _brace(self, brace: bytes) -> Word:
        self._passing = 0
        if brace == b"{":
            if len(self._outer) > _DEEPEST:
                raise nested()
            self._outer.append(self._reading)
        elif self._outer:
            self._reading = self._outer.pop()
        return Word(brace.decode())

    def _symbol(self, symbol: bytes) -> Iterator[Word]:
        if symbol == b"*":
            yield Word("*")
        elif not self._passes():
            yield Word("par") if symbol in b"\r\n" else Word("", text=_SYMBOLS.get(symbol, ""))

    def _control(self, name: str, number: int | None) -> Iterator[Word]:
        if name == "u":
            self._passing = self._reading.fallback
            yield Word("", text=chr((number or 0) % 65536))
        elif name == "bin":
            self._at += max(0, number or 0)
        elif self._passes():
            return
        elif name in _SAID:
            yield Word("", text=_SAID[name])
        else:
            self._read_on(name, number)
            yield Word(name, number)

    def _read_on(self, name: str, number: int | None) -> None:
        if name == "uc":
            self._reading = replace(self._reading, fallback=min(max(number or 0, 0), 8))
        elif name == "ansicpg" and number:
            self._page = _codec(f"cp{number}")
        elif name == "mac":
            self._page = "mac_roman"
        elif name == "f":
            self._font = number or 0
            self._reading = replace(self._reading, charset=self._fonts.get(self._font, 0))
        elif name == "fcharset":
            self._fonts[self._font] = number or 0
        elif name == "plain":
            self._reading = replace(self._reading, charset=0)

    def _passes(self) -> bool:
        """Whether this is one of the characters that stand for the one of Unicode before them."""
        passes = self._passing > 0
        self._passing -= passes
        return passes

    def _decoded(self) -> str:
        text = self._bytes.decode(_CHARSETS.get(self._reading.charset, self._page), "replace")
        self._bytes.clear()
        return text


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"
