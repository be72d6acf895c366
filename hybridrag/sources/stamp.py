"""What tells that a file is unchanged without reading it."""

from __future__ import annotations

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
