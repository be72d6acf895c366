"""Street lines as patterns over the byte view: which order number, name and word for street stand in.

Where the name comes first, the pattern begins with the word for street, and `head` is searched backwards from there.
"""

from __future__ import annotations

from hybridrag.privacy.finders import street_words as words
from hybridrag.privacy.finders.street_words import alternatives

_FLAT = rb"(?:[ -]?[a-zA-Z]\b|[ ]?(?:bis|ter)\b)?"
NUMBER = rb"(?:[0-9]{1,5}(?:[-/][0-9]{1,5})?" + _FLAT + rb"\b)"
_LAST_NUMBER = rb"(?:[0-9]{1,5}" + _FLAT + rb"(?:[ ]?[-/+][ ]?[0-9]{1,4}[a-zA-Z]?\b){0,3}\b\.?)"
_NUMBER_SIGN = (
    rb"(?:[Nn][roe]?[.\xa4]?[o\xe9\xa4]?\.?:?[ ]?|\xe9\.[ ]?|\#[ ]?|\xa4[ ]?|[Nn]\xe9m\.[ ]?|[Kk]m\.?[ ]"
    rb"|[Nn]\xe9mero[ ])?"
)
_GAP = rb",?[ \t]{1,2}"
WORD = rb"(?:[A-Z\xe9][a-z\xe9]{0,3}\.|(?:[dlDLO]')?[A-Z\xe9][A-Za-z\xe9]*(?:['-][A-Za-z\xe9]+)*'?)"
_INITIAL = rb"(?:[A-Z\xe9]\.[ ]?){0,2}"
_SMALL = rb"(?:(?:(?:" + words.SMALL_WORDS + rb")[ ]){0,3})"
WORDS = rb"(?:" + _INITIAL + WORD + rb"(?:[ -]" + _SMALL + _INITIAL + WORD + rb"){0,4})"
_DIRECTION = rb"(?:(?:[NSEW]{1,2}\.?|North|South|East|West)[ ])?"
_AFTER = rb"(?:\b\.?(?:[ ](?:[NSEW]{1,2}|North|South|East|West|[0-9]{1,4}))?\b|\.)"
_ORDINAL = rb"[0-9]{1,3}(?:st|nd|rd|th|ST|ND|RD|TH)"
_NAME = rb"(?:(?:" + WORD + rb"|" + _ORDINAL + rb"|[0-9]{1,5})[ ]){1,5}"


def _english(kinds: bytes) -> bytes:
    return rb"(" + NUMBER + _GAP + _DIRECTION + _NAME + rb"(?:" + kinds + rb")" + _AFTER + rb")"


def _numbered() -> bytes:
    return (
        rb"("
        + NUMBER
        + rb"[ ]"
        + _DIRECTION
        + rb"(?:"
        + WORD
        + rb"[ ]){0,2}(?:"
        + words.ROUTE
        + rb")[ ][0-9A-Z]{1,5}\b)"
    )


def _compound(kinds: bytes) -> bytes:
    return rb"[A-Za-z\xe9]((?:" + kinds + rb")\.?" + _GAP + _NUMBER_SIGN + _LAST_NUMBER + rb")"


def _last(kinds: bytes) -> bytes:
    return rb"[ -]((?:" + kinds + rb")" + _GAP + _NUMBER_SIGN + _LAST_NUMBER + rb")"


def _first(kinds: bytes) -> bytes:
    return (
        rb"((?:" + kinds + rb")[ ]?" + _OF + WORDS + _GAP + rb"(?:" + _NUMBER_SIGN + _LAST_NUMBER + rb"|[Ss]/[Nn]\b))"
    )


def _small_name() -> bytes:
    """Slavic and Romance squares and streets named in small letters: "námestie slobody 2", "Trg bana Jelačića 5"."""
    kinds = alternatives(
        "náměstí Náměstí námestie Námestie nábřeží třída tř. Rue rue Calle Rua rua Piazza Trg nám. Steenweg"
    )
    return (
        rb"((?:"
        + kinds
        + rb")(?:[ ][a-z\xe9]{2,16}){1,2}(?:[ ]"
        + WORDS
        + rb")?"
        + _GAP
        + _NUMBER_SIGN
        + _LAST_NUMBER
        + rb")"
    )


def _before(kinds: bytes) -> bytes:
    return (
        rb"("
        + NUMBER
        + _GAP
        + rb"(?:"
        + kinds
        + rb")[ ]"
        + _OF
        + rb"(?:[a-z\xe9]{3,16}\b(?:[ ]"
        + WORDS
        + rb")?|"
        + WORDS
        + rb"))"
    )


def _double() -> bytes:
    """A number of the house and another one after the name; not a year."""
    return (
        rb"((?:[03-9][0-9]{2,4}|1[0-8][0-9]{1,3}|2[1-9][0-9]{1,3}|[12][0-9]{2}|[12][0-9]{4})[ ](?:[0-9]{1,5}[ ])?"
        + _OF
        + WORDS
        + _GAP
        + _LAST_NUMBER
        + rb")"
    )


_OF = _SMALL + rb"(?:[dl]')?(?:[0-9]{1,2}[ ](?:de[ ])?)?"
_COMPOUND_HEAD = rb"(?:(?:" + WORD + rb"|[0-9]{1,2}\.)[ -]){0,3}[A-Z\xe9][A-Za-z\xe9]{1,}"
_LAST_HEAD = WORDS + rb"(?:(?:[ ][a-z\xe9]{3,12})?[ ]|-)"
_GRID = (
    rb"((?:Calle|Carrera|Cra\.?|Cr\.?|Kra\.?|Cl\.?|Avenida|Av\.?|Diagonal|Transversal"
    rb"|Tv\.?)[ ][0-9]{1,3}[ ]?[A-Z]?(?:[ ](?:Sur|Bis|Norte|Este))?"
    rb"[ ]?(?:\#|N[o\xe9\xa4]\.?|No\.)[ ]?[0-9]{1,3}[ ]?[A-Z]?[ ]?-[ ]?[0-9]{1,3}\b)"
)
"""Colombian addresses count streets both ways."""
GROUPS = (
    (
        (_english(words.CLEAR), b"", False),
        (_english(words.VAGUE), b"", True),
        (_numbered(), b"", True),
        (_before(words.BEFORE_CLEAR), b"", False),
        (_before(words.BEFORE_VAGUE), b"", True),
    ),
    (
        (_compound(words.COMPOUND_CLEAR), _COMPOUND_HEAD, False),
        (_compound(words.COMPOUND_VAGUE), _COMPOUND_HEAD, True),
        (_last(words.LAST_CLEAR), _LAST_HEAD, False),
        (_last(words.LAST_VAGUE), _LAST_HEAD, True),
    ),
    (
        (_first(words.FIRST_CLEAR), b"", False),
        (_first(words.FIRST_VAGUE), b"", True),
        (_small_name(), b"", False),
        (_GRID, b"", False),
    ),
    ((_double(), b"", True),),
)
LOOSE = (
    rb"(?:"
    + NUMBER
    + _GAP
    + rb"(?:[0-9]{1,5}[ ]{1,2})?"
    + _OF
    + WORDS
    + rb"(?:,?[ ]{1,2}"
    + _LAST_NUMBER
    + rb")?|"
    + _OF
    + WORDS
    + _GAP
    + _NUMBER_SIGN
    + _LAST_NUMBER
    + rb")"
)
"""A number and capitalised words, in either order or between two numbers: a street where something else says so."""
