"""What runs a network: models found, understood and run.

`find_model` and `open_embedder` are the way in, `find_reranker` and `open_reranker` that to rerankers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from hybridrag.models.automatic import AutomaticEmbedder, RuntimeName
from hybridrag.models.endpoint_runtime import EndpointEmbedder
from hybridrag.models.endpoints import EndpointModel, endpoint_model
from hybridrag.models.estimate import EstimatedTokenizer
from hybridrag.models.locate import locate
from hybridrag.models.own_code import lists_some_revision
from hybridrag.models.probes import PROBES, CheckedEmbedder, passed_note
from hybridrag.models.probes import TEXTS as PROBE_TEXTS
from hybridrag.models.rerank_endpoint_runtime import EndpointReranker
from hybridrag.models.rerank_endpoints import EndpointRerankerModel, endpoint_reranker
from hybridrag.models.rerank_spec import RerankerSpec, find_reranker
from hybridrag.models.reranker import AutomaticReranker, open_reranker
from hybridrag.models.runtime import Precision
from hybridrag.models.spec import ModelSpec, read_spec
from hybridrag.models.tokenizer import FastTokenizer

__all__ = [
    "PROBE_TEXTS",
    "AutomaticEmbedder",
    "AutomaticReranker",
    "CheckedEmbedder",
    "EndpointEmbedder",
    "EndpointModel",
    "EndpointReranker",
    "EndpointRerankerModel",
    "EstimatedTokenizer",
    "FastTokenizer",
    "ModelSpec",
    "Precision",
    "RerankerSpec",
    "RuntimeName",
    "checked_embedder",
    "endpoint_model",
    "endpoint_reranker",
    "find_model",
    "find_reranker",
    "open_embedder",
    "open_reranker",
]


def find_model(
    name: str, *, offline: bool, trusted: Collection[str] = (), notify: Callable[[str], None] = lambda _: None
) -> ModelSpec:
    """The spec of a model by name or folder. Raises ModelError where it cannot be had.

    `trusted` holds the models, as `NAME@COMMIT` or a folder's whole path, whose own code may run. `notify` tells of a
    download.
    """
    folder = locate(name, offline=offline, code=lists_some_revision(trusted, name), notify=notify)
    return read_spec(folder, trusted=trusted)


def open_embedder(
    spec: ModelSpec,
    *,
    cache: Path,
    device: str = "auto",
    runtime: RuntimeName = "auto",
    precision: Precision = "auto",
    notify: Callable[[str], None] = lambda _: None,
) -> AutomaticEmbedder:
    """The embedder of a model. Nothing is loaded before the first text."""
    return AutomaticEmbedder(spec, cache=cache, device=device, wanted=runtime, precision=precision, notify=notify)


def checked_embedder(
    embedder: AutomaticEmbedder | EndpointEmbedder,
    *,
    stored: bytes | None,
    keep: Callable[[bytes], bytes] | None,
    cache: Path,
) -> CheckedEmbedder:
    """An embedder that shows by its probes, before its first text, that it gives the vectors of a generation.

    Once a process for a server, which may be given another model at any time; once a machine for a model here, and
    again when another runtime computes it. `stored` and `keep` are as for `CheckedEmbedder`.
    """
    if isinstance(embedder, EndpointEmbedder):
        return CheckedEmbedder(embedder, probe=embedder.probes, stored=stored, keep=keep, passed=None)
    return CheckedEmbedder(
        embedder,
        probe=lambda: embedder.embed_documents(PROBES),
        stored=stored,
        keep=keep,
        passed=lambda kept: passed_note(cache, embedder, kept),
    )
