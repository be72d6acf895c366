"""The record of a request: one outcome for each attempt, and none for one that was never opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy, ProviderError
from hybridrag.flows.sending import Sending, send_texts
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger, entries
from hybridrag.providers import EmbeddingServer as Sender
from hybridrag.providers import Retry
from hybridrag.types import Destination, Limits
from tests.servers.chat import body, status
from tests.servers.embeddings import EmbeddingServer

KEY = bytes(32)


_NONE = Limits()


class Full(FileLedger):
    """A ledger on a disk that is full after so many attempts."""

    room = 1

    def intent(self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits = _NONE) -> str:
        if not self.room:
            raise OSError("no space left on device")
        self.room -= 1
        return super().intent(destination, body, facts, limits)


def gateway(ledger: FileLedger) -> Gateway:
    return Gateway(detectors=(), ledger=ledger, key=KEY)


def outcomes(path: Path) -> list[str]:
    return [entry.get("outcome", "intent") for entry in entries(path)]


def send(server: EmbeddingServer, ledger: FileLedger) -> bytes:
    sender = Sender(name="x", base_url=server.url, model="m", key=None, local=True)
    try:
        return send_texts(
            b'{"input":["a"]}', texts=1, server=sender, gateway=gateway(ledger), collection="c", notify=lambda _: None
        )
    finally:
        sender.close()


def test_an_answer_is_recorded_with_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with EmbeddingServer(status(503, retry_after="0"), body(b"{}")) as server:
        assert send(server, FileLedger(file, key=KEY)) == b"{}"
    assert outcomes(file) == ["intent", "retried", "intent", "sent"]
    last = list(entries(file))[-1]
    assert last["response_sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_failure_is_recorded_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with EmbeddingServer(status(400)) as server, pytest.raises(ProviderError):
        send(server, FileLedger(file, key=KEY))
    assert outcomes(file) == ["intent", "failed"]
    assert list(entries(file))[-1]["detail"] == "ProviderError"


def test_an_attempt_that_could_not_be_opened_has_no_outcome_and_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with EmbeddingServer(status(503, retry_after="0"), body(b"{}")) as server:
        with pytest.raises(BlockedByPolicy, match="ledger cannot be written"):
            send(server, Full(file, key=KEY))
        assert len(server.requests) == 1
    assert outcomes(file) == ["intent", "retried"]


def test_retries_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    destination = Destination("x", "http://127.0.0.1/v1/embeddings", "m", local=True)
    ways_out = gateway(FileLedger(tmp_path / "ledger", key=KEY))
    sending = Sending(
        ways_out,
        seal=lambda: ways_out.seal_texts(b"{}", destination, collection="c", texts=1),
        notify=told.append,
    )
    sending.begin()
    sending.retried(Retry(attempt=1, reason="HTTP 503", wait=2.4))
    assert told == ["HTTP 503; trying again in 2 s"]
