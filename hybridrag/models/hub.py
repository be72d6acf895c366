"""The hub: a repository at a revision, fetched into the hub's own cache. The only step here that opens a socket.

The hub's library finds addresses, tokens and proxies, and its cache is used as it is (`snapshots.py`), so that models
are shared with every other tool. The files are fetched here and not by its `snapshot_download`: that begins a broken
download again from nothing (2.4 does), never looks at the content, and its fast path (xet) neither goes on where it
stopped nor opens its sockets where `--offline` could see them.

A file is written to `blobs/DIGEST.incomplete`, compared with its digest, and then renamed. Links to blobs, that of
`modules.json` (`config.json` for a reranker) last, make the snapshot. So whatever ends a download, what counts as whole
is whole.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from hybridrag import __version__
from hybridrag.errors import HubUnavailable, ModelError
from hybridrag.models.hub_failures import address_of, host, may_pass, told
from hybridrag.models.locate import HubModel, hub_is_forbidden
from hybridrag.models.own_code import needed_code
from hybridrag.models.rerank_spec import auto_class, is_classifier
from hybridrag.models.snapshots import (
    COMMIT,
    digest_of,
    is_digest,
    lacking,
    read_listing,
    shipped_graph,
    wanted,
)

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_TRIES = 5
"""So often in a row a file's request may fail without a single new byte."""
_PAUSE = 0.5
"""Seconds before the second try, twice as many before each further one."""
_AT_ONCE = 4
"""Files fetched at the same time."""
_LARGEST_CONFIGURATION = 1_000_000
"""Bytes of a config.json that is fetched only to see what a repository holds."""
_GRACE = 0.2
"""Seconds that an interrupt waits for each of them."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. `digest` is the SHA-256 of its content, or git's SHA-1 if the hub knows no other."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole snapshot. `size` counts the bytes that came over the network for it now."""

    path: Path
    commit: str
    size: int


class Transfer(Protocol):
    """Where a download reports. May be called from several threads."""

    def begin(self, name: str, *, total: int, done: int) -> None:
        """Of `total` bytes, `done` are here already."""

    def advance(self, size: int) -> None:
        """So many more bytes are here; fewer than none where a file had to be begun again."""


class Unseen:
    """A `Transfer` that shows nothing."""

    def begin(self, name: str, *, total: int, done: int) -> None: ...

    def advance(self, size: int) -> None: ...


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
        return _Download(model, transfer or Unseen(), notify).run(code=code)
    except ModelError:
        raise
    except Exception as exc:
        raise told(exc, model) from exc


