"""Models: the catalogue listed, one model explained, and models fetched ahead of their first use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from hybridrag.config import Settings, names_endpoint
from hybridrag.errors import HubUnavailable, ModelError, UsageError
from hybridrag.models import ModelSpec, find_model
from hybridrag.models.automatic import RuntimeName, first_choice, network_choice
from hybridrag.models.catalogue import Entry, catalogue
from hybridrag.models.downloading import Transfer
from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.hub import fetch
from hybridrag.models.locate import (
    HubModel,
    ModelFolder,
    hub_is_forbidden,
    locate,
    located,
    place_of,
    resolve,
)
from hybridrag.models.network import is_kept
from hybridrag.models.own_code import lists_some_revision
from hybridrag.models.rerank_catalogue import RerankerEntry, reranker_for, rerankers
from hybridrag.models.rerank_network import is_reranker_kept
from hybridrag.models.rerank_spec import find_reranker, is_reranker_folder, resolve_reranker
from hybridrag.models.snapshots import COMMIT

Origin = Literal["folder", "package", "hub"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the catalogue. `path` is None where the model is not on this machine."""

    entry: Entry
    path: Path | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class ListedReranker:
    """A line of the rerankers' catalogue. `path` is None where it is not on this machine."""

    entry: RerankerEntry
    path: Path | None
    is_set: bool


@dataclass(frozen=True, slots=True)
class Here:
    """A model's files on this machine: `size` bytes of them, at `commit` where they came from the hub."""

    path: Path
    origin: Origin
    commit: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of a model. `entry` is what the catalogue says, `spec` what its files say, if they are here.

    `runtime` is what would run it, `ready` whether that needs no preparation. `others` are other commits that
    are here, where the one asked for is not. `problem` tells why files that are here cannot be used.
    """

    name: str
    repository: str | None
    entry: Entry | None
    here: Here | None
    spec: ModelSpec | None = None
    fingerprint: str | None = None
    runtime: str | None = None
    ready: bool = False
    others: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ShownReranker:
    """All that is known of a reranker; the fields are those of `Shown`."""

    name: str
    repository: str | None
    entry: RerankerEntry | None
    here: Here | None
    window: int
    runtime: str | None = None
    ready: bool = False
    others: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is whole on this machine. `fetched` counts the bytes that had to come for it."""

    name: str
    repository: str | None
    here: Here
    fetched: int


def list_models(
    settings: Settings,
    *,
    languages: Collection[str] = (),
    licences: Collection[str] = (),
    most_parameters: int | None = None,
    only_here: bool = False,
) -> list[Listed]:
    """The models of the catalogue that know all the languages, have one of the licences and are small enough.

    Raises UsageError for a licence that no model has.
    """
    wanted = _checked_licences(licences, catalogue().values())
    default = _entry_of(settings.embedder)
    found = [
        Listed(entry, place_of(entry), is_default=entry is default)
        for entry in catalogue().values()
        if {language.lower() for language in languages} <= set(entry.languages)
        and (not wanted or entry.licence.lower() in wanted)
        and (most_parameters is None or entry.parameters <= most_parameters)
    ]
    return [line for line in found if line.path is not None or not only_here]


def list_rerankers(
    settings: Settings,
    *,
    languages: Collection[str] = (),
    licences: Collection[str] = (),
    most_parameters: int | None = None,
    only_here: bool = False,
) -> list[ListedReranker]:
    """The same of the rerankers."""
    wanted = _checked_licences(licences, rerankers().values())
    chosen = reranker_for(settings.reranker.partition("@")[0])
    found = [
        ListedReranker(entry, _reranker_here(entry), is_set=entry is chosen)
        for entry in rerankers().values()
        if {language.lower() for language in languages} <= set(entry.languages)
        and (not wanted or entry.licence.lower() in wanted)
        and (most_parameters is None or entry.parameters <= most_parameters)
    ]
    return [line for line in found if line.path is not None or not only_here]


def _checked_licences(licences: Collection[str], entries: Collection[Entry] | Collection[RerankerEntry]) -> set[str]:
    wanted = {licence.lower() for licence in licences}
    known = sorted({entry.licence for entry in entries})
    if unknown := wanted - {licence.lower() for licence in known}:
        raise UsageError(f"no model has the licence {min(unknown)}", hint="there are: " + ", ".join(known))
    return wanted


def _reranker_here(entry: RerankerEntry) -> Path | None:
    place = resolve_reranker(entry.name)
    return place.cached.find(place.revision, code=False) if isinstance(place, HubModel) else place.path


