"""kreuzberg, the library that reads RTF and the workbooks of Excel 97. Only this module knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.refusals import broken, fault, locked

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult


def extract(content: bytes, media_type: str, *, output: Literal["plain", "markdown"]) -> ExtractionResult:
    """What the library reads from the bytes: no OCR, no cache, no settings file.

    Raises UnreadableError in our own words, because the library's messages may quote the document.
    """
    import kreuzberg

    settings = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format=output,
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        return kreuzberg.extract_bytes_sync(content, media_type, config=settings)
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


def properties(found: dict[str, Any]) -> dict[str, Any]:
    """The document properties worth keeping, under our names: author, subject, keywords, description, language."""
    kept = {
        "author": found.get("authors"),
        **{name: found.get(name) for name in ("subject", "keywords", "description", "language")},
        # Some files give the year 0 for a time that was never set.
        **{name: time for name in ("created", "modified") if read_date(time := found.get(f"{name}_at"))},
    }
    return {name: _plain(value) for name, value in kept.items() if value}


def _plain(value: Any) -> str:
    return ", ".join(str(item) for item in value if item) if isinstance(value, list) else str(value)


_VERDICTS = frozenset({"ParsingError", "ValidationError"})
