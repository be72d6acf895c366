"""What every `Parser` keeps, for any bytes under any name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridrag.parsing import GuardedParser
from hybridrag.ports import Parser
from hybridrag.types import Document, RawDocument, Skipped

KINDS = {
    "a.txt": "text/plain",
    "a.md": "text/markdown",
    "a.html": "text/html",
    "a.pdf": "application/pdf",
    "a.eml": "message/rfc822",
    "a.csv": "text/csv",
    "a.docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "a.bin": "application/octet-stream",
    "a.py": "text/x-python",
}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    made = GuardedParser()
    yield made
    made.close()


def raw(path: str, content: bytes) -> RawDocument:
    return RawDocument("box", path, content, KINDS[path], hashlib.sha256(content).digest())


def check(parser: Parser, given: RawDocument) -> Document | Skipped:
    found = parser.parse(given)
    if isinstance(found, Skipped):
        assert found.uri == given.uri
        assert found.reason
        return found
    assert (found.source, found.path, found.content_hash) == (given.source, given.path, given.content_hash)
    assert found.title.strip()
    assert "\n" not in found.title
    for text in (found.title, found.text, *(heading.title for heading in found.headings)):
        assert "\0" not in text
        assert text.encode().decode() == text
    assert json.dumps(dict(found.metadata), default=str)
    starts = [heading.start for heading in found.headings]
    assert starts == sorted(starts)
    assert all(0 <= heading.start < len(found.text) and heading.level >= 1 for heading in found.headings)
    end = 0
    for number, page in enumerate(found.pages, start=1):
        assert page.number >= number
        assert end <= page.start <= page.end <= len(found.text)
        end = page.end
    return found


_prose = st.lists(
    st.sampled_from(
        ["# Title\n", "text ", "\n\n", "<p>", "</h1>", "<h1>", "---\n", "label: x\n", "```\n", "\xff", "| a |\n"]
    ),
    max_size=20,
).map(lambda parts: "".join(parts).encode("latin-1"))


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(sorted(KINDS)), content=st.binary(max_size=200) | _prose)
@example(path="a.pdf", content=b"%PDF-1.7\n")
@example(path="a.docx", content=b"PK\x03\x04")
@example(path="a.md", content=b"---\nlabel: [\n---\n# T")
@example(path="a.html", content=b"<h1></h1><h2>\0</h2>" + b"<div>" * 500)
@example(path="a.txt", content="\ufeffdéjà vu\u2028".encode())
@example(path="a.txt", content="text".encode("utf-16"))
def test_any_bytes_become_a_document_or_a_reason(parser: Parser, path: str, content: bytes) -> None:
    given = raw(path, content)
    assert check(parser, given) == check(parser, given)


def test_a_document_keeps_what_its_source_said(parser: Parser) -> None:
    found = check(parser, raw("a.md", b"# Travel\n\nMeals."))
    assert isinstance(found, Document)
    assert found.title == "Travel"
    assert [heading.title for heading in found.headings] == ["Travel"]
    assert found.text[found.headings[0].start :].startswith("# Travel")


def test_nothing_is_no_document(parser: Parser) -> None:
    for path in KINDS:
        assert isinstance(parser.parse(raw(path, b"")), Skipped)


def test_its_versions_are_the_same_in_another_object(parser: Parser) -> None:
    other = GuardedParser()
    assert parser.versions == other.versions != frozenset()
    other.close()


def test_it_may_be_closed_twice_and_used_again() -> None:
    parser = GuardedParser()
    parser.close()
    assert isinstance(parser.parse(raw("a.html", b"<p>Meals cost 62 euros.</p>")), Document)
    parser.close()
    parser.close()
