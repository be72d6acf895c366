"""Rerankers found and understood: which network, which window, how a pair is written. Read without torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridrag.config import LEAST_WINDOW
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
    `trusted` means that the model needs code of its own and the user lets it run. `padding_id` is the token that its
    network takes for padding, where its configuration names one.
    """

    name: str
    path: Path
    window: int
    template: Template | None = None
    tokenizing: Mapping[str, Any] = field(default_factory=dict)
    entry: RerankerEntry | None = None
    graph: Path | None = None
    trusted: bool = False
    padding_id: int | None = None


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
    graph = shipped_graph(path) if template is None else None  # a language model's was exported for generating text
    own_code = _own_code_runs(folder, config, trusted, template=template, graph=graph)
    if not (path / "tokenizer.json").is_file():
        raise ModelError(f"{path} has no tokenizer.json", hint="save the model again with its fast tokenizer")
    check_weights(path, [("Transformer", path)] if graph is None else [])
    longest = min(window(path), entry.window if entry else NO_LIMIT)
    if longest < LEAST_WINDOW:
        raise ModelError(
            f"the model in {path} takes {longest} tokens, too few for a question and a text",
            hint="its configuration is damaged: fetch it again, or choose another",
        )
    return RerankerSpec(
        name=folder.name,
        path=path,
        window=longest,
        template=template,
        tokenizing={key: value for key, value in tokenizing(path).items() if key in {"word_piece", "lower_case"}},
        entry=entry,
        graph=graph,
        trusted=own_code,
        padding_id=_padding_id(config),
    )


def is_reranker_folder(path: Path) -> bool:
    """Whether a folder holds a reranker rather than an embedding model, as far as its configuration tells."""
    try:
        if (path / "modules.json").is_file():  # sentence-transformers saved it, and says as what
            return read_object(path / "config_sentence_transformers.json").get("model_type") == "CrossEncoder"
        network = _network(read_object(path / "config.json"))
    except (ModelError, OSError, ValueError):  # a damaged file; a name with a NUL, or longer than any path
        return False
    return network.endswith((_CLASSIFIER, _LANGUAGE_MODEL))


def is_classifier(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a network with scores for a text, as most rerankers are."""
    return _network(config).endswith(_CLASSIFIER)


_CLASSIFIER, _LANGUAGE_MODEL = "ForSequenceClassification", "ForCausalLM"
_BIDIRECTIONAL = {
    *("albert", "bert", "camembert", "convbert", "data2vec-text", "deberta", "deberta-v2", "distilbert", "electra"),
    *("ernie", "eurobert", "gte", "ibert", "jina_embeddings_v3", "megatron-bert", "mobilebert", "modernbert", "mpnet"),
    *("nomic_bert", "rembert", "roberta", "roberta-prelayernorm", "roformer", "squeezebert", "xlm-roberta"),
    "xlm-roberta-xl",
}
"""The networks of transformers that see all of a pair at every token, and whose score no padding behind it changes. A
decoder's is read at its last token, where transformers takes padding for text if nothing names the padding token."""


def _network(config: Mapping[str, Any]) -> str:
    named = config.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else ""


def _reads_whole_pairs(config: Mapping[str, Any]) -> bool:
    if config.get("is_decoder") is True:
        return False
    if config.get("model_type") in _BIDIRECTIONAL:
        return True
    # What a network of the model's own does is up to whoever trusts it; those with such heads are decoders.
    own = needed_code([], config, None, loaded_by=auto_class(causal=False))
    return own is not None and "num_key_value_heads" not in config


def _padding_id(config: Mapping[str, Any]) -> int | None:
    found = config.get("pad_token_id")
    return found if type(found) is int and found >= 0 else None


def _template(path: Path, config: Mapping[str, Any], entry: RerankerEntry | None) -> Template | None:
    """How the folder's language model is asked; None for a classifier of pairs."""
    network = _network(config)
    if network.endswith(_CLASSIFIER) and _reads_whole_pairs(config):
        if (count := _scores(config)) != 1:
            raise ModelError(
                f"the model in {path} gives {count} numbers for a pair, not one score",
                hint="it sorts texts into classes; choose a reranker: `hybridrag models list --rerankers`",
            )
        return None
    if entry is not None and entry.template and network.endswith("ForCausalLM"):
        return TEMPLATES[entry.template]
    if network.endswith(_CLASSIFIER):
        kind = str(config.get("model_type", ""))[:60] or "without a model_type"
        raise ModelError(
            f"the model in {path} ({kind}) is not one that is known to read a question and a text as a whole",
            hint="choose a reranker of another kind (`hybridrag models list --rerankers`), or serve this one and name "
            "it as URL#MODEL",
        )
    if network.endswith(_LANGUAGE_MODEL):
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
    folder: ModelFolder,
    config: Mapping[str, Any],
    trusted: Collection[str],
    *,
    template: Template | None,
    graph: Path | None,
) -> bool:
    """Whether the model needs code of its own and the user lets it run. Raises ModelError where it may not, and no
    graph stands in for it."""
    code = needed_code([], config, None, loaded_by=auto_class(causal=template is not None))
    if code is None:
        return False
    if is_listed(folder, trusted):
        check_is_here(folder, config)
        return True
    if graph is None:
        raise refused(folder, code)
    return False


def auto_class(*, causal: bool) -> str:
    """The class of transformers that loads such a network."""
    return "AutoModelForCausalLM" if causal else "AutoModelForSequenceClassification"


def _advice(name: str) -> str:
    """What a user may have meant by a name that leads to no reranker."""
    close = close_names(name, ((entry.name, *entry.aliases) for entry in rerankers().values()))
    start = f"did you mean {', '.join(close)}? " if close else ""
    return f"{start}`hybridrag models list --rerankers` shows them; others are OWNER/NAME on the hub, or a folder"
