"""Random documents with random values in random disguises, from nothing but a generator of random numbers."""

from __future__ import annotations

import base64
import random
import unicodedata

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

FILLER = (
    "The committee met in the spring and agreed on the plan.",
    "Siehe Abschnitt 4.2 der Anleitung.",
    "und zwar",
    "`hybridrag ingest docs/`",
    "## Results",
    "| a | b |\n|---|---|",
    "In 2023 there were 1,204 cases (12.5 %).",
    "def read(path: str) -> bytes:",
    "naïve café – “quoted” …",
    "中文句子。",
    "Всем привет.",
    "⟦EMAIL_1·a7f3⟧",
    "x = 10_000 # note",
    "https://docs.example.com/guide?page=2",
    '{"key": [1, 2, 3]}',
    "\\n",
    "&amp; more",
    "100%",
    "C:\\users\\new",
)
# Values and other words are parted by these, so that where a value ends is no question.
GAPS = (" ", "\n", ", ", " (", ") ", ": ", "; ", "\n\n", "\t", " – ", "\r\n")


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(count))


def _email(rng: random.Random) -> str:
    local = rng.choice([".", "_", "-", "+"]).join(_letters(rng, rng.randint(3, 8)) for _ in range(rng.randint(1, 3)))
    host = ".".join(_letters(rng, rng.randint(3, 9)) for _ in range(rng.randint(1, 2)))
    return f"{local}@{host}.{rng.choice(['com', 'de', 'org', 'co.uk', 'io', 'example'])}"


def _phone(rng: random.Random) -> str:
    sep = rng.choice([" ", "-", ".", "/"])
    area, mid, tail = str(rng.randint(201, 989)), str(rng.randint(200, 999)), _digits(rng, 4)
    return rng.choice(
        [
            f"+49{sep}{rng.choice(['30', '89', '171', '40'])}{sep}{rng.randint(2, 9)}{_digits(rng, 6)}",
            f"+49 (0){rng.choice(['30', '89'])} {rng.randint(20, 99)}{_digits(rng, 5)}",
            f"0049 {rng.choice(['30', '89', '171'])} {rng.randint(2, 9)}{_digits(rng, 6)}",
            f"({area}) {mid}-{tail}",
            f"{area}-{mid}-{tail}",
            f"{area}.{mid}.{tail}",
            f"+1{sep}{area}{sep}{mid}{sep}{tail}",
            f"1-{area}-{mid}-{tail}",
            f"0{rng.choice(['30', '40', '89'])}{rng.choice([' ', '/', '-', ' / '])}{rng.randint(2_000_000, 9_999_999)}",
            f"+{rng.choice(['33', '44', '39', '34', '61', '81', '358', '972'])} {rng.randint(1, 9)}{_digits(rng, 8)}",
        ]
    )


def _card(rng: random.Random) -> str:
    body = rng.choice(["4", "51", "55", "2221", "6011"])
    body += _digits(rng, 15 - len(body))
    number = body + luhn.calc_check_digit(body)
    sep = rng.choice(["", " ", "-", ".", "  "])
    return sep.join(number[i : i + 4] for i in range(0, 16, 4))


def _iban(rng: random.Random) -> str:
    country, account = rng.choice(
        [
            ("DE", _digits(rng, 18)),
            ("GB", "WEST" + _digits(rng, 14)),
            ("NL", "ABNA" + _digits(rng, 10)),
            ("FR", _digits(rng, 23)),
            ("NO", _digits(rng, 11)),
            ("AT", _digits(rng, 16)),
            ("PL", _digits(rng, 24)),
        ]
    )
    number = country + mod_97_10.calc_check_digits(account + country) + account
    sep = rng.choice(["", " ", "-", " "])
    number = sep.join(number[i : i + 4] for i in range(0, len(number), 4))
    return number.lower() if rng.random() < 0.2 else number


