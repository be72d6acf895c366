"""Secrets among the arguments of calls that take them by position: `connect(host, user, "...")`, `sign(x, "...")`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import matches
from hybridrag.privacy.finders.patterns import view
from hybridrag.privacy.finders.placeholders import is_code, is_phrase, mixed, stands_in
from hybridrag.privacy.finders.secret_names import names_itself
from hybridrag.types import Span

_LOGIN = (
    rb"(?:\b(?:mysql|mysqli|pg|oci|ftp|ssh2_auth|odbc|sqlsrv|ibase|mssql|db2)_?(?:connect|login|password|logon|"
    rb"pconnect)"
    rb"|new (?:PDO|mysqli)|[gG]etConnection|[.](?:login|connect|auth|authenticate|sign_?[iI]n|logon|bind|"
    rb"simple_bind|setCredentials"
    rb"|set_credentials|basicAuth|basic_auth|setBasicAuth|SetBasicAuth|userpass|httpBasic)"
    rb"|(?:Credentials?|PasswordAuthentication|PasswordAuthenticationToken|HTTPBasicAuth|HTTPDigestAuth|"
    rb"BasicAuth|PlainAuth|UsernamePasswordCredentials)"
    rb"|\bconnect|\blogin|\bsign_in|\bauth ?[=:] ?)[ ]?\(([^()\n\x00]{5,240})\)"
)
_SIGN = (
    rb"(?i)\b(?:jwt|jose|jws|jsonwebtoken|jwthelper)[.](?:sign|verify|decode|encode)\(([^\n\x00]{5,240})",
    rb"(?i)\b(?:hmac[.]new|createhmac|hmac\.create|hash_hmac|Fernet|AES(?:GCM|CCM|GCMSIV)?(?:[.]new)?|"
    rb"DES3?[.]new|ARC4[.]new|ChaCha20[a-z0-9_]*[.]new"
    rb"|secretbox|bcrypt[.](?:checkpw|hashpw|hash|hashsync|compare|comparesync)|"
    rb"CryptoJS[.][A-Za-z0-9]{2,12}[.]?(?:encrypt|decrypt)?"
    rb"|createcipheriv|createdecipheriv|pbkdf2(?:_hmac|sync)?|scrypt(?:sync)?|generate_password_hash|"
    rb"check_password_hash|make_password|set_password"
    rb"|check_password|password_hash|password_verify|sha256_crypt[.]hash|SecretKeySpec|TimestampSigner|"
    rb"URLSafeTimedSerializer|SigningKey)"
    rb"\(([^\n\x00]{4,240})",
)
_TYPED = (
    rb"(?i)pass(?:word|wd|code|phrase)?[\"'\])]{1,4}[^\n\x00]{0,24}?[.](?:send_keys|sendkeys|type|fill|setvalue|"
    rb"set_value|enter_text|set|clear_and_type|typetext)"
    rb"\(([^()\n\x00]{3,120})\)",
)
_STRING = re.compile(rb"[rbfu]?([\"'])([^\"'\n\0]{3,128})\1")
_LOGIN_WORDS = (b"connect", b"connection", b"pdo(", b"login", b"auth", b"sign_in", b"signin", b"cred", b"mysqli")
_PLACE = re.compile(
    rb"(?:[a-z+]{2,12}:)?//|\w+:(?:host|dbname|server|file|memory)|localhost|127\.0\.0\.1|"
    rb"[\w-]+(?:\.[\w-]+)+(?::\d+)?|:\d+|[^@\s]{0,64}@[^@\s]*",
    re.IGNORECASE,
)
_HEX = re.compile(rb"[0-9a-fA-F]{16,128}")
_MODE = re.compile(
    rb"(?i)(?:[hr]s|es|ps)[0-9]{3}|sha-?[0-9]+|md5|aes-?[a-z0-9-]*|utf-?8|hex|base64|ascii|latin1|binary|sha[0-9]_\w*"
)


def arguments(text: str) -> Iterator[Span]:
    """The strings that are secrets, without quotes. Spans may overlap."""
    data = view(text)
    for match in matches(_LOGIN, data, *_LOGIN_WORDS):
        strings = _strings(data, *match.span(1))
        hosts = [
            at
            for at, (start, end) in enumerate(strings)
            if _PLACE.match(data[start:end]) and b"@" not in data[start:end]
        ]
        users = strings[hosts[0] + 1 :] if hosts[:1] == [0] else strings
        # After the user comes the password; a database may follow.
        for start, end in users[1:3]:
            if _is_secret(data[start:end]) and _PLACE.fullmatch(data[start:end]) is None:
                yield Span(start, end, "SECRET", "argument")
    for pattern in (*_SIGN, *_TYPED):
        for match in matches(
            pattern, data, b"jwt", b"jose", b"hmac", b"crypt", b"aes.", b"fernet", b"pass", b"secret", b"key"
        ):
            for start, end in _strings(data, *match.span(1))[:3]:
                value = data[start:end]
                if (_is_secret(value) or _HEX.fullmatch(value)) and _MODE.fullmatch(value) is None:
                    yield Span(start, end, "SECRET", "argument")


def _strings(data: bytes, start: int, end: int) -> list[tuple[int, int]]:
    return [match.span(2) for match in _STRING.finditer(data, start, end)]


def _is_secret(value: bytes) -> bool:
    if stands_in(value) or b" " in value or (is_code(value) and not is_phrase(value)):
        return False
    return (mixed(value) or is_phrase(value)) and not names_itself(value)
