"""Texts made to be costly: `size` characters of one pattern each."""

from __future__ import annotations

import base64
from collections.abc import Callable


def _over_and_over(pattern: str) -> Callable[[int], str]:
    return lambda size: (pattern * (size // len(pattern) + 1))[:size]


def _nested_base64(size: int) -> str:
    content = b"password=hunter2 "
    while len(content) < size:
        content = base64.b64encode(content * 3)
    return content[:size].decode()


HOSTILE: dict[str, Callable[[int], str]] = {
    repr(pattern): _over_and_over(pattern)
    for pattern in (
        "@", "a@", "@.", "a.b@", "a at ", "a dot ", "[at]", "(dot)", "a@b.", "a@\n", "://", "a://b:", "a://b:c@",
        "?key=", "&a=", "-----BEGIN", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----AAAAAAAAAAAAAAAAAAAAAAA\n", "eyJ", "eyJhbGci.",
        "password=", "password='", 'password="\\"', "password is ", "token ", "key: a", "pass", "secret = (",
        "getenv('KEY', ", "&amp;", "&#38;", "&", "%25", "%", "%E4%", "\\", "\\u005c", "\\\\u0041", "=\n", "=40",
        "=\r\n ", "\u200b", "a\u200b", "\u0336", "a\u0336", "\ufb01", "\u2163", "\U000e0061", "\u0430b", "1 ", "1-",
        "+1", "1.", "12.", "1:", "a:", "4111 ", "a b ", " a", "<b>", "<", "<!--", "<a ", "a`", "a**", "_@", "_._",
        "one ", "one-", "f\u00fcnf ", "a-\n", "\n", "\r\n> ", "\t", " ", "{", "[", "\u27e6", "\u27e7", "\u27e6A_1",
        "\ufdd0", "\x00", "0x41, ", "\\x41", "41 ", "414243", "QUJD", "QUJDREVG\n", "H4sIAAAAAAAA/", "eJwDAAAAAAAA ",
        "AKIA", "sk-", "ghp_", "a_live_", "$2b$12$", "Bearer ", "Authorization: ", "cookie: session=",
        "kind: Secret\ndata:\n  a: b\n", "name: password\nvalue: ", "a:1:b:c:", "<D>", "DE89", "\uff21",
        "\u4e2d\u6587", "A", "a1", "aA1-",
    )
}  # fmt: skip
HOSTILE["base64 of base64"] = _nested_base64
HOSTILE["one long word in brackets"] = lambda size: "[" * (size // 2) + "]" * (size // 2)
"""By name; each makes a text of about that many characters."""
