"""Word processor files, sheets, slides and books."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.types import Document, Skipped

Parse = Callable[[str, bytes, str], Document]

OPEN_XML = "application/vnd.openxmlformats-officedocument"
KINDS = {
    "docx": f"{OPEN_XML}.wordprocessingml.document",
    "xlsx": f"{OPEN_XML}.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "rtf": "application/rtf",
    "epub": "application/epub+zip",
}


@pytest.mark.parametrize("ending", ["docx", "odt", "rtf", "epub"])
def test_files_made_by_a_program(parsed: Parse, files: Path, ending: str) -> None:
    document = parsed(f"handbook.{ending}", (files / f"handbook.{ending}").read_bytes(), KINDS[ending])
    assert document.title == "Harbour handbook"
    assert document.metadata["author"] == "Ada Lovelace"
    for words in ("the code is harbour_code_7.", "Größe und Länge", "Umlaut äöü and € 100.", "speaks of lighthouses."):
        assert words in document.text
    cells = [cell.strip() for cell in document.text.split("|")]
    assert cells.index("Kiel") + 1 == cells.index("120")


@pytest.mark.parametrize("ending", ["docx", "odt", "rtf"])
def test_headings(parsed: Parse, files: Path, ending: str) -> None:
    document = parsed(f"handbook.{ending}", (files / f"handbook.{ending}").read_bytes(), KINDS[ending])
    assert [(heading.level, heading.title) for heading in document.headings] == [
        (1, "Harbour handbook"),
        (2, "Fees"),
        (3, "Größe und Länge"),
    ]
    for heading in document.headings:
        assert document.text[heading.start :].lstrip("# ").startswith(heading.title)


def test_a_title_that_names_a_file_is_no_title(parsed: Parse, files: Path) -> None:
    source = zipfile.ZipFile(files / "handbook.docx")
    buffer = io.BytesIO()
    with source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = content.replace(b">Harbour handbook<", b">Microsoft Word - draft7.doc<")
                assert b"draft7" in content
            target.writestr(name, content)
    assert parsed("a.docx", buffer.getvalue(), KINDS["docx"]).title == "Harbour handbook"


def test_a_workbook(parsed: Parse) -> None:
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    members = {
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{sheet}" xmlns:r="{office}"><sheets><sheet name="Fees" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{sheet}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is>'
        '<t>Kiel</t></is></c><c r="B1"><v>120</v></c></row></sheetData></worksheet>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    document = parsed("harbour-fees.xlsx", buffer.getvalue(), KINDS["xlsx"])
    assert "| Kiel | 120 |" in document.text
    assert document.title == "Harbour fees"


@pytest.mark.parametrize("ending", ["docx", "xlsx", "odt", "epub"])
@pytest.mark.parametrize("content", [b"no archive", b"PK\x03\x04 junk", b""])
def test_broken_files(skipped: Callable[[str, bytes, str], Skipped], ending: str, content: bytes) -> None:
    assert skipped(f"a.{ending}", content, KINDS[ending]).failed


def test_a_docx_with_a_password(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    locked = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(1000)
    assert skipped("a.docx", locked, KINDS["docx"]).reason == "encrypted: needs a password"


def test_an_unknown_kind(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    assert skipped("a.png", b"\x89PNG", "image/png").reason == "no parser for this kind of file"


def test_a_word_file_keeps_what_xml_writes_as_an_entity(parsed: Parse, examples: Path) -> None:
    """LibreOffice writes every apostrophe as `&apos;`; "AT&T" is `AT&amp;T` in any DOCX."""
    content = (examples / "hr" / "leave-policy.docx").read_bytes()
    assert "need a week's notice" in parsed("leave-policy.docx", content, KINDS["docx"]).text
