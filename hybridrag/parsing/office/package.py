"""Zipped office files: their parts, opened with care.

OOXML (ECMA-376), OpenDocument and EPUB are zip archives of XML. Whoever made one may have lied in any byte of it: what
a part may unpack to is bounded, and what is no such archive is told from one that is broken or locked.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.refusals import LEAVE_OUT, SAVE_AGAIN, broken, locked

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MIB = 1 << 20
_LARGEST_PART = 512 * _MIB
_LARGEST = 1024 * _MIB
_MOST_PARTS = 100_000
_AMPLIFIED = 43
"""XML_ERROR_AMPLIFICATION_LIMIT_BREACH of Expat 2.4 and later."""
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, KeyError, ValueError, OSError, EOFError,
           NotImplementedError, RuntimeError, OverflowError)  # fmt: skip
"""What the standard library raises for archives that are not what they say."""


class Package:
    """The parts of a zipped office file. Raises UnreadableError for anything else, and for what is broken or locked."""

    def __init__(self, content: bytes) -> None:
        refuse_other_kinds(content)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            infos = self._archive.infolist()
        except _BROKEN:
            raise UnreadableError("broken or cut short: it cannot be unpacked", hint=SAVE_AGAIN) from None
        if any(info.flag_bits & 1 for info in infos):
            raise locked()
        if len(infos) > _MOST_PARTS or sum(info.file_size for info in infos if _is_read(info)) > _LARGEST:
            raise _bomb()
        self._infos = {info.filename: info for info in infos}

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    @property
    def names(self) -> list[str]:
        return list(self._infos)

    def read(self, name: str) -> bytes:
        with self.open(name) as part:
            try:
                # No more than the directory says: a part that lies there could unpack to anything in one go.
                content = part.read(self._infos[name].file_size)
                if part.read(1):
                    raise broken()
                return content
            except _BROKEN:
                raise broken() from None

    def open(self, name: str) -> IO[bytes]:
        info = self._infos.get(name)
        if info is None:
            raise broken()
        if info.file_size > _LARGEST_PART:
            raise _bomb()
        try:
            return self._archive.open(info)
        except _BROKEN:
            raise broken() from None

    def xml(self, name: str) -> Element:
        """The root of a part. Expat bounds what entities may grow to, and fetches none from elsewhere."""
        try:
            return ElementTree.fromstring(self.read(name))  # noqa: S314
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise broken_xml(error) from None

    def elements(self, name: str, wanted: str) -> Iterator[Element]:
        """Each element of one name in a part, one at a time, so that a long part needs little memory."""
        ending = f"}}{wanted}"
        try:
            with self.open(name) as part:
                for _, element in ElementTree.iterparse(part):  # noqa: S314
                    if element.tag.endswith(ending):
                        yield element
                        element.clear()
        except (ElementTree.ParseError, LookupError, *_BROKEN) as error:
            raise broken_xml(error) from None

    def relations(self, part: str = "") -> dict[str, tuple[str, str]]:
        """What an OOXML part refers to inside the file: id to the last word of its type, and the part's name."""
        folder, _, name = part.rpartition("/")
        listing = posixpath.join(folder, "_rels", f"{name}.rels")
        if listing not in self:
            return {}
        return {
            relation.get("Id", ""): (
                relation.get("Type", "").rpartition("/")[2],
                resolved(folder, relation.get("Target", "")),
            )
            for relation in self.xml(listing).iter(_RELATIONS)
            if relation.get("TargetMode") != "External"
        }

    def main_part(self) -> str:
        """The name of the document, workbook or presentation of an OOXML file."""
        for kind, target in self.relations().values():
            if kind == "officeDocument" and target in self:
                return target
        raise broken()


def broken_xml(error: Exception) -> UnreadableError:
    """What is to be told of an error of the XML reader: Expat stops where entities grow beyond all measure."""
    if getattr(error, "code", 0) == _AMPLIFIED:
        return UnreadableError("its XML grows to far more than it is long: a bomb", hint=LEAVE_OUT)
    return broken()


def resolved(folder: str, target: str) -> str:
    """The name of the part that `target` means in a part of `folder`; a part is never outside of the file."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def local(element: Element) -> str:
    """An element's name without its namespace: `{...}p` is `p`."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without its namespace; empty where there is none."""
    for key, value in element.items():
        if key == name or key.endswith(f"}}{name}"):
            return value
    return ""


def refuse_other_kinds(content: bytes) -> None:
    """Raises UnreadableError, with what it is, for content that is no zip archive."""
    if content.startswith(b"PK"):
        return
    if content.startswith(OLE):
        refuse_locked(content)
        raise UnreadableError("an old office file under a new name", hint="Open it and save it in the new format.")
    start = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<head")):
        raise UnreadableError("not an office file: it holds HTML", hint="Rename it to .html.")
    if start.startswith(b"%pdf-"):
        raise UnreadableError("not an office file: it holds a PDF", hint="Rename it to .pdf.")
    if start and not any(byte < 9 for byte in content[:8192]):
        raise UnreadableError("not an office file: it holds text", hint="Rename it to .txt or .csv, say.")
    raise broken()


def refuse_locked(content: bytes) -> None:
    """Raises UnreadableError where an OLE file is the envelope of an encrypted one."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise locked()


def _bomb() -> UnreadableError:
    limit = f"{_LARGEST // _MIB:,} MiB"
    return UnreadableError(f"unpacks to more than {limit}: a zip bomb, or far too large", hint="Split it.")


def _is_read(info: zipfile.ZipInfo) -> bool:
    return info.filename.lower().endswith((".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx"))
