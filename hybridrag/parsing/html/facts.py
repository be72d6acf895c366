"""What a page says of itself: title, author, dates, language, address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.html.tree import Node
from hybridrag.parsing.parsed import one_line


@dataclass(frozen=True, slots=True)
class Facts:
    """The title, empty where there is none, the metadata worth keeping, and the page's date."""

    title: str
    metadata: dict[str, Any]
    date: datetime | None


def page_facts(page: Node) -> Facts:
    """What the head of a page and its JSON-LD tell, before anything is taken out of it."""
    meta: dict[str, str] = {}
    titles: list[str] = []
    times: list[str] = []
    linked: dict[str, str] = {}
    for node in _without_drawings(page):
        if node.tag == "title":
            titles.append(one_line(node.text()))
        elif node.tag == "meta":
            name = (node.get("name") or node.get("property") or node.get("itemprop")).strip().lower()
            if name and (content := one_line(node.get("content"), limit=_LONGEST)):
                if name in _KEPT["author"] and content not in meta.get(name, content).split(
                    ", "
                ):  # an element for each of them
                    content = one_line(f"{meta.pop(name)}, {content}", limit=_LONGEST)
                meta.setdefault(name, content)
        elif node.tag == "link" and "canonical" in node.get("rel").lower().split():
            meta.setdefault("canonical", node.get("href").strip())
        elif node.tag == "time" and "datetime" in node.attrs:
            first = (
                "published" in node.get("class") or "pubdate" in node.attrs or node.get("itemprop") == "datePublished"
            )
            times.insert(0 if first else len(times), node.get("datetime"))
        elif node.tag == "script" and node.get("type").strip().lower() == "application/ld+json":
            linked = {**_linked_data(node.text()), **linked}
    kept = {key: value for key, names in _KEPT.items() if (value := _first(meta, names))}
    if author := kept.get("author") or linked.get("author"):
        kept["author"] = author
    if language := page.get("lang") or page.get("xml:lang") or _first(meta, _LANGUAGES):
        kept["language"] = one_line(language, limit=40)
    url = meta.get("canonical", "") or meta.get("og:url", "")
    if url.lower().startswith(("https://", "http://")):
        kept["url"] = one_line(url, limit=_LONGEST)
    modified = next(filter(read_date, (meta.get(name) for name in _MODIFIED)), None) or linked.get("dateModified")
    if modified and read_date(modified):
        kept["modified"] = modified
    told = [*(meta.get(name) for name in _DATES), linked.get("datePublished"), *times, modified]
    title = next(filter(None, titles), "") or meta.get("og:title", "") or linked.get("headline", "")
    return Facts(one_line(title), kept, next(filter(None, map(read_date, told)), None))


def _without_drawings(page: Node) -> Iterator[Node]:
    """All elements but those in SVG, whose `title` is another thing."""
    waiting = [page]
    while waiting:
        node = waiting.pop()
        if node.tag != "svg":
            yield node
            waiting.extend(child for child in reversed(node.children) if isinstance(child, Node))


def _first(meta: dict[str, str], names: tuple[str, ...]) -> str:
    return next((meta[name] for name in names if meta.get(name)), "")


def _linked_data(written: str) -> dict[str, str]:
    """Date, author and headline of the article that JSON-LD describes (https://schema.org/Article)."""
    try:
        found = json.loads(written) if len(written) <= _LONGEST_LINKED else None
    except (ValueError, RecursionError):
        return {}
    told: dict[str, str] = {}
    for item in _items(found):
        for key in ("datePublished", "dateModified", "headline"):
            if isinstance(item.get(key), str):
                told.setdefault(key, one_line(item[key], limit=_LONGEST))
        if names := ", ".join(_author_names(item.get("author"))):
            told.setdefault("author", one_line(names, limit=_LONGEST))
    return told


def _items(found: Any) -> Iterator[dict[str, Any]]:
    listed = found if isinstance(found, list) else [found]
    for item in listed:
        if isinstance(item, dict):
            yield item
            graph = item.get("@graph")
            yield from (inner for inner in graph if isinstance(inner, dict)) if isinstance(graph, list) else ()


def _author_names(found: Any) -> Iterator[str]:
    for author in found if isinstance(found, list) else [found]:
        name = author.get("name") if isinstance(author, dict) else author
        if isinstance(name, str) and not name.startswith(("http://", "https://", "#")):
            yield name


_LONGEST, _LONGEST_LINKED = 2000, 1_000_000
_KEPT = {
    "author": ("author", "article:author", "dc.creator", "dcterms.creator", "citation_author"),
    "description": ("description", "og:description", "dc.description"),
    "keywords": ("keywords",),
    "label": ("label",),
}
_LANGUAGES = ("content-language", "og:locale", "dc.language", "language")
_DATES = (
    "article:published_time", "datepublished", "date", "dc.date", "dcterms.date", "dcterms.created", "dcterms.issued",
    "citation_publication_date",
)  # fmt: skip
_MODIFIED = ("article:modified_time", "og:updated_time", "dcterms.modified", "last-modified", "changed", "datemodified")
