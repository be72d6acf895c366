"""The lists of names and words: made as documented, complete, and quick to read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybridrag.privacy.finders import name_lists
from hybridrag.privacy.finders.data import make_names
from hybridrag.privacy.finders.name_lists import FAMILY, FORM, FUNCTION, GIVEN, NAME, SURE, THING, WORD, flags, folded

FILES = sorted(make_names.FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", ["given_names", "family_names", "english_words", "german_words", "other_words"])
def test_a_list_can_be_made_again(name: str) -> None:
    faker = pytest.importorskip("faker")
    content = (make_names.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    made_by = re.match(r"# From Faker (\S+) \(MIT", content)
    assert made_by is not None
    if made_by.group(1) != faker.VERSION:
        pytest.skip(f"made with Faker {made_by.group(1)}, installed is {faker.VERSION}")
    assert make_names.made()[f"{name}.txt"] == content


@pytest.mark.parametrize("name", [name for name, _ in name_lists._FILES] + ["function_words"])
def test_words_are_folded(name: str) -> None:
    lines = (make_names.FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    assert words
    assert [word for word in words if word != folded(word)] == []


@pytest.mark.parametrize(
    ("word", "has", "lacks"),
    [
        ("Catherine", GIVEN, WORD | THING),
        ("Jürgen", GIVEN, WORD | THING),
        ("Juergen", GIVEN, WORD | THING),
        ("Zoltán", GIVEN, WORD | THING),
        ("Иван", GIVEN, WORD | THING),
        ("Jean-Luc", GIVEN, WORD | THING),
        ("O'Connor", FAMILY | FORM, WORD),
        ("Kowalczyk", FAMILY, WORD),
        ("Hinterbergsson", FORM | SURE, WORD),
        ("Abashvili", FORM | SURE, WORD),
        ("Will", GIVEN | WORD, 0),
        ("Hope", WORD, 0),
        ("Koch", FAMILY | WORD, 0),
        ("Wolf", WORD, 0),
        ("Jenkins", THING, 0),
        ("Bayes", THING, NAME & ~FAMILY),
        ("Docker", THING, GIVEN),
        ("April", THING, 0),
        ("The", FUNCTION, NAME),
        ("Das", FUNCTION, NAME),
        ("Seine-Tal", 0, NAME),
        ("Rechnung", WORD, NAME),
    ],
)
def test_what_is_known_of_a_word(word: str, has: int, lacks: int) -> None:
    assert flags(word) & has if has else True
    assert not flags(word) & lacks


def test_a_word_of_any_length_or_none_is_answered() -> None:
    assert flags("") == 0
    assert flags("-") == 0
    assert flags("A" * 100_000) == 0
    assert flags("A-" * 50_000) == 0


def test_what_is_remembered_stays_small() -> None:
    known = name_lists.KnownWords()
    for number in range(60_000):
        known[f"X{number}"]
    assert len(known) <= 50_001


def test_every_list_is_read() -> None:
    read = {f"{name}.txt" for name, _ in name_lists._FILES} | {"function_words.txt"}
    assert read <= {path.name for path in FILES}
    assert Path(name_lists.__file__).parent == make_names.FOLDER.parent
