"""Random documents, questions and histories through the whole way: what a provider on loopback received, and what came
back of an echo, in every split of its stream."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger
from hybridrag.privacy.session import Session
from hybridrag.providers import OpenAICompatible
from hybridrag.types import Message, Piece, Prompt
from tests.decoded import texts
from tests.privacy.made_documents import forms, made_document, readings
from tests.servers.chat import ChatServer, echo

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with ChatServer(echo()) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    path: Path = tmp_path_factory.mktemp("wire") / "ledger.jsonl"
    return Gateway(detectors=builtin_detectors(), ledger=FileLedger(path, key=KEY), key=KEY)


def conversation(rng: random.Random) -> tuple[list[tuple[Piece, ...]], set[str]]:
    """The messages of a request: rules, history, passages with a question; and the values in them."""
    made = [made_document(rng) for _ in range(rng.randint(2, 4))]
    values = {form for _, found in made for plain, disguised in found for form in (plain, disguised)}
    pieces = [Piece(text) for text, _ in made]
    # The question names a value that only a passage shows for what it is.
    named = rng.choice(sorted(values))
    history = (Piece(f"Earlier you said {rng.choice(sorted(values))}."),)
    rules = (Piece("Answer from the passages, and cite them.", ours=True),)
    return [rules, history, (*pieces, Piece(f"\n\nQuestion: what about {named}?"))], values


def ask(server: ChatServer, gateway: Gateway, messages: list[tuple[Piece, ...]]) -> tuple[Session, str]:
    """Sends a request, and returns its session and what was echoed, as it arrived."""
    provider = OpenAICompatible(name="p", base_url=server.url, model="m", key=None, local=False)
    session = gateway.open(messages)
    body = provider.encode(Prompt(tuple(Message("user", session.redact(pieces).text) for pieces in messages)))
    outbound = gateway.seal(body, provider.destination, session, collection="c", portions=[], chunks=[])
    return session, "".join(event for event in provider.send(outbound) if isinstance(event, str))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0))
def test_no_value_in_any_form_reaches_the_provider(server: ChatServer, gateway: Gateway, seed: int) -> None:
    messages, values = conversation(random.Random(seed))
    ask(server, gateway, messages)
    received = texts(json.loads(server.bodies[-1]))
    for text in received:
        seen = readings(text)
        for value in values:
            for form in forms(value):
                assert not any(form in reading for reading in seen), (value, text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0), cuts=st.lists(st.integers(min_value=0, max_value=3000), max_size=60))
def test_an_echo_comes_back_word_for_word_in_every_split(
    server: ChatServer, gateway: Gateway, seed: int, cuts: list[int]
) -> None:
    messages, _ = conversation(random.Random(seed))
    session, echoed = ask(server, gateway, messages)
    original = "".join(piece.text for piece in messages[-1])
    done = session.redact(messages[-1])
    expected, end = "", 0
    for each in done.replacements:
        kept = original[each.span.start : each.span.end] if each.action in {"pseudonymise", "allow"} else each.text
        expected += original[end : each.span.start] + kept
        end = each.span.end
    expected += original[end:]
    edges = sorted({0, len(echoed), *(cut for cut in cuts if cut < len(echoed))})
    restorer = session.restorer()
    pieces = [restorer.feed(echoed[start:stop]) for start, stop in itertools.pairwise(edges)]
    assert "".join([*pieces, restorer.flush()]) == expected
    assert restorer.unknown == () or "⟦EMAIL_1·a7f3⟧" in original
