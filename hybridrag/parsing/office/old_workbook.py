"""XLS, the workbooks of Excel 97, by kreuzberg. Only this module knows that library.

It reads those well, but of Word and PowerPoint files of that time only a heap of words (docs/decisions/0047). Of what
such a file says of itself it tells nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.sheets import write_sheet
from hybridrag.parsing.refusals import broken, fault, locked

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

_EXCEL = "application/vnd.ms-excel"
_NO_MOMENT = re.compile(r"(?<=\d) 00:00:00$|^1899-12-31 (?=\d)")
"""What the library adds to a date without a time, and to a time without a date."""
_VERDICTS = frozenset({"ParsingError", "ValidationError"})


def write_old_workbook(content: bytes, into: Composition) -> None:
    """Writes all sheets. Raises UnreadableError in our own words, for the library's may quote the document."""
    found = _extracted(content)
    names = list(found.metadata.get("sheet_names") or ())
    for table in found.tables:
        name = names[table.page_number - 1] if 0 < table.page_number <= len(names) else f"Sheet {table.page_number}"
        write_sheet(into, name, [[_NO_MOMENT.sub("", text) for text in row] for row in table.cells])


def _extracted(content: bytes) -> ExtractionResult:
    """What the library reads: no OCR, no cache, no settings file."""
    import kreuzberg

    settings = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        return kreuzberg.extract_bytes_sync(content, _EXCEL, config=settings)
    except kreuzberg.KreuzbergError as error:
        # The class is the same for a broken file and a locked one; only the message tells them apart.
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            raise locked() from None
        raise (broken() if type(error).__name__ in _VERDICTS else fault()) from None
    except (ValueError, RuntimeError, OSError):
        raise fault() from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust's panics become; it is no Exception
            raise
        raise fault() from None
