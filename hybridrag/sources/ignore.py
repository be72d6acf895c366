"""Which files a folder leaves out: `.gitignore` and `.ragignore`, as git reads them.

Every folder may hold both files. A `.ragignore` is asked before any `.gitignore`, so it can take back (`!drafts/`) what
git ignores; among files of one name the deepest folder is asked first, and in a file the last matching line wins.
Inside an excluded folder nothing can be taken back. Patterns from folders above the root apply up to the top of the
git repository that holds it, if any.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hybridrag.sources.reading import ReadError, read_file

IGNORE_FILES = (".ragignore", ".gitignore")
"""In the order in which they are asked."""

_LARGEST_IGNORE_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Line:
    pattern: re.Pattern[str]
    ignores: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class _File:
    """The patterns of one ignore file, the last first. `above` is the path from its folder down to the root."""

    name: str
    folder: str
    above: str
    lines: tuple[_Line, ...]


class IgnoreRules:
    """The patterns that hold for a tree. Paths are relative to the root, with forward slashes; `""` is the root."""

    def __init__(self, root: str) -> None:
        """Reads the ignore files above `root`; `enter` reads those inside. Raises ReadError if one cannot be read."""
        self._above = [
            file for folder, down in _repository_folders_above(root) for file in _read_both(Path(folder), "", down)
        ]
        self._root = root
        self._inside: dict[str, tuple[_File, ...]] = {}

    def enter(self, folder: str) -> None:
        """Reads the ignore files of `folder`. Raises ReadError if one cannot be read: what it hides is then unknown."""
        if folder not in self._inside:
            self._inside[folder] = tuple(_read_both(Path(self._root, folder), folder, ""))

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether `path` itself is ignored, the folders above it left aside. Each of those was entered before."""
        files = [file for parent in _parents(path) for file in self._inside.get(parent, ())] + self._above
        for name in IGNORE_FILES:
            for file in files:
                if file.name == name and (verdict := _verdict(file, path, folder)) is not None:
                    return verdict
        return False


def _verdict(file: _File, path: str, folder: bool) -> bool | None:
    inside = f"{file.above}{path}" if file.above else path[len(file.folder) + 1 if file.folder else 0 :]
    for line in file.lines:
        if line.folders_only and not folder:
            continue
        match = line.pattern.search(inside)
        # A group takes part where the pattern matched a folder above; that folder was judged when it was met.
        if match is not None and not any(match.groupdict().values()):
            return line.ignores
    return None


def _parents(path: str) -> Iterable[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def _repository_folders_above(root: str) -> list[tuple[str, str]]:
    """The folders between `root` and the top of its git repository, nearest first, with the way down from each."""
    folders: list[tuple[str, str]] = []
    here = Path(root)
    while True:
        if os.path.lexists(here / ".git"):
            return folders
        if here == here.parent:
            return []
        here = here.parent
        folders.append((str(here), f"{Path(root).relative_to(here).as_posix()}/"))


def _read_both(folder: Path, relative: str, down: str) -> Iterable[_File]:
    for name in IGNORE_FILES:
        path = folder / name
        if not os.path.lexists(path) or path.is_dir():
            continue
        try:
            text = read_file(os.path.realpath(path), limit=_LARGEST_IGNORE_FILE).content.decode("utf-8-sig", "replace")
        except ReadError as error:
            raise ReadError(
                f"its {name} cannot be read ({error.reason}), so what it hides is unknown", hint=error.hint
            ) from error
        yield _File(name, relative, down, tuple(_lines(text)))


def _lines(text: str) -> Iterable[_Line]:
    """The patterns of an ignore file, the last first. Lines that git cannot read either are left out."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    for written in reversed(text.split("\n")):
        line = written if written.endswith("\\ ") else written.rstrip()
        # A trailing slash means folders only. It is taken off here, because with it pathspec would also match every
        # file below, and `!keep/` would bring back files that git goes on ignoring.
        folders_only = line.endswith("/")
        try:
            pattern = GitIgnoreSpecPattern(line.rstrip("/") if folders_only else line)
        except ValueError:
            continue
        if pattern.include is not None and pattern.regex is not None:
            yield _Line(pattern.regex, pattern.include, folders_only)
