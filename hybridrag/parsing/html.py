"""HTML to Markdown: its main part where the page marks one, without scripts, styles and navigation."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.extraction import extract
from hybridrag.parsing.markdown import find_headings, first_title
from hybridrag.parsing.parsed import Parsed, UnreadableError, one_line
from hybridrag.parsing.text import clean, decode


def parse_html(content: bytes) -> Parsed:
    """The page as Markdown; its title is `<title>`, else the first heading."""
    declared = _CHARSET.search(content[:4096])
    written, notes = decode(content, declared=declared[1].decode() if declared else None)
    page = _Page(written)
    text, _ = clean(to_markdown(page.body))
    if not text.strip() and _visible(page.body):
        raise UnreadableError("its text could not be found", hint="Open it in a browser and save it again.")
    headings = find_headings(text)
    metadata = {key: page.meta[name] for key, name in _KEPT if page.meta.get(name)}
    dates = (read_date(page.meta.get(name)) for name in _DATES)
    return Parsed(
        text=text,
        title=one_line(page.title) or first_title(headings),
        headings=headings,
        metadata=metadata,
        date=next((date for date in dates if date), None),
        notes=notes,
    )


def html_to_markdown(html: str) -> str:
    """The text of an HTML message or fragment."""
    return to_markdown(_Page(html).body)


def to_markdown(body: str) -> str:
    """Markdown of an HTML body. The head is never given to the library: it would write it into the text."""
    if not body.strip():
        return ""
    result = extract(f"<html><body>{body}</body></html>".encode(), "text/html", output="markdown")
    return _EMBEDDED_IMAGE.sub(r"\1", result.content).strip() + "\n"


class _Page(HTMLParser):
    """Reads a page's head, and finds where its body, its main part and its dead weight lie."""

    def __init__(self, written: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.meta: dict[str, str] = {}
        self._written = written
        self._lines = [0, *(match.end() for match in re.finditer("\n", written))]
        self._open: dict[str, list[int]] = {}
        self._elements: dict[str, list[tuple[int, int, int]]] = {}
        self._in_title = False
        self.feed(written)
        self.close()

    @property
    def body(self) -> str:
        """The HTML of the main part, else of the body, without what is never read."""
        start, end = self._inner("body") or (self._after_head(), len(self._written))
        whole = self._without_dead_weight(start, end, _BOILERPLATE)
        for name in ("main", "article"):
            parts = self._elements.get(name, [])
            if len(parts) == 1:
                main = self._without_dead_weight(*parts[0][:2], ())
                if _visible(main) * 2 >= _visible(whole):
                    return main
        return whole

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _WATCHED:
            self._open.setdefault(tag, []).append(self._offset())
        if tag == "title" and not self.title and not self._open.get("svg"):
            self._in_title = True
        if tag == "html":
            language = dict(attrs).get("lang")
            if language:
                self.meta["lang"] = language
        if tag == "meta":
            given = {name: value or "" for name, value in attrs}
            name = (given.get("name") or given.get("property") or "").lower()
            if name and given.get("content"):
                self.meta.setdefault(name, one_line(given["content"], limit=2000))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._open.get(tag):
            start = self._open[tag].pop()
            if not self._open[tag]:
                inner_end = self._offset()
                end = self._written.find(">", inner_end)
                part = (start, len(self._written) if end < 0 else end + 1, inner_end)
                self._elements.setdefault(tag, []).append(part)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _inner(self, tag: str) -> tuple[int, int] | None:
        parts = self._elements.get(tag)
        if not parts:
            return None
        return self._written.find(">", parts[0][0]) + 1, parts[0][2]

    def _after_head(self) -> int:
        parts = self._elements.get("head")
        return parts[0][1] if parts else 0

    def _without_dead_weight(self, start: int, end: int, also: tuple[str, ...]) -> str:
        cuts = sorted(cut for tag in (*_DEAD, *also) for cut in self._elements.get(tag, []) if start <= cut[0] < end)
        kept, here = [], start
        for cut_start, cut_end, _ in cuts:
            if cut_start >= here:
                kept.append(self._written[here:cut_start])
            here = max(here, cut_end)
        kept.append(self._written[here:end])
        return " ".join(kept)


def _visible(html: str) -> int:
    """How many characters of a piece of HTML are text, roughly."""
    return len("".join(re.sub(r"<[^>]*>", "", html).split()))


_DEAD = ("title", "script", "style", "svg", "template", "noscript", "iframe", "object", "canvas")
_BOILERPLATE = ("nav",)
_WATCHED = frozenset({*_DEAD, *_BOILERPLATE, "head", "body", "main", "article"})
_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_EMBEDDED_IMAGE = re.compile(r"!\[([^\]]*)\]\(data:[^)]*\)")
_KEPT = (
    ("author", "author"),
    ("description", "description"),
    ("keywords", "keywords"),
    ("language", "lang"),
    ("label", "label"),
)
_DATES = ("article:published_time", "date", "dc.date", "dcterms.date", "dcterms.created", "article:modified_time")
