"""The headers of a message, whatever was done to them."""

from __future__ import annotations

from datetime import datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from hybridrag.parsing.dates import in_utc
from hybridrag.parsing.html.charset import declared_encoding
from hybridrag.parsing.parsed import one_line


def header(message: Message, name: str) -> str:
    """A header on one line, encoded words (RFC 2047) read; empty where it is not given. At most 2,000 characters."""
    wanted = name.lower()
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == wanted), "")
    return one_line(decoded_words(raw[:_LONGEST]), limit=2000)


def decoded_words(raw: str) -> str:
    """A header's text as it is meant: raw bytes are UTF-8, else Windows-1252; broken encoded words stay as written."""
    content = raw.encode("utf-8", "surrogateescape")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "=?" not in text:
        return text
    try:
        return "".join(_decoded(piece, charset) for piece, charset in decode_header(" ".join(text.split())))
    except (ValueError, LookupError, MessageError):
        return text


def read_mail_date(written: str) -> datetime | None:
    """A date of RFC 5322 in UTC; without a zone it counts as UTC. None for anything else."""
    try:
        return in_utc(parsedate_to_datetime(written))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _decoded(piece: str | bytes, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return piece.decode(declared_encoding(charset) or "utf-8", "replace")


_LONGEST = 20_000
