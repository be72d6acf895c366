"""Word processor files, sheets, slides and books, made by LibreOffice and by pandoc (files/README.md)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.parsing import formats
from hybridrag.parsing.office.number_formats import shown
from hybridrag.parsing.office.reading import parse_office
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.sources.media import type_by_name
from hybridrag.types import Document, Skipped
from tests.parsing import hostile_office

Parse = Callable[[str, bytes, str], Document]
FILES = Path(__file__).parent / "files"

OPEN_XML = "application/vnd.openxmlformats-officedocument"
KINDS = {
    "docx": f"{OPEN_XML}.wordprocessingml.document",
    "xlsx": f"{OPEN_XML}.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "rtf": "application/rtf",
    "epub": "application/epub+zip",
}


def read(name: str, content: bytes | None = None) -> Parsed:
    """A sample file as it is parsed, here and not in the child."""
    return parse_office((FILES / name).read_bytes() if content is None else content, type_by_name(name) or "")


def outline(found: Parsed | Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in found.headings]


def blocks(found: Parsed | Document) -> list[tuple[str, str, str]]:
    """Kind, head and the rest of each block."""
    text = found.text
    return [(block.kind, text[block.start : block.head], text[block.head : block.end]) for block in found.blocks]


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.split("\n")]


@pytest.mark.parametrize("ending", ["docx", "odt", "rtf", "epub"])
def test_files_made_by_a_program(parsed: Parse, ending: str) -> None:
    document = parsed(f"handbook.{ending}", (FILES / f"handbook.{ending}").read_bytes(), KINDS[ending])
    assert document.title == "Harbour handbook"
    assert document.metadata["author"] == "Ada Lovelace"
    for words in ("the code is harbour_code_7.", "Größe und Länge", "Umlaut äöü and € 100.", "speaks of lighthouses."):
        assert words in document.text
    cells = [cell.strip() for cell in document.text.split("|")]
    assert cells.index("Kiel") + 1 == cells.index("120")


@pytest.mark.parametrize("name", ["handbook.docx", "handbook.odt", "handbook.rtf"])
def test_headings(name: str) -> None:
    found = read(name)
    assert outline(found) == [(1, "Harbour handbook"), (2, "Fees"), (3, "Größe und Länge")]
    for heading in found.headings:
        assert found.text[heading.start :].lstrip("# ").startswith(heading.title)


@pytest.mark.parametrize("name", ["manual.docx", "manual.odt", "manual.rtf"])
def test_all_that_a_word_processor_writes(name: str) -> None:
    """LibreOffice: entities, characters beyond U+FFFF, cut runs, links, footnotes, text boxes, cells of paragraphs."""
    found = read(name)
    spoken = " ".join(found.text.split())
    for words in (
        "AT&T's week's notice: 5 < 6 > 4, \"quoted\", Größe, 港口, 🚢 and joined words[^1].",
        "The footnote names lighthouses.",
        "linked harbour",
        "a second line.",
        "Words in a box.",
        "return 120 & 0xFF",
        "The end.",
    ):
        assert spoken.count(words) == 1, words
    assert "DELETED" not in spoken
    assert "COMMENT" not in spoken
    assert "RUNNING HEADER" not in spoken
    assert found.title == "Pier & quay manual"
    assert found.metadata["author"] == "Grace Hopper"
    assert found.metadata["subject"] == "Ports"
    assert found.metadata["created"].startswith("2026-03-01T09:00:00")
    assert found.date is not None
    assert outline(found)[-2:] == [(1, "Berths & boats"), (2, "Fees")]
    assert [kind for kind, _, _ in blocks(found)][:3] == ["list", "list", "table"]
    assert [" ".join(line.split()) for line in blocks(found)[0][2].split("\n")] == [
        "1. Moor the boat",
        "2. Pay the fee",
        "1. in cash",
        "3. Leave",
    ]
    _, head, rows = blocks(found)[2]
    assert lines(head.replace("*", "")) == [
        "Table 1: Fees by port",
        "",
        "| Port | Fee | Note |",
        "| --- | --- | --- |",
        "",
    ]
    assert lines(rows)[:2] == ["| Kiel | 120 | a & b \\| c |", "| Bergen | 95 | two paragraphs |"]
    assert "merged" in rows
    assert "end" in rows


@pytest.mark.parametrize("name", ["manual.docx", "manual.odt", "manual.rtf"])
def test_code_and_comments_of_a_word_processor(name: str) -> None:
    found = read(name)
    assert ("code", "", "```\ndef fee(port):\n    return 120 & 0xFF\n```") in blocks(found)
    assert found.notes == ("its comments were not indexed",)


@pytest.mark.parametrize("name", ["guide.docx", "guide.odt", "guide.rtf", "guide.epub"])
def test_what_pandoc_writes(name: str) -> None:
    found = read(name)
    spoken = " ".join(found.text.split())
    for words in ("AT&T’s “fee” is 5 < 6 > 4 & it’s", "Größe, 港口, emoji 🚢, O’Brien.", "names lighthouses.",
                  "linked harbour", "Table 1: Harbour fees", "First step", "inner two", "Third step"):  # fmt: skip
        assert spoken.count(words) == 1, words
    assert outline(found)[-3:] == [(1, "Fees & berths"), (2, "Steps"), (3, "Deeper")]
    table = next(rest for kind, _, rest in blocks(found) if kind == "table")
    assert lines(table) == ["| Kiel | 120 | a < b & c |", "| Bergen | 95 | pipe \\| bar |"]
    if name != "guide.rtf":  # pandoc writes no properties into an RTF
        assert found.title == "Harbour guide"
        assert found.metadata["author"] == "Ada Lovelace"
        assert found.metadata["language"] == "en-GB"
        assert found.metadata["subject"] == "Ports"
    code = next(rest for kind, _, rest in blocks(found) if kind == "code")
    assert 'def fee(port):\n    if port == "Kiel":\n        return 120 & 0xFF\n' in code
    items = next(rest for kind, _, rest in blocks(found) if kind == "list")
    assert lines(items) == ["1. First step", "2. Second step", "- inner one", "- inner two", "3. Third step"]


def test_markdown_that_pandoc_writes(parsed: Parse) -> None:
    found = parsed("guide.md", (FILES / "guide.md").read_bytes(), "text/markdown")
    assert found.title == "Harbour guide"
    assert found.metadata["keywords"] == ["harbour", "fees"]
    assert found.date is not None
    assert found.date.isoformat() == "2026-03-01T00:00:00+00:00"
    assert outline(found) == [(1, "Fees & berths"), (2, "Steps"), (3, "Deeper")]
    assert [kind for kind, _, _ in blocks(found)] == ["table", "list", "code"]
    assert blocks(found)[0][1] == "| Port   | Fee | Note        |\n|--------|----:|-------------|\n"


@pytest.mark.parametrize("name", ["talk.pptx", "talk.odp"])
def test_slides_are_pages_with_their_titles_and_notes(name: str) -> None:
    """Slides by pandoc, and the same saved by LibreOffice."""
    found = read(name)
    assert outline(found) == [(1, "Harbour talk"), (1, "Fees & berths"), (1, "Table of fees")]
    assert [found.text[page.start : page.end] for page in found.pages] == [
        "# Harbour talk\n\nAda Lovelace",
        "# Fees & berths\n\n- AT&T’s first point: 5 < 6\n    - nested point\n- Größe, 港口 🚢\n\n"
        "Notes: Say hello & smile.",
        "# Table of fees\n\n| Port | Fee |\n| --- | --- |\n| Kiel & Co | 120 |\n| a \\| b | 95 |",
    ]
    assert [page.number for page in found.pages] == [1, 2, 3]
    assert [(kind, head) for kind, head, _ in blocks(found)] == [
        ("list", ""),
        ("table", "| Port | Fee |\n| --- | --- |\n"),
    ]
    assert (found.title, found.metadata["author"]) == ("Harbour talk", "Ada Lovelace")


def test_cells_merged_downwards_and_the_titles_of_tables_and_charts() -> None:
    """python-pptx: a first row of one cell is the title of its table, and a chart keeps its own."""
    found = read("tides.pptx")
    assert [(head, rows) for _, head, rows in blocks(found)] == [
        (
            "Tides of 2026\n| Port | Day | Height |\n| --- | --- | --- |\n",
            "| Kiel | Mon | 1.2 |\n| Kiel | Tue | 1.4 |",
        ),
        ("High water\n|  | Metres |\n| --- | --- |\n", "| Mon | 1.2 |\n| Tue | 1.4 |"),
    ]


def test_hidden_slides_and_slides_without_a_title() -> None:
    found = read("hidden.odp")
    assert outline(found) == [(1, "Slide 1"), (1, "Slide 2"), (1, "Slide 3")]
    assert found.text[found.pages[2].start : found.pages[2].end] == "# Slide 3\n\nHidden words without a title"
    assert "Words in a box" in found.text[found.pages[1].start : found.pages[1].end]
    assert found.notes == ("1 hidden slide indexed too",)


def test_a_workbook_says_what_its_cells_show() -> None:
    found = read("fees.xlsx")
    assert outline(found) == [(1, "Fees & co"), (1, "Hidden"), (1, "Empty"), (1, "Notes")]
    first, second, third = blocks(found)
    assert first[1].split("\n") == [
        "| Port | Fee | Date | Share | Price | Total | When | Flag |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "",
    ]
    assert first[2].split("\n") == [
        "| Kiel & Co <x> | 120 | 2026-03-02 | 25.0% | 2,469.00 € | 240 | 2026-03-01 14:32 | TRUE |",
        "| Bergen | 95.5 | 2026-03-03 | 37.5% | 3,703.50 € | 191 | 2026-03-01 14:33 | FALSE |",
        '| Größe "quoted" \\| 港口 🚢 | 1000000 | 2026-03-04 | 50.0% | 4,938.00 € | 2000000 '
        "| 2026-03-01 14:34 | TRUE |",
        "| O'Brien line two | 0.3 | 2026-03-05 | 62.5% | 6,172.50 € | 0.6 | 2026-03-01 14:35 | FALSE |",
        "| merged across |  |  | after merge |  |  |  |  |",
    ]
    assert second == (
        "table",
        "| far row |  |  | far cell |\n| --- | --- | --- | --- |\n",
        "| #DIV/0! | 09:05 | 30:05 |  |",
    )
    assert third == ("table", "| Year | Value |\n| --- | --- |\n", "| 2024 | 3 |\n| 2025 | 5 |")
    assert "# Hidden\n\nhidden words\n" in found.text
    assert "# Notes\n\nJust a note\n" in found.text
    assert found.title == "Fees & dues"
    assert found.metadata["author"] == "Ada <L>"
    assert found.notes == ("1 hidden sheet indexed too", "its comments were not indexed")


def test_opendocument_sheets_are_read_alike() -> None:
    """LibreOffice writes dates as their format says and times with seconds; the rest is the same text."""
    text = read("fees.xlsx").text
    for iso, written in (
        ("-03-02 |", "02.03."),
        ("-03-03 |", "03.03."),
        ("-03-04 |", "04.03."),
        ("-03-05 |", "05.03."),
    ):
        text = text.replace(f"2026{iso}", f"{written}2026 |")
    assert read("fees.ods").text == text.replace("| 09:05 |", "| 9:05:00 |")


def test_an_old_workbook() -> None:
    """The values are all there; what they look like is not."""
    found = read("fees.xls")
    assert outline(found) == [(1, "Fees & co"), (1, "Hidden"), (1, "Notes")]
    assert "| Kiel & Co <x> | 120 | 2026-03-02 | 0.25 | 2469 | 240 | 2026-03-01 14:32:00 | true |" in found.text
    assert [head.split("\n")[0] for _, head, _ in blocks(found)][-1] == "| Year | Value |"


def test_formulas_that_nobody_has_worked_out_are_told() -> None:
    content = edited("fees.xlsx", "xl/worksheets/sheet1.xml", b"<v>240</v>", b"")
    assert read("fees.xlsx", content).notes[1].startswith("1 formulas without a value")


@pytest.mark.parametrize(
    ("value", "written", "text"),
    [
        ("0.125", "0.0%", "12.5%"),
        ("1234.5", '#,##0.00 "€"', "1,234.50 €"),
        ("-1234.5", "[$$-409]#,##0.00;[RED]-[$$-409]#,##0.00", "-$1,234.50"),
        ("46082", "dd/mm/yyyy", "2026-03-01"),
        ("46082.75", "yyyy-mm-dd hh:mm", "2026-03-01 18:00"),
        ("0.5", "h:mm AM/PM", "12:00"),
        ("-36116", "yyyy-mm-dd", "1801-02-11"),
        ("1.25", "[h]:mm:ss", "30:00"),
        ("59", "d-mmm-yy", "1900-02-28"),
        ("61", "d-mmm-yy", "1900-03-01"),
        ("0.30000000000000004", "General", "0.3"),
        ("1234567", "0.00E+00", "1.23E+06"),
        ("7", '0 "days"', "7 days"),
        ("3", "# ?/?", "3"),
        ("99999999999", "yyyy", "99999999999"),
        ("1e999", "0.00", "1e999"),
        ("words", "0.00", "words"),
        ("007", "@", "007"),
    ],
)
def test_number_formats(value: str, written: str, text: str) -> None:
    assert shown(value, written) == text


def test_a_title_that_names_a_file_is_no_title(parsed: Parse) -> None:
    content = edited("handbook.docx", "docProps/core.xml", b">Harbour handbook<", b">Microsoft Word - draft7.doc<")
    assert parsed("a.docx", content, KINDS["docx"]).title == "Harbour handbook"


def edited(name: str, part: str, old: bytes, new: bytes) -> bytes:
    """A sample file with some bytes of a part changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(FILES / name) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for inside in source.namelist():
            content = source.read(inside)
            if inside == part:
                assert old in content
                content = content.replace(old, new, 1)
            target.writestr(inside, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("docm dotx dotm", "manual.docx"),
        ("xlsm xltx xltm", "fees.xlsx"),
        ("pptm potx potm ppsx ppsm", "talk.pptx"),
        ("ott", "manual.odt"),
        ("ots", "fees.ods"),
        ("otp", "talk.odp"),
    ],
)
def test_templates_and_files_with_macros_are_read_alike(ending: str, name: str) -> None:
    for other in ending.split():
        media_type = type_by_name(f"a.{other}")
        assert media_type is not None
        assert formats.parse((FILES / name).read_bytes(), media_type).text == read(name).text


