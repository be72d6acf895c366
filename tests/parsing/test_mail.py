"""E-mail."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from hybridrag.types import Document, Skipped

Parse = Callable[[str, bytes, str], Document]
KIND = "message/rfc822"


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Zoë Müller <zoe@example.org>"
    mail["To"] = "team@example.org"
    mail["Subject"] = "Größe der Häfen"
    mail["Date"] = "Mon, 16 Mar 2026 15:42:06 +0100"
    return mail


def test_a_plain_message_with_an_attachment(parsed: Parse) -> None:
    mail = message()
    mail.set_content("Hallo,\n\nder Kai ist länger.\n")
    mail.add_alternative("<p>Not this one</p>", subtype="html")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="kai.pdf")
    document = parsed("a.eml", mail.as_bytes(), KIND)
    assert document.title == "Größe der Häfen"
    assert document.text == (
        "From: Zoë Müller <zoe@example.org>\nTo: team@example.org\nDate: Mon, 16 Mar 2026 15:42:06 +0100\n"
        "Subject: Größe der Häfen\n\nHallo,\n\nder Kai ist länger.\n"
    )
    assert document.metadata["from"] == "Zoë Müller <zoe@example.org>"
    assert document.date is not None
    assert document.date.isoformat() == "2026-03-16T14:42:06+00:00"
    assert document.notes == ("1 attachment not indexed: kai.pdf",)


def test_an_html_message(parsed: Parse) -> None:
    mail = message()
    mail.set_content("<html><head><title>x</title></head><body><p>Der <b>Kai</b></p></body></html>", subtype="html")
    assert parsed("a.eml", mail.as_bytes(), KIND).text.endswith("\n\nDer **Kai**\n")


def test_a_message_without_a_body_is_its_headers(parsed: Parse) -> None:
    assert parsed("a.eml", b"Subject: only this\nFrom: a@b.example\n\n", KIND).text.startswith("From: a@b.example\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Subject: x\nContent-Type: text/plain; charset=no-such\n\ncaf\xe9", "café"),
        (b"Subject: x\nContent-Type: text/plain; charset=iso-8859-2\n\n\xb1 i \xea", "ą i ę"),
        (b"Subject: x\nContent-Transfer-Encoding: quoted-printable\n\ncaf=C3=A9", "café"),
        (b"Subject: =?utf-8?b?w4RwZmVs?=\r\n\r\nBody\r\n", "Äpfel"),
        (b"Subject: =?no-such?q?x?=\nDate: never\nTo: <<@@>>,\n\nBody", "Body"),
        (b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nunclosed part", "unclosed part"),
        (b"Subject: x\nContent-Type: multipart/mixed\n\nno boundary", "Subject: x"),
    ],
)
def test_damaged_messages_come_in(parsed: Parse, content: bytes, words: str) -> None:
    assert words in parsed("a.eml", content, KIND).text


def test_what_is_no_message(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    assert skipped("a.eml", b"Just a text in the wrong file.\n", KIND).reason.startswith("not an e-mail")
