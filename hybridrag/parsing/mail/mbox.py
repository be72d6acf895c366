"""A mailbox in one file (mbox, RFC 4155): its messages, one by one, each as a file of its own."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from hybridrag.parsing.mail.headers import read_mail_date
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.types import Member


def mbox_members(content: bytes) -> Iterator[Member]:
    """The messages in their order. Their names rest on their Message-ID, so that they stay when others are deleted.

    A message without one is named by a hash of its bytes; a second of the same name ends in `-2`. Raises
    UnreadableError where the file is no mailbox.
    """
    named: Counter[str] = Counter()
    for message in _messages(content):
        headers = _headers(message)
        name = _name(message, headers)
        named[name] += 1
        number = f"-{named[name]}" if named[name] > 1 else ""
        yield Member(f"{name}{number}.eml", message, _sent(headers))


def _messages(content: bytes) -> Iterator[bytes]:
    """Each message without its `From ` line, and with the `>` taken off that mboxrd puts before such lines.

    A message begins at a line `From ` with a time or a year in it after a blank line, or at one with a whole date: so a
    sentence that begins with the word does not cut a message in two where a program forgot to quote it.
    """
    begin = len(content) - len(content.lstrip(b"\xef\xbb\xbf\r\n"))
    if not content.startswith(b"From ", begin):
        if content.strip():
            raise UnreadableError(
                "not a mailbox: it does not begin with a line `From `", hint="Rename it after what it is."
            )
        return
    start = _line_end(content, begin)
    for separator in _SEPARATOR.finditer(content, start - 1):
        yield _unquoted(content[start : max(start, separator.start())])
        start = _line_end(content, separator.end())
    yield _unquoted(content[start:])


def _line_end(content: bytes, start: int) -> int:
    end = content.find(b"\n", start)
    return len(content) if end < 0 else end + 1


def _unquoted(message: bytes) -> bytes:
    message = message.rstrip(b"\r\n") + b"\n"
    return _QUOTED.sub(rb"\1", message) if b"\n>" in message else message


def _headers(message: bytes) -> bytes:
    blank = _END_OF_HEADERS.search(message)
    return message[: blank.start() + 1] if blank else message


def _sent(headers: bytes) -> datetime | None:
    found = _DATE.search(headers)
    return read_mail_date(found[1].decode("ascii", "replace")) if found else None


def _name(message: bytes, headers: bytes) -> str:
    """The Message-ID in letters that any file system takes, else a hash of the bytes."""
    found = _MESSAGE_ID.search(headers)
    written = found[1].decode("ascii", "replace").strip() if found else ""
    name = _UNSAFE.sub("_", written).strip("._")
    if not name:
        return f"message-{hashlib.sha256(message).hexdigest()[:16]}"
    if len(name) > _LONGEST_NAME or name != written:
        # What was cut off or replaced may be what told two messages apart.
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(written.encode()).hexdigest()[:8]}"
    return name


_SEPARATOR = re.compile(
    rb"\n\r?\nFrom (?=[^\n]{0,400}(?:\d\d:\d\d|(?:19|20)\d\d))"
    rb"|\nFrom (?=[^\n]{0,300}\s(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d|\d)[^\n]{0,100}\d\d:\d\d)"
)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_END_OF_HEADERS = re.compile(rb"\n\r?\n")
_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(?:\r?\n[ \t]+)?<?([^\s<>]{1,998})", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(rb"^Date:[ \t]*([^\r\n]{1,200})", re.IGNORECASE | re.MULTILINE)
_UNSAFE = re.compile(r"[^A-Za-z0-9.@+=_-]+")
_LONGEST_NAME = 120
