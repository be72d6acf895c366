"""Globs over paths inside a source: `**` crosses folders, `*` and `?` stay inside one."""

from __future__ import annotations

import re


def glob_to_regex(glob: str) -> str:
    """An anchored regular expression for a glob, in the syntax that Python's and PostgreSQL's engines share."""
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "^" + "".join(meaning.get(piece, _literal(piece)) for piece in pieces) + "$"


def path_to_regex(glob: str) -> str:
    """The same for the glob of a path: without a slash it matches the name in any folder, as in a `.gitignore`."""
    return glob_to_regex(glob if "/" in glob else f"**/{glob}")


def matches(glob: str, path: str) -> bool:
    """Whether `path` matches the glob of a path."""
    return re.match(path_to_regex(glob), path, re.DOTALL) is not None


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s/])", r"\\\1", text)
