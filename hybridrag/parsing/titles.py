"""Titles: from document properties, which programs fill in carelessly, or from headings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hybridrag.parsing.parsed import one_line
from hybridrag.types import Heading


def given_title(written: object) -> str | None:
    """The title in a document's properties, or None for one that only names a program or a file."""
    if not isinstance(written, str):
        return None
    title = re.sub(r"^Microsoft (Word|PowerPoint|Excel) - ", "", one_line(written))
    if _MEANINGLESS.fullmatch(title) or _FILE_NAME.search(title):
        return None
    return title


def first_title(headings: Sequence[Heading]) -> str | None:
    """What the first heading says."""
    return headings[0].title if headings else None


_MEANINGLESS = re.compile(
    r"[\W\d]*|title|untitled.*|(document|dokument|presentation|powerpoint presentation|workbook|book|mappe)\s?\d*",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"\.(docx?|dotx?|odt|rtf|pdf|pptx?|xlsx?|indd|qxd|tex|dvi|html?|md|txt)$", re.IGNORECASE)
