"""PDF to text with exact pages; pages that are pictures of text are read by OCR."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.pdf.file import PdfFile
from hybridrag.parsing.pdf.headings import pdf_headings
from hybridrag.parsing.pdf.layout import Line, PageText
from hybridrag.parsing.pdf.words import CUT, mended
from hybridrag.parsing.pictures import ocr
from hybridrag.parsing.text import clean
from hybridrag.parsing.titles import given_title
from hybridrag.types import Block, Page

PAGE_BREAK = "\n\n"


def parse_pdf(content: bytes) -> Parsed:
    """The text of every page, joined by a blank line. Raises UnreadableError for a broken, locked or scanned file."""
    file = PdfFile(content)
    try:
        return _parsed(file)
    finally:
        file.close()


def _parsed(file: PdfFile) -> Parsed:
    outline = file.outline()
    named = {bookmark.page for bookmark in outline}
    found = [
        file.read_page(number, measured="size" if not outline else "top" if number in named else "nothing")
        for number in range(len(file))
    ]
    lost = [number for number, page in enumerate(found, 1) if page is None]
    if len(lost) == len(found):
        raise UnreadableError("broken: none of its pages can be read", hint="Save it again, or print it to a PDF.")
    read = [page or PageText("", (), drawn=False) for page in found]
    notes: tuple[str, ...] = (f"{_of_pages(lost, len(found))} cannot be read: {_some(lost)}",) if lost else ()
    pictures = [number for number, page in enumerate(read) if page.drawn and not _has_words(page.text)]
    if pictures:
        notes += _read_pictures(file, read, pictures)
    texts, removed = _readable([page.text for page in read])
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        pages.append(Page(number, start, start + len(text)))
        start += len(text) + len(PAGE_BREAK)
    blank = [page.number for page, text in zip(pages, texts, strict=True) if not _has_words(text)]
    if blank and len(blank) < len(pages):
        wanting = "" if ocr.current().program or not pictures else f" ({ocr.current().missing})"
        notes += (f"{_of_pages(blank, len(pages))} hold no text: {_some(blank)}{wanting}",)
    whole = PAGE_BREAK.join(texts) if len(blank) < len(pages) else ""
    kept = dict(file.properties())
    title = kept.pop("title", None)
    return Parsed(
        text=whole,
        title=given_title(title),
        pages=tuple(pages) if whole else (),
        headings=pdf_headings(whole, pages, read, outline) if whole else (),
        blocks=tuple(_over_pages(whole, _tables(whole, pages, read))) if whole else (),
        metadata=kept,
        date=read_date(kept.get("created")),
        notes=notes + removed,
        ocr=bool(pictures),
        needs_ocr=bool(pictures) and not ocr.current().program,
    )


def _tables(text: str, pages: list[Page], read: list[PageText]) -> Iterator[Block]:
    for page, found in zip(pages, read, strict=True):
        if not found.tables:
            continue
        lines = text[page.start : page.end].split("\n")
        if len(lines) != len(found.lines):
            continue
        starts = list(accumulate((len(line) + 1 for line in lines), initial=page.start))
        for table in found.tables:
            yield Block("table", starts[table.first], starts[table.last] - 1, starts[table.head])


def _over_pages(text: str, tables: Iterator[Block]) -> Iterator[Block]:
    """The tables, those as one that go on over a page: as wide, the second without a header, and between them at most
    what stands at the edges of pages.
    """
    before: Block | None = None
    wide = 0
    for table in tables:
        cells = _cells(text, table)
        if before and cells == wide and _goes_on(text, before, table):
            before = Block("table", before.start, table.end, before.head)
            continue
        if before:
            yield before
        before, wide = table, cells
    if before:
        yield before


def _goes_on(text: str, above: Block, table: Block) -> bool:
    between = text[above.end : table.start]
    if table.head > table.start or above.head == above.start or between.count(PAGE_BREAK) != 1:
        return False
    return len(between) <= _EDGES


def _cells(text: str, table: Block) -> int:
    return max(line.count("\t") for line in text[table.start : table.end].split("\n"))


def _read_pictures(file: PdfFile, read: list[PageText], numbers: list[int]) -> tuple[str, ...]:
    """Puts the text of these pages, counted from 0, into `read`, and returns notes.

    Raises UnreadableError where they need OCR, there is none, and no other page holds text.
    """
    reader = ocr.current()
    if not reader.program:
        if not any(_has_words(page.text) for page in read):
            raise reader.refusal(failed=True)
        return ()
    pictures = ocr.Pictures()
    for number in numbers:
        picture = file.picture(number, dpi=ocr.DPI, most_pixels=ocr.MOST_PIXELS, longest=ocr.LONGEST_SIDE)
        text = pictures.read(picture) if picture is not None else ""
        text = _AT_LINE_END.sub(CUT, text)
        read[number] = PageText(text, (Line(0.0, 0.0),) * (text.count("\n") + 1), drawn=True)
    if not any(_has_words(page.text) for page in read):
        pictures.refuse_silence()
    return pictures.notes(len(read))


def _readable(pages: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The pages cleaned one by one, so that a page's span is exact, and words mended that a line end had cut."""
    cleaned, removed = [], 0
    for page in mended(pages):
        text, notes = clean(page)
        cleaned.append("\n".join(line.rstrip(" \t") for line in text.split("\n")))
        removed += bool(notes)
    return cleaned, (f"characters that cannot be stored removed on {removed} pages",) if removed else ()


def _has_words(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _of_pages(numbers: list[int], total: int) -> str:
    return f"{len(numbers)} of {total} pages"


def _some(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers[:10]) + (", ..." if len(numbers) > 10 else "")


_EDGES = 120
"""Characters of a page's number, its running head and foot."""
_AT_LINE_END = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