def show_reranker(name: str, settings: Settings) -> ShownReranker:
    """What is known of a reranker. Opens no socket. Raises ModelError where that is nothing at all."""
    place = check_name(name, settings)
    entry = reranker_for(name.partition("@")[0])
    repository = place.repository if isinstance(place, HubModel) else None
    window = entry.window if entry else 0
    try:
        folder = located(place, offline=True)
    except ModelError:
        others = tuple(place.cached.whole()) if isinstance(place, HubModel) else ()
        if entry is None:
            raise
        return ShownReranker(name, repository, entry, None, window, others=others)
    here = _here(folder, place)
    try:
        spec = find_reranker(name, offline=True, trusted=settings.trusted_code)
    except ModelError as exc:
        return ShownReranker(name, repository, entry, here, window, problem=f"{exc.message}; {exc.hint}")
    runtime = network_choice(device=settings.device, wanted=cast("RuntimeName", settings.runtime))
    ready = runtime != "openvino" or is_reranker_kept(spec, cache=settings.paths.cache)
    return ShownReranker(name, repository, spec.entry, here, spec.window, runtime, ready)


def show_model(name: str, settings: Settings) -> Shown:
    """What is known of a model. Opens no socket. Raises ModelError where that is nothing at all."""
    place = check_name(name, settings)
    repository = place.repository if isinstance(place, HubModel) else place.entry.repository if place.entry else None
    try:
        folder = locate(name, offline=True)
    except ModelError:
        others = tuple(place.cached.whole()) if isinstance(place, HubModel) else ()
        if place.entry is None and not others:
            hint = f"fetch it: hybridrag models pull {name}"
            raise ModelError(f"the model {name} is not on this machine, nor in the catalogue", hint=hint) from None
        if place.entry is None:
            raise
        return Shown(name, repository, place.entry, here=None, others=others)
    here = _here(folder, place)
    try:
        spec = find_model(name, offline=True, trusted=settings.trusted_code)
        identity = fingerprint(spec, cache=settings.paths.cache)
    except ModelError as exc:
        if place.entry is None:
            raise
        return Shown(name, repository, place.entry, here, problem=f"{exc.message}; {exc.hint}")
    runtime = first_choice(spec, device=settings.device, wanted=cast("RuntimeName", settings.runtime))
    ready = runtime != "openvino" or is_kept(spec, cache=settings.paths.cache)
    return Shown(name, repository, place.entry, here, spec, identity, runtime, ready)


def check_name(name: str, settings: Settings) -> ModelFolder | HubModel:
    """What a name stands for on this machine or the hub. Raises ModelError or UsageError where it can be nothing."""
    if names_endpoint(name):
        raise UsageError(f"{name} is a model behind an address: nothing of it is kept here", hint="see `doctor`")
    return resolve_reranker(name) if names_reranker(name, settings) else resolve(name)


def names_reranker(name: str, settings: Settings) -> bool:
    """Whether a name is a reranker's: of the catalogue, of the setting, or a folder that holds one."""
    bare = name.partition("@")[0]
    if names_endpoint(name):
        return False
    if reranker_for(bare) is not None or (settings.reranker and bare == settings.reranker.partition("@")[0]):
        return True
    folder = Path(name)
    with contextlib.suppress(RuntimeError):  # nobody's home is known
        folder = folder.expanduser() if name.startswith("~/") else folder
    return is_reranker_folder(folder)


def pull_model(
    name: str,
    settings: Settings,
    *,
    transfer: Transfer | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Makes a model whole on this machine, its content compared with its digests.

    A pinned model that is whole is not asked for again. Raises ModelError where it cannot be had.
    """
    place = check_name(name, settings)
    if isinstance(place, ModelFolder):
        return Pulled(name, place.entry.repository if place.entry else None, _here(place, place), fetched=0)
    code = lists_some_revision(settings.trusted_code, name)
    offline, pinned = settings.offline or hub_is_forbidden(), COMMIT.fullmatch(place.revision or "") is not None
    path, fetched = place.cached.find(place.revision, code=code), 0
    if path is not None and (offline or pinned) and (damaged := place.cached.remove_damaged(path.name)):
        notify(f"damaged and removed: {', '.join(damaged)} of {name}")
        path = None
    if not offline and (path is None or not pinned):
        try:
            fetched = fetch(place, code=code, transfer=transfer, notify=notify).size
        except HubUnavailable as exc:
            if path is None:
                raise
            notify(f"{exc.message}; the revision that is here stays")
    folder = located(place, offline=settings.offline, code=code)  # tells what is missing, where it may not be fetched
    entry = reranker_for(name)
    if entry is not None and not entry.revision:
        notify(
            f"the catalogue pins no revision of {name}: this is {folder.path.name}, and a later one may score "
            f'differently; to stay with it, set reranker = "{entry.name}@{folder.path.name}"'
        )
    return Pulled(name, place.repository, _here(folder, place), fetched)


def _entry_of(name: str) -> Entry | None:
    if names_endpoint(name):
        return None
    try:
        return resolve(name).entry
    except ModelError:
        return None


def _here(folder: ModelFolder, place: ModelFolder | HubModel) -> Here:
    from_hub = isinstance(place, HubModel)
    packaged = not from_hub and folder.entry is not None and folder.path.parent.name == folder.entry.package
    origin: Origin = "hub" if from_hub else "package" if packaged else "folder"
    size = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    return Here(folder.path, origin, folder.path.name if from_hub else None, size)
