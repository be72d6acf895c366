"""Whatever is wrong with the ledger's files, nothing is sent, the message says what, and what was recorded stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.flows.sending import send_texts
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger, verify
from hybridrag.providers import EmbeddingServer as Sender
from hybridrag.types import Destination
from tests.servers.chat import body
from tests.servers.embeddings import EmbeddingServer

KEY = bytes(range(32))
THERE = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
CHILD = """
import os, resource, sys
from pathlib import Path
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination
os.chdir(sys.argv[1])
ledger = FileLedger(Path("ledger.jsonl"), key=bytes(range(32)), keep_payload=len(sys.argv) > 4)
there = Destination("p", "https://p.example", "m", False)
if sys.argv[2] == "room":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
elif os.geteuid() == 0:
    os.setuid(int(sys.argv[3]))
try:
    ledger.intent(there, b"x" * 300, {})
except BlockedByPolicy as exc:
    print(exc.message)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with three requests."""
    path = tmp_path / "data" / "ledger.jsonl"
    ledger = FileLedger(path, key=KEY)
    for number in range(3):
        ledger.outcome(ledger.intent(THERE, b"%d" % number, {}), "sent", {})
    return path


def refused(path: Path, *, key: bytes = KEY, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """The message for a request that is really tried, against a server that would answer."""
    ledger = FileLedger(path, key=key, clock=clock)
    with EmbeddingServer(body(b"{}")) as server, pytest.raises(BlockedByPolicy) as caught:
        sender = Sender(name="x", base_url=server.url, model="m", key=None, local=True)
        try:
            send_texts(
                b'{"input":["a"]}',
                texts=1,
                server=sender,
                gateway=Gateway(detectors=(), ledger=ledger, key=key),
                collection="c",
                notify=lambda _: None,
            )
        finally:
            sender.close()
            assert server.requests == []
    assert caught.value.exit_code == 7
    assert caught.value.hint
    return caught.value.message


def put(path: Path, what: str) -> None:
    """Replaces a file by something else."""
    kept = path.with_name(f"{path.name}.kept")
    if path.exists():
        path.rename(kept)
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(kept)
    else:
        path.symlink_to("/dev/null")


@pytest.mark.parametrize("what", ["folder", "fifo", "link", "device"])
@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.head", ".ledger.head.new"])
def test_a_file_that_was_replaced(path: Path, name: str, what: str) -> None:
    before = path.read_bytes()
    put(path.with_name(name), what)
    assert str(path) in refused(path)
    recorded = path.with_name("ledger.jsonl.kept") if name == "ledger.jsonl" else path
    assert recorded.read_bytes() == before


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert "cannot be written" in refused(tmp_path / "data" / "ledger.jsonl")


def test_another_key(path: Path) -> None:
    before = path.read_bytes()
    assert "another key" in refused(path, key=KEY[::-1])
    assert path.read_bytes() == before


def test_the_ledger_of_another_home(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "ledger.jsonl"
    FileLedger(other, key=KEY[::-1]).intent(THERE, b"", {})
    shutil.copy(other, path)
    assert "another key" in refused(path)
    # Two homes side by side have nothing to do with each other.
    assert verify(other, key=KEY[::-1]).ok


def test_an_old_copy_that_was_put_back(path: Path) -> None:
    copy = path.read_bytes()
    FileLedger(path, key=KEY).intent(THERE, b"", {})
    path.write_bytes(copy)
    assert "ends at entry 6, but 7 were written" in refused(path)


def test_a_ledger_that_was_removed(path: Path) -> None:
    path.unlink()
    assert "ends at entry 0, but 6 were written" in refused(path)


@pytest.mark.parametrize("hours", [0.2, 3, 24 * 400])
def test_a_clock_that_was_set_back(path: Path, hours: float) -> None:
    before = path.read_bytes()
    assert "behind the last entry" in refused(path, clock=lambda: datetime.now(UTC) - timedelta(hours=hours))
    assert path.read_bytes() == before


def test_a_clock_that_was_set_back_a_little_makes_no_difference(path: Path) -> None:
    ledger = FileLedger(path, key=KEY, clock=lambda: datetime.now(UTC) - timedelta(minutes=4))
    ledger.outcome(ledger.intent(THERE, b"", {}), "sent", {})
    assert verify(path, key=KEY).ok


def test_the_outcome_of_what_was_sent_is_recorded_whatever_the_clock_says(path: Path) -> None:
    entry = FileLedger(path, key=KEY).intent(THERE, b"", {})
    FileLedger(path, key=KEY, clock=lambda: datetime(2001, 1, 1, tzinfo=UTC)).outcome(entry, "sent", {})
    assert verify(path, key=KEY).unfinished == ()


@pytest.mark.parametrize("room", [0, 50, 140, 300, 1_500])
@pytest.mark.parametrize("keep", [False, True])
def test_a_full_disk(path: Path, room: int, keep: bool) -> None:
    """No file can grow beyond so many bytes: the head record, the payload or the ledger itself is what fails."""
    before = path.read_bytes()
    assert len(before) > room
    command = [sys.executable, "-c", CHILD, str(path.parent), "room", str(room), *(["keep"] if keep else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout
    assert path.read_bytes() == before
    assert verify(path, key=KEY).ok
    assert list(path.parent.glob("payloads/*")) == []
    FileLedger(path, key=KEY).intent(THERE, b"", {})  # once there is room again
    assert verify(path, key=KEY).ok


def test_room_for_half_a_line(path: Path) -> None:
    before = path.read_bytes()
    command = [sys.executable, "-c", CHILD, str(path.parent), "room", str(len(before) + 100)]
    assert "the disk is full" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written(path: Path) -> None:
    before = path.read_bytes()
    nobody = 65_534 if os.geteuid() == 0 else os.geteuid()
    for file in (path.parent, *path.parent.iterdir()):
        if os.geteuid() == 0:
            os.chown(file, nobody, -1)
    path.parent.chmod(0o500)
    try:
        command = [sys.executable, "-c", CHILD, str(path.parent), "user", str(nobody)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        path.parent.chmod(0o700)
    assert "cannot be written: Permission denied" in done.stdout
    assert path.read_bytes() == before
