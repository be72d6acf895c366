"""What a capital letter means in a text: in German every noun has one, in other languages it hints at a name."""

from __future__ import annotations

import re

_SAMPLE = 8_000
_GERMAN_TEXT = "der die und das ist nicht ich mit den ein für wird von bei wohnt"
_ENGLISH_TEXT = "the and of is to a in my that for you was at with"
_GERMAN = tuple(f" {word} " for word in _GERMAN_TEXT.split())
_ENGLISH = tuple(f" {word} " for word in _ENGLISH_TEXT.split())
_ENDING = re.compile(
    r"(?:ing|ed|ly|tion|sion|ment|ness|ity|ous|ive|able|ible|ful|less|[ct]al|ance|ence|ism|ists?|ward|wise|ology|graphy"
    r"|ean|tis|gy|ics?|ers|ions|ries|acy|cies|ary|ology|opes)s?\Z"
)


def is_german(text: str) -> bool:
    """Whether the beginning of `text` has more German than English words of grammar."""
    sample = text[:_SAMPLE]
    return sum(map(sample.count, _GERMAN)) > sum(map(sample.count, _ENGLISH))


def ends_like_a_word(key: str) -> bool:
    """Whether a folded word ends as ordinary English words do, and seldom names."""
    return _ENDING.search(key) is not None
