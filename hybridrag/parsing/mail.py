"""E-mail (RFC 5322): the headers that matter, then the body; attachments are named, not read."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage

from hybridrag.parsing.html import html_to_markdown
from hybridrag.parsing.parsed import Parsed, UnreadableError, one_line
from hybridrag.parsing.text import clean, decode

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def parse_mail(content: bytes) -> Parsed:
    """The message: its headers and its body as text. Raises UnreadableError if it has no headers of an e-mail."""
    message = message_from_bytes(content, policy=policy.default)
    headers = {name: value for name in _SHOWN if (value := _header(message, name))}
    if not headers:
        raise UnreadableError("not an e-mail: it has no From, To, Date or Subject")
    body, notes = _body(message)
    block = "".join(f"{name}: {value}\n" for name, value in headers.items())
    text, cleaned = clean(f"{block}\n{body}")
    attached = _attachments(message)
    if attached:
        plural = "" if len(attached) == 1 else "s"
        notes += (f"{len(attached)} attachment{plural} not indexed: {one_line(', '.join(attached), limit=500)}",)
    return Parsed(
        text=text,
        title=headers.get("Subject"),
        metadata={name.lower(): value for name, value in headers.items()},
        date=_date(message),
        notes=notes + cleaned,
    )


def _header(message: EmailMessage, name: str) -> str:
    # The library raises for some malformed headers where it should note a defect.
    try:
        return one_line(str(message.get(name, "")), limit=2000)
    except (ValueError, LookupError, AttributeError, TypeError, MessageError):
        return ""


def _date(message: EmailMessage) -> datetime | None:
    try:
        moment = getattr(message.get("Date"), "datetime", None)
    except (ValueError, LookupError, AttributeError, TypeError, MessageError):
        return None
    if not isinstance(moment, datetime):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _body(message: EmailMessage) -> tuple[str, tuple[str, ...]]:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return "", ("its body is not text",)
    payload = part.get_payload(decode=True)
    declared = part.get_content_charset()
    content = payload if isinstance(payload, bytes) else b""
    text, notes = decode(content, declared=None if declared in {"us-ascii", "utf-8"} else declared)
    return (html_to_markdown(text) if part.get_content_type() == "text/html" else text), notes


def _attachments(message: EmailMessage) -> list[str]:
    return [one_line(part.get_filename() or part.get_content_type(), limit=120) for part in message.iter_attachments()]
