"""Probe vectors: when a model is still the one that made an index, and what is remembered of having seen that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridrag.errors import ModelError
from hybridrag.models import AutomaticEmbedder, CheckedEmbedder, checked_embedder, find_model, open_embedder
from hybridrag.models.probes import AGREEMENT, PROBES, TEXTS, least_cosine, packed
from tests.models.tiny import write_static_model

if TYPE_CHECKING:
    from hybridrag.types import Vectors


@pytest.fixture(scope="module")
def embedder(tiny_model: Path, model_cache: Path) -> AutomaticEmbedder:
    return open_embedder(find_model(str(tiny_model), offline=True), cache=model_cache, device="cpu")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> AutomaticEmbedder:
    folder = write_static_model(tmp_path_factory.mktemp("other"), dimensions=64, seed=2)
    return open_embedder(find_model(str(folder), offline=True), cache=model_cache, device="cpu")


def probe(embedder: AutomaticEmbedder) -> Vectors:
    return embedder.embed_documents(PROBES)


def test_the_texts_are_the_ones_whose_vectors_are_stored() -> None:
    """A changed text makes every stored vector useless: this fails before that happens unnoticed."""
    assert len(set(PROBES)) == 16
    assert TEXTS.hex() == "a58e16e556513d8aa8f88946f6b6689938995a85c5984445f76f4c9bc4f0c31e"


def test_the_same_vectors_agree_and_others_do_not(embedder: AutomaticEmbedder, other: AutomaticEmbedder) -> None:
    vectors = probe(embedder)
    stored = packed(vectors)
    assert len(stored) == 16 * 64 * 4
    assert least_cosine(stored, vectors) == pytest.approx(1, abs=1e-6)
    assert least_cosine(stored, probe(other)) < 0.5
    one_wrong = vectors.copy()
    one_wrong[7] = probe(other)[7]
    assert least_cosine(stored, one_wrong) < AGREEMENT


@pytest.mark.parametrize("stored", [b"", b"1234", b"0" * (16 * 32 * 4), b"0" * (17 * 64 * 4)])
def test_vectors_of_another_size_do_not_agree(embedder: AutomaticEmbedder, stored: bytes) -> None:
    assert least_cosine(stored, probe(embedder)) == 0


def test_rounding_agrees_and_a_cut_text_does_not(embedder: AutomaticEmbedder) -> None:
    vectors = probe(embedder)
    halved = vectors.astype(np.float16).astype(np.float32)
    assert least_cosine(packed(vectors), halved) > 0.9999
    cut = embedder.embed_documents([text[:300] for text in PROBES])
    assert least_cosine(packed(vectors), cut) < AGREEMENT


def test_a_model_that_is_the_same_embeds(embedder: AutomaticEmbedder, tmp_path: Path) -> None:
    checked = checked_embedder(embedder, stored=packed(probe(embedder)), keep=None, cache=tmp_path)
    assert (checked.name, checked.fingerprint, checked.dimensions) == (embedder.name, embedder.fingerprint, 64)
    assert np.array_equal(checked.embed_documents(["hotel"]), embedder.embed_documents(["hotel"]))
    assert np.array_equal(checked.embed_query("hotel"), embedder.embed_query("hotel"))


@pytest.mark.parametrize("use", [lambda e: e.embed_documents(["hotel"]), lambda e: e.embed_query("hotel")])
def test_a_model_that_is_another_embeds_nothing(
    embedder: AutomaticEmbedder, other: AutomaticEmbedder, tmp_path: Path, use: Callable[[CheckedEmbedder], object]
) -> None:
    checked = checked_embedder(embedder, stored=packed(probe(other)), keep=None, cache=tmp_path)
    for _ in range(2):
        with pytest.raises(ModelError, match="have changed since the index was made") as caught:
            use(checked)
    assert "new collection" in caught.value.hint
    assert not list(tmp_path.rglob("probes/*"))


def test_a_passed_check_is_remembered_for_these_vectors_and_this_model_only(
    embedder: AutomaticEmbedder, other: AutomaticEmbedder, tmp_path: Path
) -> None:
    asked: list[str] = []

    def check(model: AutomaticEmbedder, stored: bytes) -> None:
        def counted() -> Vectors:
            asked.append(model.name)
            return probe(model)

        whole = checked_embedder(model, stored=stored, keep=None, cache=tmp_path)
        CheckedEmbedder(model, probe=counted, stored=stored, keep=None, passed=whole._passed).check()

    stored = packed(probe(embedder))
    check(embedder, stored)
    check(embedder, stored)
    assert len(asked) == 1, "once a machine"
    nearly = (probe(embedder) + np.float32(1e-4)).astype(np.float32)
    check(embedder, packed(nearly / np.linalg.norm(nearly, axis=1, keepdims=True)))
    assert len(asked) == 2, "other vectors are checked by themselves"
    with pytest.raises(ModelError):
        check(other, stored)


def test_a_cache_that_cannot_be_written_costs_only_time(embedder: AutomaticEmbedder, tmp_path: Path) -> None:
    (tmp_path / "probes").write_text("in the way")
    checked_embedder(embedder, stored=packed(probe(embedder)), keep=None, cache=tmp_path).check()


def test_where_none_are_stored_they_are_kept_and_those_that_were_first_count(
    embedder: AutomaticEmbedder, other: AutomaticEmbedder, tmp_path: Path
) -> None:
    kept: list[bytes] = []

    def keep(vectors: bytes) -> bytes:
        kept.append(vectors)
        return kept[0]

    checked_embedder(embedder, stored=None, keep=None, cache=tmp_path).embed_query("hotel")
    assert kept == [], "a search stores nothing"
    checked_embedder(embedder, stored=None, keep=keep, cache=tmp_path).embed_documents(["hotel"])
    assert kept == [packed(probe(embedder))]
    with pytest.raises(ModelError, match="have changed"):
        checked_embedder(other, stored=None, keep=keep, cache=tmp_path).embed_documents(["hotel"])


def test_threads_check_once(embedder: AutomaticEmbedder) -> None:
    asked: list[int] = []

    def counted() -> Vectors:
        asked.append(1)
        return probe(embedder)

    checked = CheckedEmbedder(embedder, probe=counted, stored=packed(probe(embedder)), keep=None, passed=None)
    threads = [threading.Thread(target=checked.embed_documents, args=(["hotel"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert asked == [1]
