"""torch and the conversion for OpenVINO: batches, damaged models, number formats, and the choice between runtimes.

That the vectors are right is shown in test_families. Loading torch takes seconds, so what needs it in this process is
here and there only.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from hybridrag.errors import ModelError
from hybridrag.models import ModelSpec, find_model, open_embedder
from hybridrag.models.convert_worker import convert, main
from hybridrag.models.network import keep, network_file
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.torch_model import number_format
from hybridrag.models.torch_runtime import TorchEmbedder
from tests.models.tiny import write_bert_model

if TYPE_CHECKING:
    from hybridrag.models.runtime import Runtime
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


@pytest.fixture(scope="module")
def spec(tiny_bert: Path) -> ModelSpec:
    return find_model(str(tiny_bert), offline=True)


@pytest.fixture
def runtimes(spec: ModelSpec, model_cache: Path) -> list[Runtime]:
    return [OpenVinoEmbedder(spec, cache=model_cache), TorchEmbedder(spec, cache=model_cache, device="cpu")]


def cosines(first: Vectors, second: Vectors) -> Vectors:
    products: Vectors = (first * second).sum(axis=1)
    return products


def test_a_batch_changes_no_vector_and_keeps_the_order(runtimes: list[Runtime]) -> None:
    order = random.Random(5).sample(range(len(TEXTS)), len(TEXTS))
    for runtime in runtimes:
        together = runtime.embed_documents(TEXTS)
        alone = np.concatenate([runtime.embed_documents([text]) for text in TEXTS])
        shuffled = runtime.embed_documents([TEXTS[index] for index in order])
        assert together.dtype == np.float32
        assert cosines(together, alone).min() > NEAR
        assert cosines(together[order], shuffled).min() > NEAR
        assert runtime.embed_documents([]).shape == (0, 32)


def test_many_batches_at_once(runtimes: list[Runtime]) -> None:
    texts = [f"policy {number} " + "of travel " * (number % 30) for number in range(400)]
    openvino, torch = (runtime.embed_documents(texts) for runtime in runtimes)
    assert cosines(openvino, torch).min() > NEAR


def test_prompts_are_put_in_front(runtimes: list[Runtime]) -> None:
    for runtime in runtimes:
        query, document = runtime.embed_query("travel"), runtime.embed_documents(["travel"])[0]
        assert float(query @ document) < NEAR
        assert float(query @ runtime.embed(["who : travel"])[0]) > NEAR


def test_both_have_the_fingerprint_of_the_model(runtimes: list[Runtime]) -> None:
    assert len({runtime.fingerprint for runtime in runtimes}) == 1


def test_poolings_side_by_side(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "both", pooling=["cls", "mean"], seed=3)
    assert torch_embedder(folder).embed_documents(TEXTS).shape == (len(TEXTS), 64)


# --- what cannot be used ---------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path, tiny_bert: Path) -> Path:
    return Path(shutil.copytree(tiny_bert, tmp_path / "damaged"))


def torch_embedder(folder: Path, *, device: str = "cpu") -> TorchEmbedder:
    return TorchEmbedder(find_model(str(folder), offline=True), cache=folder / "cache", device=device)


def change_weights(folder: Path, **changes: Any) -> None:
    """Writes the weights anew: each change is a function of the tensor whose name ends so; None leaves it out."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    for ending, change in changes.items():
        (name,) = (name for name in tensors if name.endswith(ending.replace("__", ".")))
        whole = tensors.pop(name)
        if change is not None:
            tensors[name] = change(whole)
    save_file(tensors, str(file), metadata={"format": "pt"})


def test_a_vector_that_is_not_a_number_is_refused(damaged: Path) -> None:
    change_weights(damaged, embeddings__LayerNorm__weight=lambda values: values * np.nan)
    with pytest.raises(ModelError, match="zero or not a number") as caught:
        torch_embedder(damaged).embed_documents(["the travel policy"])
    assert caught.value.hint
    with pytest.raises(ModelError, match="not torch's"):
        convert(str(damaged), str(damaged / "network.xml"))


def test_a_zero_vector_is_refused(damaged: Path) -> None:
    nothing = np.zeros_like
    change_weights(damaged, **{f"layer__1__output__LayerNorm__{name}": nothing for name in ("weight", "bias")})
    with pytest.raises(ModelError, match="zero or not a number"):
        torch_embedder(damaged).embed_documents(["the travel policy"])


def test_weights_that_would_be_made_up_are_refused(damaged: Path) -> None:
    change_weights(damaged, layer__1__attention__self__query__weight=None)
    with pytest.raises(ModelError, match=r"lacks 1 weights .* encoder\.layer\.1\.attention\.self\.query\.weight"):
        torch_embedder(damaged).load()
    with pytest.raises(ModelError, match="lacks 1 weights"):
        convert(str(damaged), str(damaged / "network.xml"))


def test_a_missing_pooler_is_no_fault(damaged: Path) -> None:
    before = torch_embedder(damaged).embed_documents(TEXTS)
    change_weights(damaged, pooler__dense__weight=None)
    assert np.array_equal(torch_embedder(damaged).embed_documents(TEXTS), before)


