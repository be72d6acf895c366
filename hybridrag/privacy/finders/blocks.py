"""From one line of an address to the whole block: flat, city, region, postal code and country around it."""

from __future__ import annotations

import re

from hybridrag.privacy.finders.gazetteer import countries
from hybridrag.privacy.finders.patterns import compiled
from hybridrag.privacy.finders.postcodes import POSTCODE, postcode_end
from hybridrag.privacy.finders.street_shapes import LOOSE, WORD, WORDS
from hybridrag.privacy.finders.street_words import alternatives
from hybridrag.privacy.finders.streets import capitalised

_UNIT_WORDS = alternatives(
    "apt apartment appt suite ste unit flat room rm floor lvl level building bldg block blk villa house tower wing lot "
    "trailer trlr space shop office desk wohnung whg etage stock stiege tür top app appartement bâtiment bat bât étage "
    "esc escalier résidence piso puerta pta depto dpto dto departamento apto apartamento andar bloco sala lote casa "
    "interno int scala palazzina lokal lok bus lejlighed lgh byt bl sc ap et kv кв дом bp box postbus postfach "
    "postboks "
    "postboka pl boks casella lägenhet asunto as mieszkanie klatka"
)
UNIT = (
    rb"(?:(?i:(?:"
    + _UNIT_WORDS
    + rb")\.?[ ]{0,2}(?:no\.?|nr\.?|n\xa4|\#)?[ ]{0,2}(?:[0-9]{1,5}[a-z]?(?:[-/][0-9a-z]{1,4})?|[a-z][0-9]{0,4}))\b"
    rb"|(?i:p\.?[ ]?o\.?[ ]?box|post office box|postfach|apartado(?: postal)?|casilla|bo\xe9te postale|b\.?p\.?"
    rb"|c\.?p\.?|gpo box|"
    rb"private bag|locked bag|postbus|caixa postal|casella postale|pobox|hc[ ][0-9]{1,3} box|rr[ ][0-9]{1,3} box"
    rb"|psc[ ][0-9]{1,5},? box"
    rb"|unit[ ][0-9]{1,5},? box|cmr[ ][0-9]{1,5},? box)[ :#.]{0,3}[A-Z]{0,2}[0-9]{1,6}\b(?:[ ][0-9]{2,3}\b){0,2}"
    rb"|[0-9]{1,2}(?:st|nd|rd|th|ST|ND|RD|TH)[ ](?i:floor|fl\.?|flr)\b"
    rb"|[0-9]{1,2}\.?[ ]?(?:th|tv|mf|OG|UG|Stock|Etage|emelet|em\.|krs|tr\.|sal|piso|patro|p\xe9tro|andar|floor"
    rb"|\xe9tage|\xe9)\b(?:[ ](?:links|rechts|tv|th|mf)\b\.?)?"
    rb"|[0-9]{1,2}[o\xe9\xaa\xa4]\.?(?:[ ](?:[A-Z]|izq|dcha|esq|dto)\b\.?)?|[A-Z]-[0-9]{1,4}\b"
    rb"|\#[ ]?[0-9]{1,5}[A-Za-z]?\b|(?:EG|DG|Erdgeschoss|Dachgeschoss|Hinterhaus|Vorderhaus|ground floor"
    rb"|Ground Floor)\b"
    rb"|(?:c/o|C/O|z\.Hd\.|zH|Attn:?|attn:?|p\.A\.)[ ]{1,2}" + WORDS + rb")"
)
"""A flat, floor, box or person within the house."""
MILITARY = rb"(?:(?:APO|FPO|DPO|apo|fpo|dpo),?[ ](?:AA|AE|AP|aa|ae|ap)[ ][0-9]{5}(?:-[0-9]{4})?\b)"
_GAP = (
    rb"[\"']?[ \t]{0,3}(?:[,;|/.\xa4]|-[ ])?\t?[ ]{0,3}[\"']?(?:\r?\n[^A-Za-z0-9\xe9\xa5\n\r\x00\xa6]{0,12}"
    rb"|\\n[ ]?|<br ?/?>[ ]?){0,2}"
)
# These two see few characters, and Python's own engine answers sooner there.
_NEXT = re.compile(_GAP)
_NO_PLACE = re.compile(rb"[ ]?[:@(=]|[ ]?'s\b")
_DISTRICT = rb"[0-9]{1,2}[ \t]{0,3}(?:\r?\n[^A-Za-z0-9\n\x00]{0,8})?[0-9]{5}\b"
_EMPTY = rb"(?i:nan|null|none|n/a|nil|-{1,3})\b"
_BRACKETS = rb"(?:[ ]\([^()\n\x00]{1,30}\))?"
_PART = (
    rb"("
    + UNIT
    + rb")|("
    + MILITARY
    + rb")|("
    + _DISTRICT
    + rb"|"
    + POSTCODE
    + rb"\b)|("
    + _EMPTY
    + rb")|("
    + WORDS
    + rb"(?:[ ][0-9]{1,2}\b)?"
    + _BRACKETS
    + rb")"
)
_UNIT, _MILITARY, _CODE, _EMPTY_FIELD, _NAMES = range(1, 6)
_FOLLOWS = rb"[ \t]{0,3}(?:$|[\r\n,;|.!?\"')<\t\\]|[0-9]|[A-Z]{1,2}[0-9]|\(|-[ ]|(?i:nan|null|none)\b)"
_HOUSE = (
    rb"(?:(?:The|the)[ ])?(?:"
    + WORD
    + rb"[ ]){1,3}(?:House|Hall|Cottage|Farm|Villa|Court|Tower|Towers|Building|Rectory|Vicarage|Mill|Lodge|Manor|Barn"
    rb"|Grange|Mansions?|Apartments|Residence|Plaza|Chambers|Studios?|Works|Heights|Gardens|Estate|Cent(?:er|re))"
)
_BEFORE = (
    rb"(?:^|[^A-Za-z0-9\xe9\xa5.,/+-])("
    rb"(?:"
    + UNIT
    + rb"|"
    + _HOUSE
    + rb"|"
    + WORD
    + rb"(?:[ ]"
    + WORD
    + rb"){0,2}[ ](?:and|und|&|y|et|e)|"
    + POSTCODE
    + rb"[ ]"
    + WORDS
    + rb"|(?:[0-9]{1,5}[A-Za-z]?(?:[-/][0-9]{1,4})?))"
    rb")" + _GAP + rb"$"
)
_STOP = (
    rb"(?i:(?:dear|hello|hi|hey|thanks?|regards|sincerely|best|kind|yours|phone|tel(?:efon)?[.:]|telephone|mobile"
    rb"|fax|e-?mail|mail|web|website|www"
    rb"|https?|from|to|subject|date|re|cc|attn|office|order|invoice|total|notes?|name|contact|please|the|this|that"
    rb"|these|it|he|she|they|we|i"
    rb"|you|is|and|but|or|so|my|his|her|our|your|in|on|at|if|when|what|who|where|there|here|also|then|sehr|mit|liebe"
    rb"|hallo|viele|gr\xe9\xe9e|telefon"
    rb"|handy|rechnung|bestellung|datum|betreff|der|die|das|ich|er|sie|wir|und|personal|info|payment|delivery"
    rb"|shipping|card|customer|dob|age"
    rb"|ssn|gender|occupation|company|title|password|user|account|id|passport|iban|bank|signature|sent|status|price"
    rb"|quantity|amount)(?:\b|[ ]))"
)


