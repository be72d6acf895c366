"""Bytes to clean text, and the formats whose text needs no more than that."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

from hybridrag.parsing.encodings import likelier, shifting, wide
from hybridrag.parsing.parsed import Parsed, UnreadableError, counted


def parse_text(content: bytes) -> Parsed:
    """Plain text, and text of any kind whose structure nobody reads: as written."""
    text, notes = decode(content)
    return Parsed(text=text, notes=notes)


def decode(content: bytes, *, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text, with line ends as `\\n` and without what cannot be stored, and notes on what that took.

    Encodings are tried in this order: byte order mark, escapes and NULs that show one, UTF-8, the declared one, UTF-8
    with a few broken bytes, a guess.
    Raises UnreadableError for bytes that are not text.
    """
    text, notes = _decode(content, declared)
    _refuse_binary(sum(map(text.count, _CONTROLS)), len(text))
    return clean(text, notes)


def clean(text: str, notes: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...]]:
    """The text with line ends as `\\n`, without NULs and lone surrogates; a note tells how many were removed."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, nuls = re.subn("\0", "", text)
    if nuls:
        notes += (f"{counted(nuls, 'NUL character')} removed",)
    if not text.isascii():
        text, surrogates = _SURROGATES.subn("", text)
        if surrogates:
            notes += (f"{counted(surrogates, 'lone surrogate')} removed",)
    return text, notes


def mostly_in_long_lines(text: str, *, over: int) -> bool:
    """Whether most of a text stands in lines of more than `over` characters: no person laid it out."""
    return sum(len(line) for line in text.split("\n") if len(line) > over) * 2 > len(text)


def _decode(content: bytes, declared: str | None) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(encoding, "replace")
            return text, () if encoding == "utf-8" and "\ufffd" not in text else (f"decoded as {encoding}",)
    nuls = content.count(0)
    unmarked = wide(content) if nuls else None
    # English in UTF-16 is valid UTF-8: every second byte of it is NUL.
    certain = shifting(content) or (unmarked if nuls * _MANY_NULS >= len(content) else None)
    if certain is None:
        with suppress(UnicodeDecodeError):
            return content.decode(), ()
    if unmarked := certain or unmarked:
        return content.decode(unmarked, "replace"), (f"decoded as {unmarked}",)
    _refuse_binary(nuls, len(content))
    if declared is not None:
        try:
            return content.decode(declared), (f"decoded as {declared}",)
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    return _mostly_utf8(content) or _guessed(content)


def _refuse_binary(controls: int, length: int) -> None:
    """Raises UnreadableError where control characters are more than an accident: over 2%, in a short text over 20%."""
    if controls * 50 > length and (controls > 4 or controls * 5 > length):
        raise UnreadableError("not text", hint="Check the file: its content does not fit its name.")


def _mostly_utf8(content: bytes) -> tuple[str, tuple[str, ...]] | None:
    """The text if it is UTF-8 but for a few bytes: guessing another encoding would garble everything else."""
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd") - content.count(b"\xef\xbf\xbd")
    valid = len(re.findall(r"[^\x00-\x7f\ufffd]", text))
    if valid < 3 * broken:
        return None
    return text, (f"bytes that are not UTF-8 replaced in {broken} places",)


def _guessed(content: bytes) -> tuple[str, tuple[str, ...]]:
    western = _western(content)
    encoding = likelier(content, "cp1252") if western is not None else wide(content) or _by_statistics(content)
    if western is not None and encoding == "cp1252":
        return western, ("decoded as cp1252",)
    return content.decode(encoding, "replace"), (f"decoded as {encoding}, which is a guess",)


def _by_statistics(content: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(content[:_GUESS_FROM], cp_exclusion=_UNLIKELY).best()
    return likelier(content, best.encoding) if best is not None else "latin_1"


def _western(content: bytes) -> str | None:
    """The text as Windows-1252 where that reads well. On short texts it is the better guess than any statistic."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    foreign = sum(char.isalpha() for char in re.findall(r"[^\x00-\x7f]", text))
    letters = len(re.findall(r"[A-Za-z]", text))
    inside_words = re.findall(r"(?<=[^\W\d_])[^\x00-\x7f](?=[^\W\d_])", text)
    odd = sum(not (char.isalpha() or char in "’‘­·") for char in inside_words)
    return text if foreign * 3 <= letters and odd * 20 <= foreign else None


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = tuple(map(chr, (*range(7), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F)))
_SURROGATES = re.compile("[\ud800-\udfff]")
_MANY_NULS = 5
_GUESS_FROM = 256 * 1024
_UNLIKELY = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "cp1006"]
