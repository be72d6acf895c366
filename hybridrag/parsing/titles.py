"""Titles from document properties, which programs fill in carelessly."""

from __future__ import annotations

import re

from hybridrag.parsing.parsed import one_line


def given_title(written: object) -> str | None:
    """The title in a document's properties, or None for one that only names a program or a file."""
    if not isinstance(written, str):
        return None
    title = re.sub(r"^Microsoft (Word|PowerPoint|Excel) - ", "", one_line(written))
    if _MEANINGLESS.fullmatch(title) or _FILE_NAME.search(title):
        return None
    return title


_MEANINGLESS = re.compile(
    r"[\W\d]*|title|untitled.*|(document|dokument|presentation|powerpoint presentation|workbook|book|mappe)\s?\d*",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"\.(docx?|dotx?|odt|rtf|pdf|pptx?|xlsx?|indd|qxd|tex|dvi|html?|md|txt)$", re.IGNORECASE)
