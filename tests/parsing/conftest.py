"""One parser for a module's tests, and raw documents as a source would give them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridrag.parsing import GuardedParser
from hybridrag.types import Document, RawDocument, Skipped

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="module")
def parser() -> Iterator[GuardedParser]:
    with GuardedParser() as shared:
        yield shared


@pytest.fixture
def files() -> Path:
    return FILES


@pytest.fixture
def raw() -> Callable[[str, bytes, str], RawDocument]:
    def build(path: str, content: bytes, media_type: str) -> RawDocument:
        return RawDocument("box", path, content, media_type, hashlib.sha256(content).digest())

    return build


@pytest.fixture
def parsed(
    parser: GuardedParser, raw: Callable[[str, bytes, str], RawDocument]
) -> Callable[[str, bytes, str], Document]:
    def parse(path: str, content: bytes, media_type: str) -> Document:
        document = parser.parse(raw(path, content, media_type))
        assert isinstance(document, Document), document
        return document

    return parse


@pytest.fixture
def skipped(
    parser: GuardedParser, raw: Callable[[str, bytes, str], RawDocument]
) -> Callable[[str, bytes, str], Skipped]:
    def parse(path: str, content: bytes, media_type: str) -> Skipped:
        document = parser.parse(raw(path, content, media_type))
        assert isinstance(document, Skipped), document.title
        assert 0 < len(document.reason) <= 200
        assert document.reason.isprintable()
        return document

    return parse
