"""Words of a PDF that a line end had cut in two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

CUT = "\ufffe"
"""What PDFium writes for a hyphen at a line end, between the two halves of the word."""


def mended(pages: list[str]) -> list[str]:
    """The pages without cuts.

    A hyphen that only cut the word goes (`state-ments`), one that belongs to it stays (`non-GAAP`). The document
    decides: a word that it also writes in one piece, or whose second half it never writes alone, was cut.
    """
    if not any(CUT in page for page in pages):
        return pages
    words, compounds = _vocabulary(pages)

    def is_one_word(first: str, second: str) -> bool:
        if len(first) < 2 or not second.islower():
            return False
        first = first.lower()
        return f"{first}-{second}" not in compounds and (first + second in words or second not in words)

    return [_joined(page.split(CUT), is_one_word) if CUT in page else page for page in pages]


def _joined(parts: list[str], is_one_word: Callable[[str, str], bool]) -> str:
    out = [parts[0]]
    for before, after in pairwise(parts):
        first, second = _last_word(before), _first_word(after)
        out += ["" if first and second and is_one_word(first, second) else "-", after]
    return "".join(out)


def _vocabulary(pages: Iterable[str]) -> tuple[set[str], set[str]]:
    """The words of all pages and those put together with a hyphen, in lower case, the cut ones left out."""
    written: set[str] = set()
    for page in pages:
        written.update((" ".join(_uncut(page)) if CUT in page else page).split())
    text = " ".join(written).lower()
    compounds: set[str] = set()
    for before, after in pairwise(text.split("-")):
        if (first := _last_word(before)) and (second := _first_word(after)):
            compounds.add(f"{first}-{second}")
    return set(_WORD.findall(text)), compounds


def _uncut(page: str) -> Iterator[str]:
    """What stands between the cuts, without the halves beside them."""
    parts = page.split(CUT)
    for number, part in enumerate(parts):
        start = len(_first_word(part)) if number else 0
        end = len(part) - (len(_last_word(part)) if number < len(parts) - 1 else 0)
        yield part[start:end]


def _first_word(text: str) -> str:
    found = _WORD.match(text)
    return found[0] if found else ""


def _last_word(text: str) -> str:
    start = len(text)
    while start and text[start - 1].isalpha():
        start -= 1
    return text[start:]


_WORD = re.compile(r"[^\W\d_]+")
