"""TOML and INI: the text as written, with its `[sections]` as headings."""

from __future__ import annotations

import re

from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.types import Heading


def parse_sections(content: bytes) -> Parsed:
    """A section's heading is its full name, `tool.ruff.lint`; what stands in strings of several lines is none."""
    text, notes = decode(content)
    headings = tuple(
        Heading(found.start("section"), 1, title)
        for found in _PARTS.finditer(text)
        if found["section"] and (title := one_line(found["name"].replace('"', ""), limit=120))
    )
    return Parsed(text=text, headings=headings[:_MOST], notes=notes)


_PARTS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r"|(?m:^)(?P<section>[ \t]*\[{1,2}[ \t]*(?P<name>[^\[\]\n]++)\]{1,2})[ \t]*(?:[#;][^\n]*)?(?m:$)",
    re.DOTALL,
)
_MOST = 20_000
