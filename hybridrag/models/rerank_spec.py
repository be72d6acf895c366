"""Rerankers found and understood: which network, which window, how a pair is written. Read without torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.catalogue import entry_for
from hybridrag.models.configuration import NO_LIMIT, read_object, tokenizing, window
from hybridrag.models.graph import shipped_graph
from hybridrag.models.locate import HubModel, ModelFolder, close_names, folder_named, located, repository_named
from hybridrag.models.own_code import check_is_here, is_listed, lists_some_revision, needed_code, refused
from hybridrag.models.rerank_catalogue import RerankerEntry, reranker_for, rerankers
from hybridrag.models.rerank_templates import TEMPLATES, Template
from hybridrag.models.weights import check_weights


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """A located reranker, understood.

    `window` is the most tokens of a question and a text together, special tokens and template included. `template` is
    how a language model is asked; None for a network that gives one score a pair by itself. `tokenizing` is what other
    files change of the tokenizer.json. `graph` is a network that the folder ships for OpenVINO (`.xml` or `.onnx`).
    `trusted` means that the model needs code of its own and the user lets it run.
    """

    name: str
    path: Path
    window: int
    template: Template | None = None
    tokenizing: Mapping[str, Any] = field(default_factory=dict)
    entry: RerankerEntry | None = None
    graph: Path | None = None
    trusted: bool = False


def find_reranker(
    name: str, *, offline: bool, trusted: Collection[str] = (), notify: Callable[[str], None] = lambda _: None
) -> RerankerSpec:
    """The spec of a reranker by name (`NAME`, `NAME@REVISION`) or folder. Raises ModelError where it cannot be had.

    `trusted` holds the models, as `NAME@COMMIT` or a folder's whole path, whose own code may run. `notify` tells of a
    download.
    """
    place = resolve_reranker(name)
    folder = located(place, offline=offline, code=lists_some_revision(trusted, name), notify=notify)
    return read_reranker(folder, trusted=trusted)


def resolve_reranker(name: str) -> ModelFolder | HubModel:
    """What a reranker's name stands for, without looking further than this machine.

    Raises ModelError where it can be nothing, with the names that are close, and for an embedding model.
    """
    if (folder := folder_named(name)) is not None:
        return ModelFolder(name=name, path=folder, entry=None)
    bare = name.partition("@")[0]
    entry = reranker_for(bare)
    if entry is None and entry_for(bare) is not None:
        raise ModelError(f"{bare} is an embedding model, not a reranker", hint=_advice(bare))
    known = entry.repository if entry else None
    repository, revision = repository_named(name, known=known, advice=lambda: _advice(bare))
    pinned = entry.revision or None if entry else None
    # Most rerankers have no modules.json: they are one network, and its configuration tells all.
    return HubModel(name, repository, revision or pinned, entry=None, listing="config.json")


def read_reranker(folder: ModelFolder, *, trusted: Collection[str] = ()) -> RerankerSpec:
    """The spec of a reranker's folder. Raises ModelError naming what is missing or cannot be used."""
    path = folder.path
    # A folder named after a reranker of the catalogue holds that one, as for embedding models.
    entry = reranker_for(folder.name.partition("@")[0]) or rerankers().get(path.name)
    config = read_object(path / "config.json")
    template = _template(path, config, entry)
    own_code = _own_code_runs(folder, config, trusted, template)
    if not (path / "tokenizer.json").is_file():
        raise ModelError(f"{path} has no tokenizer.json", hint="save the model again with its fast tokenizer")
    graph = shipped_graph(path) if template is None else None  # a language model's was exported for generating text
    check_weights(path, [("Transformer", path)] if graph is None else [])
    return RerankerSpec(
        name=folder.name,
        path=path,
        window=min(window(path), entry.window if entry else NO_LIMIT),
        template=template,
        tokenizing={key: value for key, value in tokenizing(path).items() if key in {"word_piece", "lower_case"}},
        entry=entry,
        graph=graph,
        trusted=own_code,
    )


def is_reranker_folder(path: Path) -> bool:
    """Whether a folder holds a reranker rather than an embedding model, as far as its configuration tells."""
    try:
        if (path / "modules.json").is_file():  # sentence-transformers saved it, and says as what
            return read_object(path / "config_sentence_transformers.json").get("model_type") == "CrossEncoder"
        named = read_object(path / "config.json").get("architectures")
    except (ModelError, OSError, ValueError):  # a damaged file; a name with a NUL, or longer than any path
        return False
    network = str(named[0]) if isinstance(named, list) and named else ""
    return network.endswith(("ForSequenceClassification", "ForCausalLM"))


def _template(path: Path, config: Mapping[str, Any], entry: RerankerEntry | None) -> Template | None:
    """How the folder's language model is asked; None for a classifier of pairs."""
    named = config.get("architectures")
    network = str(named[0]) if isinstance(named, list) and named else ""
    if network.endswith("ForSequenceClassification") and "num_key_value_heads" not in config:
        if (count := _scores(config)) != 1:
            raise ModelError(
                f"the model in {path} gives {count} numbers for a pair, not one score",
                hint="it sorts texts into classes; choose a reranker: `hybridrag models list --rerankers`",
            )
        return None
    if entry is not None and entry.template and network.endswith("ForCausalLM"):
        return TEMPLATES[entry.template]
    if network.endswith(("ForCausalLM", "ForSequenceClassification")):
        raise ModelError(
            f"the model in {path} is a language model, and nothing says how it is asked for relevance",
            hint="give its folder the name of a reranker of the catalogue if it is that one "
            "(`hybridrag models list --rerankers`), or serve it and name it as URL#MODEL",
        )
    shown = network[:60] or "no network"
    raise ModelError(f"the model in {path} is no reranker: its config.json names {shown}", hint=_advice(path.name))


def _scores(config: Mapping[str, Any]) -> int:
    """How many numbers a classifier gives; transformers writes that as the names of its classes, two by default."""
    labels = config.get("id2label")
    told = len(labels) if isinstance(labels, dict) else config.get("num_labels", 2)
    return told if isinstance(told, int) else 0


def _own_code_runs(
    folder: ModelFolder, config: Mapping[str, Any], trusted: Collection[str], template: Template | None
) -> bool:
    """Whether the model needs code of its own and the user lets it run. Raises ModelError where it may not."""
    code = needed_code([], config, None, loaded_by=auto_class(causal=template is not None))
    if code is None:
        return False
    if not is_listed(folder, trusted):
        raise refused(folder, code)
    check_is_here(folder, config)
    return True


def auto_class(*, causal: bool) -> str:
    """The class of transformers that loads such a network."""
    return "AutoModelForCausalLM" if causal else "AutoModelForSequenceClassification"


def _advice(name: str) -> str:
    """What a user may have meant by a name that leads to no reranker."""
    close = close_names(name, ((entry.name, *entry.aliases) for entry in rerankers().values()))
    start = f"did you mean {', '.join(close)}? " if close else ""
    return f"{start}`hybridrag models list --rerankers` shows them; others are OWNER/NAME on the hub, or a folder"
