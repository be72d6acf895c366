"""A page's main content: what is left without navigation, banners, side bars and forms to comment.

Elements that say what they are (`nav`, `footer`, `role`) go first, then those whose class or id says it. Whatever is
doubtful stays: a menu in the index costs less than a lost paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from hybridrag.parsing.html.tree import HEADINGS, Node


def main_content(page: Node) -> Node:
    """The element that holds the content, without what is none. The page is changed."""
    body = next((node for node in page.children if isinstance(node, Node) and node.tag == "body"), page)
    _Pruning(body).prune()
    return _main_part(body)


@dataclass(slots=True)
class _Inside:
    """What an element holds: characters of text, those of them in links, and how many of what tells its purpose."""

    text: int = 0
    linked: int = 0
    links: int = 0
    headings: int = 0
    titles: int = 0
    linked_titles: int = 0
    fields: int = 0
    private_fields: int = 0
    mains: int = 0
    articles: int = 0
    longest_article: int = 0
    marks: bool = False
    """Whether there is anything below but text and links."""

    @property
    def density(self) -> float:
        return self.linked / self.text if self.text else 0.0

    def add(self, other: _Inside) -> None:
        self.text += other.text
        if other.links:
            self.linked += other.linked
            self.links += other.links
        if other.marks:
            self.marks = True
            for name in _COUNTED:
                setattr(self, name, getattr(self, name) + getattr(other, name))
            self.longest_article = max(self.longest_article, other.longest_article)

    def count(self, node: Node) -> None:
        """Counts the element itself, once what is below it has been."""
        tag = node.tag
        self.marks = self.marks or tag in _COUNTED_TAGS or node.get("role") == "main"
        if tag == "a" and "href" in node.attrs:
            self.linked, self.links = self.text, 1
        elif tag in HEADINGS:
            self.headings += 1
            if tag == "h1":
                self.titles += 1
                self.linked_titles += self.links > 0
        elif tag in {"input", "textarea", "select"}:
            kind = node.get("type").lower()
            self.fields += kind not in {"hidden", "submit", "button", "image"}
            self.private_fields += kind in {"search", "password"}
        elif tag == "article":
            self.articles += 1
            self.longest_article = max(self.longest_article, self.text)
        if tag == "main" or node.get("role") == "main":
            self.mains += 1


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element stands: inside the main part, in a heading of so many characters, in a quotation."""

    in_main: bool = False
    in_article: bool = False
    heading: int = 0
    in_quote: bool = False

    def below(self, node: Node, text: int) -> _Place:
        tag = node.tag
        if tag not in _PLACES and node.get("role") != "main":
            return self
        return _Place(
            in_main=self.in_main or tag == "main" or node.get("role") == "main",
            in_article=self.in_article or tag == "article",
            heading=self.heading or (text if tag in HEADINGS or tag in {"dt", "summary", "legend"} else 0),
            in_quote=self.in_quote or tag == "blockquote",
        )


class _Pruning:
    def __init__(self, body: Node) -> None:
        self._body = body
        self._insides = _insides(body)
        self._whole = self._insides[id(body)]

    def prune(self) -> None:
        waiting = [(self._body, _Place())]
        while waiting:
            node, place = waiting.pop()
            kept: list[Node | str] = []
            for child in node.children:
                if isinstance(child, str):
                    kept.append(child)
                elif not self._goes(child, place):
                    kept.append(child)
                    waiting.append((child, place.below(child, self._insides[id(child)].text)))
            node.children = kept

    def _goes(self, node: Node, place: _Place) -> bool:
        tag, role = node.tag, node.get("role").lower()
        inside = self._insides[id(node)]
        most = inside.text > self._whole.text * _MOST and not self._is_menu_beside_main(inside, place)
        if tag == "a":
            goes = _is_permalink(node) and not (place.heading and inside.text > 1)
        elif tag in _KEPT_WHATEVER_THEIR_NAME or role in _ROLES_THAT_STAY:
            goes = False
        elif tag == "button" or role == "button":
            # One that is all of a heading opens what stands below it; one beside its words does something with them.
            beside = not place.heading or place.heading - inside.text >= _WORD
            goes = beside and "aria-expanded" not in node.attrs and inside.text < _SHORT_LABEL
        elif tag == "nav" or role in _ROLES_THAT_GO:
            goes = not most or inside.density > _MOSTLY_LINKS
        elif most or inside.mains or inside.longest_article > self._whole.text * _MOST:
            goes = False
        elif tag == "header" or role == "banner":
            goes = self._is_banner(inside, place)
        elif tag == "footer" or role == "contentinfo":
            goes = not place.in_quote and not _NOTES.search(_names(node))
        elif tag == "aside" or role == "complementary":
            goes = _is_side_matter(node, inside, place)
        else:
            goes = (
                (tag == "form" and _is_small_form(node, inside))
                or _is_named_boilerplate(node, inside)
                or self._is_link_bar(node, inside)
            )
        return goes

    def _is_menu_beside_main(self, inside: _Inside, place: _Place) -> bool:
        """Whether this is mostly links on a page that marks its main part elsewhere: a menu longer than the text."""
        marked = self._whole.mains and not (inside.mains or place.in_main)
        return bool(marked) and inside.density > _MOSTLY_LINKS

    def _is_banner(self, inside: _Inside, place: _Place) -> bool:
        """Whether a header is the site's, not the text's own: that one stands in it, or holds the title."""
        if place.in_article or place.in_main:
            return False
        # A site's name is a link to its first page; a second title says that this one is the site's.
        return inside.titles == inside.linked_titles and (inside.titles == 0 or self._whole.titles > inside.titles)

    def _is_link_bar(self, node: Node, inside: _Inside) -> bool:
        """Whether this is a row or column of short links on a page that marks no main part."""
        return (
            node.tag in _MAY_BE_BARS
            and not (self._whole.mains or self._whole.articles)
            and inside.links >= _FEW_LINKS
            and inside.density >= _NOTHING_BUT_LINKS
            and inside.linked <= inside.links * _SHORT_LINK
            and not inside.headings
        )


