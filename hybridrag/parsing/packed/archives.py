"""Archives: zip and tar, and files compressed by gzip, bzip2 or xz, whether a tar lies in them or one file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Protocol

from hybridrag.parsing import refusals
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.unpacking import Allowance, Packed, Withheld, too_large
from hybridrag.types import Member

_PIECE = 1 << 20
_PAST_THE_END = 8
_ANEW = "Make the archive anew."


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


_BROKEN = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError, KeyError,
           NotImplementedError, RuntimeError, OverflowError)  # fmt: skip
"""What the standard library raises for archives that are not what they say."""


def zip_members(packed: Packed) -> Iterator[Member | Withheld]:
    """The files of a zip archive. One that is encrypted or broken costs itself only."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(packed.content))
    except _BROKEN:
        raise _broken() from None
    with archive:
        for info in archive.infolist():
            if info.filename.endswith("/"):  # `is_dir` fails on a file without a name
                continue
            if info.flag_bits & 1:
                yield Withheld(info.filename, refusals.LOCKED, "Unpack it, and index that.")
            elif stat.S_ISLNK(info.external_attr >> 16):
                yield Withheld(info.filename, "is a link inside an archive, so it was not followed", failed=False)
            else:
                yield _zipped(archive, info, packed.allowance)


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> Member | Withheld:
    try:
        with archive.open(info) as file:
            content = _read(file, allowance)
    except UnreadableError:
        raise
    except _BROKEN:
        return Withheld(info.filename, "broken inside its archive", _ANEW)
    if content is None:
        return too_large(info.filename, allowance.largest)
    return Member(info.filename, content, _moment(info.date_time))


def tar_members(packed: Packed) -> Iterator[Member | Withheld]:
    """The files of a tar archive."""
    yield from _tarred(_Counted(io.BytesIO(packed.content), packed.allowance))


def compressed_members(packed: Packed) -> Iterator[Member | Withheld]:
    """The files of a compressed tar archive, or the one file that was compressed, under its name without the ending."""
    allowance = packed.allowance
    if _is_tar(_start(_decompressed(packed.content))):
        yield from _tarred(_Counted(_decompressed(packed.content), allowance))
        return
    inner = PurePosixPath(packed.name).stem or packed.name
    try:
        found = _read(_decompressed(packed.content), allowance)
    except _BROKEN:
        raise _broken() from None
    yield too_large(inner, allowance.largest) if found is None else Member(inner, found)


def _tarred(file: _Counted) -> Iterator[Member | Withheld]:
    largest = file.allowance.largest
    try:
        # As a stream: nothing is read twice, however it is compressed, and links are never looked up.
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for info in archive:
                if info.isdir():
                    continue
                if not info.isreg():
                    what = "a link" if info.issym() or info.islnk() else "no file"
                    yield Withheld(info.name, f"is {what} inside an archive, so it was not read", failed=False)
                elif info.size > largest:
                    yield too_large(info.name, largest)
                else:
                    if info.issparse():  # its holes come out of no byte that was counted
                        file.allowance.spend(max(0, info.size))
                    inside = archive.extractfile(info)
                    content = inside.read() if inside is not None else b""
                    yield Member(info.name, content, _timestamp(info.mtime))
    except UnreadableError:
        raise
    except _BROKEN:
        raise _broken() from None


class _Counted(io.RawIOBase):
    """A stream whose bytes are counted, those that are skipped too."""

    def __init__(self, file: Readable, allowance: Allowance) -> None:
        self._ended = 0
        self._file = file
        self.allowance = allowance

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(_PIECE if size < 0 else size)
        self.allowance.spend(len(piece))
        self._ended += not piece
        if self._ended > _PAST_THE_END:
            raise EOFError  # whoever skips a file that is not there would read on to where it should end
        return piece


def _read(file: Readable, allowance: Allowance) -> bytes | None:
    """All of a file, or None where it is longer than one may be."""
    parts: list[bytes] = []
    room = allowance.largest
    while piece := file.read(_PIECE):
        allowance.spend(len(piece))
        room -= len(piece)
        if room < 0:
            return None
        parts.append(piece)
    return b"".join(parts)


def _decompressed(content: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    file = io.BytesIO(content)
    if content.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if content.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if content.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(file)
    raise _broken()


def _start(file: Readable) -> bytes:
    try:
        return file.read(512)
    except _BROKEN:
        raise _broken() from None


def _is_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def _moment(written: tuple[int, ...]) -> datetime | None:
    """A zip's date; it has no zone, and counts as UTC."""
    try:
        year, month, day, hour, minute, second = written
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return None if moment.year <= 1980 else moment  # what is written for a date that is not known


def _timestamp(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def _broken() -> UnreadableError:
    return refusals.broken(hint=_ANEW)
