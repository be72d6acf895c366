"""The capitalised words of a text, which is all that the search for names looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from hybridrag.privacy.finders.name_lists import WORD, known_words

_UPPER = "A-Z" + "".join(
    chr(code) for part in ((0xC0, 0x590), (0x1E00, 0x2000)) for code in range(*part) if chr(code).isupper()
)
# The class comes first, so that `re` can skip to it; what stands before it is looked at afterwards.
_CAPITALISED = re.compile(rf"[{_UPPER}](?<![^\W_].)[\w'’-]*")
_ANY = re.compile(r"[^\W\d_](?<![^\W_].)[\w'’-]*")
_PARTICLE_WORDS = (
    "von van vom zu zum zur der den de del della di da do dos das du la le el al bin ibn ben bint af av ten ter"
    " 't y e auf"
)
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_SECOND = frozenset(("der", "den", "das", "auf"))
"""Particles only after another one ("van der"); alone they are German articles."""
_NUMERALS = frozenset(("II", "III", "IV", "Jr", "Sr", "Jnr", "Snr"))
WIDEST_PARTICLES = 12
"""Characters between two words of one name, at most."""


@dataclass(slots=True)
class Words:
    """Parallel lists, not to be changed: where each capitalised word begins and ends, its
    letters, and what is known of it."""

    text: str
    starts: list[int]
    ends: list[int]
    words: list[str]
    flags: list[int]
    lower: bool

    @staticmethod
    @lru_cache(maxsize=4)
    def of(text: str, *, lower: bool = False) -> Words:
        """The words of `text`; possessives and quotes are cut off. One linear pass.

        With `lower`, for a text without any capitals, all its words; those on no list count as ordinary ones.
        """
        starts: list[int] = []
        words: list[str] = []
        for match in (_ANY if lower else _CAPITALISED).finditer(text):
            starts.append(match.start())
            words.append(match[0])
        words = [word if word.isalpha() else _bare(word) for word in words]
        ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
        known = known_words()
        values = [known[word] for word in words]
        if lower:
            values = [value or WORD for value in values]
        return Words(text, starts, ends, words, values, lower)

    def joined(self, index: int) -> bool:
        """Whether word `index` follows the one before it: a blank, an initial's dot, or "van der" between them."""
        start, end = self.ends[index - 1], self.starts[index]
        gap = end - start
        if gap == 1:
            return self.text[start] in " \t" or (self.text[start] == "." and self.initial(index - 1))
        if gap > WIDEST_PARTICLES:
            return False
        between = self.text[start:end]
        if between == ". ":
            return self.initial(index - 1)
        if "\n" in between:
            return False
        if between.startswith(". ") and self.initial(index - 1):
            between = between[1:]  # "John T. van Dyke"
        parts = between.replace("-", " ").split()
        return between[0] in " -" and bool(parts) and parts[0] not in _SECOND and _PARTICLES.issuperset(parts)

    def initial(self, index: int) -> bool:
        """Whether it is a single capital letter, as in "J. Smith"; "I" alone is the pronoun."""
        word = self.words[index]
        if len(word) != 1:
            return (
                len(word) == 2
                and word in {"Th", "Ch", "St"}
                and self.text[self.ends[index] : self.ends[index] + 1] == "."
            )
        return self.text[self.ends[index] : self.ends[index] + 1] == "." or word != "I"

    def numeral(self, index: int) -> bool:
        return self.words[index] in _NUMERALS

    def opens(self, index: int) -> bool:
        """Whether the word opens a sentence, a line, a cell or a quotation, where anything may have a capital."""
        text, position = self.text, self.starts[index]
        while position and text[position - 1] in " \t\"'“„»«‘(*_>[-#":
            position -= 1
            if self.starts[index] - position > 12:
                break
        return position == 0 or text[position - 1] in ".!?:;\n|…\r"


def _bare(word: str) -> str:
    word = word.replace("’", "'").rstrip("'-_")
    return word[:-2] if word.endswith(("'s", "'S")) and len(word) > 3 else word


_PREFIXES = ("Mc", "Mac", "O'", "D'", "De", "Di", "Van", "Von", "Fitz", "Le", "La", "L'", "N'")


def person_like(word: str) -> bool:
    """Whether the letters may be a name: no digits, no capitals inside but after Mc, O' and hyphens, no acronym."""
    if len(word) < 2 or not word.replace("'", "").replace("-", "").isalpha():
        return False
    for part in word.split("-"):
        if part.isupper():
            return len(part) > 3 and word.isupper()
        if not part[1:].islower() and len(part) > 1 and not part.startswith(_PREFIXES):
            return False
    return True
