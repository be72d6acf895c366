"""Languages that the model was not made for: what is said, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridrag.flows.languages import language_warnings, named
from hybridrag.models.catalogue import catalogue
from hybridrag.parsing.language import LANGUAGES
from tests.flows.library import Library, counts

MODEL = "potion-base-2M"
TRAVEL = (
    "# Travel\n\nThe meal allowance is 62 euros for a day of travel, and the finance team pays it with the salary.\n"
)
REISE = "# Reisen\n\nDas Tagegeld beträgt 62 Euro, und die Buchhaltung zahlt es mit dem nächsten Gehalt aus. {}\n"
VOYAGE = "# Voyages\n\nL'indemnité de repas est de 62 euros par jour, et elle est versée avec le prochain salaire.\n"


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path) -> Iterator[Library]:
    """A folder of that name holds that model, for the program: one that knows English."""
    model = tmp_path / MODEL
    model.symlink_to(tiny_model)
    opened = Library.open(tmp_path, database_url=database_url, embedder=model)
    opened.write("travel.md", TRAVEL)
    yield opened
    opened.wiring.store.close()


def test_one_line_a_language() -> None:
    assert language_warnings({"en": 200, "de": 12, None: 9}, known=("en",), model="M") == [
        "12 documents are in German (de); the model M knows en: search in them will be poor. "
        "Models that know de: hybridrag models list --language de"
    ]
    assert language_warnings({"en": 200, "fr": 1}, known=("de", "en"), model="M") == [
        "1 document is in French (fr); the model M knows de, en: search in it will be poor. "
        "Models that know fr: hybridrag models list --language fr"
    ]


def test_many_languages_of_a_model_are_counted() -> None:
    (warning,) = language_warnings({"ka": 2}, known=("de", "en", "es", "fr", "it", "nl", "pt"), model="M")
    assert "the model M knows 7 languages, but not this one: search in them" in warning


def test_beyond_three_languages_the_rest_is_one_line() -> None:
    told = language_warnings({"fr": 2, "de": 9, "it": 2, "ko": 1, "ja": 3}, known=("en",), model="M")
    assert [line[:27] for line in told[:3]] == [
        "9 documents are in German (",
        "3 documents are in Japanese",
        "2 documents are in French (",
    ]
    assert told[3:] == ["and 3 documents in 2 more languages that it does not know: it, ko"]
    four = language_warnings({"fr": 2, "de": 9, "it": 2, "ko": 1}, known=("en",), model="M")
    assert four[3:] == ["and 1 document in another language that it does not know: ko"]


@pytest.mark.parametrize(
    ("documents", "known"),
    [({"de": 12}, ()), ({"en": 12, "de": 3}, ("de", "en")), ({None: 5}, ("en",)), ({"de": 0}, ("en",)), ({}, ("en",))],
    ids=["nobody knows what it knows", "it knows them", "not sure", "none", "nothing"],
)
def test_nothing_is_said_without_a_reason(documents: dict[str | None, int], known: tuple[str, ...]) -> None:
    assert language_warnings(documents, known=known, model="M") == []


def test_a_language_has_a_name_where_it_has_one() -> None:
    assert (named("de"), named("xx")) == ("German (de)", "xx")


def test_the_catalogue_and_the_documents_speak_of_the_same_languages() -> None:
    for entry in catalogue().values():
        assert set(entry.languages) <= {*LANGUAGES, "nb", "nn"}, entry.name
        assert not {"nb", "nn"} & set(entry.languages) or "no" in entry.languages, "what documents in either count as"


def test_an_ingest_tells_what_it_brought(library: Library) -> None:
    assert library.ingest().warnings == []
    library.write("reise.md", REISE.format(""))
    library.write("bahn.md", REISE.format("Die Bahn ist besser als das Flugzeug."))
    library.write("voyage.md", VOYAGE)
    library.write("prices.csv", "item,price\nhotel,90\n")
    report = library.ingest()
    assert counts(report) == {"added": 4, "unchanged": 1}
    assert [line.partition(":")[0] for line in report.warnings] == [
        f"2 documents are in German (de); the model {MODEL} knows en",
        f"1 document is in French (fr); the model {MODEL} knows en",
    ]
    languages = {row["path"]: row["language"] for row in library.rows()}
    assert languages == {"travel.md": "en", "reise.md": "de", "bahn.md": "de", "voyage.md": "fr", "prices.csv": None}
    collection = library.wiring.collection()
    found = library.wiring.store.count_languages(collection)
    assert list(found.items()) == [("de", 2), ("en", 1), ("fr", 1), (None, 1)]


def test_what_is_known_already_is_not_told_again(library: Library) -> None:
    library.write("reise.md", REISE.format(""))
    assert len(library.ingest().warnings) == 1
    assert library.ingest().warnings == []
    library.write("reise.md", REISE.format("Wer früh bucht, zahlt weniger."))
    assert len(library.ingest().warnings) == 1
    assert library.ingest(dry_run=True).warnings == []


def test_a_model_that_nobody_describes_is_not_judged(tmp_path: Path, database_url: str, tiny_model: Path) -> None:
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    opened.write("reise.md", REISE.format(""))
    assert opened.ingest().warnings == []
    opened.wiring.store.close()


def test_documents_of_an_older_parser_are_read_again_and_not_embedded_again(library: Library) -> None:
    library.write("reise.md", REISE.format(""))
    library.ingest()
    with library.wiring.store.ingest_run(library.wiring.collection()) as run:
        run._connection.execute("update hybridrag.document set processing = 'older', language = null")
    report = library.ingest()
    assert counts(report) == {"updated": 2}
    assert (report.chunks_embedded, report.chunks_reused) == (0, 2)
    assert {row["path"]: row["language"] for row in library.rows()} == {"travel.md": "en", "reise.md": "de"}
    assert len(report.warnings) == 1
