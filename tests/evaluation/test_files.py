"""Files are written whole and only over what may be replaced, and read only where they are files of some size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation.files import MOST_BYTES, check_place, look, read_text, whole_file, write_whole


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("strict_umask")
def test_a_file_takes_the_place_of_the_one_before_at_once(tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    write_whole(file, "one", "report")
    write_whole(file, "two\ud800", "report")
    assert file.read_text() == "two?"
    assert file.stat().st_mode & 0o777 == 0o600, "as the user wants new files to be"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(UsageError, match="cannot be written: there is no folder"):
        write_whole(tmp_path / "nowhere" / "r.html", "x", "report")


def test_what_is_half_written_never_appears(tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(file, "report") as out:
        out.write(b"half")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.html"]


def test_a_link_is_kept_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "real" / "r.html")
    check_place(link, "report")
    write_whole(link, "x", "report")
    assert link.is_symlink()
    assert (tmp_path / "real" / "r.html").read_text() == "x"


def test_devices_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for place in (Path("/dev/null"), tmp_path / "null", tmp_path / "pipe", tmp_path):
        with pytest.raises(UsageError, match="no regular file"):
            check_place(place, "file")
        with pytest.raises(UsageError, match="no regular file"):
            write_whole(place, "x", "file")
    assert (tmp_path / "pipe").is_fifo()


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    file, other = tmp_path / "q.jsonl", tmp_path / "other.jsonl"
    file.write_text("{}")
    (tmp_path / "link").symlink_to(file)
    for name in ("q.jsonl", "link", "../" + tmp_path.name + "/q.jsonl"):
        with pytest.raises(UsageError, match="it is read"):
            check_place(tmp_path / name, "file", read=[other, file])
    check_place(other, "file", read=[other, file, Path("x" * 300)])


def test_what_is_no_file_of_some_size_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(MOST_BYTES + 1)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name, why in (("pipe", "no regular"), ("huge", "larger than"), ("bytes", "not UTF-8"), ("none", "No such")):
        with pytest.raises(UsageError, match=f"cannot be read: .*{why}"):
            read_text(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        look(Path("x" * 300))
    with pytest.raises(UsageError, match="cannot be read"):
        look(Path("a\0b"))
    assert look(tmp_path / "none") is None
