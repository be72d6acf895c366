"""The hub's cache on this machine, without the hub's library: importing that takes longer than a query may.

Layout (huggingface.co/docs/huggingface_hub/guides/manage-cache):

    models--OWNER--NAME/
      blobs/DIGEST                   a file's content, named by its SHA-256 (LFS) or by git's SHA-1 of it
      refs/main                      the commit where a branch or tag was last seen
      snapshots/COMMIT/config.json   a link to a blob
      trees/COMMIT.json              what the whole repository holds, where the library noted it
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

COMMIT = re.compile(r"[0-9a-f]{40}")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Module:
    """A line of a modules.json: a class path, and the folder of its files (`""` for the top)."""

    kind: str
    folder: str

    @property
    def name(self) -> str:
        return self.kind.rsplit(".", 1)[-1]


@dataclass(frozen=True, slots=True)
class CachedRepository:
    """A repository's folder in the cache, which need not exist.

    `listing` is the file that tells of what the model consists; a snapshot without it is not whole.
    """

    folder: Path
    listing: str = "modules.json"

    def snapshot(self, commit: str) -> Path:
        return self.folder / "snapshots" / commit

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest

    def commit(self, revision: str | None) -> str | None:
        """The commit of a branch, a tag or a commit (seven digits will do), as far as this machine knows it."""
        if revision is not None and COMMIT.fullmatch(revision):
            return revision
        try:
            noted = (self.folder / "refs" / (revision or "main")).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            noted = ""
        if COMMIT.fullmatch(noted):
            return noted
        if revision is None or not _ABBREVIATED.fullmatch(revision):
            return None
        candidates = [commit for commit in self._commits() if commit.startswith(revision)]
        return candidates[0] if len(candidates) == 1 else None

    def find(self, revision: str | None, *, code: bool) -> Path | None:
        """The snapshot of a revision, where all of it is here. `code` asks for the model's own code as well."""
        commit = self.commit(revision)
        return self.snapshot(commit) if commit is not None and self.is_whole(commit, code=code) else None

    def whole(self) -> list[str]:
        """The commits whose snapshots are all here."""
        return [commit for commit in self._commits() if self.is_whole(commit, code=False)]

    @property
    def has_begun(self) -> bool:
        """Whether something of the repository is here, be it half a file."""
        return any(self.folder.glob("blobs/*"))

    def is_whole(self, commit: str, *, code: bool) -> bool:
        """Whether a snapshot lacks nothing that running the model needs.

        Told by the list of the repository's files where there is one, and else by what a model consists of.
        """
        folder = self.snapshot(commit)
        try:
            modules = read_listing(self.listing, (folder / self.listing).read_bytes())
            names = self._listed(commit) or sorted(_files(folder))
            needed = [*wanted(names, modules, code=code), *_shards(folder)]
            if code:
                needed += _own_code(folder, modules)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):  # files that hold something else
            return False
        return lacking(names, modules) is None and all((folder / name).is_file() for name in needed)

    def remove_damaged(self, commit: str) -> list[str]:
        """Removes the files of a snapshot that would be used and do not hold what their blob's name says.

        Returns their names. A file that is no link to a blob has nothing to be compared with.
        """
        folder = self.snapshot(commit)
        modules = read_listing(self.listing, (folder / self.listing).read_bytes())
        named = {name: _blob_name(folder / name) for name in wanted(sorted(_files(folder)), modules, code=True)}
        wrong = [name for name, digest in named.items() if digest and digest_of(folder / name, like=digest) != digest]
        for name in wrong:
            (folder / name).resolve().unlink()
        return wrong

    def link(self, commit: str, digests: Mapping[str, str]) -> None:
        """Makes the snapshot of a commit from blobs that are here: path in the repository to digest."""
        # A snapshot without its listing is not whole, so that one comes last.
        for path in sorted(digests, key=lambda path: path == self.listing):
            link, blob = self.snapshot(commit) / path, self.blob(digests[path])
            if link.is_file() and (link.samefile(blob) or digest_of(link, like=blob.name) == blob.name):
                continue
            with _draft_of(link) as draft:
                try:
                    draft.symlink_to(os.path.relpath(blob, link.parent))
                except OSError:  # a file system without links
                    shutil.copyfile(blob, draft)

    def note(self, revision: str, commit: str) -> None:
        """Remembers where a branch or tag is now. Writes nothing where that is known: the cache may be read-only."""
        if self.commit(revision) != commit:
            with _draft_of(self.folder / "refs" / revision) as draft:
                draft.write_text(commit, encoding="ascii")

    def _commits(self) -> list[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self.folder / "snapshots") if COMMIT.fullmatch(entry.name))
        except OSError:
            return []

    def _listed(self, commit: str) -> list[str]:
        try:
            return sorted(json.loads((self.folder / "trees" / f"{commit}.json").read_bytes())["files"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def cached_repository(
    repository: str, environ: Mapping[str, str] = os.environ, *, listing: str = "modules.json"
) -> CachedRepository:
    """Where the cache keeps `OWNER/NAME`: under HF_HUB_CACHE, HF_HOME or XDG_CACHE_HOME, as the library does."""

    def expanded(path: str) -> Path:
        return Path(os.path.expandvars(os.path.expanduser(path)))  # noqa: PTH111  # as the library: `~` as text first

    home = expanded(environ.get("HF_HOME") or f"{environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface")
    given = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    root = expanded(given) if given else home / "hub"
    return CachedRepository(root / f"models--{repository.replace('/', '--')}", listing)


# --- which files -----------------------------------------------------------------------------------------------------


def read_listing(name: str, text: bytes) -> list[Module]:
    """The modules that a listing tells of: a modules.json, or else the config.json of a reranker, which is one network.

    Raises ValueError for anything else.
    """
    if name == "modules.json":
        return read_modules(text)
    try:
        config = json.loads(text)
    except RecursionError as exc:
        raise ValueError("no configuration") from exc
    if not isinstance(config, dict):
        raise ValueError("no configuration")
    return [Module("sentence_transformers.models.Transformer", "")]


def read_modules(text: bytes) -> list[Module]:
    """The modules that a modules.json names. Raises ValueError for anything else."""
    try:
        modules = [Module(str(listed["type"]), str(listed["path"]).strip("./")) for listed in json.loads(text)]
    except (TypeError, KeyError, RecursionError) as exc:
        raise ValueError("no list of modules") from exc
    if not modules:
        raise ValueError("no modules")
    return modules


def wanted(names: Collection[str], modules: Sequence[Module], *, code: bool, graph: bool = False) -> list[str]:
    """Those of a repository's files that running the model needs; never a pickle, and seldom the same weights twice.

    `code` takes the model's own Python files as well. A shipped network (OpenVINO, else ONNX) is taken with `graph`,
    and where weights cannot be run: there are no safetensors, or torch, which converts them, is not installed.
    """
    folders = ["", *(module.folder for module in modules if module.folder)]
    inside = [name for name in names if _is_safe(name) and any(_belongs(name, folder) for folder in folders)]
    weights = [name for folder in dict.fromkeys(folders) for name in _weights(inside, folder)]
    kinds = ("*.json", "*.txt", "*.model", *(("*.py",) if code else ()))
    found = [name for name in inside if any(fnmatchcase(name, kind) for kind in kinds)] + weights
    is_static = modules[0].name == "StaticEmbedding"
    if graph or not weights or (not is_static and importlib.util.find_spec("torch") is None):
        found += shipped_graph(names)
    return list(dict.fromkeys(found))


def lacking(names: Collection[str], modules: Sequence[Module]) -> str | None:
    """What keeps a repository with these files from being run, or None."""
    found = set(wanted(names, modules, code=False))
    if not any(PurePosixPath(name).name == "tokenizer.json" for name in found):
        return "tokenizer.json"
    tensors = any(name.endswith(".safetensors") for name in found)
    if not tensors and not shipped_graph(names):
        return "weights as safetensors"
    for module in modules:
        if module.folder and module.name in {"Pooling", "Dense"} and f"{module.folder}/config.json" not in found:
            return f"{module.folder}/config.json"
        if module.name == "Dense" and tensors and not _weights(found, module.folder):
            return f"{module.folder}/model.safetensors"
    return None


def _belongs(name: str, folder: str) -> bool:
    """Top-level files by themselves; a module's folder with all that is under it."""
    return name.startswith(f"{folder}/") if folder else "/" not in name


def _is_safe(name: str) -> bool:
    """Whether a name from elsewhere stays inside the folder it is put in."""
    return bool(name) and not name.startswith("/") and "\\" not in name and ".." not in name.split("/")


def _weights(names: Collection[str], folder: str) -> list[str]:
    """One set of safetensors in a folder, chosen as transformers does: the whole file before the split one."""
    base = f"{folder}/" if folder else ""
    here = sorted(n for n in names if n.startswith(base) and n.endswith(".safetensors") and "/" not in n[len(base) :])
    if f"{base}model.safetensors" in here:
        return [f"{base}model.safetensors"]
    if f"{base}model.safetensors.index.json" in names:
        return [name for name in here if fnmatchcase(name, f"{base}model-*-of-*.safetensors")]
    return here


def shipped_graph(names: Collection[str]) -> list[str]:
    """The network among these files that would be used (`graph.py`), with what holds its weights; empty without one."""
    for base in ("openvino/", ""):
        openvino = [f"{base}openvino_model.xml", f"{base}openvino_model.bin"]
        if all(name in names for name in openvino):
            return openvino
    for base in ("onnx/", ""):
        if f"{base}model.onnx" in names:
            beside = (f"{base}model.onnx_data*", f"{base}model.onnx.data*")
            return [f"{base}model.onnx", *sorted(n for n in names if any(fnmatchcase(n, kind) for kind in beside))]
    return []


def _files(folder: Path) -> Iterator[str]:
    for parent, _, files in os.walk(folder):
        inside = Path(parent).relative_to(folder)
        yield from ((inside / file).as_posix() for file in files)


def _shards(folder: Path) -> list[str]:
    """The files that a split set of weights consists of, as its index names them."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").exists() or not index.is_file():
        return []
    places = json.loads(index.read_bytes()).get("weight_map", {})
    return sorted({str(name) for name in places.values()})


def _own_code(folder: Path, modules: Sequence[Module]) -> list[str]:
    """The Python files that a model's configuration names, those of other repositories left out."""
    config = json.loads((folder / "config.json").read_bytes())
    mapped = [str(place) for place in dict(config.get("auto_map") or {}).values()]
    classes = [module.kind for module in modules if not module.kind.startswith("sentence_transformers.")]
    return sorted({f"{place.split('.')[0]}.py" for place in (*mapped, *classes) if "--" not in place})


# --- content ---------------------------------------------------------------------------------------------------------


def digest_of(path: Path, *, like: str) -> str:
    """The name that the hub gives a file's content: SHA-256, or git's SHA-1 of a blob where `like` is that short."""
    with path.open("rb") as file:
        if len(like) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest()
        # git's own hash, not a matter of security: git-scm.com/book/en/v2/Git-Internals-Git-Objects
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        while block := file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def _blob_name(path: Path) -> str:
    """The name of the blob that a file of a snapshot is a link to; empty where it is none."""
    if not path.is_symlink():
        return ""
    name = path.readlink().name
    return name if is_digest(name) else ""
