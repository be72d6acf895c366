"""What is assigned to a secret's name in source and configuration: `password = ...`, `"api_key": "..."`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import NAMES, VENDORS, matches
from hybridrag.privacy.finders.patterns import group_span, view
from hybridrag.privacy.finders.placeholders import PROSE, is_code, mixed, random_looking, stands_in
from hybridrag.privacy.finders.secret_names import KEY, PASSWORD, REST, VENDOR, is_about, names_itself, stands_apart
from hybridrag.types import Span

_NAME = rb"(?:((?i:" + PASSWORD + rb"))|((?i:" + KEY + rb"))|((?i:" + VENDOR + rb")))(" + REST + rb")"
_PASSWORD_GROUP, _VENDOR_GROUP, _REST, _MADE, _PASSED = 1, 3, 4, 5, 6
_CLOSE = rb"\\{0,2}[\"'`\])]{0,3}(?:[ ]?\{[ ]?get;[^{}\x00]{0,30}\})?"
_TYPE = rb"(?:[ \t]{0,2}:[ \t]{0,2}[A-Za-z&*][A-Za-z0-9_.\[\]|<>&*' ]{0,30}?[ \t]{0,2}=)"
_SIGN = rb"(?::=|=>|->|[=!]==?|[?+.|]?=|::|:|\xa4)"
_OPERATOR = _CLOSE + rb"(?:" + _TYPE + rb"|[ \t]{0,16}" + _SIGN + rb")[ \t]{0,16}(?:\\?\r?\n[ \t]{1,16})?[(\[]?"
_MAKE = rb"(?:[A-Za-z_][A-Za-z0-9_.:]{0,30}[(][ \t]?)?"
_HAND_OVER = rb"\\{0,2}[\"'`][ \t]?,[ \t]{0,8}|\([ \t]{0,2}|[ \t]{1,12}"
_QUOTE = (
    rb"[rbfuRBFUL$@&*]{0,2}\\{0,3}(?:\"((?:[^\"\\\r\n\x00]|\\[^\r\n\"\x00]){2,})|'((?:[^'\\\r\n\x00]|\\[^\r\n\x00]){2,})"
    rb"|`([^`\r\n\x00]{2,}))"
)
_QUOTED = _NAME + rb"(?:" + _OPERATOR + rb"(" + _MAKE + rb")|(" + _HAND_OVER + rb"))" + _QUOTE
_PLAIN = _NAME + _OPERATOR + rb"([^\s\"'`,;<>()\[\]{}\x00\\|&]{4,})"
_SPACED = (
    rb"(?im)^[ \t]*(?:export |set |env |arg )?[A-Za-z_.-]{0,30}"
    + _NAME
    + rb"[ \t]{1,4}([^\s\"'`,;<>(){}\x00\\|&=]{8,})[ \t]*\r?$"
)
_LINE = (
    rb"(?m)(?:^|^[ \t]+|[ ,])[\"']?(?:[A-Za-z0-9]{1,16}[ _.:-]{1,2}){0,4}[A-Za-z0-9]{0,12}?" + _NAME
    + rb"[\"']?[ \t]{0,12}(?:=|:|=>|:=)[ \t]{0,12}([^\s\"'`\x00]{6,})[ \t]*\r?$"
)  # fmt: skip
_EXPRESSION = re.compile(rb"[A-Za-z_][\w.]{0,40}[(\[{]|[\])}]{2}$|^[\[({].*[,)\]}]$|[,;({\[]$|^\S*://", re.DOTALL)
_IDENTIFIER = re.compile(rb"[A-Za-z_]+")


def assignments(text: str) -> Iterator[Span]:
    """The values, without quotes and name. Placeholders, variables, types and calls are none. Spans may overlap."""
    data = view(text)
    for match in matches(_QUOTED, data, *NAMES, *VENDORS):
        start, end = match.span(match.lastindex)
        end -= data[end - 1 : end] == b"\\"
        if end > start and _is_named(data, match) and _quoted_secret(match, data, data[start:end]):
            yield Span(start, end, "SECRET", "assignment")
    for match in matches(_PLAIN, data, *NAMES, *VENDORS):
        start, end = match.span(match.lastindex)
        kept = match.group(match.lastindex).rstrip(b".:!?" if match.span(_PASSWORD_GROUP)[0] < 0 else b".")
        if kept and _is_named(data, match) and _plain_secret(match, kept, data, start, start + len(kept)):
            yield Span(start, start + len(kept), "SECRET", "assignment")
    for match in matches(_LINE, data, *NAMES):
        value = match.group(match.lastindex)
        if _is_named(data, match) and _line_secret(match, value):
            yield group_span(match, match.lastindex, "SECRET", "assignment")
    for match in matches(_SPACED, data, *NAMES):
        value = match.group(match.lastindex)
        if random_looking(value, shortest=8) and _is_named(data, match) and not is_code(value):
            yield group_span(match, match.lastindex, "SECRET", "assignment")


def _line_secret(match: re.Match[bytes], value: bytes) -> bool:
    """The rest of a line of settings, signs and all, if it has signs that no expression has there."""
    if stands_in(value) or is_code(value) or is_about(match.group(_REST)) or not mixed(value):
        return False
    digits = any(48 <= byte <= 57 for byte in value)
    signs = any(byte in b"!#$%^*+?@~&|;:,()[]{}/<>" for byte in value)
    return digits and signs and _EXPRESSION.search(value[:64]) is None and value[0] not in b"$/=*.-@%^~(<[{"


def _is_named(data: bytes, match: re.Match[bytes]) -> bool:
    start, end = next(match.span(group) for group in (1, 2, 3) if match.span(group)[0] >= 0)
    return stands_apart(data, start, data[start:end])


def _quoted_secret(match: re.Match[bytes], data: bytes, value: bytes) -> bool:  # noqa: PLR0911 - one case a return
    if (
        stands_in(value)
        or value.lower() in PROSE
        or value.startswith((b"http://", b"https://", b"${", b"{{", b"data:"))
    ):
        return False
    if match.span(_VENDOR_GROUP)[0] >= 0 or is_about(match.group(_REST)):
        return random_looking(value) and not is_code(value)
    handed = match.span(_PASSED)[0] >= 0
    if handed and match.group(_PASSED).isspace():  # `#define PASSWORD "..."`
        return (
            data[match.end(match.lastindex or 0)] == 0x22 and mixed(value) and b" " not in value and not is_code(value)
        )
    made = handed or match.span(_MADE)[1] > match.span(_MADE)[0] >= 0
    if match.span(_PASSWORD_GROUP)[0] >= 0:
        if made and (names_itself(value) or not mixed(value)):
            return handed and match.group(_PASSED)[:1] in b"\"'`\\(" and not names_itself(value) and value.islower()
        # A sentence in quotes after "password:" is a description; a pass phrase has no capital and no full stop.
        if b" " in value.strip():
            return not (value[:1].isupper() or value.endswith((b".", b":", b"!", b"?", b" ")) or value.count(b" ") > 9)
        return len(value) >= 3 and not (names_itself(value) and _IDENTIFIER.fullmatch(value))
    if b" " in value.strip() or is_code(value) or (made and names_itself(value) and not random_looking(value)):
        return False
    return mixed(value) if len(value) < 24 else mixed(value) or not names_itself(value)


def _plain_secret(match: re.Match[bytes], value: bytes, data: bytes, start: int, end: int) -> bool:
    if len(value) < 4 or stands_in(value) or value.lower() in PROSE or value[0] in b"$/=*.-@%^~" or is_code(value):
        return False
    following = data[end : end + 1]
    if following in {b"(", b"["} or value.startswith((b"http://", b"https://")):
        return False
    if match.span(_VENDOR_GROUP)[0] >= 0 or is_about(match.group(_REST)):
        return random_looking(value)
    password = match.span(_PASSWORD_GROUP)[0] >= 0
    if _IDENTIFIER.fullmatch(value):
        # A word alone: only after a password's name, at the end of its line, and not an argument of the same name.
        ends_line = following in {b"", b"\n", b"\r"} or (
            following in {b";", b",", b")", b"."} and not value[:1].isupper() and not data[end + 1 : end + 2].isalnum()
        )
        spaced = data[start - 1 : start] in {b" ", b"\t"}
        return password and ends_line and not names_itself(value) and (spaced or b"_" not in value)
    if value.isdigit():
        return password and following not in {b".", b"%"}
    return (mixed(value) and (password or len(value) >= 8)) or (password and len(value) >= 6)
