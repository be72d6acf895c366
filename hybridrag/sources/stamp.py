"""What tells that a file or a page is unchanged without reading it."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

_COARSEST_NS = 2_000_000_000
"""FAT keeps times in steps of two seconds; no other file system in use is coarser."""


class Stamp(NamedTuple):
    """A file's size in bytes, the times (in nanoseconds) of its last change of content and of anything, and its inode.

    The second time cannot be set by a program, so that a file with its old date put back still differs. The device is
    left out: its number may be another one after each mount.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @staticmethod
    def of(found: os.stat_result) -> Stamp:
        return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def settled(self, now_ns: int) -> bool:
        """Whether any later change gives the file another stamp.

        One that was written a moment ago may be written once more within the same step of its clock, as Git puts it
        ("racily clean"): its stamp is not to be relied on. Nor is one from the future.
        """
        return max(self.modified_ns, self.changed_ns) + _COARSEST_NS < now_ns

    def __str__(self) -> str:
        return f"{self.size} {self.modified_ns} {self.changed_ns} {self.inode}"


class Validator(NamedTuple):
    """What a server says of a version of a page: its entity tag and when it was last modified, as in the headers.

    `page` names the page that it was said of. `steady` says that any later version gets another one.
    """

    page: str
    etag: str
    modified: str
    steady: bool = True

    @staticmethod
    def parse(text: str) -> Validator | None:
        """What `str` made a text of; None for any other text."""
        try:
            page, etag, modified = json.loads(text)
        except (ValueError, TypeError):
            return None
        return Validator(str(page), str(etag), str(modified))

    def settled(self, _: int) -> bool:
        """As for a file. What counts is the server's clock, which has been asked."""
        return self.steady

    def __str__(self) -> str:
        return json.dumps([self.page, self.etag, self.modified])