def _is_side_matter(node: Node, inside: _Inside, place: _Place) -> bool:
    names = _names(node)
    if _ASIDES_THAT_BELONG.search(names) or node.get("role") == "note":
        return False
    if not (place.in_main or place.in_article) or _STRONG.search(names) or _WEAK.search(names):
        return True
    return inside.density > _SOME_LINKS or inside.text - inside.linked < _PROSE


def _is_named_boilerplate(node: Node, inside: _Inside) -> bool:
    if not ("class" in node.attrs or "id" in node.attrs) or node.tag in _NEVER_BY_NAME:
        return False
    names = _names(node)
    if _CONTENT.search(names):
        return False
    if _STRONG.search(names):
        return True
    short = inside.text - inside.linked < _PROSE or inside.density > _SOME_LINKS
    return short and node.tag not in _ONLY_BY_STRONG_NAMES and _WEAK.search(names) is not None


def _is_small_form(node: Node, inside: _Inside) -> bool:
    """Whether a form is one to search, subscribe, log in or comment: few fields, and no text of its own."""
    names = _names(node)
    if _STRONG.search(names) or _WEAK.search(names) or inside.private_fields:
        return True
    return inside.fields <= 1 and inside.text < _PROSE


def _main_part(body: Node) -> Node:
    """The one part marked as main, else the one article, where it holds most of what is left."""
    for kind in ("main", "article"):
        found = _outermost(body, kind)
        if len(found) == 1 and _letters(found[0]) * 2 >= _letters(body):
            return _with_title(body, found[0])
    return body


def _letters(node: Node) -> int:
    return len("".join(node.text().split()))


def _outermost(body: Node, kind: str) -> list[Node]:
    found, waiting = [], [body]
    while waiting:
        node = waiting.pop()
        if node.tag == kind or (kind == "main" and node.get("role") == "main"):
            found.append(node)
        else:
            waiting.extend(child for child in node.children if isinstance(child, Node))
    return found


def _with_title(body: Node, main: Node) -> Node:
    """The main part, below the page's title where that stands outside of it."""
    if main.first("h1") is not None:
        return main
    title = body.first("h1")
    if title is None:
        return main
    both = Node("div")
    both.children = [title, main]
    return both


def _insides(body: Node) -> dict[int, _Inside]:
    """What each element holds, by its identity: counted once, from the leaves up."""
    order = list(body.elements())
    insides = {id(node): _Inside() for node in order}
    for node in reversed(order):
        inside = insides[id(node)]
        for child in node.children:
            if isinstance(child, str):
                inside.text += len(child) - child.count(" ") - child.count("\n")
            else:
                inside.add(insides[id(child)])
        inside.count(node)
    return insides


def _is_permalink(node: Node) -> bool:
    """Whether a link is only a handle beside a heading, or the way back from a footnote."""
    if not _PERMALINK_CLASSES.isdisjoint(node.get("class").lower().split()) or node.get("role") == "doc-backlink":
        return True
    if "#" not in node.get("href") or next(islice(node.elements(), _MOST_IN_A_HANDLE, None), None) is not None:
        return False  # the text of a link that nobody closes would be put together again for each link inside
    text = node.text().strip().strip("\ufe0e\ufe0f")
    return text in _HANDLES or _SKIP.fullmatch(text) is not None


def _names(node: Node) -> str:
    """Class and id in one form: `siteFooter nav_bar` is ` site-footer nav-bar `."""
    written = f"{node.get('class')[:_LONGEST_NAMES]} {node.get('id')[:_LONGEST_NAMES]}"
    return f" {_WORD_EDGES.sub('-', _CAMEL.sub('-', written)).lower()} "


