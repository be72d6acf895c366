"""What an entry holds, that many writers make one chain, and that the key file has one content."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.keys import KEY_BYTES, existing_key, load_key
from hybridrag.privacy.ledger import FileLedger, Head, entries, verify
from hybridrag.privacy.ledger.payloads import Payloads
from hybridrag.types import Destination, Label, Portion

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
    assert verify(ledger_path, key=key, anchors=[verified.head]).ok
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
    assert len(verify(ledger_path, key=key).problems) == 1
    assert len(verify(ledger_path, key=key, anchors=[head]).problems) == 2
    ledger_path.unlink()
    ledger_path.with_suffix(".head").unlink()
    assert not verify(ledger_path, key=key, anchors=[head]).ok
    assert verify(ledger_path, key=key, anchors=[Head(0, "0" * 64)]).ok


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
    assert verify(ledger_path, key=key).torn == len(filled[0]) // 2
    ledger.intent(HERE, b"next", {})
    assert verify(ledger_path, key=key).ok
    assert len(list(entries(ledger_path))) == 9


def test_entries_longer_than_any_buffer_chain_on(ledger: FileLedger, ledger_path: Path, key: bytes) -> None:
    for _ in range(3):
        ledger.intent(HERE, b"", {"chunks": ["x" * 36] * 6000})
    assert verify(ledger_path, key=key).head.seq == 3


def test_facts_that_would_not_be_read_back_are_refused(ledger: FileLedger, ledger_path: Path, key: bytes) -> None:
    for facts in ({"counts": {9: 1, 10: 2}}, {"counts": {"1": 1, 1: 2}}, {"size": float("nan")}):
        with pytest.raises(BlockedByPolicy, match="cannot be written"):
            ledger.intent(HERE, b"", dict(facts))
    ledger.intent(HERE, b"", {"name": "\ud800 \x00 ä \U0001f600", "size": 1e300, "counts": {1: 1, 2: 2}})
    ledger.intent(HERE, b"", {})
    assert verify(ledger_path, key=key).head.seq == 2


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


def test_an_entry_holds_all_that_was_asked_for(
    gateway: Gateway, ledger_path: Path, cloud: Destination, encode: Callable[..., bytes]
) -> None:
    texts = ["Write to ada@example.com.", "What does Ada say?"]
    session = gateway.open(texts)
    body = encode(*(session.redact(text).text for text in texts))
    outbound = gateway.seal(
        body,
        cloud,
        session,
        collection="c",
        portions=[Portion("handbook/a.md", Label.INTERNAL, 40)],
        chunks=["k1", "k2"],
    )
    gateway.settle(outbound, "sent", response_sha256="ab" * 32)
    intent, outcome = entries(ledger_path)
    assert intent["user"]
    assert intent["host"] == os.uname().nodename
    assert (intent["provider"], intent["model"]) == (cloud.provider, cloud.model)
    assert intent["address"] == "https://api.together.xyz/v1/chat/completions"
    assert (intent["collection"], intent["chunks"]) == ("c", ["k1", "k2"])
    assert "handbook" not in ledger_path.read_text()
    assert len(intent["documents"]) == 1
    assert intent["payload_sha256"] == hashlib.sha256(body).hexdigest()
    assert intent["payload_bytes"] == len(body)
    assert intent["entities"]["EMAIL"] == 1
    assert sum(intent["rules"].values()) >= 1
    assert len(intent["policy"]) == 64
    assert (outcome["entry"], outcome["outcome"], outcome["response_sha256"]) == (intent["entry"], "sent", "ab" * 32)
    for record in (intent, outcome):
        assert datetime.fromisoformat(record["at"]).utcoffset() == timedelta(0)


def test_no_value_is_in_any_file_of_the_ledger(
    ledger_path: Path, key: bytes, cloud: Destination, encode: Callable[..., bytes]
) -> None:
    """Requests that were sent, failed and blocked, with the payloads kept; in every usual spelling of the values."""
    values = {
        "email": "jürgen.grünwald@straße-example.de",
        "phone": "+49 171 2345678",
        "card": "4111 1111 1111 1111",
        "iban": "DE89 3704 0044 0532 0130 00",
        "secret": "sk-proj-Zq7Lm2Xv9Rt4Kp8Wn3Bs6Yd1Hc5Gf0Jt",
    }
    ledger = FileLedger(ledger_path, key=key, keep_payload=True)
    gateway = Gateway(detectors=builtin_detectors(), ledger=ledger, key=key)
    texts = [f"Mail {values['email']}, phone {values['phone']}.", f"Card {values['card']}, IBAN {values['iban']}."]
    texts.append(f"OPENAI_API_KEY={values['secret']}")
    session = gateway.open(texts)
    body = encode(*(session.redact(text).text for text in texts))
    about: dict[str, Any] = {
        "collection": "c",
        "portions": [Portion(values["email"], Label.INTERNAL, 90)],
        "chunks": ["k"],
    }
    for outcome in ("sent", "failed", "retried"):
        outbound = gateway.seal(body, cloud, session, **about)
        gateway.settle(outbound, outcome, response_sha256="00" * 32, detail=f"HTTP 400 for {values['email']}")
    with pytest.raises(BlockedByPolicy):
        gateway.seal(encode(*texts), cloud, session, **about)
    files = [file for file in ledger_path.parent.rglob("*") if file.is_file()]
    content = [file.read_bytes() for file in files]
    payloads = [file.stem for file in files if file.suffix == ".bin"]
    sent = next(record["payload_sha256"] for record in entries(ledger_path))
    content += [Payloads(ledger_path, key=key).read(entry, sha256=sent) for entry in payloads]
    assert len(payloads) == 3
    for name, value in values.items():
        for spelling in spellings(value):
            assert not any(spelling in text for text in content), (name, spelling)


def spellings(value: str) -> set[bytes]:
    """A value as it stands, composed and not, in both cases, escaped, encoded, and without what groups it."""
    plain = {unicodedata.normalize(form, value) for form in ("NFC", "NFD", "NFKC")}
    plain |= {re.sub(r"[ +-]", "", text) for text in plain} | {re.sub(r"[ +]", "-", value)}
    plain |= {text.lower() for text in plain} | {text.upper() for text in plain}
    found = {text.encode() for text in plain}
    found |= {json.dumps(text)[1:-1].encode() for text in plain} | {quote(text).encode() for text in plain}
    found |= {binascii.hexlify(text) for text in found} | {base64.b64encode(text).rstrip(b"=")[:-1] for text in found}
    return found


# --- the key ---------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    key = load_key(path)
    assert len(key) == KEY_BYTES
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_looking_for_a_key_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    assert existing_key(path) is None
    assert not path.parent.exists()
    assert load_key(path) == existing_key(path)
    path.chmod(0o644)
    with pytest.raises(BlockedByPolicy):
        existing_key(path)


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
