"""Any change of the ledger's file is found, and neither crowds nor crashes break the chain."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger import FileLedger, entries, verify
from hybridrag.privacy.ledger.chain import START, Head, backward, forward, record_of, whole
from hybridrag.privacy.ledger.journal import Journal
from hybridrag.types import Destination

KEY = bytes(range(32))
THERE = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
APPEND = """
import sys
from pathlib import Path
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination
ledger = FileLedger(Path(sys.argv[1]), key=bytes(range(32)))
for number in range(int(sys.argv[2])):
    entry = ledger.intent(Destination("p", "https://p.example", "m", False), b"%d" % number, {})
    print(entry, flush=True)
    ledger.outcome(entry, "sent", {})
"""


@dataclass(frozen=True)
class Written:
    """A ledger of some requests: its file, the file's content, and the head record before each line and after all."""

    path: Path
    content: bytes
    heads: tuple[bytes, ...]

    @property
    def lines(self) -> list[bytes]:
        return self.content.splitlines(keepends=True)

    @property
    def head_file(self) -> Path:
        return self.path.with_suffix(".head")

    def restore(self, content: bytes, *, head: int = -1) -> None:
        self.path.write_bytes(content)
        self.head_file.write_bytes(self.heads[head])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    path = tmp_path_factory.mktemp("chain") / "ledger.jsonl"
    ledger, heads = FileLedger(path, key=KEY), [b""]

    def note() -> None:
        heads.append(path.with_suffix(".head").read_bytes())

    for number in range(4):
        entry = ledger.intent(THERE, b"body %d" % number, {"collection": "c"})
        note()
        ledger.outcome(entry, "sent", {"response_sha256": "00"})
        note()
    return Written(path, path.read_bytes(), tuple(heads))


# --- what verifying finds --------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_other_content_is_found(written: Written, data: st.DataObject) -> None:
    """A stretch of the file is replaced by other bytes, or removed, or bytes are put in."""
    content = written.content
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.one_of(st.integers(start, len(content)), st.just(min(start + 1, len(content)))))
    new = data.draw(st.one_of(st.binary(max_size=3), st.sampled_from([b"", b"\n", *written.lines])))
    changed = content[:start] + new + content[stop:]
    written.restore(changed)
    found = verify(written.path, key=KEY)
    if changed.startswith(content) and b"\n" not in changed[len(content) :]:
        # Nothing but the beginning of a line at the end, as a crash leaves it.
        assert found.ok
        assert found.torn == len(changed) - len(content)
    else:
        assert not found.ok


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_changed_byte_is_found(written: Written, place: int, flip: int) -> None:
    content = bytearray(written.content)
    content[place % len(content)] ^= flip
    written.restore(bytes(content))
    assert not verify(written.path, key=KEY).ok


@settings(max_examples=150, deadline=None)
@given(order=st.lists(st.integers(0, 7), max_size=12))
def test_any_other_choice_and_order_of_lines_is_found(written: Written, order: list[int]) -> None:
    lines = written.lines
    written.restore(b"".join(lines[number] for number in order))
    assert verify(written.path, key=KEY).ok == (order == list(range(8)))


def test_a_line_of_another_ledger_is_found(written: Written, tmp_path: Path) -> None:
    FileLedger(tmp_path / "other.jsonl", key=KEY).intent(THERE, b"body", {})
    line = (tmp_path / "other.jsonl").read_bytes()
    for place in range(9):
        written.restore(b"".join([*written.lines[:place], line, *written.lines[place:]]))
        assert not verify(written.path, key=KEY).ok


def test_one_change_is_told_once(written: Written) -> None:
    lines = written.lines
    written.restore(b"".join([*lines[:3], lines[3].replace(b'"sent"', b'"lost"'), *lines[4:]]))
    assert verify(written.path, key=KEY).problems == ("line 4: was changed, or made with another key",)


def test_a_request_without_an_outcome_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    entry = FileLedger(path, key=KEY).intent(THERE, b"", {})
    found = verify(path, key=KEY)
    assert found.ok
    assert found.unfinished == (entry,)


def test_hostile_lines_are_faults_and_no_crash(written: Written) -> None:
    for line in (b"[" * 100_000, b"9" * 100_000, b"NaN", b'{"mac":NaN}', b"\xff\xfe", b'{"mac":"\\ud800"}', b"null"):
        written.restore(written.content + line + b"\n")
        assert not verify(written.path, key=KEY).ok
        with pytest.raises(BlockedByPolicy):
            FileLedger(written.path, key=KEY).intent(THERE, b"", {})


# --- the end of the chain --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", range(8))
def test_a_cut_tail_shows_against_the_head_record_and_nothing_is_added(written: Written, kept: int) -> None:
    cut = b"".join(written.lines[:kept])
    written.restore(cut)
    assert not verify(written.path, key=KEY).ok
    with pytest.raises(BlockedByPolicy, match="cut off"):
        FileLedger(written.path, key=KEY).intent(THERE, b"", {})
    assert written.path.read_bytes() == cut


@pytest.mark.parametrize("kept", range(1, 8))
def test_where_both_are_put_back_only_an_anchor_shows_it(written: Written, kept: int) -> None:
    written.restore(written.content)
    anchor = verify(written.path, key=KEY).head
    written.restore(b"".join(written.lines[:kept]), head=kept)
    assert verify(written.path, key=KEY).ok
    assert not verify(written.path, key=KEY, anchors=[anchor]).ok


