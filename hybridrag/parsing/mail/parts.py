"""The parts of a message: which of them are its text, and which are files that came with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.message import Message
from functools import cached_property
from posixpath import basename

from hybridrag.parsing.html.charset import declared_encoding, decode_declared, encoding_of_markup
from hybridrag.parsing.html.reading import html_to_markdown
from hybridrag.parsing.mail.headers import decoded_words, header
from hybridrag.parsing.parsed import counted, one_line

_BROKEN = (ValueError, LookupError, AttributeError, TypeError, MessageError)
"""What the library raises for malformed headers, where it should note a defect."""


@dataclass(frozen=True, eq=False)
class Body:
    """A part that is text. It is read once, however often it is compared with others."""

    part: Message

    @cached_property
    def read(self) -> tuple[str, tuple[str, ...], bool]:
        """Its text, notes, and whether it is Markdown made from HTML."""
        return _text_of(self.part)

    @cached_property
    def words(self) -> Sequence[str]:
        return _WORD.findall(self.read[0].casefold())


@dataclass(slots=True)
class Parts:
    """The parts that are read as text, in order, those that are files, and how many pictures the text shows."""

    texts: list[Body] = field(default_factory=list)
    attached: list[Message] = field(default_factory=list)
    pictures: int = 0
    encrypted: bool = False


def read_parts(message: Message) -> Parts:
    """The parts of a message, sorted."""
    parts = Parts()
    _sort(message, parts, shown_inside=False)
    return parts


def body_text(parts: Parts) -> tuple[str, tuple[str, ...], bool]:
    """The text of the body, notes, and whether it is Markdown made from HTML."""
    texts: list[str] = []
    notes: list[str] = []
    marked_up = False
    for body in parts.texts:
        text, told, from_html = body.read
        if text.strip():
            texts.append(text.strip("\n") + "\n")
            notes.extend(note for note in told if note not in notes)
            marked_up = marked_up or from_html
    if not texts:
        notes.append("its body is not text")
    if parts.pictures:
        notes.append(f"{counted(parts.pictures, 'picture')} in its text not indexed")
    return "\n".join(texts), tuple(notes), marked_up


def attached_name(part: Message, number: int) -> str:
    """A name for a file that came with a message: its own, without folders, else one made from what it is."""
    written = one_line(basename(_file_name(part).replace("\\", "/")), limit=150)
    if _kind(part) == "message/rfc822":
        inner = _inner_message(part)
        subject = one_line(header(inner, "Subject"), limit=100) if inner is not None else ""
        name = written or _UNSAFE.sub("_", subject).strip(" .") or f"message-{number}"
        return name if name.lower().endswith(".eml") else f"{name}.eml"
    return written.strip(" .") or f"part-{number}{_ENDINGS.get(_kind(part), '')}"


def encoded_content(part: Message) -> bytes:
    """The bytes of a file that came with a message."""
    inner = _inner_message(part) if _kind(part) == "message/rfc822" else None
    if inner is None:
        return _payload(part)
    transfer = header(part, "Content-Transfer-Encoding").strip().lower()
    if transfer in {"base64", "quoted-printable"} and not inner.keys():
        # Not allowed for a message (RFC 2046, 5.2.1), and done: all of it is then taken for the inner body.
        inner["Content-Transfer-Encoding"] = transfer
        return _payload(inner)
    try:
        return inner.as_bytes(policy=policy.compat32)
    except (*_BROKEN, RecursionError):
        return _payload(inner)


def _sort(part: Message, parts: Parts, *, shown_inside: bool) -> None:
    kind = _kind(part)
    if kind == "multipart/encrypted" or (kind in _SEALED and "signed" not in _parameter(part, "smime-type")):
        parts.encrypted = True
    elif kind in _SIGNATURES:
        return
    elif part.is_multipart() and kind.startswith("multipart/"):
        _sort_inside(part, parts, kind)
    elif _is_text(part, kind):
        parts.texts.append(Body(part))
        parts.encrypted = parts.encrypted or _PGP.match(_payload(part)[:2000].lstrip()) is not None
    elif kind.startswith("image/") and (shown_inside or not _file_name(part)):
        parts.pictures += 1
    elif part.is_multipart() or _payload(part).strip():
        parts.attached.append(part)


def _sort_inside(part: Message, parts: Parts, kind: str) -> None:
    children = [child for child in part.get_payload() if isinstance(child, Message)]
    if kind == "multipart/alternative":
        _choose(children, parts)
        return
    for child in children:
        _sort(child, parts, shown_inside=kind == "multipart/related" and child is not children[0])


def _choose(alternatives: list[Message], parts: Parts) -> None:
    """The plain text, unless the HTML says more: some programs write a pointer to it, or leave out its tables.

    What comes with the others, such as an invitation's calendar, is kept too.
    """
    sorted_parts = [Parts() for _ in alternatives]
    for alternative, found in zip(alternatives, sorted_parts, strict=True):
        _sort(alternative, found, shown_inside=False)
        parts.attached += found.attached
        parts.pictures += found.pictures
        parts.encrypted = parts.encrypted or found.encrypted
    readable = [found.texts for found in sorted_parts if found.texts]
    calendars = [texts for texts in readable if _kind(texts[0].part) == "text/calendar"]
    bodies = [texts for texts in readable if _kind(texts[0].part) != "text/calendar"]
    plain = next((texts for texts in bodies if _kind(texts[0].part) != "text/html"), None)
    other = next((texts for texts in reversed(bodies) if texts is not plain), None)
    chosen = plain or other or []
    if plain and other and _says_more(other, plain):
        chosen = other
    parts.texts += chosen + [body for texts in calendars for body in texts]


def _says_more(other: list[Body], plain: list[Body]) -> bool:
    """Whether it has more words than the plain text, and over a third of them is not there."""
    there, words = _words(plain), _words(other)
    new = set(words) - set(there)
    return len(words) > len(there) and sum(word in new for word in words) * 3 > len(words)


def _words(bodies: list[Body]) -> list[str]:
    return [word for body in bodies for word in body.words]


def _is_text(part: Message, kind: str) -> bool:
    if kind == "message/delivery-status":
        return True
    named = _file_name(part) or header(part, "Content-Disposition").strip().lower().startswith("attachment")
    return not named and kind in {"text/plain", "text/html", "text/calendar", "text/enriched", "text/rfc822-headers"}


def _text_of(part: Message) -> tuple[str, tuple[str, ...], bool]:
    kind = _kind(part)
    if kind == "message/delivery-status":
        groups = part.get_payload()
        blocks = [group for group in groups if isinstance(group, Message)] if isinstance(groups, list) else []
        return "\n".join("".join(f"{k}: {one_line(str(v))}\n" for k, v in b.items()) for b in blocks), (), False
    content = _payload(part)
    html = kind == "text/html"
    encoding = declared_encoding(_parameter(part, "charset") or None) or (encoding_of_markup(content) if html else None)
    text, notes = decode_declared(content, encoding)
    if html:
        return html_to_markdown(text), notes, True
    if kind == "text/calendar":
        return _calendar(text), notes, False
    if _parameter(part, "format") == "flowed":
        return _unflowed(text, joined=_parameter(part, "delsp") == "yes"), notes, False
    return text, notes, False


def _calendar(text: str) -> str:
    """What an invitation says (RFC 5545): its properties that people read, a line each."""
    lines = re.sub(r"\n[ \t]", "", text).split("\n")
    shown = []
    for line in lines:
        name, _, value = line.partition(":")
        label = _CALENDAR.get(name.partition(";")[0].upper())
        if label and value.strip():
            plain = value.replace("\\n", " ").replace("\\N", " ").replace("\\,", ",").replace("\\;", ";")
            shown.append(f"{label}: {one_line(plain, limit=5000)}\n")
    return "".join(shown)


def _unflowed(text: str, *, joined: bool) -> str:
    """Paragraphs on one line where the program had broken them (RFC 3676): a line that ends in a space goes on."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        bare = line[depth:].removeprefix(" ")
        goes_on = bare.endswith(" ") and bare != "-- "
        piece = bare[:-1] if goes_on and joined else bare
        if open_depth == depth and bare != "-- ":
            lines[-1].append(piece)
        else:
            lines.append([f"{'>' * depth} {piece}" if depth else piece])
        open_depth = depth if goes_on else -1
    return "\n".join(map("".join, lines))


