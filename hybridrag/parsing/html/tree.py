"""HTML as a tree of elements and text. Only this module knows what reads the markup.

Browsers put up with anything, so nothing here fails: a tag that nobody closes ends with its parent, one that nobody
opened does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class Node:
    """An element: its tag in small letters, its attributes (empty text for one without a value), what it holds."""

    __slots__ = ("attrs", "children", "tag")

    def __init__(self, tag: str, attrs: dict[str, str] | None = None) -> None:
        self.tag = tag
        self.attrs = attrs or {}
        self.children: list[Node | str] = []

    def get(self, name: str) -> str:
        """An attribute, empty where it is not given."""
        return self.attrs.get(name, "")

    def elements(self) -> Iterator[Node]:
        """This element and all below it, in the order of the page."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(child for child in reversed(node.children) if isinstance(child, Node))

    def first(self, tag: str) -> Node | None:
        return next((node for node in self.elements() if node.tag == tag), None)

    def outermost(self, tag: str) -> Iterator[Node]:
        """The elements of a tag, in the order of the page, without those inside another of them."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node.tag == tag:
                yield node
            else:
                waiting.extend(child for child in reversed(node.children) if isinstance(child, Node))

    def text(self) -> str:
        """All text below, in order, as it stands in the markup."""
        pieces: list[str] = []
        waiting: list[Node | str] = [self]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                pieces.append(item)
            else:
                waiting.extend(reversed(item.children))
        return "".join(pieces)


def read_tree(html: str) -> Node:
    """The page, or a fragment of one, under an element `html`; comments and templates are left out."""
    builder = _Builder()
    builder.feed(_ended(html))
    builder.close()
    return builder.top


def _ended(html: str) -> str:
    """The markup without what never ends: a tag that the page breaks off in, as browsers drop it.

    The library looks to the end of the page for the end of each such tag, and of each comment: 60 kB took it a minute.
    """
    last = html.rfind(">") + 1
    broken = _BEGINS_A_TAG.search(html, last)
    if broken is not None:
        html = html[: broken.start()]
    after = html.rfind("-->") + 1
    if html.count("<!--", after) > _MOST_UNENDED:
        html = html[: html.index("<!--", after)]
    return html


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top = Node("html")
        self._open = [self.top]
        self._counts = {"html": 1}
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        if tag == "html":
            self.top.attrs = {**given, **self.top.attrs}
            return
        self._end_implied(tag)
        node = Node(tag, given)
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)
            self._counts[tag] = self._counts.get(tag, 0) + 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML the stroke of `<div/>` means nothing; in SVG and MathML, which have no text to keep, it does no harm.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "html" or not self._counts.get(tag):
            return
        walls = _WALLS if tag not in _WALLS else frozenset[str]()
        for depth in self._near():
            if self._open[depth].tag == tag:
                self._close(depth)
                return
            if self._open[depth].tag in walls:
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def _end_implied(self, tag: str) -> None:
        """Ends what this tag ends by standing there: `<li>` the item before it, a block the paragraph before it."""
        ends, until = _ENDS.get(tag, (frozenset({"p"}) if tag in _END_PARAGRAPHS else frozenset[str](), _WALLS))
        if not any(self._counts.get(other) for other in ends):
            return
        outermost = 0
        for depth in self._near():
            other = self._open[depth].tag
            if other in ends:
                outermost = depth
                if ends == {"p"}:
                    break
            elif other in until:
                break
        if outermost:
            self._close(outermost)

    def _near(self) -> range:
        """Where to look for an open element, innermost first. Not all the way up: a deep page would take for ever."""
        return range(len(self._open) - 1, max(0, len(self._open) - 1 - _FAR), -1)

    def _close(self, depth: int) -> None:
        for node in self._open[depth:]:
            self._counts[node.tag] -= 1
            if node.tag == "template":
                node.children.clear()
        del self._open[depth:]

    def close(self) -> None:
        super().close()
        self._close(1)


_BEGINS_A_TAG = re.compile(r"<[a-zA-Z/!?]")
_MOST_UNENDED = 100
_FAR = 500
_WALLS = frozenset(["table", "td", "th", "caption", "template", "svg", "math", "button", "object"])
_LISTS = frozenset({"ul", "ol", "menu", "dl"})
_TABLES = frozenset({"table", "template"})
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    **{heading: (HEADINGS | {"p"}, _WALLS | {"div", "section", "article"}) for heading in HEADINGS},
    "li": (frozenset({"li"}), _WALLS | _LISTS),
    "dt": (frozenset({"dt", "dd"}), _WALLS | _LISTS),
    "dd": (frozenset({"dt", "dd"}), _WALLS | _LISTS),
    "option": (frozenset({"option"}), frozenset({"select", "datalist"})),
    "optgroup": (frozenset({"option", "optgroup"}), frozenset({"select"})),
    "td": (frozenset({"td", "th"}), _TABLES),
    "th": (frozenset({"td", "th"}), _TABLES),
    "tr": (frozenset({"td", "th", "tr"}), _TABLES),
    "thead": (frozenset({"td", "th", "tr", "thead", "tbody", "tfoot"}), _TABLES),
    "tbody": (frozenset({"td", "th", "tr", "thead", "tbody", "tfoot"}), _TABLES),
    "tfoot": (frozenset({"td", "th", "tr", "thead", "tbody", "tfoot"}), _TABLES),
    "body": (frozenset({"head"}), frozenset()),
    "title": (frozenset({"title"}), frozenset({"svg"})),
}
_END_PARAGRAPHS = frozenset(
    ["address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr",
    "main", "menu", "nav", "ol", "p", "pre", "search", "section", "table", "ul"]
)  # fmt: skip
