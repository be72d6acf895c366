"""Which encoding bytes are in that are no UTF-8 and say nothing of it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import islice


def wide(content: bytes) -> str | None:
    """UTF-16 or UTF-32 without its mark: what decodes into assigned characters, spaces or punctuation among them.

    The right byte order is the one in which more characters are ASCII; None where neither reads well.
    """
    for encodings, width in ((("utf-32-le", "utf-32-be"), 4), (("utf-16-le", "utf-16-be"), 2)):
        if len(content) < 2 * width or len(content) % width:
            continue
        found = [(_plain_share(content[:_LOOKED_AT], name), name) for name in encodings]
        share, name = max(found)
        if share >= _LEAST_PLAIN:
            return name
    return None


def shifting(content: bytes) -> str | None:
    """An encoding that changes alphabets by escape sequences (RFC 1468, RFC 1557): it looks like ASCII."""
    if b"\x1b" not in content:
        return None
    return next((name for mark, name in _SHIFTS if mark in content and _decodes(content, name)), None)


def likelier(content: bytes, guess: str) -> str:
    """The guess, or one of its rivals in which far fewer characters stand oddly: `Gr\\u0161\\u00a7e` is no word."""
    if guess not in _LATIN:
        return guess
    sample = content[:_LOOKED_AT]
    costs = {name: cost for name in (guess, *_ALPHABETS) if (cost := _oddness(sample, name)) is not None}
    if guess not in costs:
        return guess
    best = min(costs, key=lambda name: (costs[name], name != guess))
    return best if costs[best] * 3 < costs[guess] else guess


def _plain_share(content: bytes, encoding: str) -> float:
    """The share of ASCII and of CJK punctuation in the text; 0 where it is no text."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    strange = sum(unicodedata.category(char) in _STRANGE and char not in "\t\n\r\f" for char in islice(text, 5000))
    if strange:
        return 0.0
    return sum(char.isascii() or char in "、。，？！「」" for char in text) / len(text)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _oddness(content: bytes, encoding: str) -> float | None:
    """How many foreign characters are no letters inside words, capitals after small letters, or of no one alphabet."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    odd = 0.0
    letters: Counter[str] = Counter()
    for before, char in _FOREIGN.findall(text):
        if not char.isalpha():
            odd += bool(before) and char not in "’‘­·–—…“”„«»"
        elif before and before.islower() and not char.islower():
            odd += 1
        else:
            letters[char.lower()] += 1
    alphabets = _ALPHABETS.get(encoding, ("",))
    return odd + 0.5 * min(sum(n for char, n in letters.items() if char not in alphabet) for alphabet in alphabets)


_LOOKED_AT = 64 * 1024
_LEAST_PLAIN = 0.02
_STRANGE = frozenset({"Cc", "Cn", "Co", "Cs"})
_SHIFTS = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_2"), (b"\x1b$", "iso2022_jp_ext"))
_FOREIGN = re.compile(r"([^\W\d_]?)([^\x00-\x7f])")
_WESTERN = ("àáâãäåæçèéêëìíîïñòóôöøùúûüýÿßœ",)
"""Not those of Icelandic alone: Turkish in the wrong encoding has just them, and Icelandic has others beside."""
_CENTRAL = ("ąćęłńóśźż", "áčďéěíľĺňóôŕřšťúůýžä", "áéíóöőúüű", "čćđšžäöüß", "ăâîşţșț")
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņōŗšūž", "äõöüšž")
_TURKISH = ("çğıöşüâîûi̇",)
_ALPHABETS = {
    **dict.fromkeys(("cp1252", "mac_roman", "cp850"), _WESTERN),
    **dict.fromkeys(("cp1250", "iso8859_2", "cp852"), _CENTRAL),
    **dict.fromkeys(("cp1254", "cp857"), _TURKISH),
    **dict.fromkeys(("cp1257", "iso8859_13", "iso8859_4", "cp775"), _BALTIC),
}
"""The letters beyond ASCII of the languages that each encoding was made for."""
_LATIN = frozenset({*_ALPHABETS, "latin_1", "iso8859_9", "iso8859_10", "iso8859_14", "iso8859_15", "iso8859_16"})
