"""Every family of models runs right: torch, OpenVINO and the token table agree with sentence-transformers.

Agreement is measured in float32. In the number format that a machine is fast in, rounding alone moves the vectors of
these random networks further than those of trained ones, so that is held to a wider bound.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hybridrag.errors import ModelError
from hybridrag.models import FastTokenizer, ModelSpec, find_model
from hybridrag.models import network as networks
from hybridrag.models.convert_worker import convert
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.runtime import Runtime
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder
from tests.models.families import CATALOGUED, FAMILIES, TABLES, Family, Table
from tests.models.trained_tokenizers import TEXTS

if TYPE_CHECKING:
    from hybridrag.types import Vectors

# The libraries warn while they trace and load; what they compute is looked at here.
pytestmark = pytest.mark.filterwarnings("ignore")

FULL = [text for text in TEXTS if text]
SAME = 0.99999
ROUNDED = 0.995
OTHER = 0.99
"""Cosines: the same vector in float32, the same in bfloat16, and a vector that is visibly another."""


@dataclass(frozen=True)
class Made:
    """A model on disk, what sentence-transformers makes of the texts, and how it cuts them into tokens."""

    family: Family
    spec: ModelSpec
    documents: Vectors
    queries: Vectors
    tokens: list[list[int]]


@pytest.fixture(scope="module", params=FAMILIES, ids=[family.name for family in FAMILIES])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    family: Family = request.param
    # The folder's name is the model's, so a catalogue model has its catalogue's prompts.
    folder = family.write(tmp_path_factory.mktemp("families") / family.name)
    model = sentence_transformer(folder, **family.reference)
    model.prompts.update({"query": family.query, "document": family.document})
    return Made(
        family=family,
        spec=find_model(str(folder), offline=True),
        documents=model.encode_document(list(TEXTS), normalize_embeddings=True),
        queries=model.encode_query(list(TEXTS), normalize_embeddings=True),
        tokens=model.tokenizer(list(TEXTS), truncation=True, max_length=model.max_seq_length)["input_ids"],
    )


def sentence_transformer(folder: Path, **options: Any) -> Any:
    """The reference, in float32 and without our settings."""
    import torch
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}, **options
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def least(runtime: Runtime, made: Made) -> float:
    """The least cosine of the runtime's vectors to sentence-transformers', over documents in one batch and queries."""
    documents, queries = runtime.embed_documents(TEXTS), np.stack([runtime.embed_query(text) for text in TEXTS])
    assert documents.shape == queries.shape == made.documents.shape == (len(TEXTS), made.spec.dimensions)
    assert np.allclose(np.linalg.norm(documents, axis=1), 1, atol=1e-5)
    return float(min(cosines(documents, made.documents).min(), cosines(queries, made.queries).min()))


def cosines(first: Vectors, second: Vectors) -> Vectors:
    products: Vectors = (first * second).sum(axis=1)
    return products


# --- agreement -------------------------------------------------------------------------------------------------------


def test_the_spec_says_what_the_family_is(made: Made) -> None:
    family, spec = made.family, made.spec
    assert (spec.query_prompt, spec.document_prompt) == (family.query, family.document)
    assert (spec.entry is not None) == (family in CATALOGUED)
    assert spec.window == (family.window or 64)
    assert spec.full_dimensions == spec.dimensions == made.documents.shape[1]
    assert not spec.trusted


def test_tokens_are_those_of_the_reference(made: Made) -> None:
    assert FastTokenizer(made.spec).model_ids(TEXTS) == made.tokens
    assert max(map(len, made.tokens)) == made.spec.window, "no text is over the window"


def test_torch_agrees(made: Made, cache: Path) -> None:
    runtime = TorchEmbedder(made.spec, cache=cache, device="cpu", precision="float32")
    assert least(runtime, made) >= SAME
    if made.family.query:  # what the comparison would see
        assert np.median(cosines(runtime.embed(list(TEXTS)), made.queries)) < OTHER, "a missing prompt"
    assert least(TorchEmbedder(made.spec, cache=cache, device="cpu"), made) >= ROUNDED, "the machine's number format"


def test_openvino_agrees_or_says_why_it_cannot(made: Made, cache: Path) -> None:
    """Converted in this process: a child would load torch again for each."""
    target = networks.place_of(made.spec, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not made.family.convertible:
        with pytest.raises(ModelError, match="leaves out the prompt"):
            convert(str(made.spec.path), str(target))
        return
    convert(str(made.spec.path), str(target))
    assert least(OpenVinoEmbedder(made.spec, cache=cache, precision="float32"), made) >= SAME
    assert least(OpenVinoEmbedder(made.spec, cache=cache), made) >= ROUNDED, "the machine's number format"


# --- what the comparison would see -----------------------------------------------------------------------------------


@pytest.fixture
def altered(made: Made, tmp_path: Path) -> Callable[[Callable[[Path], None]], Vectors]:
    """Documents' vectors of the model after a change of its files."""

    def embed(change: Callable[[Path], None]) -> Vectors:
        folder = Path(shutil.copytree(made.spec.path, tmp_path / change.__name__ / made.spec.path.name))
        change(folder)
        spec = find_model(str(folder), offline=True)
        return TorchEmbedder(spec, cache=tmp_path, device="cpu", precision="float32").embed_documents(FULL)

    return embed


