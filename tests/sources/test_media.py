"""Media types by name and by first bytes."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from hybridrag.sources.media import extension, holds_no_text, media_type, type_by_name


def office(*members: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.MD", "text/markdown"),
        ("a/b.c/Makefile", "text/x-makefile"),
        ("report.PDF", "application/pdf"),
        ("mail.eml", "message/rfc822"),
        ("a/SCAN.JPG", "image/jpeg"),
        ("x.py", "text/x-python"),
        ("t.csv", "text/csv"),
        ("noext", None),
        (".md", None),
    ],
)
def test_by_name(name: str, expected: str | None) -> None:
    assert type_by_name(name) == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("scan", b"II*\0\x08\0\0\0", "image/tiff"),
        ("shot.txt", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        ("a.txt", b"%PDF-1.4", "application/pdf"),
        ("a", b"%PDF-1.4", "application/pdf"),
        ("a.pdf", b"<html>", "application/pdf"),
        ("letter.doc", b"{\\rtf1", "application/rtf"),
        ("report.docx", b"%PDF-1.4", "application/pdf"),
        ("report.dotx", b"PK\x03\x04word/", type_by_name("report.dotx")),
        ("report.zip", b"PK\x03\x04word/", "application/zip"),
        ("docs.zip", b"\x1f\x8b\x08", "application/gzip"),
        ("a.md", bytes(range(256)), "text/markdown"),
        ("a.unknown", b"plain words", "text/plain"),
        ("cur/17.M1:2,S", b"Message-ID: <x@y>\nDate: Mon, 14 May 2001\nFrom: a@b.c\n\nHi", "message/rfc822"),
        ("memo.txt", b"From: Bob\nDate: Monday\nSubject: rooms\n\nHi", "text/plain"),
        ("a.unknown", "wörter".encode("utf-16"), "text/plain"),
        ("a.unknown", b"caf\xe9", "text/plain"),
        ("a.unknown", b"\x7fELF\x00\x01", None),
    ],
)
def test_by_name_and_content(name: str, content: bytes, expected: str | None) -> None:
    assert media_type(name, content) == expected


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (office(("[Content_Types].xml", "x"), ("word/document.xml", "x")), ".docx"),
        (office(("[Content_Types].xml", "x"), ("xl/workbook.xml", "x")), ".xlsx"),
        (office(("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "x")), ".odt"),
        (office(("mimetype", "application/epub+zip"), ("a", "x")), ".epub"),
    ],
)
def test_office_files_without_a_name(content: bytes, ending: str) -> None:
    kind = media_type("upload", content)
    assert kind is not None
    assert extension(kind) == ending


def test_an_office_file_under_another_name_is_one() -> None:
    letter = office(("[Content_Types].xml", "x"), ("word/document.xml", "x"))
    assert media_type("letter.pdf", letter) == media_type("letter.doc", letter) == type_by_name("letter.docx")
    assert media_type("letter.docm", letter) == type_by_name("letter.docm")


def test_an_archive_is_told_by_its_first_bytes() -> None:
    assert media_type("upload", office(("a.txt", "x"))) == "application/zip"
    assert media_type("a.md", gzip.compress(b"x")) == "application/gzip"
    assert holds_no_text("a/b.RAR")
    assert not holds_no_text("a.rar/b.md")
