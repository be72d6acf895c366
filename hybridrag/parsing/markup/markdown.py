"""Markdown: the text stays as written, front matter taken off; its structure is found by a CommonMark parser."""

from __future__ import annotations

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.markup.blocks import parsed_markdown
from hybridrag.parsing.markup.frontmatter import split_front_matter
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode


def parse_markdown(content: bytes) -> Parsed:
    """The document; its title is the front matter's, else the first heading's."""
    written, notes = decode(content)
    metadata, text, trouble = split_front_matter(written)
    title = metadata.pop("title", None)
    return parsed_markdown(
        text,
        title=one_line(title) if isinstance(title, str) else None,
        metadata=metadata,
        date=read_date(metadata.get("date")),
        notes=notes + trouble,
    )
