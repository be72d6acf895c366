"""What is kept here is encrypted, opens under its own key, purpose and context only, and is what was kept."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger import FileLedger, entries
from hybridrag.privacy.ledger.payloads import Payloads
from hybridrag.privacy.vault import Vault
from hybridrag.types import Destination

KEY = bytes(range(32))
THERE = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
BODY = b'{"messages": [{"content": "what was redacted"}]}'


@given(content=st.binary(max_size=300), context=st.binary(max_size=40))
def test_what_is_sealed_opens(content: bytes, context: bytes) -> None:
    vault = Vault(KEY, "test")
    sealed = vault.seal(content, context)
    assert len(sealed) == len(content) + 32
    assert Vault(KEY, "test").open(sealed, context) == content
    assert vault.seal(content, context) != sealed


@given(content=st.binary(max_size=60), place=st.integers(0, 1_000), flip=st.integers(1, 255))
def test_nothing_that_was_changed_opens(content: bytes, place: int, flip: int) -> None:
    vault = Vault(KEY, "test")
    sealed = bytearray(vault.seal(content, b"context"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(BlockedByPolicy, match="cannot be opened"):
        vault.open(bytes(sealed), b"context")


@given(length=st.integers(0, 91))
def test_no_part_opens(length: int) -> None:
    vault = Vault(KEY, "test")
    with pytest.raises(BlockedByPolicy):
        vault.open(vault.seal(bytes(60), b"")[:length], b"")


def test_key_purpose_and_context_must_be_the_same() -> None:
    sealed = Vault(KEY, "test").seal(b"content", b"context")
    for vault, context in (
        (Vault(KEY[::-1], "test"), b"context"),
        (Vault(KEY, "chats"), b"context"),
        (Vault(KEY, "test"), b"contexT"),
    ):
        with pytest.raises(BlockedByPolicy, match="another key"):
            vault.open(sealed, context)


def test_the_library_is_loaded_when_it_is_needed() -> None:
    program = (
        "import sys; from pathlib import Path; from hybridrag.privacy.ledger import FileLedger\n"
        "import hybridrag.privacy.vault, hybridrag.privacy.ledger.payloads\n"
        "FileLedger(Path(sys.argv[1]), key=bytes(32), keep_payload=True)\n"
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, "/nowhere/ledger"], check=False).returncode == 0


# --- payloads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.jsonl"


@pytest.fixture
def keeping(path: Path) -> FileLedger:
    return FileLedger(path, key=KEY, keep_payload=True)


@pytest.fixture
def payloads(path: Path) -> Payloads:
    return Payloads(path, key=KEY)


def names(payloads: Payloads) -> list[str]:
    return sorted(file.name for file in payloads.folder.iterdir()) if payloads.folder.exists() else []


def test_a_payload_is_kept_for_the_owner_alone_and_encrypted(keeping: FileLedger, payloads: Payloads) -> None:
    entry = keeping.intent(THERE, BODY, {})
    file = payloads.folder / f"{entry}.bin"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(payloads.folder.stat().st_mode) == 0o700
    assert b"redacted" not in file.read_bytes()
    assert payloads.read(entry, sha256=hashlib.sha256(BODY).hexdigest()) == BODY


def test_it_is_kept_only_where_the_user_wants_it(path: Path, payloads: Payloads) -> None:
    FileLedger(path, key=KEY).intent(THERE, BODY, {})
    assert names(payloads) == []
    assert "kept" not in next(entries(path))


def test_neither_blocked_requests_nor_raw_texts_are_kept(keeping: FileLedger, payloads: Payloads) -> None:
    keeping.outcome(keeping.intent(THERE, BODY, {}), "blocked", {})
    keeping.intent(THERE, BODY, {"plain": True})
    assert names(payloads) == []


def test_a_payload_of_another_entry_is_not_taken_for_it(keeping: FileLedger, payloads: Payloads) -> None:
    one, two = (keeping.intent(THERE, BODY, {}) for _ in range(2))
    (payloads.folder / f"{one}.bin").replace(payloads.folder / f"{two}.bin")
    with pytest.raises(BlockedByPolicy):
        payloads.read(two, sha256=hashlib.sha256(BODY).hexdigest())


def test_a_payload_with_another_hash_is_not_shown(keeping: FileLedger, payloads: Payloads) -> None:
    entry = keeping.intent(THERE, BODY, {})
    with pytest.raises(BlockedByPolicy):
        payloads.read(entry, sha256="0" * 64)
    with pytest.raises(BlockedByPolicy):
        Payloads(payloads.folder.with_name("ledger.jsonl"), key=KEY[::-1]).read(
            entry, sha256=hashlib.sha256(BODY).hexdigest()
        )


def test_where_the_payload_cannot_be_kept_nothing_is_recorded(keeping: FileLedger, path: Path, tmp_path: Path) -> None:
    payloads = path.with_name("payloads")
    path.parent.mkdir()
    for put in ("file", "link"):
        if put == "file":
            payloads.touch()
        else:
            payloads.symlink_to(tmp_path)
        with pytest.raises(BlockedByPolicy, match="cannot be written"):
            keeping.intent(THERE, BODY, {})
        payloads.unlink()
    assert list(entries(path)) == []
    assert [file for file in tmp_path.iterdir() if file.name != "data"] == []


def test_an_entry_that_cannot_be_written_leaves_no_payload(keeping: FileLedger, payloads: Payloads) -> None:
    with pytest.raises(BlockedByPolicy):
        keeping.intent(THERE, BODY, {"odd": object()})
    assert names(payloads) == []
