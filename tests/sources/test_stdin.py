"""Standard input as one document."""

from __future__ import annotations

import io

import pytest

from hybridrag.errors import UsageError
from hybridrag.sources import Reader, open_source
from hybridrag.types import RawDocument, Skipped, Source

SOURCE = Source("stdin", "stdin", "")


def opened(content: bytes, *, name: str | None = None, limit: int = 1000) -> Reader:
    return open_source(SOURCE, stdin=io.BytesIO(content), stdin_name=name, limit=limit)


def document(reader: Reader) -> RawDocument:
    (entry,) = reader.list().entries
    read = reader.read(entry)
    assert isinstance(read, RawDocument)
    return read


def test_the_name_comes_from_the_content() -> None:
    first, again, other = (document(opened(content)) for content in (b"hello", b"hello", b"world"))
    assert first.path == again.path == "stdin-2cf24dba5fb0.txt"
    assert first.path != other.path
    assert (first.content, first.media_type) == (b"hello", "text/plain")


@pytest.mark.parametrize(
    ("content", "ending", "media_type"),
    [
        (b"%PDF-1.7 ...", ".pdf", "application/pdf"),
        (b"\n<!DOCTYPE html><html></html>", ".html", "text/html"),
        (b"{\\rtf1 x}", ".rtf", "application/rtf"),
    ],
)
def test_the_kind_is_told_from_the_first_bytes(content: bytes, ending: str, media_type: str) -> None:
    read = document(opened(content))
    assert read.path.endswith(ending)
    assert read.media_type == media_type


def test_a_given_name_decides() -> None:
    read = document(opened(b"# Hi", name="notes/today.md"))
    assert (read.path, read.media_type) == ("notes/today.md", "text/markdown")


def test_nothing_counts_as_gone() -> None:
    assert opened(b"x").list().protects("stdin-000000000000.txt")


@pytest.mark.parametrize(("content", "reason"), [(b"", "standard input is empty"), (b"x" * 11, "too large")])
def test_empty_and_too_large_input_fail(content: bytes, reason: str) -> None:
    found = opened(content, limit=10).list()
    assert found.entries == ()
    assert [(p.failed, p.reason.startswith(reason)) for p in found.problems] == [(True, True)]


def test_binary_input_fails() -> None:
    reader = opened(bytes(range(256)))
    (entry,) = reader.list().entries
    read = reader.read(entry)
    assert isinstance(read, Skipped)
    assert read.failed


def test_a_remembered_stdin_cannot_be_read_again() -> None:
    with pytest.raises(UsageError, match="standard input"):
        open_source(SOURCE)