_PLACES = HEADINGS | {"main", "article", "dt", "summary", "legend", "blockquote"}
_ROLES_THAT_GO = frozenset(
    ["navigation", "search", "menu", "menubar", "toolbar", "dialog", "alertdialog", "doc-toc", "doc-pagelist"]
)
_ROLES_THAT_STAY = frozenset(
    {"main", "doc-endnotes", "doc-endnote", "doc-footnote", "doc-abstract", "doc-bibliography"}
)
_KEPT_WHATEVER_THEIR_NAME = frozenset(
    ["html", "body", "main", "article", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "code", "tr", "thead", "tbody"]
)
_NEVER_BY_NAME = frozenset(["em", "strong", "b", "i", "label", "dt", "dd", "caption", "figcaption", "blockquote"])
_ONLY_BY_STRONG_NAMES = frozenset(["td", "th", "li", "span", "p"])
_MAY_BE_BARS = frozenset({"td", "div", "p", "center", "font", "table", "small"})
_HANDLES = frozenset(["¶", "#", "§", "🔗", "↩", "↑", "^", "⇧", "⬆"])
_PERMALINK_CLASSES = frozenset(
    ["headerlink", "header-anchor", "heading-anchor", "hash-link", "anchorjs-link", "anchor-link", "permalink",
    "footnote-back", "footnote-backref", "skip-link", "skip-to-content", "edit-this-page"]
)  # fmt: skip
_SKIP = re.compile(
    r"(?:skip|jump) (?:to|over) (?:the )?(?:main )?(?:content|navigation|nav|menu|search|footer)|back to (?:the )?top"
    r"|zum (?:haupt)?inhalt(?: springen)?|aller au contenu",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD_EDGES = re.compile(r"[_:.-]+")
_LONGEST_NAMES = 500
_STRONG = re.compile(
    r" (?!(?:has|with|no|without|show|hide)-)(?:[a-z0-9]+-){0,4}?(?:"
    r"cookies?(?:-[a-z0-9-]+)?|gdpr(?:-[a-z]+)?|consent(?:-[a-z]+)?|breadcrumbs?(?:-[a-z]+)?|side-?bar(?:-[a-z-]+)?"
    r"|sphinxsidebar(?:wrapper)?|nav|nav-?bar|navigation|nav-?links|nav-?menu|menubar|top-?bar|page-nav|pager"
    r"|pagination(?:-[a-z-]+)?|prev-next|table-of-contents|on-this-page|share-?(?:bar|buttons?|links?|icons?)"
    r"|social-?(?:share|media|links?|icons?|buttons?|bar)|sharedaddy|addtoany(?:-[a-z-]+)*|follow-us"
    r"|related-?(?:posts?|articles?|links?|stories|content|pages)|jp-relatedposts|you-may-also-like|read-next"
    r"|newsletter(?:-[a-z-]+)?|mailing-list|comment-?(?:form|respond|reply|box)|disqus(?:-thread)?"
    r"|footer|footer-[a-z]+|page-?footer|site-?footer|colophon|site-?info|site-?header|masthead"
    r"|ads|adsense|advert(?:s|isements?|ising)?|sponsored|popup|modal|back-to-top"
    r"|skip-?(?:link|to|nav)[a-z-]*|search-?(?:box|form|bar|area)|language-switcher|lang-switch(?:er)?"
    r"|edit-?(?:link|this-page|on-github)|mw-editsection|was-this-helpful|print-?footer|catlinks|navbox|mw-jump-link"
    r"|tags-links|copy-?(?:btn|button|code)|clipboard(?:-[a-z]+)?|linenos?|line-?numbers?-rows|page-metadata"
    r"|likes-and-labels(?:-[a-z]+)?|theme-doc-(?:toc|footer|breadcrumbs|sidebar)[a-z-]*"
    r")(?= )"
)
_WEAK = re.compile(
    r" (?!(?:has|with|no|without|show|hide)-)(?:[a-z0-9]+-){0,4}?(?:"
    r"menu|tool-?bar|toc|share|sharing|social|related|recommended|recommendations|subscribe(?:-[a-z-]+)?"
    r"|sign-?up(?:-[a-z]+)?|respond|branding|copyright|promo(?:tion)?s?|overlay|search|edit-?section|feedback|rating"
    r"|author-bio|gutter"
    r")(?= )"
)
_CONTENT = re.compile(
    r" (?:(?:main|page|article|entry|post|body)-)?(?:content|main|body|text|article|admonition|note|footnotes?)(?= )"
)
_NOTES = re.compile(r"footnote|endnote|references|bibliography")
_ASIDES_THAT_BELONG = re.compile(
    r"(?<=[ -])(?:admonition|note|tip|hint|info|important|warn|warning|caution|danger|callout|alert|footnotes?|footnote"
    r"|endnotes?|citation|topic|example|starlight|pullquote|definition|box|infobox)(?=[ -])"
)
_COUNTED = ("headings", "titles", "linked_titles", "fields", "private_fields", "mains", "articles")
_COUNTED_TAGS = HEADINGS | {"input", "textarea", "select", "article", "main"}
_MOST, _MOSTLY_LINKS, _SOME_LINKS, _NOTHING_BUT_LINKS = 0.5, 0.6, 0.4, 0.8
_MOST_IN_A_HANDLE = 100
"""Elements: a drawing has some."""
_FEW_LINKS, _SHORT_LINK, _SHORT_LABEL, _PROSE, _WORD = 3, 25, 25, 100, 3
