"""A network that a model's folder ships (OpenVINO or ONNX), made into one that gives sentence vectors.

Such graphs give a vector for each token and want inputs of several kinds. Here the folder's modules are put behind the
graph, and all it takes is made of token ids and their mask. Needs neither torch nor the weights as safetensors.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.graph_modules import GraphModules
from hybridrag.models.openvino_library import import_openvino

if TYPE_CHECKING:
    from hybridrag.models.spec import ModelSpec

_PLACES = ("openvino/openvino_model.xml", "openvino_model.xml", "onnx/model.onnx", "model.onnx")
"""Where graphs lie, the best first. Those with more in their names are quantised (`model_qint8_avx512`) or rewritten
for another library (`model_O4`), and their vectors are others."""


def shipped_graph(folder: Path) -> Path | None:
    """The graph in a model's folder, its weights as they were trained; None where there is none."""
    for place in _PLACES:
        file = folder / place
        if file.is_file() and (file.suffix != ".xml" or file.with_suffix(".bin").is_file()):
            return file
    return None


def sentence_network(spec: ModelSpec) -> Any:
    """The model's shipped graph as an `openvino.Model`: token ids and mask in, unit sentence vectors out.

    Inputs `input_ids` and `attention_mask`, both `(n, length) int64` of any size. Padding may be on either side as far
    as the graph itself bears it (a decoder's may not bear it in front). Output `(n, full_dimensions) float32`.
    Raises ModelError where the graph is damaged, wants an input that a sentence encoder has not, or does not fit the
    folder's configuration.
    """
    if spec.graph is None:
        raise ModelError(
            f"the model {spec.name} ships no graph", hint="choose one with openvino/ or onnx/ in its folder"
        )
    openvino = import_openvino()
    from openvino import opset13 as ops

    network = _read(spec.graph)
    ids, mask = (_parameter(ops, name) for name in ("input_ids", "attention_mask"))
    _feed(network, ops, spec.graph, ids, mask)
    vectors = _sentence_vectors(network, ops, mask, spec)
    width = vectors.output(0).get_partial_shape()[1]
    if width.is_static and width.get_length() != spec.full_dimensions:
        raise ModelError(
            f"{spec.graph} gives {width.get_length()} dimensions where the model's files say {spec.full_dimensions}",
            hint="the graph belongs to another model, or the configuration is damaged; fetch both again",
        )
    return openvino.Model([ops.result(vectors)], [ids, mask], "sentence_network")


def scoring_network(graph: Path) -> Any:
    """A reranker's shipped graph as an `openvino.Model`: token ids, mask and types in, a score each out.

    Inputs `input_ids`, `attention_mask` and `token_type_ids`, all `(n, length) int64` of any size. Output `(n,)
    float32`. Raises ModelError where the graph is damaged, wants another input, or does not give one score a pair.
    """
    openvino = import_openvino()
    from openvino import opset13 as ops

    network = _read(graph)
    ids, mask, types = (_parameter(ops, name) for name in ("input_ids", "attention_mask", "token_type_ids"))
    _feed(network, ops, graph, ids, mask, types)
    found = _outputs(network, rank=2)
    logits = found.get("logits", next(iter(found.values()), None))
    if logits is None or logits.get_partial_shape()[1] != openvino.Dimension(1):
        raise ModelError(
            f"{graph} does not give one score for each pair",
            hint="export it for text classification; where the weights are there as safetensors, the graph may be "
            "removed, and is then made from them",
        )
    scores = ops.squeeze(ops.convert(logits, "f32"), ops.constant(_whole(1)))
    return openvino.Model([ops.result(scores)], [ids, mask, types], "scoring_network")


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(graph: Path) -> Any:
    from openvino.frontend import FrontEndManager

    # By name: left to guess, the library tries the readers of all formats on a damaged file, and they write to stderr.
    frontend = FrontEndManager().load_by_framework("ir" if graph.suffix == ".xml" else "onnx")
    try:
        with _beside_its_data(graph) as file:
            network = frontend.convert(frontend.load(str(file)))
        if not network.get_results():
            raise ValueError("an empty file is an empty graph")
    except Exception as exc:  # the readers raise RuntimeError and several exceptions of their own
        raise ModelError(
            f"{graph} cannot be read as a network: it is damaged, or uses operations that OpenVINO does not have",
            hint="fetch the model again; where its weights are there as safetensors, the graph may be removed",
        ) from exc
    return network


