"""Secrets that a sentence, a fallback or a remark gives away: "the password is ...", `getenv("KEY", "...")`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import NAMES, matches
from hybridrag.privacy.finders.patterns import group_span, view
from hybridrag.privacy.finders.placeholders import is_code, is_phrase, mixed, random_looking, stands_in
from hybridrag.privacy.finders.secret_names import KEY, PASSWORD, names_itself
from hybridrag.types import Span

_FALLBACK = (
    rb"(?i)(?:environ|env|get|fetch|config|setting|property|value|option)[A-Za-z_.]{0,24}[^A-Za-z0-9\s\x00]{1,4}"
    rb"[A-Za-z0-9_.-]{0,40}"
    rb"(?:" + PASSWORD + rb"|" + KEY + rb")[A-Za-z0-9_.-]{0,24}"
    rb"(?:[\"'][ \t]{0,4},[ \t]{0,8}(?:default[ ]?=[ ]?)?"
    rb"|[\"']?[\])]?[ \t]{0,4}(?:\|\||\?\?|\bor\b|\?:|:-?|:=|"
    rb"[.](?:unwrap_or|or_?else|get_?or_?else|value_or)\()[ \t]{0,4})"
    rb"[\"']?([^\"'\s\x00${}()]{3,})"
)
_SPOKEN = (
    rb"(?i)\b(?:[a-z\xe9-]{0,20}?(?:pass(?:word|wort|phrase|code|wd)|kennwort)|pin|pin code|pw|pwd|"
    rb"[a-z]{4,12} pass|login|credentials?|zugangsdaten|zugangscode"
    rb"|secret(?: key)?"
    rb"|(?:api|access|encryption|signing|master|private|license|recovery|account|admin|service|shared|storage)[ -]?key"
    rb"|(?:[a-z\xe9]{2,16}[ -])?token|[a-z\xe9]{0,20}[ -]?schl\xe9ssel)s?\s{1,3}"
    rb"(?:(?:for|of|to|f\xe9r|von|zu|zum|am|im)\s[^\n\x00]{1,40}?\s)?"
    rb"(?:is|are|was|will be|(?:has been |was )?(?:set|changed|reset) to|"
    rb"ist|sind|lautet|lauten|hei\xe9t|war|wurde auf)\s{0,3}"
    rb"(?:now|jetzt|still|noch)?\s{0,3}:?\s{0,3}[\"'`\xa4]?([^\s\"'`\xa4\xa6\x00]{4,200})"
)
_LABELLED = rb"(?i)\b(?:pw|pwd|pass|passwort|kennwort|login)[ \t]?[:=][ \t]{0,3}([^\s\"'`\xa4\xa6\x00]{4,200})"
_NAMED = (
    rb"(?i)\b(token|api[ _-]?key|apikey|secret|access[ _-]?key|bearer|password|passwort|credentials?|key|schl\xe9ssel"
    rb"|kennwort)s?\b[^\n\x00=]{1,40}?([A-Za-z0-9_+/=-]{16,})"
)
_PIN = rb"(?i)\bpin(?:[ -]?code|[ -]?number|[ -]?nummer)?[^\w\n\x00]{1,4}(?:(?:is|ist|lautet)[ :]{1,3})?([0-9]{4,8})\b"
_BELOW = (
    rb"(?i)(?:"
    + PASSWORD
    + rb"|"
    + KEY
    + rb")[^\n:\x00]{0,30}:[*_]{0,2}[ \t]{0,4}\r?\n(?:[ \t>]{0,8}\r?\n)?(?:[ \t>]{0,8}```[a-z]{0,12}\r?\n)?"
    rb"[ \t>]{0,8}[`\"']?([^\s`\"'\x00]{6,300})[`\"']?[ \t]{0,4}(?:\r?\n|$)"
)
_ASKED = (
    rb"(?i)(?:" + PASSWORD + rb"|" + KEY + rb")[^\n?\x00]{0,40}\?[ \t]{0,4}\r?\n[^\n\x00]{0,60}?"
    rb"(?:\bit.?s|\bit is|\bis|\bist|\blautet|:)[ \t]{1,3}[`\"']?([^\s`\"'\x00]{6,300})"
)
_BARE = (
    rb"(?i)\b(?:[a-z]{0,12}pass(?:word|wort|wd|phrase|code)|pwd|kennwort|pin code|(?:auth|access|api|secret|"
    rb"bearer)?[ _-]?token|secret"
    rb"|(?:api|access|encryption|signing|master|private|secret)[ _-]key|"
    rb"zugangscode)[ \t]{1,2}(?:(?:to|auf|as|als|->|=>)[ \t]{1,2})?[`\"'(\xa4]?([^\s`\"'()\xa4\x00]{6,200})"
)
_DIGESTS = re.compile(
    rb"sha[-_]?\d|md5|hash|digest|checksum|commit|revision|fingerprint|public|uuid|integrity|etag", re.I
)

_SAID = (
    b"pass", b"pwd", b"pw", b"key", b"token", b"secret", b"kennw", b"cred", b"pin", b"bearer", b"zugang", b"login",
    b"schl\xe9",
)  # fmt: skip


def mentions(text: str) -> Iterator[Span]:
    """The values alone. Spans may overlap."""
    data = view(text)
    for match in matches(_FALLBACK, data, *NAMES):
        value = match.group(1)
        if not stands_in(value) and not is_code(value) and mixed(value):
            yield group_span(match, 1, "SECRET", "assignment-default")
    for pattern in (_SPOKEN, _LABELLED):
        for match in matches(pattern, data, *_SAID):
            value = match.group(1).rstrip(b".,;:!?)")
            told = is_phrase(value) or (mixed(value) and not is_code(value))
            if len(value) >= 4 and not stands_in(value) and told and _tells(value):
                yield Span(match.start(1), match.start(1) + len(value), "SECRET", "spoken")
    for match in matches(_NAMED, data, *_SAID):
        before = data[max(0, match.start() - 16) : match.start(2)]
        value = match.group(2)
        told = (
            b"/" not in value
            and match.start(2) - match.end(1) <= 3
            and mixed(value)
            and any(48 <= byte <= 57 for byte in value)
            and not is_code(value)
        )
        if (
            (told or any(random_looking(part) for part in value.split(b"/")))
            and not _DIGESTS.search(before)
            and not value.startswith(b"sha")
        ):
            yield group_span(match, 2, "SECRET", "named")
    for pattern, shortest in ((_BELOW, 8), (_ASKED, 8), (_BARE, 6)):
        for match in matches(pattern, data, *NAMES):
            value = match.group(1).rstrip(b".,;:!?)")
            if _is_random(value, shortest) and not stands_in(value) and not is_code(value) and _tells(value):
                yield Span(match.start(1), match.start(1) + len(value), "SECRET", "spoken")
    for match in matches(_PIN, data, b"pin"):
        yield group_span(match, 1, "SECRET", "pin")


_KNOWN = re.compile(
    rb"(?i)(?:sha|aes|rsa|md|oauth|utf|ed|hs|rs|es|v|tls|base|ipv|web|w3|http|x|pbkdf|pkcs|rfc|2fa|cve|iso|"
    rb"fips)-?_?[0-9].*"
)


def _is_random(value: bytes, shortest: int) -> bool:
    """Without a verb a value is told from the next word of a sentence by its signs alone."""
    digits = sum(48 <= byte <= 57 for byte in value)
    if (
        len(value) < 6
        or not digits
        or not mixed(value)
        or (len(value) < 16 and _KNOWN.fullmatch(value))
        or b"/" in value[:1]
    ):
        return False
    return (
        random_looking(value, shortest=shortest)
        or len(value) >= 24
        or (len(value) >= 8 and digits >= 2 and b"." not in value)
    )


def _tells(value: bytes) -> bool:
    """No call, option or expression of a manual: "the token is `get_token()`"."""
    return (
        value[0] not in b"-/<>{}()[]$=:"
        and not any(sign in value for sign in (b"(", b"[", b"=>", b"=="))
        and not (names_itself(value) and not any(byte in b"0123456789" for byte in value))
    )
