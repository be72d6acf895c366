"""Models that bring code of their own: whether one needs it, and whether the user lets it run (PRIVACY.md 13)."""

from __future__ import annotations

import contextlib
import importlib.util
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.catalogue import Entry, entry_for
from hybridrag.models.locate import ModelFolder
from hybridrag.models.rerank_catalogue import reranker_for

_COMMIT = re.compile(r"[0-9a-f]{40}")
_LIBRARY = "sentence_transformers."


def needed_code(
    kinds: Sequence[str], config: Mapping[str, Any], entry: Entry | None, *, loaded_by: str = "AutoModel"
) -> str | None:
    """The class outside the libraries that a model cannot do without; None where the libraries have all.

    `kinds` are the class paths of its modules, `config` is its config.json, `loaded_by` the class of transformers that
    loads it. An `auto_map` alone asks for nothing where transformers has the architecture under the same name, unless
    the catalogue knows that it computes another thing.
    """
    for kind in kinds:
        if not kind.startswith(_LIBRARY):
            return kind[:80]
    for named in (loaded_by, "AutoConfig"):
        wanted = auto_map(config).get(named)
        if wanted is not None and ((entry is not None and entry.remote_code) or not _is_native(config)):
            return wanted[:80]
    return None


def auto_map(config: Mapping[str, Any]) -> Mapping[str, str]:
    """The classes of a model's own that its configuration names, by what transformers would have them do."""
    found = config.get("auto_map")
    return {str(name): str(at) for name, at in found.items()} if isinstance(found, dict) else {}


def is_listed(folder: ModelFolder, trusted: Collection[str]) -> bool:
    """Whether `trusted` holds this folder's path, or this model at the very commit that the folder holds."""
    here = folder.path.resolve()
    commit = folder.path.name
    for item in trusted:
        name, at, revision = item.rpartition("@")
        if item.startswith(("/", "~")):
            with contextlib.suppress(RuntimeError):  # there is no such user
                if Path(item).expanduser().resolve() == here:
                    return True
        elif at and _COMMIT.fullmatch(commit) and revision == commit and name.lower() in _names(folder.name):
            return True
    return False


def lists_some_revision(trusted: Collection[str], name: str) -> bool:
    """Whether `trusted` holds the model called `name` at any revision, so that its code is worth fetching."""
    if not trusted:  # nearly always; the names take a reading of the catalogue
        return False
    names = _names(name)
    return any(item.rpartition("@")[0].lower() in names for item in trusted)


def code_files(folder: Path) -> list[Path]:
    """The Python files of a model, in order."""
    return sorted(folder.rglob("*.py"))


def refused(folder: ModelFolder, code: str) -> ModelError:
    """The error for a model whose code may not run."""
    bare = folder.name.partition("@")[0]
    shown = f"{bare}@{folder.path.name}" if _COMMIT.fullmatch(folder.path.name) else str(folder.path.resolve())
    return ModelError(
        f"the model in {folder.path} needs code of its own ({code}), which is not run",
        hint=f'read that code, and if you trust it write trusted_code = ["{shown}"] in your own settings file; '
        "or choose another model",
    )


def check_is_here(folder: ModelFolder, config: Mapping[str, Any]) -> None:
    """Raises ModelError where a model's code lies in another repository, which no trust in this one covers."""
    for place in auto_map(config).values():
        if "--" in place:
            raise ModelError(
                f"the model in {folder.path} takes its code from another repository ({place[:120]})",
                hint="no revision of this model says which code that is; copy the model to a folder of your own, put "
                "the code beside it, name it in auto_map without the repository, and list that folder in trusted_code",
            )


def _names(name: str) -> set[str]:
    """All that a model is called, in lower case."""
    bare = name.partition("@")[0]
    entry = entry_for(bare) or reranker_for(bare)
    return {known.lower() for known in (bare, *((entry.name, entry.repository) if entry else ()))}


def _is_native(config: Mapping[str, Any]) -> bool:
    """Whether the installed transformers has the model's architecture, told without importing it (it takes seconds)."""
    kind = str(config.get("model_type", "")).replace("-", "_")
    library = importlib.util.find_spec("transformers")
    if library is None or not kind.isidentifier():
        return False
    named = config.get("architectures")
    network = str(named[0]) if isinstance(named, list) and named else ""
    for place in library.submodule_search_locations or ():
        for file in (Path(place) / "models" / kind).glob("modeling_*.py"):
            if not network or f"class {network}(" in file.read_text(encoding="utf-8"):
                return True
    return False
