"""Graphs that model folders ship: found, wired to token ids and mask, and giving what sentence-transformers gives.

The reference is sentence-transformers on the same token ids, in float32. Folders are exported by the real exporters;
only graphs that no exporter would make are built by hand.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from hybridrag.errors import ModelError
from hybridrag.models import find_model
from hybridrag.models.graph import sentence_network, shipped_graph
from hybridrag.models.openvino_library import import_openvino
from tests.models.shipping import (
    BERT_INPUTS,
    copy_without_weights,
    hub_layout,
    minilm,
    ship_onnx,
    ship_openvino,
    token_rows,
    write_qwen3_model,
)
from tests.models.tiny import write_bert_model, write_static_model

if TYPE_CHECKING:
    from hybridrag.types import Vectors

NEAR = 0.9999
LENGTHS = (1, 2, 7, 16, 30, 64)
KNOWN = 120
"""Token ids below it are in the vocabulary of the tiny models."""


def spec_of(folder: Path) -> Any:
    return find_model(str(folder), offline=True)


Computing = Callable[[Any, Any], "Vectors"]
"""Token ids and mask to vectors."""


def running(folder: Path) -> Computing:
    """The folder's shipped graph, in float32."""
    openvino = import_openvino()
    compiled = openvino.Core().compile_model(
        sentence_network(spec_of(folder)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return lambda ids, mask: compiled({"input_ids": ids, "attention_mask": mask})[0]


def run(folder: Path, ids: Any, mask: Any) -> Vectors:
    """What the folder's shipped graph gives, in float32."""
    return running(folder)(ids, mask)


def referring(folder: Path) -> Computing:
    """What sentence-transformers gives for the same tokens, at unit length."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()

    def compute(ids: Any, mask: Any) -> Vectors:
        with torch.inference_mode():
            found = model({"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)})
            vectors: Vectors = torch.nn.functional.normalize(found["sentence_embedding"].float(), dim=-1).numpy()
        return vectors

    return compute


def reference(folder: Path, ids: Any, mask: Any) -> Vectors:
    return referring(folder)(ids, mask)


def assert_same(found: Vectors, expected: Vectors) -> None:
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * expected).sum(axis=1).min() >= NEAR
    # What this could not tell if all texts were alike.
    assert np.sort(expected @ expected[0])[-2] < NEAR


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with its weights and without a graph."""
    return write_bert_model(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def bert_reference(bert: Path) -> Vectors:
    """What sentence-transformers makes of texts of `LENGTHS`, padded on the right."""
    return reference(bert, *token_rows(LENGTHS, left=False, most=KNOWN))


@pytest.fixture(scope="module")
def shipped_bert(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a folder that ships `openvino/` and no weights."""
    return ship_openvino(bert, copy_without_weights(bert, tmp_path_factory.mktemp("shipped") / "bert"), half=False)


@pytest.fixture
def damaged(shipped_bert: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(shipped_bert, tmp_path / "damaged"))


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


# --- which graph is taken --------------------------------------------------------------------------------------------


def test_the_openvino_graph_comes_before_the_onnx_one(tmp_path: Path) -> None:
    assert shipped_graph(tmp_path) is None
    for place in ("model.onnx", "onnx/model.onnx", "openvino_model.xml", "openvino/openvino_model.xml"):
        write(tmp_path / place, "graph")
        if place.endswith(".xml"):
            assert shipped_graph(tmp_path) == tmp_path / "onnx/model.onnx" or "openvino/" in place, "no .bin beside it"
            (tmp_path / place).with_suffix(".bin").touch()
        assert shipped_graph(tmp_path) == tmp_path / place


@pytest.mark.parametrize(
    "name",
    [
        "onnx/model_O4.onnx",
        "onnx/model_qint8_avx512_vnni.onnx",
        "onnx/model_quantized.onnx",
        "openvino/openvino_model_qint8_quantized.xml",
    ],
)
def test_quantised_and_rewritten_variants_are_left_alone(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "graph")
    (tmp_path / name).with_suffix(".bin").touch()
    assert shipped_graph(tmp_path) is None


def test_a_static_model_needs_its_table_whatever_it_ships(tmp_path: Path) -> None:
    folder = write_static_model(tmp_path, dimensions=8, seed=1)
    write(folder / "onnx" / "model.onnx", "as potion models have it")
    assert spec_of(folder).graph is None
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights as safetensors"):
        spec_of(folder)


def test_a_folder_with_a_graph_needs_no_weights(shipped_bert: Path) -> None:
    spec = spec_of(shipped_bert)
    assert spec.graph == shipped_bert / "openvino" / "openvino_model.xml"
    assert (spec.full_dimensions, spec.window) == (32, 64)
    assert not list(shipped_bert.rglob("*.safetensors"))


def test_a_model_without_a_graph_is_told_so(bert: Path) -> None:
    assert spec_of(bert).graph is None
    with pytest.raises(ModelError, match="ships no graph"):
        sentence_network(spec_of(bert))


# --- the real model --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_tokens() -> tuple[Any, Any]:
    return token_rows((3, 9, 40, 128, 256), left=False, most=30_000)


@pytest.fixture(scope="module")
def real_reference(real_tokens: tuple[Any, Any]) -> Vectors:
    return reference(minilm(), *real_tokens)


@pytest.mark.parametrize("ship", [ship_openvino, ship_onnx])
def test_all_minilm(
    tmp_path: Path, real_tokens: tuple[Any, Any], real_reference: Vectors, ship: Callable[..., Path]
) -> None:
    folder = ship(minilm(), copy_without_weights(minilm(), tmp_path / "minilm"))
    assert_same(run(folder, *real_tokens), real_reference)


def test_weights_in_int8_are_read(tmp_path: Path, real_tokens: tuple[Any, Any], real_reference: Vectors) -> None:
    from hybridrag.models.quantise import quantise

    folder = ship_openvino(minilm(), copy_without_weights(minilm(), tmp_path / "minilm"), half=False)
    graph = folder / "openvino" / "openvino_model.xml"
    whole = graph.with_suffix(".bin").stat().st_size
    (tmp_path / "int8").mkdir()
    quantise(graph, tmp_path / "int8" / graph.name)
    for file in (tmp_path / "int8").iterdir():
        file.replace(graph.with_name(file.name))
    assert graph.with_suffix(".bin").stat().st_size < 0.7 * whole
    assert (run(folder, *real_tokens) * real_reference).sum(axis=1).min() > 0.99


# --- modules behind the graph ----------------------------------------------------------------------------------------


def poolings(mode: Any) -> Callable[[], list[Any]]:
    def build() -> list[Any]:
        from sentence_transformers.sentence_transformer.modules import Pooling

        return [Pooling(32, mode)]

    return build


def dense(activation: str = "Tanh", **options: Any) -> Callable[[], list[Any]]:
    def build() -> list[Any]:
        import torch
        from sentence_transformers.base.modules import Dense
        from sentence_transformers.sentence_transformer.modules import Pooling

        torch.manual_seed(5)
        return [Pooling(32, "mean"), Dense(32, activation_function=getattr(torch.nn, activation)(), **options)]

    return build


def layer_norm() -> list[Any]:
    import torch
    from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling

    layer = LayerNorm(32)
    torch.manual_seed(6)
    for weights in layer.parameters():
        torch.nn.init.normal_(weights)
    return [Pooling(32, "mean"), layer]


def dense_on_tokens() -> list[Any]:
    import torch
    from sentence_transformers.base.modules import Dense, Normalize
    from sentence_transformers.sentence_transformer.modules import Dropout, Pooling

    torch.manual_seed(8)
    inner = Dense(32, 16, module_input_name="token_embeddings")
    return [inner, Normalize("token_embeddings"), Pooling(16, "mean"), Dropout(0.5), Normalize()]


VARIANTS: dict[str, Callable[[], list[Any]]] = {
    **{mode: poolings(mode) for mode in ("mean", "cls", "max", "lasttoken", "mean_sqrt_len_tokens", "weightedmean")},
    "side by side": poolings(("lasttoken", "max", "mean", "cls")),
    # The length of a vector counts where more follows: a mean divided by a root is no unit vector before the layer.
    **{
        f"dense {name}": dense(name, out_features=24)
        for name in ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU", "ELU", "Mish", "Softplus")
    },
    "dense without bias": dense(out_features=48, bias=False),
    "dense with residual": dense(out_features=32, use_residual=True),
    "dense with projected residual": dense(out_features=24, use_residual=True),
    "layer norm": layer_norm,
    "dense on tokens": dense_on_tokens,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_modules_are_put_behind_the_graph(bert: Path, shipped_bert: Path, tmp_path: Path, variant: str) -> None:
    """Saved by sentence-transformers itself, then run without its weights."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer

    whole = tmp_path / "whole"
    SentenceTransformer(modules=[Transformer(str(bert)), *VARIANTS[variant]()], device="cpu").save(str(whole))
    folder = copy_without_weights(whole, tmp_path / "shipped")
    shutil.copytree(shipped_bert / "openvino", folder / "openvino")
    graph, expected = running(folder), referring(whole)
    for left in (False, True):
        tokens = token_rows(LENGTHS, left=left, most=KNOWN)
        assert_same(graph(*tokens), expected(*tokens))


@pytest.mark.parametrize(
    "switches",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": True},
        {"pooling_mode_lasttoken": True},
        {},
    ],
)
def test_poolings_of_older_files(bert: Path, shipped_bert: Path, tmp_path: Path, switches: dict[str, bool]) -> None:
    config = {"word_embedding_dimension": 32, **switches}
    folders = [Path(shutil.copytree(source, tmp_path / source.parent.name)) for source in (bert, shipped_bert)]
    for folder in folders:
        write(folder / "1_Pooling" / "config.json", config)
    tokens = token_rows(LENGTHS, left=False, most=KNOWN)
    assert_same(run(folders[1], *tokens), reference(folders[0], *tokens))


@pytest.mark.parametrize(
    ("ship", "sides"),
    [
        (ship_onnx, (False, True)),
        # OpenVINO's attention gives no number where all is masked, which in a decoder is what padding in front sees.
        (ship_openvino, (False,)),
    ],
)
def test_a_decoder_pools_its_last_token(tmp_path: Path, ship: Callable[..., Path], sides: tuple[bool, ...]) -> None:
    whole = write_qwen3_model(tmp_path / "qwen3")
    folder = ship(whole, copy_without_weights(whole, tmp_path / "shipped"), inputs=("input_ids", "attention_mask"))
    graph, expected = running(folder), referring(whole)
    for left in sides:
        tokens = token_rows(LENGTHS, left=left, most=KNOWN)
        assert_same(graph(*tokens), expected(*tokens))


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_layers_may_be_in_half_precision(shipped_bert: Path, tmp_path: Path, dtype: str) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    whole = write_bert_model(tmp_path / "whole", dense=24)
    folder = copy_without_weights(whole, tmp_path / "shipped")
    shutil.copytree(shipped_bert / "openvino", folder / "openvino")
    layer = folder / "2_Dense" / "model.safetensors"
    narrow = {"BF16": torch.bfloat16, "F16": torch.float16}[dtype]
    save_torch({name: torch.from_numpy(values).to(narrow) for name, values in load_file(layer).items()}, layer)
    tokens = token_rows(LENGTHS, left=False, most=KNOWN)
    assert_same(run(folder, *tokens), reference(whole, *tokens))


# --- inputs and outputs of other kinds -------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [BERT_INPUTS[:2], (*BERT_INPUTS, "position_ids"), ("position_ids", *BERT_INPUTS)])
@pytest.mark.parametrize("ship", [ship_openvino, ship_onnx])
def test_every_input_is_made_of_ids_and_mask(
    bert: Path, bert_reference: Vectors, tmp_path: Path, ship: Callable[..., Path], inputs: tuple[str, ...]
) -> None:
    folder = ship(bert, copy_without_weights(bert, tmp_path / "shipped"), inputs=inputs)
    network = sentence_network(spec_of(folder))
    assert [(port.get_any_name(), port.element_type.to_string()) for port in network.inputs] == [
        ("input_ids", "i64"),
        ("attention_mask", "i64"),
    ]
    assert all(size.is_dynamic for port in network.inputs for size in port.partial_shape)
    graph = running(folder)
    assert_same(graph(*token_rows(LENGTHS, left=False, most=KNOWN)), bert_reference)
    if "position_ids" in inputs:  # counted from the first token, so that the side of the padding changes nothing
        assert_same(graph(*token_rows(LENGTHS, left=True, most=KNOWN)), bert_reference)


@pytest.mark.parametrize("ship", [ship_openvino, ship_onnx])
def test_sentence_vectors_of_the_graph_need_no_modules(
    bert: Path, bert_reference: Vectors, tmp_path: Path, ship: Callable[..., Path]
) -> None:
    folder = ship(bert, copy_without_weights(bert, tmp_path / "shipped"), sentences=True)
    for name in ("modules.json", "config_sentence_transformers.json", "1_Pooling/config.json"):
        (folder / name).unlink()
    assert_same(run(folder, *token_rows(LENGTHS, left=False, most=KNOWN)), bert_reference)


def test_token_vectors_without_modules_are_refused(damaged: Path) -> None:
    (damaged / "modules.json").unlink()
    with pytest.raises(ModelError, match="does not tell how they are pooled") as caught:
        sentence_network(spec_of(damaged))
    assert "modules.json" in caught.value.hint


def build(folder: Path, inputs: dict[str, Any], *, outputs: Callable[..., dict[str, Any]] | None = None) -> Path:
    """A graph in `folder` that looks token ids up in a table of 32 columns; `inputs` are named, with their shapes.

    `outputs` makes other outputs of ids and table rows.
    """
    openvino = import_openvino()
    from openvino import opset13 as ops

    parameters = {name: ops.parameter(shape, np.int32, name) for name, shape in inputs.items()}
    for name, parameter in parameters.items():
        parameter.output(0).set_names({name})
    table = np.random.default_rng(4).normal(size=(KNOWN, 32)).astype(np.float32)
    ids = parameters.get("input_ids", next(iter(parameters.values())))
    rows = ops.gather(ops.constant(table), ids, ops.constant(0))
    results = []
    for name, output in (outputs(ops, ids, rows) if outputs else {"last_hidden_state": rows}).items():
        result = ops.result(output)
        result.output(0).set_names({name})
        results.append(result)
    (folder / "openvino").mkdir(exist_ok=True)
    network = openvino.Model(results, list(parameters.values()))
    openvino.save_model(network, folder / "openvino" / "openvino_model.xml", compress_to_fp16=False)
    return folder


ANY = [-1, -1]


def test_inputs_of_another_number_type(damaged: Path) -> None:
    build(damaged, dict.fromkeys(BERT_INPUTS, ANY))
    ids, mask = token_rows(LENGTHS, left=False, most=KNOWN)
    assert run(damaged, ids, mask).shape == (len(LENGTHS), 32)


def test_padding_that_is_not_a_number_changes_nothing(damaged: Path) -> None:
    """What a decoder may give where all attention is masked."""
    inputs = dict.fromkeys(BERT_INPUTS, ANY)
    for mode in ("mean", "lasttoken", "max", "weightedmean", "cls"):
        write(damaged / "1_Pooling" / "config.json", {"embedding_dimension": 32, "pooling_mode": mode})
        found = {}
        for poison in (0.0, float("nan")):

            def outputs(ops: Any, ids: Any, rows: Any, poison: float = poison) -> dict[str, Any]:
                padding = ops.unsqueeze(ops.equal(ids, np.int32(0)), np.int64(-1))
                return {"last_hidden_state": ops.select(padding, np.float32(poison), rows)}

            build(damaged, inputs, outputs=outputs)
            found[poison] = run(damaged, *token_rows(LENGTHS, left=True, most=KNOWN))
        clean, poisoned = found.values()
        assert np.array_equal(clean, poisoned), mode


def test_the_output_with_a_known_name_is_taken_of_several(damaged: Path) -> None:
    def outputs(ops: Any, ids: Any, rows: Any) -> dict[str, Any]:
        return {
            "attentions": ops.negative(ops.sin(rows)),
            "pooler_output": ops.reduce_sum(rows, np.int64(1)),
            "token_embeddings": rows,
        }

    tokens = token_rows(LENGTHS, left=False, most=KNOWN)
    expected = run(build(damaged, dict.fromkeys(BERT_INPUTS, ANY)), *tokens)
    build(damaged, dict.fromkeys(BERT_INPUTS, ANY), outputs=outputs)
    assert np.array_equal(run(damaged, *tokens), expected)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({**dict.fromkeys(BERT_INPUTS, ANY), "past_key_values.0.key": ANY}, "past_key_values.0.key.* generating text"),
        ({**dict.fromkeys(BERT_INPUTS, ANY), "task_id": [1]}, "wants the input task_id"),
        ({"input_ids": ANY}, "takes no attention_mask"),
        ({"attention_mask": ANY}, "takes no input_ids"),
        ({name: [1, 128] for name in BERT_INPUTS}, r"inputs of one size only \(input_ids: \[1,128\]\)"),
    ],
)
def test_a_graph_with_inputs_that_cannot_be_made_is_refused(
    damaged: Path, inputs: dict[str, Any], message: str
) -> None:
    build(damaged, inputs)
    with pytest.raises(ModelError, match=message) as caught:
        sentence_network(spec_of(damaged))
    assert caught.value.hint


def test_a_graph_without_token_or_sentence_vectors_is_refused(damaged: Path) -> None:
    def outputs(ops: Any, ids: Any, rows: Any) -> dict[str, Any]:
        return {"pooler_output": ops.reduce_sum(rows, np.int64(1))}

    build(damaged, dict.fromkeys(BERT_INPUTS, ANY), outputs=outputs)
    with pytest.raises(ModelError, match="neither sentence vectors nor token vectors"):
        sentence_network(spec_of(damaged))


# --- graphs and modules that do not fit ------------------------------------------------------------------------------


def test_a_width_that_the_configuration_does_not_say_is_refused(damaged: Path) -> None:
    write(damaged / "1_Pooling" / "config.json", {"embedding_dimension": 48, "pooling_mode": "mean"})
    with pytest.raises(ModelError, match="gives 32 dimensions where the model's files say 48"):
        sentence_network(spec_of(damaged))


def test_a_layer_of_another_model_is_refused(shipped_bert: Path, tmp_path: Path) -> None:
    whole = write_bert_model(tmp_path / "whole", pooling=["mean", "cls"], dense=24)
    folder = copy_without_weights(whole, tmp_path / "shipped")
    shutil.copytree(shipped_bert / "openvino", folder / "openvino")
    write(folder / "1_Pooling" / "config.json", {"embedding_dimension": 32, "pooling_mode": "mean"})
    with pytest.raises(ModelError, match="2_Dense does not fit the graph"):
        sentence_network(spec_of(folder))


def cut_layer(layer: Path) -> None:
    file = layer / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])


