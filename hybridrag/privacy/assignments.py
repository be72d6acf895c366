"""What is assigned to a secret's name: `password = ...`, `"api_key": "..."`, `DB_PASS=...`, "the password is ..."."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.patterns import compiled, view
from hybridrag.privacy.secrets import stands_in
from hybridrag.types import Span

_PASSWORD = rb"pass(?:word|wort|wd|phrase|code|wrd|w)?|pwd|psw|kennwort|contrase[n\xe9]a|mot[ _-]de[ _-]passe"
_KEY = (
    rb"secret|token|(?:api|app|access|auth|account|secret|private|client|encryption|encrypt|signing|shared|master|license|service"
    rb"|subscription|storage|session|deploy|webhook)[ _.-]?(?:access[ _.-]?)?(?:key|secret|token)(?:[ _.-]?id)?"
    rb"|apikey|credentials?|client[ _-]?secret|bearer|jwt"
)
_NAME = rb"(?i)((?:" + _PASSWORD + rb")|(?:" + _KEY + rb"))"
_ASSIGN = (
    rb"\\?[\"'`\]]{0,2}(?:[ \t]?:[ \t]?(?:[Ss]tr(?:ing)?|SecretStr|const char ?\*))?[ \t]{0,12}"
    rb"(?::=|=>|={1,3}|:|\xa4)[ \t]{0,12}(?:\r?\n[ \t]{1,12})?"
)
_QUOTED = (
    _NAME
    + _ASSIGN
    + rb"[rbfuRBFU]{0,2}\\?(?:\"([^\"\r\n\x00]{3,400})\"|'([^'\r\n\x00]{3,400})'|`([^`\r\n\x00]{3,400})`)"
)
_PLAIN = _NAME + _ASSIGN + rb"([^\s\"'`,;<>()\[\]{}\x00\\|]{4,400})"
_DEFAULT = (
    rb"(?i)(?:environ|getenv|env|get)\W{1,3}[A-Za-z0-9_]*(?:" + _PASSWORD + rb"|" + _KEY + rb")[\"'][ \t]*,[ \t]*"
    rb"[\"']([^\"'\r\n\x00]{3,200})[\"']"
)
_SPOKEN = (
    rb"(?i)\b(?:pass(?:word|wort|phrase|code)|kennwort|pin|api[ -]?key|secret key|access key|token)\s{1,3}"
    rb"(?:(?:for|of|f\xe9r|von|zu)\s[^\n\x00]{1,40}?\s)?(?:is|was|ist|lautet|war)\s{0,3}:?\s{0,3}"
    rb"[\"'`\xa4]?([^\s\"'`\xa4\xa6\x00]{4,200})"
)
_NAMED = (
    rb"(?i)\b(?:token|api[ _-]?key|apikey|secret|access[ _-]?key|bearer)[ \t]{1,3}"
    rb"[\"'`\xa4]?([A-Za-z0-9_+/.=-]{16,200})"
)
_PIN = rb"(?i)\bpin(?:[ -]?code|[ -]?number|[ -]?nummer)?[^\w\n\x00]{1,4}(?:(?:is|ist|lautet)[ :]{1,3})?([0-9]{4,8})\b"
_PASSWORD_NAME = re.compile(_PASSWORD, re.IGNORECASE)
_CODE_PATH = re.compile(rb"[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+")
_IDENTIFIER = re.compile(rb"[A-Za-z_]+")
_PROSE = frozenset(
    (
        b"the this that your their must should when with from for and not used using will can may are has have one "
        b"only also each some data type field value text input output bearer basic password passwords token tokens "
        b"secret secrets key keys username user default example test hidden invalid incorrect correct wrong missing "
        b"empty changed reset protected encrypted stored required optional hashed plain string"
    ).split()
)


def assignments(text: str) -> Iterator[Span]:
    """The values, without quotes and name. Placeholders, variables, types and calls are none."""
    data = view(text)
    lowered = data.lower()
    if not any(
        word in lowered
        for word in (b"pas", b"pwd", b"psw", b"key", b"token", b"secret", b"kennw", b"cred", b"jwt", b"pin", b"bearer")
    ):
        return
    for match in compiled(_QUOTED).finditer(data):
        group = next(number for number in (2, 3, 4) if match.span(number)[0] >= 0)
        start, end = match.span(group)
        end -= data[end - 1 : end] == b"\\"
        if end > start and _quoted_secret(match.group(1), data[start:end]):
            yield Span(start, end, "SECRET", "assignment")
    for match in compiled(_PLAIN).finditer(data):
        start, end = match.span(2)
        value = match.group(2)
        kept = value.rstrip(b".:!?") if not _PASSWORD_NAME.fullmatch(match.group(1)) else value.rstrip(b".")
        if _plain_secret(match.group(1), kept, data, start, start + len(kept)):
            yield Span(start, end, "SECRET", "assignment")
    for match in compiled(_DEFAULT).finditer(data):
        if not stands_in(match.group(1)):
            yield Span(match.start(1), match.end(1), "SECRET", "assignment-default")
    for match in compiled(_SPOKEN).finditer(data):
        value = match.group(1).rstrip(b".,;:!?)")
        if len(value) >= 4 and not stands_in(value) and _mixed(value):
            yield Span(match.start(1), match.start(1) + len(value), "SECRET", "spoken")

    for match in compiled(_NAMED).finditer(data):
        value = match.group(1).rstrip(b".=")
        if _mixed(value) and any(48 <= byte <= 57 for byte in value) and not _CODE_PATH.fullmatch(value):
            yield Span(match.start(1), match.end(1), "SECRET", "named")
    for match in compiled(_PIN).finditer(data):
        yield Span(match.start(1), match.end(1), "SECRET", "pin")


def _quoted_secret(name: bytes, value: bytes) -> bool:
    if stands_in(value) or value.lower() in _PROSE:
        return False
    if _PASSWORD_NAME.fullmatch(name):
        # A sentence in quotes after "password:" is a description; a pass phrase has no capital and no full stop.
        return not (value.count(b" ") >= 3 and (value.endswith(b".") or value[:1].isupper()) and not _mixed(value))
    return b" " not in value.strip() and (_mixed(value) or len(value) >= 20) and not _CODE_PATH.fullmatch(value)


def _plain_secret(name: bytes, value: bytes, data: bytes, start: int, end: int) -> bool:
    if len(value) < 4 or stands_in(value) or value.lower() in _PROSE or value.startswith((b"$", b"/", b"=", b"*")):
        return False
    following = data[end : end + 1]
    if following in {b"(", b"["} or value.startswith((b"http://", b"https://")):
        return False
    if _CODE_PATH.fullmatch(value):
        return False
    password = _PASSWORD_NAME.fullmatch(name) is not None
    if _IDENTIFIER.fullmatch(value):
        # A word alone: only after a password's name, at the end of its line, and not an argument of the same name.
        ends_line = following in {b"", b"\n", b"\r"} or (
            following in {b";", b",", b")", b"."} and not value[:1].isupper() and not data[end + 1 : end + 2].isalnum()
        )
        spaced = data[start - 1 : start] in {b" ", b"\t"}
        same = _PASSWORD_NAME.search(value) is not None
        return password and ends_line and not same and (spaced or b"_" not in value)
    if value.isdigit():
        return password and following not in {b".", b"%"}
    return (_mixed(value) and (password or len(value) >= 8)) or (password and len(value) >= 6)


def _mixed(value: bytes) -> bool:
    """Letters with digits or with signs that names do not have."""
    letters = any(65 <= byte <= 90 or 97 <= byte <= 122 or byte == 0xE9 for byte in value)
    digits = any(48 <= byte <= 57 for byte in value)
    signs = any(byte in b"!@#$%^&*+=?~/" for byte in value)
    return (letters and (digits or signs)) or (digits and len(value) >= 6)