def test_a_file_is_read_as_what_it_is() -> None:
    found = read("letter.xlsx", (FILES / "handbook.docx").read_bytes())
    assert outline(found)[0] == (1, "Harbour handbook")
    assert found.notes == ("a Word file under another name",)
    assert outline(read("letter.doc", (FILES / "manual.rtf").read_bytes()))[0] == (1, "Pier & quay manual")


@pytest.mark.parametrize("ending", ["docx", "xlsx", "odt", "epub"])
@pytest.mark.parametrize("content", [b"no archive", b"PK\x03\x04 junk", b""])
def test_broken_files(skipped: Callable[[str, bytes, str], Skipped], ending: str, content: bytes) -> None:
    assert skipped(f"a.{ending}", content, KINDS[ending]).failed


@pytest.mark.parametrize("name", ["fees.xlsx", "talk.pptx", "manual.docx", "talk.odp", "guide.epub"])
def test_files_that_were_cut_short(name: str) -> None:
    content = (FILES / name).read_bytes()
    with pytest.raises(UnreadableError, match="broken"):
        read(name, content[: len(content) * 2 // 3])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.docx", hostile_office.zipped({"notes.txt": b"text"}), "not an office file: a zip archive under its name"),
        ("a.doc", b"<html><body>Report</body></html>", "not an office file: it holds HTML"),
        ("a.xls", b"Port;Fee\nKiel;120\n", "not an office file: it holds text"),
        ("a.docx", hostile_office.OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted: needs a password"),
        ("a.doc", hostile_office.OLE + "WordDocument".encode("utf-16-le"), "an old Word file"),
        ("a.ppt", hostile_office.OLE + "PowerPoint Document".encode("utf-16-le"), "an old PowerPoint file"),
        (
            "a.odt",
            hostile_office.zipped({"content.xml": b"x", "META-INF/manifest.xml": b"<manifest:encryption-data/>"}),
            "encrypted: needs a password",
        ),
    ],
)
def test_what_cannot_be_read_says_why(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError) as error:
        read(name, content)
    assert error.value.reason == reason
    assert error.value.hint


def test_hostile_files_end_with_a_reason(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    for name, content in hostile_office.files().items():
        assert skipped(name, content, type_by_name(name) or "").reason != "took longer than 60 s to parse", name


@pytest.mark.parametrize("ending", ["docx", "xlsx", "odt"])
def test_entities_that_laugh_are_called_a_bomb(ending: str) -> None:
    with pytest.raises(UnreadableError, match="a bomb"):
        read(f"a.{ending}", hostile_office.files()[f"laughs.{ending}"])


def test_an_unknown_kind(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    assert skipped("a.bin", b"\x89\x01", "application/octet-stream").reason == "no parser for this kind of file"


def test_a_word_file_keeps_what_xml_writes_as_an_entity(parsed: Parse, examples: Path) -> None:
    """LibreOffice writes every apostrophe as `&apos;`; "AT&T" is `AT&amp;T` in any DOCX."""
    content = (examples / "hr" / "leave-policy.docx").read_bytes()
    assert "need a week's notice" in parsed("leave-policy.docx", content, KINDS["docx"]).text


@pytest.mark.parametrize(
    ("name", "note", "formulas"),
    [
        ("mead.docx", "[^1]", "(n(n+1))/2 of ∑_(i=1)^n x_i"),
        ("mead.odt", "[^1]", "(n(n+1))/2 of ∑_(i=1)^n x_i"),
        ("mead.rtf", "[^1]", r"$\frac{n(n+1)}{2}$ of $\sum_{i=1}^{n} x_i$"),
        ("mead.epub", "[1]", r"$\frac{n(n+1)}{2}$ of $\sum_{i=1}^{n} x_i$"),
    ],
)
def test_what_stands_below_tables_that_pandoc_writes(name: str, note: str, formulas: str) -> None:
    """The headings are those of the source, a note's number stands apart from its word, a formula keeps its form."""
    found = read(name)
    assert outline(found)[-2:] == [(1, "After the tables"), (2, "Last")]
    assert f"The yield{note} is {formulas}.\n" in found.text
    assert "↩" not in found.text
    tables = [(head.split("\n")[0], rows.replace("• ", "")) for kind, head, rows in blocks(found) if kind == "table"]
    assert tables == [
        ("| Honey | Stored in |", "| Clover | jars |"),
        ("| Mead | Steps |", "| Dry | ferment rack |"),
    ]


def test_a_row_over_all_columns_is_the_title_of_a_table_and_a_caption_is_known_by_its_style() -> None:
    titled = (
        b'<w:p><w:pPr><w:pStyle w:val="TableCaption"/></w:pPr><w:r><w:t>Ports by size</w:t></w:r></w:p>'
        b"<w:tbl>%s</w:tbl>"
        b'<w:p/><w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>Fees of 2026</w:t></w:r>'
        b"</w:p></w:tc></w:tr>%s</w:tbl>"
    )
    cells = b"".join(
        b"<w:tr>" + b"".join(b"<w:tc><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:tc>" % cell for cell in row) + b"</w:tr>"
        for row in ((b"Port", b"Fee"), (b"Kiel", b"120"))
    )
    content = edited("mead.docx", "word/document.xml", b"<w:body>", b"<w:body>" + titled % (cells, cells))
    header = "| Port | Fee |\n| --- | --- |\n"
    assert [(head, rows) for _, head, rows in blocks(read("mead.docx", content))][:2] == [
        (f"*Ports by size*\n\n{header}", "| Kiel | 120 |"),
        (f"*Fees of 2026*\n\n{header}", "| Kiel | 120 |"),
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (rb"{\rtf1\ansi{\fonttbl{\f0\fcharset204 Arial;}}\f0 \'cf\'f0\'e8\'e2\'e5\'f2\par}", "Привет\n"),
        (rb"{\rtf1\ansi\uc2 A\u8364 ??B\uc0 C\u8364 D\uc1\u-10179?\u-8704?\par}", "A€BC€D😀\n"),
        (rb"{\rtf1 a{\pict\bin5 }}}{{x}\~b\_c\-d{\v hidden}\emdash  e", "a b-cd— e\n"),
        (
            rb"{\rtf1 Text{\super\chftn {\footnote\pard {\chftn} A note.}} goes on.\par}",
            "Text[^1] goes on.\n\n[^1]: A note.\n",
        ),
        (
            rb"{\rtf1 to{\field{\*\fldinst HYPERLINK x}{\fldrslt day}}"
            rb"{\shp{\*\shpinst{\shptxt A box\par}}{\shprslt no}}\par}",
            "today\n\nA box\n",
        ),
        (
            rb"{\rtf1\trowd\clvmgf\cellx1\cellx2\intbl a\cell b\cell\row"
            rb"\trowd\clvmrg\cellx1\cellx2\cell c\cell\row}",
            "| a | b |\n| --- | --- |\n| a | c |\n",
        ),
    ],
)
def test_the_words_of_rtf(source: bytes, text: str) -> None:
    """Code pages of fonts, characters with and without substitute, binary data, notes, fields, boxes, merged cells."""
    assert read("a.rtf", source).text == text


def test_fields_and_formulas_of_a_word_file_are_read() -> None:
    field = (
        b'<w:p><w:fldSimple w:instr="SEQ"><w:r><w:t>Number 7</w:t></w:r></w:fldSimple></w:p><w:p><m:oMath '
        b'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:r><m:t>E=mc</m:t></m:r></m:oMath></w:p>'
    )
    text = read("manual.docx", edited("manual.docx", "word/document.xml", b"<w:body>", b"<w:body>" + field)).text
    assert text.startswith("Number 7\n\nE=mc\n\n")


@pytest.mark.parametrize("name", ["clauses.odt", "clauses.docx", "clauses.rtf"])
def test_headings_and_clauses_keep_the_numbers_that_a_program_shows(name: str) -> None:
    """They stand nowhere in the words; a clause after a remark goes on counting, and the first may be the seventh."""
    found = read(name)
    assert outline(found) == [(1, "1. Boarding"), (2, "1.1 Tickets"), (2, "1.2 Refunds"), (1, "2. Luggage")]
    written = [line.removeprefix("- ") for line in lines(found.text)]
    first = written.index("I. Adults")
    assert written[first : first + 4] == ["I. Adults", "a) alone", "b) in groups", "II. Children"]
    assert "\n\n7. Seventh clause.\n\nA remark.\n\n8. Eighth clause." in found.text
    rules = "the rules" if name.endswith("rtf") else "[the rules](https://example.org/rules)"
    assert f"Up to 10^6 people, as {rules} say." in found.text
    assert found.metadata["author"] == "Olga Reyes"


def test_numbers_of_a_word_file_follow_its_levels_and_where_they_begin_anew() -> None:
    """`%1` in a deeper level is the number above it, in figures where the level says so."""
    legal = b'<w:isLgl/><w:lvlText w:val="%1.%2"/>'
    content = edited("clauses.docx", "word/numbering.xml", b'<w:lvlText w:val="%2)"/>', legal)
    assert "- I. Adults\n  - 1.1 alone\n  - 1.2 in groups\n- II. Children" in read("clauses.docx", content).text


def test_raised_numbers_and_formulas_of_slides() -> None:
    run = (
        b"<a:r><a:rPr/><a:t>10</a:t></a:r><a:r><a:rPr baseline='30000'/><a:t>6</a:t></a:r><m:oMath "
        b"xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e>"
        b"<m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
    )
    content = edited("talk.pptx", "ppt/slides/slide2.xml", b"<a:r>", run + b"<a:r>")
    assert "10^6x^2" in read("talk.pptx", content).text


def test_a_heading_of_an_rtf_file_may_be_in_the_font_of_a_typewriter() -> None:
    written = (
        rb"{\rtf1{\fonttbl{\f0 Arial;}{\f1\fmodern Courier;}}\pard\outlinelevel1{\f1 Router}\par\pard{\f1 code()}\par}"
    )
    assert read("a.rtf", written).text == "## Router\n\n```\ncode()\n```\n"
