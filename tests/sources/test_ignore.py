"""Ignore rules, compared with git itself where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridrag.sources import open_source
from hybridrag.types import Source

TREE = (
    "a.md", "b.txt", "foo", "docs/a.md", "docs/b.txt", "docs/foo/a.md", "docs/foo/bar/a.md", "foo2/a.md", "bar/foo.md",
    "bar/docs/a.md", "x/y/z/a.md", "x/foo/y.md",
)  # fmt: skip


def grow(root: Path) -> None:
    for name in TREE:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def kept(root: Path) -> list[str]:
    return [entry.path for entry in open_source(Source("s", "folder", str(root))).list().entries]


@pytest.mark.parametrize(
    ("patterns", "ignored"),
    [
        ("*.txt", {"b.txt", "docs/b.txt"}),
        ("/a.md", {"a.md"}),
        ("foo/", {"docs/foo/a.md", "docs/foo/bar/a.md", "x/foo/y.md"}),
        ("docs/foo", {"docs/foo/a.md", "docs/foo/bar/a.md"}),
        ("docs/*\n!docs/a.md", {"docs/b.txt", "docs/foo/a.md", "docs/foo/bar/a.md"}),
        ("docs/\n!docs/a.md", {name for name in TREE if "docs/" in name}),
        ("*\n!docs/", set(TREE)),
        ("docs/**\n!docs/b.txt", {"docs/a.md", "docs/foo/a.md", "docs/foo/bar/a.md"}),
        ("**/y/**", {"x/y/z/a.md"}),
        ("foo?\n# note\n\n\\#x\n[", {"foo2/a.md"}),
    ],
)
def test_patterns(tmp_path: Path, patterns: str, ignored: set[str]) -> None:
    grow(tmp_path)
    (tmp_path / ".gitignore").write_text(patterns)
    assert set(TREE) - set(kept(tmp_path)) == ignored


def test_nested_files_are_relative_to_their_folder_and_come_first(tmp_path: Path) -> None:
    grow(tmp_path)
    (tmp_path / ".gitignore").write_text("*.md\n")
    (tmp_path / "docs" / ".gitignore").write_text("!a.md\n/foo/a.md\n/b.txt\n")
    assert kept(tmp_path) == ["b.txt", "docs/a.md", "docs/foo/bar/a.md", "foo"]


def test_files_above_the_root_apply_up_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.md\n")
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / ".gitignore").write_text("docs/b.txt\n/foo\n")
    inside = repository / "docs"
    inside.mkdir()
    for name in ("a.md", "b.txt", "foo"):
        (inside / name).write_text("x")
    assert kept(inside) == ["a.md", "foo"]
    assert kept(repository) == ["docs/a.md", "docs/foo"]


def test_without_a_repository_nothing_above_the_root_applies(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.md\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("x")
    assert kept(tmp_path / "docs") == ["a.md"]


PATTERN = st.lists(
    st.sampled_from(["a.md", "b.txt", "foo", "docs", "bar", "*", "**", "*.md", "f*", "x", "y", "fo?", "[a-d]*"]),
    min_size=1,
    max_size=3,
).map("/".join)
LINE = st.tuples(st.sampled_from(["", "", "", "!", "/", "!/"]), PATTERN, st.sampled_from(["", "", "/"])).map("".join)


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git, which is not installed")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=st.lists(LINE, max_size=4), nested=st.lists(LINE, max_size=3))
def test_as_git_does(tmp_path: Path, top: list[str], nested: list[str]) -> None:
    if not (tmp_path / ".git").exists():
        grow(tmp_path)
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("\n".join(top))
    (tmp_path / "docs" / ".gitignore").write_text("\n".join(nested))
    listed = subprocess.run(
        ["git", "-c", "core.excludesFile=", "ls-files", "--others", "--exclude-standard"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(kept(tmp_path)) == {name for name in listed if not name.endswith(".gitignore")}