def test_anchors_at_every_line_are_found(written: Written) -> None:
    written.restore(written.content)
    records = [record_of(line.rstrip(b"\n")) for line in written.lines]
    anchors = [Head(record["seq"], record["mac"]) for record in records if record is not None]
    assert len(anchors) == 8
    assert verify(written.path, key=KEY, anchors=[START, *anchors]).ok
    assert not verify(written.path, key=KEY, anchors=[Head(3, "0" * 64)]).ok
    assert not verify(written.path, key=KEY, anchors=[Head(9, "0" * 64)]).ok


@pytest.mark.parametrize("lag", [1, 2, 5])
def test_a_head_record_may_lag(written: Written, lag: int) -> None:
    """A crash came after the line and before its head record; a power cut may undo several renames."""
    written.restore(written.content, head=8 - lag)
    assert verify(written.path, key=KEY).ok
    FileLedger(written.path, key=KEY).intent(THERE, b"", {})
    assert verify(written.path, key=KEY).head.seq == 9


def test_a_line_half_written_is_cut_off_wherever_the_crash_came(written: Written) -> None:
    before, last = b"".join(written.lines[:-1]), written.lines[-1]
    for length in range(len(last)):
        written.restore(before + last[:length], head=7)
        found = verify(written.path, key=KEY)
        assert found.ok
        assert found.torn == length
    FileLedger(written.path, key=KEY).outcome("entry", "sent", {})
    assert [record["seq"] for record in entries(written.path)] == list(range(1, 9))


@pytest.mark.parametrize("fault", ["missing", "empty", "changed", "another key", "another ledger"])
def test_a_head_record_that_is_not_ours_stops_everything(written: Written, tmp_path: Path, fault: str) -> None:
    written.restore(written.content)
    other = FileLedger(tmp_path / "other.jsonl", key=KEY[::-1] if fault == "another key" else KEY)
    other.intent(THERE, b"", {})
    mine = written.heads[-1]
    content = {"empty": b"", "changed": mine.replace(b"8:", b"7:")}.get(fault, (tmp_path / "other.head").read_bytes())
    if fault == "missing":
        written.head_file.unlink()
    else:
        written.head_file.write_bytes(content)
    assert not verify(written.path, key=KEY).ok
    with pytest.raises(BlockedByPolicy):
        FileLedger(written.path, key=KEY).intent(THERE, b"", {})
    assert written.path.read_bytes() == written.content


# --- crowds and crashes ----------------------------------------------------------------------------------------------


def test_eight_processes_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    processes = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(path), "12"], stdout=subprocess.PIPE) for _ in range(8)
    ]
    told = [process.communicate()[0].decode().split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    found = verify(path, key=KEY)
    assert found.ok
    assert (found.head.seq, found.requests, found.unfinished) == (192, 96, ())
    assert {entry for some in told for entry in some} == {record["entry"] for record in entries(path)}


def test_killed_at_any_moment_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    acknowledged: list[str] = []
    for reached in (1, 2, 3, 5, 8):
        process = subprocess.Popen([sys.executable, "-c", APPEND, str(path), "1000"], stdout=subprocess.PIPE)
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().decode().strip() for _ in range(reached)]
        process.kill()
        process.communicate()
        found = verify(path, key=KEY)
        assert found.ok, found.problems
    FileLedger(path, key=KEY).intent(THERE, b"", {})
    assert verify(path, key=KEY).ok
    assert set(acknowledged) <= {record["entry"] for record in entries(path)}


def test_who_waited_while_the_file_was_replaced_writes_into_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = FileLedger(path, key=KEY)
    ledger.intent(THERE, b"first", {})
    waiting = Thread(target=ledger.intent, args=(THERE, b"second", {}))
    with Journal(path, key=KEY).hold():
        inode = path.stat().st_ino
        waiting.start()
        _until_somebody_waits_for(inode)
        aside = tmp_path / "aside"
        aside.write_bytes(path.read_bytes())
        aside.replace(path)
    waiting.join()
    assert verify(path, key=KEY).head.seq == 2


def _until_somebody_waits_for(inode: int) -> None:
    last = time.monotonic() + 60
    while not any("->" in line and f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines()):
        assert time.monotonic() < last, "nobody came to the lock"
        time.sleep(0.005)


# --- reading lines ---------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 2, 1000, 65_534, 65_535, 65_536, 65_537, 131_072, 200_000]), max_size=5),
    torn=st.sampled_from([0, 1, 65_536, 70_000]),
)
def test_lines_are_the_same_from_both_ends(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], torn: int
) -> None:
    lines = [bytes([97 + number]) * size for number, size in enumerate(sizes)]
    path = tmp_path_factory.getbasetemp() / f"lines-{os.getpid()}"
    path.write_bytes(b"".join(line + b"\n" for line in lines) + b"z" * torn)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        end = whole(descriptor)
        assert end == sum(sizes) + len(sizes)
        assert list(forward(descriptor, end)) == lines
        assert list(backward(descriptor, end)) == lines[::-1]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("text", ["", "1", "1:ab", "x:" + "0" * 64, "-1:" + "0" * 64, "1:" + "G" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a head is"):
        Head.parse(text)


def test_a_head_survives_being_written_down() -> None:
    head = Head(12, "ab" * 32)
    assert Head.parse(f" {head}\n") == head
    assert Head.parse(str(START)) == START
