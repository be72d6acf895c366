"""What the policy says, a session does: by type, by label, and the same for one value wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger, entries
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.session import Session
from hybridrag.types import Action, Destination, Label, Piece, Portion, Span
from tests.privacy.conftest import Encode

KEY = bytes(range(32))
MAIL = "Write to ann@example.com, or call +49 30 1234567."


class Words:
    """A detector of given words, as a plug-in would bring it."""

    version = "1"

    def __init__(self, name: str, **types: str) -> None:
        self.name = name
        self.types = types

    def detect(self, text: str) -> Iterable[Span]:
        for word, kind in self.types.items():
            for match in re.finditer(rf"\b{word.replace('_', ' ')}\b", text):
                yield Span(match.start(), match.end(), kind, self.name)


def policy(actions: dict[str, Action] | None = None, **labels: dict[str, Action]) -> Policy:
    return Policy(actions=actions or {}, labels={Label(label): cells for label, cells in labels.items()})


def session(
    *pieces: Piece, rules: Policy | None = None, words: Words | None = None, strict: Words | None = None
) -> Session:
    return Session(
        [pieces],
        detectors=[words] if words else builtin_detectors(),
        strict=[strict] if strict else [],
        policy=rules,
        key=KEY,
        plain=False,
    )


@pytest.mark.parametrize(
    ("action", "shape", "back"),
    [
        ("allow", r"ann@example\.com", True),
        ("pseudonymise", r"⟦EMAIL_1·[0-9a-f]+⟧", True),
        ("hash", r"⟦EMAIL-[0-9a-f]{8}·[0-9a-f]+⟧", False),
        ("mask", r"⟦EMAIL·[0-9a-f]+⟧", False),
        ("block", r"⟦EMAIL·[0-9a-f]+⟧", False),
    ],
)
def test_each_action(action: Action, shape: str, back: bool) -> None:
    piece = Piece(MAIL)
    one = session(piece, rules=policy({"EMAIL": action}))
    redacted = one.redact([piece])
    assert re.fullmatch(rf"Write to {shape}, or call ⟦PHONE_1·[0-9a-f]+⟧\.", redacted.text)
    assert (one.restore(redacted.text) == MAIL) is back
    (mail, _) = redacted.replacements
    assert (mail.action, MAIL[mail.span.start : mail.span.end]) == (action, "ann@example.com")
    assert mail.text in redacted.text
    assert [span.type for span in redacted.blocked] == (["EMAIL"] if action == "block" else [])
    restorer = one.restorer()
    restorer.feed(redacted.text)
    assert restorer.unknown == ()


def test_a_hash_is_the_same_in_every_request_and_another_under_another_key() -> None:
    rules = policy({"EMAIL": "hash"})

    def hashed(text: str, key: bytes) -> str:
        one = Session([text], detectors=builtin_detectors(), policy=rules, key=key, plain=False)
        return str(re.findall(r"⟦EMAIL-([0-9a-f]{8})·", one.redact(text).text)[0])

    assert hashed("ann@example.com", KEY) == hashed("mail Ann@Example.com now", KEY)
    assert hashed("ann@example.com", KEY) != hashed("ann@example.com", KEY[::-1])
    assert hashed("ann@example.com", KEY) != hashed("bob@example.com", KEY)


def test_a_value_is_treated_alike_everywhere_as_strictly_as_anywhere() -> None:
    pieces = (Piece("ann@example.com is public. ", Label.PUBLIC), Piece("Ask ann@example.com.", Label.CONFIDENTIAL))
    one = session(*pieces, rules=policy({"EMAIL": "allow"}, confidential={"EMAIL": "mask"}))
    assert "ann@" not in one.redact(pieces).text
    assert one.redact(pieces).text.count("⟦EMAIL·") == 2
    alone = session(pieces[0], rules=policy({"EMAIL": "allow"}, confidential={"EMAIL": "mask"}))
    assert alone.redact([pieces[0]]).text == pieces[0].text


def test_where_findings_overlap_the_stricter_treatment_wins() -> None:
    words = Words("words", Ann_Smith="PERSON", Smith="FAMILY")
    piece = Piece("Ann Smith left.")
    for actions, shape in [
        ({"FAMILY": "mask"}, r"⟦FAMILY·\w+⟧ left\."),
        ({"FAMILY": "allow"}, r"⟦PERSON_1·\w+⟧ left\."),
        ({"PERSON": "allow"}, r"Ann ⟦FAMILY_1·\w+⟧ left\."),
    ]:
        one = session(piece, rules=policy(actions), words=words)  # type: ignore[arg-type]
        assert re.fullmatch(shape, one.redact([piece]).text)


def test_strict_detectors_see_only_what_is_guarded_and_never_our_own_words() -> None:
    strict = Words("strict", Falcon="NAME", Answer="NAME")
    pieces = (
        Piece("Answer from these. ", Label.PUBLIC, ours=True),
        Piece("Falcon is open. ", Label.INTERNAL),
        Piece("Answer: Falcon is late.", Label.CONFIDENTIAL),
    )
    guarded = session(*pieces, strict=strict).redact(pieces).text
    assert guarded.startswith("Answer from these. ")
    assert "Answer: ⟦NAME_1" in guarded
    assert "Falcon" not in guarded  # found in one place, masked in all
    assert session(*pieces[:2], strict=strict).redact(pieces[:2]).text == "Answer from these. Falcon is open. "


def test_what_is_known_of_a_piece_is_replaced_even_where_no_detector_sees_it() -> None:
    piece = Piece("Meier gets 1000.", known=(Span(0, 5, "PERSON", "names"), Span(11, 15, "ACCOUNT", "accounts")))
    one = session(piece)
    redacted = one.redact([Piece("Re: "), piece])
    assert re.fullmatch(r"Re: ⟦PERSON_1·\w+⟧ gets ⟦ACCOUNT_1·\w+⟧\.", redacted.text)
    assert one.restore(redacted.text) == "Re: Meier gets 1000."


def test_a_value_over_the_border_of_two_pieces_is_found_and_takes_the_stricter_label() -> None:
    pieces = (Piece("mail ann@", Label.PUBLIC), Piece("example.com now", Label.CONFIDENTIAL))
    one = session(*pieces, rules=policy(confidential={"EMAIL": "block"}))
    redacted = one.redact(pieces)
    assert "example" not in redacted.text
    assert [span.type for span in redacted.blocked] == ["EMAIL"]


class Suggestible:
    """Takes the first word after a mark for a name, as models do whose context has changed."""

    name, version = "suggestible", "1"

    def detect(self, text: str) -> Iterable[Span]:
        for match in re.finditer(r"(?:\A|\ufdd0)\W*(\w+)", text):
            yield Span(match.start(1), match.end(1), "PERSON", "suggestible")


def test_a_model_that_sees_names_beside_what_was_replaced_comes_to_rest() -> None:
    text = "Karolyi met nobody in the park today, and nobody knows why that should have been so."
    one = Session([text], detectors=[], added=[Suggestible()], key=KEY, plain=False)
    assert re.fullmatch(r"⟦PERSON_1·\w+⟧ met .* been so\.", one.redact(text).text)
    with pytest.raises(BlockedByPolicy, match="eight times"):
        Session([text], detectors=[Suggestible()], key=KEY, plain=False).redact(text)


class TestPeople:
    """The same person is the same pseudonym, each spelling one of its own."""

    def test_a_name_found_once_is_found_in_parts_and_in_lower_case(self) -> None:
        pieces = (Piece("Zoltan Karolyi left. "), Piece("What did karolyi say, and who met Zoltan or KAROLYI?"))
        redacted = session(*pieces, words=Words("names", Zoltan_Karolyi="PERSON")).redact(pieces).text
        assert re.findall(r"PERSON_(\w+)·", redacted) == ["1", "1b", "1c", "1d"]
        assert "arolyi" not in redacted.lower()

    def test_a_name_that_is_an_ordinary_word_is_found_only_as_it_was_written(self) -> None:
        pieces = (Piece("Mr. Young left. "), Piece("The young team met Young."))
        redacted = session(*pieces, words=Words("names", Young="PERSON")).redact([pieces[1]]).text
        assert re.fullmatch(r"The young team met ⟦PERSON_1·\w+⟧\.", redacted)

    @pytest.mark.parametrize("text", ["Smith met John Smith.", "John Smith met Smith."])
    def test_a_part_of_a_name_is_the_person(self, text: str) -> None:
        words = Words("names", John_Smith="PERSON", Smith="PERSON")
        one = session(Piece(text), words=words)
        redacted = one.redact([Piece(text)]).text
        assert sorted(re.findall(r"PERSON_(\w+)·", redacted)) == ["1", "1b"]
        assert one.restore(redacted) == text

    def test_two_of_a_name_are_two(self) -> None:
        text = "John Smith, Anna Smith; Smith came, and Peter Jones."
        words = Words("names", John_Smith="PERSON", Anna_Smith="PERSON", Smith="PERSON", Peter_Jones="PERSON")
        one = session(Piece(text), words=words)
        numbers = re.findall(r"PERSON_(\d+)([a-z]*)·", one.redact([Piece(text)]).text)
        assert len({number for number, _ in numbers}) == 4
        assert {letters for _, letters in numbers} == {""}

    def test_order_titles_and_case_do_not_make_another_person(self) -> None:
        text = "Smith, John and JOHN SMITH"
        words = Words("names", **{"Smith,_John": "PERSON", "JOHN_SMITH": "PERSON"})
        found = re.findall(r"PERSON_(\w+)·", session(Piece(text), words=words).redact([Piece(text)]).text)
        assert found == ["1", "1b"]


class TestConversation:
    def test_values_keep_their_pseudonyms_over_turns(self, gateway: Gateway) -> None:
        first = gateway.open(["ann@example.com wrote"])
        one = first.redact("ann@example.com wrote").text
        second = gateway.open(["bob@example.com wrote", "ann@example.com wrote"], previous=first.pseudonyms)
        two, again = second.redact("bob@example.com wrote").text, second.redact("ann@example.com wrote").text
        assert again == one
        assert "EMAIL_2" in two
        assert second.restore(one + two) == "ann@example.com wrotebob@example.com wrote"

    def test_a_text_that_holds_the_nonce_changes_it(self, gateway: Gateway) -> None:
        first = gateway.open(["ann@example.com"])
        mark = first.redact("ann@example.com").text
        second = gateway.open(["ann@example.com", f"a trap: {mark}"], previous=first.pseudonyms)
        again = second.redact("ann@example.com").text
        assert again != mark
        assert second.restore(f"{again} {mark}") == f"ann@example.com {mark}"

    def test_a_value_learnt_later_is_masked_in_the_turns_before(self, gateway: Gateway) -> None:
        first = gateway.open(["Order 467-33957 is open."])
        assert "467-33957" in first.redact("Order 467-33957 is open.").text
        history = ["Order 467-33957 is open.", "phone: 467 33957"]
        second = gateway.open(history, previous=first.pseudonyms)
        assert "33957" not in second.redact(history[0]).text

    def test_a_saved_map_opens_for_its_key_and_its_conversation_only(self, gateway: Gateway, ledger_path: Path) -> None:
        words = Words("names", John_Smith="PERSON", Smith="PERSON")
        made = Gateway(
            detectors=[words, *builtin_detectors()],
            policy=policy({"PHONE": "mask", "IBAN": "hash"}),
            ledger=FileLedger(ledger_path, key=KEY),
            key=KEY,
        )
        text = "John Smith: +49 30 1234567, DE89 3704 0044 0532 0130 00, password = hunter22x"
        first = made.open([text])
        before = first.redact(text).text
        sealed = made.keep(first.pseudonyms, "chat 1")
        assert not any(value in sealed for value in (b"Smith", b"hunter22x", b"1234567"))
        second = made.open([text, "Smith left."], previous=made.kept(sealed, "chat 1"))
        assert second.redact(text).text == before
        assert "PERSON_1b" in second.redact("Smith left.").text
        assert second.restore(before) == first.restore(before)
        with pytest.raises(BlockedByPolicy):
            made.kept(sealed, "chat 2")
        with pytest.raises(BlockedByPolicy):
            made.kept(sealed[:-1] + bytes([sealed[-1] ^ 1]), "chat 1")
        other = Gateway(detectors=[], ledger=FileLedger(ledger_path, key=KEY), key=KEY[::-1])
        with pytest.raises(BlockedByPolicy):
            other.kept(sealed, "chat 1")


class TestSealing:
    @pytest.fixture
    def blocking(self, ledger_path: Path) -> Gateway:
        return Gateway(
            detectors=builtin_detectors(),
            policy=policy({"IBAN": "block"}),
            ledger=FileLedger(ledger_path, key=KEY),
            key=KEY,
        )

    def test_what_the_policy_blocks_is_not_sent(
        self, blocking: Gateway, cloud: Destination, encode: Encode, ledger_path: Path
    ) -> None:
        text = "Pay to DE89 3704 0044 0532 0130 00."
        one = blocking.open([text])
        body = encode(one.redact(text).text)
        with pytest.raises(BlockedByPolicy, match="IBAN") as caught:
            blocking.seal(body, cloud, one, collection="c", portions=[], chunks=[])
        assert "DE89" not in caught.value.message + caught.value.hint
        outcome = list(entries(ledger_path))[1]
        assert (outcome["outcome"], outcome["types"]) == ("blocked", ["IBAN"])

    def test_local_only_never_reaches_a_remote_destination(
        self, gateway: Gateway, cloud: Destination, encode: Encode
    ) -> None:
        guarded = (Piece("hello", Label.LOCAL_ONLY),)
        one = gateway.open([guarded])
        body = encode(one.redact(guarded).text)
        with pytest.raises(BlockedByPolicy, match="local-only"):
            gateway.seal(body, cloud, one, collection="c", portions=[], chunks=[])
        other = gateway.open(["hello"])
        with pytest.raises(BlockedByPolicy, match="local-only"):
            portions = [Portion("hr/ann.md", Label.LOCAL_ONLY, 5)]
            gateway.seal(encode("hello"), cloud, other, collection="c", portions=portions, chunks=[])

    def test_a_policy_that_asks_for_a_names_model_does_without_none(
        self, cloud: Destination, encode: Encode, ledger_path: Path
    ) -> None:
        for names_model in (False, True):
            made = Gateway(
                detectors=builtin_detectors(),
                policy=Policy(require_ner=True),
                names_model=names_model,
                ledger=FileLedger(ledger_path, key=KEY),
                key=KEY,
            )
            one = made.open(["hello"])
            if names_model:
                made.seal(encode("hello"), cloud, one, collection="c", portions=[], chunks=[])
            else:
                with pytest.raises(BlockedByPolicy, match="names model"):
                    made.seal(encode("hello"), cloud, one, collection="c", portions=[], chunks=[])
