"""Words that announce a telephone number, and the short numbers that only such a word makes one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled
from hybridrag.types import Span

_CALL_WORDS = re.compile(
    rb"(?:\b(?:(?:(?:tele|i)?(?:phone|fax|fon|faks)s?|(?:phone|fax|mobile) ?(?:number|no|nr)|tel|mobile?"
    rb"|cell(?=[ ]?[:#=]\W{0,2}$)|(?:my|his|her|our|your|their) cell(?=\W{1,3}$)"
    rb"|cell(?:ular)? ?phone|handy|landline|hotline|whatsapp|sms|dial|desk|gsm"
    rb"|(?:telefon|mobil|handy|fax|ruf)(?:nummer|nr)?|durchwahl|anruf|anrufen|t[e\xe9]l[e\xe9]phone|t[e\xe9]l"
    rb"|tel[e\xe9]fono|m[o\xe9]vil|celular|cellulare|telefone|telefoon|telefonn[i\xe9]|telem[o\xe9]vel|puhelin)\b"
    rb"[^0-9\n]{0,24}(?:\n[ \t>]{0,8})?"
    rb"|\b(?:call|ring|text|phone|reach|ping|dial|contact)(?: (?:me|us|him|her|them))?(?: (?:back|now))?"
    rb"(?: (?:at|on|under|via))?:? "
    rb"|\b(?:call|ring|text|phone|reach|ping|contact)(?: [a-z\xe9'-]{2,20}){1,2} (?:at|on|under|via) "
    rb"|(?:^|[\n|;\xb7\xa4])[ \t>*]{0,4}[tmfp][.:][ \t]{0,3}"
    rb"|\b(?:melden?|meldet|ruf(?:en|e|t)?|erreich(?:en|e|st|t)|sprechen|anzurufen|kontaktieren)\b[^\n0-9.]{0,20}"
    rb"\bunter(?: der)? "
    rb"|\b(?:phone|mobile|cell|contact|telephone|telefon|handy|r.ckruf)[ -]?(?:number"
    rb"|nummer)?[^\n0-9]{0,16}\?[\"]?[ \n]"
    rb"[^\n0-9]{0,28}"
    rb"|(?:answer(?:ing)?|available|reach(?:able|ed)|messages?|erreichbar) (?:at|on|under|to|unter) ))[+(]?[ ]?$"
)
# "my registered 668 5702", "her new number is ...": someone has it, so it is no measure.
_OWNED = re.compile(
    rb"\b(?:my|his|her|our|your|their|meine?[rmns]?|deine?[rmns]?|seine?[rmns]?|ihre?[rmns]?|unsere?[rmns]?|mon|mi|mijn)"
    rb"(?: (?:own|new|old|other|work|home|office|contact|direct|private|registered|current|neue|alte|private"
    rb"|number|no[.]?|nummer|num[\xe9e]ro|line|is|ist|lautet|unter|at|on)){1,4}[: ]{1,2}[+(]?$"
    rb"|\b(?:contact|emergency|direct|daytime|evening|office|home|work)"
    rb"(?: (?:number|no[.]?|nr[.]?|line|contact|me|us|at|on|under)){1,3}"
    rb"(?: is)?[: ]{1,2}[+(]?$|\b(?:unter der|r\xe9ck|notruf|service|kontakt)[ -]?nummer[: ]{1,2}[+(]?$"
)
# "I tried 91234567 twice, nobody picked up": somewhere in the sentence somebody calls.
_CALLING = re.compile(
    rb"\b(?:call(?:s|ed|ing|ers?)?|phon(?:e|ed|ing)|telephone|tel|text(?:ed)?|ring|rang|dial(?:led|ed)?|reach(?:ed|able)?"
    rb"|answers|answered|pick(?:ed|s)? up|voicemail|hotline|reception|kontakt|kontaktieren|anruf\w*|angerufen|ruf|rufen"
    rb"|r\xe9ckruf|erreich\w*|telefon\w*|handy|mobil|mobile|direct line|durchwahl|extension|whatsapp|sms|fax"
    rb"|landline|mailbox|abnehmen|besetzt)\b"
)
_OTHER = re.compile(
    rb"(?:\b(?:id|order|invoice|ticket|case|reference|ref|code|version|isbn|port|line|no|nr|number of|account"
    rb"|konto|year|jahr"
    rb"|over|about|than|of|\xfcber|etwa|rund)[ .:#]{1,3}|[#=$/_@-]|[a-z0-9_][(\[{])$"
)
_COUNTED = re.compile(
    rb"[ ]?(?:%|[-/_=:]|(?:times|bytes|requests?|tokens?|rows|records|users|euros?|eur|usd|dollars?|ms|seconds"
    rb"|years|people"
    rb"|persons|items|calls|mal|mio|million|kilomet|km|members|customers|subscribers|files|lines)\b)"
)
_BOOK = re.compile(rb"(?:isbn|issn|asin|doi|/dp/|/product/)[^\n]{0,24}$")
# Islands and house exchanges have numbers of four or five digits; the word and a sign must stand straight before them.
_SHORT = (
    rb"(?i)\b(?:(?:tele)?(?:phone|fon|fax)|tel|mobile?|handy|telefon|ruf|t\xe9l)(?:[ -]?(?:number|nummer|no|nr))?"
    rb"(?:[.]?[ ]?[.:][ ]{0,2}| (?:is|ist|lautet):? )([0-9]{2}[ -]?[0-9]{2,3})\b"
    rb"|\b(?:durchwahl|extension|ext[.])[ ]?(?:nr[.]?|number)?[:]?[ ]?(-?[0-9]{2,5})\b"
)
_GOES_ON = re.compile(rb" ?[%-]|[.][0-9]")


def announced(before: bytes) -> bool:
    """Whether `before`, in lower case and 48 characters at most, ends with a word that a telephone number follows."""
    return _CALL_WORDS.search(before) is not None or _OWNED.search(before) is not None


def spoken_of(before: bytes, after: bytes, digits: str) -> bool:
    """Whether a number of 7 to 12 digits between `before` and `after`, in lower case, is called or answers a call."""
    if not 7 <= len(digits) <= 12 or digits.endswith("000") or len(set(digits)) < 3:
        return False
    if _OTHER.search(before) or _COUNTED.match(after):
        return False
    # The sentence only: what stands before a full stop or a line is about something else.
    sentence = re.split(rb"[.!?] |\n", before)[-1]
    return _CALLING.search(sentence) is not None or _CALLING.search(re.split(rb"[.!?\n]", after)[0]) is not None


def is_book(before: bytes) -> bool:
    """Whether `before` announces the number of a publication or a product."""
    return _BOOK.search(before) is not None


def short_phones(data: bytes) -> Iterator[Span]:
    """Numbers of two to five digits of `data` that are called one: `Tel.: 4262`, `Durchwahl -12`."""
    for match in compiled(_SHORT).finditer(data):
        start, end = match.span(match.lastindex)
        if _GOES_ON.match(data, end, end + 2) is None:
            yield Span(start, end, "PHONE", "phone-short")
