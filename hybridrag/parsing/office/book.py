"""EPUB: the chapters in reading order, each an XHTML page.

kreuzberg 4.10 writes a chapter of an EPUB on one line, tables and code with it (docs/decisions/0047); its own HTML
reading, a chapter at a time, does not.
"""

from __future__ import annotations

import posixpath
from xml.etree.ElementTree import Element

from hybridrag.parsing.html.reading import html_to_markdown
from hybridrag.parsing.office.package import Package, local, resolved
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.refusals import broken
from hybridrag.parsing.text import decode

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_MOST_CHAPTERS = 10_000
_MARKED_UP = {"application/xhtml+xml", "text/html"}


def book_markdown(package: Package) -> tuple[str, list[Element]]:
    """The book as Markdown, and its metadata. A table of contents is left out: it says the headings again."""
    main = _main_part(package)
    root = package.xml(main)
    groups = {local(group): list(group) for group in root}
    items = {item.get("id", ""): item for item in groups.get("manifest", [])}
    chapters = []
    for entry in groups.get("spine", [])[:_MOST_CHAPTERS]:
        item = items.get(entry.get("idref", ""))
        if item is None or item.get("media-type") not in _MARKED_UP or "nav" in item.get("properties", "").split():
            continue
        chapters.append(resolved(posixpath.dirname(main), item.get("href", "")))
    _refuse_locked(package, chapters)
    texts = [html_to_markdown(decode(package.read(chapter))[0]).strip() for chapter in dict.fromkeys(chapters)]
    return "\n\n".join(text for text in texts if text) + "\n", groups.get("metadata", [])


def _main_part(package: Package) -> str:
    for element in package.xml(_CONTAINER).iter():
        if local(element) == "rootfile":
            return resolved("", element.get("full-path", ""))
    raise broken()


def _refuse_locked(package: Package, chapters: list[str]) -> None:
    """Raises UnreadableError where chapters are encrypted. Fonts often are, without anything being locked."""
    if _ENCRYPTION in package:
        locked = {resolved("", element.get("URI", "")) for element in package.xml(_ENCRYPTION).iter()}
        if locked.intersection(chapters):
            raise UnreadableError("protected by its publisher (DRM)", hint="Index a copy that is not protected.")
