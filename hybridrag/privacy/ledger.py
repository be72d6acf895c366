"""The record of what left: one JSON object a line, each sealed with the one before it by HMAC.

A line is `{"seq", "kind": "intent" | "outcome", "entry", "at", ..., "prev", "mac"}`: `mac` is HMAC-SHA256 under a key
derived from the local one over the rest of the line, `prev` is the mac of the line before. No line holds a value.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import pwd
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hybridrag.errors import BlockedByPolicy
from hybridrag.types import Destination

_GENESIS = "0" * 64


class FileLedger:
    """A ledger in one file, safe for many processes: appends hold a lock and return after fsync."""

    def __init__(self, path: Path, *, key: bytes) -> None:
        self._path = path
        self._key = _chain_key(key)

    def intent(self, destination: Destination, body: bytes, facts: dict[str, object]) -> str:
        """Records that `body` is about to leave; returns the entry's id. Raises BlockedByPolicy if it cannot."""
        entry = uuid.uuid4().hex
        self._append(
            {
                **facts,
                "kind": "intent",
                "entry": entry,
                "user": _user(),
                "host": os.uname().nodename,
                "provider": destination.provider,
                "address": _address(destination.url),
                "model": destination.model,
                "local": destination.local,
                "payload_sha256": hashlib.sha256(body).hexdigest(),
                "payload_bytes": len(body),
            }
        )
        return entry

    def outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        """Records how `entry` ended. Raises BlockedByPolicy if it cannot be written."""
        self._append({**facts, "kind": "outcome", "entry": entry, "outcome": outcome})

    def _append(self, record: dict[str, object]) -> None:
        try:
            with _locked(self._path) as descriptor:
                last = self._last(descriptor)
                record = {
                    **record,
                    "at": datetime.now(UTC).isoformat(timespec="microseconds"),
                    "seq": last.seq + 1,
                    "prev": last.mac,
                }
                record["mac"] = _mac(self._key, record)
                _write_whole(descriptor, _canonical(record) + b"\n")
        except (OSError, ValueError, TypeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else type(exc).__name__
            raise BlockedByPolicy(
                f"The ledger {self._path} cannot be written: {reason}.",
                hint="What is not recorded is not sent. Check the disk and the permissions of its folder.",
            ) from exc

    def _last(self, descriptor: int) -> Head:
        """The end of the chain. Cuts off a line that a crash left unfinished: no entry was ever reported for it."""
        size = os.fstat(descriptor).st_size
        tail = b""
        position = size
        while position > 0 and tail.count(b"\n") < 2:
            step = min(position, 65_536)
            position -= step
            tail = os.pread(descriptor, step, position) + tail
        complete = tail[: tail.rfind(b"\n") + 1]
        if len(complete) != len(tail):
            os.ftruncate(descriptor, size - (len(tail) - len(complete)))
        if not complete:
            return Head(0, _GENESIS)
        line = complete[:-1].rpartition(b"\n")[2]
        record = _parse(line)
        if record is None or not hmac.compare_digest(str(record.get("mac")), _mac(self._key, record)):
            raise BlockedByPolicy(
                f"The last entry of the ledger {self._path} was changed, or made with another key.",
                hint="Nothing is added to a broken chain. Run `hybridrag ledger verify`, then move the file aside.",
            )
        return Head(int(record["seq"]), str(record["mac"]))


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many entries there are, and the last one's mac. Keep it elsewhere to see a cut tail."""

    seq: int
    mac: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found: the chain's head, and a line for each fault. `ok` means none."""

    head: Head
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(path: Path, *, key: bytes, anchor: Head | None = None) -> Verification:
    """Reads the whole chain: finds entries changed, removed, reordered or put in, and with `anchor` a cut tail.

    An absent file is an empty chain. Raises OSError if the file cannot be read.
    """
    chain_key = _chain_key(key)
    head = Head(0, _GENESIS)
    problems: list[str] = []
    anchored = anchor is None or (anchor.seq == 0)
    intents: set[object] = set()
    for number, record in enumerate(_records(path), start=1):
        if record is None or not hmac.compare_digest(str(record.get("mac")), _mac(chain_key, record)):
            problems.append(f"line {number}: was changed, or made with another key")
            head = Head(head.seq + 1, str(record.get("mac")) if record else "")
            continue
        seq, mac = int(record["seq"]), str(record["mac"])
        if seq != head.seq + 1:
            problems.append(f"line {number}: entry {seq} follows entry {head.seq}")
        elif record["prev"] != head.mac:
            problems.append(f"line {number}: does not continue the line before")
        if record["kind"] == "intent":
            intents.add(record["entry"])
        elif record["entry"] not in intents:
            problems.append(f"line {number}: an outcome without its intent")
        head = Head(seq, mac)
        anchored = anchored or head == anchor
    if not anchored:
        problems.append("the anchored head is not in the chain: its end was cut off or rewritten")
    return Verification(head, tuple(problems))


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The entries as they stand, oldest first, unverified; a line that is no entry is left out."""
    return (record for record in _records(path) if record is not None)


def _records(path: Path) -> Iterator[dict[str, Any] | None]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            yield _parse(line.removesuffix(b"\n")) if line.endswith(b"\n") else None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The ledger's file, made if need be, held by this process alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    created = not path.exists()
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        yield descriptor
        if created:
            _sync_folder(path.parent)
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, line: bytes) -> None:
    """Appends `line` and waits for the disk; a line that does not fit leaves no trace."""
    size = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(0, "the disk is full")
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    # Only the exact bytes that were written count: a re-spelled line is a changed line.
    if not isinstance(record, dict) or not {"seq", "prev", "mac", "kind", "entry"} <= record.keys():
        return None
    return record if _canonical(record) == line else None


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _mac(key: bytes, record: dict[str, Any]) -> str:
    body = {name: value for name, value in record.items() if name != "mac"}
    return hmac.new(key, _canonical(body), hashlib.sha256).hexdigest()


def _chain_key(key: bytes) -> bytes:
    return hmac.new(key, b"ledger chain", hashlib.sha256).digest()


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _address(url: str) -> str:
    """The URL without user information, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
