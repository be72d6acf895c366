"""The modules of sentence-transformers as OpenVINO operations, for a graph that gives token vectors.

Each computes what the library's module of that name computes (sentence_transformers/sentence_transformer/modules and
base/modules, version 6).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.tensors import tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hybridrag.models.spec import ModelSpec

_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""The pooling of files from before version 6, in the order in which several are put side by side."""
_ACTIVATIONS: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "Tanh": ("tanh", ()),
    "ReLU": ("relu", ()),
    "GELU": ("gelu", ("erf",)),
    "Sigmoid": ("sigmoid", ()),
    "SiLU": ("swish", ()),
    "ELU": ("elu", (1.0,)),
    "Mish": ("mish", ()),
    "Softplus": ("softplus", ()),
}
"""PyTorch's activations by class name: the operation, and PyTorch's default arguments, since files keep no others."""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module by the name of its class, with its configuration and the folder of its weights."""

    name: str
    config: Mapping[str, Any]
    folder: Path


class GraphModules:
    """Builds the modules of one model. `ops` is a set of OpenVINO operations (opset13 or later)."""

    def __init__(self, ops: Any, spec: ModelSpec) -> None:
        self._ops = ops
        self._spec = spec

    def sentence_vectors(self, tokens: Any, mask: Any) -> Any:
        """`tokens` `(n, length, width) float32` and `mask` `(n, length) int64` -> `(n, dimensions) float32`.

        Raises ModelError for a module that is unknown, lacks its weights, or does not fit what it is given.
        """
        builders = {"Pooling": self._pool, "Dense": self._dense, "LayerNorm": self._layer_norm, "Normalize": self._norm}
        features = {"token_embeddings": tokens, "attention_mask": mask}
        for number, module in enumerate(self._modules()):
            if (number == 0 and module.name == "Transformer") or module.name == "Dropout":
                continue
            if module.name not in builders:
                raise ModelError(
                    f"the model {self._spec.name} has a module {module.name}, which cannot follow its shipped graph",
                    hint=f"choose a model of these modules: {', '.join(builders)}; torch runs every module",
                )
            try:
                builders[module.name](features, module)
            except (RuntimeError, KeyError) as exc:
                raise ModelError(
                    f"{module.folder} does not fit the graph {self._spec.graph}, or the modules before it",
                    hint="fetch the model again",
                ) from exc
        if "sentence_embedding" not in features:
            raise ModelError(
                f"{self._spec.graph} gives token vectors, and {self._spec.path} does not tell how they are pooled",
                hint="save the model with SentenceTransformer.save, which writes modules.json and 1_Pooling",
            )
        return features["sentence_embedding"]

    def unit(self, vectors: Any) -> Any:
        """Vectors of length 1 along the last axis (torch.nn.functional.normalize)."""
        ops = self._ops
        return ops.divide(vectors, ops.maximum(ops.reduce_l2(vectors, _axis(-1), keep_dims=True), _number(1e-12)))

    def _modules(self) -> list[_Module]:
        if not self._spec.modules:
            return []
        listed = json.loads((self._spec.path / "modules.json").read_text(encoding="utf-8"))
        return [
            _Module(kind.rsplit(".", 1)[-1], config, self._spec.path / entry["path"])
            for (kind, config), entry in zip(self._spec.modules, listed, strict=True)
        ]

    # --- pooling -----------------------------------------------------------------------------------------------------

    def _pool(self, features: dict[str, Any], module: _Module) -> None:
        if not module.config:
            raise ModelError(f"{module.folder / 'config.json'} is missing or empty", hint="fetch the model again")
        if module.config.get("include_prompt") is False and (self._spec.query_prompt or self._spec.document_prompt):
            raise ModelError(
                f"the model {self._spec.name} leaves its prompt out of the pooling, which its shipped graph cannot",
                hint="choose another model",
            )
        pooled = [
            self._pooled(mode, features["token_embeddings"], features["attention_mask"], module)
            for mode in _modes(module.config)
        ]
        features["sentence_embedding"] = pooled[0] if len(pooled) == 1 else self._ops.concat(pooled, -1)

    def _pooled(self, mode: str, tokens: Any, mask: Any, module: _Module) -> Any:
        """One vector a text: the greatest values of its tokens, or their sum by weights that the mode gives them."""
        ops = self._ops
        of_text = ops.unsqueeze(ops.greater(mask, _axis(0)), _axis(-1))
        if mode == "max":
            return ops.reduce_max(ops.select(of_text, tokens, _number(float("-inf"))), _axis(1))
        # The places are counted in whole numbers, which a narrow number format leaves as they are.
        place, place_from_end = (ops.cum_sum(mask, _axis(1), reverse=back) for back in (False, True))
        one = _axis(1)
        weights = {
            "cls": ops.multiply(mask, ops.convert(ops.equal(place, one), "i64")),
            "lasttoken": ops.multiply(mask, ops.convert(ops.equal(place_from_end, one), "i64")),
            "mean": mask,
            "mean_sqrt_len_tokens": mask,
            "weightedmean": ops.multiply(mask, place),
        }.get(mode)
        if weights is None:
            raise ModelError(
                f"{module.folder / 'config.json'} names an unknown pooling, {mode[:80]!r}", hint="fetch it again"
            )
        weights = ops.unsqueeze(ops.convert(weights, "f32"), _axis(-1))
        # What padding gives may be no number, which no weight of 0 takes out of a sum.
        total = ops.reduce_sum(ops.multiply(ops.select(of_text, tokens, _number(0)), weights), _axis(1))
        share = ops.maximum(ops.reduce_sum(weights, _axis(1)), _number(1e-9))
        return ops.divide(total, ops.sqrt(share) if mode == "mean_sqrt_len_tokens" else share)

    # --- layers ------------------------------------------------------------------------------------------------------

    def _dense(self, features: dict[str, Any], module: _Module) -> None:
        ops = self._ops
        activation = str(module.config.get("activation_function", "torch.nn.modules.activation.Tanh"))
        package, _, name = activation.rpartition(".")
        if not package.startswith("torch.nn.") or name not in {"Identity", *_ACTIVATIONS}:
            raise ModelError(
                f"{module.folder / 'config.json'} names the activation {activation[:80]}, which is not known here",
                hint=f"choose a model with one of these: Identity, {', '.join(_ACTIVATIONS)}",
            )
        entry = module.config.get("module_input_name") or "sentence_embedding"
        given, weights = features[entry], _weights(module.folder)
        found = ops.matmul(given, weights["linear.weight"], transpose_a=False, transpose_b=True)
        if module.config.get("bias", True):
            found = ops.add(found, weights["linear.bias"])
        if name in _ACTIVATIONS:
            operation, arguments = _ACTIVATIONS[name]
            found = getattr(ops, operation)(found, *arguments)
        if module.config.get("use_residual"):
            residual = weights.get("residual.weight")
            found = ops.add(found, given if residual is None else ops.matmul(given, residual, False, True))
        features[module.config.get("module_output_name") or entry] = found

    def _layer_norm(self, features: dict[str, Any], module: _Module) -> None:
        ops, weights = self._ops, _weights(module.folder)
        axes = ops.constant([-1])
        # PyTorch's own epsilon, which the module does not change.
        normal = ops.mvn(features["sentence_embedding"], axes, True, 1e-5, "inside_sqrt")
        features["sentence_embedding"] = ops.add(ops.multiply(normal, weights["norm.weight"]), weights["norm.bias"])

    def _norm(self, features: dict[str, Any], module: _Module) -> None:
        entry = module.config.get("module_input_name") or "sentence_embedding"
        features[module.config.get("module_output_name") or entry] = self.unit(features[entry])


def _modes(config: Mapping[str, Any]) -> list[str]:
    """The names of the poolings that are put side by side."""
    named = config.get("pooling_mode")
    if named is not None:
        return [str(mode) for mode in (named if isinstance(named, list) else [named])]
    return [mode for switch, mode in _SWITCHES.items() if config.get(switch)] or ["mean"]


def _weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """The tensors of a module's safetensors file by name, as float32. Raises ModelError where there is none."""
    file = folder / "model.safetensors"
    try:
        with file.open("rb") as opened:
            return {
                tensor.name: _values(_part(opened, tensor.start, tensor.end), tensor.dtype).reshape(tensor.shape)
                for tensor in tensors(file)
            }
    except FileNotFoundError:
        raise ModelError(
            f"{folder} has no weights as safetensors",
            hint="weights in other formats are programs and are not loaded; convert them to safetensors",
        ) from None
    except (OSError, ValueError) as exc:
        raise ModelError(f"{file} cannot be read as weights ({exc})", hint="fetch the model again") from exc


def _part(opened: Any, start: int, end: int) -> bytes:
    opened.seek(start)
    found: bytes = opened.read(end - start)
    return found


def _values(raw: bytes, dtype: str) -> NDArray[np.float32]:
    import numpy as np

    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
    formats = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
    if dtype not in formats:
        raise ValueError(f"numbers of type {dtype}")
    return np.frombuffer(raw, formats[dtype]).astype(np.float32)


def _axis(number: int) -> Any:
    import numpy as np

    return np.array(number, dtype=np.int64)


def _number(value: float) -> Any:
    import numpy as np

    return np.array(value, dtype=np.float32)
