"""Globs over paths inside a source: `**` crosses folders, `*` and `?` stay inside one."""

from __future__ import annotations

import re


def glob_to_regex(glob: str) -> str:
    """An anchored regular expression for a glob, in the syntax that Python's and PostgreSQL's engines share."""
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "^" + "".join(meaning.get(piece, _literal(piece)) for piece in pieces) + "$"


def matches(glob: str, path: str) -> bool:
    """Whether `path` matches. A glob without a slash matches the name in any folder, as in a `.gitignore`."""
    pattern = glob if "/" in glob else f"**/{glob}"
    return re.match(glob_to_regex(pattern), path, re.DOTALL) is not None


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s/])", r"\\\1", text)
