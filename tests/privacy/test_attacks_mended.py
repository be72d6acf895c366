"""Attacks that once succeeded, a test for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from hybridrag.answering.grounding import Grounding
from hybridrag.answering.streaming import AnswerReader
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.detectors import builtin_detectors, strict_detectors
from hybridrag.privacy.dictionaries import own_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.inspection import Inspector
from hybridrag.privacy.ledger import FileLedger
from hybridrag.privacy.policy import Policy
from hybridrag.types import Destination, Label, Piece
from tests.answering.words import embed
from tests.privacy.conftest import Encode
from tests.privacy.hostile import is_linear, takes_less

Make = Callable[..., Gateway]


@pytest.fixture
def make(ledger_path: Path, key: bytes) -> Make:
    def made(policy: Policy | None = None, *extra) -> Gateway:  # type: ignore[no-untyped-def]
        return Gateway(
            detectors=(*builtin_detectors(), *extra),
            strict=strict_detectors(),
            ledger=FileLedger(ledger_path, key=key),
            key=key,
            policy=policy,
        )

    return made


def sealed(gateway: Gateway, encode: Encode, cloud: Destination, *pieces: Piece) -> str:
    session = gateway.open([pieces])
    text = session.redact(pieces).text
    gateway.seal(encode(text), cloud, session, collection="c", portions=[], chunks=[], skeleton=encode(""))
    return text


@pytest.mark.parametrize("text", ["Dear Mr. Max Maier, hello."])
def test_a_name_that_is_a_word_of_the_protocol_does_not_block(
    make: Make, encode: Encode, cloud: Destination, text: str
) -> None:
    sealed(make(), encode, cloud, Piece(text))


@pytest.mark.parametrize("term", ["model", "user", "role", "temperature", "800"])
def test_a_denied_word_of_the_protocol_does_not_block(
    make: Make, encode: Encode, cloud: Destination, term: str
) -> None:
    sealed(make(None, *own_detectors({}, [term])), encode, cloud, Piece("some text"))


@pytest.mark.parametrize("text", ["password: 4111111111111111", "secret_key = 4111-1111-1111-1111"])
def test_a_secret_around_it_does_not_unblock(make: Make, encode: Encode, cloud: Destination, text: str) -> None:
    with pytest.raises(BlockedByPolicy):
        sealed(make(Policy(actions={"CARD": "block"})), encode, cloud, Piece(text))


def test_a_part_of_a_name_where_names_are_allowed_is_no_fault(make: Make, encode: Encode, cloud: Destination) -> None:
    rules = Policy(actions={"PERSON": "allow"}, labels={Label.INTERNAL: {"PERSON": "pseudonymise"}})
    text = sealed(
        make(rules),
        encode,
        cloud,
        Piece("Kowalczyk left.\n", Label.PUBLIC),
        Piece("What did Mr. Karl Kowalczyk write?"),
    )
    assert "Kowalczyk" not in text


def test_a_suspected_name_is_masked_in_the_question_in_any_case(make: Make, encode: Encode, cloud: Destination) -> None:
    text = sealed(
        make(),
        encode,
        cloud,
        Piece("The offer of Zorblatt was refused.\n", Label.CONFIDENTIAL),
        Piece("what does zorblatt want, ZORBLATT?"),
    )
    assert "zorblatt" not in text.lower()


@pytest.mark.parametrize("form", ["Kowalczyks", "kowalczyks", "Kowalczyk\u02bcs", "KOWALCZYKS"])
def test_a_genitive_is_the_name(make: Make, encode: Encode, cloud: Destination, form: str) -> None:
    text = sealed(
        make(), encode, cloud, Piece("Sehr geehrter Herr Karl Kowalczyk,\n"), Piece(f"Wie hoch ist {form} Gehalt?")
    )
    assert "kowalczyk" not in text.lower()


def test_a_secret_that_is_something_else_too_does_not_come_back(make: Make) -> None:
    text = "username: hunter22x\nthe password: hunter22x\nlater hunter22x was changed"
    session = make().open([text])
    assert "hunter22x" not in session.restore(session.redact(text).text)


def test_brackets_of_a_restored_value_are_no_citation(make: Make) -> None:
    session = make(None, *own_detectors({}, ["re:CASE\\[[0-9]+\\]"])).open(["CASE[12]"])
    found = AnswerReader([], grounding=Grounding([], embed=embed), stages=[session.restorer()], restore=session.restore)
    shown = found.feed(session.redact("CASE[12]").text) + found.finish()
    assert (shown.removesuffix(" [?]"), found.citations) == ("CASE[12]", ())
    assert not any("12" in warning for warning in found.warnings)


def test_a_known_name_in_base64_is_masked(make: Make, encode: Encode, cloud: Destination) -> None:
    text = sealed(make(), encode, cloud, Piece("Dear Mr. Karl Kowalczyk\nS293YWxjenlrIGlzIGZpcmVk"))
    assert "S293YWxjenlr" not in text


@pytest.mark.parametrize("unit", ["password=", "Acme GmbH ", "http://a.b/", "DE89", "AKIA"])
def test_a_document_is_inspected_in_linear_time(unit: str) -> None:
    inspector = Inspector(detectors=builtin_detectors(), strict=strict_detectors(), policy=Policy())

    def inspect(text: str) -> Iterable[object]:
        return inspector.inspect(text, Label.CONFIDENTIAL).spans

    assert is_linear(inspect, unit, size=10_000, times=8, bound=24)


def test_many_persons_with_one_given_name_take_linear_time(make: Make) -> None:
    def text(count: int) -> str:
        families = ("".join(chr(97 + n // 26**k % 26) for k in range(5)).capitalize() for n in range(count))
        return "".join(f"Dear Mr. John {family}son,\n" for family in families)

    def work(written: str) -> list[object]:
        return list(make().open([written]).redact(written).replacements)

    # Sixteen times the persons: 256 times the work, were each compared with all.
    assert takes_less(64, work, small=text(500), large=text(8000))
