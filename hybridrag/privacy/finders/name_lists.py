"""What is known of single words: given name, family name, ordinary word, name of a thing. Lists in `data/`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

GIVEN, FAMILY, WORD, THING, FORM, SURE, COMMON, FUNCTION, GERMAN = 1, 2, 4, 8, 16, 32, 64, 128, 256
"""A given name; a family name; an ordinary word; an eponym, product, place or month, which is no person by itself; has
the form of a family name; has a form that nothing else has; is a given name so frequent that three letters will do; is
a word of grammar, never a name; an ordinary German word."""
NAME = GIVEN | FAMILY | FORM

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "’": "'", "ʻ": "'"}
)
_FILES: tuple[tuple[str, int], ...] = (
    ("given_names", GIVEN),
    ("more_given_names", GIVEN | COMMON),
    ("family_names", FAMILY),
    ("more_family_names", FAMILY),
    ("english_words", WORD),
    ("german_words", WORD | GERMAN),
    ("other_words", WORD),
    ("more_english_words", WORD),
    ("more_german_words", WORD | GERMAN),
    ("things", THING),
)
_SURE = re.compile(
    r"(?:dottir|ovics?|evics?|ovich|evich|shvili|[aeiounrlskz]dze|enko|chenko|opoulos|opoulou|idis|oglu|zadeh|nejad"
    r"|iewicz|owicz|auskas|avicius|evicius|[^aeiou]ovna|evna|[kclrnszdtvbm]ova|[ls]eva|[kltv]ainen|[kt][ao]nen"
    r"|[rmntdklpbg]sson|gaard|qvist|kvist|yants?)\Z"
)
_FORM = re.compile(
    r"(?:[a-z]sson|[ndtlrke]sen|strom|[aeiou]vic|[bdklmnrstvz][oe]vy?|yev|ayev|[oe]wski|[oe]wska"
    r"|[nszckl]ski|[nszckl]ska"
    r"|[aeiou]v?sky|skaya|skyi?|chuk|czuk|czyk|czak|[aeiy]wicz|[aeou]inen|[klt]onen|[tl]anen|[ln]onen"
    r"|[pk]inen|yan|[dnrg]uez|[dnrm]ez|elli|etti|ucci|acci|aldi"
    r"|azzi|ozzi|izzi|ini|mann|maier|meier|meyer|mayer|huber|hofer|bauer|mueller|muller|schmidt|inger|akis|akos"
    r"|pour|zade|iene|aite|ovits|escu|eanu|stra)\Z"
)
_LETTER_OF_NAMES = re.compile("[čćđšžřňěůďťłńśźżąęőűășțğışøåæðþőűģķļņŗāēīūėįų]|[iî]ć")
_NORDIC = re.compile("[äöåøæÄÖÅØÆ]")
_CELTIC = re.compile(r"(?:Mc|Mac|Fitz|O'|D'|De|Di|Van|Von|Le|La)[A-Z][a-z]{2,24}\Z")


def folded(word: str) -> str:
    """`word` in lower case without accents, as the lists hold it."""
    word = word.lower()
    if word.isascii():
        return word
    plain = unicodedata.normalize("NFKD", word.translate(_LETTERS))
    return "".join(char for char in plain if not unicodedata.combining(char))


def flags(word: str) -> int:
    """What is known of the capitalised `word`, which may have hyphens."""
    return known_words()[word]


def listed(key: str) -> int:
    """The flags of a folded word as the lists have it."""
    return _lists().get(key, 0)


@cache
def known_words() -> KnownWords:
    """The flags of every word that is asked for, as one mapping for the process."""
    return KnownWords()


class KnownWords(dict[str, int]):
    """Words as they are written, with their flags; filled as they are met, emptied before it grows large."""

    def __init__(self) -> None:
        super().__init__()
        self._lists = _lists()

    def __missing__(self, word: str) -> int:
        if len(self) > 50_000:
            self.clear()
        self[word] = value = self._flags(word)
        return value

    def _flags(self, word: str) -> int:
        if len(word) > 40:
            return 0
        parts = [part for part in word.split("-") if part]
        found = [self._single(part) for part in parts]
        if not found:
            return 0
        value = found[0]
        for one in found[1:]:
            # "Hans-Joachim" is a name, "Seine-Tal" is none.
            names = (value | one) & NAME if value & NAME and one & NAME else 0
            value = ((value | one) & ~NAME) | names
        return value

    def _single(self, word: str) -> int:
        key = folded(word)
        value = self._lists.get(key, 0)
        if value & FUNCTION and not value & GERMAN and _NORDIC.search(word):
            value = 0  # "Pär" is not the French "par"
        if not value & (WORD | THING) and not word.isascii() and _LETTER_OF_NAMES.search(word):
            value |= FORM
        if len(key) > 5 and not value & (WORD | THING):
            if _CELTIC.match(word):
                value |= FORM | (SURE if word.startswith(("Mc", "O'")) else 0)
            elif _SURE.search(key):
                value |= FORM | SURE
            elif _FORM.search(key):
                value |= FORM
        return value


@cache
def _lists() -> dict[str, int]:
    """Every listed word with its flags: some 75,000, read once. Raises OSError where a list is missing."""
    known: dict[str, int] = {}
    for name, flag in _FILES:
        for word in _words(name):
            known[word] = known.get(word, 0) | flag
    for word in _words("function_words"):
        known[word] = WORD | FUNCTION | (known.get(word, 0) & GERMAN)
    return known


def _words(name: str) -> Iterator[str]:
    text = (files("hybridrag.privacy.finders.data") / f"{name}.txt").read_text(encoding="utf-8")
    for line in text.split("\n"):
        if not line.startswith("#"):
            yield from line.split()
