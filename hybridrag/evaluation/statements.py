"""What a statement says, as far as words show it: its words, numbers and names, and whether it denies another.

For any language that is written with the characters known here; nothing is looked up.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from hybridrag.scripts import UNSPACED

BRIEF = 4
"""An expected answer of at most so many words of its own is a fact: its words stand in the answer, or they do not."""
_SAME_WORDS = 0.6
"""Two sentences with this share of words in common speak of the same: what a `not` or a name changes is told."""
_AS_LONG = 0.4
"""In a sentence of which another has less than this share of the words, a `not` may be about anything."""
_SHOWN = 3
"""Missing numbers or names that a reason lists."""
_TOKEN = re.compile(rf"[{UNSPACED}]|\d+(?:[.,]\d+)*|(?![{UNSPACED}\d])\w(?:(?![{UNSPACED}])\w)*|(?<=\w)['’](?=\w)")
"""Where words have no blanks between them, each character counts as one."""
_NAME = re.compile(r"[^\W\d]\w*(?:[-.]\w+)*")
_NUMBER_WORDS = {
    word: str(number)
    for words in (
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
    )
    for number, word in enumerate(words, start=1)
    if number > 1  # "one" is an article and a pronoun as well
}
_NEGATIONS_IN = {
    "en": ("not", "no", "never", "none", "nor", "neither", "cannot", "without", "t"),
    "de": ("nicht", "kein", "keine", "keinen", "keiner", "nie", "niemals", "ohne", "weder"),
    "fr": ("ne", "jamais", "aucun", "aucune", "sans"),
    "es": ("nunca", "ningún", "ninguna", "sin"),
    "it": ("non", "senza", "mai", "nessun", "nessuna"),
    "nl": ("niet", "geen", "nooit", "zonder"),
    "pt": ("não", "nem", "sem"),
    "sv": ("inte", "aldrig", "ikke", "utan"),
    "pl": ("nie", "bez", "nigdy"),
    "zh": ("不", "没", "無", "无"),
}
_NEGATIONS = frozenset(word for words in _NEGATIONS_IN.values() for word in words)
"""Words that turn a sentence to its opposite; `t` is what is left of `don't`."""
_SHORTEST = 3
"""Letters of a word that is compared; shorter ones are mostly particles."""
_ITEM = re.compile(r"(?<!\S)\(?\d{1,2}\)(?=\s)")
"""The number of an item in a list: it says nothing."""
_CAPITALS = 0.25
"""Where more of the words have capitals, as German nouns do, these tell no names."""
_STEM = 6
"""Letters by which words are held to be forms of one another."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The words of some sentences with their counts, cut to stems, and the numbers and names among them.

    A word with a digit in it, such as `f1`, counts as a number.
    """

    words: Counter[str]
    numbers: frozenset[str]
    names: frozenset[str]

    @staticmethod
    def of(sentences: Sequence[str]) -> Facts:
        found = tokens(_ITEM.sub(" ", "\n".join(sentences)))
        words = Counter(_stem(token) for token in found if _counts(token))
        numbers = frozenset(token for token in found if _has_digit(token))
        return Facts(words, numbers, frozenset(names_in(sentences)))


def tokens(text: str) -> list[str]:
    """Words in small letters, numbers in one form, in their order."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_plain(token) for token in _TOKEN.findall(folded) if token not in {"'", "’"}]


def _plain(token: str) -> str:
    if token[0].isdigit():
        return _number(token)
    return _NUMBER_WORDS.get(token, token)


def _number(digits: str) -> str:
    """A number without separators of thousands and zeros that say nothing: 1,577.00 and 1577 are the same.

    A last group of three digits counts as thousands, as both `1,577` and `1.577` are written.
    """
    *groups, last = re.split("[.,]", digits)
    if not groups:
        return last.lstrip("0") or "0"
    whole = "".join(groups)
    if len(last) == 3 and len(groups[0]) <= 3 and groups[0] != "0":
        return (whole + last).lstrip("0") or "0"
    decimals = last.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{decimals}" if decimals else "")


