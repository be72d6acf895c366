"""The files inside a file: which kinds of files hold others, and how they are taken out, one by one.

Nothing is written to disk, so a name inside can reach nothing; it is checked on the other side all the same. What comes
out is counted while it is decompressed: a bomb is told by what it yields, not by what it says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from hybridrag.parsing import refusals
from hybridrag.types import Member

VERSION = "files/1"
"""Raised by hand whenever other files may come out of the same bytes."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A file inside another that cannot be had, and why; `failed` is False where nothing is wrong."""

    name: str
    reason: str
    hint: str = ""
    failed: bool = True


@dataclass(slots=True)
class Allowance:
    """How many bytes may still come out: of one file `largest`, and so many are `left` for all of them."""

    largest: int
    left: int

    def spend(self, size: int) -> None:
        """Counts bytes that came out. Raises UnreadableError where they are too many in all."""
        self.left -= size
        if self.left < 0:
            raise refusals.unpacks_to_too_much()


@dataclass(frozen=True, slots=True)
class Packed:
    """A file that holds others: its bytes, its own name, and what may come out of it."""

    content: bytes
    name: str
    allowance: Allowance


def holds_files(media_type: str) -> bool:
    """Whether such a file may hold others."""
    return media_type in _READERS


def holds_text(media_type: str) -> bool:
    """Whether such a file has a text of its own; one that only holds others has none."""
    return media_type not in _READERS or media_type in _WITH_TEXT


def members_of(content: bytes, media_type: str, *, name: str, allowance: Allowance) -> Iterator[Member | Withheld]:
    """The files inside, in their order; `name` is the file's own.

    Raises UnreadableError where no more can be had.
    """
    module, function = _READERS[media_type].split(":")
    reader: Callable[[Packed], Iterator[Member | Withheld]] = getattr(
        import_module(f"hybridrag.parsing.{module}"), function
    )
    return reader(Packed(content, name, allowance))


def too_large(name: str, largest: int) -> Withheld:
    limit = f"{largest / 1024**2:,.1f} MiB"
    return Withheld(name, f"too large: more than the limit of {limit}", "Unpack it, split it, and index that.")


_READERS = {
    "application/zip": "packed.archives:zip_members",
    "application/x-tar": "packed.archives:tar_members",
    "application/gzip": "packed.archives:compressed_members",
    "application/x-bzip2": "packed.archives:compressed_members",
    "application/x-xz": "packed.archives:compressed_members",
    "application/mbox": "packed.mailboxes:mbox_members",
    "message/rfc822": "packed.mailboxes:mail_members",
}
_WITH_TEXT = frozenset({"message/rfc822"})