def test_texts_have_vectors_of_their_own(made: Made) -> None:
    distinct = [index for index, tokens in enumerate(made.tokens) if made.tokens.index(tokens) == index]
    likeness = made.documents[distinct] @ made.documents[distinct].T
    np.fill_diagonal(likeness, 0)
    assert likeness.max() < 0.995
    assert np.median(likeness) < 0.95


def test_another_pooling_would_be_seen(made: Made, altered: Any) -> None:
    def pool_otherwise(folder: Path) -> None:
        path = folder / "1_Pooling" / "config.json"
        config = json.loads(path.read_text())
        poolings = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
        others = [f"pooling_mode_{name}" for name in ("lasttoken", "weightedmean_tokens", "mean_sqrt_len_tokens")]
        config.update(dict.fromkeys(poolings, False))
        config.update(dict.fromkeys([name for name in others if name not in poolings][: len(poolings)], True))
        path.write_text(json.dumps(config))

    def pool_the_prompt(folder: Path) -> None:
        path = folder / "1_Pooling" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "include_prompt": True}))

    several = [len(tokens) > 5 for text, tokens in zip(TEXTS, made.tokens, strict=True) if text]
    assert cosines(altered(pool_otherwise), full(made.documents))[several].max() < OTHER
    if not made.family.include_prompt:
        assert np.median(cosines(altered(pool_the_prompt), full(made.documents))) < OTHER


def full(vectors: Vectors) -> Vectors:
    """The vectors of the texts that are not empty."""
    kept: Vectors = vectors[[index for index, text in enumerate(TEXTS) if text]]
    return kept


def test_missing_special_tokens_would_be_seen(made: Made, altered: Any) -> None:
    def leave_them_out(folder: Path) -> None:
        path = folder / "tokenizer.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "post_processor": None}))
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "add_eos_token": False}))

    assert np.median(cosines(altered(leave_them_out), full(made.documents))) < OTHER


def test_the_end_token_that_transformers_5_forgets(tmp_path: Path) -> None:
    (family,) = (family for family in CATALOGUED if family.reference)
    folder = family.write(tmp_path / family.name)
    told, untold = (
        sentence_transformer(folder, **options).encode(list(TEXTS[:3]), normalize_embeddings=True)
        for options in (family.reference, {})
    )
    assert cosines(told, untold).max() < OTHER, "the library mended it: drop the reference's settings"
    ours = TorchEmbedder(find_model(str(folder), offline=True), cache=tmp_path, device="cpu", precision="float32")
    assert cosines(ours.embed(list(TEXTS[:3])), told).min() >= SAME


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_tables_agree(table: Table, tmp_path: Path) -> None:
    texts = FULL  # an empty text has no tokens, and the reference a zero vector for it
    spec = find_model(str(table.write(tmp_path / table.name)), offline=True)
    runtime = StaticEmbedder(spec, cache=tmp_path)
    expected = sentence_transformer(spec.path).encode(texts, normalize_embeddings=True)
    assert cosines(runtime.embed_documents(texts), expected).min() >= SAME
    assert cosines(np.stack([runtime.embed_query(text) for text in texts]), expected).min() >= SAME
    assert median_likeness(expected) < 0.95


def median_likeness(vectors: Vectors) -> float:
    pairs: Sequence[Any] = np.triu_indices(len(vectors), 1)
    return float(np.median((vectors @ vectors.T)[pairs]))
