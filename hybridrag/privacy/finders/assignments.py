"""What is assigned to a secret's name in source and configuration: `password = ...`, `"api_key": "..."`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import NAMES, VENDORS, matches
from hybridrag.privacy.finders.patterns import group_span, view
from hybridrag.privacy.finders.placeholders import PROSE, is_code, is_phrase, mixed, random_looking, stands_in
from hybridrag.privacy.finders.secret_names import (
    KEY,
    PASSWORD,
    REST,
    VENDOR,
    is_about,
    is_weak,
    names_itself,
    stands_apart,
    tells,
)
from hybridrag.types import Span

_NAME = rb"(?:((?i:" + PASSWORD + rb"))|((?i:" + KEY + rb"))|((?i:" + VENDOR + rb")))(" + REST + rb")"
_PASSWORD_GROUP, _VENDOR_GROUP, _REST, _MADE, _PASSED = 1, 3, 4, 5, 6
_CLOSE = rb"\\{0,2}(?:\[[0-9]{0,5}\]|[\"'`*\])]{0,3})(?:[ ]?\{[ ]?get;[^{}\x00]{0,30}\})?"
_TYPE = rb"(?:[ ]As[ ][A-Za-z]{3,16}[ ]=|[ \t]{0,2}:[ \t]{0,2}[A-Za-z&*][A-Za-z0-9_.\[\]|<>&*' ]{0,30}?[ \t]{0,2}=)"
_SIGN = rb"(?::[=-]|\?\?=?|\|\|=?|=>|->|[=!]==?|[?+.|]?=|::|:|\xa4)"
_OPERATOR = (
    _CLOSE
    + rb"(?:"
    + _TYPE
    + rb"|[ \t]{0,16}"
    + _SIGN
    + rb")\*{0,2}[ \t]{0,16}(?:&[A-Za-z0-9_]{1,20} )?(?:(?:\\|[|>][+-]?)?\r?\n[ \t]{1,16}(?:- )?)?[(\[]?"
)
_OPENED = rb"(?:[ \t]{0,4}\r?\n[ \t]{1,16})?"
_MAKE = (
    rb"(?:[A-Za-z_][A-Za-z0-9_.:]{0,30}[(][ \t]?|ConvertTo-SecureString (?:-String )?|"
    rb"[A-Za-z_$][A-Za-z0-9_.$?]{0,60}[ ](?:\?\?|\|\||or)[ ])?(?:(?:default|value|"
    rb"initial)[ ]?=[ ]?)?"
)
_HAND_OVER = (
    rb"\\{0,2}[\"'`][ \t]?,[ \t]{0,16}(?:(?:type|help)=[a-z\"']{2,40}, )?(?:(?:default|"
    rb"fallback|value)[ ]?=[ ]?)?|\([ \t]{0,2}|[ \t]{1,12}"
)
_QUOTE = (
    rb"[rbfuRBFUL$@&*]{0,2}(?:\"\\{1,3}|\\{0,3})(?:\"((?:[^\"\\\r\n\x00]|\\[^\r\n\"\x00]){2,})|"
    rb"'((?:[^'\\\r\n\x00]|\\[^\r\n\x00]){2,})"
    rb"|`([^`\r\n\x00]{2,}))"
)
_QUOTED = _NAME + rb"(?:" + _OPERATOR + _OPENED + rb"(" + _MAKE + rb")|(" + _HAND_OVER + rb"))" + _QUOTE
_PLAIN = _NAME + _OPERATOR + rb"([^\s\"'`,;<>()\[\]{}\x00\\|&]{4,})"
_SPACED = (
    rb"(?im)^[ \t]*(?:export |set |env |arg )?[A-Za-z_.-]{0,30}"
    + _NAME
    + rb"[ \t]{1,4}([^\s\"'`,;<>(){}\x00\\|&=]{8,})[ \t]*\r?$"
)
_SET = (
    rb"(?im)(?:^|[;&|]|[ \t])[ \t]*(?:env|setenv|setx|set -[a-z]{1,4}|declare -[a-z]{1,4}|"
    rb"export -[a-z]{1,4})[ \t]{1,4}[A-Za-z0-9_.-]{0,30}"
    + _NAME + rb"[ \t]{1,4}[\"']?([^\s\"'`,;<>(){}\x00\\|&=]{4,})"
)  # fmt: skip
_WORDED = (
    _NAME + rb"[`'\"*]{0,3}(?:[ \t]{1,3}(?:to|as|is|be|with|auf|mit|ist|als|lautet|value)|[ \t]{0,3}[|:=])[ \t]{1,3}"
    rb"[`'\"*]{1,3}([^\s`'\"*|\x00]{4,200})[`'\"*]"
)
_LINE = (
    rb"(?m)" + _NAME
    + rb"[\"']?[ \t]{0,12}(?:=|:|=>|:=)[ \t]{0,12}([^\s\"'`\x00]{6,})[ \t]*\r?$"
)  # fmt: skip
_NEXT_PART = re.compile(
    rb"[\"'][ \t]{0,8}(?:[+.&\\][ \t]{0,8})?(?:\r?\n[ \t]{0,40})?(?:[+.&][ \t]{0,8})?[rbfu]?[\"']"
    rb"([^\"'\\\r\n\0]{1,200})(?=[\"'])"
)
_MOST_PARTS = 50
_LONGEST_PART = 320
_EXPRESSION = re.compile(rb"[A-Za-z_][\w.]{0,40}[(\[{]|[\])}]{2}$|^[\[({].*[,)\]}]$|[,;({\[]$|^\S*://", re.DOTALL)
_IDENTIFIER = re.compile(rb"[A-Za-z_\xe9]+")


def assignments(text: str) -> Iterator[Span]:
    """The values, without quotes and name. Placeholders, variables, types and calls are none. Spans may overlap."""
    data = view(text)
    done = 0
    for match in matches(_QUOTED, data, *NAMES, *VENDORS):
        for start, end in _quoted(match, data, done):
            done = max(done, end)
            yield Span(start, end, "SECRET", "assignment")
    for match in matches(_PLAIN, data, *NAMES, *VENDORS):
        start = match.start(match.lastindex)
        kept = match.group(match.lastindex).rstrip(b".:!?" if match.span(_PASSWORD_GROUP)[0] < 0 else b".")
        if kept and _is_named(data, match) and _plain_secret(match, kept, data, start, start + len(kept)):
            yield Span(start, start + len(kept), "SECRET", "assignment")
    for pattern, is_secret in ((_LINE, _line_secret), (_SET, _handed_secret), (_WORDED, _handed_secret)):
        for match in matches(pattern, data, *NAMES):
            if _is_named(data, match) and is_secret(match, match.group(match.lastindex)):
                yield group_span(match, match.lastindex, "SECRET", "assignment")
    for match in matches(_SPACED, data, *NAMES):
        value = match.group(match.lastindex)
        if random_looking(value, shortest=8) and _is_named(data, match) and not is_code(value):
            yield group_span(match, match.lastindex, "SECRET", "assignment")


def _quoted(match: re.Match[bytes], data: bytes, done: int) -> list[tuple[int, int]]:
    """The string in quotes, with its further parts, if it is a secret. Before `done`, where an earlier string went on
    and is masked, without them: each part may look like the beginning of another one."""
    start, end = match.span(match.lastindex or 0)
    end -= data[end - 1 : end] == b"\\"
    if end <= start or not _is_named(data, match):
        return []
    parts = [(start, end), *(_continued(data, end) if end > done else ())]
    return parts if _quoted_secret(match, data, b"".join(data[first:last] for first, last in parts)) else []


def _continued(data: bytes, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a string that is put together of several: `"one" + "two"`, or one below the other."""
    for _ in range(_MOST_PARTS):
        more = _NEXT_PART.match(data, end, end + _LONGEST_PART)
        if more is None:
            return
        end = more.end(1)
        yield more.span(1)


