"""What office files say of themselves: Dublin Core elements and their like, under our names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.office.package import Package, local
from hybridrag.parsing.titles import given_title

_LONGEST = 2000
"""Characters kept of one property."""
_OURS = {
    "author": ("initial-creator", "creator"),
    "subject": ("subject",),
    "keywords": ("keywords", "keyword"),
    "description": ("description",),
    "language": ("language",),
    "publisher": ("publisher",),
    "created": ("created", "creation-date"),
    "modified": ("modified",),
}


def open_xml_properties(package: Package) -> list[Element]:
    """The properties of an OOXML file; none where it has no part for them."""
    parts = [part for kind, part in package.relations().values() if kind == "core-properties" and part in package]
    return list(package.xml(parts[0])) if parts else []


def opendocument_properties(package: Package) -> list[Element]:
    return [element for group in package.xml("meta.xml") for element in group] if "meta.xml" in package else []


def described(elements: Iterable[Element]) -> dict[str, Any]:
    """The fields `title`, `metadata` and `date` of a `Parsed`. A time that was never set is left out."""
    found: dict[str, list[str]] = {}
    for element in elements:
        text = " ".join((element.text or "").split())[:_LONGEST]
        if text:
            found.setdefault(local(element), []).append(text)
    kept = {}
    for name, theirs in _OURS.items():
        values = next((found[key] for key in theirs if key in found), [])
        if values and (name not in {"created", "modified"} or _moment(values[0])):
            kept[name] = ", ".join(dict.fromkeys(values))[:_LONGEST]
    published = next((text for text in found.get("date", []) if _moment(text)), None)
    if "created" not in kept and published:
        kept["date"] = published
    return {
        "title": given_title(found["title"][0]) if "title" in found else None,
        "metadata": kept,
        "date": _moment(kept.get("created") or published),
    }


def _moment(written: str | None) -> datetime | None:
    """A time that a program set: some write the year 1601 or 1899 for none."""
    moment = read_date(written)
    return moment if moment is not None and moment.year > 1900 else None
