"""What a browser does not show: scripts, hidden elements, text made invisible by style.

A person who checks a page cannot see such text, so orders to a language model hide there. It is not indexed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hybridrag.parsing.html.tree import Node


def drop_invisible(page: Node) -> int:
    """Takes out of a page what nobody sees. Returns how many characters of text were hidden, scripts and such aside."""
    hidden_by_sheet = _Sheet(node.text() for node in page.elements() if node.tag == "style")
    hidden = 0
    waiting = [page]
    while waiting:
        node = waiting.pop()
        kept: list[Node | str] = []
        for child in node.children:
            if isinstance(child, str):
                kept.append(child)
            elif child.tag in _NEVER_SHOWN:
                continue
            elif child.tag not in _FADED_IN and (_is_hidden(child) or hidden_by_sheet(child)):
                hidden += len("".join(child.text().split())) if child.tag not in {"input", "svg"} else 0
            else:
                kept.append(child)
                waiting.append(child)
        node.children = kept
    return hidden


def _is_hidden(node: Node) -> bool:
    attrs = node.attrs
    if not attrs:
        return False
    if "hidden" in attrs and attrs["hidden"].lower() != "until-found":
        return True
    if attrs.get("aria-hidden", "").strip().lower() == "true" or (node.tag == "dialog" and "open" not in attrs):
        return True
    if "class" in attrs and not _FOR_SCREEN_READERS.isdisjoint(attrs["class"].lower().split()):
        return True
    return "style" in attrs and _hides(attrs["style"])


def _hides(declarations: str) -> bool:
    """Whether CSS declarations make text invisible: not displayed, transparent, too small, off the page."""
    if _HIDING.search(declarations) is None:
        return False
    given: dict[str, str] = {}
    for declaration in _CSS_COMMENT.sub("", declarations).lower().split(";"):
        name, _, value = declaration.partition(":")
        given[name.strip()] = value.replace("!important", "").strip()
    color, ground = given.get("color", ""), given.get("background-color") or given.get("background", "")
    return (
        given.get("display") == "none"
        or given.get("visibility") in {"hidden", "collapse"}
        or given.get("mso-hide") == "all"
        or _amount(given.get("opacity")) <= _FAINT
        or _amount(given.get("font-size")) <= 1
        or color == "transparent"
        or (color != "" and color == ground)
        or ("absolute" in given.get("position", "") and "rect(" in given.get("clip", ""))
        or any(_amount(given.get(side)) <= _OFF_THE_PAGE for side in ("left", "top", "text-indent", "margin-left"))
    )


def _amount(value: str | None) -> float:
    """Pixels, roughly, or the number where it has no unit; infinite for what is not given or no length."""
    found = _LENGTH.fullmatch(value) if value else None
    return float(found[1]) * _PIXELS.get(found[2], 1.0) if found else float("inf")


class _Sheet:
    """The page's own style sheets, as far as they hide elements by tag, class or id.

    What another rule shows again (the open one of several tabs, a menu under the mouse) is there for people to see, so
    it is no hidden text; neither is what only print or a small screen hides.
    """

    def __init__(self, sheets: Iterable[str]) -> None:
        self._hidden: set[tuple[str, str]] = set()
        shown: set[str] = set()
        for sheet in sheets:
            for selectors, declarations in _top_rules(_CSS_COMMENT.sub("", sheet[:_LONGEST_SHEET])):
                if _hides(declarations):
                    simple = (_SIMPLE.fullmatch(selector.strip()) for selector in selectors.split(","))
                    self._hidden.update((found[1] or "", found[2] or "") for found in simple if found)
                elif _SHOWS.search(declarations):
                    shown.update(_NAMES.findall(selectors))
        self._hidden = {(tag, name) for tag, name in self._hidden if name not in shown and (tag, name) != ("", "")}

    def __call__(self, node: Node) -> bool:
        if not self._hidden:
            return False
        names = ["", *(f".{name}" for name in node.get("class").split()), f"#{node.get('id')}"]
        return any((tag, name) in self._hidden for tag in ("", node.tag) for name in names)


def _top_rules(sheet: str) -> Iterable[tuple[str, str]]:
    """Selectors and declarations of the rules that always apply: none inside `@media` and the like."""
    depth, rule_depth, start, selectors, skipped = 0, 0, 0, "", False
    for brace in re.finditer(r"[{};]", sheet):
        text = sheet[start : brace.start()].strip()
        if brace[0] == "{":
            if depth == 0:
                selectors, skipped, rule_depth = text, text.startswith("@"), brace.end()
            depth += 1
            start = brace.end()
        elif brace[0] == "}":
            depth = max(0, depth - 1)
            if depth == 0 and not skipped:
                yield selectors, sheet[rule_depth : brace.start()]
            start = brace.end()
        elif depth == 0:
            start = brace.end()


_NEVER_SHOWN = frozenset(
    ["script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "canvas", "svg", "audio",
    "video", "datalist", "map", "head", "title", "meta", "link", "base", "noframes", "rp"]
)  # fmt: skip
_FADED_IN = frozenset({"body", "main"})
"""What many a page shows by a script once it has loaded."""
_FOR_SCREEN_READERS = frozenset(
    ["sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only", "screenreader",
    "element-invisible", "offscreen", "off-screen", "a11y-hidden"]
)  # fmt: skip
_HIDING = re.compile(
    r"none|hidden|collapse|hide|opacity|font-size|transparent|clip|left|top|text-indent|color", re.IGNORECASE
)
_SHOWS = re.compile(r"(?:display\s*:\s*(?!none)|visibility\s*:\s*visible|opacity\s*:\s*(?:1|0?\.[5-9]))", re.IGNORECASE)
_LENGTH = re.compile(r"(-?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))(px|pt|em|rem|%|)")
_PIXELS = {"em": 16.0, "rem": 16.0, "%": 0.16}
_SIMPLE = re.compile(r"([a-zA-Z][\w-]*)?([.#][\w-]+)?")
_NAMES = re.compile(r"[.#][\w-]+")
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_FAINT = 0.05
_OFF_THE_PAGE = -900
_LONGEST_SHEET = 500_000