def whole_numbers(layer: Path) -> None:
    save_file({"linear.weight": np.zeros((24, 32), np.int8)}, layer / "model.safetensors")


def rename_weights(layer: Path) -> None:
    save_file({"weight": np.zeros((24, 32), np.float32)}, layer / "model.safetensors")


def strange_activation(layer: Path) -> None:
    config = json.loads((layer / "config.json").read_text())
    write(layer / "config.json", {**config, "activation_function": "somewhere.else.Swoosh"})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_layer, "2_Dense/model.safetensors is cut short"),
        (whole_numbers, r"2_Dense/model.safetensors cannot be read as weights \(numbers of type I8\)"),
        (rename_weights, "2_Dense does not fit the graph"),
        (lambda layer: (layer / "model.safetensors").unlink(), "2_Dense has no weights as safetensors"),
        (strange_activation, "names the activation somewhere.else.Swoosh"),
        (lambda layer: write(layer.parent / "1_Pooling" / "config.json", {"pooling_mode": "best"}), "pooling, 'best'"),
        (lambda layer: (layer.parent / "1_Pooling" / "config.json").unlink(), "1_Pooling/config.json is missing"),
    ],
)
def test_a_damaged_module_is_named(
    shipped_bert: Path, tmp_path: Path, damage: Callable[[Path], Any], message: str
) -> None:
    whole = write_bert_model(tmp_path / "whole", dense=24)
    folder = copy_without_weights(whole, tmp_path / "shipped")
    shutil.copytree(shipped_bert / "openvino", folder / "openvino")
    sentence_network(spec_of(folder))
    damage(folder / "2_Dense")
    with pytest.raises(ModelError, match=message) as caught:
        sentence_network(spec_of(folder))
    assert caught.value.hint