def _kind(part: Message) -> str:
    try:
        return part.get_content_type()
    except _BROKEN:
        return "text/plain"


def _parameter(part: Message, name: str) -> str:
    try:
        value = part.get_param(name)
    except _BROKEN:
        return ""
    # An encoded one (RFC 2231) comes as its charset, language and text.
    return str(value[2] if isinstance(value, tuple) else value or "").strip().lower()


def _file_name(part: Message) -> str:
    try:
        return decoded_words(part.get_filename() or "")
    except _BROKEN:
        return ""


def _payload(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (*_BROKEN, AssertionError):
        return b""
    return content if isinstance(content, bytes) else b""


def _inner_message(part: Message) -> Message | None:
    inner = part.get_payload()
    return inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else None


_WORD = re.compile(r"[^\W_]+")
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_PGP = re.compile(rb"-----BEGIN PGP MESSAGE-----")
_UNSAFE = re.compile(r"[^\w .@+=()-]+")
_ENDINGS = {
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/calendar": ".ics",
    "application/json": ".json",
    "application/zip": ".zip",
    "application/rtf": ".rtf",
    "application/xml": ".xml",
    "text/xml": ".xml",
}
_CALENDAR = {
    "SUMMARY": "Event",
    "DTSTART": "Start",
    "DTEND": "End",
    "LOCATION": "Location",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "DESCRIPTION": "Description",
}
