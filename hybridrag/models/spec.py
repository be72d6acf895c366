"""What a model folder says of itself: window, pooling, prompts, dimensions. Read from its JSON files, without torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hybridrag.errors import ModelError, UsageError
from hybridrag.models.catalogue import Entry
from hybridrag.models.configuration import (
    NO_LIMIT,
    damaged,
    limit,
    prompts,
    read_json,
    read_object,
    tokenizing,
    transformer_config,
    window,
)
from hybridrag.models.graph import shipped_graph
from hybridrag.models.locate import ModelFolder
from hybridrag.models.own_code import check_is_here, is_listed, needed_code, refused
from hybridrag.models.tensors import tensors
from hybridrag.models.weights import check_weights

Arithmetic = Literal["reference", "int8"]
"""Classes whose vectors agree within: fp32, bf16 and fp16 to cosine .999 are `reference`; int8 is its own."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A located model, understood.

    `window` is the most tokens of one input, special tokens and prompt included. `full_dimensions` is the length of
    what the network gives, `dimensions` what is kept of it. `modules` are the folder's sentence-transformers modules in
    order: class path and configuration. `tokenizing` is what other files change of the tokenizer.json. `graph` is a
    network that the folder ships for OpenVINO (`.xml` or `.onnx`).
    `trusted` means that the model needs code of its own and the user lets it run.
    """

    name: str
    path: Path
    window: int
    full_dimensions: int
    dimensions: int
    query_prompt: str
    document_prompt: str
    modules: tuple[tuple[str, Mapping[str, Any]], ...]
    tokenizing: Mapping[str, Any] = field(default_factory=dict)
    entry: Entry | None = None
    graph: Path | None = None
    arithmetic: Arithmetic = "reference"
    trusted: bool = False

    def cut_to(self, dimensions: int) -> ModelSpec:
        """This model with the first `dimensions` numbers of each vector kept (Matryoshka, arXiv:2205.13147).

        Raises UsageError where the model was not trained for that.
        """
        if dimensions == self.full_dimensions:
            return replace(self, dimensions=dimensions)
        if not 1 <= dimensions < self.full_dimensions:
            raise UsageError(
                f"the model {self.name} has {self.full_dimensions} dimensions, not {dimensions}",
                hint=f"give --dims a number up to {self.full_dimensions}",
            )
        if self.entry is not None:
            self.entry.check_cut(self.name, dimensions)
        return replace(self, dimensions=dimensions)

    def computed_as(self, arithmetic: Arithmetic) -> ModelSpec:
        """This model in another class of arithmetic."""
        return replace(self, arithmetic=arithmetic)

    @property
    def normalises_before_cut(self) -> bool:
        """Whether a vector is brought to mean 0 and variance 1 before it is cut (Nomic)."""
        return self.dimensions < self.full_dimensions and self.entry is not None and self.entry.matryoshka_layer_norm

    @property
    def is_static(self) -> bool:
        """A table of token vectors (model2vec) rather than a network."""
        return _are_static(self.modules)

    @property
    def pools_prompt(self) -> bool:
        """Whether the prompt's tokens have a part in the vector, as in all but INSTRUCTOR's kind."""
        return all(config.get("include_prompt", True) for kind, config in self.modules if _class(kind) == "Pooling")


def read_spec(folder: ModelFolder, *, trusted: Collection[str] = ()) -> ModelSpec:
    """The spec of a model folder. Raises ModelError naming the file that is missing or cannot be used.

    `trusted` holds the models, as `NAME@COMMIT` or a folder's whole path, whose own code may run.
    """
    path, entry = folder.path, folder.entry
    listed = _modules(path)
    modules = tuple((kind, read_object(place / "config.json")) for kind, place in listed)
    graph = None if _are_static(modules) else shipped_graph(path)
    if graph is None and not listed:
        raise ModelError(
            f"{path} is no sentence-transformers model: it has no modules.json",
            hint="save the model with SentenceTransformer.save, or name one of the catalogue",
        )
    own_code = _own_code_runs(folder, [kind for kind, _ in listed], trusted, graph)
    if not own_code:
        _check_kinds(path, [kind for kind, _ in listed])
    if not (path / "tokenizer.json").is_file() and not (path / "0_StaticEmbedding" / "tokenizer.json").is_file():
        raise ModelError(f"{path} has no tokenizer.json", hint="save the model again with its fast tokenizer")
    # A graph that gives sentence vectors needs no weights beside it.
    check_weights(path, [(_class(kind), place) for kind, place in listed] if graph is None else [])
    told = read_object(path / "config_sentence_transformers.json")
    if told.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        kind = str(told["model_type"])[:60]
        advice = (
            f'to rerank with it, set reranker = "{folder.name}"; else choose' if kind == "CrossEncoder" else "choose"
        )
        raise ModelError(f"{path} holds a {kind}", hint=f"{advice} a SentenceTransformer, or convert it")
    named, width = prompts(path, told), _dimensions(path, modules)
    return ModelSpec(
        name=folder.name,
        path=path,
        window=min(window(path), entry.window if entry else NO_LIMIT),
        full_dimensions=width,
        dimensions=min(width, limit(told.get("truncate_dim"))),
        query_prompt=_first(entry.query_prompt if entry else None, named.get("query")),
        document_prompt=_first(
            entry.document_prompt if entry else None, *map(named.get, ("document", "passage", "corpus"))
        ),
        modules=modules,
        tokenizing=tokenizing(path),
        entry=entry,
        graph=graph,
        trusted=own_code,
    )


def tokenizer_file(spec: ModelSpec) -> Path:
    """Where the fast tokenizer lies."""
    top = spec.path / "tokenizer.json"
    return top if top.is_file() else spec.path / "0_StaticEmbedding" / "tokenizer.json"


# --- modules ---------------------------------------------------------------------------------------------------------

_KINDS = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "Dropout", "WeightedLayerPooling")
"""The sentence-transformers modules that make a vector of one text's tokens, whatever the other texts are."""


