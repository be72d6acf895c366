"""PDF: exact pages, and the ways in which a file can be useless."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hybridrag.parsing import GuardedParser
from hybridrag.types import Document, RawDocument, Skipped
from tests.parsing import hostile_pdf

Parse = Callable[[str, bytes, str], Document]
Skip = Callable[[str, bytes, str], Skipped]
KIND = "application/pdf"


def pdf(*pages: str) -> bytes:
    """A PDF whose pages show these lines of text (ASCII), written by hand; an empty page draws a box."""
    drawings = []
    for page in pages:
        lines = " ".join(f"({line}) Tj T*" for line in page.split("\n"))
        drawings.append(f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET" if page else "100 100 200 200 re f")
    return drawn(*drawings)


def sized(*lines: tuple[int, str]) -> str:
    """A page of lines, each in its size in points, 40 points apart from a height of 750 on."""
    shown = (
        f"/F1 {size} Tf 1 0 0 1 20 {750 - 40 * number} Tm ({line}) Tj" for number, (size, line) in enumerate(lines)
    )
    return f"BT {' '.join(shown)} ET"


def placed(rows: Sequence[Sequence[tuple[int, str]]]) -> str:
    """A page of lines 16 points apart, their words in 10 points at their distances from the left."""
    shown = (
        f"1 0 0 1 {left} {700 - 16 * number} Tm ({words}) Tj" for number, row in enumerate(rows) for left, words in row
    )
    return f"BT /F1 10 Tf {' '.join(shown)} ET"


def drawn(*pages: str, outline: Sequence[tuple[str, float | None]] = ()) -> bytes:
    """A PDF of these drawings. Bookmarks are titles with heights on the first page."""
    objects: list[str | bytes] = ["", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for page in pages:
        objects.append(hostile_pdf.stream(page.encode()))
        resources = "/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>"
        objects.append(f"<</Type/Page/Parent 2 0 R{resources}/Contents {len(objects)} 0 R>>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    root = len(objects) + 1
    objects[0] = f"<</Type/Catalog/Pages 2 0 R{f'/Outlines {root} 0 R' if outline else ''}>>"
    if outline:
        objects.append(f"<</Type/Outlines/First {root + 1} 0 R/Last {root + len(outline)} 0 R>>")
    for number, (title, top) in enumerate(outline, root + 1):
        following = f"/Next {number + 1} 0 R" if number < root + len(outline) else ""
        place = "/Fit" if top is None else f"/XYZ 0 {top} 0"
        objects.append(f"<</Title({title})/Parent {root} 0 R{following}/Dest[{kids[0]}{place}]>>")
    return hostile_pdf.written(objects)


def test_a_file_made_by_a_program(parsed: Parse, files: Path) -> None:
    document = parsed("hr/handbook.pdf", (files / "handbook.pdf").read_bytes(), KIND)
    assert document.title == "Harbour handbook"
    assert document.metadata["author"] == "Ada Lovelace"
    assert document.date is not None
    first, second = (document.text[page.start : page.end] for page in document.pages)
    assert [page.number for page in document.pages] == [1, 2]
    assert first.startswith("Harbour handbook\nBerths are booked early; the code is harbour_code_7.\n")
    assert first.endswith("Umlaut äöü and € 100.")
    assert second == "The second page speaks of lighthouses."
    assert document.text == f"{first}\n\n{second}"


def test_pages_are_exact_and_blank_ones_keep_their_number(parsed: Parse) -> None:
    document = parsed("a.pdf", pdf("One page.", "", "Third page.\nSecond line."), KIND)
    assert [document.text[page.start : page.end] for page in document.pages] == [
        "One page.",
        "",
        "Third page.\nSecond line.",
    ]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert document.notes == ("1 of 3 pages hold no text: 2 (needs OCR: tesseract is not installed)",)
    assert document.title == "A"


def test_words_cut_at_line_ends_are_mended_and_hyphens_of_their_own_stay(parsed: Parse) -> None:
    document = parsed(
        "a.pdf",
        pdf("The state-\nments show it. The statements of non-\nGAAP earnings. A well-\nbeing, well-being."),
        KIND,
    )
    assert "The statements show it." in document.text.replace("\n", " ")
    assert "non-GAAP" in document.text
    assert "A well-being" in document.text
    assert "\x02" not in document.text


def test_headings_come_from_the_bookmarks_and_without_them_from_the_size_of_the_letters(
    parsed: Parse, files: Path
) -> None:
    for name in ("report.pdf", "report-without-bookmarks.pdf"):
        document = parsed(name, (files / name).read_bytes(), KIND)
        assert [(heading.level, heading.title) for heading in document.headings] == [
            (1, "Traffic in the port"),
            (2, "Arrivals by month"),
            (1, "Fees and what they pay for"),
            (2, "Exemptions"),
            (1, "Lighthouses"),
            (2, "Repairs"),
        ]
        for heading in document.headings:
            assert document.text[heading.start :].startswith(f"{heading.title}\n")
        assert (document.title, document.metadata["author"], document.language) == ("Port report", "Grace Hopper", "en")


@pytest.mark.parametrize("name", ["prices-tagged.pdf", "prices-untagged.pdf"])
def test_tables_are_rows_with_their_cells_apart_and_a_head(parsed: Parse, files: Path, name: str) -> None:
    document = parsed(name, (files / name).read_bytes(), KIND)
    tables = [
        (document.text[block.start : block.head], document.text[block.head : block.end]) for block in document.blocks
    ]
    assert tables == [
        (
            "Table 1: Prices by length and season\nLength of the boat\tWinter\tSummer\n",
            "up to 6 m\t9.00\t14.50\nup to 9 m\t13.00\t21.00\nup to 12 m\t18.50\t29.90\nover 12 m\t27.00\t44.00",
        ),
        (
            "Service\tIncluded\tRemarks\n",
            "Water\tyes\tfrom the taps on every pier, but not in winter, when they freeze and are shut\n"
            "Light\tyes\tup to ten amperes\nCrane\tno\tby the hour",
        ),
    ]
    assert [(heading.level, heading.title) for heading in document.headings] == (
        [(1, "Prices of berths"), (2, "What is included")] if name == "prices-tagged.pdf" else []
    )


def test_a_table_goes_on_over_a_page_with_its_header(parsed: Parse, files: Path) -> None:
    document = parsed("stock.pdf", (files / "stock.pdf").read_bytes(), KIND)
    (table,) = document.blocks
    assert document.text[table.start : table.head] == "Article\tWarehouse\tQuantity\n"
    rows = document.text[table.head : table.end].split("\n")
    assert [row for row in rows if "\t" in row] == [
        f"Valve V-{1000 + n}\t{('Bergen', 'Oslo', 'Narvik')[n % 3]}\t{n * 37 % 401}" for n in range(70)
    ]
    assert table.start < document.pages[1].start < table.end


def test_a_row_of_data_is_no_header(parsed: Parse) -> None:
    """Half of the cells are words: what tells a table of words must not take its first row for names."""
    rows = [[(20, f"V-{n}"), (150, "Oslo"), (300, f"{n}"), (400, "by rail")] for n in range(52, 60)]
    (table,) = parsed("a.pdf", drawn(placed(rows)), KIND).blocks
    assert table.head == table.start


def test_numbers_stand_in_their_columns(parsed: Parse) -> None:
    """Names over several columns, a missing number, signs of money and brackets beside theirs, a new table below."""
    rows = [
        [(300, "Three months")],
        [(20, "In thousands"), (300, "2023"), (400, "2022")],
        [(20, "Fees"), (280, "$"), (300, "12.5"), (380, "$"), (400, "11.0")],
        [(20, "Fines:")],
        [(30, "for noise"), (400, "3.0")],
        [(30, "for speed"), (300, "2.5"), (400, "\\(1.5\\)")],
        [(20, "Berths"), (300, "North"), (400, "South")],
        [(20, "Large"), (300, "12"), (400, "14")],
        [(20, "Small"), (300, "40"), (400, "52")],
    ]
    document = parsed("a.pdf", drawn(placed(rows)), KIND)
    assert [(document.text[it.start : it.head], document.text[it.head : it.end]) for it in document.blocks] == [
        (
            "|\tThree months\nIn thousands\t2023\t2022\n",
            "Fees\t$ 12.5\t$ 11.0\nFines:\nfor noise\t\t3.0\nfor speed\t2.5\t(1.5)",
        ),
        ("Berths\tNorth\tSouth\n", "Large\t12\t14\nSmall\t40\t52"),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [[(20, "Contents")], *([(20, f"Chapter {n}"), (500, str(n * n))] for n in range(2, 8))],
        [[(20, f"{n}."), (60, f"Point {n} of the list")] for n in range(1, 7)],
        [[(20, "Harbour Ltd."), (400, "Phone 555 0100")], [(20, "Pier 7"), (400, "harbour@example.com")]],
        [[(20, "Words that run on in the left one"), (300, "while in the other one there are more")]] * 8,
    ],
    ids=["contents", "list", "letterhead", "columns"],
)
def test_what_stands_side_by_side_is_not_always_a_table(
    parsed: Parse, rows: Sequence[Sequence[tuple[int, str]]]
) -> None:
    document = parsed("a.pdf", drawn(placed(rows)), KIND)
    assert document.blocks == ()
    assert "\t" not in document.text


def test_what_was_filled_into_a_form_is_text(parsed: Parse, files: Path) -> None:
    form = parsed("form.pdf", (files / "form.pdf").read_bytes(), KIND)
    assert form.text == ("Application for a berth\nName:\nNotes:\nAda Lovelace\nArrives with the tide of Tuesday")


def test_large_letters_make_no_heading_by_themselves(parsed: Parse) -> None:
    """A cover in many sizes, a running head, a large first letter, a paragraph in large print."""
    cover = sized((30, "ANNUAL REPORT"), (20, "Harbour Ltd."), (16, "Pier 7"))
    body = [(10, "The year went by without much to tell of, and this is how it should be for a harbour.")] * 4
    pages = [sized((16, "Harbour Ltd."), (14, "T"), *body, (13, f"{number} ships and more")) for number in range(4)]
    shout = sized(*[(13, "A paragraph set in larger letters than the rest of this report is.")] * 6)
    document = parsed("a.pdf", drawn(cover, *pages, shout), KIND)
    assert [heading.title for heading in document.headings] == []


def test_bookmarks_find_their_line(parsed: Parse) -> None:
    """By their words where these stand on the page, nearest to their height; else by the height; else at the top."""
    page = sized((10, "Fees"), (10, "are paid"), (10, "Fees and"), (10, "fines"), (10, "Nothing else"))
    tops = [760 - 40 * line for line in range(5)]
    outline = [("Fees and fines", tops[2]), ("Fees", tops[2]), ("Closing words", tops[4]), ("All", None)]
    document = parsed("a.pdf", drawn(page, outline=outline), KIND)
    assert [(heading.title, document.text[heading.start :].split("\n")[0]) for heading in document.headings] == [
        ("All", "Fees"),
        ("Fees and fines", "Fees and"),
        ("Fees", "Fees and"),
        ("Closing words", "Nothing else"),
    ]


def test_hostile_files_cost_themselves(raw: Callable[[str, bytes, str], RawDocument]) -> None:
    hostile = hostile_pdf.files()
    slow = {"billion-forms.pdf", "endless-decode.pdf"}
    with GuardedParser() as parser:
        found = {name: parser.parse(raw(name, hostile[name], KIND)) for name in hostile.keys() - slow}
    with GuardedParser(timeout_s=0.5) as parser:
        found |= {name: parser.parse(raw(name, hostile[name], KIND)) for name in slow}
    readable = {name for name, document in found.items() if isinstance(document, Document)}
    assert readable == {
        "count-that-lies.pdf",
        "deep-tags.pdf",
        "hundred-thousand-tags.pdf",
        "length-of-itself.pdf",
        "negative-boxes.pdf",
        "outline-loop.pdf",
        "page-that-is-its-own-parent.pdf",
        "table-of-tables.pdf",
        "tags-that-hold-each-other.pdf",
    }
    for name, document in found.items():
        said = document.text if isinstance(document, Document) else document.reason
        assert said == "The words of the page." if name in readable else said, name


def test_a_locked_file_needs_its_password(skipped: Skip, files: Path) -> None:
    locked = skipped("a.pdf", (files / "encrypted.pdf").read_bytes(), KIND)
    assert (locked.reason, locked.failed) == ("encrypted: needs a password", True)


def test_a_file_that_only_forbids_changes_is_read(parsed: Parse, files: Path) -> None:
    assert "lighthouses" in parsed("a.pdf", (files / "owner-locked.pdf").read_bytes(), KIND).text


@pytest.mark.parametrize("keep", [0, 20, 2_000, 9_000])
def test_a_broken_file(skipped: Skip, files: Path, keep: int) -> None:
    broken = skipped("a.pdf", (files / "handbook.pdf").read_bytes()[:keep] + b"\0", KIND)
    assert (broken.reason, broken.failed) == ("broken: its content does not fit its format", True)


def test_a_page_that_was_saved_under_the_wrong_name(skipped: Skip) -> None:
    assert skipped("a.pdf", b"<html><body>Please log in</body></html>", KIND).failed
