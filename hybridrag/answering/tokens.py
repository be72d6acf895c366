"""What a reply is made of: words, code, and markers in any form that a model or a document may give them."""

from __future__ import annotations

import regex

from hybridrag.answering.addresses import INVISIBLE

_NUMBER = r"0{0,3}\d{1,3}"
_LIST = rf"{_NUMBER}(?:\s?(?:[,;&]|and|und)\s?{_NUMBER}){{0,9}}"
_NUMBERS = rf"{_NUMBER}(?:\s?(?:[,;&‐-―-]|and|und)\s?{_NUMBER}){{0,9}}"
_OPEN = r"(?:\\?\[|[［【〔❲〚]|&(?:\#0{0,4}91|\#x0{0,4}5b|lsqb|lbrack);)"
_CLOSE = r"(?:\\?\]|[］】〕❳〛]|&(?:\#0{0,4}93|\#x0{0,4}5d|rsqb|rbrack);)"
_FILL = rf"(?:[ \t^\#*_\x00-\x08\x0b-\x1f\x7f-\x9f\p{{M}}]|{INVISIBLE.pattern}){{0,4}}"
_KIND = (
    r"(?:(?:passages?|sources?|documents?|docs?|references?|refs?|cit(?:ation|e)s?|passagen?|quellen?|来源|段落|文档"
    r"|引用)[ \t:.]{0,3})?"
)
_PLACE = r"(?:[ \t]?†[^\[\]【】\n]{0,40}|,[ \t]?(?:pp?\.?|pages?|s\.|seiten?)[ \t]?\d{1,5}(?:[–-]\d{1,5})?|\.)?"
_MARK = (
    rf"(?P<blank>[ \t]{{0,8}}){_OPEN}{_FILL}"
    + rf"(?:{_KIND}{_FILL}(?P<numbers>{_NUMBERS}){_FILL}{_PLACE}|[?？])"
    + rf"{_FILL}{_CLOSE}"
)
"""A marker as `[1]`, or as models write it that were taught another form: `【1†source】`, `[^1]`, `[passage 1]`; also
one that a document has them write to get past us, with letters nobody sees. And our own sign of doubt, which is no
model's to give."""
TOKEN = regex.compile(
    rf"{_MARK}(?:(?<!\])|(?!\())|(?P<code>`[^`\n]{{0,200}}`)|(?P<space>\s+)|[^\s`\[\\&［【〔❲〚。！？]+|\S",
    regex.IGNORECASE,
)
"""What a reply is made of, outside blocks of code. A number in brackets that begins a link is no marker."""
_MARK_ALONE = regex.compile(_MARK, regex.IGNORECASE)
_MAY_GROW = regex.compile(r"`[^`\n]{0,200}|\s+")
"""What more text may make another token of, beside the beginning of a marker."""
_LISTED = regex.compile(
    rf"(?P<index>[\w)](?:\[[^\[\]\n]{{0,40}}\])++)|(?P<open>{_OPEN}){_FILL}(?P<numbers>{_LIST}){_FILL}(?P<close>{_CLOSE})"
)
_OPENED = regex.compile(r"[\[［【〔❲〚]")
_UNCLOSED = regex.compile(rf"{_OPEN}(?:(?!{_CLOSE})[^\n]){{0,80}}\Z", regex.IGNORECASE)


def may_grow(text: str, at: int) -> bool:
    """Whether more text may make another token of all that follows."""
    return bool(_MAY_GROW.fullmatch(text, at) or _MARK_ALONE.fullmatch(text, at, partial=True))


def is_cut(text: str, at: int) -> bool:
    """Whether nothing follows but the beginning of a marker."""
    cut = _MARK_ALONE.fullmatch(text, at, partial=True)
    return cut is not None and cut.partial and _OPENED.search(text, at) is not None


def is_unclosed(text: str) -> bool:
    """Whether a text ends within brackets that could be those of a marker."""
    return _UNCLOSED.search(text) is not None


def spaced(code: str) -> str:
    """Code in which `[1]`, unless it is an index, is written `[ 1 ]`: that says the same and is no marker."""
    return _LISTED.sub(lambda found: found["index"] or f"{found['open']} {found['numbers']} {found['close']}", code)
