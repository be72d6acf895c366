"""Ways to write a value so that a person or a model still reads it and a plain pattern does not."""

from __future__ import annotations

import base64
import gzip
import html
import json
import random
import unicodedata
import zlib
from collections.abc import Callable

Disguise = Callable[[random.Random, str], str]

CYRILLIC = dict(zip("ABEHIJKMOPCTXYSaceijopxyshdkq", "АВЕНІЈКМОРСТХУЅасеіјорхуѕһԁкԛ", strict=True))
GREEK = dict(zip("ABEHIKMNOPTXYZovuxap", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖονυχαρ", strict=True))
ARMENIAN = dict(zip("OSLUouhqgjn", "ՕՏԼՍօսհզցյո", strict=True))
CHEROKEE = dict(zip("DRTAJEWMHGZSVLCPKBY", "ᎠᎡᎢᎪᎫᎬᎳᎷᎻᏀᏃᏚᏙᏞᏟᏢᏦᏴᎽ", strict=True))
SMALL_CAPITALS = dict(zip("abcdefghijklmnoprstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", strict=True))
ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GERMAN = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
LIGATURES = {"fi": "ﬁ", "fl": "ﬂ", "ff": "ﬀ", "st": "ﬆ"}


def _each(change: Callable[[str], str]) -> Disguise:
    return lambda _, value: "".join(change(char) for char in value)


def _some(table: dict[str, str]) -> Disguise:
    """Each letter that has a look-alike becomes it, half of them by chance, the first one always."""

    def disguise(rng: random.Random, value: str) -> str:
        out, changed = [], False
        for char in value:
            alike = char in table and (not changed or rng.random() < 0.5)
            changed = changed or alike
            out.append(table[char] if alike else char)
        return "".join(out)

    return disguise


def _between(*signs: str) -> Disguise:
    return lambda rng, value: value[0] + "".join(rng.choice(signs) + char for char in value[1:])


def _digits_from(first: int) -> Disguise:
    return _each(lambda char: chr(first + int(char)) if char in "0123456789" else char)


def _full_width(char: str) -> str:
    return chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char


def _once(rng: random.Random, value: str, sign: str) -> str:
    at = rng.randrange(1, len(value))
    return value[:at] + sign + value[at:]


def _words(names: tuple[str, ...]) -> Disguise:
    return lambda _, value: " ".join(names[int(char)] for char in value if char.isdigit())


def _around_part(opening: str, closing: str) -> Disguise:
    def disguise(rng: random.Random, value: str) -> str:
        inner = [at for at in range(1, len(value) - 1) if value[at - 1].isalnum() and value[at].isalnum()]
        first = rng.choice(inner[: len(inner) // 2] or inner)
        last = rng.choice([at for at in inner if at > first] or [first + 1])
        return f"{value[:first]}{opening}{value[first:last]}{closing}{value[last:]}"

    return disguise


def _spelled(at: str, dot: str) -> Disguise:
    return lambda _, value: value.replace("@", at).replace(".", dot)


def _dashes(dash: str) -> Disguise:
    return lambda _, value: value.replace("-", dash)


def _wrapped_base64(_: random.Random, value: str) -> str:
    text = base64.b64encode(f"The value we talk about is {value} and no other, as you know.".encode()).decode()
    return "\n".join(text[at : at + 32] for at in range(0, len(text), 32))


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


EVERYWHERE: dict[str, Disguise] = {
    "full width": _each(_full_width),
    "Arabic digits": _digits_from(0x660),
    "Persian digits": _digits_from(0x6F0),
    "Devanagari digits": _digits_from(0x966),
    "bold digits": _digits_from(0x1D7CE),
    "monospace digits": _digits_from(0x1D7F6),
    "circled digits": _each(lambda char: "⓪①②③④⑤⑥⑦⑧⑨"[int(char)] if char in "0123456789" else char),
    "dark circled digits": _each(lambda char: "⓿❶❷❸❹❺❻❼❽❾"[int(char)] if char in "0123456789" else char),
    "superscript digits": _each(lambda char: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(char)] if char in "0123456789" else char),
    "keycaps": _each(lambda char: f"{char}\ufe0f\u20e3" if char in "0123456789" else char),
    "mathematical letters": _each(
        lambda char: chr(0x1D5BA + ord(char) - 97) if "a" <= char <= "z" else
        chr(0x1D5A0 + ord(char) - 65) if "A" <= char <= "Z" else char
    ),
    "circled letters": _each(lambda char: chr(0x24D0 + ord(char) - 97) if "a" <= char <= "z" else char),
    "zero width": _between("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"),
    "soft hyphens": _between("\u00ad"),
    "variation selectors": _between("\ufe00", "\ufe0f", "\U000e0100"),
    "tags between": _between("\U000e0061", "\U000e0020"),
    "as tags": _each(lambda char: chr(0xE0000 + ord(char))),
    "direction marks": lambda rng, value: f"\u202d{_once(rng, value, chr(0x2066))}\u202c",
    "strike-through": _each(lambda char: char + "\u0336"),
    "underlined": _each(lambda char: char + "\u0332"),
    "control characters": _between("\x00", "\x1b", "\x7f"),
    "Cyrillic": _some(CYRILLIC),
    "Greek": _some(GREEK),
    "Armenian": _some(ARMENIAN),
    "Cherokee": _some(CHEROKEE),
    "small capitals": _some(SMALL_CAPITALS),
    "typographic dashes": _dashes("\u2011"),
    "long dashes": _dashes("\u2013"),
    "minus signs": _dashes("\u2212"),
    "no-break blanks": lambda _, value: value.replace(" ", "\u00a0"),
    "narrow blanks": lambda _, value: value.replace(" ", "\u202f"),
    "decimal entities": _each(lambda char: f"&#{ord(char)};"),
    "hexadecimal entities": _each(lambda char: f"&#x{ord(char):X};"),
    "double entities": _each(lambda char: f"&amp;#{ord(char)};"),
    "named entities": lambda _, value: html.escape(value).replace("@", "&commat;").replace(".", "&period;")
    .replace("-", "&hyphen;"),
    "percent": _each(lambda char: f"%{ord(char):02X}"),
    "percent twice": _each(lambda char: f"%25{ord(char):02x}"),
    "percent of entities": _each(lambda char: "".join(f"%{ord(part):02X}" for part in f"&#{ord(char)};")),
    "unicode escapes": _each(lambda char: f"\\u{ord(char):04x}"),
    "long escapes": _each(lambda char: f"\\U{ord(char):08x}"),
    "braced escapes": _each(lambda char: f"\\u{{{ord(char):x}}}"),
    "byte escapes": _each(lambda char: f"\\x{ord(char):02x}"),
    "octal escapes": _each(lambda char: f"\\{ord(char):03o}"),
    "escaped twice": lambda _, value: json.dumps(json.dumps("".join(f"\\u{ord(char):04x}" for char in value)))[3:-3],
    "escaped full width": lambda _, value: "".join(f"\\u{ord(_full_width(char)):04x}" for char in value),
    "quoted-printable": _each(lambda char: f"={ord(char):02X}"),
    "soft line break": lambda rng, value: _once(rng, value, "=\n"),
    "bold tags": _around_part("<b>", "</b>"),
    "span tags": _around_part('<span class="x">', "</span>"),
    "comments": lambda rng, value: _once(rng, value, "<!-- x -->"),
    "bold Markdown": _around_part("**", "**"),
    "code Markdown": _around_part("`", "`"),
    "base64": lambda _, value: _b64(value.encode()),
    "base64 unpadded": lambda _, value: _b64(value.encode()).rstrip("="),
    "base64 URL-safe": lambda _, value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64 wrapped": _wrapped_base64,
    "base64 of base64": lambda _, value: _b64(base64.b64encode(value.encode())),
    "base64 three times": lambda _, value: _b64(base64.b64encode(base64.b64encode(value.encode()))),
    "base64 of gzip": lambda _, value: _b64(gzip.compress(value.encode(), mtime=0)),
    "base64 of zlib": lambda _, value: _b64(zlib.compress(value.encode())),
    "base64 of hexadecimal": lambda _, value: _b64(value.encode().hex().encode()),
    "base64 of UTF-16": lambda _, value: _b64(value.encode("utf-16-le")),
    "hexadecimal": lambda _, value: value.encode().hex(),
    "upper hexadecimal": lambda _, value: value.encode().hex().upper(),
    "hexadecimal, blanks": lambda _, value: value.encode().hex(" "),
    "hexadecimal, colons": lambda _, value: value.encode().hex(":"),
    "hexadecimal, 0x": lambda _, value: "0x" + value.encode().hex(),
    "byte array": lambda _, value: ", ".join(f"0x{byte:02x}" for byte in value.encode()),
    "spaced out": lambda _, value: " ".join(value.replace(" ", "")),
}  # fmt: skip
"""Disguises that any value can wear."""

OF_DIGITS: dict[str, Disguise] = {
    "English words": _words(ENGLISH),
    "German words": _words(GERMAN),
    "Roman signs": lambda _, value: "".join(chr(0x215F + int(c)) if c in "123456789" else c for c in value),
}
"""For values that are digits, in lengths where a number is meant."""

OF_ADDRESSES: dict[str, Disguise] = {
    "[at] [dot]": _spelled(" [at] ", " [dot] "),
    "(at) (dot)": _spelled("(at)", "(dot)"),
    "{at} {dot}": _spelled("{at}", "{dot}"),
    "at dot": _spelled(" at ", " dot "),
    "AT DOT": _spelled(" AT ", " DOT "),
    "-at- -dot-": _spelled(" -at- ", " -dot- "),
    "at punkt": _spelled(" (ät) ", " (punkt) "),
    "wrapped after @": lambda _, value: value.replace("@", "@\n"),
    "quoted mail": lambda _, value: value.replace("@", "@\n> "),
    "divided": lambda _, value: value[: value.index("@") + 3] + "-\n" + value[value.index("@") + 3 :],
    "mixed case": _each(lambda char: char.upper() if ord(char) % 2 else char),
    "ligatures": lambda _, value: "".join(value.replace(pair, sign) for pair, sign in [("fi", "ﬁ")]),
    "quoted-printable @": lambda _, value: value.replace("@", "=40"),
    "underscores": lambda _, value: value.replace("@", "_@_"),
    "IDN": lambda _, value: value.partition("@")[0] + "@xn--mller-kva.example.com",
    "full-width @": lambda _, value: value.replace("@", "＠").replace(".", "。"),
}

VALUES: dict[str, tuple[tuple[str, str], ...]] = {
    "EMAIL": (("Write to {} today.", "alfio.first@example.com"), ("Kontakt: {}", "s.burg-hansen@firma-ost.de")),
    "PHONE": (("Call {} today.", "+49 30 23125468"), ("Phone: {}", "(541) 754-3010")),
    "CARD": (("Card {} please.", "4111 1111 1111 1111"), ("Pay with {} now.", "5500-0000-0000-0004")),
    "IBAN": (("IBAN: {}.", "DE89 3704 0044 0532 0130 00"), ("Pay to {} now.", "GB82WEST12345698765432")),
    "SSN": (("SSN {} on file.", "536-22-1234"), ("Her number {} is known.", "219-09-9999")),
    "IP": (("Host {} is down.", "192.168.17.40"), ("Log in at {} now.", "84.137.22.109")),
    "SECRET": (
        ("The token {} leaked.", "ghp_q7RtW2zKx9LmPa4VbN8sYcJd5HfGe3Qu1Tao"),
        ("Use {} here.", "sk-proj-Zk3vQ8rT1yWm5NcX7pLb2HsDf9GjKa"),
    ),
    "ID": (("Steuer-ID: {}.", "86095742719"), ("NHS number: {}.", "943 476 5919")),
    "LICENCE": (("Driver's license: {}.", "D1234567"), ("Her licence is {}.", "B450-118-62-009-1")),
    "DOMAIN": (("Website: {}", "www.wiesner-dachbau.de"), ("See {} for it.", "https://portal.kestrel-farms.com/anna")),
    "PERSON": (("Dear Mr {},", "Jonathan Fairweather"), ("Name: {}", "Ingrid Halvorsen")),
    "ADDRESS": (("Address: {}", "48 Larkspur Road"), ("Er wohnt in der {}.", "Lindenstraße 27")),
    "ACCOUNT": (("Account number: {}.", "31926819"), ("BIC: {}.", "MARKDEF1100")),
    "BIRTHDATE": (("Date of birth: {}", "14.03.1967"), ("Born on {}.", "March 14, 1967")),
}
"""A sentence and a value of each type."""


def disguises(kind: str, value: str) -> dict[str, Disguise]:
    """All that fit a value: words for its digits only where nothing but digits and separators is in it."""
    found = dict(EVERYWHERE)
    if not any(char.isalpha() for char in value) and kind != "IP":
        found |= OF_DIGITS
    if kind == "EMAIL":
        found |= OF_ADDRESSES
    if not value.isascii():
        # Percent signs and octal escapes stand for bytes of UTF-8; these write a code point, which nothing reads back.
        found = {name: one for name, one in found.items() if name not in {"percent", "percent twice", "octal escapes"}}
    return found


def same_reading(text: str) -> str:
    """Letters and digits of a text, folded."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char.isalnum())
