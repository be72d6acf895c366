"""Secrets that a sentence, a fallback or a remark gives away: "the password is ...", `getenv("KEY", "...")`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import NAMES, matches
from hybridrag.privacy.finders.patterns import group_span, view
from hybridrag.privacy.finders.placeholders import is_code, mixed, random_looking, stands_in
from hybridrag.privacy.finders.secret_names import KEY, PASSWORD, names_itself
from hybridrag.types import Span

_FALLBACK = (
    rb"(?i)(?:environ|env|get|fetch|config|setting|property|value|option)[A-Za-z_.]{0,24}[^A-Za-z0-9\s\x00]{1,4}"
    rb"[A-Za-z0-9_.-]{0,40}"
    rb"(?:" + PASSWORD + rb"|" + KEY + rb")[A-Za-z0-9_.-]{0,24}"
    rb"(?:[\"'][ \t]{0,4},[ \t]{0,8}(?:default[ ]?=[ ]?)?"
    rb"|[\"']?[\])]?[ \t]{0,4}(?:\|\||\?\?|\bor\b|\?:|:-?|:=)[ \t]{0,4})"
    rb"[\"']?([^\"'\s\x00${}()]{3,})"
)
_SPOKEN = (
    rb"(?i)\b(?:pass(?:word|wort|phrase|code)|kennwort|pin|pw|login|credentials?|zugangsdaten|zugangscode"
    rb"|secret(?: key)?"
    rb"|api[ -]?(?:key|schl\xe9ssel)|access key|token|schl\xe9ssel)s?\s{1,3}"
    rb"(?:(?:for|of|to|f\xe9r|von|zu|zum|am|im)\s[^\n\x00]{1,40}?\s)?"
    rb"(?:is|are|was|will be|(?:has been |was )?(?:set|changed|reset) to|ist|sind|lautet|lauten|war|wurde auf)\s{0,3}"
    rb"(?:now|jetzt|still|noch)?\s{0,3}:?\s{0,3}[\"'`\xa4]?([^\s\"'`\xa4\xa6\x00]{4,200})"
)
_LABELLED = rb"(?i)\b(?:pw|pwd|pass|passwort|kennwort|login)[ \t]?[:=][ \t]{0,3}([^\s\"'`\xa4\xa6\x00]{4,200})"
_NAMED = (
    rb"(?i)\b(token|api[ _-]?key|apikey|secret|access[ _-]?key|bearer|password|passwort|credentials?|key|schl\xe9ssel"
    rb"|kennwort)s?\b[^\n\x00=]{1,40}?([A-Za-z0-9_+/=-]{16,})"
)
_PIN = rb"(?i)\bpin(?:[ -]?code|[ -]?number|[ -]?nummer)?[^\w\n\x00]{1,4}(?:(?:is|ist|lautet)[ :]{1,3})?([0-9]{4,8})\b"
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
            if len(value) >= 4 and not stands_in(value) and mixed(value) and not is_code(value) and _tells(value):
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
        if (told or any(random_looking(part) for part in value.split(b"/"))) and not _DIGESTS.search(before):
            yield group_span(match, 2, "SECRET", "named")
    for match in matches(_PIN, data, b"pin"):
        yield group_span(match, 1, "SECRET", "pin")


def _tells(value: bytes) -> bool:
    """No call, option or expression of a manual: "the token is `get_token()`"."""
    return (
        value[0] not in b"-/<>{}()[]$="
        and not any(sign in value for sign in (b"(", b"[", b"=>", b"=="))
        and not (names_itself(value) and not any(byte in b"0123456789" for byte in value))
    )
