"""The language of a document: declared or guessed, and none rather than a wrong one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybridrag.parsing.language import LANGUAGES, declared_language, guessed_language
from hybridrag.types import Document

Parsed = Callable[[str, bytes, str], Document]
DATA = Path(__file__).parents[3] / "shared" / "data"
# Article 1 of the Universal Declaration of Human Rights.
ARTICLE_1 = {
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح "
    "الإخاء.",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím a mají "
    "spolu jednat v duchu bratrství.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt "
    "und sollen einander im Geist der Brüderlichkeit begegnen.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με "
    "λογική και συνείδηση.",
    "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and "
    "conscience and should act towards one another in a spirit of brotherhood.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y "
    "conciencia, deben comportarse fraternalmente los unos con los otros.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de "
    "conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di "
    "coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
    "ja": "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en "
    "geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i "
    "sumieniem i powinni postępować wobec innych w duchu braterstwa.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и "
    "должны поступать в отношении друг друга в духе братства.",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve "
    "birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
}
CODE = '''
def read(self, path: Path, *, limit: int = 100) -> list[Entry]:
    """The entries of a file."""
    with path.open() as file:
        rows = [json.loads(line) for line in itertools.islice(file, limit)]
    return [Entry(row["id"], row.get("name"), tuple(row["tags"])) for row in rows if self._wanted(row)]
'''


@pytest.mark.parametrize("language", sorted(ARTICLE_1))
def test_a_sentence_or_two(language: str) -> None:
    assert guessed_language(ARTICLE_1[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "2024-01-01,17.5,3\n" * 40,
        "SKU-4711,AB12X,EUR\n" * 40,
        "| M8x40 | DIN 933 | 12 |\n" * 40,
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n" * 20,
        CODE,
        "🙂 → ✓ … ½ §",
    ],
    ids=["nothing", "word", "numbers", "codes", "table", "hashes", "code", "signs"],
)
def test_where_there_is_no_prose_there_is_no_language(text: str) -> None:
    assert guessed_language(text) is None


def test_markup_paths_and_names_in_code_do_not_count() -> None:
    links = "[`FastAPI`](https://fastapi.tiangolo.com/tutorial/first-steps/) <br class='page break'> {#first-steps} "
    assert guessed_language(links * 20 + ARTICLE_1["de"]) == "de"
    assert guessed_language("see src/main/resources/the_file_of_settings.py: " * 2 + ARTICLE_1["es"]) == "es"


def test_names_in_another_script_do_not_decide() -> None:
    names = "FastAPI Pydantic Starlette Uvicorn "
    assert guessed_language(names + ARTICLE_1["zh"]) == "zh"
    assert guessed_language(names + ARTICLE_1["hi"]) == "hi"
    assert guessed_language(f"β-Lactamase. {ARTICLE_1['en']}") == "en"


def test_what_most_of_a_document_is_written_in() -> None:
    assert guessed_language(ARTICLE_1["en"] + f" {ARTICLE_1['de']}" * 8) == "de"
    # Only start, middle and end are looked at: what lies between them cannot make it slow.
    assert guessed_language(ARTICLE_1["en"] * 9 + "0 " * 5_000_000 + ARTICLE_1["en"] * 9) == "en"


def test_threads_get_the_same_answers() -> None:
    texts = [text * times for times in (1, 3, 9) for text in ARTICLE_1.values()] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(guessed_language, texts)) == list(map(guessed_language, texts))


@given(st.text(max_size=300))
@example("'" * 5000)
@example("a-" * 5000)
@example("`" * 5000 + "<" * 5000 + "{" * 5000)
def test_any_text_has_a_known_language_or_none_and_always_the_same(text: str) -> None:
    found = guessed_language(text)
    assert found is None or found in LANGUAGES
    assert guessed_language(text) == found


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language": "de"}, "de"),
        ({"language": "en-US"}, "en"),
        ({"language": "zh_Hant_TW"}, "zh"),
        ({"language": "nb-NO"}, "no"),
        ({"language": "German"}, "de"),
        ({"lang": "FR"}, "fr"),
        ({"language": "python"}, None),
        ({"language": "x-klingon"}, None),
        ({"language": ["de", "en"]}, None),
        ({"language": ""}, None),
        ({}, None),
    ],
)
def test_a_declared_language(metadata: dict[str, object], language: str | None) -> None:
    assert declared_language(metadata) == language


@pytest.mark.parametrize(
    ("path", "media_type", "content"),
    [
        ("a.md", "text/markdown", "---\nlang: de-AT\n---\n# Rechte\n\nText.\n"),
        ("a.md", "text/markdown", "---\nlanguage: German\n---\n" + ARTICLE_1["en"]),
        ("a.md", "text/markdown", "# Artikel 1\n\n" + ARTICLE_1["de"]),
        ("a.txt", "text/plain", ARTICLE_1["de"]),
        ("a.html", "text/html", f"<html lang='de'><body><p>{ARTICLE_1['en']}</p></body></html>"),
        ("a.html", "text/html", f"<html><body><p>{ARTICLE_1['de']}</p></body></html>"),
        ("a.eml", "message/rfc822", f"From: ada@example.com\nSubject: Rechte\n\n{ARTICLE_1['de']}\n"),
    ],
    ids=["front matter", "declared wins", "markdown", "text", "html", "html without", "mail"],
)
def test_every_format_tells_its_language(parsed: Parsed, path: str, media_type: str, content: str) -> None:
    assert parsed(path, content.encode(), media_type).language == "de"


@pytest.mark.parametrize(
    ("path", "media_type"), [("a.py", "text/x-python"), ("a.csv", "text/csv"), ("a.json", "application/json")]
)
def test_code_and_data_have_none_whatever_words_they_hold(parsed: Parsed, path: str, media_type: str) -> None:
    assert parsed(path, ARTICLE_1["de"].encode(), media_type).language is None


def collection(name: str) -> Iterator[str]:
    folder = DATA / name
    if not (folder / "corpus.jsonl").exists():
        yield from (path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md")))
        return
    for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the collections are not here")
@pytest.mark.parametrize(("length", "known"), [(200, 0.95), (1_000_000, 0.98)])
@pytest.mark.parametrize(
    ("name", "language"), [("xquad/en", "en"), ("xquad/de", "de"), ("xquad/zh", "zh"), ("scifact", "en")]
)
def test_prose_is_known_and_never_mistaken(name: str, language: str, length: int, known: float) -> None:
    found = Counter(guessed_language(text[:length]) for text in collection(name))
    assert found[language] >= known * found.total(), found
    assert found.keys() <= {language, None}, found


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the collections are not here")
@pytest.mark.parametrize("language", ["en", "de"])
def test_documentation_full_of_code_is_known(language: str) -> None:
    found = Counter(map(guessed_language, collection(f"fastapi_docs/{language}")))
    assert found[language] >= 0.95 * found.total(), found
    assert found.keys() <= {language, None}, found


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the collections are not here")
def test_python_functions_are_english_or_nothing() -> None:
    found = Counter(map(guessed_language, collection("cosqa")))
    assert found[None] + found["en"] >= 0.996 * found.total(), found
