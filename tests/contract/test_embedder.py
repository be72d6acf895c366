"""What every `Embedder` keeps, whichever runtime it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hybridrag.models import find_model, open_embedder
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder
from hybridrag.ports import Embedder
from tests.models.reaching import Reach
from tests.servers.embeddings import EmbeddingServer, embedding, embeddings

KINDS = ["static", "openvino", "torch", "automatic", "endpoint"]
TEXTS = [
    "the travel policy",
    "",
    "who approves?",
    "検索 🙂",
    "a meal allowance " * 500,
    "\0\x01\n\t",
    "the travel policy",
]
NEAR = 0.999


@pytest.fixture(scope="module")
def made(
    tiny_model: Path, tiny_bert: Path, model_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Embedder]]:
    static, bert = find_model(str(tiny_model), offline=True), find_model(str(tiny_bert), offline=True)
    reach = Reach(tmp_path_factory.mktemp("reach") / "home")
    with EmbeddingServer(embeddings(embedding(tiny_model, model_cache))) as server:
        yield {
            "endpoint": reach.embedder(f"{server.url}#tiny"),
            "static": StaticEmbedder(static, cache=model_cache),
            "openvino": OpenVinoEmbedder(bert, cache=model_cache),
            "torch": TorchEmbedder(bert, cache=model_cache, device="cpu"),
            "automatic": open_embedder(bert, cache=model_cache, device="cpu"),
        }


@pytest.fixture(params=KINDS)
def embedder(request: pytest.FixtureRequest, made: dict[str, Embedder]) -> Embedder:
    return made[request.param]


def test_it_tells_what_it_is(embedder: Embedder) -> None:
    assert embedder.name
    assert len(embedder.fingerprint) == 64
    assert int(embedder.fingerprint, 16)
    assert embedder.fingerprint == embedder.fingerprint
    assert embedder.dimensions in {32, 64}


def test_documents_become_unit_vectors_in_order(embedder: Embedder) -> None:
    vectors = embedder.embed_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    reversed_vectors = embedder.embed_documents(TEXTS[::-1])
    assert ((vectors * reversed_vectors[::-1]).sum(axis=1) > NEAR).all()
    assert float(vectors[0] @ vectors[-1]) > NEAR
    assert float(vectors[0] @ vectors[2]) < NEAR


def test_no_documents_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.dimensions)


def test_a_query_becomes_one_unit_vector(embedder: Embedder) -> None:
    vector = embedder.embed_query("who approves travel?")
    assert vector.shape == (embedder.dimensions,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-3)
    assert float(vector @ embedder.embed_query("who approves travel?")) > NEAR


def test_runtimes_of_one_model_share_a_fingerprint_and_their_vectors(made: dict[str, Embedder]) -> None:
    same = [made["openvino"], made["torch"], made["automatic"]]
    assert len({embedder.fingerprint for embedder in same}) == 1
    assert made["static"].fingerprint != same[0].fingerprint
    first, second, third = (embedder.embed_documents(TEXTS) for embedder in same)
    assert ((first * second).sum(axis=1) > NEAR).all()
    assert ((first * third).sum(axis=1) > NEAR).all()
