"""HTML to Markdown: the main content of a page, as a browser shows it."""

from __future__ import annotations

from hybridrag.parsing.html.charset import decode_declared, encoding_of_markup
from hybridrag.parsing.html.facts import page_facts
from hybridrag.parsing.html.invisible import drop_invisible
from hybridrag.parsing.html.main_content import main_content
from hybridrag.parsing.html.markdown import write_markdown
from hybridrag.parsing.html.tree import read_tree
from hybridrag.parsing.markup.blocks import parsed_markdown
from hybridrag.parsing.parsed import Parsed
from hybridrag.parsing.text import clean


def parse_html(content: bytes) -> Parsed:
    """The page as Markdown, without navigation and hidden text. Its title is `<title>`, else the first heading.

    Raises UnreadableError for bytes that are no text.
    """
    written, notes = decode_declared(content, encoding_of_markup(content))
    page = read_tree(written)
    facts = page_facts(page)
    hidden = drop_invisible(page)
    text, _ = clean(write_markdown(main_content(page)))
    if hidden >= _MUCH and hidden * _SMALL_SHARE >= len(text):
        notes += (f"{hidden:,} characters that a browser does not show were left out",)
    return parsed_markdown(text, title=facts.title, metadata=facts.metadata, date=facts.date, notes=notes)


def html_to_markdown(html: str) -> str:
    """The text of an HTML message: all that is shown, for a message has no navigation."""
    page = read_tree(html)
    drop_invisible(page)
    return write_markdown(page)


def to_markdown(body: str) -> str:
    """Markdown of an HTML body that a converter made: nothing is hidden there, and nothing is left out."""
    return write_markdown(read_tree(body))


_MUCH, _SMALL_SHARE = 200, 10