@contextlib.contextmanager
def _beside_its_data(graph: Path) -> Iterator[Path]:
    """The graph in a folder where the files beside it are no links.

    OpenVINO reads the external data of an ONNX file from its own folder only, and all files in a hub cache are links
    into another one.
    """
    data = [file for file in graph.parent.glob(f"{graph.name}[._]*") if file.is_symlink()]
    if not data:
        yield graph
        return
    with tempfile.TemporaryDirectory(prefix=".hybridrag-", dir=_writable(data[0].resolve().parent)) as folder:
        for file in (graph, *data):
            target = Path(folder) / file.name
            try:
                os.link(file.resolve(), target)
            except OSError:  # another file system, or one without links
                shutil.copyfile(file, target)
        yield Path(folder) / graph.name


def _writable(folder: Path) -> Path | None:
    return folder if os.access(folder, os.W_OK) else None


# --- inputs ----------------------------------------------------------------------------------------------------------


def _parameter(ops: Any, name: str) -> Any:
    import numpy as np

    parameter = ops.parameter([-1, -1], np.int64, name)
    parameter.output(0).set_names({name})
    return parameter


def _feed(network: Any, ops: Any, graph: Path, ids: Any, mask: Any, types: Any = None) -> None:
    """Puts `ids`, `mask`, `types` (0 if not given) and what follows in the place of the graph's own inputs."""
    sources: Mapping[str, Callable[[], Any]] = {
        "input_ids": lambda: ids,
        "attention_mask": lambda: mask,
        "token_type_ids": lambda: ops.broadcast(_whole(0), ops.shape_of(ids)) if types is None else types,
        "position_ids": lambda: ops.maximum(ops.subtract(ops.cum_sum(mask, _whole(1)), _whole(1)), _whole(0)),
    }
    found = set()
    for own in network.get_parameters():
        names = own.output(0).get_names() or {own.get_friendly_name()}
        name = next((name for name in names if name in sources), None)
        if name is None:
            raise _unknown_input(graph, min(names))
        if own.get_partial_shape().rank.is_static and not all(size.is_dynamic for size in own.get_partial_shape()):
            raise ModelError(
                f"{graph} takes inputs of one size only ({name}: {own.get_partial_shape()})",
                hint="export it with dynamic axes for batch and length",
            )
        source = ops.convert(sources[name](), own.get_element_type())
        for reader in own.output(0).get_target_inputs():
            reader.replace_source_output(source.output(0))
        found.add(name)
    for name in ("input_ids", "attention_mask"):
        if name not in found:
            raise ModelError(
                f"{graph} takes no {name}", hint="export it as a feature extractor, with input_ids and attention_mask"
            )


def _unknown_input(graph: Path, name: str) -> ModelError:
    generates = name.startswith(("past_key_values", "beam_idx", "use_cache"))
    return ModelError(
        f"{graph} wants the input {name}, which a text for embedding has not"
        + (": it was exported for generating text" if generates else ""),
        hint="export it as a feature extractor (feature-extraction); where the weights are there as safetensors, the "
        "graph may be removed, and is then made from them",
    )


def _whole(number: int) -> Any:
    import numpy as np

    return np.array(number, dtype=np.int64)


# --- output ----------------------------------------------------------------------------------------------------------


def _sentence_vectors(network: Any, ops: Any, mask: Any, spec: ModelSpec) -> Any:
    """The graph's own sentence vectors where it gives them, else its token vectors through the folder's modules."""
    modules = GraphModules(ops, spec)
    whole = _outputs(network, rank=2)
    if "sentence_embedding" in whole:
        return modules.unit(ops.convert(whole["sentence_embedding"], "f32"))
    tokens = _outputs(network, rank=3)
    if not tokens:
        raise ModelError(
            f"{spec.graph} gives neither sentence vectors nor token vectors",
            hint="export it as a feature extractor (feature-extraction), with last_hidden_state as output",
        )
    chosen = next((tokens[name] for name in ("last_hidden_state", "token_embeddings") if name in tokens), None)
    chosen = next(iter(tokens.values())) if chosen is None else chosen
    return modules.unit(modules.sentence_vectors(ops.convert(chosen, "f32"), mask))


def _outputs(network: Any, *, rank: int) -> dict[str, Any]:
    """What the graph gives with so many axes, in order, under each of its names."""
    return {
        name: result.input_value(0)
        for number, result in enumerate(network.get_results())
        if (shape := result.get_output_partial_shape(0)).rank.is_static and shape.rank.get_length() == rank
        for name in result.output(0).get_names() or {str(number)}
    }
