"""The redacted requests themselves, where the user wants them kept: one encrypted file for each entry of the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Container
from functools import cached_property
from pathlib import Path

from hybridrag.drafts import sync_folder
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.regular import read_small, write_new
from hybridrag.privacy.vault import Vault

_MOST = 1 << 30


class Payloads:
    """The folder `payloads` beside a ledger, made when the first one is kept."""

    def __init__(self, ledger: Path, *, key: bytes) -> None:
        self.folder = ledger.with_name("payloads")
        self._key = key

    def keep(self, entry: str, body: bytes) -> None:
        """Keeps the payload of `entry`; it is on disk when this returns. Raises OSError."""
        created = not self.folder.is_dir()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.is_symlink():
            raise OSError(0, "it is a link", str(self.folder))
        if created:
            sync_folder(self.folder.parent)
        write_new(self._path(entry), self._vault.seal(body, _context(entry, hashlib.sha256(body).hexdigest())))
        sync_folder(self.folder)

    def read(self, entry: str, *, sha256: str) -> bytes:
        """The payload of `entry`, whose hash is the one in the ledger.

        Raises BlockedByPolicy where it is not, or the file was changed or removed, and OSError.
        """
        try:
            body = self._vault.open(read_small(self._path(entry), most=_MOST), _context(entry, sha256))
        except FileNotFoundError:
            raise BlockedByPolicy(
                f"The payload that was kept for {entry} is not there any more.",
                hint="`hybridrag documents forget` removes those that held a document.",
            ) from None
        except ValueError:
            body = b""
        if hashlib.sha256(body).hexdigest() != sha256:
            raise BlockedByPolicy(f"The payload kept for {entry} is not the one that the ledger recorded.")
        return body

    def drop(self, entry: str) -> None:
        """Removes the payload of `entry`, if one was kept."""
        self._path(entry).unlink(missing_ok=True)

    def kept(self) -> set[str]:
        """The entries whose payloads there are."""
        return {file.stem for file in self.folder.glob("*.bin")}

    def drop_all_but(self, entries: Container[str]) -> int:
        """Removes what belongs to no entry of `entries`; returns how many files. Call it while the ledger is held."""
        if not self.folder.is_dir():
            return 0
        gone = [file for file in self.folder.glob("*.bin") if file.stem not in entries]
        for file in gone:
            file.unlink(missing_ok=True)
        if gone:
            sync_folder(self.folder)
        return len(gone)

    @cached_property
    def _vault(self) -> Vault:
        return Vault(self._key, "payload")

    def _path(self, entry: str) -> Path:
        return self.folder / f"{entry}.bin"


def _context(entry: str, sha256: str) -> bytes:
    return f"{entry} {sha256}".encode()
