"""Files of a repository on the hub, on their way into the hub's own cache.

They are fetched here and not by the library's `snapshot_download`: that begins a broken download again from nothing
(2.4 does), never looks at the content, and its fast path (xet) neither goes on where it stopped nor opens its sockets
where `--offline` could see them.

A file is written to `blobs/DIGEST.incomplete`, compared with its digest, and then renamed.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeVar

from hybridrag import __version__
from hybridrag.errors import ModelError
from hybridrag.models.hub_failures import host, may_pass
from hybridrag.models.locate import HubModel
from hybridrag.models.snapshots import digest_of

_T = TypeVar("_T")
_TRIES = 5
"""So often in a row a file's request may fail without a single new byte."""
_PAUSE = 0.5
"""Seconds before the second try, twice as many before each further one."""
_AT_ONCE = 4
"""Files fetched at the same time."""
_GRACE = 0.2
"""Seconds that an interrupt waits for each of them."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. `digest` is the SHA-256 of its content, or git's SHA-1 if the hub knows no other."""

    path: str
    size: int
    digest: str


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


class Download:
    """Fetches files of a commit. `received` counts the bytes that came over the network."""

    def __init__(self, model: HubModel, commit: str, transfer: Transfer, notify: Callable[[str], None]) -> None:
        self.received = 0
        self._model = model
        self._cache = model.cached
        self._commit = commit
        self._transfer = transfer
        self._notify = notify
        self._stop = threading.Event()
        self._counting = threading.Lock()

    def content(self, file: RemoteFile) -> bytes:
        """A small file, fetched now if it is not here."""
        if not self._is_here(file):
            self._fetch_all([file])
        return self._cache.blob(file.digest).read_bytes()

    def complete(self, files: Iterable[RemoteFile]) -> None:
        """Fetches those of the files that are not here, the largest first."""
        contents = list({file.digest: file for file in files}.values())
        missing = sorted((file for file in contents if not self._is_here(file)), key=lambda file: -file.size)
        begun = sum(self._begun(file) for file in missing)
        needed = sum(file.size for file in missing) - begun
        self._check_room(needed)
        if missing:
            part = "the rest of the model" if begun else "the model"
            self._notify(f"fetching {part} {self._model.name} from {host()}: {amount(needed)}")
        total = sum(file.size for file in contents)
        self._transfer.begin(self._model.name, total=total, done=total - needed)
        self._fetch_all(missing)

    def _check_room(self, needed: int) -> None:
        place = next(
            folder for folder in (self._cache.folder, *self._cache.folder.absolute().parents) if folder.is_dir()
        )
        free = shutil.disk_usage(place).free
        if needed > free:
            raise ModelError(
                f"the model {self._model.name} needs {amount(needed)}, and the disk of {place} has {amount(free)} free",
                hint="free space, or put the cache elsewhere with HF_HOME",
            )

    def _fetch_all(self, files: Sequence[RemoteFile]) -> None:
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
                    self._fetch_one(file)
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

    def _fetch_one(self, file: RemoteFile) -> None:
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # exported lazily

        blob, draft = self._cache.blob(file.digest), self._draft(file)
        locks = self._cache.folder.parent / ".locks" / self._cache.folder.name
        for folder in (blob.parent, locks):
            folder.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(locks / f"{file.digest}.lock"):  # the library's own: another tool may be fetching the same
            if blob.is_file():
                return
            with draft.open("ab") as out:
                out.truncate(self._begun(file))
                patiently(lambda: self._stream(file, out), tries=_TRIES, stop=self._stop, progress=out.tell)
                os.fsync(out.fileno())
            if self._stop.is_set():
                return
            if draft.stat().st_size != file.size or digest_of(draft, like=file.digest) != file.digest:
                draft.unlink()
                raise ModelError(
                    f"{file.path} of the model {self._model.name} came damaged from {host()} and was removed",
                    hint=f"fetch it again: hybridrag models pull {self._model.name}",
                )
            draft.replace(blob)

    def _draft(self, file: RemoteFile) -> Path:
        return self._cache.blob(f"{file.digest}.incomplete")

    def _begun(self, file: RemoteFile) -> int:
        """Bytes of a file that an earlier run fetched."""
        with suppress(OSError):
            return min(self._draft(file).stat().st_size, file.size)
        return 0

    def _stream(self, file: RemoteFile, out: IO[bytes]) -> None:
        """Appends to `out` what it lacks of the file; less where the download is stopped or too much is sent."""
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.constants import HF_HUB_DOWNLOAD_TIMEOUT as TIMEOUT
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

        size = out.seek(0, os.SEEK_END)
        if size == file.size:
            return
        headers = build_hf_headers(library_name="hybridrag", library_version=__version__)
        headers |= {"Accept-Encoding": "identity"} | ({"Range": f"bytes={size}-"} if size else {})
        url = hf_hub_url(self._model.repository, file.path, revision=self._commit)
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
            self.received += max(size, 0)

    def _is_here(self, file: RemoteFile) -> bool:
        blob = self._cache.blob(file.digest)
        if not blob.is_file():
            return False
        if digest_of(blob, like=file.digest) == file.digest:
            return True
        blob.unlink()
        self._notify(f"{file.path} was damaged on this machine and is fetched again")
        return False


def patiently(
    work: Callable[[], _T], *, tries: int, stop: threading.Event, progress: Callable[[], int] = lambda: 0
) -> _T:
    """The result of `work`, which is tried again where the network or the server fails.

    Whatever brings `progress` further earns as many tries anew; `stop` ends the pauses between them.
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
            if failed >= tries or stop.wait(_PAUSE * 2 ** (failed - 1)):
                raise


def amount(size: int) -> str:
    """A number of bytes as people read it."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 10_000_000 else f"{size / 1e6:.1f} MB"
