"""The terms that texts and questions are searched by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval import ANALYSERS, analyser_of, document_terms, question_terms


def terms(text: str, analyser: str = "en") -> set[str]:
    return set(document_terms(text, analyser))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Travelling expenses", {"travel", "expens"}),
        ("getUserName", {"getusernam", "get", "user", "name"}),
        ("get_user_name", {"get_user_nam", "get", "user", "name"}),
        ("GET_USER_NAME", {"get_user_nam", "get", "user", "name"}),
        ("HTTPServer", {"httpserver", "http", "server"}),
        ("utf8", {"utf8", "utf", "8"}),
        ("__init__", {"init"}),
        ("ERR-4012", {"err", "4012"}),
        ("os.path.join", {"os", "path", "join"}),
        ("don't", {"don", "t"}),
        ("café CAFÉ cafe", {"cafe"}),
        ("ﬁle Ｆｕｌｌ", {"file", "full"}),
        ("___", {"___"}),
        ("... \0 😀 !", set()),
        ("", set()),
    ],
)
def test_words_identifiers_and_their_parts(text: str, expected: set[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京都", {"東", "京", "都", "東京", "京都"}),
        ("茶", {"茶"}),
        ("タワーです", {"タ", "ワ", "ー", "で", "す", "タワ", "ワー", "ーで", "です"}),
        ("서울에서", {"서", "울", "에", "서울", "울에", "에서"}),
        ("GPUの温度", {"gpu", "の", "温", "度", "の温", "温度"}),
        ("กขค", {"ก", "ข", "ค", "กข", "ขค"}),
    ],
)
def test_scripts_without_spaces_by_characters_and_pairs(text: str, expected: set[str]) -> None:
    assert terms(text, "plain") == expected


def test_vowel_signs_do_not_end_a_word() -> None:
    assert terms("नमस्ते दुनिया", "plain") == {"नमस्ते", "दुनिया"}


def test_each_language_has_its_stems() -> None:
    assert terms("Häuser Straße", "de") == {"haus", "strass"}
    assert terms("chevaux", "fr") == {"cheval"}
    assert terms("houses", "plain") == {"houses"}


@pytest.mark.parametrize(
    ("language", "text_search", "analyser"),
    [
        ("de", "auto", "de"),
        (None, "auto", "en"),
        ("zh", "auto", "plain"),
        ("sw", "auto", "plain"),
        ("de", "plain", "plain"),
        ("de", "fr", "fr"),
    ],
)
def test_which_analyser_a_document_gets(language: str | None, text_search: str, analyser: str) -> None:
    assert analyser_of(language, text_search) == analyser
    assert analyser in ANALYSERS


def test_a_question_takes_the_forms_of_every_language() -> None:
    assert question_terms("houses houses Haus", ["de", "en"]) == {("hous",): 2, ("haus",): 1}
    assert question_terms("Katzen", ["de", "en"]) == {("katz", "katzen"): 1}
    assert question_terms("...", ["en"]) == {}
    assert question_terms("word", []) == {}


@given(st.text(), st.sampled_from(ANALYSERS))
def test_a_question_finds_the_text_it_is_made_of(text: str, analyser: str) -> None:
    asked = {form for forms in question_terms(text, [analyser, "en", "plain"]) for form in forms}
    assert set(document_terms(text, analyser)) <= asked


@given(st.text())
def test_terms_can_be_stored(text: str) -> None:
    for term in document_terms(text, "en"):
        assert term
        assert "\0" not in term
        assert len(term) <= 64 * 4
        term.encode()


def test_long_runs_without_a_space_take_linear_time_and_no_stack() -> None:
    for text in ("a茶" * 50_000, "aB" * 50_000, "a" * 500_000, "茶" * 100_000, "_" * 100_000):
        assert document_terms(text, "en")
