"""Postal addresses: a street, box or code of a clear shape, or any that words announce; then the block around it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.blocks import MILITARY, UNIT, Block
from hybridrag.privacy.finders.gates import occurs
from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.street_shapes import LOOSE, WORD, WORDS
from hybridrag.privacy.finders.streets import capitalised, reach_back, streets, unlikely
from hybridrag.types import Span

_FLAT = (
    rb"(?:^|[^A-Za-z0-9\xe9])((?i:apt|apartment|appt|suite|ste|apto|depto|dpto|wohnung|whg|flat)\.?[ ](?:\#"
    rb"|no\.?[ ]?|nr\.?[ ]?)?"
    rb"[0-9]{1,5}[A-Za-z]?\b)"
)
_BOX = (
    rb"(?:^|[^A-Za-z0-9\xe9])((?i:p\.?[ ]?o\.?[ ]?box|post office box|postfach|apartado|casilla|bo\xe9te postale"
    rb"|gpo box|private bag|locked bag|postbus"
    rb"|caixa postal|casella postale|psc[ ][0-9]{1,5},? box|cmr[ ][0-9]{1,5},? box"
    rb"|unit[ ][0-9]{1,5},? box)[ :#.]{1,3}[0-9]{1,6}\b(?:[ ][0-9]{2,3}\b){0,2})"
    rb"|\b(" + MILITARY + rb")|\b((?i:USS|USNS|USCGC|USNV)[ ]" + WORD + rb"\s{1,4}(?i:APO|FPO|DPO)\b)"
)
_TOWN = rb"(?:(?:" + UNIT + rb"|(?:[Tt]he[ ])?" + WORDS + rb"),[ ]){0,3}" + WORDS + rb",?[ ]"
"""A town before its code, with the house and lane before it: British addresses need no number."""
_PREFIXED = (
    rb"(?:^|[^A-Za-z0-9\xe9-])((?:D|A|CH|F|B|L|NL|I|E|P|PL|CZ|SK|SI|HR|H|RO|BG|DK|S|SE|N|FIN|FI|IS|EE|LV|LT|GR|CY|FL"
    rb"|MC|DE|AT|FR|BE|IT|ES|PT|NO|HU|MD|UA)-"
    rb"(?:[0-9]{4,6}|[0-9]{3}[ ][0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3})[ ]"
    + WORD
    + rb"|[1-9][0-9]{3}[ ][A-Z]{2}[ ]{1,2}"
    + WORD
    + rb")"
)
_STATE = (
    rb"[A-Za-z\xe9.],?([ ]{1,2}(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]"
    rb"|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])"
    rb"\.?,?[ ]{1,2}[0-9]{5}(?:-[0-9]{4})?)\b"
)
_BRITISH = (
    rb"\b([A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKMNPRV-Y]?[ ][0-9][ABD-HJLNP-UW-Z]{2}"
    rb"|[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -][0-9][ABCEGHJ-NPRSTV-Z][0-9])\b"
)
_COMBINED = (
    rb"[0-9](?:[ ]?[a-zA-Z])?\.?([ ]{0,2}(?:,[ ]{0,2}\r?\n?|\r?\n)[ \t>]{0,8}"
    rb"(?:[0-9]{4,5}|[0-9]{3}[ ][0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{5}-[0-9]{3}|[0-9]{4}-[0-9]{3})[ ])" + WORD
)
_TOLD = (
    rb"(?i:\b(?:(?:home|mailing|postal|billing|shipping|delivery|street|current|new|old|residential"
    rb"|email)?[ ]?address(?:e|es|[ ]line[ ]?[12])?|addr|anschrift|wohnanschrift"
    rb"|lieferadresse|lieferanschrift|rechnungsadresse|direcci\xe9n|domicilio|endere\xe9o|indirizzo|adres|adresa"
    rb"|adresse|domicile|residence|wohnort|wohnhaft|stra\xe9e|street)"
    rb"[\"'*]{0,3}(?:[ ](?:is|was|to|with|as|ist|lautet|est|es|\xe9|of|at|in|bis|change|changed|below|line[ ]?[12]"
    rb"|now|will be)\b){0,3}[ ]?[:=|]?[\"'*]{0,3}[ \t]{0,12}(?:\r?\n[^A-Za-z0-9\n]{0,12})?"
    rb"|\b(?:liv(?:es?|ed|ing)|resid(?:es?|ed|ing)|stay(?:s|ed|ing)?|located|situated|based|meet(?:ing)?|moved?"
    rb"|moving|ship(?:ped|ping)?|deliver(?:ed|y)?|sent?|mail(?:ed)?"
    rb"|wohnt|wohne|wohnen|wohnhaft|gemeldet|ans\xe9ssig|zieht|umgezogen|habite|vive|vivo|mora|abita|residente"
    rb"|picks?(?:ed)?(?: up)?|arriv(?:e|es|ed|ing)|is|are|house|flat|apartment|store|shop"
    rb"|office|home|go|come|drive|return(?:ed)?|stop(?:ped)?|park(?:ed)?"
    rb"|send)"
    rb"(?:[ ](?:now|you|off|here|there|currently|me|us|it|him|her|them|this|that|you|the|parcel|order|items?"
    rb"|out|off|over|up|\?|house|side|north|south|east|west|of)){0,5}"
    rb"[ ](?:at|on|in|to|from|near|by|of|nach|bei|an|unter|au|en|em|a|side of)[ ](?:the[ ](?:corner|north side"
    rb"|south side|east side|west side)[ ]of[ ])?)"
)
_ROMANCE = (
    rb"(?i:rue|calle|rua|avenida|avda\.?|via|viale|piazza|ul\.|c/|plaza|paseo|travessa|pra\xe9a|boulevard|avenue)[ ]"
    + WORDS
)
_ARM = (
    rb"(?:[0-9]{1,5}[ ]){0,2}(?:[a-z]{1,3}\.?[ ]){0,2}"
    + WORDS
    + rb"(?:[ ][a-z\xe9]{3,16}){0,2}(?:[ ][0-9]{1,5}[A-Za-z]?\b\.?)?(?:[ ](?:str|st|street|road)\b\.?)?"
)
_PAIR = rb"(?:" + WORD + rb"(?:[ ]" + WORD + rb")?[ ](?i:and|und|&)[ ])?" + LOOSE
_NUMBERLESS = (
    rb"(?:"
    + WORD
    + rb"[ ]){1,3}(?:Street|Road|Avenue|Lane|Drive|Boulevard|Terrace|Crescent|Stra\xe9e|Strasse|Gasse|Allee)\b"
)
_AFTER_TOLD = rb"(?:" + _PAIR + rb")|(?:" + _ROMANCE + rb")|(?:" + _NUMBERLESS + rb")"
_ON_STREET = rb"\b(?:on|along|off|in der|auf der)[ ](" + _NUMBERLESS + rb")"
_CROSSING = (
    rb"\b((?i:(?:the )?(?:corner|intersection|junction|crossing|ecke) (?:of )?(?:the )?))("
    + _ARM
    + rb"[ ](?i:and|und|&)[ ]"
    + _ARM
    + rb")"
)
_LOWER = re.compile(
    rb"(?<![A-Za-z0-9\xe9'])(?!(?:and|or|the|an?|is|are|was|were|be|it|he|she|we|you|they|in|at|to|for|with|from|of"
    rb"|on|by|as|not|but"
    rb"|now|today|please|und|oder|der|die|das|ist|sind|war|mit|von|bei|nach|ein|eine|nicht|er|sie|wir|ich)\b)[a-z]"
)


def addresses(text: str) -> Iterator[Span]:
    """ADDRESS: the postal addresses in `text`, whole blocks."""
    data = view(text)
    cased = not text.islower() and any(map(str.isupper, text))
    if not cased:
        # Where nothing is capitalised, everything may be a name.
        data = _LOWER.sub(lambda match: match.group().upper(), data)
        text = _upper(text)
    done = 0
    for start, end, street, rule in sorted(_anchors(text, data)):
        if end <= done:
            continue
        block = Block(text, data, start, end, cased=cased).grow(street=street)
        if rule == "address-code" and not block.parts and block.end - block.start <= 8:
            continue
        yield Span(block.start, block.end, "ADDRESS", rule)
        done = block.end


def _upper(text: str) -> str:
    """`text` in capitals, as long as before."""
    upper = text.upper()
    return upper if len(upper) == len(text) else "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def _anchors(text: str, data: bytes) -> Iterator[tuple[int, int, bool, str]]:
    """Start, end, whether it is a street line, and the rule, of everything that begins an address."""
    if occurs((_CROSSING, _ON_STREET, _FLAT, _BOX, _BRITISH, _PREFIXED, _STATE, _COMBINED), data):
        yield from _numberless(text, data)
        yield from _marked(data)
        yield from _coded(text, data)
    if compiled(rb"[0-9]|[Ss]/[Nn]\b").search(data) is None:
        return
    for street in streets(text, data):
        yield street.start, street.end, True, "address-street"
    for match in compiled(_TOLD).finditer(data):
        yield from _announced(text, data, match.end())


def _numberless(text: str, data: bytes) -> Iterator[tuple[int, int, bool, str]]:
    for match in compiled(_ON_STREET).finditer(data):
        if capitalised(text, data, *match.span(1)):
            yield match.start(1), match.end(1), True, "address-on"
    for match in compiled(_CROSSING).finditer(data):
        yield match.start(1), match.end(2), True, "address-crossing"


def _marked(data: bytes) -> Iterator[tuple[int, int, bool, str]]:
    """Flats, boxes and codes with letters."""
    for match in compiled(_FLAT).finditer(data):
        yield match.start(1), match.end(1), False, "address-flat"
    for match in compiled(_BOX).finditer(data):
        start, end = match.span(match.lastindex)
        yield start, end, True, "address-box"
    for match in compiled(_BRITISH).finditer(data):
        start = reach_back(data, match.start(1), _TOWN)
        yield (match.start(1) if start < 0 else start), match.end(1), False, "address-code"


def _coded(text: str, data: bytes) -> Iterator[tuple[int, int, bool, str]]:
    """A city with its code and country's letter or state, or a line with a number above a code."""
    for match in compiled(_PREFIXED).finditer(data):
        start, end = match.span(1)
        if capitalised(text, data, start + 5, end):
            yield start, end, False, "address-postal"
    for match in compiled(_STATE).finditer(data):
        start = reach_back(data, match.start(1), WORDS + rb",?")
        if start >= 0:
            yield start, match.end(1), False, "address-postal"
    for match in compiled(_COMBINED).finditer(data):
        end = match.start(1)
        start = reach_back(data, end, LOOSE + rb"(?:,?[ ]" + UNIT + rb")?")
        if start < 0 or unlikely(data, start, end):
            continue
        if capitalised(text, data, start, end) and capitalised(text, data, *match.span()):
            yield start, end, True, "address-combined"


def _announced(text: str, data: bytes, at: int) -> Iterator[tuple[int, int, bool, str]]:
    """A street of any shape after words such as "lives at"."""
    limit = min(len(data), at + 64)
    match = compiled(_AFTER_TOLD).match(data, at, limit)
    if match is not None and capitalised(text, data, *match.span()):
        yield match.start(), match.end(), True, "address-told"
