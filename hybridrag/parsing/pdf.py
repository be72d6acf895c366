"""PDF to text with exact pages.

The library's plain text is taken, not its Markdown: that one joins words across line ends (docs/decisions/0003).
"""

from __future__ import annotations

import re
from collections import Counter

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.extraction import extract, properties
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.text import clean
from hybridrag.parsing.titles import given_title
from hybridrag.types import Page

PAGE_BREAK = "\n\n"


def parse_pdf(content: bytes) -> Parsed:
    """The text of every page, joined by a blank line. Raises UnreadableError for a broken, locked or scanned file."""
    result = extract(content, "application/pdf", output="plain")
    found = sorted(result.pages or [], key=lambda page: page["page_number"])
    texts, notes = _readable_pages([page["content"] for page in found] or [result.content])
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        pages.append(Page(number, start, start + len(text)))
        start += len(text) + len(PAGE_BREAK)
    blank = [page.number for page, text in zip(pages, texts, strict=True) if not _has_words(text)]
    if len(blank) == len(pages):
        raise UnreadableError("no text; needs OCR", hint="Run it through an OCR program, such as ocrmypdf.")
    if blank:
        notes += (f"{len(blank)} of {len(pages)} pages hold no text: {_some(blank)}",)
    kept = properties(dict(result.metadata))
    return Parsed(
        text=PAGE_BREAK.join(texts),
        title=given_title(result.metadata.get("title")),
        pages=tuple(pages),
        metadata=kept,
        date=read_date(kept.get("created")),
        notes=notes,
    )


def _readable_pages(pages: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The pages cleaned one by one, so that a page's span is exact, and words mended that a line end had cut."""
    mend = _Mender(pages)
    cleaned, removed = [], 0
    for page in pages:
        text, notes = clean(mend(page))
        cleaned.append(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))
        removed += bool(notes)
    return cleaned, (f"characters that cannot be stored removed on {removed} pages",) if removed else ()


class _Mender:
    """Decides about hyphens at line ends, which PDFium writes as U+0002 between the two halves of the word.

    A hyphen that only cut the word goes (`state-ments`), one that belongs to it stays (`non-GAAP`). The document
    decides: a word that it also writes in one piece, or whose second half it never writes alone, was cut.
    """

    def __init__(self, pages: list[str]) -> None:
        self._words: Counter[str] = Counter()
        self._compounds: set[str] = set()
        if any(_CUT in page for page in pages):
            for page in pages:
                rest = _HALVES.sub(" ", page).lower()
                self._words.update(re.findall(r"[^\W\d_]+", rest))
                self._compounds.update(re.findall(r"[^\W\d_]+-[^\W\d_]+", rest))

    def __call__(self, page: str) -> str:
        return _HALVES.sub(self._mended, page).replace(_CUT, "-") if _CUT in page else page

    def _mended(self, cut: re.Match[str]) -> str:
        first, second = cut[1].lower(), cut[2].lower()
        kept, joined = f"{cut[1]}-{cut[2]}", f"{cut[1]}{cut[2]}"
        if f"{first}-{second}" in self._compounds or len(first) < 2 or not cut[2].islower():
            return kept
        return joined if self._words[first + second] or not self._words[second] else kept


def _has_words(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _some(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers[:10]) + (", ..." if len(numbers) > 10 else "")


_CUT = "\x02"
_HALVES = re.compile(rf"(?<![^\W\d_])([^\W\d_]+){_CUT}([^\W\d_]+)(?![^\W\d_])")
