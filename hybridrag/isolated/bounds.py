"""What an isolated process may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes of address space, bytes of a file that it writes, and files that it has open; None is as the system has it.

    With `strict` it changes files in its own folder only, and opens no socket of any kind: what Linux can see to.
    """

    memory: int | None = None
    largest_file: int | None = None
    most_files: int | None = None
    strict: bool = False
