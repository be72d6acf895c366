"""Attacks on the gateway that it withstands: each tries to bring a value out, or a wrong one back."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.detectors import builtin_detectors, strict_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.pseudonyms import MARK, Pseudonyms, Value
from hybridrag.types import Destination, Label, Piece
from tests.privacy.conftest import Encode

CARD = "4111 1111 1111 1111"


def made(path: Path, key: bytes, policy: Policy) -> Gateway:
    return Gateway(
        detectors=builtin_detectors(),
        strict=strict_detectors(),
        ledger=FileLedger(path, key=key),
        key=key,
        policy=policy,
    )


@pytest.mark.parametrize(
    "text",
    [
        "4111\ufdd01111\ufdd01111\ufdd01111",
        "4111\x001111\x001111\x001111",
        "scans/4111111111111111.pdf, page 3",
        "⟦CARD_1·a7f3⟧ 4111 1111 1111 1111 ⟦CARD_1·a7f3⟧",
    ],
)
def test_what_a_document_brings_along_hides_no_number(gateway: Gateway, text: str) -> None:
    left = gateway.open([text]).redact(text).text
    assert "4111" not in left


def test_a_value_over_the_border_of_two_pieces_is_treated_as_the_stricter_asks(ledger_path: Path, key: bytes) -> None:
    rules = Policy(actions={"*": "allow"}, labels={Label.CONFIDENTIAL: {"*": "mask"}})
    pieces = (Piece("card 4111 1111 ", Label.PUBLIC), Piece("1111 1111 end", Label.CONFIDENTIAL))
    session = made(ledger_path, key, rules).open([pieces])
    assert session.redact(pieces).text == f"card ⟦CARD·{session.pseudonyms.nonce}⟧ end"


def test_what_looks_nearly_like_a_mark_gives_nothing_back(gateway: Gateway) -> None:
    text = "Dear Mr. John Smith, write to j.smith@example-corp.com"
    session = gateway.open([text])
    session.redact(text)
    nonce = session.pseudonyms.nonce
    for said in (
        f"⟦PERSON_01·{nonce}⟧",
        f"⟦PERSON_10·{nonce}⟧",
        f"⟦PERSON_1·{nonce[:-1]}⟧",
        f"⟦PERSON_1·{nonce.upper()}⟧",
        f"⟦ PERSON_1·{nonce}⟧",
        f"⟦PERSON_１·{nonce}⟧",
        f"[PERSON_1·{nonce}]",
        f"\\u27e6PERSON_1·{nonce}\\u27e7",
    ):
        assert session.restore(said) == said
    assert session.restore(f"⟦PERSON_1·⟦EMAIL_1·{nonce}⟧") == "⟦PERSON_1·j.smith@example-corp.com"


@pytest.mark.parametrize("seed", range(40))
def test_no_two_values_of_a_conversation_ever_share_a_mark(key: bytes, seed: int) -> None:
    """Whatever is learnt in which order, kept, opened and continued."""
    rng = random.Random(seed)
    words = ["John", "Jane", "Smith", "Miller", "SMITH", "smith", "J", "Karl"]
    held = Pseudonyms("abcd", key=key)
    for turn in range(6):
        names = [" ".join(rng.sample(words, rng.randint(1, 3))) for _ in range(3)]
        held.learn((Value(name, rng.choice(["PERSON", "ORG"]), "rule"), "pseudonymise") for name in names)
        if turn % 2:
            held = Pseudonyms.of_state(json.loads(json.dumps(held.state())), key=key)
        else:
            held = held.continued(f"abc{turn}")
        marks = [(value, held.mark(value)) for value in held.values()]
        assert len({mark for _, mark in marks}) == len(marks)
        for value, mark in marks:
            found = MARK.fullmatch(mark)
            assert found is not None
            assert held.value(found) == value


def test_a_request_that_holds_what_is_blocked_leaves_in_no_form(
    ledger_path: Path, key: bytes, cloud: Destination, encode: Encode
) -> None:
    gateway = made(ledger_path, key, Policy(actions={"CARD": "block"}))
    session = gateway.open([CARD])
    with pytest.raises(BlockedByPolicy):
        gateway.seal(encode(session.redact(CARD).text), cloud, session, collection="c", portions=[], chunks=[])
    assert CARD not in ledger_path.read_text()