def _ip(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return ":".join(f"{rng.randrange(0x1000, 0xFFFF):x}" for _ in range(8))
    return ".".join(str(rng.randint(11, 254)) for _ in range(4)).replace("127.", "128.", 1)


def _ssn(rng: random.Random) -> str:
    return f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def _secret(rng: random.Random) -> str:
    body = "".join(rng.choice("ABCDEFGHIJabcdefghij0123456789") for _ in range(36)) + "a1"
    prefix = rng.choice(
        ["sk-", "sk-proj-", "sk-ant-api03-", "ghp_", "github_pat_", "xoxb-", "fw_", "sk_live_", "hf_", "gsk_"]
    )
    return prefix + body


def _same(value: str, rng: random.Random) -> str:
    return value


def _fullwidth(value: str, rng: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)


def _zero_width(value: str, rng: random.Random) -> str:
    return "".join(c + rng.choice(["", "\u200b", "\u00ad", "\u2060", "\ufeff"]) for c in value[:-1]) + value[-1]


def _typographic(value: str, rng: random.Random) -> str:
    return value.replace("-", rng.choice("‐‑–−")).replace(" ", rng.choice("\u00a0\u2009\u202f"))


def _arabic(value: str, rng: random.Random) -> str:
    zero = rng.choice([0x660, 0x6F0, 0x966, 0x1D7CE])
    return "".join(chr(zero + int(c)) if c.isdigit() else c for c in value)


def _entities(value: str, rng: random.Random) -> str:
    return "".join(rng.choice([c, f"&#{ord(c)};", f"&#x{ord(c):x};"]) if c != "&" else c for c in value)


def _percent(value: str, rng: random.Random) -> str:
    return "".join(c if c.isalnum() and rng.random() < 0.7 else f"%{ord(c):02X}" for c in value)


def _spelled(value: str, rng: random.Random) -> str:
    at, dot = rng.choice([("[at]", "[dot]"), (" (at) ", " (dot) "), ("{at}", "{dot}"), (" [AT] ", "[.]")])
    return value.replace("@", at).replace(".", dot) if "@" in value else value


def _markdown(value: str, rng: random.Random) -> str:
    return value.replace("_", "\\_").replace("-", "\\-")


def _base64(value: str, rng: random.Random) -> str:
    return base64.b64encode(f"note {value}".encode()).decode()


def _hexadecimal(value: str, rng: random.Random) -> str:
    return value.encode().hex()


def _person(rng: random.Random) -> str:
    """A name of no frequent form, so that only what stands before it tells that it is one."""
    syllables = ["ka", "ro", "li", "mo", "ne", "sza", "te", "vi", "dru", "go", "pe", "zo"]
    given, family = ("".join(rng.choice(syllables) for _ in range(3)).capitalize() for _ in range(2))
    return f"{given} {family}"


KINDS = (_email, _phone, _card, _iban, _ip, _ssn, _person, _secret)
DISGUISES = (
    _same,
    _same,
    _same,
    _fullwidth,
    _zero_width,
    _typographic,
    _arabic,
    _entities,
    _percent,
    _spelled,
    _markdown,
    _base64,
    _hexadecimal,
)


def made_document(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """A text, and the values in it: each as it is, and as it stands there."""
    parts: list[str] = []
    values = []
    for _ in range(rng.randint(1, 8)):
        parts += [rng.choice(FILLER), rng.choice(GAPS)]
        kind = rng.choice(KINDS)
        plain = kind(rng)
        disguised = plain if kind is _person else rng.choice(DISGUISES)(plain, rng)
        values.append((plain, disguised))
        if kind is _person:
            parts.append(rng.choice(["Mr. ", "Dear Mrs. ", "Frau ", "Herr Dr. ", "\nName: "]))
        parts += [disguised, rng.choice(GAPS)]
    return "".join([*parts, rng.choice(FILLER)]), values


def forms(value: str) -> set[str]:
    """A value in the forms in which it would still be readable."""
    plain = unicodedata.normalize("NFKC", value).casefold()
    bare = "".join(c for c in plain if c.isalnum())
    digits = "".join(c for c in plain if c.isdigit())
    return {value, plain, bare} | ({digits} if len(digits) >= 8 else set())


def readings(text: str) -> list[str]:
    """A text in the forms in which a value would be read in it."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [text, plain, "".join(c for c in plain if c.isalnum()), "".join(c for c in plain if c.isdigit())]
