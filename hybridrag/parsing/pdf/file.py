"""PDFium, the library that reads PDF, by way of pypdfium2. Only this module knows it.

Its text is taken over the characters of a page in their order, not over an area of it: by area PDFium leaves out blanks
where a font has none, and joins words (docs/decisions/0046).
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

from hybridrag.parsing import refusals
from hybridrag.parsing.pdf.layout import Line, PageText, laid_out
from hybridrag.parsing.pdf.places import Span, placed_lines
from hybridrag.parsing.pdf.tables import Table, find_tables
from hybridrag.parsing.pdf.tags import TaggedHeading, tagged

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

MOST_PAGES = 50_000
Measured = Literal["size", "top", "nothing"]
"""What is wanted of the lines of a page."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: `page` counts from 0, `top` is its height on the page, None where it has none."""

    title: str
    level: int
    page: int
    top: float | None


class PdfFile:
    """An open file. Raises UnreadableError for one that is broken, locked, or too long."""

    def __init__(self, content: bytes) -> None:
        import pypdfium2

        self._library = pypdfium2
        try:
            self._file = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
                raise refusals.locked() from None
            raise refusals.broken() from None
        if not len(self._file):
            raise refusals.broken()
        if len(self._file) > MOST_PAGES:
            raise refusals.too_many_pages(MOST_PAGES)
        self._untold = 0 if pypdfium2.raw.FPDFCatalog_IsTagged(self._file) else _UNTOLD
        self._filled_in = pypdfium2.raw.FPDF_GetFormType(self._file) == pypdfium2.raw.FORMTYPE_ACRO_FORM
        if self._filled_in:
            self._file.init_forms()

    def __len__(self) -> int:
        return len(self._file)

    def close(self) -> None:
        self._file.close()

    def read_page(self, number: int, *, measured: Measured) -> PageText | None:
        """The page, counted from 0; None for one that cannot be loaded."""
        try:
            page = self._page(number)
        except self._library.PdfiumError:
            return None
        try:
            text_page = page.get_textpage()
        except self._library.PdfiumError:
            page.close()
            return None
        try:
            return self._read(page, text_page, measured)
        finally:
            text_page.close()
            page.close()

    def picture(self, number: int, *, dpi: int, most_pixels: int, longest: int) -> bytes | None:
        """The page, counted from 0, drawn in grey, as a PGM file of so many pixels at most; None where it fails."""
        try:
            page = self._file[number]
        except self._library.PdfiumError:
            return None
        try:
            width, height = page.get_size()
            area = width * height
            if not (math.isfinite(area) and area > 0):
                return None
            scale = min(dpi / 72, math.sqrt(most_pixels / area), longest / max(width, height))
            bitmap = page.render(scale=scale, grayscale=True)
            rows = memoryview(bitmap.buffer).cast("B")
            kept = [
                rows[start : start + bitmap.width] for start in range(0, bitmap.stride * bitmap.height, bitmap.stride)
            ]
            return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + b"".join(kept)
        except (self._library.PdfiumError, ValueError):
            return None
        finally:
            page.close()

    def outline(self) -> tuple[Bookmark, ...]:
        """The bookmarks that lead to a page of this file, in their order; none if they are too few to be its parts."""
        found = []
        for count, bookmark in enumerate(self._file.get_toc(max_depth=_DEEPEST)):
            if count == _MOST_BOOKMARKS:
                break
            title, target = " ".join(bookmark.get_title().split()), bookmark.get_dest()
            page = target.get_index() if target is not None else None
            if target is None or page is None or not 0 <= page < len(self) or not title:
                continue
            mode, position = target.get_view()
            at = _TOP_IN_VIEW.get(mode)
            top = position[at] if at is not None and at < len(position) else None
            found.append(Bookmark(title, min(bookmark.level + 1, 6), page, top or None))
        return tuple(found) if len(found) >= _A_REAL_OUTLINE else ()

    def properties(self) -> Mapping[str, str]:
        """What the file says about itself: title, author, subject, keywords, created, modified (ISO 8601).

        Its language is left out: programs write that of the machine they run on.
        """
        given = self._file.get_metadata_dict(skip_empty=True)
        found = {name: given.get(name.title(), "") for name in ("title", "author", "subject", "keywords")}
        found["created"], found["modified"] = (_iso_time(given.get(key, "")) for key in ("CreationDate", "ModDate"))
        return {name: value for name, value in found.items() if value.strip()}

    def _page(self, number: int) -> PdfPage:
        """The page, with what was filled into its form as part of its text. Raises the library's error."""
        page = self._file[number]
        if self._filled_in:
            self._library.raw.FPDFPage_Flatten(page, self._library.raw.FLAT_NORMALDISPLAY)
            page.close()
            page = self._file[number]
        return page

    def _read(self, page: PdfPage, text_page: PdfTextPage, measured: Measured) -> PageText:
        raw = self._library.raw
        text = text_page.get_text_range()
        if not text:
            return PageText("", (Line(0.0, 0.0),), drawn=raw.FPDFPage_CountObjects(page) > 0)
        spans = list(_spans(text))
        index = self._index(text, text_page)
        letters = text_page.raw  # asked for thousands of times, and each time the library's own would be unpacked
        lines = self._lines(spans, letters, index, measured)
        headings, tables = self._tagged(page, letters, text, spans, index)
        placed = placed_lines(raw, letters, text, spans, index, page.get_width())
        told = {line for table in tables for line in range(table.first, table.last)}
        tables += [table for table in find_tables(placed) if told.isdisjoint(range(table.first, table.last))]
        if not tables and not headings:
            return PageText(text, lines, drawn=True)
        return laid_out([text[start:end] for start, end in spans], lines, tables, headings)

    def _index(self, text: str, text_page: PdfTextPage) -> Callable[[int], int]:
        """What gives PDFium's number of the character for a place in the text; most often they are the same."""
        raw = self._library.raw
        if raw.FPDFText_CountChars(text_page) == len(text):
            return int
        wide = max(text) > "\uffff"

        def index(at: int) -> int:
            units = len(text[:at].encode("utf-16-le", "surrogatepass")) // 2 if wide else at
            found: int = raw.FPDFText_GetCharIndexFromTextIndex(text_page, units)
            return found

        return index

    def _tagged(
        self, page: PdfPage, text_page: Any, text: str, spans: Sequence[Span], index: Callable[[int], int]
    ) -> tuple[list[TaggedHeading], list[Table]]:
        """What the page's tags tell; nothing any more where they told nothing for many pages, as reading them costs."""
        if self._untold >= _UNTOLD:
            return [], []
        headings, tables = tagged(self._library.raw, page, text_page, text, spans, index)
        self._untold = 0 if headings or tables else self._untold + 1
        return headings, tables

    def _lines(
        self, spans: Sequence[Span], text_page: Any, index: Callable[[int], int], measured: Measured
    ) -> tuple[Line, ...]:
        raw = self._library.raw
        if measured == "nothing":
            return (Line(0.0, 0.0),) * len(spans)
        if measured == "top":
            box = raw.FS_RECTF()
            tops = []
            for start, _ in spans:
                raw.FPDFText_GetLooseCharBox(text_page, index(start), box)
                tops.append(box.top)
            return tuple(Line(0.0, top) for top in tops)
        font_size, transformed = raw.FPDFText_GetFontSize, raw.FPDFText_GetMatrix
        matrix = raw.FS_MATRIX()
        written = ctypes.byref(matrix)

        def size(at: int) -> float:
            found = index(at)
            points: float = font_size(text_page, found)
            if transformed(text_page, found, written):
                points *= math.hypot(matrix.c, matrix.d)
            return round(points, 1) if math.isfinite(points) else 0.0

        sizes = [size(start) if end > start else 0.0 for start, end in spans]
        usual = Counter(sizes).most_common(1)[0][0] if sizes else 0.0
        # A large letter at the start of a paragraph makes no heading.
        return tuple(
            Line(0.0 if large > usual and min(size((start + end) // 2), size(end - 1)) < large else large, 0.0)
            for large, (start, end) in zip(sizes, spans, strict=True)
        )


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line's visible text. Line ends count as `clean` counts them."""
    start = 0
    for end in _LINE_END.finditer(text):
        yield start, start + len(text[start : end.start()].rstrip())
        start = end.end()
    yield start, start + len(text[start:].rstrip())


def _iso_time(written: str) -> str:
    """`D:20260131120000+01'00'` (ISO 32000-1, 7.9.4) in UTC and ISO 8601; empty for anything else."""
    found = _PDF_TIME.match(written)
    if found is None:
        return ""
    year, *rest = (int(part) if part else None for part in found.group(1, 2, 3, 4, 5, 6))
    month, day, hour, minute, second = (
        part if part is not None else usual for part, usual in zip(rest, (1, 1, 0, 0, 0), strict=True)
    )
    sign, hours, minutes = found.group(7, 8, 9)
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        moment = datetime(year or 0, month, day, hour, minute, second, tzinfo=timezone(ahead))
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return ""


_LINE_END = re.compile(r"\r\n|\r|\n")
_PDF_TIME = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?|Z)?")
_DEEPEST, _MOST_BOOKMARKS = 8, 5_000
_A_REAL_OUTLINE = 3
_UNTOLD = 4
"""Pages in a row without a tag for a heading or a table, after which no more is looked for."""
_TOP_IN_VIEW = {1: 1, 3: 0, 5: 3, 7: 0}
"""Where the height stands in a destination, by its kind in PDFium: XYZ, FitH, FitR, FitBH."""