def test_weights_of_another_shape_are_refused(damaged: Path) -> None:
    change_weights(damaged, layer__0__attention__self__query__weight=lambda values: values[:16].copy())
    with pytest.raises(ModelError, match="cannot be loaded"):
        torch_embedder(damaged).load()


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


def test_another_models_tokenizer_is_refused(damaged: Path) -> None:
    file = damaged / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["model"]["vocab"]["travel"] = 5000
    file.write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="that its network has not"):
        torch_embedder(damaged).embed_documents(["the travel policy"])


def test_a_model_that_cannot_be_loaded_is_an_error(damaged: Path) -> None:
    (damaged / "config.json").write_text(json.dumps({"model_type": "no such network", "hidden_size": 32}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        torch_embedder(damaged).load()


def test_loading_says_nothing(tiny_bert: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch_embedder(tiny_bert).load()
    assert capfd.readouterr() == ("", "")


def test_a_device_that_is_not_there_is_an_error(tiny_bert: Path) -> None:
    import torch

    absent = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(ModelError, match="this machine has none"):
        torch_embedder(tiny_bert, device=absent).load()


# --- number formats --------------------------------------------------------------------------------------------------

ALL = ("float32", "bfloat16", "float16")
NO_HALF = ("float32", "bfloat16")


@pytest.mark.parametrize(
    ("kind", "precision", "tolerated", "able", "format"),
    [
        ("cuda", "auto", ALL, {"bfloat16", "float16"}, "bfloat16"),
        ("cuda", "auto", ALL, {"float16"}, "float16"),
        ("cuda", "auto", NO_HALF, {"float16"}, "float32"),
        ("cuda", "auto", None, {"float16"}, "float32"),
        ("cuda", "auto", None, {"bfloat16", "float16"}, "bfloat16"),
        ("mps", "auto", ALL, {"float16"}, "float16"),
        ("mps", "auto", NO_HALF, {"float16"}, "float32"),
        ("mps", "auto", None, {"float16"}, "float32"),
        ("cpu", "auto", ALL, {"bfloat16"}, "bfloat16"),
        ("cpu", "auto", ALL, set(), "float32"),
        ("cpu", "auto", ("float32",), {"bfloat16"}, "float32"),
        ("cpu", "float32", ALL, {"bfloat16"}, "float32"),
        ("cuda", "float16", ALL, {"bfloat16", "float16"}, "float16"),
        ("cpu", "bfloat16", NO_HALF, set(), "bfloat16"),
        ("cuda", "float16", None, {"float16"}, "float16"),
    ],
)
def test_the_number_format_is_fast_and_keeps_the_vectors_right(
    kind: str, precision: str, tolerated: Collection[str] | None, able: set[str], format: str
) -> None:
    assert number_format(kind, precision=precision, tolerated=tolerated, able=able) == format


def test_a_number_format_that_the_model_does_not_tolerate_is_refused() -> None:
    with pytest.raises(ModelError, match="wrong in float16"):
        number_format("cuda", precision="float16", tolerated=NO_HALF, able={"float16"})


# --- conversion ------------------------------------------------------------------------------------------------------


def test_the_child_tells_its_reason_in_its_last_line(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    modules = json.loads((damaged / "modules.json").read_text())
    (damaged / "modules.json").write_text(json.dumps(modules[:1]))
    assert main([str(damaged), str(damaged / "network.xml")]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("it cannot be traced (KeyError")


def test_of_two_conversions_at_once_the_first_one_stays(tmp_path: Path) -> None:
    network = tmp_path / "openvino" / "tiny" / "model.xml"

    def first(draft: Path) -> None:
        draft.write_text("first")

    def second(draft: Path) -> None:
        draft.write_text("second")
        assert keep(network, first) == network

    assert keep(network, second) == network
    assert network.read_text() == "first"
    assert [*network.parent.parent.iterdir()] == [network.parent], "no draft is left"


def test_a_full_disk_is_no_fault_of_the_model(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    assert main([str(tiny_bert), str(tmp_path / "file" / "network.xml")]) == 75


# --- the choice between them -----------------------------------------------------------------------------------------


def test_openvino_is_chosen_on_a_cpu(spec: ModelSpec, model_cache: Path) -> None:
    embedder = open_embedder(spec, cache=model_cache, device="cpu")
    assert (embedder.runtime, embedder.device) == ("openvino", "cpu")


def test_torch_runs_what_cannot_be_converted(spec: ModelSpec, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "openvino").write_text("a file where the folder should be")
    told: list[str] = []
    embedder = open_embedder(spec, cache=cache, device="cpu", notify=told.append)
    assert embedder.embed_query("travel").shape == (32,)
    assert embedder.runtime == "torch"
    assert told[-1].endswith("torch runs it instead")


def test_torch_runs_what_was_converted_and_damaged_since(spec: ModelSpec, model_cache: Path, tmp_path: Path) -> None:
    made = network_file(spec, cache=model_cache)
    other = tmp_path / "cache"
    shutil.copytree(made.parent, other / "openvino" / made.parent.name)
    (other / "openvino" / made.parent.name / "model.xml").write_text("<net")
    told: list[str] = []
    embedder = open_embedder(spec, cache=other, device="cpu", notify=told.append)
    assert embedder.runtime == "torch"
    assert "cannot be loaded" in told[0]