def test_a_module_that_cannot_follow_a_graph_is_named(damaged: Path) -> None:
    modules = json.loads((damaged / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.LSTM"
    write(damaged / "modules.json", modules)
    with pytest.raises(ModelError, match="has a module LSTM"):
        sentence_network(spec_of(damaged))


def test_a_prompt_that_is_left_out_of_the_pooling_is_refused(damaged: Path) -> None:
    pooling = {"embedding_dimension": 32, "pooling_mode": "mean", "include_prompt": False}
    write(damaged / "1_Pooling" / "config.json", pooling)
    sentence_network(spec_of(damaged))
    write(damaged / "config_sentence_transformers.json", {"prompts": {"query": "who : "}})
    with pytest.raises(ModelError, match="leaves its prompt out of the pooling"):
        sentence_network(spec_of(damaged))


# --- files that cannot be read ---------------------------------------------------------------------------------------


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90405214\n"


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("openvino_model.bin", half),
        ("openvino_model.bin", lambda path: path.write_bytes(b"")),
        ("openvino_model.xml", half),
        ("openvino_model.xml", lambda path: path.write_text("hello")),
        ("openvino_model.xml", lambda path: path.write_text("<net></net>")),
        ("openvino_model.xml", lambda path: path.write_bytes(b"")),
        ("openvino_model.xml", lambda path: path.write_text(LFS_POINTER)),
    ],
)
def test_a_damaged_openvino_graph_is_an_error_with_a_way_out(
    damaged: Path, capfd: pytest.CaptureFixture[str], file: str, damage: Callable[[Path], Any]
) -> None:
    damage(damaged / "openvino" / file)
    with pytest.raises(ModelError, match=r"openvino_model\.xml cannot be read as a network") as caught:
        sentence_network(spec_of(damaged))
    assert "fetch the model again" in caught.value.hint
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def onnx_bert(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ships `onnx/` with the weights beside the graph."""
    folder = copy_without_weights(bert, tmp_path_factory.mktemp("onnx") / "bert")
    return ship_onnx(bert, folder, external_data=True)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.onnx", half),
        ("model.onnx", lambda path: path.write_bytes(b"garbage" * 100)),
        ("model.onnx", lambda path: path.write_bytes(b"")),
        ("model.onnx", lambda path: path.write_text(LFS_POINTER)),
        ("model.onnx_data", half),
        ("model.onnx_data", Path.unlink),
    ],
)
def test_a_damaged_onnx_graph_is_an_error_with_a_way_out(
    onnx_bert: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], file: str, damage: Callable[[Path], Any]
) -> None:
    folder = Path(shutil.copytree(onnx_bert, tmp_path / "damaged"))
    damage(folder / "onnx" / file)
    with pytest.raises(ModelError, match=r"model\.onnx cannot be read as a network") as caught:
        sentence_network(spec_of(folder))
    assert "fetch the model again" in caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_an_operation_that_openvino_lacks_is_an_error(onnx_bert: Path, tmp_path: Path) -> None:
    import onnx

    folder = Path(shutil.copytree(onnx_bert, tmp_path / "foreign"))
    graph = onnx.load(folder / "onnx" / "model.onnx", load_external_data=False)
    next(node for node in graph.graph.node if node.op_type == "Softmax").op_type = "SoftmaxOfAnotherKind"
    onnx.save(graph, folder / "onnx" / "model.onnx")
    with pytest.raises(ModelError, match="uses operations that OpenVINO does not have"):
        sentence_network(spec_of(folder))


def test_weights_beside_an_onnx_graph(bert_reference: Vectors, onnx_bert: Path) -> None:
    assert (onnx_bert / "onnx" / "model.onnx_data").stat().st_size > 100_000
    assert_same(run(onnx_bert, *token_rows(LENGTHS, left=False, most=KNOWN)), bert_reference)


def test_a_graph_in_a_hub_cache_whose_files_are_links(
    bert_reference: Vectors, shipped_bert: Path, onnx_bert: Path, tmp_path: Path
) -> None:
    tokens = token_rows(LENGTHS, left=False, most=KNOWN)
    for folder in (shipped_bert, onnx_bert):
        cache = tmp_path / folder.parent.name
        snapshot = hub_layout(folder, cache)
        before = sorted(cache.rglob("*"))
        assert_same(run(snapshot, *tokens), bert_reference)
        assert sorted(cache.rglob("*")) == before


# --- what is loaded --------------------------------------------------------------------------------------------------

_LOADED = """
import sys
from hybridrag.models import find_model
from hybridrag.models.graph import sentence_network
sentence_network(find_model(sys.argv[1], offline=True))
print(sorted(name for name, module in sys.modules.items() if module is not None))
"""


def test_neither_torch_nor_telemetry_is_loaded(shipped_bert: Path, onnx_bert: Path) -> None:
    for folder in (shipped_bert, onnx_bert):
        done = subprocess.run([sys.executable, "-c", _LOADED, str(folder)], capture_output=True, text=True, check=True)
        loaded = set(done.stdout.replace("'", "").strip("[]\n").split(", "))
        assert "openvino" in loaded
        assert not loaded & {"torch", "transformers", "sentence_transformers", "openvino_telemetry", "huggingface_hub"}
