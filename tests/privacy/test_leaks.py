"""Random documents with random values in random disguises: nothing readable leaves, and everything comes back."""

from __future__ import annotations

import base64
import itertools
import json
import random
import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.session import Session
from hybridrag.types import Destination, Limits

KEY = bytes(range(32))
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


KINDS = (_email, _phone, _card, _iban, _ip, _ssn, _secret)
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


def _document(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """A text, and the (plain, disguised) values in it."""
    parts: list[str] = []
    values = []
    for _ in range(rng.randint(1, 8)):
        parts += [rng.choice(FILLER), rng.choice(GAPS)]
        plain = rng.choice(KINDS)(rng)
        disguised = rng.choice(DISGUISES)(plain, rng)
        values.append((plain, disguised))
        parts += [disguised, rng.choice(GAPS)]
    return "".join([*parts, rng.choice(FILLER)]), values


def _forms(value: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", value).casefold()
    bare = "".join(c for c in plain if c.isalnum())
    digits = "".join(c for c in plain if c.isdigit())
    return {value, plain, bare} | ({digits} if len(digits) >= 8 else set())


def _readings(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [text, plain, "".join(c for c in plain if c.isalnum()), "".join(c for c in plain if c.isdigit())]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0))
def test_no_value_is_readable_after_redaction(seed: int) -> None:
    document, values = _document(random.Random(seed))
    session = Session([document], detectors=builtin_detectors(), key=KEY, plain=False)
    redacted = session.redact(document).text
    readings = _readings(redacted)
    for plain, disguised in values:
        for form in _forms(plain) | {disguised}:
            assert not any(form in reading for reading in readings), (plain, disguised, redacted)


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0))
def test_redacting_twice_changes_nothing(seed: int) -> None:
    document, _ = _document(random.Random(seed))
    session = Session([document], detectors=builtin_detectors(), key=KEY, plain=False)
    once = session.redact(document).text
    again = session.redact(once)
    assert (again.text, again.spans) == (once, ())
    fresh = Session([once], detectors=builtin_detectors(), key=KEY, plain=False)
    assert fresh.redact(once).spans == ()


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0), st.lists(st.integers(min_value=0, max_value=2000), max_size=40))
def test_restoring_gives_back_the_very_text_however_it_arrives(seed: int, cuts: list[int]) -> None:
    rng = random.Random(seed)
    document = " ".join(rng.choice(GAPS).join([rng.choice(FILLER), rng.choice(KINDS[:6])(rng)]) for _ in range(5))
    session = Session([document], detectors=builtin_detectors(), key=KEY, plain=False)
    redacted = session.redact(document).text
    assert redacted != document
    restorer = session.restorer()
    edges = sorted({0, len(redacted), *(cut for cut in cuts if cut < len(redacted))})
    pieces = [restorer.feed(redacted[start:end]) for start, end in itertools.pairwise(edges)]
    assert "".join([*pieces, restorer.flush()]) == document


class _Nowhere:
    """A ledger that only counts: what is tested here is what is let through."""

    def __init__(self) -> None:
        self.intents = 0

    def intent(self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits) -> str:
        self.intents += 1
        return str(self.intents)

    def outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        raise AssertionError(f"{outcome}: {facts}")


@settings(max_examples=80, deadline=None)
@given(st.integers(min_value=0))
def test_redacted_pieces_put_together_are_never_blocked(seed: int) -> None:
    rng = random.Random(seed)
    passages = [_document(rng)[0] for _ in range(4)]
    gateway = Gateway(detectors=builtin_detectors(), ledger=_Nowhere(), key=KEY)
    session = gateway.open(passages)
    content = "\n\n".join(f"[{n}] Passage {n}\n{session.redact(p).text}" for n, p in enumerate(passages, start=1))
    content = session.redact(content).text
    body = json.dumps({"messages": [{"role": "user", "content": content}], "max_tokens": 800}).encode()
    cloud = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
    outbound = gateway.seal(body, cloud, session, collection="c", portions=[], chunks=[])
    assert outbound.body == body
    assert _deterministic(passages) == _deterministic(passages)


def _deterministic(passages: list[str]) -> list[str]:
    session = Session(passages, detectors=builtin_detectors(), key=KEY, plain=False)
    return [session.redact(passage).text for passage in passages]
