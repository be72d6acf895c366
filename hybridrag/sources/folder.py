"""Files in a folder, however the folder looks.

Left out without a word: what `.gitignore` and `.ragignore` name (see `ignore`), hidden files and folders (unless an
include pattern names a hidden part, as `.github/**` does), folders of version control, `__pycache__`, `node_modules`,
virtual environments (`pyvenv.cfg`) and caches (`CACHEDIR.TAG`). A file or folder that the user named goes in whatever
its name.

A link to a file inside the root is read under the link's name. A link to a folder inside the root is not followed,
because its files come in under their own names: so nothing comes in twice and loops end; one to a folder that it lies
in itself is reported. A link that leads out of the root is reported and never followed, because a cloned folder could
point at anything of the user's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from hybridrag.sources import media
from hybridrag.sources.ignore import IgnoreRules
from hybridrag.sources.listing import Entry, Listing, Vanished
from hybridrag.sources.patterns import patterns
from hybridrag.sources.reading import ReadError, VanishedError, content_hash, kind_of_file, read_error, read_file
from hybridrag.sources.stamp import Stamp
from hybridrag.types import RawDocument, Skipped, Source

_MARKS_OF_NO_DOCUMENTS = ("pyvenv.cfg", "CACHEDIR.TAG")


class FolderReader:
    """Reads a source of kind `folder`: everything under its root, or only what was named."""

    def __init__(self, source: Source, *, limit: int) -> None:
        self._source = source
        self._root = os.path.realpath(source.root)
        self._limit = limit
        self._include = patterns(source.include, "--include")
        self._exclude = patterns(source.exclude, "--exclude")
        self._hidden_wanted = any(
            part.startswith(".") for pattern in source.include for part in pattern.split("/") if part not in {".", ".."}
        )

    def list(self) -> Listing:
        walk = _Walk(self._source, self._root, self._wanted, self._pruned)
        try:
            found = Path(self._root).stat()
        except (FileNotFoundError, NotADirectoryError):
            walk.problem("", _no_folder())
            return walk.listing(absent=True)
        except OSError as error:  # a stale handle of a network, no permission: it may well be there
            walk.problem("", read_error(error))
            return walk.listing()
        if not stat.S_ISDIR(found.st_mode):
            walk.problem("", _no_folder())
            return walk.listing()
        if self._source.only:
            for path in sorted(set(self._source.only), key=lambda path: path.split("/")):
                walk.named(path)
        else:
            walk.folder("")
        return walk.listing(device=found.st_dev)

    def stamp(self) -> Stamp | None:
        return None  # each document has a file of its own

    def read(self, entry: Entry) -> RawDocument | Skipped:
        try:
            target = os.path.realpath(Path(self._root, entry.path))
            if not _inside(target, self._root):
                raise _leads_out()
            file = read_file(target, limit=self._limit)
            if not file.content:
                raise ReadError("empty file", failed=False)
            kind = media.media_type(entry.path, file.content)
            if kind is None:
                raise _no_parser(entry.path, named=entry.named)
        except VanishedError as error:
            return Vanished(self._source.uri(entry.path), error.reason, error.hint, failed=False)
        except ReadError as error:
            return Skipped(self._source.uri(entry.path), error.reason, error.hint, error.failed)
        return RawDocument(
            source=self._source.name,
            path=entry.path,
            content=file.content,
            media_type=kind,
            content_hash=content_hash(file.content),
            modified=file.modified,
        )

    def wants(self, path: str) -> bool:
        parts = path.split("/")
        return self._wanted(path) and not any(self._pruned("/".join(parts[:end])) for end in range(1, len(parts) + 1))

    def _wanted(self, path: str) -> bool:
        if self._include is not None and not self._include.match_file(path):
            return False
        return self._exclude is None or not self._exclude.match_file(path)

    def _pruned(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        if name in media.NEVER_DOCUMENTS or (name.startswith(".") and not self._hidden_wanted):
            return True
        return self._exclude is not None and self._exclude.match_file(f"{path}/")


class _Walk:
    """One listing under way. Paths are relative to the root; `""` is the root."""

    def __init__(self, source: Source, root: str, wanted: Callable[[str], bool], pruned: Callable[[str], bool]) -> None:
        self._unlisted: set[str] = set()
        self._source = source
        self._root = root
        self._wanted = wanted
        self._pruned = pruned
        self._rules: IgnoreRules | None = None
        self._entries: dict[str, Entry] = {}
        self._problems: list[Skipped] = []
        self._missing: list[str] = []
        self._seen: set[tuple[int, int]] = set()

    def listing(self, *, absent: bool = False, device: int | None = None) -> Listing:
        entries = sorted(self._entries.values(), key=lambda entry: entry.path.split("/"))
        unlisted, missing = frozenset(self._unlisted), tuple(self._missing)
        return Listing(tuple(entries), tuple(self._problems), unlisted, missing, absent, device)

    def problem(self, path: str, error: ReadError, *, gone: bool = False) -> None:
        """Reports what was left out. After a failure the document may still be there, unless it is `gone`."""
        name = _printable(path)
        if gone:
            self._missing.append(name)
        elif error.failed:
            self._unlisted.add(name)
        uri = self._source.uri(name) if name else self._source.name
        self._problems.append(Skipped(uri, error.reason, error.hint, error.failed))

    def named(self, path: str) -> None:
        """Takes in what the user named, ignored or not."""
        target = Path(self._root, path)
        try:
            _refuse_unprintable(path)
            found = target.stat()
            if not _inside(os.path.realpath(target), self._root):
                raise _leads_out()
            if stat.S_ISDIR(found.st_mode):
                self.folder(path)
            else:
                self._file(path, found, named=True)
        except FileNotFoundError:
            self.problem(path, ReadError("no such file", hint="Check its name."), gone=True)
        except NotADirectoryError:
            self.problem(path, ReadError("it is not read by itself", hint="Name the file that it lies in."))
        except OSError as error:
            self.problem(path, read_error(error))
        except ReadError as error:
            self.problem(path, error)

    def folder(self, start: str) -> None:
        """Takes in everything under `start`. The stack keeps depth harmless."""
        try:
            rules = self._rules_for(start)
        except OSError as error:
            self.problem(start, read_error(error))
            return
        except ReadError as error:
            self.problem(start, error)
            return
        waiting = [start]
        while waiting:
            here = waiting.pop()
            try:
                if not self._first_visit(here):
                    continue
                rules.enter(here)
                found = self._contents(here)
            except FileNotFoundError as error:
                self._vanished(here)
                if here == start:
                    self.problem(here, read_error(error))
                continue
            except OSError as error:
                self.problem(here, read_error(error))
                continue
            except ReadError as error:
                self.problem(here, error)
                continue
            if here != start and any(mark in found for mark in _MARKS_OF_NO_DOCUMENTS):
                continue
            below = [path for name in sorted(found) for path in self._visit(found[name], _join(here, name), rules)]
            waiting.extend(reversed(below))

    def _visit(self, item: os.DirEntry[str], path: str, rules: IgnoreRules) -> Iterator[str]:
        """Takes in one thing that a folder holds; yields it if it is a folder to enter."""
        try:
            link, folder = item.is_symlink(), item.is_dir(follow_symlinks=False)
            if self._left_out(path, rules, folder=folder):
                return
            _refuse_unprintable(path)
            if folder:
                yield path
            elif link:
                self._link(path, rules)
            else:
                self._file(path, item.stat(follow_symlinks=False), named=False)
        except FileNotFoundError:
            self._vanished(path)
        except OSError as error:
            self.problem(path, read_error(error))
        except ReadError as error:
            self.problem(path, error)

    def _vanished(self, path: str) -> None:
        """It went while it was looked at, alone or with the disk it is on: the next listing tells."""
        self._unlisted.add(_printable(path))

    def _link(self, path: str, rules: IgnoreRules) -> None:
        if not self._wanted(path):
            return
        target = os.path.realpath(Path(self._root, path))
        if not _inside(target, self._root):
            raise _leads_out()
        try:
            found = Path(target).stat()
        except OSError:
            raise ReadError("is a broken link", hint="Mend it or remove it.") from None
        if stat.S_ISDIR(found.st_mode):
            if _inside(str(Path(self._root, path)), target):
                raise _leads_up()
            return
        if not self._reached(os.path.relpath(target, self._root), rules):
            return
        self._file(path, found, named=False)

    def _file(self, path: str, found: os.stat_result, *, named: bool) -> None:
        if not named and not self._wanted(path):
            return
        kind = kind_of_file(found.st_mode)
        if kind is not None:
            raise ReadError(f"is {kind}, not a file", failed=named)
        if media.holds_no_text(path):
            raise _no_parser(path, named=named)
        if path not in self._entries or named:
            promised = media.type_by_name(path)
            self._entries[path] = Entry(path, found.st_size, named, media_type=promised, stamp=Stamp.of(found))

    def _left_out(self, path: str, rules: IgnoreRules, *, folder: bool) -> bool:
        if folder:
            return self._pruned(path) or rules.ignores(path, folder=True)
        # A hidden file is judged like a hidden folder; exclude patterns for files are in `_wanted`.
        return (path.rpartition("/")[2].startswith(".") and self._pruned(path)) or rules.ignores(path, folder=False)

    def _reached(self, target: str, rules: IgnoreRules) -> bool:
        """Whether the walk takes in `target` under its own name too: a link must not bring in what is ignored."""
        parts = target.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            rules.enter("/".join(parts[: depth - 1]))
            if self._left_out(folder, rules, folder=True):
                return False
        rules.enter("/".join(parts[:-1]))
        return not self._left_out(target, rules, folder=False)

    def _contents(self, folder: str) -> dict[str, os.DirEntry[str]]:
        with os.scandir(Path(self._root, folder)) as items:
            return {item.name: item for item in items}

    def _first_visit(self, folder: str) -> bool:
        """False for a folder that this walk has been in, by whatever name (bind mounts can loop too)."""
        found = Path(self._root, folder).stat()
        key = (found.st_dev, found.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _rules_for(self, start: str) -> IgnoreRules:
        if self._rules is None:
            self._rules = IgnoreRules(self._root)
        parts = start.split("/") if start else []
        for depth in range(len(parts)):
            self._rules.enter("/".join(parts[:depth]))
        return self._rules


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _inside(target: str, root: str) -> bool:
    return target == root or target.startswith(root.rstrip("/") + "/")


def _refuse_unprintable(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ReadError("its name is not UTF-8", hint="Rename it.") from None


def _printable(path: str) -> str:
    """The path with the bytes that are not UTF-8 written as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _no_folder() -> ReadError:
    return ReadError("no such folder", hint="Mount or restore it, or remove the source.")


def _leads_out() -> ReadError:
    return ReadError(
        "is a link that leads out of the source, so it was not followed",
        hint="Add what it points to as a source of its own.",
    )


def _leads_up() -> ReadError:
    return ReadError(
        "is a link to a folder that it lies in, so it was not followed",
        hint="Remove it, or leave it out by an exclude pattern.",
        failed=False,
    )


def _no_parser(path: str, *, named: bool) -> ReadError:
    return ReadError(media.no_parser(path), hint="Convert it to text, PDF or DOCX." if named else "", failed=named)
