"""Word processor files, slides, sheets and books: which reader a file is for, by what it is and not by its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hybridrag.parsing.markup.blocks import parsed_markdown
from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.package import OLE, Package, refuse_locked
from hybridrag.parsing.office.properties import described, open_xml_properties, opendocument_properties
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.refusals import broken
from hybridrag.parsing.text import clean
from hybridrag.parsing.titles import first_title

_RTF = "application/rtf"
_TYPES = "[Content_Types].xml"
_OLD = {"WordDocument": "Word", "PowerPoint Document": "PowerPoint", "Workbook": "Excel", "Book": "Excel"}
_NEW = {"Word": ".docx", "PowerPoint": ".pptx"}


def parse_office(content: bytes, media_type: str) -> Parsed:
    """The document with its structure. Its title is the one in its properties, else the first heading.

    Raises UnreadableError if it is broken, locked, of an old format that is not read, or no office file at all.
    """
    if content.lstrip()[:5] == b"{\\rtf":
        return _parse_rtf(content)
    if content.startswith(OLE):
        return _parse_old(content)
    if media_type == _RTF:
        raise broken()
    package = Package(content)
    read, kind = _reader(package)
    parsed = read(package)
    if any("comment" in name.lower() and _COMMENT.search(package.read(name)) for name in package.names):
        parsed = _with_note(parsed, "its comments were not indexed")
    if not _fits(kind, media_type):
        parsed = _with_note(parsed, f"{kind} under another name")
    return parsed


def _reader(package: Package) -> tuple[Callable[[Package], Parsed], str]:
    """What reads a file, and what it is, in words."""
    if "META-INF/container.xml" in package:
        return _parse_book, "a book"
    if "content.xml" in package:
        return _parse_opendocument, "an OpenDocument file"
    if not package.relations():
        raise UnreadableError("not an office file: a zip archive under its name", hint="Rename it to .zip.")
    main, kind = package.main_part(), ""
    if _TYPES in package:
        names = {entry.get("PartName", "").lstrip("/"): entry for entry in package.xml(_TYPES)}
        kind = names[main].get("ContentType", "") if main in names else ""
    if "binary" in kind:
        raise UnreadableError("a binary workbook, which is not read", hint="Open it and save it as .xlsx.")
    if "wordprocessingml" in kind or "ms-word" in kind or main.startswith("word/"):
        return _parse_word, "a Word file"
    if "presentationml" in kind or "ms-powerpoint" in kind or main.startswith("ppt/"):
        return _parse_slides, "a presentation"
    if "spreadsheetml" in kind or "ms-excel" in kind or main.startswith("xl/"):
        return _parse_sheets, "a workbook"
    raise UnreadableError("an office file of a kind that is not read", hint="Export it as PDF.")


def _parse_word(package: Package) -> Parsed:
    from hybridrag.parsing.office.word import word_markdown

    return _from_markdown(word_markdown(package), described(open_xml_properties(package)))


def _parse_slides(package: Package) -> Parsed:
    from hybridrag.parsing.office.slides import write_presentation

    into = Composition()
    notes = write_presentation(package, into)
    return _composed(into, described(open_xml_properties(package)), notes)


def _parse_sheets(package: Package) -> Parsed:
    from hybridrag.parsing.office.workbook import write_workbook

    into = Composition()
    notes = write_workbook(package, into)
    # The headings of a workbook are the names of its sheets.
    return into.parsed(**described(open_xml_properties(package)), notes=notes)


def _parse_opendocument(package: Package) -> Parsed:
    from hybridrag.parsing.office.opendocument import write_opendocument

    into = Composition()
    notes = write_opendocument(package, into)
    fields = described(opendocument_properties(package))
    sheets = "mimetype" in package and b"spreadsheet" in package.read("mimetype")
    return into.parsed(**fields, notes=notes) if sheets else _composed(into, fields, notes)


def _parse_book(package: Package) -> Parsed:
    from hybridrag.parsing.office.book import book_markdown

    text, metadata = book_markdown(package)
    return _from_markdown(text, described(metadata))


def _parse_rtf(content: bytes) -> Parsed:
    from hybridrag.parsing.office.rtf import write_rtf

    into = Composition()
    fields = write_rtf(content, into)
    commented = b"{\\*\\annotation" in content
    return _composed(into, fields, ("its comments were not indexed",) if commented else ())


def _parse_old(content: bytes) -> Parsed:
    """A workbook of Excel 97; other files of that time are not read."""
    from hybridrag.parsing.office.old_workbook import write_old_workbook

    refuse_locked(content)
    made_by = next((name for stream, name in _OLD.items() if stream.encode("utf-16-le") in content), None)
    if made_by != "Excel":
        what = f"an old {made_by} file" if made_by else "an old office file of a kind that is not read"
        raise UnreadableError(what, hint=f"Open it and save it as {_NEW.get(made_by or '', 'PDF')}.")
    into = Composition()
    write_old_workbook(content, into)
    return into.parsed()


def _from_markdown(written: str, fields: dict[str, Any]) -> Parsed:
    text, notes = clean(written)
    return parsed_markdown(text, **fields, notes=notes)


def _composed(into: Composition, fields: dict[str, Any], notes: tuple[str, ...]) -> Parsed:
    return into.parsed(**{**fields, "title": fields["title"] or first_title(into.headings)}, notes=notes)


def _with_note(parsed: Parsed, note: str) -> Parsed:
    return replace(parsed, notes=(*parsed.notes, note))


def _fits(kind: str, media_type: str) -> bool:
    """Whether a file is what its media type says; a type that says nothing of the kind fits none."""
    return any(word in media_type for word in _WORDS[kind])


_COMMENT = re.compile(rb"<(?:\w+:)?(?:comment|cm|threadedComment)[\s>]")
_WORDS = {
    "a book": ("epub",),
    "an OpenDocument file": ("opendocument",),
    "a Word file": ("word",),
    "a presentation": ("presentationml", "powerpoint"),
    "a workbook": ("spreadsheetml", "excel"),
}