def _handed_secret(match: re.Match[bytes], value: bytes) -> bool:
    """A value after a blank or a word: "set `API_KEY` to `...`"."""
    if stands_in(value) or names_itself(value) or value[0] in b"$-/<{%@":
        return False
    if is_about(match.group(_REST)) or _only_vendor(match):
        return random_looking(value)
    return is_phrase(value) or (mixed(value) and not is_code(value))


def _line_secret(match: re.Match[bytes], value: bytes) -> bool:
    """The rest of a line of settings, signs and all, if it has signs that no expression has there."""
    if stands_in(value) or is_code(value) or is_about(match.group(_REST)) or not mixed(value):
        return False
    digits = any(48 <= byte <= 57 for byte in value)
    signs = any(byte in b"!#$%^*+?@~&|;:,()[]{}/<>" for byte in value)
    return digits and signs and _EXPRESSION.search(value[:64]) is None and value[0] not in b"$/=*.-@%^~(<[{"


def _only_vendor(match: re.Match[bytes]) -> bool:
    return match.span(_VENDOR_GROUP)[0] >= 0 and not tells(match.group(_REST))


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
    if _only_vendor(match) or (is_about(match.group(_REST)) and match.group(_REST).lower() != b"s"):
        return random_looking(value) and not is_code(value)
    handed = match.span(_PASSED)[0] >= 0
    if handed and match.group(_PASSED).isspace():  # `#define PASSWORD "..."`
        return (
            data[(end := match.end(match.lastindex or 0)) : end + 1] in {b'"', b"'"}
            and mixed(value)
            and b" " not in value
            and not is_code(value)
        )
    if is_phrase(value):
        return not names_itself(value) and (match.span(_PASSWORD_GROUP)[0] >= 0 or not is_weak(match.group(2) or b""))
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


