"""Globs over paths inside a source: `**` crosses folders, `*` and `?` stay inside one. Exclude patterns of one path."""

from __future__ import annotations

import re

# A run of `**` or `**/` means no more than one of them, and would only be work for the engine.
_WILDCARD = re.compile(r"((?:\*\*/)+|(?:\*\*)+(?!/)|\*|\?)")
_ONE = {"*": "[^/]*", "?": "[^/]"}
_ONE_PATH = re.compile(r"/(?:\\.|[^\\*?\[])*(?:\\.|[^\\/*?\[])")


def glob_to_regex(glob: str) -> str:
    """An anchored regular expression for a glob, in the syntax that Python's and PostgreSQL's engines share."""
    pieces = _WILDCARD.split(glob)  # literal text and wildcards in turn
    pieces[::2] = map(_literal, pieces[::2])
    pieces[1::2] = [_ONE.get(piece, "(.*/)?" if piece.endswith("/") else ".*") for piece in pieces[1::2]]
    return f"^{''.join(pieces)}$"


def path_to_regex(glob: str) -> str:
    """The same for the glob of a path: without a slash it matches the name in any folder, as in a `.gitignore`."""
    return glob_to_regex(glob if "/" in glob else f"**/{glob}")


def matches(glob: str, path: str) -> bool:
    """Whether `path` matches the glob of a path."""
    return re.fullmatch(path_to_regex(glob), path, re.DOTALL) is not None


def wildcards(glob: str) -> int:
    """How many wildcards a glob holds: with none, it matches itself alone."""
    return len(_WILDCARD.findall(glob))


def pattern_of(path: str) -> str:
    """The exclude pattern that means one path of a source and nothing else, as in a `.gitignore`."""
    escaped = "".join(f"\\{letter}" if letter in "\\*?[]!#" else letter for letter in path)
    return "/" + (f"{escaped[:-1]}\\ " if escaped.endswith(" ") else escaped)


def is_of_one_path(pattern: str) -> bool:
    """Whether an exclude pattern is of the form that `pattern_of` gives."""
    return _ONE_PATH.fullmatch(pattern) is not None


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s/])", r"\\\1", text)
