"""Questions made without a model are short, new, about one document, and never a sentence of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.sentences import sentence_spans
from hybridrag.evaluation.generated import Material
from hybridrag.evaluation.pseudo_questions import (
    Made,
    definition,
    docstrings,
    is_prose,
    plain,
    promising,
    pseudo_questions,
)
from tests.evaluation.materials import handbook, material, terms


def made(materials: list[Material], count: int = 100) -> Made:
    return pseudo_questions(materials, count=count, terms=terms, sentences=sentence_spans)


def test_every_question_is_about_its_document_and_answered_by_its_words() -> None:
    chunks = {str(m.chunk.id): m for m in handbook()}
    questions = made(handbook()).questions
    assert len(questions) >= len(chunks)
    for question in questions:
        origin = chunks[question.chunk]
        assert question.sources == (origin.chunk.document.uri,)
        assert question.answer in " ".join(origin.chunk.text.split())
        assert question.method in {"definition", "docstring", "keywords", "heading"}


def test_keywords_leave_out_the_rarest_words_and_are_no_copy() -> None:
    keywords = [q for q in made(handbook()).questions if q.method == "keywords"]
    assert keywords
    for question in keywords:
        asked, said = question.question.casefold().split(), question.answer.casefold()
        assert 3 <= len(asked) <= 5
        assert question.question.casefold() not in said
        left = [w for w in said.replace(",", "").rstrip(".").split() if w not in asked and len(w) > 3]
        assert left, "some word of the sentence is left out"


def test_one_question_for_each_chunk_before_a_second_for_any_and_methods_in_turn() -> None:
    questions = made(handbook(), count=12).questions
    assert len({question.chunk for question in questions}) == 12
    counts = {method: sum(q.method == method for q in questions) for method in ("keywords", "heading")}
    assert abs(counts["keywords"] - counts["heading"]) <= 1


def test_no_question_twice_and_the_same_every_time() -> None:
    first = made([*handbook(), *handbook()])
    asked = [frozenset(terms(question.question, "en")) for question in first.questions]
    assert len(asked) == len(set(asked))
    assert made([*handbook(), *handbook()]) == first


def test_a_sentence_of_two_documents_asks_for_neither() -> None:
    assert all("works council" not in question.answer for question in made(handbook()).questions)


def test_a_question_that_other_documents_fit_is_dropped() -> None:
    sentence = "A {} gateway forwards encrypted packets between remote offices and every warehouse."
    alike = [material(f"{n}.md", sentence.format(name), title="x.md") for n, name in enumerate(("red", "blue", "grey"))]
    far = [material(f"far{n}.md", f"weather {n}", title="x.md") for n in range(80)]
    found = made([*alike, *far])
    assert found.questions == ()
    assert found.dropped["other documents fit it as well"] == 3


def test_a_chunk_of_many_documents_is_boilerplate() -> None:
    everywhere = material("a.md", handbook()[0].chunk.text, sources=tuple(f"docs/{n}.md" for n in range(5)))
    found = made([everywhere])
    assert found.questions == ()
    assert found.dropped == {"its chunk stands in many documents": 1}


def test_a_chunk_that_two_documents_share_is_answered_by_both() -> None:
    text = handbook()[0].chunk.text
    twin = material("a.md", text, title="Travel", sources=("docs/copy.md",))
    copy = material("copy.md", text, title="Travel", sources=("docs/a.md",))
    asked = [q for q in made([twin, copy, *handbook()[1:]]).questions if "62 euros" in q.answer]
    assert asked
    assert {q.sources for q in asked} == {("docs/a.md", "docs/copy.md")}


@pytest.mark.parametrize(
    "text",
    [
        "| name | size |\n|---|---|\n| a long cell with words | another long cell with words |",
        "for item in items:\n    total += item.price * item.count\n    print(total)\n",
        '{"description": "Retrieves the current stock price for a symbol.", "required": true}',
        "# Installation of the thing\n\nNotes\n",
        "",
        "\0\x1b[31m" * 50,
    ],
)
def test_tables_code_and_scraps_give_no_question(text: str) -> None:
    assert made([material("x.md", text, title="x.md")]).questions == ()


def test_headings_become_a_question_without_the_name_of_a_file() -> None:
    chunk = material(
        "setup.md",
        "Set the variable before the first start of the service.",
        headings=("Installation", "Proxy settings"),
    )
    (question,) = [q for q in made([chunk]).questions if q.method == "heading"]
    assert question.question == "Installation Proxy settings"


def test_code_is_asked_for_by_its_documentation() -> None:
    text = 'def load(path):\n    """Read the catalogue of embedding models from a folder."""\n    return path\n'
    (question,) = made([material("load.py", text, title="load.py", language=None)]).questions
    assert question.method == "docstring"
    assert question.answer == "Read the catalogue of embedding models from a folder."
    assert len(question.question.split()) >= 3


@pytest.mark.parametrize(
    ("sentence", "language", "question"),
    [
        ("A generation is a set of vectors under one model.", "en", "what is a generation"),
        ("Hybrid search is the fusion of two arms.", "en", "what is Hybrid search"),
        ("Path parameters (variables) are the parts of a path.", "en", "what are Path parameters"),
        ("Ein Index ist eine Struktur für schnelle Suchen.", "de", "was ist ein Index"),
        ("Die Ausbilder sind die Vorgesetzten der Lehrlinge.", "de", "was sind die Ausbilder"),
        ("This is a test of the thing.", "en", None),
        ("It is the best way to begin.", "en", None),
        ("Das ist ein Beispiel für alle.", "de", None),
        ("A generation is a set of vectors.", "fr", None),
        ("Salaries arrive late.", None, None),
    ],
)
def test_definitions(sentence: str, language: str | None, question: str | None) -> None:
    assert definition(sentence, language) == question


def test_documentation_in_other_languages_than_python() -> None:
    assert docstrings("/**\n * Opens the door to the vault.\n * @param key\n */\nvoid open();") == [
        "Opens the door to the vault."
    ]
    assert docstrings("/// Counts the open doors of a house.\n/// More.\npub fn count() {}") == [
        "Counts the open doors of a house."
    ]
    assert docstrings('x = """just a string of some length"""') == []


def test_markdown_is_taken_off() -> None:
    assert plain("- **Use** the [proxy](https://x.y/z) `flag` { #anchor } <br> now") == "Use the proxy flag now"
    assert plain("a\u202eb\x1b[0m\u2028c") == "ab[0m c"


def test_a_sentence_needs_words_and_an_end() -> None:
    assert is_prose("Parental leave lasts fourteen months for both parents.")
    assert is_prose("员工每年可以享受十五天的带薪年假。")
    assert not is_prose("Parental leave lasts fourteen months for both parents")
    assert not is_prose("x = {a: [1, 2], b: (3, 4)} | c / d ; e = f.")
    assert not is_prose(f"{'word ' * 200}end.")


def test_chunks_with_a_sentence_are_promising_and_all_where_none_has_one() -> None:
    table = material("t.md", "| a | b |\n|---|---|")
    assert promising([table, *handbook()], sentence_spans) == handbook()
    assert promising([table], sentence_spans) == [table]


@given(st.lists(st.text(max_size=300), max_size=6))
def test_any_text_gives_questions_on_one_line_or_none(texts: list[str]) -> None:
    for question in made([material(f"{n}.md", text) for n, text in enumerate(texts)]).questions:
        assert question.question.strip()
        assert len(question.line().splitlines()) == 1
