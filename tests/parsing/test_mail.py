"""E-mail."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from hybridrag.parsing.mail.message import mail_members, parse_mail
from hybridrag.parsing.parsed import UnreadableError
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
    assert document.notes == ()
    (member,) = mail_members(mail.as_bytes())
    assert (member.name, member.content, member.modified) == ("kai.pdf", b"%PDF", document.date)


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


def test_references_are_metadata() -> None:
    mail = message()
    mail["Message-ID"] = "<7@example.org>"
    mail["In-Reply-To"] = "<6@example.org>"
    mail.set_content("On Monday Zoë wrote:\n> Wann?\nMorgen.\n-- \nTeam\n")
    parsed = parse_mail(mail.as_bytes())
    assert parsed.metadata["message_id"] == "7@example.org" and parsed.metadata["in_reply_to"] == "6@example.org"
    assert parsed.text.endswith("On Monday Zoë wrote:\n> Wann?\nMorgen.\n-- \nTeam\n")


def test_attachments_are_files_with_names_of_their_own() -> None:
    mail, inner = message(), message()
    inner.set_content("Innen.\n")
    mail.set_content("Text.\n")
    mail.add_attachment(inner)
    for name in ("a.txt", "a.txt", "../../etc/passwd", "Prüf bericht.csv"):
        mail.add_attachment(b"x,y\n", maintype="text", subtype="plain", filename=name)
    mail.add_attachment(b"{}", maintype="application", subtype="json")
    members = list(mail_members(mail.as_bytes()))
    assert [member.name for member in members] == [
        "Größe der Häfen.eml", "a.txt", "a-2.txt", "passwd", "Prüf bericht.csv", "part-6.json",
    ]  # fmt: skip
    assert parse_mail(members[0].content).text.endswith("\n\nInnen.\n")
    assert "x,y" not in parse_mail(mail.as_bytes()).text


def test_pictures_in_the_text_are_told_and_signatures_are_nothing() -> None:
    mail = message()
    mail.set_content("<h1>Plan</h1><table><tr><th>a<th>b<tr><td>1<td>2</table><img src=cid:x>", subtype="html")
    mail.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<x>", filename="logo.png")
    mail.make_mixed()
    mail.add_attachment(b"sig", maintype="application", subtype="pgp-signature", filename="signature.asc")
    parsed = parse_mail(mail.as_bytes())
    assert parsed.notes == ("1 picture in its text not indexed",)
    assert list(mail_members(mail.as_bytes())) == []
    assert [heading.title for heading in parsed.headings] == ["Plan"]
    assert parsed.text[parsed.blocks[0].start : parsed.blocks[0].end] == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_plain_part_that_says_nothing_gives_way_to_the_html() -> None:
    mail = message()
    mail.set_content("Needs HTML.\n")
    mail.add_alternative(f"<p style='display:none'>preheader</p><p>{'Der Kai ist gesperrt. ' * 20}</p>", subtype="html")
    text = parse_mail(mail.as_bytes()).text
    assert "gesperrt" in text and "preheader" not in text and "Needs HTML" not in text


def test_an_invitation_is_read() -> None:
    mail = message()
    mail.set_content("Bitte kommen.\n")
    event = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Kai\\, lang\r\nDTSTART:20260401T09\r\n 0000Z\r\nLOCATION:Büro\r\n"
    )
    mail.add_alternative(event, subtype="calendar")
    assert parse_mail(mail.as_bytes()).text.endswith(
        "Bitte kommen.\n\nEvent: Kai, lang\nStart: 20260401T090000Z\nLocation: Büro\n"
    )


def test_a_delivery_report_is_read() -> None:
    report = (
        b"Subject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        b"--b\n\nIt bounced.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        b"Final-Recipient: rfc822; zoe@example.org\nStatus: 5.1.1\n\n--b\nContent-Type: message/rfc822\n\n"
        b"Subject: first\n\nHallo\n--b--\n"
    )
    text = parse_mail(report).text
    assert "It bounced." in text and "Reporting-MTA: dns; mx.example.org" in text and "Status: 5.1.1" in text
    assert [member.name for member in mail_members(report)] == ["first.eml"]


def test_flowed_text_has_its_paragraphs_back() -> None:
    flowed = b"Subject: x\nContent-Type: text/plain; format=flowed\n\nOne \nline.\n> quoted \n> too\n-- \nZ\n"
    assert parse_mail(flowed).text == "Subject: x\n\nOne line.\n> quoted too\n-- \nZ\n"


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/encrypted; protocol=application/pgp-encrypted; boundary=b\n\n--b\nContent-Type: text/plain\n\nx",
        "application/pkcs7-mime; smime-type=enveloped-data\n\nMIAG",
        "text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nhQEM",
    ],
)
def test_an_encrypted_message_says_so(kind: str) -> None:
    with pytest.raises(UnreadableError, match="encrypted"):
        parse_mail(f"From: a@example.org\nContent-Type: {kind}\n".encode())


@pytest.mark.parametrize(
    ("charset", "codec"), [("iso-2022-jp", "iso2022_jp"), ("gb2312", "gb18030"), ("utf-16", "utf-16-le")]
)
def test_encodings_of_messages(charset: str, codec: str) -> None:
    head = f"Subject: x\nContent-Transfer-Encoding: base64\nContent-Type: text/plain; charset={charset}\n\n"
    content = head.encode() + b64encode("港の日本".encode(codec))
    assert parse_mail(content).text.endswith("\n\n港の日本\n")


def test_a_message_of_many_levels_says_so() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000))
    with pytest.raises(UnreadableError, match="nested too deeply"):
        parse_mail(b"Subject: x\n" + nested)
    with pytest.raises(UnreadableError, match="nested too deeply"):
        next(mail_members(b"Subject: x\n" + nested))


def test_html_that_says_more_than_the_plain_text_is_taken(parsed: Parse) -> None:
    mail = message()
    mail.set_content("The fees are in the table.\n")
    rows = "<tr><th>City<th>Fee</tr><tr><td>Oslo<td>12</tr><tr><td>Bergen<td>14</tr>"
    mail.add_alternative(f"<p>The fees are in the table.</p><table>{rows}</table>", subtype="html")
    assert "| Oslo | 12 |" in parsed("a.eml", mail.as_bytes(), KIND).text
