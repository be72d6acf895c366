"""Bytes to text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.text import decode
from hybridrag.types import Document, Skipped

Parse = Callable[[str, bytes, str], Document]
Skip = Callable[[str, bytes, str], Skipped]

GERMAN = "Die Straße nach München führt über Köln. Größe: äußerst üppig."


@pytest.mark.parametrize(
    ("content", "text", "note"),
    [
        (GERMAN.encode(), GERMAN, None),
        (b"\xef\xbb\xbf" + GERMAN.encode(), GERMAN, None),
        (GERMAN.encode("utf-16"), GERMAN, "decoded as utf-16"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), GERMAN, "decoded as utf-16-be"),
        (GERMAN.encode("cp1252"), GERMAN, "decoded as cp1252"),
        (b"caf\xe9", "café", "decoded as cp1252"),
        ("“Hello” — it’s".encode("cp1252"), "“Hello” — it’s", "decoded as cp1252"),
        (
            "Zażółć gęślą jaźń. Proszę przesłać wniosek.".encode("cp1250"),
            "Zażółć gęślą jaźń. Proszę przesłać wniosek.",
            "cp1250",
        ),
        *(
            (text.encode(encoding), text, encoding)
            for encoding, text in {
                "cp1254": "Başvurular ayın sonuna kadar yapılmalıdır; gecikenler değerlendirilmeyecektir.",
                "iso8859_2": "Wąż śpi pod łóżkiem, a źrebię biegnie przez łąkę. Proszę przesłać wniosek.",
                "cp1257": "Prašymas turi būti pateiktas iki mėnesio pabaigos, įmonės raštinėje.",
            }.items()
        ),
        (
            "Правила командировок: бронируйте заранее.".encode("cp1251"),
            "Правила командировок: бронируйте заранее.",
            "cp1251",
        ),
        (GERMAN.encode("utf-16-le"), GERMAN, "decoded as utf-16-le"),
        (GERMAN.encode("utf-16-be"), GERMAN, "decoded as utf-16-be"),
        (GERMAN.encode("utf-32-be"), GERMAN, "decoded as utf-32-be"),
        ("规则：请提前两周提交申请。\n".encode("utf-16-le"), "规则：请提前两周提交申请。\n", "utf-16-le"),
        (GERMAN.encode("mac-roman"), GERMAN, "which is a guess"),
        ("出張の申請は二週間前まで。".encode("iso-2022-jp"), "出張の申請は二週間前まで。", "iso2022_jp"),
        (GERMAN.encode() + b" \xff", GERMAN + " \ufffd", "not UTF-8 replaced in 1 places"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n", None),
        (b"hello\0world", "helloworld", "1 NUL character removed"),
        (b"a\0b" + b" words" * 200 + b"\0\0", "ab" + " words" * 200, "3 NUL characters removed"),
    ],
)
def test_decoding(content: bytes, text: str, note: str | None) -> None:
    decoded, notes = decode(content)
    assert decoded == text
    assert (len(notes) == 1 and note in notes[0]) if note else notes == ()


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 4, b"\x7fELF\x02\x01\x01" + bytes(64), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(99)]
)
def test_binary_junk_is_refused(skipped: Skip, content: bytes) -> None:
    for name, media_type in (("a.md", "text/markdown"), ("a.txt", "text/plain"), ("a.html", "text/html")):
        refused = skipped(name, content, media_type)
        assert (refused.reason, refused.failed) == ("not text", True)


def test_notes_reach_the_document(parsed: Parse) -> None:
    assert parsed("a.txt", b"caf\xe9", "text/plain").notes == ("decoded as cp1252",)
    assert parsed("a.md", b"caf\xe9", "text/markdown").notes == ("decoded as cp1252",)


def test_files_by_iconv(files: Path) -> None:
    written = (files / "text" / "rules.md").read_text(encoding="utf-8")
    assert decode((files / "text" / "rules-utf16.txt").read_bytes())[0] == written
    assert decode((files / "text" / "rules-utf16le.txt").read_bytes())[0] == written


@pytest.mark.parametrize("content", [b"", b" \r\n\t", b"\xef\xbb\xbf"])
def test_blank_files_are_no_failure(skipped: Skip, content: bytes) -> None:
    refused = skipped("a.txt", content, "text/plain")
    assert (refused.reason, refused.failed) == ("holds no text", False)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("hr/travel-rules_2026.txt", "Travel rules 2026"),
        ("README", "README"),
        (".env", ".env"),
        ("a/---.txt", "a/---.txt"),
        ("a\nb.txt", "A b"),
    ],
)
def test_titles_from_names(parsed: Parse, path: str, title: str) -> None:
    assert parsed(path, b"words", "text/plain").title == title


def test_code_and_tables_stay_as_written(parsed: Parse) -> None:
    code = "def f():\n\treturn '# not a heading'\n"
    table = 'a,"b, c"\n1,"x ""y"""\n'
    assert parsed("a.py", code.encode(), "text/x-python").text == code
    assert parsed("a.csv", table.encode(), "text/csv").text == table
    assert parsed("a.py", b"# comment\n", "text/x-python").headings == ()


@given(st.binary(max_size=400))
def test_any_bytes_become_storable_text_or_a_reason(content: bytes) -> None:
    for media_type in ("text/plain", "text/markdown", "message/rfc822"):
        try:
            text = parse(content, media_type).text
        except UnreadableError as error:
            assert error.reason
            continue
        assert "\0" not in text and "\r" not in text
        text.encode()
