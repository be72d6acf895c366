"""Strict names, for confidential text: capitalised words that the text never has in lower case.

Ordinary words are left where a capital says nothing: at the beginning of a sentence, and German nouns. It masks too
much by design; what cannot be told to be a person is of the type NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from hybridrag.privacy.finders.capitals import ends_like_a_word, is_german
from hybridrag.privacy.finders.name_lists import FORM, FUNCTION, GERMAN, GIVEN, NAME, THING, WORD, folded, listed
from hybridrag.privacy.finders.name_words import Words
from hybridrag.types import Span

RULE = "strict-capitalised"
_LOWER = re.compile(r"[^\W\d_]+")
_ACRONYMS_TEXT = (
    "I OK ID IDS TV PC CD DVD PIN ATM FAQ PDF CSV JSON XML HTML URL URI API SDK CLI HTTP HTTPS TCP UDP"
    " SQL CPU GPU RAM SSD USB WIFI SMS VPN LAN IBAN BIC SWIFT SSN VIN ZIP DOB DNA RNA HIV CEO CFO CTO COO"
    " HR IT PR QA AM PM AD BC UTC GMT CET EUR USD GBP CHF VAT TAX NDA DSGVO GDPR PS RE CC BCC FYI ASAP"
    " UNTER ÜBER NICHT UND ODER BITTE THE AND NOT FOR MUST SHALL NOTE WARNING TODO"
)
_ACRONYMS = frozenset(_ACRONYMS_TEXT.split())
_MONTHS_TEXT = (
    "january february march april may june july august september october november december januar februar"
    " marz mai juni juli oktober dezember sept easter christmas advent"
)
_MONTHS = frozenset(_MONTHS_TEXT.split())
_GERMAN_ENDING = re.compile(
    r"(?:ung|heit|keit|schaft|tion|sion|itat|nis|tum|ling|chen|lein|ismus|ist|enz|anz|ur|ment|eur|age|ik"
    r"|ie|or|erei|mus|thek|log|graph|ei|ler|ner|iker|ling|wesen|zeug|werk|mittel|stoff)(?:en|s|e|n|es|se"
    r"|ssen|innen|in)?\Z"
)
_NAME_TAILS_TEXT = (
    "berg burg bach stein wald dorf feld haus mann meier bauer hof hofer holz hausen heim stadt furt"
    " brunn kirch thal land ster"
)
_NAME_TAILS = tuple(_NAME_TAILS_TEXT.split())
_LONGEST_COMPOUND = 40


def strict_names(text: str) -> Iterator[Span]:
    """PERSON and NAME spans: runs of capitalised words, each of which this text has in no other form."""
    words = Words.of(text, lower=False)
    if not words.starts:
        return
    lowered = {word for word in _LOWER.findall(text) if word.islower()}
    german = is_german(text)
    masked = [_masked(words, index, lowered, german=german) for index in range(len(words.starts))]
    if not german:
        _fill(words, masked)
    first = 0
    while first < len(masked):
        last = first
        if masked[first]:
            while last + 1 < len(masked) and masked[last + 1] and words.joined(last + 1):
                last += 1
            values = words.flags[first : last + 1]
            named = any(value & (GIVEN | FORM) and not value & (WORD | THING) for value in values)
            yield Span(words.starts[first], words.ends[last], "PERSON" if named else "NAME", RULE)
        first = last + 1


def _masked(words: Words, index: int, lowered: set[str], *, german: bool) -> bool:
    value, word = words.flags[index], words.words[index]
    if value & FUNCTION or len(word) < 2 or word in _ACRONYMS or word.lower() in lowered:
        return False
    if value & (THING | WORD):
        return bool(value & THING) and folded(word) not in _MONTHS
    if value & NAME or len(word) > _LONGEST_COMPOUND:
        return True
    if german:
        return not german_noun(folded(word))
    return not (words.opens(index) and ends_like_a_word(folded(word)))


def _fill(words: Words, masked: list[bool]) -> None:
    """In English, ordinary words with a capital inside a sentence belong to the name beside them: "Nordic Reports"."""
    for index, value in enumerate(words.flags):
        if masked[index] or not value & WORD or value & FUNCTION or words.opens(index) or words.words[index].isupper():
            continue
        before = (
            index > 0
            and words.joined(index)
            and (masked[index - 1] or (words.flags[index - 1] & WORD and not words.opens(index - 1)))
        )
        after = index + 1 < len(masked) and words.joined(index + 1) and masked[index + 1]
        masked[index] = bool(before or after)


@lru_cache(maxsize=20_000)
def german_noun(key: str) -> bool:
    """Whether the folded word is an ordinary German noun by its ending, or a compound that ends in one."""
    if key.endswith(_NAME_TAILS):
        return False
    if _GERMAN_ENDING.search(key) and len(key) > 6:
        return True
    for start in range(2, min(len(key), _LONGEST_COMPOUND) - 3):
        tail = key[start:]
        for ending in ("", "s", "n", "e", "en", "es", "er", "ern"):
            if tail.endswith(ending) and listed(tail[: len(tail) - len(ending)]) & GERMAN:
                return True
    return False
