"""Which module reads which media type."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

from hybridrag.parsing.language import guessed_language
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.text import parse_text

VERSION = 3
"""Raised by hand whenever the same bytes may parse differently, libraries aside."""

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OFFICE = frozenset(
    {
        f"{_OPEN_XML}.spreadsheetml.sheet",
        f"{_OPEN_XML}.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/rtf",
        "application/epub+zip",
    }
)
_MARKED_UP = frozenset({"text/markdown", "text/html"})
_PLAIN_PROSE = frozenset(f"text/{name}" for name in ("plain", "x-rst", "x-asciidoc", "x-org", "x-tex"))
_DATA = frozenset(f"application/{name}" for name in ("json", "x-ndjson", "yaml", "toml", "xml"))


def parser_version() -> str:
    """Changes whenever the same bytes may parse differently."""
    libraries = ("kreuzberg", "mammoth", "markdown-it-py", "cld3-py")
    return " ".join([str(VERSION), *(f"{name}/{version(name)}" for name in libraries)])


def is_plain(media_type: str) -> bool:
    """Whether the text is taken as written, so that nothing has to be parsed."""
    return media_type in _DATA or (media_type.startswith("text/") and media_type not in _MARKED_UP)


def parse(content: bytes, media_type: str) -> Parsed:
    """The document in the bytes. Raises UnreadableError; any other exception is a fault of a parser."""
    if is_plain(media_type):
        parsed = parse_text(content)
    elif media_type == "text/markdown":
        from hybridrag.parsing.markdown import parse_markdown

        parsed = parse_markdown(content)
    elif media_type in {"text/html", "application/xhtml+xml"}:
        from hybridrag.parsing.html import parse_html

        parsed = parse_html(content)
    elif media_type == "message/rfc822":
        from hybridrag.parsing.mail import parse_mail

        parsed = parse_mail(content)
    elif media_type == "application/pdf":
        from hybridrag.parsing.pdf import parse_pdf

        parsed = parse_pdf(content)
    elif media_type == f"{_OPEN_XML}.wordprocessingml.document":
        from hybridrag.parsing.word import parse_word

        parsed = parse_word(content)
    elif media_type in _OFFICE:
        from hybridrag.parsing.office import parse_office

        parsed = parse_office(content, media_type)
    else:
        raise UnreadableError("no parser for this kind of file", hint="Convert it to text, PDF or DOCX.")
    if not parsed.text.strip():
        raise UnreadableError("holds no text", failed=False)
    return replace(parsed, language=guessed_language(parsed.text)) if _is_prose(media_type) else parsed


def _is_prose(media_type: str) -> bool:
    """Whether people write it for people to read: no source code, no data, no table."""
    return media_type in _PLAIN_PROSE if is_plain(media_type) else "spreadsheet" not in media_type
