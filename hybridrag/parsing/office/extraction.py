"""The library that reads PDF, DOCX, HTML and their like. Only this module knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.parsed import UnreadableError

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult


def extract(content: bytes, media_type: str, *, output: Literal["plain", "markdown"]) -> ExtractionResult:
    """What the library reads from the bytes, with pages where the format has them: no OCR, no cache, no settings file.

    Raises UnreadableError in our own words, because the library's messages may quote the document.
    """
    import kreuzberg

    settings = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format=output,
        pages=kreuzberg.PageConfig(extract_pages=True),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        return kreuzberg.extract_bytes_sync(content, media_type, config=settings)
    except kreuzberg.KreuzbergError as error:
        # The class is the same for a broken file and a locked one; only the message tells them apart.
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            raise encrypted() from None
        raise UnreadableError(_REASONS.get(type(error).__name__, "cannot be parsed"), hint=_HINT) from None
    except (ValueError, RuntimeError, OSError):
        raise UnreadableError("cannot be parsed", hint=_HINT) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust's panics become; it is no Exception
            raise
        raise UnreadableError("cannot be parsed: the parser failed on it", hint=_HINT) from None


def encrypted() -> UnreadableError:
    return UnreadableError("encrypted: needs a password", hint="Save a copy without a password and index that.")


def properties(found: dict[str, Any]) -> dict[str, Any]:
    """The document properties worth keeping, under our names: author, subject, keywords, description, language."""
    core = found.get("core_properties") or {}
    authors = found.get("authors") or [core.get("creator") or found.get("initial_creator")]
    kept = {
        "author": ", ".join(str(author) for author in authors if author),
        "subject": found.get("subject") or core.get("subject"),
        "keywords": found.get("keywords") or core.get("keywords"),
        "description": found.get("description") or core.get("description"),
        "language": found.get("language") or core.get("language"),
    }
    times = {
        "created": found.get("created_at") or core.get("created") or found.get("creation_date"),
        "modified": found.get("modified_at") or core.get("modified") or found.get("modification_date"),
    }
    # Some formats give the year 0 for a time that was never set.
    kept |= {key: time for key, time in times.items() if read_date(time)}
    return {key: _plain(value) for key, value in kept.items() if value}


def _plain(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


_HINT = "Open it in the program that made it and save it again."
_REASONS = {
    "ParsingError": "broken: its content does not fit its format",
    "ValidationError": "broken: its content does not fit its format",
    "MissingDependencyError": "needs a program that is not installed",
    "ExtractionTimeoutError": "took too long to parse",
}
