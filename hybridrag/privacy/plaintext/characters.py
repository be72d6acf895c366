"""What single characters stand for: compatibility forms, digits of every script, look-alikes, and what is invisible.

From the Unicode Character Database (as of Python's `unicodedata`), and for look-alikes from Unicode Technical
Standard 39, those that a reader takes for a Latin letter in running text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BARRIER = "\ufdd0"
"""Stands where a pseudonym stood: no rule matches through it. A Unicode noncharacter, so no honest text holds it."""

DASHES = frozenset(
    "\u02d7\u058a\u06d4\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d\u30fc"
)
_DOTS = frozenset("\u00b7\u0387\u2022\u2024\u2027\u2219\u22c5\u3002\u30fb\uff0e\uff61\u066b\ua4f8")
_SIGNS = (
    {BARRIER: BARRIER}
    | dict.fromkeys(DASHES, "-")
    | dict.fromkeys(_DOTS, ".")
    | dict.fromkeys("\u2044\u2215\u29f8\u2571", "/")
    | dict.fromkeys("\u2236\ua789\u02d0\u05c3", ":")
)
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_BREAKS = frozenset("\u2028\u2029\x85\x0b\x0c")

TAGS = (0xE0020, 0xE007E)
"""The invisible copies of ASCII that a program reads though no person sees them."""


def folded(char: str) -> str:  # noqa: PLR0911 - one kind a return
    """`char` as detectors see it: compatibility form, digits as ASCII, one kind of dash and blank; "" if invisible."""
    if char in _SIGNS:
        return _SIGNS[char]
    if invisible(char):
        return ""
    ringed = _ringed_letter(ord(char))
    if ringed:
        return ringed
    plain = unicodedata.normalize("NFKC", char)
    if len(plain) == 1:
        digit = unicodedata.digit(plain, None)
        if digit is not None:
            return str(digit)
        if plain in _BREAKS:
            return "\n"
        if plain.isspace() and not plain.isascii():
            return " "
    elif plain.startswith("(") and plain.endswith(")") and unicodedata.category(char) in {"No", "So"}:
        plain = plain[1:-1]
    return "".join("-" if part in DASHES else "/" if part == "\u2044" else part for part in plain)


def invisible(char: str) -> bool:
    """Whether a reader sees nothing of it: format characters, variation selectors, tags, controls, noncharacters."""
    code = ord(char)
    return (
        unicodedata.category(char) == "Cf"
        or char in _INVISIBLE_LETTERS
        or 0xFE00 <= code <= 0xFE0F
        or 0x180B <= code <= 0x180F
        or 0xE0000 <= code <= 0xE0FFF
        or 0xFDD0 <= code <= 0xFDEF
        or code & 0xFFFE == 0xFFFE
        or (code < 0x20 and char not in "\t\n\r\x0b\x0c")
        or code == 0x7F
    )


def combines(char: str) -> bool:
    """Whether it is a mark on the character before it."""
    return unicodedata.category(char).startswith("M") and not invisible(char)


def cluster(text: str) -> str:
    """A character and the marks on it, folded. Marks on a Latin character that make no letter of it are dropped."""
    plain = "".join(folded(char) for char in unicodedata.normalize("NFKC", text))
    return plain if not plain[:1].isascii() else "".join(char for char in plain if not combines(char))


def codes(text: str) -> NDArray[np.uint32]:
    """The code points of `text`, `(len(text),) uint32`; lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def spelled(points: NDArray[np.uint32]) -> str:
    """The text of these code points."""
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


class Table:
    """A value below 2^32-1 for every code point, asked of `value` once and then looked up at a nanosecond each."""

    def __init__(self, value: Callable[[int], int]) -> None:
        self._value = value
        self._known = np.zeros(0x110000, dtype=np.uint32)  # one more than the value: zero says not asked yet

    def of(self, points: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The values, in the shape of `points`."""
        found = self._known.take(points, mode="clip")
        if not found.all():
            for point in np.unique(points[found == 0]).tolist():
                self._known[point] = self._value(point) + 1
            found = self._known.take(points, mode="clip")
        found -= 1
        return found


ROMAN = {
    code: str(value)
    for start in (0x2160, 0x2170)
    for code, value in zip(range(start, start + 9), range(1, 10), strict=True)
}
"""The one-sign Roman numerals from one to nine; among digits each is read as a digit."""


def _ringed_letter(code: int) -> str:
    """Letters in dark rings and squares, and the halves of flags, which have no compatibility form."""
    for first in (0x1F150, 0x1F170, 0x1F1E6):
        if first <= code < first + 26:
            return chr(65 + code - first)
    return ""


def _pairs(*columns: tuple[str, str]) -> dict[str, str]:
    return {sign: letter for signs, letters in columns for sign, letter in zip(signs, letters, strict=True)}


LOOKALIKES = _pairs(
    # Cyrillic
    ("АВЕЅІЈКМНОРСТУХҮԌԚԜѴӀЗ", "ABESIJKMHOPCTYXYGQWVI3"),
    ("аеѕіјорсухԁһӏԛԝѵкмтнвьгпигү", "aesijopcyxdhlqwvkmthbbrnury"),
    # Greek
    ("ΟΑΒΕΖΗΙΚΜΝΡΤΥΧϹϳ", "OABEZHIKMNPTYXCj"),
    ("οαεικνρτυχωηγϲβ", "oaeikvptuxwnycb"),
    # Armenian
    ("ՕՏԼՍօսոհզցյլռա", "OSLUounhqgjlnw"),
    # Cherokee
    ("ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᏀᏃᏎᏏᏒᏔᏕᏙᏚᏞᏟᏢᏦᏧᏳᏴᎽ", "DRTiyAJEWMHGZ4bRWSVSLCPKdGBY"),
    # Lisu
    ("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "ABCDEFGHIJKLMNOPRSTUVWXYZ"),
    # Latin: small capitals and letters of phonetic scripts
    ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz"),
    ("ıɑɡɩƅǀʋɯȷ", "iagiblvwj"),
)
"""Letters of other scripts that look like a Latin letter or a digit."""
