"""Conversations kept on this machine: a file each, encrypted with the local key, written whole or not at all.

A file is a line that tells its form, and what the vault made of the rest. The name of a conversation is the name of its
file, and no secret.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from hybridrag.drafts import sync_folder
from hybridrag.errors import BlockedByPolicy, CollectionBusy, HybridragError, UsageError
from hybridrag.privacy.conversation import Conversation, telling_nothing, turn_of, turn_state
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.regular import open_regular, read_small, write_new
from hybridrag.privacy.vault import Vault

_FORM = b"hybridrag chat 1\n"
_ANY_FORM = re.compile(rb"hybridrag chat (\d{1,9})\n")
_SUFFIX = ".chat"
_NAME = re.compile(r"[^\W_][\w.-]{0,63}", re.ASCII)
_TRACE = re.compile(r"\.(.+?)\.(?:lock|[0-9a-f]{16}\.new)", re.ASCII)
_MOST_BYTES = 64 << 20


class ConversationBusy(CollectionBusy):
    """Another process has this conversation open."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a conversation: its name, bytes, and when it was last written."""

    name: str
    size: int
    written: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """How many conversations lost turns, and how many turns."""

    conversations: int
    turns: int

    def __add__(self, other: Removed) -> Removed:
        return Removed(self.conversations + other.conversations, self.turns + other.turns)


