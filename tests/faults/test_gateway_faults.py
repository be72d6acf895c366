"""A fault in any part of the gateway, at any moment of an `ask`: nothing is sent, and the exit code is 7."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import load
from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy import detectors as builtin
from hybridrag.privacy.registry import DetectorSet
from hybridrag.types import Query, Span
from hybridrag.wiring import Wiring
from tests.flows.library import Library
from tests.servers.chat import ChatServer, echo

DOCUMENT = "---\nlabel: confidential\n---\n# Rent\n\nMr. Zoltan Karolyi pays the rent, ann@example.com knows.\n"
FAULTS = (
    "hybridrag.privacy.scanning.normalise",
    "hybridrag.privacy.scanning.decoded_blobs",
    "hybridrag.privacy.session.merge",
    "hybridrag.privacy.session.findings",
    "hybridrag.privacy.session.derive_nonce",
    "hybridrag.privacy.session.Occurrences",
    "hybridrag.privacy.occurrences.normalise",
    "hybridrag.privacy.pseudonyms.normalise",
    "hybridrag.privacy.gateway.decoded_strings",
    "hybridrag.privacy.policy.Policy.action",
    "hybridrag.privacy.policy.Policy.strict",
    "hybridrag.privacy.policy_layers.compose",
    "hybridrag.privacy.policy_layers.read_floor",
    "hybridrag.privacy.ledger.FileLedger.intent",
)
"""Everything that is called on the way. Each is replaced by something that raises what no code of ours expects."""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(echo()) as running:
        yield running


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, module_database_url: str, tiny_model: Path) -> Iterator[Library]:
    """One document, which no test changes; each asks from a home of its own."""
    opened = Library.open(tmp_path_factory.mktemp("rent"), database_url=module_database_url, embedder=tiny_model)
    opened.write("rent.md", DOCUMENT)
    opened.ingest()
    yield opened
    opened.wiring.store.close()


@dataclass
class Asker:
    """What `ask` is made of, fresh for each try: nothing is remembered from before the fault."""

    library: Library
    server: ChatServer
    home: Path

    def wiring(self) -> Wiring:
        environ = {
            "HYBRIDRAG_HOME": str(self.home),
            "HYBRIDRAG_DATABASE_URL": self.library.wiring.settings.database_url,
            "HYBRIDRAG_PROVIDER": self.server.url,
            "HYBRIDRAG_LLM": "any",
        }
        return Wiring(load(environ=environ, cwd=self.library.folder.parent), notify=lambda _: None, environ=environ)

    def ask(self, wiring: Wiring) -> str:
        answer = wiring.ask(Query("Who pays the rent?", mode="lexical", unit="passage"), on_text=lambda _: None)
        wiring.close()
        return answer.text


@pytest.fixture
def asker(library: Library, server: ChatServer, tmp_path: Path) -> Asker:
    return Asker(library, server, tmp_path / "home")


def test_without_a_fault_it_is_sent(asker: Asker) -> None:
    assert "Zoltan Karolyi" in asker.ask(asker.wiring())
    assert len(asker.server.requests) == 1
    assert "Karolyi" not in asker.server.requests[0].user_text()


@pytest.mark.parametrize("place", FAULTS)
def test_a_fault_in_any_function(asker: Asker, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("Karolyi")

    monkeypatch.setattr(place, fault)
    wiring = asker.wiring()
    with pytest.raises(BlockedByPolicy) as caught:
        asker.ask(wiring)
    assert caught.value.exit_code == 7
    assert "Karolyi" not in caught.value.message + caught.value.hint
    assert asker.server.requests == []


class Faulty:
    """A detector that works as it always did, but for its call number `after`."""

    def __init__(self, detector: Detector, after: int) -> None:
        self.detector = detector
        self.name, self.version = detector.name, detector.version
        self.left = after

    def detect(self, text: str) -> Iterable[Span]:
        self.left -= 1
        if self.left < 0:
            raise TimeoutError("Karolyi")
        return self.detector.detect(text)


DETECTORS = [
    (kind, detector.name)
    for kind, made in (("usual", builtin.builtin_detectors()), ("strict", builtin.strict_detectors()))
    for detector in made
]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize(("kind", "name"), DETECTORS)
def test_a_fault_in_any_detector(asker: Asker, kind: str, name: str, after: int) -> None:
    wiring = asker.wiring()
    found = wiring.privacy.detectors

    def broken(group: tuple[Detector, ...]) -> tuple[Detector, ...]:
        return tuple(Faulty(each, after) if each.name == name else each for each in group)

    usual = broken(found.usual) if kind == "usual" else found.usual
    strict = broken(found.strict) if kind == "strict" else found.strict
    wiring.privacy.__dict__["detectors"] = DetectorSet(usual=usual, strict=strict)
    with pytest.raises(BlockedByPolicy) as caught:
        asker.ask(wiring)
    assert name in caught.value.message
    assert "Karolyi" not in caught.value.message
    assert asker.server.requests == []


def test_a_home_whose_key_or_ledger_is_unusable(asker: Asker) -> None:
    data = asker.home / "data"
    asker.ask(asker.wiring())
    before = len(asker.server.requests)
    (data / "key").chmod(0o644)
    with pytest.raises(BlockedByPolicy):
        asker.ask(asker.wiring())
    (data / "key").chmod(0o600)
    lines = (data / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (data / "ledger.jsonl").write_bytes(b"".join(lines[:-1]) + lines[-1].replace(b'"sent"', b'"lost"'))
    with pytest.raises(BlockedByPolicy):
        asker.ask(asker.wiring())
    assert len(asker.server.requests) == before
