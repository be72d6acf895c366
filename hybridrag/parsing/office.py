"""Word processor files, slides, sheets and books, to Markdown."""

from __future__ import annotations

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.extraction import encrypted, extract, properties
from hybridrag.parsing.markdown import find_headings, first_title
from hybridrag.parsing.parsed import Parsed
from hybridrag.parsing.text import clean
from hybridrag.parsing.titles import given_title

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def parse_office(content: bytes, media_type: str) -> Parsed:
    """The document as Markdown. Its title is the one in its properties, else the first heading.

    Raises UnreadableError if it is broken or locked.
    """
    if content.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        raise encrypted()
    result = extract(content, media_type, output="markdown")
    text, notes = clean(result.content)
    headings = find_headings(text)
    found = dict(result.metadata)
    kept = properties(found)
    # The headings of a workbook are the names of its sheets.
    heading = None if "spreadsheet" in media_type else first_title(headings)
    return Parsed(
        text=text,
        title=given_title(found.get("title")) or heading,
        headings=headings,
        metadata=kept,
        date=read_date(kept.get("created")),
        notes=notes,
    )