class Conversations:
    """The folder of saved conversations. It is made with the first of them; `gateway` is asked for maps only."""

    def __init__(self, folder: Path, *, key: Callable[[], bytes], gateway: Callable[[], Gateway]) -> None:
        self._folder = folder
        self._key = key
        self._gateway = gateway

    def listed(self) -> list[Listed]:
        """Every conversation, the last written first. Nothing is opened."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                name = entry.name.removesuffix(_SUFFIX)
                if entry.name.endswith(_SUFFIX) and _NAME.fullmatch(name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append(Listed(name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)))
        return sorted(found, key=lambda each: (each.written, each.name), reverse=True)

    @contextmanager
    def new(self, name: str) -> Iterator[Kept]:
        """A conversation of a name that is free, held until the end of the block.

        Raises UsageError where the name is taken or is none, and ConversationBusy where another process holds it.
        """
        with self._held(name) as path:
            if os.path.lexists(path):
                raise UsageError(
                    f"there is a conversation {name} already",
                    hint=f"take it up with --resume {name}, or choose another name",
                )
            yield Kept(self, name, path, None)

    @contextmanager
    def resumed(self, name: str) -> Iterator[tuple[Kept, Conversation]]:
        """A conversation that was saved, held until the end of the block.

        Raises UsageError where there is none, ConversationBusy where another process holds it, and BlockedByPolicy
        where it was changed by hand, or sealed with another key or in another form; the file stays as it is.
        """
        self._path_of_existing(name)
        with self._held(name) as path:
            content = self._read(name, path)
            yield Kept(self, name, path, _digest(content)), self._opened(name, path, content)

    def forget(self, name: str) -> None:
        """Removes a conversation. Raises as `resumed` does, but needs no key: what cannot be opened can be removed."""
        self._path_of_existing(name)
        with self._held(name) as path, _told("removed", path):
            path.unlink()
            sync_folder(self._folder)

    def forget_documents(self, collection: str, documents: Container[UUID], *, rehearsal: bool) -> Removed:
        """Removes what conversations about a collection tell of documents; a rehearsal only counts it.

        A turn that cites one goes with all that follow it, which were told of it. So does an answer that was stopped,
        whose citations nobody knows, by itself. The map of pseudonyms goes with them: it holds values, and not whose
        they are. A conversation without turns is removed.

        Raises as `resumed` does, also for a conversation that is open and not yet saved.
        """
        removed = Removed(0, 0)
        for name in sorted({each.name for each in self.listed()} | self._begun()):
            path = self._path(name)
            # A file is replaced as a whole, so it can be read while another process holds the conversation.
            if path.exists() and self._opened(name, path, self._read(name, path), maps=False).collection != collection:
                continue
            with self._held(name):
                removed += self._without(name, path, documents, rehearsal=rehearsal)
        return removed

    def _without(self, name: str, path: Path, documents: Container[UUID], *, rehearsal: bool) -> Removed:
        kept = Kept(self, name, path, None)
        if not rehearsal:
            kept.sweep()
        if not path.exists():
            return Removed(0, 0)
        content = self._read(name, path)
        conversation = self._opened(name, path, content, maps=False)
        left = telling_nothing(conversation.turns, documents)
        gone = len(conversation.turns) - len(left)
        if gone and not rehearsal:
            if left:
                Kept(self, name, path, _digest(content)).save(replace(conversation, turns=left))
            else:
                with _told("removed", path):
                    path.unlink()
                    sync_folder(self._folder)
        return Removed(int(gone > 0), gone)

    def _begun(self) -> set[str]:
        """Conversations that may be open and have no file yet, and those that a killed process left unfinished."""
        with contextlib.suppress(FileNotFoundError):
            found = [_TRACE.fullmatch(entry.name) for entry in os.scandir(self._folder)]
            return {match[1] for match in found if match and _NAME.fullmatch(match[1])}
        return set()

    def sealed(self, name: str, conversation: Conversation) -> bytes:
        """The content of a conversation's file."""
        held = conversation.pseudonyms
        content = {
            "collection": conversation.collection,
            "generation": conversation.generation,
            "turns": [turn_state(spoken) for spoken in conversation.turns],
            "pseudonyms": base64.b64encode(self._gateway().keep(held, name)).decode() if held is not None else None,
        }
        # A text may hold what is no character of its own, and JSON can write that with escapes.
        return _FORM + self._vault().seal(json.dumps(content).encode("ascii"), _context(name))

    def _opened(self, name: str, path: Path, content: bytes, *, maps: bool = True) -> Conversation:
        """The conversation that a file holds; without its map of pseudonyms where `maps` is False."""
        form = _ANY_FORM.match(content)
        if form is not None and form[0] != _FORM:
            raise BlockedByPolicy(
                f"The conversation {name} ({path}) has the form {int(form[1])}, which this version does not know.",
                hint="Open it with the version of hybridrag that wrote it. It was left as it is.",
            )
        try:
            if form is None:
                raise ValueError("no form")
            state = json.loads(self._vault().open(content[len(_FORM) :], _context(name)))
            kept = state["pseudonyms"] if maps else None
            return Conversation(
                collection=str(state["collection"]),
                generation=int(state["generation"]),
                turns=tuple(turn_of(each) for each in state["turns"]),
                pseudonyms=self._gateway().kept(base64.b64decode(kept), name) if kept is not None else None,
            )
        except (BlockedByPolicy, ValueError, TypeError, KeyError) as exc:
            raise BlockedByPolicy(
                f"The conversation {name} ({path}) cannot be opened: it was changed, renamed, or sealed with another "
                "key.",
                hint="It was left as it is. Restore it, and the key that belongs to it, from a backup; or remove it "
                f"with `hybridrag chat --forget {name}`.",
            ) from exc

    def _vault(self) -> Vault:
        return Vault(self._key(), "saved conversations")

    def _path_of_existing(self, name: str) -> None:
        if not os.path.lexists(self._path(name)):
            names = [each.name for each in self.listed()]
            known = f"there are: {', '.join(names[:8])}" if names else "none was saved yet"
            raise UsageError(f"there is no conversation {name}", hint=f"{known}; `hybridrag chat --list` tells more")

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a conversation",
                hint="letters, digits, dots, hyphens and underscores, at most 64, a letter or digit first",
            )
        return self._folder / f"{name}{_SUFFIX}"

    def _read(self, name: str, path: Path) -> bytes:
        try:
            with _told("read", path):
                return read_small(path, most=_MOST_BYTES)
        except ValueError as exc:
            raise BlockedByPolicy(
                f"The conversation {name} ({path}) is longer than any that was saved.", hint="It was left as it is."
            ) from exc

    @contextmanager
    def _held(self, name: str) -> Iterator[Path]:
        """The file's path, for one process at a time."""
        path = self._path(name)
        lock = self._folder / f".{name}.lock"
        with _told("opened", path):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = open_regular(lock, os.O_RDWR | os.O_CREAT)
        try:
            with _told("opened", path):
                free = _locked(descriptor, lock)
            if not free:
                raise ConversationBusy(
                    f"the conversation {name} is open in another process",
                    hint="end it there first, or begin another with --name",
                )
            try:
                yield path
            finally:
                lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _locked(descriptor: int, lock: Path) -> bool:
    """Takes the lock. False where another process has it, or has just removed its file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), lock.lstat())
    except (BlockingIOError, FileNotFoundError):
        return False


class Kept:
    """The file of a conversation that this process holds."""

    def __init__(self, conversations: Conversations, name: str, path: Path, digest: bytes | None) -> None:
        """`digest` is of the content last read or written, None where there is no file yet."""
        self.name = name
        self._conversations = conversations
        self._path = path
        self._digest = digest

    def save(self, conversation: Conversation) -> None:
        """Writes the conversation: aside, to the disk, and then over the old one.

        Raises BlockedByPolicy where the file is not the one that was last read or written; it stays as it is.
        """
        content = self._conversations.sealed(self.name, conversation)
        with _told("written", self._path):
            if self._found() != self._digest:
                raise BlockedByPolicy(
                    f"The conversation {self.name} ({self._path}) was changed by somebody else; it is left as it is.",
                    hint="Keep what you have under another name: /save NAME.",
                )
            self.sweep()
            aside = self._path.with_name(f".{self.name}.{secrets.token_hex(8)}.new")
            try:
                write_new(aside, content)
                aside.replace(self._path)
            finally:
                aside.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        self._digest = _digest(content)

    def _found(self) -> bytes | None:
        try:
            return _digest(read_small(self._path, most=_MOST_BYTES))
        except FileNotFoundError:
            return None
        except ValueError:  # too long to be ours
            return b""

    def sweep(self) -> None:
        """Removes what a process that was killed while it wrote has left; nobody else writes under this name."""
        for left in self._path.parent.glob(f".{self.name}.{'[0-9a-f]' * 16}.new"):
            left.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _context(name: str) -> bytes:
    return _FORM + name.encode()


@contextmanager
def _told(done: str, path: Path) -> Iterator[None]:
    try:
        yield
    except HybridragError:
        raise
    except OSError as exc:
        raise BlockedByPolicy(
            f"The conversation {path} cannot be {done}: {exc.strerror or type(exc).__name__}.",
            hint="Its folder must be yours, with room on the disk (HYBRIDRAG_HOME).",
        ) from exc
