"""What comes out of archives, and that a bomb costs what it may cost and no more."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import signal
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridrag.parsing import GuardedParser
from hybridrag.parsing.answer import BadAnswerError, inner_path, read_members
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.unpacking import Allowance, members_of
from hybridrag.types import Member, RawDocument, Skipped

Raw = Callable[[str, bytes, str], RawDocument]
ZIP, TAR, GZIP = "application/zip", "application/x-tar", "application/gzip"
MIB = 1024**2


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(*infos: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for info, content in infos:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        (GZIP, gzip.compress),
        ("application/x-bzip2", bz2.compress),
        ("application/x-xz", lzma.compress),
        (TAR, lambda content: content),
    ],
)
def test_a_tar_comes_out_however_it_is_compressed(
    kind: str, pack: Callable[[bytes], bytes], parser: GuardedParser, raw: Raw
) -> None:
    info = tarfile.TarInfo("a/b.txt")
    info.mtime = 1_700_000_000
    found = list(parser.members(raw("x", pack(tarred((info, b"words"))), kind)))
    assert [(item.name, item.content) for item in found if isinstance(item, Member)] == [("a/b.txt", b"words")]
    assert isinstance(found[0], Member)
    assert found[0].modified is not None
    assert found[0].modified.isoformat() == "2023-11-14T22:13:20+00:00"


def test_links_and_devices_of_a_tar_are_told_and_not_read(parser: GuardedParser, raw: Raw) -> None:
    link, hard, device = tarfile.TarInfo("link"), tarfile.TarInfo("hard"), tarfile.TarInfo("device")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "../x"
    device.type = tarfile.CHRTYPE
    found = list(parser.members(raw("x.tar", tarred((link, b""), (hard, b""), (device, b"")), TAR)))
    assert [(item.uri, item.failed) for item in found if isinstance(item, Skipped)] == [
        ("box/x.tar/link", False),
        ("box/x.tar/hard", False),
        ("box/x.tar/device", False),
    ]


def test_one_file_that_is_too_large_costs_itself(raw: Raw) -> None:
    with GuardedParser(largest_member=MIB) as parser:
        files = {"small.txt": b"a", "large.txt": b"\0" * (MIB + 1), "last.txt": b"z"}
        found = list(parser.members(raw("x.zip", zipped(files), ZIP)))
        assert [item.name for item in found if isinstance(item, Member)] == ["small.txt", "last.txt"]
        assert [item.reason for item in found if isinstance(item, Skipped)] == [
            "too large: more than the limit of 1.0 MiB"
        ]


@pytest.mark.parametrize("kind", [ZIP, GZIP])
def test_what_unpacks_to_too_much_ends_there(kind: str, raw: Raw) -> None:
    files = [(f"{number}.txt", b"\0" * (MIB // 2)) for number in range(40)]
    infos = [(tarfile.TarInfo(name), content) for name, content in files]
    content = zipped(dict(files)) if kind == ZIP else tarred(*infos, mode="w:gz")
    with GuardedParser(largest_member=MIB, most_unpacked=4 * MIB) as parser:
        found = list(parser.members(raw("x", content, kind)))
    assert 6 <= sum(isinstance(item, Member) for item in found) <= 8
    last = found[-1]
    assert isinstance(last, Skipped)
    assert (last.uri, last.failed) == ("box/x", True)
    assert last.reason == "unpacks to more than may be unpacked of one file"


@pytest.mark.parametrize(("size", "all_of_it"), [(8 * MIB, False), (2 * MIB, True), (-(10**15), True)])
def test_the_holes_of_a_sparse_file_count(size: int, all_of_it: bool) -> None:
    def sparse(name: str) -> tuple[tarfile.TarInfo, bytes]:
        info = tarfile.TarInfo(name)
        info.pax_headers = {"GNU.sparse.size": str(size), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1"}
        return info, b"x"

    packed = tarred(sparse("a.txt"), sparse("b.txt"))
    members = members_of(packed, TAR, name="x.tar", allowance=Allowance(largest=100 * MIB, left=5 * MIB))
    if all_of_it:
        assert [len(item.content) for item in members if isinstance(item, Member)] == [max(0, size)] * 2
    else:
        with pytest.raises(UnreadableError, match="more than"):
            list(members)


def test_archives_in_an_archive_unpack_to_no_more_than_it_may(raw: Raw) -> None:
    bomb = zipped({f"{number}.txt": b"\0" * MIB for number in range(3)})
    outer = zipped({f"{number}.zip": bomb for number in range(9)})
    with GuardedParser(largest_member=MIB, most_unpacked=8 * MIB) as parser:
        came, told = 0, []
        for item in parser.members(raw("x.zip", outer, ZIP)):
            if isinstance(item, Skipped):
                told.append((item.uri, item.reason))
                continue
            inside = replace(raw(f"x.zip/{item.name}", item.content, ZIP), container="x.zip")
            came += sum(isinstance(each, Member) for each in parser.members(inside))
        assert 6 <= came <= 8
        assert told == [("box/x.zip", "unpacks to more than may be unpacked of one file")]
        assert sum(isinstance(item, Member) for item in parser.members(raw("y.zip", bomb, ZIP))) == 3


def test_a_million_files_of_nothing_are_too_many(raw: Raw) -> None:
    with GuardedParser(largest_member=MIB, most_unpacked=MIB) as parser:
        found = list(parser.members(raw("x.zip", zipped({f"{number}.txt": b"" for number in range(400)}), ZIP)))
    assert len(found) < 300
    assert isinstance(found[-1], Skipped)
    assert found[-1].uri == "box/x.zip"


@pytest.mark.parametrize("kind", [ZIP, TAR, GZIP, "application/x-bzip2", "application/x-xz", "application/mbox"])
def test_what_is_no_archive_is_told(kind: str, parser: GuardedParser, raw: Raw) -> None:
    found = list(parser.members(raw("x", b"no archive at all " * 40, kind)))
    assert [(item.uri, item.failed) for item in found if isinstance(item, Skipped)] == [("box/x", True)]
    assert "archive at all" not in str(found)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
def test_an_archive_whose_child_is_killed_is_not_taken_for_done(raw: Raw) -> None:
    def children() -> set[str]:
        return set(Path("/proc/self/task", str(threading.get_native_id()), "children").read_text().split())

    before = children()
    with GuardedParser() as parser:
        members = parser.members(raw("x.zip", zipped({f"{number}.txt": b"a" for number in range(200)}), ZIP))
        assert isinstance(next(members), Member)
        (child,) = children() - before
        os.kill(int(child), signal.SIGKILL)
        *others, last = members
        assert [item.name for item in others if isinstance(item, Member)] == [
            f"{n}.txt" for n in range(1, len(others) + 1)
        ]
        assert len(others) < 100  # those that had come with the first
        assert isinstance(last, Skipped)
        assert (last.uri, last.failed) == ("box/x.zip", True)


def test_small_files_and_large_ones_come_in_their_order(parser: GuardedParser, raw: Raw) -> None:
    """Small ones come many at a time, others alone."""
    sizes = [*[100] * 150, 70_000, 0, 40_000, 40_000, *[0] * 70, 300_000]
    files = {f"{number}.txt": os.urandom(size) for number, size in enumerate(sizes)}
    found = list(parser.members(raw("x.zip", zipped(files), ZIP)))
    assert [(item.name, item.content) for item in found if isinstance(item, Member)] == [*files.items()]
    assert len(found) == len(files)


def test_what_came_before_a_file_that_breaks_its_archive_is_kept(parser: GuardedParser, raw: Raw) -> None:
    content = tarred(*((tarfile.TarInfo(f"{number}.txt"), b"x" * 600) for number in range(9)))
    found = list(parser.members(raw("x.tar", content[: 5 * 1536 + 700], TAR)))
    assert [item.name for item in found if isinstance(item, Member)] == [f"{number}.txt" for number in range(5)]
    assert [(item.uri, item.failed) for item in found if isinstance(item, Skipped)] == [("box/x.tar", True)]


def test_what_came_before_a_file_that_wants_all_memory_is_kept(parser: GuardedParser, raw: Raw) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, method in (("a", zipfile.ZIP_STORED), ("b", zipfile.ZIP_LZMA), ("c", zipfile.ZIP_STORED)):
            archive.writestr(name, b"words", compress_type=method)
        dictionary = archive.getinfo("b").header_offset + len("b") + 35
    content = bytearray(made.getvalue())
    content[dictionary : dictionary + 4] = b"\xf0\xff\xff\xff"  # 4 GiB
    found = list(parser.members(raw("x.zip", bytes(content), ZIP)))
    assert [item.name for item in found if isinstance(item, Member)] == ["a"]
    assert [item.reason.partition(" than")[0] for item in found if isinstance(item, Skipped)] == ["needs more"]


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ({}, b""),
        ({"members": []}, b""),
        ({"members": "words"}, b""),
        ({"members": [1]}, b""),
        ({"members": [{"name": "a"}]}, b""),
        ({"members": [{"name": "a", "size": True}]}, b"a"),
        ({"members": [{"name": "a", "size": 2}, {"name": "b", "size": -1}]}, b"a"),
        ({"members": [{"name": "a", "size": 1}]}, b"more"),
    ],
)
def test_members_that_do_not_fit_their_bytes_are_not_believed(answer: dict[str, Any], content: bytes) -> None:
    with pytest.raises(BadAnswerError):
        list(read_members(answer, content))


def test_children_that_unpack_serve_again(raw: Raw) -> None:
    with GuardedParser() as parser:
        inner = zipped({"a.txt": b"a"})
        for _ in range(3):
            for member in parser.members(raw("x.zip", zipped({"1.zip": inner, "2.zip": inner}), ZIP)):
                assert isinstance(member, Member)
                assert len(list(parser.members(raw(member.name, member.content, ZIP)))) == 1
        assert parser.children == 2


def test_an_encrypted_file_costs_itself(parser: GuardedParser, raw: Raw) -> None:
    content = bytearray(zipped({"open.txt": b"open", "secret.txt": b"secret"}))
    entry = content.rindex(b"secret.txt") - 46
    content[entry + 8] |= 1  # the bit of the directory that says so
    found = list(parser.members(raw("x.zip", bytes(content), ZIP)))
    assert [item.name for item in found if isinstance(item, Member)] == ["open.txt"]
    assert [item.reason for item in found if isinstance(item, Skipped)] == ["encrypted: needs a password"]


def test_a_file_without_a_name_costs_itself(parser: GuardedParser, raw: Raw) -> None:
    content = zipped({"a.txt": b"first", "-n": b"nameless", "b.txt": b"last"}).replace(b"-n", b"\0n")  # NUL ends it
    found = list(parser.members(raw("x.zip", content, ZIP)))
    assert [item.name for item in found if isinstance(item, Member)] == ["a.txt", "b.txt"]
    assert [item.reason for item in found if isinstance(item, Skipped)] == ["its name leads out of the file it lies in"]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a/b.md", "a/b.md"),
        ("./a//b.md", "a/b.md"),
        ("a\\b.md", "a/b.md"),
        ("a\nb.md", "a_b.md"),
        ("../a.md", None),
        ("a/../b.md", None),
        ("/a.md", None),
        ("\\\\host\\a.md", None),
        ("C:\\a.md", None),
        ("", None),
        (".", None),
    ],
)
def test_a_name_inside_leads_nowhere_else(written: str, path: str | None) -> None:
    assert inner_path(written) == path
