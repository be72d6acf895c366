"""What every `Ledger` keeps: an append that returns is on disk, one that cannot be written raises."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Ledger
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination, Limits

THERE = Destination(provider="p", url="https://p.example/v1?key=s3cret", model="m", local=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger"


@pytest.fixture
def open_ledger(path: Path) -> Callable[[], Ledger]:
    return lambda: FileLedger(path, key=bytes(range(32)))


def test_every_intent_has_an_id_of_its_own(open_ledger: Callable[[], Ledger]) -> None:
    ledger = open_ledger()
    ids = [ledger.intent(THERE, b"the same body", {}, Limits()) for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(ids)


def test_what_was_recorded_is_there_for_another_process(open_ledger: Callable[[], Ledger], path: Path) -> None:
    entry = open_ledger().intent(THERE, b"the body", {"collection": "docs"}, Limits())
    open_ledger().outcome(entry, "sent", {"response_sha256": "00"})
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [(record["kind"], record["entry"]) for record in records] == [("intent", entry), ("outcome", entry)]
    assert records[0]["payload_sha256"] == hashlib.sha256(b"the body").hexdigest()
    assert records[0]["collection"] == "docs"
    assert records[1]["outcome"] == "sent"


def test_no_body_and_no_secret_is_written(open_ledger: Callable[[], Ledger], path: Path) -> None:
    open_ledger().intent(THERE, b"what leaves is not kept", {}, Limits())
    assert b"what leaves" not in path.read_bytes()
    assert b"s3cret" not in path.read_bytes()


def test_what_cannot_be_written_raises(open_ledger: Callable[[], Ledger], path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(BlockedByPolicy):
        open_ledger().intent(THERE, b"body", {}, Limits())
    with pytest.raises(BlockedByPolicy):
        open_ledger().outcome("entry", "sent", {})


def test_facts_that_cannot_be_written_raise(open_ledger: Callable[[], Ledger], path: Path) -> None:
    ledger = open_ledger()
    ledger.intent(THERE, b"body", {}, Limits())
    before = path.read_bytes()
    with pytest.raises(BlockedByPolicy):
        ledger.intent(THERE, b"body", {"odd": object()}, Limits())
    assert path.read_bytes() == before
