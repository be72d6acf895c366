"""Places: where somebody lives, comes from or goes to; and in strict mode every listed one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from hybridrag.privacy.finders.gates import occurs
from hybridrag.privacy.finders.gazetteer import peoples, places
from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.street_shapes import WORD
from hybridrag.privacy.finders.street_words import alternatives
from hybridrag.privacy.finders.streets import capitalised
from hybridrag.types import Span

_NAME = (
    rb"((?:(?:the|The|den|der|die|la|La|Le|El|Los|Las)[ ])?"
    + WORD
    + rb"(?:(?:[ -]|[ ](?:de|del|di|da|do|dos|la|upon|am|an der|im|ob der|sur|sous|of|nad|pod|i"
    rb"|bei)[ ](?:la[ ])?)" + WORD + rb"){0,3})"
)
_PERSONAL = (
    rb"\b(?i:(?:liv(?:es?|ed|ing)|resid(?:es?|ed|ing)|dwell(?:s|ing)?|settled|raised|born(?: and raised)?|grew up"
    rb"|grow(?:s|ing)? up|brought up|stay(?:s|ed|ing)?)[ ](?:(?:now|currently|here|there|together|alone|abroad"
    rb"|again)[ ])?"
    rb"(?:near|in|at|outside|around)(?: the city of| the town of| the village of| downtown| central)?"
    rb"|(?:man|woman|boy|girl|guy|lady|couple|family|student|teacher|nurse|driver|worker|originally|native|hails?"
    rb"|hailing|come|comes|coming|am|'m|is|are|migrated|emigrated|immigrated|deported"
    rb"|fled)[ ](?:originally )?from"
    rb"|returned(?: home| back)? to|moved?(?: back| here| there| over| out| away)?[ ](?:from|to)|moving(?: back"
    rb"| here| there| over)?[ ](?:from"
    rb"|to)|relocat(?:e[sd]?|ing) (?:from|to)|emigrat(?:ed|ing) to"
    rb"|(?:citizen|native|resident|national|inhabitant)s? of|home ?(?:town|city|country|land)(?: of| is| was|:)?"
    rb"|birth ?place(?: is| was|:)?|place of birth(?: is| was|:)?"
    rb"|(?:travel(?:l)?ing|travel(?:l)?ed|fly|flies|flying|flew|drove|heading|trip|vacation|holiday|journey|flight"
    rb"|going back|went back|went home)[ ](?:back )?(?:to|from|in)"
    rb"|(?:i am|i'm|we are|we're|i was|we were|i will be|i'll be|she is|he is|she's|he's|they are)(?: now| currently"
    rb"| here| back| still)? in"
    rb"|(?:wohn(?:t|e|en|ten?|haft)|leb(?:t|e|en|ten?)|geboren|aufgewachsen|ans\xe9ssig|gemeldet"
    rb"|zu ?hause)(?:[ ](?:jetzt|heute|derzeit|aktuell|seit \w{1,12}|am [0-9. ]{1,12}))?[ ](?:in|bei|nahe)"
    rb"|(?:mann|frau|junge|m\xe9dchen|paar|familie|sch\xe9ler(?:in)?|student(?:in)?|lehrer(?:in)?|rentner(?:in)?"
    rb"|stamm(?:t|e|en)|komm(?:t|e|en)|kam|geb\xe9rtig|urspr\xe9nglich|zugezogen|geflohen"
    rb"|ausgewandert)[ ](?:urspr\xe9nglich )?(?:aus|von)"
    rb"|(?:(?:um)?gezogen|zieht|ziehe|umgezogen|zog(?:en)?(?: er| sie| ich| wir)?|zur\xe9ck|gereist|reist|reise"
    rb"|fliegt|fliege|flog|f\xe9hrt|fahre"
    rb"|fuhr)[ ](?:nach|aus)|(?:umzug|reise|flug|fahrt|heimkehr) (?:nach|von)"
    rb"|wohnort(?: ist|:)?|geburtsort(?: ist|:)?|heimat(?:stadt|ort)(?: ist|:)?|staatsb\xe9rger(?:in)? (?:von|der)"
    rb"|habite(?: \xe9| en)?|vive en|vivo en|viven en|abita a|abito a|nacido en|nacida en|nato a|nata a|n\xe9e? \xe9"
    rb"|mora em|bor i|bosatt i|asuu|mieszka w|bydl\xe9 v)[ ]{1,2}" + _NAME
)
_FIELD = (
    rb"(?im:(?:^|[,;|{][ ]?)[ \t>*\"'-]{0,6}(?:(?:home|birth|residence)[ _-]?)?(?:city|town|city/town|village"
    rb"|country(?: of (?:birth|residence))?|state|province|county|nationality|citizenship|birth ?place"
    rb"|place of birth|wohnort|ort|stadt|gemeinde|land|bundesland|geburtsort|staatsangeh\xe9rigkeit|nationalit\xe9t"
    rb"|ville|pays|ciudad|pa\xe9s|citt\xe9|paese|cidade|localidad)"
    rb"[\"'*]{0,3}[ \t]{0,3}[:=][ \t\"'*]{0,6})" + _NAME
)
_COMING = (
    rb"(?i:\b(?:coming|come|going|go|travels?|flying|fly|moving)[ ]to[ ])"
    + _NAME
    + rb"(?i:[ ](?:tomorrow|next (?:week|month|year)|on (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    rb"|this (?:week|month|year|summer|winter)))\b"
)
_WITH_CODE = (
    rb"\b(?i:in|from|near|to|aus|nach)[ ]("
    + WORD
    + rb"(?:[ -](?:(?:de|del|di|da|do|am|an der)[ ])?"
    + WORD
    + rb"){0,3}[ ]"
    rb"(?:[0-9]{5}|[03-9][0-9]{3}|1[0-8][0-9]{2}|2[1-9][0-9]{2}|[0-9]{3}[ ][0-9]{2}|[0-9]{4}-[0-9]{3}))(?:[ ][a-z]"
    rb"|[ ]?[,.;!?\n]|$)"
)
_NO_PLACE = frozenset(
    (
        b"january february march april may june july august september october november december monday tuesday "
        b"wednesday thursday friday saturday sunday "
        b"januar februar m\xe9rz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag "
        b"sonntag i he she we they it you my your his her "
        b"our their this that these those step section chapter table figure version python windows linux english "
        b"german french spanish italian dutch "
        b"latin greek chinese japanese ich er sie wir es ihr sein mein dein unser das dem des einem einer"
    ).split()
)
_GERMAN_PEOPLES = alternatives(
    "afghanisch ägyptisch albanisch algerisch amerikanisch arabisch argentinisch armenisch australisch belgisch "
    "bosnisch brasilianisch britisch "
    "bulgarisch chilenisch chinesisch dänisch deutsch englisch estnisch finnisch französisch georgisch griechisch "
    "indisch indonesisch irakisch "
    "iranisch irisch isländisch israelisch italienisch japanisch kanadisch kenianisch koreanisch kroatisch "
    "kubanisch kurdisch lettisch libanesisch "
    "litauisch luxemburgisch marokkanisch mexikanisch niederländisch nigerianisch norwegisch österreichisch "
    "pakistanisch persisch peruanisch "
    "polnisch portugiesisch rumänisch russisch saudisch schottisch schwedisch schweizerisch serbisch slowakisch "
    "slowenisch spanisch südafrikanisch "
    "südkoreanisch syrisch thailändisch tschechisch tunesisch türkisch ukrainisch ungarisch vietnamesisch"
)


_CONTEXTS = (
    (_PERSONAL, "place-personal"),
    (_FIELD, "place-field"),
    (_COMING, "place-going"),
    (_WITH_CODE, "place-code"),
)


def places_in_context(text: str) -> Iterator[Span]:
    """PLACE: what stands in `text` where somebody lives, was born, comes from or goes to, and in fields of a form."""
    data = view(text)
    if not occurs(tuple(pattern for pattern, _ in _CONTEXTS), data):
        return
    for pattern, rule in _CONTEXTS:
        for match in compiled(pattern).finditer(data):
            start, end = match.span(1)
            first = data[start:end].replace(b"-", b" ").split(b" ", 1)[0].lower().rstrip(b".'s")
            while end > start and data[end - 1 : end] in (b".", b"'"):
                end -= 1
            if (
                first in _NO_PLACE
                or not capitalised(text, data, start, end)
                or (rule != "place-field" and _no_place(text[start:end]))
            ):
                continue
            yield Span(start, end, "PLACE", rule)


def _no_place(name: str) -> bool:
    """Abbreviations, identifiers and things with an article, unless they are listed."""
    if name in places():
        return False
    word = name.split(" ", 1)[0]
    if word in {"the", "The"}:
        return name[4:] not in places()
    return (word.isupper() and len(word) <= 3) or (
        any(a.islower() and b.isupper() for a, b in pairwise(word)) and word[:2] != "Mc"
    )


def strict_places(text: str) -> Iterator[Span]:
    """PLACE: every listed country, region, large city and people in `text`, capitalised, unless nothing is."""
    data = view(text)
    cased = any(map(str.isupper, text))
    position = 0
    pattern = compiled(_listed())
    while (match := pattern.search(data, position)) is not None:
        start, position = match.span(1)
        if text[start].isupper() or not cased:
            yield Span(start, position, "PLACE", "strict-place")
    for match in compiled(
        rb"(?i)(?:^|[^A-Za-z\xe9])((?:" + _GERMAN_PEOPLES + rb")(?:e[nmrs]?)?)(?:[^A-Za-z\xe9]|$)"
    ).finditer(data):
        yield Span(match.start(1), match.end(1), "PLACE", "strict-people")


@lru_cache(maxsize=1)
def _listed() -> bytes:
    names = b"|".join(re.escape(view(name)) for name in sorted(places(), key=len, reverse=True))
    people = b"|".join(re.escape(view(name)) for name in sorted(peoples(), key=len, reverse=True))
    return rb"(?i)(?:^|[^A-Za-z0-9\xe9])((?:" + names + rb")|(?:" + people + rb")(?:s|es|en|n)?)(?:[^A-Za-z0-9\xe9]|$)"