def _plain_secret(  # noqa: PLR0911 - one case a return
    match: re.Match[bytes], value: bytes, data: bytes, start: int, end: int
) -> bool:
    if len(value) < 4 or stands_in(value) or value.lower() in PROSE or value[0] in b"$=*.-@%^~:":
        return False
    if data[start - 2 : start] == b"::":
        return False
    if value[:1] == b"/" and not (value.endswith(b"=") and random_looking(value)):
        return False
    if is_phrase(value) and not _only_vendor(match) and _plain_phrase(match, value, data, start, end):
        return True
    if is_code(value):
        return False
    following = data[end : end + 1]
    if following in {b"(", b"["} or value.startswith((b"http://", b"https://")):
        return False
    if _only_vendor(match) or is_about(match.group(_REST)):
        return random_looking(value)
    password = match.span(_PASSWORD_GROUP)[0] >= 0
    if _IDENTIFIER.fullmatch(value):
        # A word alone: only after a password's name, at the end of its line, and not an argument of the same name.
        ends_line = following in {b"", b"\n", b"\r"} or (
            following in {b";", b",", b")", b"."} and not value[:1].isupper() and not data[end + 1 : end + 2].isalnum()
        )
        spaced = data[start - 1 : start] in {b" ", b"\t"}
        name = match.group(_PASSWORD_GROUP) or b""
        exported = name.isupper() and following == b" " and data[start - 1 : start] == b"="
        return password and (ends_line or exported) and not names_itself(value) and (spaced or b"_" not in value)
    if value.isdigit():
        return (password or (len(value) >= 6 and not is_weak(match.group(2) or b""))) and following not in {b".", b"%"}
    return (mixed(value) and (password or len(value) >= 6)) or (password and len(value) >= 6)


def _plain_phrase(match: re.Match[bytes], value: bytes, data: bytes, start: int, end: int) -> bool:
    """A pass phrase without quotes, in a file of settings: `SESSION_SECRET=oyster-thunder-harbor`."""
    if data[end : end + 1] not in {b"", b"\n", b"\r", b" ", b"\t", b","} or names_itself(value):
        return False
    if match.span(_PASSWORD_GROUP)[0] >= 0:
        return b"-" in value or b"_" in value or data[start - 1 : start] == b"="
    name = match.group(2) or b""
    return not is_weak(name) and (data[start - 1 : start] == b"=" or name.isupper() or b"-" in value)