def _modules(path: Path) -> list[tuple[str, Path]]:
    """The class path and the folder of each module; none where the folder has no modules.json."""
    file = path / "modules.json"
    if not file.is_file():
        return []
    found = read_json(file)
    if not isinstance(found, list) or not found:
        raise damaged(file, "holds no list of modules")
    try:
        return [(str(module["type"]), path / str(module["path"])) for module in found]
    except (TypeError, KeyError):
        raise damaged(file, "names a module without type or path") from None


def _own_code_runs(folder: ModelFolder, kinds: list[str], trusted: Collection[str], graph: Path | None) -> bool:
    """Whether the model needs code of its own and the user lets it run. Raises ModelError where it may not."""
    # Version 5 of sentence-transformers runs the code of a local folder without being asked, so it is looked for here.
    config = read_object(folder.path / "config.json")
    code = needed_code(kinds, config, folder.entry)
    if code is None:
        return False
    if is_listed(folder, trusted):
        check_is_here(folder, config)
        return True
    if graph is None or needed_code(kinds, {}, None):
        raise refused(folder, code)
    return False


def _check_kinds(path: Path, kinds: list[str]) -> None:
    known = ("StaticEmbedding", "Normalize") if kinds and _class(kinds[0]) == "StaticEmbedding" else _KINDS
    for kind in kinds:
        if _class(kind) not in known:
            raise ModelError(
                f"the model in {path} has a module {_class(kind)[:40]}, which cannot be used here",
                hint=f"choose a model of these modules: {', '.join(known)}",
            )
    if "message" in (transformer_config(path).get("modality_config") or {}):
        raise ModelError(
            f"the model in {path} takes chat messages, not texts",
            hint="choose a model for texts, without a chat format",
        )


def _are_static(modules: tuple[tuple[str, Mapping[str, Any]], ...]) -> bool:
    return bool(modules) and _class(modules[0][0]) == "StaticEmbedding"


def _class(kind: str) -> str:
    return kind.rsplit(".", 1)[-1]


def _dimensions(path: Path, modules: tuple[tuple[str, Mapping[str, Any]], ...]) -> int:
    """The length of a vector, from the last module that says one, without loading the weights."""
    size = 0 if modules else _size(read_object(path / "config.json"), *_WIDTHS) or 0
    for kind, config in modules:
        name = _class(kind)
        if name == "Transformer":
            size = _size(config, *_WIDTHS) or 0
        elif name == "Pooling":
            width = _size(config, "word_embedding_dimension", "embedding_dimension") or size
            size = width * _pooling_modes(config)
        elif name == "Dense":
            size = _size(config, "out_features") or size
        elif name == "StaticEmbedding":
            size = _table_width(path)
    if size < 1:
        raise ModelError(f"{path} does not tell how long its vectors are", hint="save it with sentence-transformers")
    return size


_WIDTHS = ("hidden_size", "dim", "d_model", "n_embd")
"""What configurations call the length of a token's vector."""


def _size(config: Mapping[str, Any], *names: str) -> int | None:
    return next((config[name] for name in names if isinstance(config.get(name), int)), None)


def _pooling_modes(config: Mapping[str, Any]) -> int:
    """How many poolings are put side by side: switches before sentence-transformers 6, a name or a list since."""
    named = config.get("pooling_mode")
    if isinstance(named, list):
        return max(len(named), 1)
    switches = sum(1 for key, on in config.items() if key.startswith("pooling_mode_") and on is True)
    return max(switches, 1)


def _table_width(path: Path) -> int:
    """The second dimension of the first matrix in the first safetensors file."""
    file = min(path.rglob("*.safetensors"))
    try:
        return next((tensor.shape[1] for tensor in tensors(file) if len(tensor.shape) == 2), 0)
    except (OSError, ValueError) as exc:  # it was whole a moment ago
        raise damaged(file, f"cannot be read ({type(exc).__name__})") from exc


def _first(*texts: str | None) -> str:
    return next((text for text in texts if text is not None), "")
