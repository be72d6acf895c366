"""Which encoding a page or a message declares, and what that name means."""

from __future__ import annotations

import codecs
import re

from hybridrag.parsing.text import clean, decode


def declared_encoding(label: str | None) -> str | None:
    """Python's name of the encoding that a label stands for, as browsers read it; None for one that is unknown.

    Labels stand for more than they say: whoever writes `iso-8859-1` or `gb2312` uses characters of `windows-1252` or
    `gb18030` (https://encoding.spec.whatwg.org/#names-and-labels). UTF-8 is None: it is tried first anyway.
    """
    if label is None:
        return None
    name = label.strip().strip("\"'").lower()
    try:
        found = codecs.lookup(_MEANT.get(name.replace("_", "-"), name))
    except (LookupError, ValueError, UnicodeError):
        return None
    # Python's codecs turn bytes into bytes, too.
    return None if found.name in _NOT_TEXT or not found._is_text_encoding else found.name


def encoding_of_markup(content: bytes) -> str | None:
    """The encoding that a page declares in its XML declaration or a `meta` element, or that its first bytes show."""
    head = content[:_DECLARED_WITHIN]
    wide = _wide(head)
    if wide is not None:
        return wide
    found = _XML.match(head) or _META.search(head)
    declared = declared_encoding(found[1].decode("ascii")) if found else None
    # Whoever reads the declaration as single bytes knows that it is not true.
    return None if declared in _WIDE else declared


def decode_declared(content: bytes, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    """The text of bytes that say what encoding they are in, and notes, as `text.decode` gives them.

    Raises UnreadableError for bytes that are not text.
    """
    first = _decoded_first(content, encoding)
    return decode(content, declared=encoding) if first is None else clean(first, (f"decoded as {encoding}",))


def _decoded_first(content: bytes, encoding: str | None) -> str | None:
    """The text of bytes that would pass for something else: in 7 bits with escapes, or in UTF-16 without its mark.

    None where it is neither, or does not fit.
    """
    seven_bits = encoding in _SEVEN_BITS and any(sign in content for sign in (b"\x1b", b"~{", b"+"))
    if encoding is None or not (seven_bits or encoding in _WIDE):
        return None
    try:
        return content.decode(encoding, "replace" if encoding in _WIDE else "strict")
    except (UnicodeDecodeError, ValueError):
        return None


def _wide(head: bytes) -> str | None:
    """UTF-16 by the zero bytes of its markup, where no byte order mark tells."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    begin = head[:64].lstrip(b" \t\r\n") if head[:1] != b"\0" else head[:64]
    return next((name for mark, name in _WIDE_MARKUP if begin.startswith(mark)), None)


_DECLARED_WITHIN = 4096
_XML = re.compile(rb"\s{0,64}<\?xml[^>]{0,200}?encoding\s{0,8}=\s{0,8}[\"']([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_META = re.compile(rb"<meta\s[^>]{0,400}?charset\s{0,8}=\s{0,8}[\"']?\s{0,8}([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_WIDE_MARKUP = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be"})
_SEVEN_BITS = frozenset({"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_kr", "hz", "utf-7"})
_NOT_TEXT = frozenset({"utf-8", "ascii", "utf-8-sig", "idna", "punycode", "unicode-escape", "raw-unicode-escape"})
_MEANT = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252", "l1": "cp1252",
    "iso-8859-9": "cp1254", "latin5": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb-2312-80": "gb18030", "euc-cn": "gb18030",
    "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "ms-kanji": "cp932",
    "euc-kr": "cp949", "ks-c-5601-1987": "cp949", "ksc5601": "cp949", "korean": "cp949",
    "big5": "big5hkscs", "x-x-big5": "big5hkscs", "x-euc-jp": "euc_jp", "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "x-cp1252": "cp1252", "dos-874": "cp874",
    "iso-2022-jp": "iso2022_jp_2", "utf-16": "utf-16-le", "unicode": "utf-16-le", "logical": "iso8859_8",
    "unicode-1-1-utf-8": "utf-8", "iso-8859-8-i": "iso8859_8", "iso-8859-8-e": "iso8859_8",
}  # fmt: skip
