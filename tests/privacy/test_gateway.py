"""What is sealed, what is refused, and that the ledger knows before anyone else."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.keys import load_key
from hybridrag.privacy.ledger import FileLedger, entries, verify
from hybridrag.privacy.policy import Policy
from hybridrag.types import Destination, Label, Limits, Portion, Span

Encode = Callable[..., bytes]
TEXT = "Ask: ann@example.com, +49 30 1234567, card 4111 1111 1111 1111, DE89 3704 0044 0532 0130 00."


def test_a_redacted_request_is_sealed_as_it_is_and_recorded_first(
    gateway: Gateway, cloud: Destination, encode: Encode, ledger_path: Path, key: bytes
) -> None:
    session = gateway.open([TEXT])
    body = encode(session.redact(TEXT).text)
    portions = [Portion("hr/ann.md", Label.INTERNAL, 90)]
    outbound = gateway.seal(body, cloud, session, collection="docs", portions=portions, chunks=["c1", "c2"])
    assert outbound.body == body
    assert outbound.destination == cloud
    (intent,) = entries(ledger_path)
    assert intent["entry"] == outbound.ledger_id
    assert intent["kind"] == "intent"
    assert intent["entities"] == {"CARD": 1, "EMAIL": 1, "IBAN": 1, "PHONE": 1}
    assert intent["address"] == "https://api.together.xyz/v1/chat/completions"
    assert intent["payload_bytes"] == len(body)
    assert intent["chunks"] == ["c1", "c2"]
    gateway.settle(outbound, "sent", response_sha256="ab" * 32)
    outcome = list(entries(ledger_path))[1]
    assert (outcome["entry"], outcome["outcome"], outcome["response_sha256"]) == (outbound.ledger_id, "sent", "ab" * 32)
    assert verify(ledger_path, key=key).ok
    content = ledger_path.read_text()
    for value in ("ann", "4111", "1234567", "DE89", "user:pw", "hr/"):
        assert value not in content


@pytest.mark.parametrize("escape", [True, False])
@pytest.mark.parametrize(
    "leak",
    [
        {"messages": [{"content": "write to bob@example.org"}]},
        {"messages": [{"content": "\u0431\u043e\u0431@example.org"}]},
        {"bob@example.org": 1},
        {"user": {"nested": ["x", {"y": "4111-1111-1111-1111"}]}},
        {"seed": 4111111111111111},
        {"metadata": "ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ"},
        {"content": "sk-proj-abc123def456ghi789jkl012"},
    ],
)
def test_anything_left_in_any_string_blocks(
    gateway: Gateway, cloud: Destination, ledger_path: Path, leak: dict[str, object], escape: bool
) -> None:
    session = gateway.open(["nothing"])
    with pytest.raises(BlockedByPolicy) as caught:
        gateway.seal(
            json.dumps(leak, ensure_ascii=escape).encode(), cloud, session, collection="c", portions=[], chunks=[]
        )
    told = caught.value.message + caught.value.hint
    assert "rule" in told
    assert not any(value in told for value in ("example.org", "4111", "abc123"))
    assert [entry.get("outcome") for entry in entries(ledger_path)] == [None, "blocked"]


@pytest.mark.parametrize("form", ["4930-1234567", "4930 1234567", "٤٩٣٠١٢٣٤٥٦٧"])
def test_the_canary_knows_a_value_in_another_form(
    gateway: Gateway, cloud: Destination, encode: Encode, form: str, ledger_path: Path
) -> None:
    session = gateway.open(["+49 30 1234567"])
    with pytest.raises(BlockedByPolicy):
        gateway.seal(encode(f"ticket {form} open"), cloud, session, collection="c", portions=[], chunks=[])
    assert list(entries(ledger_path))[1]["rule"] == "canary"


def test_the_canary_asks_for_whole_tokens(gateway: Gateway, cloud: Destination, encode: Encode) -> None:
    session = gateway.open(["phone 4930 1234"])
    session.redact("phone 4930 1234")
    gateway.seal(encode("build 149301234x and a4930-12345"), cloud, session, collection="c", portions=[], chunks=[])


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b'{"a": 1', b'\xff\xfe{"a":1}', b'{"a": NaN}', '{"a":"b"}'.encode("utf-16"), b"[" * 100_000],
    ids=["empty", "text", "cut", "bytes", "nan", "utf-16", "deep"],
)
def test_a_body_that_cannot_be_read_is_not_sent(gateway: Gateway, cloud: Destination, body: bytes) -> None:
    with pytest.raises(BlockedByPolicy):
        gateway.seal(body, cloud, gateway.open([]), collection="c", portions=[], chunks=[])


def test_a_repeated_key_hides_nothing(gateway: Gateway, cloud: Destination) -> None:
    with pytest.raises(BlockedByPolicy):
        body = b'{"content": "bob@example.org", "content": "fine"}'
        gateway.seal(body, cloud, gateway.open([]), collection="c", portions=[], chunks=[])


def test_plain_text_goes_to_local_destinations_only(
    gateway: Gateway, cloud: Destination, encode: Encode, ledger_path: Path
) -> None:
    session = gateway.open([TEXT], plain=True)
    body = encode(session.redact(TEXT).text)
    local = replace(cloud, provider="local", url="http://127.0.0.1:8000/v1", local=True)
    assert gateway.seal(body, local, session, collection="c", portions=[], chunks=[]).body == body
    with pytest.raises(BlockedByPolicy):
        gateway.seal(body, cloud, session, collection="c", portions=[], chunks=[])
    with pytest.raises(BlockedByPolicy):
        gateway.seal(encode("harmless"), cloud, session, collection="c", portions=[], chunks=[])
    assert [entry["kind"] for entry in entries(ledger_path)] == ["intent", "intent", "outcome", "intent", "outcome"]


@pytest.mark.parametrize("model", ["accounts/fireworks/models/llama-v3p3-70b-instruct", "gpt-4o-2024-08-06"])
def test_what_the_program_itself_writes_does_not_block(
    gateway: Gateway, cloud: Destination, encode: Encode, model: str
) -> None:
    system = "Answer only from the passages. Marks like ⟦EMAIL_1·nonce⟧ stand for values: repeat them. Cite as [1]."
    text = "Call 030 1234567 1 or 12 030 7654321 34."
    session = gateway.open([system, text])
    body = encode(session.redact(system).text, session.redact(text).text, model=model)
    gateway.seal(body, cloud, session, collection="c", portions=[], chunks=[])


class _Failing:
    """Works for a while, as a model server would, and then does not."""

    name, version = "failing", "1"

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def detect(self, text: str) -> list[Span]:
        self.calls -= 1
        if self.calls < 0:
            raise TimeoutError
        return []


@pytest.mark.parametrize("calls", range(4))
def test_a_detector_fault_at_any_moment_seals_nothing(
    calls: int, cloud: Destination, encode: Encode, ledger_path: Path, key: bytes
) -> None:
    detectors = [*builtin_detectors(), _Failing(calls)]
    gateway = Gateway(detectors=detectors, ledger=FileLedger(ledger_path, key=key), key=key)
    with pytest.raises(BlockedByPolicy):
        session = gateway.open(["hello"])
        body = encode(session.redact("hello").text)
        gateway.seal(body, cloud, session, collection="c", portions=[], chunks=[])
    assert not any(entry["kind"] == "outcome" and entry["outcome"] == "sent" for entry in entries(ledger_path))


def test_no_entry_no_sending(cloud: Destination, encode: Encode, tmp_path: Path, key: bytes) -> None:
    folder = tmp_path / "ledger.jsonl"
    folder.mkdir()
    under_a_file = tmp_path / "file"
    under_a_file.write_text("")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (folder, under_a_file / "ledger.jsonl", link):
        gateway = Gateway(detectors=builtin_detectors(), ledger=FileLedger(path, key=key), key=key)
        with pytest.raises(BlockedByPolicy, match="ledger"):
            gateway.seal(encode("hi"), cloud, gateway.open(["hi"]), collection="c", portions=[], chunks=[])


class _ThirdPartyLedger:
    def intent(self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits) -> str:
        raise ConnectionError("no route to the audit server")

    def outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        raise ConnectionError


def test_any_ledger_fault_blocks(cloud: Destination, encode: Encode, key: bytes) -> None:
    gateway = Gateway(detectors=builtin_detectors(), ledger=_ThirdPartyLedger(), key=key)
    with pytest.raises(BlockedByPolicy):
        gateway.seal(encode("hi"), cloud, gateway.open(["hi"]), collection="c", portions=[], chunks=[])


def test_a_key_that_others_can_read_stops_everything(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_key(path)
    path.chmod(0o640)
    with pytest.raises(BlockedByPolicy, match="other users"):
        load_key(path)


def test_the_detail_of_an_outcome_holds_no_value(
    gateway: Gateway, cloud: Destination, encode: Encode, ledger_path: Path
) -> None:
    outbound = gateway.seal(encode("hi"), cloud, gateway.open(["hi"]), collection="c", portions=[], chunks=[])
    gateway.settle(outbound, "failed", detail="HTTP 400: invalid recipient ann@example.com")
    assert list(entries(ledger_path))[1]["detail"] == "HTTP 400: invalid recipient [EMAIL]"
    with pytest.raises(ValueError, match="unknown outcome"):
        gateway.settle(outbound, "maybe")


def test_redaction_opens_no_socket(gateway: Gateway, cloud: Destination, encode: Encode) -> None:
    """Every rule and library runs once with an audit hook in place; a socket would be a fault."""
    import sys

    seen: list[str] = []
    active = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if active and event.startswith("socket."):
            seen.append(event)

    sys.addaudithook(hook)
    socket.socket().close()
    assert seen, "the hook sees sockets"
    seen.clear()
    session = gateway.open([TEXT, "password: hunter2x, 10.0.0.7, 536-22-1234, 5417543010"])
    gateway.seal(encode(session.redact(TEXT).text), cloud, session, collection="c", portions=[], chunks=[])
    active = False
    assert seen == []


def test_an_embedding_server_that_may_keep_texts_is_refused_where_the_policy_asks(
    cloud: Destination, ledger_path: Path, key: bytes
) -> None:
    for promised in (False, True):
        made = Gateway(
            detectors=(),
            policy=Policy(require_zdr=True),
            ledger=FileLedger(ledger_path, key=key),
            key=key,
            remote_embedding=True,
        )
        there = replace(cloud, zero_retention=promised, retention="it says so")
        if promised:
            made.seal_texts(b'{"input":["a"]}', there, collection="c", texts=1)
        else:
            with pytest.raises(BlockedByPolicy, match="zero data retention"):
                made.seal_texts(b'{"input":["a"]}', there, collection="c", texts=1)
    assert [entry.get("reason") for entry in entries(ledger_path)] == [None, "retention", None]
