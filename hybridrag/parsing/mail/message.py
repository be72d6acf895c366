"""E-mail (RFC 5322): the headers that matter, then the body. Attachments are files of their own.

What a reply quotes and how it is signed stays in the text as written: `>` and `-- ` mark both already, and a reply of
three words means nothing without what it answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message

from hybridrag.parsing import refusals
from hybridrag.parsing.mail.headers import header, read_mail_date
from hybridrag.parsing.mail.parts import Parts, attached_name, body_text, encoded_content, read_parts
from hybridrag.parsing.markup.blocks import Structure, find_structure
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.text import clean
from hybridrag.types import Member

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_KEPT = {"message_id": "Message-ID", "in_reply_to": "In-Reply-To"}


def parse_mail(content: bytes) -> Parsed:
    """The message without its attachments: its headers and its body as text.

    Raises UnreadableError if it has no headers of an e-mail, or its body is encrypted.
    """
    message, parts = _read(content)
    headers = {name: value for name in _SHOWN if (value := header(message, name))}
    if not headers:
        raise UnreadableError("not an e-mail: it has no From, To, Date or Subject", hint="Rename it after what it is.")
    if parts.encrypted:
        raise UnreadableError(
            "encrypted: only its recipient's key opens it",
            hint="Save it decrypted from the mail program and index that.",
        )
    body, notes, marked_up = body_text(parts)
    block = "".join(f"{name}: {value}\n" for name, value in headers.items())
    text, cleaned = clean(f"{block}\n{body}")
    structure = find_structure(text) if marked_up else Structure((), ())
    metadata = {name.lower(): value for name, value in headers.items()}
    metadata |= {key: value.strip("<>") for key, name in _KEPT.items() if (value := header(message, name))}
    return Parsed(
        text=text,
        title=headers.get("Subject"),
        headings=structure.headings,
        blocks=structure.blocks,
        metadata=metadata,
        date=_date(message),
        notes=notes + cleaned,
    )


def mail_members(content: bytes) -> Iterator[Member]:
    """What is attached, one by one: files, and messages as `.eml`; what is without a name gets one.

    Left out are the pictures that an HTML body shows in its text, and signatures. Raises UnreadableError for a message
    that is nested too deeply.
    """
    message, parts = _read(content)
    sent = _date(message)
    taken: Counter[str] = Counter()
    for number, part in enumerate(parts.attached, 1):
        yield Member(_free(attached_name(part, number), taken), encoded_content(part), sent)


def _read(content: bytes) -> tuple[Message, Parts]:
    # Not `policy.default`: its reader of headers takes minutes for long ones, and raises for some that are malformed.
    try:
        message = message_from_bytes(content, policy=policy.compat32)
        return message, read_parts(message)
    except RecursionError:
        raise refusals.nested() from None


def _free(name: str, taken: Counter[str]) -> str:
    """The name, with a number where it is taken; from now on it is. Many files of one name cost little."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    number, free = max(1, taken[name]), name
    while free in taken:
        number += 1
        free = f"{stem}-{number}{dot}{ending}"
    taken[name] += 1
    taken[free] = max(1, taken[free])
    return free


def _date(message: Message) -> datetime | None:
    return read_mail_date(header(message, "Date"))