def _counts(token: str) -> bool:
    return len(token) >= _SHORTEST or _has_digit(token) or not token.isascii()


def _has_digit(token: str) -> bool:
    """Whether it is a number, or named by one, as `f1` is."""
    return any(character.isdigit() for character in token)


def _stem(token: str) -> str:
    return token if _has_digit(token) else token[:_STEM]


def names_in(sentences: Sequence[str]) -> set[str]:
    """Stems of what is written with capitals inside a sentence, or with an underscore: names, and names of things."""
    found: list[str] = []
    number = 0
    for sentence in sentences:
        lead = _lead(sentence)
        for match in _NAME.finditer(sentence):
            word, first = match[0], match.start() <= lead
            number += 1
            if "_" in word or any(letter.isupper() for letter in (word[1:] if first else word)):
                found.append(word)
    if len(found) > max(BRIEF, _CAPITALS * number):
        return set()
    parts = (token for word in found for token in tokens(word))
    return {_stem(token) for token in parts if _counts(token) and not _has_digit(token)}


def _lead(sentence: str) -> int:
    """Where the first word of a sentence begins."""
    return next((at for at, character in enumerate(sentence) if character.isalnum()), 0)


def held(wanted: Counter[str], given: Counter[str]) -> float:
    """The share of some words that stand among others, each as often as it is wanted, from 0 to 1."""
    return (wanted & given).total() / wanted.total() if wanted else 0.0


def contradiction(question: str, expected: Sequence[str], answer: Sequence[str]) -> str:
    """What a sentence of the answer says otherwise than the expected one with the same words, or an empty text."""
    known, given = Facts.of([question, *expected]), Facts.of(answer)
    expected_names = Facts.of(expected).names
    others = [(other, _meant(other), _negated(other)) for other in answer]
    for sentence in expected:
        words, negated = _meant(sentence), _negated(sentence)
        alike = [one for one in others if _overlap(words, one[1]) >= _SAME_WORDS]
        turned = [denied != negated for _, meant, denied in alike if len(words) >= _AS_LONG * len(meant)]
        if turned and all(turned):
            return "one says what the other denies"
        lacking = (expected_names & words) - given.words.keys()
        strange = {name for _, meant, _ in alike for name in given.names & meant} - known.words.keys()
        if lacking and strange:
            return f"says {listed(strange)} instead of {listed(lacking)}"
    return ""


def _meant(sentence: str) -> frozenset[str]:
    return frozenset(_stem(token) for token in tokens(sentence) if _counts(token) and token not in _NEGATIONS)


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of the shorter one's words; where that has few, of the longer one's: a fact may stand anywhere."""
    shorter, longer = sorted((len(one), len(other)))
    return len(one & other) / (shorter if shorter > BRIEF else longer) if shorter else 0.0


def _negated(sentence: str) -> bool:
    """Whether an odd number of negations stands there: two of them take each other back."""
    return sum(token in _NEGATIONS for token in tokens(sentence)) % 2 == 1


def verbatim(expected: Sequence[str], answer: Sequence[str]) -> bool:
    """Whether the answer holds the expected words in their order, with none between."""
    wanted, given = (f" {' '.join(tokens(' '.join(texts)))} " for texts in (expected, answer))
    return bool(wanted.strip()) and wanted in given


def _trigrams(sentences: Sequence[str]) -> set[str]:
    text = f" {' '.join(tokens(' '.join(sentences)))} "
    return {text[at : at + 3] for at in range(len(text) - 2)} if text.strip() else set()


def trigrams_held(expected: Sequence[str], answer: Sequence[str]) -> float:
    """The share of the expected answer's runs of three characters that the answer holds, from 0 to 1."""
    wanted, given = _trigrams(expected), _trigrams(answer)
    return len(wanted & given) / len(wanted) if wanted else 0.0


def listed(missing: Set[str]) -> str:
    """Some words for people: the first of them, and how many more there are."""
    shown = sorted(missing)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
