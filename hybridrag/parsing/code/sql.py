"""SQL: what a script creates. Its dialects differ too much for one grammar, but all of them say `CREATE kind name`."""

from __future__ import annotations

import re

from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.types import Heading


def parse_sql(content: bytes) -> Parsed:
    """The script as written, under what it creates."""
    text, notes = decode(content)
    return Parsed(text=text, headings=_statements(text), notes=notes)


def _statements(text: str) -> tuple[Heading, ...]:
    """A heading for each thing that a script creates, `CREATE TABLE orders`, from the comment above it on.

    What stands in quotes, in dollar quotes and in comments creates nothing.
    """
    headings = []
    comment: int | None = None
    for token in _TOKENS.finditer(text):
        if token["comment"] is not None:
            comment = token.start() if comment is None else comment
        elif token["create"] is not None:
            title = one_line(f"{token['create'].upper()} {token['kind'].upper()} {token['name']}", limit=120)
            headings.append(Heading(token.start() if comment is None else comment, 1, title))
            comment = None
        else:
            comment = None
    return tuple(headings[:_MOST])


_NAME = r'(?:"[^"\n]*"|`[^`\n]*`|\[[^\]\n]*\]|[\w$#@]+)'
_KIND = (
    r"(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|EXTERNAL|FOREIGN|VIRTUAL|MATERIALIZED|RECURSIVE|UNIQUE|CLUSTERED|"
    r"NONCLUSTERED|EVENT|CONSTRAINT|EDITIONABLE|FORCE|FULLTEXT)\s+)*"
    r"(?:TABLE|VIEW|FUNCTION|PROCEDURE|PROC|TRIGGER|INDEX|TYPE|DOMAIN|SEQUENCE|SCHEMA|PACKAGE(?:\s+BODY)?)"
)
_TOKENS = re.compile(
    r"(?P<comment>(?m:^)[ \t]*--[^\n]*\n?)|--[^\n]*|/\*.*?(?:\*/|\Z)|'[^']*(?:'|\Z)"
    r"|(?P<dollar>\$\w*\$).*?(?:(?P=dollar)|\Z)"
    rf"|(?m:^)[ \t]*(?P<create>CREATE(?:\s+OR\s+(?:REPLACE|ALTER))?)\s+(?P<kind>{_KIND})\s+"
    rf"(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME}(?:\s?\.\s?{_NAME}){{0,3}})"
    r"|\n[ \t]*(?=\n)|[^\s'$/-]+|\S",
    re.IGNORECASE | re.DOTALL,
)
_MOST = 20_000
