"""Mailboxes."""

from __future__ import annotations

import mailbox
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from hybridrag.parsing.mail.mbox import mbox_members
from hybridrag.parsing.mail.message import parse_mail
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.sources.media import media_type

SEPARATOR = b"From a@example.org Mon Jan  5 09:00:00 2026\n"


def written(folder: Path) -> bytes:
    """A mailbox as the standard library writes it."""
    box = mailbox.mbox(folder / "box")
    for number in range(3):
        mail = EmailMessage()
        mail["From"] = "zoe@example.org"
        mail["Subject"] = f"Nachricht {number}"
        mail["Date"] = "Mon, 05 Jan 2026 10:00:00 +0100"
        if number < 2:
            mail["Message-ID"] = f"<{number}/a@example.org>" if number else "<first@example.org>"
        mail.set_content(f"Number {number}.\n\nFrom here on it rains.\n")
        box.add(mail)
    box.flush()
    box.close()
    return (folder / "box").read_bytes()


def test_a_mailbox_of_the_standard_library(tmp_path: Path) -> None:
    content = written(tmp_path)
    members = list(mbox_members(content))
    assert members[0].name == "first@example.org.eml"
    assert members[1].name.startswith("1_a@example.org-") and members[1].name.endswith(".eml")
    assert members[2].name.startswith("message-")
    assert members[0].modified == datetime(2026, 1, 5, 9, tzinfo=UTC)
    for number, member in enumerate(members):
        parsed = parse_mail(member.content)
        assert parsed.title == f"Nachricht {number}"
        assert parsed.text.endswith(f"Number {number}.\n\nFrom here on it rains.\n")
    shorter = content[content.index(b"\nFrom ") + 1 :]
    assert [member.name for member in mbox_members(shorter)] == [member.name for member in members[1:]]


def test_line_ends_quotes_and_missing_ends() -> None:
    one = SEPARATOR + b"Subject: a\nMessage-ID: <x@y>\n\n>From me\n>>From you\nFrom now on\n\nFrom then on\n\n"
    two = SEPARATOR + b"Subject: b\nMessage-ID: <x@y>\n\nlast"
    for content in (one + two, (one + two).replace(b"\n", b"\r\n")):
        first, second = mbox_members(content)
        assert (first.name, second.name) == ("x@y.eml", "x@y-2.eml")
        assert first.content.replace(b"\r", b"").endswith(b"\n\nFrom me\n>From you\nFrom now on\n\nFrom then on\n")
        assert second.content.endswith(b"last\n")


def test_ten_thousand_messages_come_one_by_one() -> None:
    message = b"Subject: n\n\n" + b"text of it\n" * 20
    content = b"".join(SEPARATOR + b"Message-ID: <%d@x>\n" % n + message + b"\n" for n in range(10_000))
    members = mbox_members(content)
    assert next(members).name == "0@x.eml"
    assert sum(1 for _ in members) == 9_999


def test_what_is_no_mailbox() -> None:
    assert list(mbox_members(b"")) == []
    with pytest.raises(UnreadableError, match="not a mailbox"):
        list(mbox_members(b"Just a text.\n"))


def test_mailboxes_and_messages_are_known_without_a_name() -> None:
    assert media_type("mail/Inbox", SEPARATOR + b"Subject: a\n\nb\n") == "application/mbox"
    assert media_type("a.mbox", b"") == "application/mbox"
    assert media_type("notes.txt", b"From Monday 09:00 on\nwe meet here.\n") == "text/plain"
    stored = b"Return-Path: <a@example.org>\nReceived: by mx.example.org\nSubject: a\n\nb\n"
    assert media_type("cur/1767603600.M1P1.host:2,S", stored) == "message/rfc822"
