"""Bytes to text with pages, headings, tables, code and lists; and files to the files inside them.

`GuardedParser` is the way in. It parses untrusted bytes in isolated processes (`hybridrag.isolated`); what they return
was checked on this side.

    guard        the parser: one file to one Document or Skipped, or to the files inside it
    children     the child processes: lent, asked, replaced where one fails
    child        a child process, seen from the parent; `answer` is what is believed of it
    worker       a child process, seen from inside
    formats      which module reads which media type, each with a version of its own
    unpacking    which media types hold files
    plugins      parsers of other packages, such as `docling_parser`
    parsed       what a format's module returns, and what it raises; `refusals` are the troubles that many have
    text         bytes to text; `encodings`, `dates`, `titles` and `language` are what every format may need

    pdf, pictures, office, html, mail, markup, data, code, packed    the formats, family by family
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridrag.parsing.guard import GuardedParser

__all__ = ["GuardedParser"]


def __getattr__(name: str) -> type[GuardedParser]:
    """A child imports this package too, and has no use for the parent's half."""
    if name != "GuardedParser":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hybridrag.parsing.guard import GuardedParser

    return GuardedParser
