"""Office files made to hurt, in memory: none of them can be read, and each must say why within the limits."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OPEN_DOCUMENT = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)
_LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
)


def files() -> dict[str, bytes]:
    """Name to content."""
    sheet = f'<worksheet xmlns="{_SHEET}"><sheetData>{{}}</sheetData></worksheet>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row>'
    document = f'<w:document xmlns:w="{_WORD}"><w:body>{{}}</w:body></w:document>'
    text = f"<office:document-content {_OPEN_DOCUMENT}><office:body>{{}}</office:body></office:document-content>"
    repeated = (
        '<table:table-row table:number-rows-repeated="999999999"><table:table-cell '
        'table:number-columns-repeated="999999999"><text:p>x</text:p></table:table-cell></table:table-row>'
    )
    return {
        "bomb-of-zeros.xlsx": _bomb("xl/worksheets/sheet1.xml", workbook(b"")),
        "bomb-of-zeros.docx": _bomb("word/document.xml", word(b"")),
        "bomb-of-zeros.odt": _bomb("content.xml", {"mimetype": b"application/vnd.oasis.opendocument.text"}),
        "bomb-that-lies.xlsx": _bomb("xl/worksheets/sheet1.xml", workbook(b""), declared=1000),
        "laughs.xlsx": zipped(
            {**workbook((_LAUGHS + sheet.format(cell.format("&a11;"))).encode()), "xl/sharedStrings.xml": b"<sst/>"}
        ),
        "laughs.docx": zipped(word((_LAUGHS + document.format("<w:p><w:r><w:t>&a11;</w:t></w:r></w:p>")).encode())),
        "laughs.odt": zipped({"content.xml": (_LAUGHS + text.format("<text:p>&a11;</text:p>")).encode()}),
        "entity-from-outside.odt": zipped(
            {
                "content.xml": (
                    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>" + text.format("<text:p>&e;</text:p>")
                ).encode()
            }
        ),
        "nested.docx": zipped(word(document.format("<w:sdt><w:sdtContent>" * 20_000).encode())),
        "nested-and-closed.docx": zipped(
            word(document.format("<w:ins>" * 20_000 + "<w:r/>" + "</w:ins>" * 20_000).encode())
        ),
        "nested.odt": zipped(
            {
                "content.xml": text.format(
                    "<office:text>"
                    + "<text:section>" * 20_000
                    + "<text:p>x</text:p>"
                    + "</text:section>" * 20_000
                    + "</office:text>"
                ).encode()
            }
        ),
        "repeated.ods": zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": text.format(
                    f"<office:spreadsheet><table:table>{repeated * 2}</table:table></office:spreadsheet>"
                ).encode(),
            }
        ),
        "one-string-everywhere.xlsx": zipped(
            {
                **workbook(
                    sheet.format(
                        "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 3001))
                    ).encode()
                ),
                "xl/sharedStrings.xml": f'<sst xmlns="{_SHEET}"><si><t>{"x" * 1_000_000}</t></si></sst>'.encode(),
            }
        ),
        "sheet-outside.xlsx": zipped(
            {**workbook(b""), "xl/_rels/workbook.xml.rels": _relations(("worksheet", "../../../../etc/passwd"))}
        ),
        "no-sheet.xlsx": zipped({name: part for name, part in workbook(b"").items() if "sheet1" not in name}),
        "no-xml.pptx": zipped(
            {
                "_rels/.rels": _relations(("officeDocument", "ppt/presentation.xml")),
                "ppt/presentation.xml": b"\0" * 1000,
            }
        ),
        "same-slide-again.pptx": zipped(_slides()),
        "locked-part.docx": _locked(zipped(word(b"x"))),
        "garbage.xls": OLE + "Workbook".encode("utf-16-le") + bytes(range(256)) * 40,
        "old.doc": OLE + "WordDocument".encode("utf-16-le"),
        "groups.rtf": b"{\\rtf1 " + b"{" * 500_000,
        "no-container.epub": zipped({"mimetype": b"application/epub+zip", "META-INF/container.xml": b"<container/>"}),
    }


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def workbook(sheet: bytes) -> dict[str, bytes]:
    """The parts of a workbook with one sheet."""
    sheets = f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" r:id="r0"/></sheets></workbook>'
    return {
        "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": sheets.encode(),
        "xl/_rels/workbook.xml.rels": _relations(
            ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")
        )
        if sheet
        else _relations(("worksheet", "worksheets/sheet1.xml")),
        "xl/worksheets/sheet1.xml": sheet,
    }


def word(document: bytes) -> dict[str, bytes]:
    return {"_rels/.rels": _relations(("officeDocument", "word/document.xml")), "word/document.xml": document}


def _slides() -> dict[str, bytes]:
    entries = '<p:sldId id="256" r:id="r0"/>' * 200_000
    presentation = (
        f'<p:presentation xmlns:p="p" xmlns:r="{_OFFICE}"><p:sldIdLst>{entries}</p:sldIdLst></p:presentation>'
    )
    return {
        "_rels/.rels": _relations(("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": presentation.encode(),
        "ppt/_rels/presentation.xml.rels": _relations(("slide", "slides/slide1.xml")),
        "ppt/slides/slide1.xml": b"<p:sld xmlns:p='p'/>",
    }


def _relations(*entries: tuple[str, str]) -> bytes:
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(entries)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{relations}</Relationships>'
    ).encode()


def _bomb(name: str, parts: dict[str, bytes], *, declared: int = 2 << 30) -> bytes:
    """A file of which one part unpacks to 2 GiB of zeros, and says in its directory what it likes."""
    whole = zipped({inside: part for inside, part in parts.items() if inside != name})
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = mebibyte * 2048 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    encoded = name.encode()
    shared = struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, 0, len(packed), declared, len(encoded), 0)
    end = whole.rindex(b"PK\5\6")
    count, size, at = struct.unpack("<H2xLL", whole[end + 8 : end + 20])
    local = b"PK\3\4" + shared + encoded + packed
    entry = b"PK\1\2" + struct.pack("<H", 20) + shared + struct.pack("<HHHLL", 0, 0, 0, 0, at) + encoded
    directory = whole[at : at + size] + entry
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count + 1, count + 1, len(directory), at + len(local), 0)
    return whole[:at] + local + directory + tail


def _locked(archive: bytes) -> bytes:
    """The archive with every part marked as encrypted."""
    marked = bytearray(archive)
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = archive.find(signature)
        while at >= 0:
            marked[at + flags] |= 1
            at = archive.find(signature, at + 4)
    return bytes(marked)
