"""Text as a reader would understand it, with the way back to every original character.

Detectors see the normalised text: compatibility forms folded (NFKC), digits of every script as ASCII, one kind of dash
and of blank, no invisible characters, HTML entities and escapes decoded, `[at]` and `(dot)` spelled out. A span found
there maps back to the characters of the original that produced it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

BARRIER = "\ufdd0"
"""Stands where a pseudonym stood: no rule matches through it. A Unicode noncharacter, so no honest text holds it."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text`, and for each of its spans the span of the original it came from."""

    text: str
    _stages: tuple[tuple[_Piece, ...], ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The smallest original span that holds everything `text[start:end]` came from; start < end."""
        for pieces in reversed(self._stages):
            first = pieces[bisect_right(pieces, start, key=_target) - 1]
            last = pieces[bisect_right(pieces, end - 1, key=_target) - 1]
            start = first.source + (start - first.target if first.exact else 0)
            end = last.source + (end - last.target) if last.exact else last.source_end
        return start, end


def normalise(text: str) -> Normalised:
    """The normalised text and its map. Linear in the length of `text`; raises for no text."""
    stages: list[tuple[_Piece, ...]] = []
    for stage in (_decode, _fold, _spell_out):
        changed, pieces = stage(text)
        if pieces:
            stages.append(pieces)
        text = changed
    return Normalised(text, tuple(stages))


def shield(text: str) -> str:
    """`text` with any barrier character it brought along replaced by an ignorable one; the length stays."""
    return text.replace(BARRIER, "\u200b") if BARRIER in text else text


@dataclass(frozen=True, slots=True)
class _Piece:
    """From `target` on, output comes from `source:source_end`, character by character where `exact`."""

    target: int
    source: int
    source_end: int
    exact: bool


_Stage = tuple[str, tuple[_Piece, ...]]


def _target(piece: _Piece) -> int:
    return piece.target


def _rewrite(text: str, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str | None]) -> _Stage:
    """`text` with every match replaced (None keeps it), and its pieces; no pieces where nothing changed."""
    out: list[str] = []
    pieces: list[_Piece] = []
    length = done = 0
    for match in pattern.finditer(text):
        replacement = replace(match)
        if replacement is None:
            continue
        start, end = match.span()
        if start > done:
            pieces.append(_Piece(length, done, start, exact=True))
            out.append(text[done:start])
            length += start - done
        if replacement:
            pieces.append(_Piece(length, start, end, exact=False))
            out.append(replacement)
            length += len(replacement)
        done = end
    if not done:
        return text, ()
    pieces.append(_Piece(length, done, len(text), exact=True))
    out.append(text[done:])
    return "".join(out), tuple(pieces)


# --- escapes ---------------------------------------------------------------------------------------------------------

_ESCAPED = re.compile(
    r"&(?:amp;){0,3}(?:\#[0-9]{1,7};?|\#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)"
    r"|(?:%(?:25){0,2}[0-9A-Fa-f]{2})+"
    r"|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[_.\-@+()]"
)


def _decode(text: str) -> _Stage:
    if "&" not in text and "%" not in text and "\\" not in text:
        return text, ()
    return _rewrite(text, _ESCAPED, _unescape)


def _unescape(match: re.Match[str]) -> str | None:
    escape = match.group()
    result = escape
    if escape[0] == "&":
        for _ in range(4):
            result = html.unescape(result)
    elif escape[0] == "%":
        for _ in range(3):
            result = unquote(result, errors="replace")
        if "\ufffd" in result:
            return None
    elif len(escape) == 2:
        result = escape[1]
    else:
        result = chr(int(escape[2:], 16))
    return None if result == escape else result


# --- characters ------------------------------------------------------------------------------------------------------

_COMPOSED, _ALONE = "\ufffe", "\uffff"
_MARKED = re.compile(f"[^{_COMPOSED}{_ALONE}]?{_COMPOSED}+|{_ALONE}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DASHES = frozenset("\u02d7\u06d4\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d")
_DOTS = frozenset("\u00b7\u2022\u2024\u2027\u2219\u3002\uff0e\uff61")
_SIGNS = {BARRIER: BARRIER} | dict.fromkeys(_DASHES, "-") | dict.fromkeys(_DOTS, ".")
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


class _Folds(dict[int, str]):
    """One character to one character; those that vanish, grow or combine become a marker that `_fold` resolves."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = _folded(char)
        if char != BARRIER and _combines(char):
            folded = _COMPOSED
        elif len(folded) != 1:
            folded = _ALONE
        self[code] = folded
        return folded


_FOLDS = _Folds()


def _fold(text: str) -> _Stage:
    if text.isascii() and not _CONTROL.search(text):
        return text, ()
    folded = text.translate(_FOLDS)
    if _COMPOSED not in folded and _ALONE not in folded:
        return folded, ()

    def resolve(match: re.Match[str]) -> str:
        cluster = unicodedata.normalize("NFKC", text[match.start() : match.end()])
        return "".join(_folded(char) for char in cluster)

    return _rewrite(folded, _MARKED, resolve)


def _folded(char: str) -> str:
    if char in _SIGNS:
        return _SIGNS[char]
    if _invisible(char):
        return ""
    plain = unicodedata.normalize("NFKC", char)
    if len(plain) == 1:
        if unicodedata.category(plain) == "Nd":
            return str(unicodedata.digit(plain))
        if plain in "\u2028\u2029\x85\x0b\x0c":
            return "\n"
        if plain.isspace() and not plain.isascii():
            return " "
    return "".join("-" if part in _DASHES else part for part in plain)


def _invisible(char: str) -> bool:
    code = ord(char)
    return (
        unicodedata.category(char) == "Cf"
        or char in _INVISIBLE_LETTERS
        or 0xFE00 <= code <= 0xFE0F
        or 0xE0000 <= code <= 0xE0FFF
        or 0xFDD0 <= code <= 0xFDEF
        or code & 0xFFFE == 0xFFFE
        or (_CONTROL.match(char) is not None and char not in "\x0b\x0c")
    )


def _combines(char: str) -> bool:
    return unicodedata.category(char).startswith("M") and not _invisible(char)


# --- spelled out -----------------------------------------------------------------------------------------------------

_SPELLED = re.compile(
    r"[ \t]?[ \t]?[\[({<]\s{0,2}(?:(?P<at>at|ät|@|arroba)|(?P<dot>dot|punkt|point|\.)"
    r"|(?P<dash>dash|hyphen|minus|-))\s{0,2}[\])}>][ \t]{0,2}"
    r"|[ \t]-[ \t]?(?:(?P<at2>at)|(?P<dot2>dot))[ \t]?-[ \t]"
    r"|<!--[^<>]{0,200}-->|</?(?:b|i|u|em|strong|span|wbr|font|mark|small)(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_SPELLED_HINT = re.compile(r"[\[({<]\s{0,2}(?:[adpmh@.ä-]|!--|/|[biuesfw])|-[ \t]?(?:at|dot)[ \t]?-", re.IGNORECASE)


def _spell_out(text: str) -> _Stage:
    return _rewrite(text, _SPELLED, _spelled) if _SPELLED_HINT.search(text) else (text, ())


def _spelled(match: re.Match[str]) -> str:
    kind = match.lastgroup
    return {"at": "@", "at2": "@", "dot": ".", "dot2": ".", "dash": "-"}.get(kind, "") if kind else ""
