"""The frequencies of terms, packed and read again."""

from __future__ import annotations

import pytest

from hybridrag.retrieval import Frequencies, document_terms


@pytest.mark.parametrize("text", ["", "Trams run late. Trams, not taxis.", "検索文書の検索", "word " * 70_000])
def test_nothing_is_lost(text: str) -> None:
    counted = document_terms(text, "en")
    kept = Frequencies(counted)
    assert dict(kept) == counted
    assert [*kept.items()] == [*counted.items()], "in the same order"
    assert sum(kept.values()) == counted.total()
    assert len(kept) == len(counted)
