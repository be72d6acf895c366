"""Text as a reader would understand it, with the way back to every original character.

Detectors see the normalised text: compatibility forms folded (NFKC), digits of every script as ASCII, one kind of dash
and of blank, no invisible characters, look-alikes inside Latin words as Latin letters, HTML entities and escapes
decoded, `[at]` and `(dot)` spelled out. A span found there maps back to the characters of the original that
produced it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybridrag.privacy.plaintext.characters import (
    BARRIER,
    LOOKALIKES,
    ROMAN,
    TAGS,
    Table,
    cluster,
    codes,
    combines,
    folded,
    spelled,
)
from hybridrag.privacy.plaintext.escapes import unescaped
from hybridrag.privacy.plaintext.offsets import Edits, Normalised, rewrite, without
from hybridrag.privacy.plaintext.wording import plainly_worded

__all__ = ["BARRIER", "Normalised", "normalise", "shield"]

_ROUNDS = 3
_LONGEST_VALUE = 64


def normalise(text: str) -> Normalised:
    """The normalised text and its map. Linear in the length of `text`; raises for no text."""
    # The values of a request are normalised again and again, for marks, for looking them up, and for the canary.
    return _normalised_value(text) if len(text) <= _LONGEST_VALUE else _normalised(text)


@lru_cache(maxsize=4096)
def _normalised_value(text: str) -> Normalised:
    return _normalised(text)


def _normalised(text: str) -> Normalised:
    stages: list[Edits] = []
    text = _fold(text, stages)
    for _ in range(_ROUNDS):  # an escape may stand in another one
        text, edits = unescaped(text)
        if edits is None:
            break
        stages.append(edits)
        text = _fold(text, stages)
    text, edits = plainly_worded(text)
    if edits is not None:
        stages.append(edits)
    return Normalised(text, tuple(stages))


def shield(text: str) -> str:
    """`text` with any barrier character it brought along replaced by an ignorable one; the length stays."""
    return text.replace(BARRIER, "\u200b") if BARRIER in text else text


# --- characters ------------------------------------------------------------------------------------------------------

_GONE, _TAG, _MARK, _MANY, _ROMAN = range(0x110000, 0x110005)
_LOOKALIKE = 0x200000
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\r"


def _fold(text: str, stages: list[Edits]) -> str:
    """`text` with every character folded; what removed or lengthened it is added to `stages`."""
    if text.isascii() and not text.encode("ascii").translate(None, _PLAIN):
        return text
    points = codes(text)
    folds = _FOLDS.of(points)
    if (folds == points).all():
        return text
    if folds.max() < _GONE:
        return spelled(folds)
    _reveal_tags(points, folds)
    gone = folds == _GONE
    if gone.any():
        points, edits = without(points, gone)
        folds = folds[~gone]
        stages.append(edits)
    _fold_lookalikes(folds)
    special = np.flatnonzero(folds >= _GONE).tolist()
    if not special:
        return spelled(folds)
    marked = folds == _MARK
    folds[marked] = points[marked]
    text, made = rewrite(spelled(np.where(folds < _GONE, folds, points)), _clusters(spelled(points), folds, special))
    if made is not None:
        stages.append(made)
    return text


def _class(code: int) -> int:
    char = chr(code)
    if char == BARRIER:
        return code
    if TAGS[0] <= code <= TAGS[1]:
        return _TAG
    if combines(char):
        return _MARK
    if code in ROMAN:
        return _ROMAN
    plain = folded(char)
    if len(plain) != 1:
        return _MANY if plain else _GONE
    return ord(plain) | (_LOOKALIKE if plain in LOOKALIKES else 0)


_FOLDS = Table(_class)
_SHORTEST_TAGGED = 7


def _reveal_tags(points: NDArray[np.uint32], folds: NDArray[np.uint32]) -> None:
    """Tag characters are noise between others, but a message where many stand together."""
    tags = folds == _TAG
    if tags.any():
        edges = np.flatnonzero(np.diff(tags, prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2]
        told = np.repeat(ends - starts >= _SHORTEST_TAGGED, ends - starts)
        at = np.flatnonzero(tags)
        folds[at] = np.where(told, points[at] - 0xE0000, _GONE)


def _fold_lookalikes(folds: NDArray[np.uint32]) -> None:
    """Look-alikes become Latin letters in words that have Latin letters too; a Russian word stays Russian."""
    alike = folds >= _LOOKALIKE
    if not alike.any():
        return
    folds[alike] &= _LOOKALIKE - 1
    lower = folds | 0x20
    latin = (lower >= 0x61) & (lower <= 0x7A)
    word = latin | ((folds >= 0x30) & (folds <= 0x39)) | ((folds >= 0xC0) & ((folds < 0x2000) | (folds >= 0x2C00)))
    number = np.cumsum(~word)
    mixed = np.zeros(int(number[-1]) + 1, dtype=np.bool_)
    mixed[number[latin]] = True
    change = alike & mixed[number]
    folds[change] = _LATIN.of(folds[change])


_LATIN = Table(lambda code: ord(LOOKALIKES[chr(code)]))


def _clusters(text: str, folds: NDArray[np.uint32], special: list[int]) -> Iterator[tuple[int, int, str]]:
    """What becomes of characters that grow, of those with marks on them, and of Roman numerals."""
    done = 0
    for position in special:
        if position < done:
            continue
        char = text[position]
        if combines(char):
            start = position - (position > done and int(folds[position - 1]) < _GONE)
            end = position + 1
            while end < len(text) and combines(text[end]):
                end += 1
            new = cluster(text[start:end])
        else:
            start, end = position, position + 1
            new = folded(char)
            if ord(char) in ROMAN:
                beside = text[max(0, start - 1) : start] + text[end : end + 1]
                numeral = any(ord(other) in ROMAN or other.isdigit() for other in beside)
                new = ROMAN[ord(char)] if numeral else unicodedata.normalize("NFKC", char)
        done = end
        if new != text[start:end]:
            yield start, end, new
