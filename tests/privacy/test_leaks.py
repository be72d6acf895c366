"""Random documents with random values in random disguises: nothing readable leaves, and everything comes back."""

from __future__ import annotations

import itertools
import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.session import Session
from hybridrag.types import Destination, Limits
from tests.privacy.made_documents import FILLER, GAPS, KINDS, forms, made_document, readings

KEY = bytes(range(32))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0))
def test_no_value_is_readable_after_redaction(seed: int) -> None:
    document, values = made_document(random.Random(seed))
    session = Session([document], detectors=builtin_detectors(), key=KEY, plain=False)
    redacted = session.redact(document).text
    seen = readings(redacted)
    for plain, disguised in values:
        for form in forms(plain) | {disguised}:
            assert not any(form in reading for reading in seen), (plain, disguised, redacted)


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0))
def test_redacting_twice_changes_nothing(seed: int) -> None:
    document, _ = made_document(random.Random(seed))
    session = Session([document], detectors=builtin_detectors(), key=KEY, plain=False)
    once = session.redact(document).text
    again = session.redact(once)
    assert (again.text, again.spans) == (once, ())
    fresh = Session([once], detectors=builtin_detectors(), key=KEY, plain=False)
    assert fresh.redact(once).spans == ()


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0), st.lists(st.integers(min_value=0, max_value=2000), max_size=40))
def test_restoring_gives_back_the_very_text_however_it_arrives(seed: int, cuts: list[int]) -> None:
    rng = random.Random(seed)
    document = " ".join(rng.choice(GAPS).join([rng.choice(FILLER), rng.choice(KINDS[:6])(rng)]) for _ in range(5))
    session = Session([document], detectors=builtin_detectors(), key=KEY, plain=False)
    done = session.redact(document)
    redacted = done.text
    assert redacted != document
    expected = document
    for each in reversed(done.replacements):
        if each.action == "mask":  # a number beside the word "key" is taken for one, and a secret never comes back
            expected = expected[: each.span.start] + each.text + expected[each.span.end :]
    restorer = session.restorer()
    edges = sorted({0, len(redacted), *(cut for cut in cuts if cut < len(redacted))})
    pieces = [restorer.feed(redacted[start:end]) for start, end in itertools.pairwise(edges)]
    assert "".join([*pieces, restorer.flush()]) == expected


class _Nowhere:
    """A ledger that only counts: what is tested here is what is let through."""

    def __init__(self) -> None:
        self.intents = 0

    def intent(self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits) -> str:
        self.intents += 1
        return str(self.intents)

    def outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        raise AssertionError(f"{outcome}: {facts}")


@settings(max_examples=80, deadline=None)
@given(st.integers(min_value=0))
def test_redacted_pieces_put_together_are_never_blocked(seed: int) -> None:
    rng = random.Random(seed)
    passages = [made_document(rng)[0] for _ in range(4)]
    gateway = Gateway(detectors=builtin_detectors(), ledger=_Nowhere(), key=KEY)
    session = gateway.open(passages)
    content = "\n\n".join(f"[{n}] Passage {n}\n{session.redact(p).text}" for n, p in enumerate(passages, start=1))
    content = session.redact(content).text
    body = json.dumps({"messages": [{"role": "user", "content": content}], "max_tokens": 800}).encode()
    cloud = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
    outbound = gateway.seal(body, cloud, session, collection="c", portions=[], chunks=[])
    assert outbound.body == body
    assert _deterministic(passages) == _deterministic(passages)


def _deterministic(passages: list[str]) -> list[str]:
    session = Session(passages, detectors=builtin_detectors(), key=KEY, plain=False)
    return [session.redact(passage).text for passage in passages]
