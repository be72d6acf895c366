"""The hub: a repository at a revision, looked at and fetched into the hub's own cache. The only step here that opens a
socket.

The hub's library finds addresses, tokens and proxies, and its cache is used as it is (`snapshots.py`), so that models
are shared with every other tool. `downloading.py` fetches the files. Links to blobs, that of `modules.json`
(`config.json` for a reranker) last, make the snapshot. So whatever ends a download, what counts as whole is whole.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag import __version__
from hybridrag.errors import HubUnavailable, ModelError
from hybridrag.models.downloading import Download, RemoteFile, Transfer, Unseen, patiently
from hybridrag.models.hub_failures import address_of, host, told
from hybridrag.models.locate import HubModel, hub_is_forbidden
from hybridrag.models.own_code import needed_code
from hybridrag.models.rerank_spec import auto_class, is_classifier
from hybridrag.models.snapshots import COMMIT, is_digest, lacking, read_listing, shipped_graph, wanted

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_LARGEST_CONFIGURATION = 1_000_000
"""Bytes of a config.json that is fetched only to see what a repository holds."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole snapshot. `size` counts the bytes that came over the network for it now."""

    path: Path
    commit: str
    size: int


def fetch(
    model: HubModel,
    *,
    code: bool = False,
    transfer: Transfer | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Fetched:
    """Asks the hub for a model and fetches what is not here yet, or is here but damaged.

    Raises ModelError where the hub has no such model, refuses it, or sends something else than it announced;
    HubUnavailable where it cannot be reached or breaks off.
    """
    if hub_is_forbidden():
        raise ModelError(f"HF_HUB_OFFLINE forbids fetching the model {model.name}", hint="unset it for this once")
    _quieten()
    try:
        return _fetched(model, transfer or Unseen(), notify, code=code)
    except ModelError:
        raise
    except Exception as exc:
        raise told(exc, model) from exc


def _fetched(model: HubModel, transfer: Transfer, notify: Callable[[str], None], *, code: bool) -> Fetched:
    commit, files = _ask(model)
    cache, download = model.cached, Download(model, commit, transfer, notify)
    listing = files.get(cache.listing)
    if listing is None:
        raise _reranker(model) if _is_classifier(model, files, download) else _unusable(model, cache.listing)
    content = download.content(listing)
    modules = read_listing(cache.listing, content)
    if missing := lacking(files, modules):
        raise _unusable(model, missing)
    # A graph computes what the model's own code would, and is no program.
    graph = not code and _needs_code(model, content)
    if graph and not shipped_graph(files):
        raise _untrusted(model, commit)
    chosen = [files[name] for name in wanted(files, modules, code=code, graph=graph)]
    download.complete(chosen)
    cache.link(commit, {file.path: file.digest for file in chosen})
    cache.note(model.revision or "main", commit)
    return Fetched(cache.snapshot(commit), commit, download.received)


def _ask(model: HubModel) -> tuple[str, dict[str, RemoteFile]]:
    """The commit of the revision, and every file in it by path."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT as TIMEOUT

    api = HfApi(library_name="hybridrag", library_version=__version__)
    repository, revision = model.repository, model.revision

    def ask() -> ModelInfo:
        try:
            return api.model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT)
        except (AttributeError, KeyError, TypeError) as exc:  # JSON, but of another kind
            raise ValueError("no model's description") from exc

    info = patiently(ask, tries=2, stop=threading.Event())
    # Commit and digests become names of files here, so they are not taken on trust.
    if info.sha is None or not COMMIT.fullmatch(info.sha):
        raise HubUnavailable(f"{host()} tells no revision of the model {model.name}", hint="is it a hub?")
    found = {}
    for sibling in info.siblings or []:
        digest = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
        if sibling.size is not None and digest is not None and is_digest(digest):
            found[sibling.rfilename] = RemoteFile(sibling.rfilename, sibling.size, digest)
    return info.sha, found


def _needs_code(model: HubModel, listing: bytes) -> bool:
    """Whether the model needs code of its own: the catalogue knows it, or a reranker's config.json says it."""
    if model.listing == "config.json":
        return needed_code([], json.loads(listing), None, loaded_by=auto_class(causal=False)) is not None
    return model.entry is not None and model.entry.remote_code


def _is_classifier(model: HubModel, files: Mapping[str, RemoteFile], download: Download) -> bool:
    """Whether the repository is that of a classifier, as most rerankers are, asked for as an embedding model."""
    config = files.get("config.json")
    if model.cached.listing == "config.json" or config is None or config.size > _LARGEST_CONFIGURATION:
        return False
    try:
        found = json.loads(download.content(config))
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and is_classifier(found)


def _reranker(model: HubModel) -> ModelError:
    return ModelError(
        f"the model {model.name} is no embedding model, but a classifier, as rerankers are",
        hint=f'if it is a reranker, set reranker = "{model.name}" first, in your settings file '
        "(`hybridrag config path`) or as HYBRIDRAG_RERANKER",
    )


def _unusable(model: HubModel, missing: str) -> ModelError:
    return ModelError(
        f"the model {model.name} cannot be used: its repository has no {missing}",
        hint="choose one that was saved with sentence-transformers, with safetensors and a fast tokenizer; "
        "weights in other formats are programs and are not loaded",
    )


def _untrusted(model: HubModel, commit: str) -> ModelError:
    name = model.name.partition("@")[0]
    return ModelError(
        f"the model {name} needs code of its own, which is not run",
        hint=f"read it at {address_of(model.repository)}/tree/{commit}, and if you trust it write "
        f'trusted_code = ["{name}@{commit}"] in your own settings file; or choose another model',
    )


def _quieten() -> None:
    """The library neither draws nor tells anybody about us."""
    for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ[name] = "1"
    from huggingface_hub import constants
    from huggingface_hub.utils import logging

    constants.HF_HUB_DISABLE_TELEMETRY = True  # where the library was imported before
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
