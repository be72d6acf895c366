"""The words of a sample: which of them are common, how rare the others are, and which chunks hold all of a question.

Common words are told by how often they stand in chunks of their language, not by a list, so that any language will do.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from hybridrag.evaluation.generated import Material

if TYPE_CHECKING:
    from regex import Pattern

Terms = Callable[[str, str | None], Mapping[str, int]]
"""A text and its language to the terms that the lexical arm would search it by, and how often each stands there."""

COMMON = 0.05
"""Words in a larger share of a language's chunks say little about any of them."""
_COMMON_SIGN = 0.5
"""The same for single characters of scripts without spaces: these are particles."""
_LEAST_COMMON = 3
"""Chunks: where there are few, a word that stands in two of them need not be common."""
_NEARLY = 0.9
"""A chunk fits a question as well as another with this share of its weight."""
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
_SPACED = rf"(?:(?!{_UNSPACED})[\p{{L}}\p{{N}}\p{{M}}_])+"
_WORD = rf"{_UNSPACED}+|{_SPACED}(?:[-'’.]{_SPACED})*"


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, in how many chunks of the sample it stands, and how often in its own chunk, at most."""

    text: str
    chunks: int
    here: int


class Vocabulary:
    """What the chunks of a sample say about words."""

    def __init__(self, materials: Sequence[Material], terms: Terms) -> None:
        self._terms = terms
        self._sources = [material.sources for material in materials]
        self._current: tuple[Material | None, Mapping[str, int]] = (None, {})
        self._holders: dict[str, list[int]] = defaultdict(list)
        self._by_language: dict[str | None, Counter[str]] = defaultdict(Counter)
        self._chunks_in = Counter(material.language for material in materials)
        for number, material in enumerate(materials):
            found = set(terms(material.text, material.language))
            self._by_language[material.language].update(found)
            for term in found:
                self._holders[term].append(number)

    def content_words(self, text: str, material: Material, *, common: float = COMMON) -> list[Word]:
        """The words of a text that say what it is about, each once, in their order.

        Words in a larger share than `common` of the chunks in the material's language are left out.
        """
        here = self._terms_of(material)
        found: dict[str, Word] = {}
        for written in _pattern(_WORD).findall(text):
            for piece in self._pieces(written, material.language, common):
                terms = self._terms(piece, material.language)
                holders = min((len(self._holders.get(term, ())) for term in terms), default=0)
                word = Word(piece, holders, min((here.get(term, 0) for term in terms), default=0))
                found.setdefault(piece.casefold(), word)
        return list(found.values())

    def equals(self, question: str, material: Material) -> int:
        """In how many other documents a chunk fits the question's words as well as the chunk it was made from.

        Words weigh by their rarity (idf); a chunk's weight is that of the words it holds.
        """
        asked = self._terms(question, material.language).keys()
        own = asked & self._terms_of(material).keys()
        enough = _NEARLY * sum(map(self._weight, own))
        weights: Counter[int] = Counter()
        for term in asked:
            weight = self._weight(term)
            for number in self._holders.get(term, ()):
                weights[number] += weight  # type: ignore[assignment]  # a Counter adds what it is given
        fitting = (self._sources[number] for number, weight in weights.items() if weight >= enough)
        return len({sources[0] for sources in fitting if not set(sources) & set(material.sources)})

    def key(self, question: str, language: str | None) -> frozenset[str]:
        """The same for questions that differ only in the form or the order of their words."""
        return frozenset(self._terms(question, language))

    def _terms_of(self, material: Material) -> Mapping[str, int]:
        """The terms of a chunk: worked out once while one after the other is looked at."""
        if self._current[0] is not material:
            self._current = material, self._terms(material.text, material.language)
        return self._current[1]

    def _weight(self, term: str) -> float:
        """Lucene's idf, which is never negative."""
        holders = len(self._holders.get(term, ()))
        return math.log(1 + (len(self._sources) - holders + 0.5) / (holders + 0.5))

    def _pieces(self, written: str, language: str | None, common: float) -> list[str]:
        """A word, or the words between the particles of a run without spaces; none where it is common or no word."""
        if _pattern(_UNSPACED).match(written):
            signs = ("\n" if self._share(sign, language) > _COMMON_SIGN else sign for sign in written)
            return [piece for piece in "".join(signs).split("\n") if 2 <= len(piece) <= 12]
        if sum(map(str.isalpha, written)) < 3 or len(written) > 40:
            return []
        return [] if self._share(written, language) > common else [written]

    def _share(self, word: str, language: str | None) -> float:
        """The share of its language's chunks that a word stands in, taken from the rarest of its terms."""
        counts = self._by_language[language]
        holders = min((counts[term] for term in self._terms(word, language)), default=0)
        return 0.0 if holders < _LEAST_COMMON else holders / self._chunks_in[language]


@cache
def _pattern(source: str) -> Pattern[str]:
    import regex  # Python's own `re` takes the vowel signs of Indian scripts for the end of a word

    return regex.compile(source, regex.DOTALL)
