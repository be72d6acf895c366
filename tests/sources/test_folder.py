"""Folders: what comes in, what is left out, what is reported."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.sources import Entry, Listing, open_source
from hybridrag.types import RawDocument, Skipped, Source


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def folder(
    root: Path, *, only: tuple[str, ...] = (), include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> Source:
    return Source("box", "folder", str(root), only=only, include=include, exclude=exclude)


def listing(root: Path, **filters: tuple[str, ...]) -> Listing:
    return open_source(folder(root, **filters)).list()


def paths(found: Listing) -> list[str]:
    return [entry.path for entry in found.entries]


def read(root: Path, path: str, *, named: bool = False, limit: int = 1000) -> RawDocument | Skipped:
    return open_source(folder(root), limit=limit).read(Entry(path, None, named))


def reasons(found: Listing) -> dict[str, str]:
    return {problem.uri: problem.reason for problem in found.problems}


def test_files_come_in_the_order_of_their_path_components(tmp_path: Path) -> None:
    write(tmp_path, {"a/b.md": "1", "a.md": "2", "a-c/d.md": "3", "B.md": "4"})
    assert paths(listing(tmp_path)) == ["B.md", "a/b.md", "a-c/d.md", "a.md"]


def test_a_document_carries_its_bytes_hash_time_and_type(tmp_path: Path) -> None:
    write(tmp_path, {"one.md": "# One", "two.md": "# One", "three.md": "# Two"})
    one, two, three = (read(tmp_path, name) for name in ("one.md", "two.md", "three.md"))
    assert isinstance(one, RawDocument) and isinstance(two, RawDocument) and isinstance(three, RawDocument)
    assert (one.content, one.media_type, one.uri) == (b"# One", "text/markdown", "box/one.md")
    assert one.content_hash == two.content_hash != three.content_hash
    assert one.modified is not None and one.modified.tzinfo is not None
    assert one.modified.timestamp() == pytest.approx((tmp_path / "one.md").stat().st_mtime)


def test_hidden_vcs_dependencies_and_caches_stay_out(tmp_path: Path) -> None:
    write(tmp_path, {".env": "KEY=1", ".github/a.md": "x", ".git/config": "x", "node_modules/a.md": "x"})
    write(tmp_path, {"__pycache__/a.md": "x"})
    write(tmp_path, {"env/pyvenv.cfg": "home", "env/a.md": "x", "store/CACHEDIR.TAG": "Signature", "kept.md": "x"})
    found = listing(tmp_path)
    assert paths(found) == ["kept.md"]
    assert found.problems == ()


def test_an_include_pattern_can_ask_for_hidden_folders_but_never_for_git(tmp_path: Path) -> None:
    write(tmp_path, {".github/a.md": "x", ".git/a.md": "x", "b.md": "x"})
    assert paths(listing(tmp_path, include=(".github/**", ".git/**"))) == [".github/a.md"]


def test_include_and_exclude(tmp_path: Path) -> None:
    write(tmp_path, {"docs/a.md": "x", "docs/b.txt": "x", "docs/old/c.md": "x", "d.md": "x"})
    assert paths(listing(tmp_path, include=("docs/**",))) == ["docs/a.md", "docs/b.txt", "docs/old/c.md"]
    assert paths(listing(tmp_path, include=("*.md",), exclude=("old/",))) == ["d.md", "docs/a.md"]
    assert paths(listing(tmp_path, exclude=("*.md",))) == ["docs/b.txt"]
    assert paths(listing(tmp_path, include=("./docs/a.md",))) == ["docs/a.md"]


def test_a_pattern_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--exclude"):
        open_source(folder(tmp_path, exclude=("!",)))


def test_gitignore_and_ragignore(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.log\nbuild/\n", ".ragignore": "!kept.log\ndrafts/\n"})
    write(tmp_path, {"a.log": "x", "kept.log": "x", "build/a.md": "x", "drafts/a.md": "x", "sub/drafts/b.md": "x"})
    write(tmp_path, {"sub/c.log": "x", "sub/c.md": "x"})
    assert paths(listing(tmp_path)) == ["kept.log", "sub/c.md"]


def test_named_files_win_over_every_rule(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.md\n", "a.md": "x", ".env": "x", "private/b.txt": "x", "c.md": "x"})
    found = listing(tmp_path, only=("a.md", ".env", "private"))
    assert paths(found) == [".env", "a.md", "private/b.txt"]
    assert [entry.named for entry in found.entries] == [True, True, False]


def test_a_named_file_that_is_missing_is_a_failure_and_counts_as_gone(tmp_path: Path) -> None:
    found = listing(tmp_path, only=("a.md",))
    assert found.missing == ("a.md",)
    assert [(p.uri, p.reason, p.failed) for p in found.problems] == [("box/a.md", "no such file", True)]
    assert not found.protects("a.md")


def test_a_missing_root_protects_everything(tmp_path: Path) -> None:
    found = listing(tmp_path / "unmounted")
    assert found.entries == ()
    assert reasons(found) == {"box": "no such folder"}
    assert found.protects("any/thing.md")


def test_links(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, {"real/a.md": "x", "real/secret.md": "x", ".gitignore": "secret.md\n"})
    write(outside, {"id_rsa": "KEY"})
    (root / "file.md").symlink_to("real/a.md")
    (root / "aa").symlink_to("real")
    (root / "real" / "loop").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "broken.md").symlink_to("nothing.md")
    (root / "key.md").symlink_to(outside / "id_rsa")
    (root / "folder").symlink_to(outside)
    (root / "shown.md").symlink_to("real/secret.md")
    found = listing(root)
    assert paths(found) == ["file.md", "real/a.md"]
    assert reasons(found) == {
        "box/broken.md": "is a broken link",
        "box/folder": "is a link that leads out of the source, so it was not followed",
        "box/key.md": "is a link that leads out of the source, so it was not followed",
        "box/real/loop": "is a link to a folder that it lies in, so it was not followed",
        "box/self": "is a broken link",
    }
    assert found.protects("broken.md")


def test_a_file_that_becomes_a_link_out_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, {"a.md": "x"})
    write(tmp_path, {"key.md": "KEY"})
    reader = open_source(folder(root))
    (entry,) = reader.list().entries
    (root / "a.md").unlink()
    (root / "a.md").symlink_to(tmp_path / "key.md")
    document = reader.read(entry)
    assert isinstance(document, Skipped)
    assert "leads out" in document.reason


def test_a_link_to_the_root_itself_is_where_the_source_is(tmp_path: Path) -> None:
    write(tmp_path, {"real/a.md": "x"})
    (tmp_path / "link").symlink_to("real")
    assert paths(listing(tmp_path / "link")) == ["a.md"]
    assert isinstance(read(tmp_path / "link", "a.md"), RawDocument)


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.chdir(tmp_path)  # a socket's path may have 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.md")
        found = listing(tmp_path)
    assert found.entries == ()
    assert reasons(found) == {"box/pipe.md": "is a named pipe, not a file", "box/s.md": "is a socket, not a file"}
    late = read(tmp_path, "pipe.md")
    assert isinstance(late, Skipped)
    assert late.reason == "is a named pipe"


def test_kinds_without_text_are_left_out_quietly_unless_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.mp4": "x", "b.md": "x"})
    assert [(p.uri, p.reason, p.failed) for p in listing(tmp_path).problems] == [
        ("box/a.mp4", "no parser for .mp4", False)
    ]
    assert [p.failed for p in listing(tmp_path, only=("a.mp4",)).problems] == [True]


def test_unknown_kinds_come_in_if_they_are_text(tmp_path: Path) -> None:
    write(tmp_path, {"LICENSE": "Do as you like."})
    (tmp_path / "x.qqq").write_bytes(bytes(range(256)))
    text, quiet, loud = read(tmp_path, "LICENSE"), read(tmp_path, "x.qqq"), read(tmp_path, "x.qqq", named=True)
    assert isinstance(text, RawDocument)
    assert text.media_type == "text/plain"
    assert isinstance(quiet, Skipped) and isinstance(loud, Skipped)
    assert (quiet.reason, quiet.failed, loud.failed) == ("no parser for .qqq", False, True)


def test_empty_large_and_vanished_files(tmp_path: Path) -> None:
    write(tmp_path, {"empty.md": "", "large.md": "x" * 11, "fits.md": "x" * 10})
    empty, large, fits, gone = (
        read(tmp_path, name, limit=10) for name in ("empty.md", "large.md", "fits.md", "gone.md")
    )
    assert isinstance(fits, RawDocument)
    assert isinstance(empty, Skipped) and isinstance(large, Skipped) and isinstance(gone, Skipped)
    assert (empty.reason, empty.failed) == ("empty file", False)
    assert large.reason.startswith("too large") and large.failed and large.hint
    assert (gone.reason, gone.failed) == ("vanished before it could be read", False)


def test_names_that_are_not_utf8_are_reported_escaped(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("x")
    (tmp_path / os.fsdecode(b"dir\xff")).mkdir()
    (tmp_path / "ok.md").write_text("x")
    found = listing(tmp_path)
    assert paths(found) == ["ok.md"]
    assert reasons(found) == {"box/caf\\xe9.md": "its name is not UTF-8", "box/dir\\xff": "its name is not UTF-8"}
    for problem in found.problems:
        problem.uri.encode()


def test_odd_names_stay_exact(tmp_path: Path) -> None:
    names = ["line\nbreak.md", "cafe\u0301.md", "a b'\"c.md", "-rf.md", "ünï.md"]
    for name in names:
        (tmp_path / name).write_text(name)
    found = listing(tmp_path)
    assert sorted(paths(found)) == sorted(names)
    for entry in found.entries:
        document = read(tmp_path, entry.path)
        assert isinstance(document, RawDocument)
        assert document.content.decode() == entry.path


def test_very_deep_folders(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(300):
        here = here / "deep"
    here.mkdir(parents=True)
    (here / "a.md").write_text("x")
    assert paths(listing(tmp_path)) == ["deep/" * 300 + "a.md"]


@contextlib.contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Root reads everything, so the tests below step down to `nobody`, in effect, where they run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="hybridrag-test-"))
    path.chmod(0o755)
    yield path
    for locked in path.rglob("*"):
        if locked.is_dir() and not locked.is_symlink():
            locked.chmod(0o755)
    shutil.rmtree(path)


def test_unreadable_files_and_folders_are_reported_and_the_rest_comes_in(open_folder: Path) -> None:
    write(open_folder, {"a.md": "x", "locked.md": "x", "closed/b.md": "x", "closed/sub/c.md": "x"})
    (open_folder / "locked.md").chmod(0)
    (open_folder / "closed").chmod(0)
    with as_ordinary_user():
        reader = open_source(folder(open_folder))
        found = reader.list()
        documents = [reader.read(entry) for entry in found.entries]
    assert paths(found) == ["a.md", "locked.md"]
    assert reasons(found) == {"box/closed": "permission denied"}
    assert isinstance(documents[0], RawDocument)
    assert isinstance(documents[1], Skipped)
    assert (documents[1].reason, documents[1].failed) == ("permission denied", True)
    assert documents[1].hint
    assert found.unlisted == {"closed"}
    assert found.protects("closed/sub/c.md") and not found.protects("closed-too/c.md")


def test_a_folder_whose_ignore_file_is_unreadable_stays_out(open_folder: Path) -> None:
    write(open_folder, {"a.md": "x", "sub/.gitignore": "secret.md", "sub/secret.md": "x"})
    (open_folder / "sub" / ".gitignore").chmod(0)
    with as_ordinary_user():
        found = listing(open_folder)
    assert paths(found) == ["a.md"]
    assert found.protects("sub/secret.md")
    assert "its .gitignore cannot be read" in reasons(found)["box/sub"]
