"""The user's own terms: found as whole words in every spelling, in time that does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.dictionaries import Allowed, own_detectors
from hybridrag.privacy.scanning import scan
from hybridrag.types import Span
from tests.privacy.hostile import is_linear, seconds


def listed(tmp_path: Path, content: str, kind: str = "CUSTOMER") -> Detector:
    (tmp_path / "terms.txt").write_text(content, encoding="utf-8")
    (detector,) = own_detectors({kind: [tmp_path / "terms.txt"]}, ())
    return detector


def denied(*deny: str) -> tuple[Detector, ...]:
    return own_detectors({}, deny)


def found(detectors: Sequence[Detector], text: str) -> list[str]:
    return [text[span.start : span.end] for detector in detectors for span in detector.detect(text)]


def test_a_file_of_terms(tmp_path: Path) -> None:
    detector = listed(tmp_path, "\ufeff# our customers\nQuarz & Kiesel\n\n  Dr.-Specht-Werke  \r\nÖko-Möbel\n")
    text = "From QUARZ  &\n  Kiesel to Dr. Specht Werke, öko möbel and Öko-Möbel; not Quarz or Kieselstein."
    assert found([detector], text) == ["QUARZ  &\n  Kiesel", "Dr. Specht Werke", "öko möbel", "Öko-Möbel"]
    assert {(span.type, span.rule) for span in detector.detect(text)} == {("CUSTOMER", "dictionary-customer")}


@pytest.mark.parametrize("text", ["Unquarz", "Quarze", "quarz1", "1Quarz", "äQuarz"])
def test_part_of_a_word_is_no_term(text: str) -> None:
    assert found(denied("Quarz"), text) == []


@pytest.mark.parametrize("text", ["Quarz.", "(quarz)", "x-Quarz-x", "_quarz_", "Quarz's", "Quarz\ufdd0"])
def test_signs_are_no_part_of_a_word(text: str) -> None:
    assert [term.lower() for term in found(denied("Quarz"), text)] == ["quarz"]


def test_words_of_a_term_stand_together() -> None:
    assert found(denied("Blue Heron"), "Blue; Heron. Blue (big) Heron, Blue: Heron, Blue\ufdd0Heron") == []
    assert found(denied("Blue Heron"), "BlueHeron blue - heron, Blue-Heron") == ["blue - heron", "Blue-Heron"]


def test_scripts_without_blanks(tmp_path: Path) -> None:
    detector = listed(tmp_path, "石英工業\n김철수\n", "PERSON")
    assert found([detector], "昨日、石英工業の김철수는") == ["石英工業", "김철수"]


def test_terms_inside_terms_are_all_found() -> None:
    assert found(denied("a b c", "b", "b c", "c d"), "a b c d") == ["b", "a b c", "b c", "c d"]


def test_letters_that_grow_when_folded_keep_their_places() -> None:
    text = "ﬀ ß İ Straße İstanbul STRASSE"
    assert found(denied("Straße", "İstanbul"), text) == ["Straße", "İstanbul", "STRASSE"]


def test_disguises_come_off_before() -> None:
    text = "B\u200blue&nbsp;He\u00adron met Ｂｌｕｅ Ｈｅｒｏｎ"
    spans = scan(text, denied("Blue Heron"))
    assert [text[span.start : span.end] for span in spans] == ["B\u200blue&nbsp;He\u00adron", "Ｂｌｕｅ Ｈｅｒｏｎ"]


def test_expressions_are_found_at_characters() -> None:
    text = "é🙂 PROJ-12 \ud800 PROJ-777, proj-1"
    detectors = denied(r"re:PROJ-\d+", "re:(?i)z*")
    assert found(detectors, text) == ["PROJ-12", "PROJ-777"]
    assert {(span.type, span.rule) for span in detectors[0].detect(text)} == {("DENIED", "deny-pattern")}


@settings(deadline=None)
@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_a_denied_term_is_found_in_any_text(before: str, after: str) -> None:
    text = f"{before} kestrel gate {after}"
    at = len(before) + 1
    for detector in denied("Kestrel Gate", r"re:kestrel\sgate"):
        assert (at, at + 12) in [(span.start, span.end) for span in detector.detect(text)]


@pytest.mark.parametrize(
    "deny",
    [("re:(",), ("re:(a)\\1",), ("re:(?=a)",), ("--",), ("",)],
    ids=["open", "backreference", "ahead", "signs", "empty"],
)
def test_a_list_that_cannot_be_used_blocks(deny: tuple[str, ...]) -> None:
    with pytest.raises(BlockedByPolicy) as caught:
        own_detectors({}, deny)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("kind", "content"), [("X", b""), ("X", b"# nothing\n\n"), ("X", b"\xff\xfe\x00"), ("x", b"term")]
)
def test_a_file_that_cannot_be_used_blocks(tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / "terms.txt").write_bytes(content)
    with pytest.raises(BlockedByPolicy):
        own_detectors({kind: [tmp_path / "terms.txt"]}, ())


def test_a_missing_file_blocks(tmp_path: Path) -> None:
    with pytest.raises(BlockedByPolicy, match=r"gone\.txt cannot be read"):
        own_detectors({"CUSTOMER": [tmp_path / "gone.txt"]}, ())
    with pytest.raises(BlockedByPolicy):
        own_detectors({"CUSTOMER": [tmp_path]}, ())


def test_nothing_configured_is_no_detector() -> None:
    assert own_detectors({}, ()) == ()


def test_the_version_is_the_contents(tmp_path: Path) -> None:
    first = listed(tmp_path, "one\ntwo\n")
    assert listed(tmp_path, "# said otherwise\nTwo\none\n").version == first.version
    others = {listed(tmp_path, "one\n").version, listed(tmp_path, "one\ntwo\n", "PERSON").version, first.version}
    assert len(others) == 3
    assert denied("re:a")[0].version != denied("re:b")[0].version


def test_denied_outranks_a_dictionary(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("kestrel\n")
    (detector,) = own_detectors({"CUSTOMER": [tmp_path / "terms.txt"]}, ("Kestrel",))
    assert [span.type for span in detector.detect("kestrel")] == ["DENIED"]


class Names:
    """Calls every word of the text a value of each type."""

    name = "names"
    version = "1"

    def detect(self, text: str) -> list[Span]:
        return [
            Span(0, len(text), kind, kind) for kind in ("PERSON", "ORG", "PLACE", "NAME", "SECRET", "CARD", "EMAIL")
        ]


def test_an_allow_list_spares_suspected_names_and_nothing_else() -> None:
    spared = Allowed(["Blue Heron"]).spare(Names())
    assert {span.type for span in spared.detect("BLUE-heron")} == {"SECRET", "CARD", "EMAIL"}
    assert len(list(spared.detect("Blue Herons"))) == 7
    assert spared.name == "names"
    assert spared.version != Allowed(["Red Kite"]).spare(Names()).version
    assert Allowed([]).spare(plain := Names()) is plain
    with pytest.raises(BlockedByPolicy):
        Allowed(["--"])


def test_an_allow_list_cannot_make_a_number_readable() -> None:
    text = "4111 1111 1111 1111"
    spared = [Allowed([text]).spare(detector) for detector in builtin_detectors()]
    assert scan(text, spared) == scan(text, builtin_detectors())
    assert scan(text, spared)


def test_a_hundred_thousand_terms_cost_no_more_than_ten(tmp_path: Path) -> None:
    few = listed(tmp_path, "".join(f"term{number} of house\n" for number in range(10)))
    many = listed(tmp_path, "".join(f"term{number} of house\n" for number in range(100_000)))
    text = "the term of a house is not term number one, " * 5_000
    assert seconds(many.detect, text) < 10 * seconds(few.detect, text)


@pytest.mark.parametrize("unit", ["ab ", "ab. ", "a", " ", "-", "ab\n\n\n\n\n", "\u0301", "🙂"])
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    for detector in denied("ab", "ab ab ab", "b", "re:(a*)*b[^c]*c"):
        assert is_linear(detector.detect, unit, size=40_000, times=8, bound=24)
