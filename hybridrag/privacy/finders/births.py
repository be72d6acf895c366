"""Dates of birth and ages, by the words that stand beside them in English, German and the larger European languages."""

from __future__ import annotations

from collections.abc import Iterator

from hybridrag.privacy.finders.dates import DATE, DAY_MONTH
from hybridrag.privacy.finders.gates import occurs
from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.types import Span

_BIRTH = (
    rb"(?:\b(?:born|d\.?[ ]?o\.?[ ]?b\b\.?|(?:date|day|year|time|dates)[ _-]of[ _-]birth|birth[ _-]?(?:date|day"
    rb"|year)s?|b-?day|geb|geboren(?:e[rsn]?)?"
    rb"|geburts(?:datum|tag|jahr)|geb\.?-?datum|n\xe9\(?e?\)? le|naissance|nacid[oa](?: el)?|nacimiento"
    rb"|nat[oa] (?:il|a|nel)|nascita|nascid[oa]"
    rb"|nascimento|geboren|geboortedatum|f\xe9dt|f\xe9dselsdato|f\xe9dd|f\xe9delsedatum|syntynyt|syntym\xe9aika"
    rb"|urodzon[ya]|data urodzenia|narozen[ay]?"
    rb"|datum narozen\xe9|sz\xe9letett|rojen[ay]?|birth)\b\.?)"
)
_BORN = (
    rb"(?i)"
    + _BIRTH
    + rb"[^0-9\x00]{0,48}?[^0-9A-Za-z\x00]((?-i:"
    + DATE
    + rb"|"
    + DAY_MONTH
    + rb"))(?:[^0-9A-Za-z]|$)"
)
_YEAR_ALONE = (
    rb"(?i)"
    + _BIRTH
    + rb"[\"'*]{0,2}(?:[ ](?:in|im|en|nel|em|anno|i|w|v|r\.)(?:[ ]the year)?[ ]|[ ]?[:=][ \"']{0,3}|[ ]is[ ]"
    rb"|[ ]ist[ ]|[ ])"
    rb"((?:1[89][0-9]{2}|20[0-2][0-9])(?:[01][0-9][0-3][0-9])?|[0-3][0-9][01][0-9](?:19"
    rb"|20)[0-9]{2})(?:[^0-9A-Za-z\xa4-]|$)"
)
_STARRED = rb"(?:^|[\s(,;])\*[ ]{0,2}(" + DATE + rb")(?:[^0-9A-Za-z/-]|$)"
_N = rb"(1[01][0-9]|[1-9]?[0-9])"
_OLD = (
    rb"(?i)(?:^|[^0-9A-Za-z.,$/-])"
    + _N
    + rb"(?:(?:[.,]5|[ ]?1/2)?[ -]{0,2}(?:years?|yrs?\.?|months?|weeks?|days?)[ -](?:old|young|of age)\b"
    rb"|[ -]{0,2}(?:y/o|y\.?o\.?|yo|y\.o\.)\b|[ -]{0,1}j\xe9hrige?[nrsm]?\b|[ ]?(?:jahre?|monate?|wochen?)[ ](?:alt"
    rb"|jung)\b|[ ](?:ans|a\xe9os|anni|anos|jaar|let|lat|\xe9r|vuotta)"
    rb"[ ]?(?:oud|gammel|gammal|vanha|d'\xe9ge|de edad|de idade|d'et\xe9)?\b|[ ]?-?[ ]?yrs?[ ]?old\b)"
)
_AGED = (
    rb"(?i)\b(?:ages?d?|turn(?:s|ed|ing)?|alter|edad|et\xe9|idade|\xe9ge|leeftijd|alder|\xe9lder|ik\xe9|wiek"
    rb"|v\xe9k)\b[\"'*]{0,3}(?:[ ](?:group|range|of patient))?"
    rb"(?:[ ]?[:=|(][ ]{0,4}|[ ]is[ ]|[ ]was[ ]|[ ]of[ ]|[ ]von[ ]|[ ]ist[ ]|[ ]about[ ]|[ ]only[ ]|[ ]just[ ]"
    rb"|[ ])[\"']?" + _N + rb"(?:[^0-9A-Za-z.,:/%-]|[.,:-](?:[^0-9]|$)|$)"
)
_WAS = (
    rb"(?i)\b(?:when|als|while|since|before|until|after)[ ](?:he|she|i|they|we|er|sie|ich)[ ](?:was|were|is|am|are"
    rb"|war)[ ](?:only[ ]|just[ ]|erst[ ])?" + _N + rb"(?:[,.;!?)]?(?:[ \n]|$))"
)
_IS = (
    rb"(?i)\b(?:i'm|i am|(?:he|she)(?:'s| is)|ich bin|er ist|sie ist|wird|wurde|werde|bin)[ ](?:now[ ]|only[ ]"
    rb"|just[ ]|jetzt[ ]|gerade[ ]|erst[ ]|schon[ ])?"
    + _N
    + rb"(?:[ ]geworden|[.,!?](?:[ \n]|$)|$|[ ](?:and|und|now|today|jetzt|heute|years?|jahre)\b)"
)


def birthdates(text: str) -> Iterator[Span]:
    """BIRTHDATE: the dates in `text` beside a word of birth, or behind the genealogist's asterisk; years alone too."""
    data = view(text)
    if not occurs((_BORN, _YEAR_ALONE, _STARRED), data):
        return
    for match in compiled(_BORN).finditer(data):
        yield Span(match.start(1), match.end(1), "BIRTHDATE", "birth-date")
    for match in compiled(_YEAR_ALONE).finditer(data):
        yield Span(match.start(1), match.end(1), "BIRTHDATE", "birth-year")
    for match in compiled(_STARRED).finditer(data):
        yield Span(match.start(1), match.end(1), "BIRTHDATE", "birth-star")


def ages(text: str) -> Iterator[Span]:
    """AGE: the numbers from 0 to 119 in `text` that say how old somebody is."""
    data = view(text)
    if not occurs((_OLD, _AGED, _WAS, _IS), data):
        return
    for pattern, rule in _AGES:
        for match in compiled(pattern).finditer(data):
            yield Span(match.start(1), match.end(1), "AGE", rule)


_AGES = ((_OLD, "age-old"), (_AGED, "age-told"), (_WAS, "age-when"), (_IS, "age-is"))
