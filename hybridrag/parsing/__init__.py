"""Bytes to text with pages and headings.

`GuardedParser` is the way in. It parses untrusted bytes in a child process with limits, without keys and without
network; what it returns was checked on this side.

    guard      the parser: one file to one Document or Skipped
    child      the child process, seen from the parent
    worker     the child process, seen from inside; `sandbox` is what it gives up before it reads a byte
    formats    which module reads which media type: text, markdown, html, mail, pdf, office
    parsed     what those modules return, and what they raise
    language   what language a document is in
"""

from hybridrag.parsing.guard import GuardedParser

__all__ = ["GuardedParser"]
