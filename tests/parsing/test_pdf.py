"""PDF: exact pages, and the ways in which a file can be useless."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.types import Document, Skipped

Parse = Callable[[str, bytes, str], Document]
Skip = Callable[[str, bytes, str], Skipped]
KIND = "application/pdf"


def pdf(*pages: str) -> bytes:
    """A PDF whose pages show these lines of text (ASCII), written by hand; an empty page draws a box."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for page in pages:
        lines = " ".join(f"({line}) Tj T*" for line in page.split("\n"))
        drawing = f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET" if page else "100 100 200 200 re f"
        objects.append(f"<</Length {len(drawing)}>>stream\n{drawing}\nendstream")
        resources = "/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>"
        objects.append(f"<</Type/Page/Parent 2 0 R{resources}/Contents {len(objects)} 0 R>>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


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
    assert document.notes == ("1 of 3 pages hold no text: 2",)
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


def test_a_scan_needs_ocr(skipped: Skip) -> None:
    scan = skipped("scan.pdf", pdf("", ""), KIND)
    assert (scan.reason, scan.failed) == ("no text; needs OCR", True)
    assert scan.hint


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