class Block:
    """An address as it grows from `data[start:end]`."""

    def __init__(self, text: str, data: bytes, start: int, end: int, *, cased: bool) -> None:
        self.cased = cased
        self.text, self.data, self.start, self.end = text, data, start, end
        self.parts = 0
        """How many parts were added: a vague line with a city or a code beside it is an address."""

    def grow(self, *, street: bool) -> Block:
        """The block with the parts after it, then those before it. `street` says that it has a street line already."""
        self._forward(street)
        if not street:
            self._loose_before(max(0, self.start - 56))
        for _ in range(3):
            if not self._backward():
                break
        return self

    def _forward(self, street: bool) -> None:
        data = self.data
        seen = {_NAMES: 0, _EMPTY_FIELD: 0}
        for _ in range(12):
            at = _NEXT.match(data, self.end, min(len(data), self.end + 40)).end()  # type: ignore[union-attr]
            if at == self.end and not data[at - 1 : at].isspace():
                return
            limit = min(len(data), at + 64)
            if not street:
                loose = compiled(LOOSE).match(data, at, limit)
                if loose is not None and capitalised(self.text, data, *loose.span()) and not _stops(data, at):
                    self.end, street = loose.end(), True
                    self.parts += 1
                    continue
            part = compiled(_PART).match(data, at, limit)
            if part is None:
                return
            kind = part.lastindex
            seen[kind] = seen.get(kind, 0) + 1
            end = self._part_end(kind, at, part.end(), seen[kind])
            if end == at:
                return
            self.end = end
            self.parts += 1

    def _part_end(self, kind: int, at: int, end: int, count: int) -> int:
        """The end of the part at `at` that looks like `kind`, the `count`th such; `at` where it is none."""
        between = self.data[self.end : at]
        lines = between.count(b"\n")
        if kind in (_UNIT, _MILITARY):
            return end
        if b"." in between and not lines:
            return at
        if kind == _CODE:
            return at if lines > 1 and not self.parts else self._code_end(at, end)
        if kind == _EMPTY_FIELD:
            alone = lines or b"," in between or self.data[at:end].isalpha()
            return end if count <= 2 and alone else at
        if self.data[end : end + 1].isdigit():
            # "Norwich NR4 7QP": the code's letters are no word.
            end = max(at, self.data.rfind(b" ", at, end))
        return at if end == at or count > 4 else self._names_end(at, end, between, lines)

    def _code_end(self, at: int, end: int) -> int:
        """The end of a postal code, or of a district's number with the code behind it."""
        district = compiled(_DISTRICT).match(self.data, at, end)
        return max(postcode_end(self.data, at), at if district is None else end)

    def _names_end(self, at: int, end: int, between: bytes, lines: int) -> int:
        """The end of the city, region or country at `at`; `at` where the words are none."""
        data = self.data
        region = data[at:end].isupper() and end - at <= 3
        small = self.text[at].isalpha() and not self.text[at].isupper()
        if small or (not region and _stops(data, at)):
            return at
        country = country_end(self.text, at)
        if country > at:
            end = compiled(_BRACKETS).match(data, country, min(len(data), country + 34)).end()
            return int(end)
        if data[end - 1 : end] == b"." and data[end - 5 : end - 1].isalpha():
            end -= 1
        if _NO_PLACE.match(data, end, end + 3):
            return at
        whole = compiled(_FOLLOWS).match(data, end, min(len(data), end + 6)) is not None
        if lines > 1 and compiled(rb"[ ][0-9]{3,6}(?:-[0-9]{3,4})?[ \t]{0,3}(?:$|[\r\n.,?!])").match(
            data, end, end + 20
        ):
            return end
        if lines > 1 or (lines == 1 and not whole):
            return at
        return end if whole or b"," in between or not lines else at

    def _backward(self) -> bool:
        data = self.data
        low = max(0, self.start - 56)
        found = compiled(_BEFORE).search(data[low : self.start])
        if found is None:
            return self._name_before(low)
        start = low + found.start(1)
        crossed = data[low + found.end(1) : self.start].count(b"\n")
        bare = data[start : low + found.end(1)].isalnum() and data[start : start + 1].isdigit()
        if crossed > 1 or (bare and crossed and not _own_line(data, start)):
            return False
        if bare and not crossed and compiled(rb"[,;|\t\"']").search(data, low + found.end(1), self.start) is not None:
            # The number of a row, not of a house.
            return False
        self.start = start
        self.parts += 1
        return True

    def _name_before(self, low: int) -> bool:
        """A name before the number on the same line: a street whose number stands in the middle."""
        data = self.data
        found = compiled(rb"(?:^|[^A-Za-z0-9\xe9\xa5'-])(" + WORDS + rb")[ ]$").search(data[low : self.start])
        if found is None or not self.cased or not data[self.start : self.start + 1].isdigit():
            return False
        start = low + found.start(1)
        if _stops(data, start) or not capitalised(self.text, data, start, self.start):
            return False
        self.start = start
        return False

    def _loose_before(self, low: int) -> None:
        """A street of any shape before a flat: "4410 Kveldro 17, Suite 9"."""
        data = self.data
        found = compiled(rb"(?:^|[^A-Za-z0-9\xe9])(" + LOOSE + rb")" + _GAP + rb"$").search(data[low : self.start])
        if found is None:
            return
        start = low + found.start(1)
        if capitalised(self.text, data, start, self.start) and data[start : self.start].count(b"\n") <= 1:
            self.start = start
            self.parts += 1


def _own_line(data: bytes, start: int) -> bool:
    return (
        start == 0
        or data[start - 1 : start] == b"\n"
        or data[max(0, start - 4) : start].strip(b" >?*#|\t") in (b"", b"\n")
    )


def _stops(data: bytes, start: int) -> bool:
    """Whether a word at `start` begins something else: a greeting, a field, a sentence."""
    return compiled(_STOP).match(data, start, min(len(data), start + 16)) is not None


def country_end(text: str, start: int) -> int:
    """The end of the country whose name stands at `start`; `start` if none does."""
    words = _WORD_ENDS.finditer(text, start, min(len(text), start + 44))
    best = start
    for count, match in enumerate(words):
        if count == 6:
            break
        end = match.end()
        for stop in (end, end - 1) if text[end - 1] == "." else (end,):
            if text[start:stop].casefold() in countries():
                best = stop
    return best


_WORD_ENDS = re.compile(r"[\w.'-]+")
