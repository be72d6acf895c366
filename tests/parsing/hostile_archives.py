"""Archives made to deceive, to blow up or to break whoever unpacks them: `files()` makes them, each small."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping
from functools import cache

MIB = 1024**2


def files() -> dict[str, bytes]:
    """The files by name. None of them holds a document that can be read but those whose names begin with `mixed`."""
    return {
        "bomb.zip": bomb(),
        "bombs-in-bombs.zip": zipped({f"{number}.zip": bomb() for number in range(4)}),
        "overlapping.zip": overlapping(),
        "many.zip": zipped({f"{number}.bin": b"" for number in range(400)}),
        "deep.zip": nested(8),
        "truncated.zip": zipped({"a.md": b"# A\n" * 500})[:60],
        "no-directory.zip": b"PK\x03\x04" + b"\0" * 200,
        "mixed-encrypted.zip": encrypted(),
        "mixed-traversal.zip": zipped({"../../etc/passwd": b"x", "good.md": b"# Good\n\nThe porter has the keys."}),
        "crc.zip": zipped({"a.md": b"# Rules\n"}, method=zipfile.ZIP_STORED).replace(b"# Rules", b"# Rulez"),
        "bomb.gz": gzip.compress(b"\0" * (24 * MIB)),
        "bomb.bz2": bz2.compress(b"\0" * (24 * MIB)),
        "bomb.xz": lzma.compress(b"\0" * (24 * MIB), preset=0),
        "truncated.tar.gz": tarred({"a.md": b"# A\n" * 500}, mode="w:gz")[:-20],
        "sparse.tar": sparse(),
        "links.tar": links(),
        "lying.tar": tarred({"a.md": b"# A\n"}).replace(b"00000000004", b"77777777777", 1),
        "noise.tar.xz": lzma.compress(b"noise " * 200)[:-20],
        "empty.zip": b"PK\x05\x06" + b"\0" * 18,
    }


@cache
def bomb() -> bytes:
    """32 MiB of zeros in some 30 KB."""
    return zipped({"zeros.md": b"\0" * (32 * MIB)})


def overlapping() -> bytes:
    """A directory of a hundred files that all lie at the same place (Fifield, "A better zip bomb", 2019)."""
    one = zipped({"a.md": b"\0" * MIB})
    start = one.rindex(b"PK\x01\x02")
    end = one.rindex(b"PK\x05\x06")
    entry, count = one[start:end], 100
    size = len(entry) * count
    tail = bytearray(one[end:])
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = size.to_bytes(4, "little")
    return one[:start] + entry * count + bytes(tail)


def nested(depth: int) -> bytes:
    content = zipped({"deepest.md": b"# Deepest\n"})
    for number in range(depth):
        content = zipped({f"{number}.zip": content})
    return content


def encrypted() -> bytes:
    made = bytearray(zipped({"good.md": b"# Good\n\nThe porter has the keys.", "secret.md": b"secret"}))
    entry = made.rindex(b"secret.md") - 46
    made[entry + 8] |= 1  # the bit of the directory that says so
    return bytes(made)


def sparse() -> bytes:
    """A file that says that it is a terabyte long."""
    info = tarfile.TarInfo("huge.md")
    info.size = 1024**4
    return info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024


def links() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind, target in (
            ("passwd", tarfile.SYMTYPE, "/etc/passwd"),
            ("self", tarfile.LNKTYPE, "self"),
            ("null", tarfile.CHRTYPE, ""),
            ("pipe", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return made.getvalue()


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], *, mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()
