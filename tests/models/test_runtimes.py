"""OpenVINO and torch give the vectors that sentence-transformers gives, whatever the batch.

Loading torch takes seconds, so everything that needs it in this process is in this module.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from hybridrag.errors import ModelError
from hybridrag.models import ModelSpec, find_model, open_embedder
from hybridrag.models.convert import is_converted
from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder
from tests.models.tiny import write_bert_model

if TYPE_CHECKING:
    from hybridrag.types import Vectors

NEAR = 0.999
"""Cosine. The runtimes may compute in bfloat16 where the processor does."""
TEXTS = [
    "the travel policy",
    "who approves the hotel in germany?",
    "",
    "x",
    "検索 of the office",
    "a meal allowance of 62 euro " * 40,
    *(f"section {number} of the leave policy " * number for number in range(1, 12)),
]
_CONVERT = """
import sys
from pathlib import Path
from hybridrag.models import find_model
from hybridrag.models.convert import converted
from hybridrag.models.fingerprint import fingerprint
spec, cache = find_model(sys.argv[1], offline=True), Path(sys.argv[2])
print(converted(spec, fingerprint(spec, cache=cache), cache=cache))
"""


@pytest.fixture(scope="module")
def cls_dense(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    folder = write_bert_model(tmp_path_factory.mktemp("cls-dense"), pooling="cls", dense=24, seed=2)
    return find_model(str(folder), offline=True)


@pytest.fixture(scope="module")
def cls_dense_cache(cls_dense: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for which two processes converted the model at the same time."""
    cache = tmp_path_factory.mktemp("cache")
    command = [sys.executable, "-c", _CONVERT, str(cls_dense.path), str(cache)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    network = cache / "openvino" / fingerprint(cls_dense, cache=cache)[:32] / "model.xml"
    for process in running:
        out, _ = process.communicate(timeout=200)
        assert process.returncode == 0
        assert out.decode().strip() == str(network)
    return cache


def test_two_processes_may_convert_at_once(cls_dense: ModelSpec, cls_dense_cache: Path) -> None:
    (folder,) = (cls_dense_cache / "openvino").iterdir()
    assert sorted(file.name for file in folder.iterdir()) == ["model.bin", "model.xml"]
    assert is_converted(fingerprint(cls_dense, cache=cls_dense_cache), cache=cls_dense_cache)


@pytest.fixture(scope="module")
def embedders(
    tiny_bert: Path, model_cache: Path, cls_dense: ModelSpec, cls_dense_cache: Path
) -> dict[str, list[OpenVinoEmbedder | TorchEmbedder]]:
    mean = find_model(str(tiny_bert), offline=True)
    return {
        "mean": [OpenVinoEmbedder(mean, cache=model_cache), TorchEmbedder(mean, cache=model_cache, device="cpu")],
        "cls_dense": [
            OpenVinoEmbedder(cls_dense, cache=cls_dense_cache),
            TorchEmbedder(cls_dense, cache=cls_dense_cache, device="cpu"),
        ],
    }


def reference(spec: ModelSpec, texts: list[str], *, prompt: str) -> Vectors:
    """The vectors of sentence-transformers itself, in float32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(spec.path), device="cpu", local_files_only=True)
    vectors: Vectors = model.encode(texts, prompt=prompt, normalize_embeddings=True, show_progress_bar=False)
    return vectors


@pytest.mark.parametrize("model", ["mean", "cls_dense"])
def test_both_agree_with_sentence_transformers(embedders: Any, model: str) -> None:
    for embedder in embedders[model]:
        spec = embedder.spec
        vectors = embedder.embed_documents(TEXTS)
        assert vectors.shape == (len(TEXTS), spec.dimensions)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert cosines(vectors, reference(spec, TEXTS, prompt=spec.document_prompt)).min() > NEAR
        (expected,) = reference(spec, ["who approves it?"], prompt=spec.query_prompt)
        assert float(embedder.embed_query("who approves it?") @ expected) > NEAR
        # What this test could not tell if all texts were alike.
        assert np.sort(vectors @ vectors[0])[-2] < NEAR


def test_poolings_side_by_side(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "both", pooling=["cls", "mean"], seed=3)
    embedder = TorchEmbedder(find_model(str(folder), offline=True), cache=tmp_path, device="cpu")
    vectors = embedder.embed_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), 64)
    assert cosines(vectors, reference(embedder.spec, TEXTS, prompt="")).min() > NEAR


def test_prompts_are_put_in_front(embedders: Any) -> None:
    for embedder in embedders["mean"]:
        query, document = embedder.embed_query("travel"), embedder.embed_documents(["travel"])[0]
        assert float(query @ document) < NEAR
        bare = reference(embedder.spec, ["who : travel"], prompt="")[0]
        assert float(query @ bare) > NEAR


def test_a_batch_changes_no_vector_and_keeps_the_order(embedders: Any) -> None:
    order = random.Random(5).sample(range(len(TEXTS)), len(TEXTS))
    for embedder in embedders["mean"]:
        together = embedder.embed_documents(TEXTS)
        alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])
        shuffled = embedder.embed_documents([TEXTS[index] for index in order])
        assert cosines(together, alone).min() > NEAR
        assert cosines(together[order], shuffled).min() > NEAR
        assert embedder.embed_documents([]).shape == (0, 32)


def test_many_batches_at_once(embedders: Any) -> None:
    texts = [f"policy {number} " + "of travel " * (number % 30) for number in range(400)]
    openvino, torch = embedders["mean"]
    assert cosines(openvino.embed_documents(texts), torch.embed_documents(texts)).min() > NEAR


def cosines(first: Vectors, second: Vectors) -> Vectors:
    products: Vectors = (first * second).sum(axis=1)
    return products


def test_both_have_the_fingerprint_of_the_model(embedders: Any) -> None:
    for name, pair in embedders.items():
        assert len({embedder.fingerprint for embedder in pair}) == 1, name


# --- what cannot be used ---------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path, tiny_bert: Path) -> Path:
    return Path(shutil.copytree(tiny_bert, tmp_path / "damaged"))


def torch_embedder(folder: Path, *, device: str = "cpu") -> TorchEmbedder:
    return TorchEmbedder(find_model(str(folder), offline=True), cache=folder / "cache", device=device)


def test_a_vector_that_is_not_a_number_is_refused(damaged: Path) -> None:
    weights = load_file(damaged / "model.safetensors")
    weights["embeddings.LayerNorm.weight"][:] = np.nan
    save_file(weights, str(damaged / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(ModelError, match="zero or not a number"):
        torch_embedder(damaged).embed_documents(["the travel policy"])


def test_other_dimensions_than_told_are_refused(damaged: Path) -> None:
    pooling = damaged / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({"embedding_dimension": 16, "pooling_mode": "mean"}))
    with pytest.raises(ModelError, match="gives 32 dimensions where its files say 16"):
        torch_embedder(damaged).embed_documents(["the travel policy"])


def test_a_model_without_pooling_is_refused(damaged: Path) -> None:
    modules = json.loads((damaged / "modules.json").read_text())
    (damaged / "modules.json").write_text(json.dumps(modules[:1]))
    with pytest.raises(ModelError, match="no sentence embeddings"):
        torch_embedder(damaged).embed_documents(["the travel policy"])


def test_loading_says_nothing(tiny_bert: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch_embedder(tiny_bert).load()
    assert capfd.readouterr() == ("", "")


def test_a_model_that_cannot_be_loaded_is_an_error(damaged: Path) -> None:
    (damaged / "config.json").write_text(json.dumps({"model_type": "no such network", "hidden_size": 32}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        torch_embedder(damaged).load()


def test_a_device_that_is_not_there_is_an_error(tiny_bert: Path) -> None:
    import torch

    absent = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(ModelError):
        torch_embedder(tiny_bert, device=absent).load()


# --- the choice between them -----------------------------------------------------------------------------------------


def test_openvino_is_chosen_on_a_cpu(tiny_bert: Path, model_cache: Path) -> None:
    embedder = open_embedder(find_model(str(tiny_bert), offline=True), cache=model_cache, device="cpu")
    assert (embedder.runtime, embedder.device) == ("openvino", "cpu")


def test_torch_runs_what_cannot_be_converted(tiny_bert: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "openvino").write_text("a file where the folder should be")
    told: list[str] = []
    embedder = open_embedder(find_model(str(tiny_bert), offline=True), cache=cache, device="cpu", notify=told.append)
    assert embedder.embed_query("travel").shape == (32,)
    assert embedder.runtime == "torch"
    assert told[-1].endswith("torch runs it instead")


def test_torch_runs_what_was_converted_and_damaged_since(
    tiny_bert: Path, embedders: Any, model_cache: Path, tmp_path: Path
) -> None:
    embedders["mean"][0].load()
    cache = tmp_path / "cache"
    spec = find_model(str(tiny_bert), offline=True)
    name = fingerprint(spec, cache=cache)[:32]
    shutil.copytree(model_cache / "openvino" / name, cache / "openvino" / name)
    (cache / "openvino" / name / "model.xml").write_text("<net")
    told: list[str] = []
    embedder = open_embedder(spec, cache=cache, device="cpu", notify=told.append)
    assert embedder.runtime == "torch"
    assert "cannot be loaded" in told[0]
