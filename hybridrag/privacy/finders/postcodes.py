"""Postal codes in the formats of the world, and those that stand alone after a word that names them.

Formats: UPU addressing sheets and Unicode CLDR's postal code data (retired, supplemental/postalCodeData.xml).
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.types import Span

LETTERED = (
    rb"(?:(?i:GIR[ ]?0AA|[A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKMNPRV-Y]?[ ]{0,2}[0-9][ABD-HJLNP-UW-Z]{2}"  # United Kingdom
    rb"|[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9]"  # Canada
    rb"|[AC-FHKNPRTV-Y](?:[0-9]{2}|6W)[ ]?[0-9AC-FHKNPRTV-Y]{4})"  # Ireland
    rb"|[1-9][0-9]{3}[ ]?[A-Z]{2}"  # Netherlands
    rb"|[A-HJ-NP-Z][0-9]{4}[A-Z]{3}"  # Argentina
    rb"|[A-Z]{3}[ ]?[0-9]{4}"  # Malta
    rb"|(?:AD[1-7]|BB|AZ[ ]?|LV-|LT-|MD-?|SI-|HR-|VG|AI-|BN|KW|[A-Z]{1,3}-)[0-9]{3,6})"
)
"""Codes with letters."""
DIGITS = (
    rb"(?:[0-9]{5}-[0-9]{3,4}|[0-9]{4}-[0-9]{3}|[0-9]{2}-[0-9]{3}|[0-9]{3}-[0-9]{4}|[0-9]{3}[ ][0-9]{2,3}"
    rb"|\xa4?[0-9]{3,7}|[0-9]{2}[ ][0-9]{3})"
)
"""Codes of digits: Brazil and the United States, Portugal, Poland, Japan, Sweden and Czechia, and plain ones."""
POSTCODE = rb"(?:" + LETTERED + rb"|" + DIGITS + rb")"

_TOLD = (
    rb"(?i)\b(?:zip(?:[ _-]?code)?|post(?:al)?[ _-]?code|pin[ _-]?code|plz|postleitzahl|code postal|c\.?[ ]?p\.?"
    rb"|c[o\xe9]digo postal|cep"
    rb"|codice postale|cap|postnummer|postnr|postinumero|kod pocztowy|ps\xe9|postcode|eircode|ir\xe9ny\xe9t\xe9sz\xe9m)"
    rb"(?:[ ]?[/,&][ ]?(?:ort|stadt|wohnort|city|town|state|ville|localidad|citt\xe9|plaats))?"
    rb"[\"'*]{0,3}[ \t]{0,3}(?:[:=#\xa6-]|\|)?[\"'*]{0,3}[ \t]{0,3}(?:(?i:is|was|ist|lautet|number|nr\.?|no\.?|of|my"
    rb"|changed to|est|es|\xe9)[: ]{1,2}){0,2}[\"']?"
    rb"(?-i:(" + POSTCODE + rb"))\b"
)


def postcodes(text: str) -> Iterator[Span]:
    """ZIP: the postal codes in `text` that follow such a word."""
    data = view(text)
    for match in compiled(_TOLD).finditer(data):
        yield Span(match.start(1), match.end(1), "ZIP", "zip-labelled")


def postcode_end(data: bytes, start: int) -> int:
    """The end of a postal code at `start`, or `start`: one that runs on into a longer number or word is none."""
    match = compiled(rb"(?:" + POSTCODE + rb")\b").match(data, start, min(len(data), start + 12))
    if match is None:
        return start
    end: int = match.end()
    return start if compiled(rb"[ ]?[-./+:][0-9]|[0-9A-Za-z\xe9@%]|[ ][0-9]{2,}").match(data, end, end + 4) else end
