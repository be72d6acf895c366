"""DOCX to Markdown, by way of HTML.

mammoth reads the file, because kreuzberg 4.10 drops every XML entity of a DOCX: `AT&amp;T` became `ATT` and
`week&apos;s` became `weeks` (docs/decisions/0003).
"""

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.extraction import encrypted
from hybridrag.parsing.html import to_markdown
from hybridrag.parsing.markdown import find_headings, first_title
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.text import clean
from hybridrag.parsing.titles import given_title

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_HINT = "Open it in the program that made it and save it again."
_KEPT = {
    "creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "description": "description",
    "language": "language",
    "created": "created",
    "modified": "modified",
}
_LONGEST = 2000
"""Characters kept of one property."""


def parse_word(content: bytes) -> Parsed:
    """The document as Markdown. Its title is the one in its properties, else the first heading.

    Raises UnreadableError if it is broken or locked.
    """
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise encrypted()
        raise UnreadableError("an old Word file under a new name", hint="Open it and save it as .docx.")
    import mammoth

    try:
        html = mammoth.convert_to_html(
            io.BytesIO(content),
            convert_image=mammoth.images.img_element(lambda _: {"src": ""}),
            external_file_access=False,
        ).value
        found = _properties(content)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, ValueError, OSError, EOFError, AttributeError) as exc:
        raise UnreadableError("broken: its content does not fit its format", hint=_HINT) from exc
    except Exception as exc:  # mammoth lets the errors of its XML reader through, whatever they are
        raise UnreadableError("cannot be parsed", hint=_HINT) from exc
    text, notes = clean(to_markdown(html))
    headings = find_headings(text)
    title = found.pop("title", None)
    kept = {name: found[key] for key, name in _KEPT.items() if found.get(key)}
    for moment in ("created", "modified"):
        if moment in kept and not read_date(kept[moment]):
            del kept[moment]
    return Parsed(
        text=text,
        title=given_title(title) or first_title(headings),
        headings=headings,
        metadata=kept,
        date=read_date(kept.get("created")),
        notes=notes,
    )


def _properties(content: bytes) -> dict[str, Any]:
    """Dublin Core properties by their local names. None where the file has no part for them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if "docProps/core.xml" not in archive.namelist():
            return {}
        # Expat bounds what entities may grow to; the child process bounds the rest.
        root = ElementTree.fromstring(archive.read("docProps/core.xml"))  # noqa: S314
    return {
        element.tag.rpartition("}")[2]: " ".join(element.text.split())[:_LONGEST]
        for element in root
        if element.text and element.text.strip()
    }