def amount(size: int) -> str:
    """A number of bytes as people read it."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 10_000_000 else f"{size / 1e6:.1f} MB"


class _Download:
    def __init__(self, model: HubModel, transfer: Transfer, notify: Callable[[str], None]) -> None:
        self.model = model
        self.cache = model.cached
        self._transfer = transfer
        self._notify = notify
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._received = 0

    def run(self, *, code: bool) -> Fetched:
        commit, files = self._ask()
        listing = files.get(self.cache.listing)
        if listing is None:
            raise self._reranker() if self._is_classifier(commit, files) else self._unusable(self.cache.listing)
        content = self._content(commit, listing)
        modules = read_listing(self.cache.listing, content)
        if missing := lacking(files, modules):
            raise self._unusable(missing)
        # A graph computes what the model's own code would, and is no program.
        graph = not code and self._needs_code(content)
        if graph and not shipped_graph(files):
            raise self._untrusted(commit)
        chosen = [files[name] for name in wanted(files, modules, code=code, graph=graph)]
        self._complete(commit, chosen)
        self.cache.link(commit, {file.path: file.digest for file in chosen})
        self.cache.note(self.model.revision or "main", commit)
        return Fetched(self.cache.snapshot(commit), commit, self._received)

    # --- what there is -----------------------------------------------------------------------------------------------

    def _ask(self) -> tuple[str, dict[str, RemoteFile]]:
        """The commit of the revision, and every file in it by path."""
        from huggingface_hub import HfApi
        from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT as TIMEOUT

        api = HfApi(library_name="hybridrag", library_version=__version__)
        repository, revision = self.model.repository, self.model.revision

        def ask() -> ModelInfo:
            try:
                return api.model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT)
            except (AttributeError, KeyError, TypeError) as exc:  # JSON, but of another kind
                raise ValueError("no model's description") from exc

        info: ModelInfo = self._patiently(ask, tries=2)
        # Commit and digests become names of files here, so they are not taken on trust.
        if info.sha is None or not COMMIT.fullmatch(info.sha):
            raise HubUnavailable(f"{host()} tells no revision of the model {self.model.name}", hint="is it a hub?")
        found = {}
        for sibling in info.siblings or []:
            digest = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
            if sibling.size is not None and digest is not None and is_digest(digest):
                found[sibling.rfilename] = RemoteFile(sibling.rfilename, sibling.size, digest)
        return info.sha, found

    def _content(self, commit: str, file: RemoteFile) -> bytes:
        """A small file, fetched now if it is not here."""
        if not self._is_here(file):
            self._fetch_all(commit, [file])
        return self.cache.blob(file.digest).read_bytes()

    def _needs_code(self, listing: bytes) -> bool:
        """Whether the model needs code of its own: the catalogue knows it, or a reranker's config.json says it."""
        if self.model.listing == "config.json":
            return needed_code([], json.loads(listing), None, loaded_by=auto_class(causal=False)) is not None
        return self.model.entry is not None and self.model.entry.remote_code

    def _is_classifier(self, commit: str, files: Mapping[str, RemoteFile]) -> bool:
        """Whether the repository is that of a classifier, as most rerankers are, asked for as an embedding model."""
        config = files.get("config.json")
        if self.cache.listing == "config.json" or config is None or config.size > _LARGEST_CONFIGURATION:
            return False
        try:
            found = json.loads(self._content(commit, config))
        except (ValueError, RecursionError):
            return False
        return isinstance(found, dict) and is_classifier(found)

    def _reranker(self) -> ModelError:
        return ModelError(
            f"the model {self.model.name} is no embedding model, but a classifier, as rerankers are",
            hint=f'if it is a reranker, set reranker = "{self.model.name}" first, in your settings file '
            "(`hybridrag config path`) or as HYBRIDRAG_RERANKER",
        )

    def _unusable(self, missing: str) -> ModelError:
        return ModelError(
            f"the model {self.model.name} cannot be used: its repository has no {missing}",
            hint="choose one that was saved with sentence-transformers, with safetensors and a fast tokenizer; "
            "weights in other formats are programs and are not loaded",
        )

    def _untrusted(self, commit: str) -> ModelError:
        name = self.model.name.partition("@")[0]
        return ModelError(
            f"the model {name} needs code of its own, which is not run",
            hint=f"read it at {address_of(self.model.repository)}/tree/{commit}, and if you trust it write "
            f'trusted_code = ["{name}@{commit}"] in your own settings file; or choose another model',
        )

    def _is_here(self, file: RemoteFile) -> bool:
        blob = self.cache.blob(file.digest)
        if not blob.is_file():
            return False
        if digest_of(blob, like=file.digest) == file.digest:
            return True
        blob.unlink()
        self._notify(f"{file.path} was damaged on this machine and is fetched again")
        return False

    # --- fetching ----------------------------------------------------------------------------------------------------

    def _complete(self, commit: str, files: Iterable[RemoteFile]) -> None:
        """Fetches those of the files that are not here, the largest first."""
        contents = list({file.digest: file for file in files}.values())
        missing = sorted((file for file in contents if not self._is_here(file)), key=lambda file: -file.size)
        begun = sum(self._begun(file) for file in missing)
        needed = sum(file.size for file in missing) - begun
        self._check_room(needed)
        if missing:
            part = "the rest of the model" if begun else "the model"
            self._notify(f"fetching {part} {self.model.name} from {host()}: {amount(needed)}")
        total = sum(file.size for file in contents)
        self._transfer.begin(self.model.name, total=total, done=total - needed)
        self._fetch_all(commit, missing)

    def _check_room(self, needed: int) -> None:
        place = next(folder for folder in (self.cache.folder, *self.cache.folder.absolute().parents) if folder.is_dir())
        free = shutil.disk_usage(place).free
        if needed > free:
            raise ModelError(
                f"the model {self.model.name} needs {amount(needed)}, and the disk of {place} has {amount(free)} free",
                hint="free space, or put the cache elsewhere with HF_HOME",
            )

    def _fetch_all(self, commit: str, files: Sequence[RemoteFile]) -> None:
        """Several files at a time. The threads are daemons: an interrupt does not wait for a silent server."""
        left = iter(files)
        failures: list[Exception] = []

        def work() -> None:
            while not self._stop.is_set():
                with self._counting:
                    file = next(left, None)
                if file is None:
                    return
                try:
                    self._fetch_one(commit, file)
                except Exception as exc:
                    failures.append(exc)
                    self._stop.set()

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(_AT_ONCE, len(files)))]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop.set()
            for thread in filter(threading.Thread.is_alive, threads):
                thread.join(_GRACE)  # none should be writing to the terminal when the interpreter ends
            raise
        if failures:
            raise failures[0]

    def _fetch_one(self, commit: str, file: RemoteFile) -> None:
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # exported lazily

        blob, draft = self.cache.blob(file.digest), self._draft(file)
        locks = self.cache.folder.parent / ".locks" / self.cache.folder.name
        for folder in (blob.parent, locks):
            folder.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(locks / f"{file.digest}.lock"):  # the library's own: another tool may be fetching the same
            if blob.is_file():
                return
            with draft.open("ab") as out:
                out.truncate(self._begun(file))
                self._patiently(lambda: self._stream(commit, file, out), progress=out.tell)
                os.fsync(out.fileno())
            if self._stop.is_set():
                return
            if draft.stat().st_size != file.size or digest_of(draft, like=file.digest) != file.digest:
                draft.unlink()
                raise ModelError(
                    f"{file.path} of the model {self.model.name} came damaged from {host()} and was removed",
                    hint=f"fetch it again: hybridrag models pull {self.model.name}",
                )
            draft.replace(blob)

    def _draft(self, file: RemoteFile) -> Path:
        return self.cache.blob(f"{file.digest}.incomplete")

    def _begun(self, file: RemoteFile) -> int:
        """Bytes of a file that an earlier run fetched."""
        with suppress(OSError):
            return min(self._draft(file).stat().st_size, file.size)
        return 0

    def _stream(self, commit: str, file: RemoteFile, out: IO[bytes]) -> None:
        """Appends to `out` what it lacks of the file; less where the download is stopped or too much is sent."""
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.constants import HF_HUB_DOWNLOAD_TIMEOUT as TIMEOUT
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

        size = out.seek(0, os.SEEK_END)
        if size == file.size:
            return
        headers = build_hf_headers(library_name="hybridrag", library_version=__version__)
        headers |= {"Accept-Encoding": "identity"} | ({"Range": f"bytes={size}-"} if size else {})
        url = hf_hub_url(self.model.repository, file.path, revision=commit)
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
            hf_raise_for_status(response)
            if size and response.status_code != 206:  # all of it, though a part was asked for
                out.truncate(0)
                self._count(-size)
                size = 0
            for block in response.iter_bytes():
                if self._stop.is_set() or size + len(block) > file.size:
                    return
                out.write(block)
                out.flush()  # a killed process leaves what it had
                size += len(block)
                self._count(len(block))
        if size < file.size:
            raise ConnectionError("the body ended early")

    def _count(self, size: int) -> None:
        self._transfer.advance(size)
        with self._counting:
            self._received += max(size, 0)

    def _patiently(
        self, work: Callable[[], Any], *, tries: int = _TRIES, progress: Callable[[], int] = lambda: 0
    ) -> Any:
        """The result of `work`, which is tried again where the network or the server fails.

        Whatever brings `progress` further earns as many tries anew.
        """
        failed, reached = 0, progress()
        while True:
            try:
                return work()
            except Exception as exc:
                if not may_pass(exc):
                    raise
                failed = 1 if progress() > reached else failed + 1
                reached = progress()
                if failed >= tries or self._stop.wait(_PAUSE * 2 ** (failed - 1)):
                    raise


def _quieten() -> None:
    """The library neither draws nor tells anybody about us."""
    for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_UPDATE_CHECK", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ[name] = "1"
    from huggingface_hub import constants
    from huggingface_hub.utils import logging

    constants.HF_HUB_DISABLE_TELEMETRY = True  # where the library was imported before
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
