"""Identity numbers whose written form gives them away without a label: "123.456.789-09", "RSSMRA85T10A562S".

A candidate is reduced to its signature (digits to 9, capitals to A); the signature names the library modules that may
know it. So a few look-ups judge a number, and only modules whose form has come up are ever loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.checksums import valid_in
from hybridrag.privacy.finders.patterns import compiled, stands_free, view
from hybridrag.types import Span

_CANDIDATE = rb"(?:[A-Z]{1,6}-?)?[0-9][0-9A-Z./+ -]{4,}"
_LONGEST = 24
_MOST_TOKENS = 7
_SIGNATURE = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"9" * 10 + b"A" * 26)
_TOKEN = re.compile(rb"[^ ]+")

# Bare digits stand here only where date, check digit and length together leave fewer than 1 of 200 numbers.
_FORMS: dict[bytes, tuple[str, ...]] = {
    b"99999999A": ("es.dni",),
    b"99999999-A": ("es.dni",),
    b"A9999999A": ("es.nie",),
    b"A-9999999-A": ("es.nie",),
    b"AAAAAA99A99A999A": ("it.codicefiscale",),
    b"AAA AAA 99A99 A999A": ("it.codicefiscale",),
    b"AAAA999999AAAAAA99": ("mx.curp",),
    b"AAAA999999AAAAAAA9": ("mx.curp",),
    b"AAAA999999999": ("mx.rfc",),
    b"AAAA99999999A": ("mx.rfc",),
    b"AAAA999999A99": ("mx.rfc",),
    b"AAAA9999999A9": ("mx.rfc",),
    b"AAAA999999AA9": ("mx.rfc",),
    b"AAAA999999AAA": ("mx.rfc",),
    b"AAAAA9999A": ("in_.pan",),
    b"99AAAAA9999A9A9": ("in_.gstin",),
    b"99AAAAA9999A9AA": ("in_.gstin",),
    b"999.999.999-99": ("br.cpf",),
    b"99.999.999/9999-99": ("br.cnpj",),
    b"99.999.999-9": ("cl.rut",),
    b"99.999.999-A": ("cl.rut",),
    b"9.999.999-9": ("cl.rut",),
    b"9.999.999-A": ("cl.rut",),
    b"99-99999999-9": ("ar.cuit",),
    b"999999-9999999": ("kr.rrn",),
    b"999999999999999999": ("cn.ric",),
    b"99999999999999999A": ("cn.ric",),
    b"9 99 99 99 999 999 99": ("fr.nir",),
    b"9 99 99 99 999 999": ("fr.nir",),
    b"999999999999999": ("fr.nir",),
    b"999999-9999": ("se.personnummer", "fi.hetu", "dk.cpr", "is_.kennitala"),
    b"999999+9999": ("se.personnummer", "fi.hetu"),
    b"99999999-9999": ("se.personnummer",),
    b"999999-999A": ("fi.hetu",),
    b"999999+999A": ("fi.hetu",),
    b"999999A999A": ("fi.hetu",),
    b"999999A9999": ("fi.hetu",),
    b"999999/9999": ("cz.rc",),
    b"9999999999999": ("ro.cnp", "si.emso", "za.idnr"),
    b"99999-9999999-9": ("pk.cnic",),
    b"999999-99-9999": ("my.nric",),
    b"9-9999-99999-99-9": ("th.pin",),
    b"999-999-99-99": ("pl.nip",),
    b"999-9999999-9": ("do.cedula",),
    b"A-99999999-9": ("ve.rif",),
    b"999.9999.9999.99": ("ch.ssn",),
    b"AAA-999.999.999": ("ch.uid",),
    b"AAA999999999": ("ch.uid",),
    b"9999999A": ("ie.pps",),
    b"9999999AA": ("ie.pps",),
    b"AA999999999A99": ("nl.btw",),
    b"AA99999999": ("eu.vat",),
    b"AA999999999": ("eu.vat",),
    b"AA9999999999": ("eu.vat",),
    b"AA99999999999": ("eu.vat",),
    b"AAA99999999": ("eu.vat",),
    b"AA999999999999": ("eu.vat",),
    b"AAA9999999A": ("eu.vat",),
    b"99-999999-999999-9": ("imei",),
}
_SHORTEST = min(map(len, _FORMS))


def formats(text: str) -> Iterator[Span]:
    """The numbers in `text` with a form of their own, right in their check digits and dates; spans may overlap."""
    data = view(text)
    for match in compiled(_CANDIDATE).finditer(data):
        start, end = match.span()
        if end - start < _SHORTEST:
            continue
        tokens = [token.span() for token in _TOKEN.finditer(data, start, end)]
        for first in range(len(tokens)):
            yield from _from_token(data, tokens, first)
    yield from _german(data)
    yield from _british(data)


def _from_token(data: bytes, tokens: list[tuple[int, int]], first: int) -> Iterator[Span]:
    start = tokens[first][0]
    for last in range(first, min(first + _MOST_TOKENS, len(tokens))):
        end = tokens[last][1]
        if end - start > _LONGEST:
            return
        while end > start and data[end - 1] in b"./+-":
            end -= 1
        if end - start < _SHORTEST:
            continue
        modules = _FORMS.get(data[start:end].translate(_SIGNATURE), ())
        if not modules or not _alone(data, start, end):
            continue
        number = data[start:end].decode("ascii")
        for module in modules:
            if valid_in(module, number) and len(set(number)) > 3:
                yield Span(start, end, "ID", module.replace(".", "-").replace("_", ""))
                break


def _alone(data: bytes, start: int, end: int) -> bool:
    """Whether the candidate is no part of a longer number, word, path or calculation."""
    before, after = data[max(0, start - 1) : start], data[end : end + 1]
    if before in {b"-", b"/", b".", b"_", b"+", b"=", b"#", b"$"} or after in {b"_", b"%", b"/"}:
        return False
    return stands_free(data, start, end)


# --- Germany: Deutsche Rentenversicherung, VKVV section 2; Steuernummer by the Länder ---------------------------------

_PENSION = rb"\b[0-9]{2} ?[0-3][0-9][01][0-9]{3} ?[A-Z] ?[0-9]{2} ?[0-9]\b"
_TAX_OFFICE = rb"\b[0-9]{2,3}/[0-9]{3}/[0-9]{5}\b|\b[0-9]{3}/[0-9]{4}/[0-9]{4}\b"
_WEIGHTS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


def _german(data: bytes) -> Iterator[Span]:
    for match in compiled(_PENSION).finditer(data):
        number = match.group().replace(b" ", b"").decode("ascii")
        if pension_number(number):
            yield Span(match.start(), match.end(), "ID", "de-rvnr")
    if b"/" in data:
        for match in compiled(_TAX_OFFICE).finditer(data):
            if data[match.start() - 1 : match.start()] != b"/" and data[match.end() : match.end() + 1] != b"/":
                yield Span(match.start(), match.end(), "ID", "de-stnr")


def pension_number(number: str) -> bool:
    """Whether the check digit of a German pension insurance number of twelve characters is right."""
    letter = ord(number[8]) - 64
    digits = [int(char) for char in f"{number[:8]}{letter:02}{number[9:11]}"]
    total = sum(sum(divmod(digit * weight, 10)) for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return total % 10 == int(number[11])


# --- United Kingdom: HMRC NIM39110; DVLA licence numbers --------------------------------------------------------------

_NINO = rb"\b(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])(?: ?[0-9]{2}){3} ?[A-D]\b"
_NEVER_NINO = frozenset({b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"})
_DVLA = rb"\b[A-Z]{1,5}9{0,4}[0-9][015][0-9][0-3][0-9]{2}[A-Z][A-Z9][0-9][A-Z]{2}\b"


def _british(data: bytes) -> Iterator[Span]:
    for match in compiled(_NINO).finditer(data):
        if match.group()[:2] not in _NEVER_NINO:
            yield Span(match.start(), match.end(), "ID", "gb-nino")
    for match in compiled(_DVLA).finditer(data):
        if len(match.group()) == 16:
            yield Span(match.start(), match.end(), "LICENCE", "gb-dvla")
