"""The chain finds every change, holds under concurrent writers and crashes, and the key file has one content."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.keys import KEY_BYTES, load_key
from hybridrag.privacy.ledger import FileLedger, Head, entries, verify
from hybridrag.types import Destination

HERE = Destination(provider="p", url="https://p.example/v1", model="m", local=False)


@pytest.fixture
def ledger(ledger_path: Path, key: bytes) -> FileLedger:
    return FileLedger(ledger_path, key=key)


@pytest.fixture
def filled(ledger: FileLedger, ledger_path: Path) -> list[bytes]:
    """The lines of a ledger with four sent requests."""
    for number in range(4):
        entry = ledger.intent(HERE, b"body %d" % number, {"collection": "c"})
        ledger.outcome(entry, "sent", {})
    return ledger_path.read_bytes().splitlines(keepends=True)


def test_an_untouched_ledger_is_sound(filled: list[bytes], ledger_path: Path, key: bytes) -> None:
    verified = verify(ledger_path, key=key)
    assert verified.ok
    assert verified.head.seq == len(filled) == 8
    assert stat.S_IMODE(ledger_path.stat().st_mode) == 0o600
    assert verify(ledger_path, key=key, anchor=verified.head).ok
    assert verify(ledger_path.with_name("absent"), key=key).ok


@pytest.mark.parametrize("line", range(8))
def test_every_changed_removed_swapped_or_repeated_line_is_found(
    filled: list[bytes], ledger_path: Path, key: bytes, line: int
) -> None:
    record = json.loads(filled[line])
    record["at"] = "2001-01-01T00:00:00.000000+00:00"
    forged = json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    faults = {
        "changed": [*filled[:line], forged, *filled[line + 1 :]],
        "re-spelled": [*filled[:line], filled[line].replace(b":", b": ", 1), *filled[line + 1 :]],
        "repeated": [*filled[:line], filled[line], *filled[line:]],
        "garbage": [*filled[:line], b"{}\n", *filled[line:]],
        "blank": [*filled[:line], b"\n", *filled[line:]],
    }
    if line < 7:
        faults["removed"] = [*filled[:line], *filled[line + 1 :]]
        faults["swapped"] = [*filled[:line], filled[line + 1], filled[line], *filled[line + 2 :]]
    for fault, lines in faults.items():
        ledger_path.write_bytes(b"".join(lines))
        assert not verify(ledger_path, key=key).ok, fault


def test_a_cut_tail_shows_against_the_anchor(filled: list[bytes], ledger_path: Path, key: bytes) -> None:
    head = verify(ledger_path, key=key).head
    ledger_path.write_bytes(b"".join(filled[:6]))
    assert verify(ledger_path, key=key).ok
    assert not verify(ledger_path, key=key, anchor=head).ok
    ledger_path.unlink()
    assert not verify(ledger_path, key=key, anchor=head).ok
    assert verify(ledger_path, key=key, anchor=Head(0, "0" * 64)).ok


def test_another_key_verifies_nothing_and_appends_nothing(filled: list[bytes], ledger_path: Path, key: bytes) -> None:
    other = key[::-1]
    assert not verify(ledger_path, key=other).ok
    with pytest.raises(BlockedByPolicy, match="another key"):
        FileLedger(ledger_path, key=other).intent(HERE, b"", {})
    assert ledger_path.read_bytes() == b"".join(filled)


def test_a_line_that_a_crash_left_unfinished_is_cut_off(
    filled: list[bytes], ledger: FileLedger, ledger_path: Path, key: bytes
) -> None:
    with ledger_path.open("ab") as file:
        file.write(filled[0][: len(filled[0]) // 2])
    assert not verify(ledger_path, key=key).ok
    ledger.intent(HERE, b"next", {})
    assert verify(ledger_path, key=key).ok
    assert len(list(entries(ledger_path))) == 9


def test_entries_longer_than_any_buffer_chain_on(ledger: FileLedger, ledger_path: Path, key: bytes) -> None:
    for _ in range(3):
        ledger.intent(HERE, b"", {"chunks": ["x" * 36] * 6000})
    assert verify(ledger_path, key=key).head.seq == 3


def test_many_writers_make_one_chain(ledger: FileLedger, ledger_path: Path, key: bytes) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from hybridrag.privacy.ledger import FileLedger; from hybridrag.types import Destination\n"
        "ledger = FileLedger(Path(sys.argv[1]), key=bytes(range(32)))\n"
        "for _ in range(20):\n"
        "    entry = ledger.intent(Destination('p', 'https://p.example', 'm', False), b'x', {})\n"
        "    ledger.outcome(entry, 'sent', {})\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", program, str(ledger_path)]) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ledger.intent(HERE, b"%d" % number, {}), range(20)))
    assert [other.wait() for other in others] == [0, 0]
    verified = verify(ledger_path, key=key)
    assert verified.ok
    assert verified.head.seq == 100


@pytest.mark.parametrize("what", ["fifo", "folder", "link"])
def test_only_a_regular_file_is_written(tmp_path: Path, key: bytes, what: str) -> None:
    path = tmp_path / "ledger.jsonl"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "x")
    with pytest.raises(BlockedByPolicy, match="cannot be written"):
        FileLedger(path, key=key).intent(HERE, b"", {})
    assert not (tmp_path / "x").exists()


def test_a_loose_mode_is_tightened(filled: list[bytes], ledger: FileLedger, ledger_path: Path) -> None:
    ledger_path.chmod(0o644)
    ledger.intent(HERE, b"", {})
    assert stat.S_IMODE(ledger_path.stat().st_mode) == 0o600


# --- the key ---------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    key = load_key(path)
    assert len(key) == KEY_BYTES
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_racing_processes_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load_key(path), range(32)))) == 1


@pytest.mark.parametrize("what", ["short", "long", "empty", "folder", "fifo", "link", "group", "world"])
def test_a_key_that_cannot_be_trusted_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "key"
    content = {"short": b"x" * 31, "long": b"x" * 33, "empty": b""}.get(what, b"x" * 32)
    if what == "folder":
        path.mkdir(mode=0o700)
    elif what == "fifo":
        os.mkfifo(path, 0o600)
    elif what == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes(content)
        path.chmod({"group": 0o640, "world": 0o604}.get(what, 0o600))
    with pytest.raises(BlockedByPolicy) as caught:
        load_key(path)
    assert caught.value.hint
