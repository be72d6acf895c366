"""Text to the terms that the lexical arm searches by.

They are stemmed words, parts of identifiers, and pairs of characters where a script has no spaces.

A document is analysed in its own language and a question in every language of the collection, so that one collection
may hold several. Stems come from Snowball (PyStemmer). There is no list of stop words: what is common weighs little by
its frequency, and what is common in one collection is rare in another (`docs/decisions/0012-lexical-index.md`).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regex import Pattern

ANALYSIS = 1
"""Part of what decides an index: another number means that documents are analysed again."""
PLAIN = "plain"
"""The analyser that stems nothing."""

_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
ANALYSERS = (PLAIN, *_STEMMERS)
"""What a collection can be told to use for all of its documents."""

_LONGEST = 64
"""Characters of a term that are kept: more is no word, but data in some encoding."""
_REMEMBERED = 50_000
"""Words whose terms are kept at hand, for each language: the common ones come again and again."""
_WORTH_REMEMBERING = 32
"""Characters: what is longer hardly comes twice."""
_WORD = r"[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*"
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]+"
"""Scripts whose words have no space between them, and Korean, whose words carry their particles."""
_PART = r"\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{Lt}\p{M}]+|\p{Lu}+|\p{N}+"
"""`getUserName`, `HTTPServer`, `utf8`: where case or kind changes, a part begins."""


def analyser_of(language: str | None, text_search: str) -> str:
    """The analyser for a document: the collection's where it names one, else that of the document's language.

    Without a language, English: that is what most code is written in, and other words lose little by it.
    """
    if text_search != "auto":
        return text_search
    if language is None:
        return "en"
    return language if language in _STEMMERS else PLAIN


def document_terms(text: str, analyser: str) -> Counter[str]:
    """How often each term stands in a document's text."""
    terms = _terms(analyser)
    return Counter(term for word in _words(text) for term in terms[word])


def question_terms(text: str, analysers: Sequence[str]) -> dict[tuple[str, ...], int]:
    """What to look for: for each word or part the forms it takes in the collection's languages, and its frequency.

    The forms of one word count as one term. Empty where the question holds no word.
    """
    return dict(Counter(terms_in_order(text, analysers)))


def terms_in_order(text: str, analysers: Sequence[str]) -> list[tuple[str, ...]]:
    """Each word and part of a text, in its order, by the forms it takes in these languages."""
    return [
        tuple(sorted(set(forms)))
        for word in _words(text)
        # The parts of a word are the same in every language; only their stems differ.
        for forms in zip(*(_terms(analyser)[word] for analyser in analysers), strict=True)
    ]


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found: list[str] = _pattern(_WORD).findall(text)
    return found


@cache
def _terms(analyser: str) -> _Terms:
    return _Terms(_STEMMERS.get(analyser))


class _Terms(dict[str, tuple[str, ...]]):
    """The terms of each word, worked out once while they are remembered. A word always has at least one."""

    def __init__(self, algorithm: str | None) -> None:
        super().__init__()
        self._stemmer = None
        if algorithm is not None:
            import Stemmer

            self._stemmer = Stemmer.Stemmer(algorithm, 0)

    def __missing__(self, word: str) -> tuple[str, ...]:
        terms = tuple(self._of(word))
        if len(word) <= _WORTH_REMEMBERING:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[word] = terms
        return terms

    def _of(self, word: str) -> Iterator[str]:
        spaced_from = 0
        if not word.isascii():
            for unspaced in _pattern(_UNSPACED).finditer(word):
                if spaced_from < unspaced.start():
                    yield from self._of_spaced(word[spaced_from : unspaced.start()])
                run = unspaced[0]
                yield from run
                yield from (run[i : i + 2] for i in range(len(run) - 1))
                spaced_from = unspaced.end()
        if spaced_from < len(word):
            yield from self._of_spaced(word[spaced_from:])

    def _of_spaced(self, word: str) -> Iterator[str]:
        yield self._folded(word.strip("_") or word)
        if len(word) <= _LONGEST:
            parts = _pattern(_PART).findall(word)
            if len(parts) > 1:
                yield from map(self._folded, parts)

    def _folded(self, word: str) -> str:
        term = word[:_LONGEST].casefold()
        if self._stemmer is not None:
            term = self._stemmer.stemWord(term)
        if term.isascii():
            return term
        # Accents go after stemming, which needs them: a question may be typed without.
        return "".join(c for c in unicodedata.normalize("NFD", term) if not "\u0300" <= c <= "\u036f") or term


@cache
def _pattern(source: str) -> Pattern[str]:
    import regex  # Python's own `re` takes the vowel signs of Indian scripts for the end of a word

    return regex.compile(source)
