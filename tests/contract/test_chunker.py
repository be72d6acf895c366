"""What every `Chunker` keeps. The documents' every shape is in tests/chunking."""

from __future__ import annotations

import json

import pytest

from hybridrag.chunking import StructuralChunker
from hybridrag.ports import Chunker
from hybridrag.types import Document, Heading, Page
from tests.chunking.tokenizers import tokenizer

TEXT = "# Travel\n\n" + "The meal allowance is 62 euros a day. " * 40 + "\n\n# Leave\n\n" + "Ask the team lead. " * 40
DOCUMENT = Document(
    source="handbook",
    path="travel.md",
    text=TEXT,
    title="Travel",
    media_type="text/markdown",
    content_hash=b"",
    headings=(Heading(0, 1, "Travel"), Heading(TEXT.index("# Leave"), 1, "Leave")),
    pages=(Page(1, 0, 300), Page(2, 300, len(TEXT))),
)


@pytest.fixture(params=[32, 100])
def chunker(request: pytest.FixtureRequest) -> Chunker:
    return StructuralChunker(tokenizer("minilm"), max_tokens=request.param)


def test_chunks_are_exact_spans_in_order_and_lose_nothing(chunker: Chunker) -> None:
    chunks = chunker.chunk(DOCUMENT)
    end = 0
    for number, chunk in enumerate(chunks):
        assert (chunk.ordinal, chunk.text) == (number, TEXT[chunk.start : chunk.end])
        assert chunk.start >= end
        assert not TEXT[end : chunk.start].strip()
        assert chunk.embed_text.endswith(chunk.text)
        assert chunk.tokens == tokenizer("minilm").count([chunk.embed_text])[0] <= int(chunker.parameters["max_tokens"])
        assert chunk.page == (1 if chunk.start < 300 else 2)
        end = chunk.end
    assert not TEXT[end:].strip()


def test_the_same_document_gives_the_same_chunks(chunker: Chunker) -> None:
    first, second = chunker.chunk(DOCUMENT), chunker.chunk(DOCUMENT)
    assert first == second
    assert [chunk.id for chunk in first] == [chunk.id for chunk in second]
    assert len({chunk.id for chunk in first}) == len(first)


def test_its_parameters_tell_it_from_others(chunker: Chunker) -> None:
    assert json.loads(json.dumps(chunker.parameters)) == chunker.parameters
    other = StructuralChunker(tokenizer("minilm"), max_tokens=64)
    assert other.parameters != chunker.parameters
