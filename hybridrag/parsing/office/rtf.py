"""RTF, by kreuzberg, after what that would lose or garble is written in a way that it reads."""

from __future__ import annotations

import re

_STYLE = re.compile(rb"\{\\s(\d{1,4})[^{}]{0,500}?[ \\]heading ([1-9]);\}", re.IGNORECASE)
_STYLED = re.compile(rb"(\\pard(?:\\plain)? ?\\s(\d{1,4}))(?!\d)")
_DELETED = re.compile(rb"\{\\deleted[^{}]*\}")
_SYMBOL = re.compile(rb"\\([\\~_])")
_UNDERLINE = re.compile(rb"\\ul(?:none|d|db|w|c\d+)?(?![a-zA-Z0-9])")
_BESIDE = re.compile(rb"\{(?:\\\*\\footnote|\\shptxt)(?![a-z])")
_BRACE = re.compile(rb"\\[\\{}]|[{}]")
_PAIR = re.compile(
    rb"\\u(-(?:9[2-9]|10[012])\d\d|5[56]\d{3})((?:\\'[0-9a-fA-F]{2}|\\uc\d ?|[ ?]){0,8})"
    rb"\\u(-\d{4}|-?\d{5})(?!\d) ?(\\'[0-9a-fA-F]{2}|\?)?"
)
_AFTERWARDS = re.compile(rb"\\uc\d ?")
_PRIVATE = range(0xE000, 0xEFFF)


def prepared(content: bytes) -> tuple[bytes, dict[int, str]]:
    """The file for kreuzberg 4.10, and what characters of its text stand for.

    It drops characters beyond U+FFFF, which RTF writes as two halves: each becomes one for private use. It drops
    footnotes and text boxes: they go to the end. It writes `\\~` and `\\_` as they are, marks underlined words, keeps
    deleted text, and knows headings by their outline level only, not by their style.
    """
    content = _at_the_end(_UNDERLINE.sub(b"", _DELETED.sub(b"", content)))
    content = _SYMBOL.sub(lambda found: {b"~": b" ", b"_": b"-"}.get(found[1], found[0]), content)
    levels = {number: int(level) - 1 for number, level in _STYLE.findall(content[:_STYLE_SHEET])}
    if levels:
        content = _STYLED.sub(
            lambda found: found[1] + b"\\outlinelevel%d" % levels[found[2]] if found[2] in levels else found[0], content
        )
    standing: dict[str, int] = {}

    def one(found: re.Match[bytes]) -> bytes:
        high, low = int(found[1]) % 65536, int(found[3]) % 65536
        if not (0xD800 <= high < 0xDC00 <= low < 0xE000) or len(standing) == len(_PRIVATE):
            return found[0]
        meant = chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        private = standing.setdefault(meant, _PRIVATE[len(standing)]) - 65536
        # A question mark stands for old programs after a character, unless none stood after its first half.
        kept = b"?" if found[4] == b"?" and b"?" not in found[2] else b""
        return b"{\\uc0\\u%d }" % private + b"".join(_AFTERWARDS.findall(found[2])[-1:]) + kept

    content = _PAIR.sub(one, content)
    return content, {private: meant for meant, private in standing.items()}


def _at_the_end(content: bytes) -> bytes:
    """The file with its footnotes and text boxes as paragraphs after the others."""
    kept, moved, here = [], [], 0
    for opening in _BESIDE.finditer(content):
        if opening.start() >= here:
            kept.append(content[here : opening.start()])
            here = _group_end(content, opening.start())
            moved.append(b"\\par\\pard\\plain {" + content[opening.end() : here])
    rest = content[here:].rstrip(b"\0 \r\n")
    if not moved or not rest.endswith(b"}"):
        return content
    return b"".join([*kept, rest[:-1], *moved, b"\\par}"])


def _group_end(content: bytes, start: int) -> int:
    depth = 0
    for brace in _BRACE.finditer(content, start):
        depth += {b"{": 1, b"}": -1}.get(brace[0], 0)
        if not depth and brace[0] == b"}":
            return brace.end()
    return len(content)


_STYLE_SHEET = 1 << 20
"""How much of a file's beginning its styles stand in."""
