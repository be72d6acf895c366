"""Whole documents, searched once."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.inspection import Inspector
from hybridrag.privacy.policy import Policy
from hybridrag.types import Label, Span


class Named:
    """Finds what stands after a word."""

    def __init__(self, name: str, before: str, version: str = "1") -> None:
        self.name = name
        self.before = before
        self.version = version

    def detect(self, text: str) -> Iterable[Span]:
        for match in re.finditer(rf"{self.before} (\S+)", text):
            yield Span(match.start(1), match.end(1), "PERSON", self.name)


class Broken:
    name, version = "broken", "1"

    def detect(self, text: str) -> Iterable[Span]:
        raise RuntimeError(text)


def inspector(*strict: Named, version: str = "1") -> Inspector:
    return Inspector(detectors=[Named("usual", "Frau", version)], strict=strict, policy=Policy())


def test_what_one_place_tells_is_found_in_all() -> None:
    text = "Frau Karolyi kam. Viel später ging Karolyi. KAROLYI!"
    found = inspector().inspect(text, Label.INTERNAL)
    assert [(text[s.start : s.end], s.rule) for s in found.spans] == [
        ("Karolyi", "usual"),
        ("Karolyi", "repeated"),
        ("KAROLYI", "repeated"),
    ]


def test_guarded_documents_are_searched_more_strictly() -> None:
    text = "Frau Karolyi und Projekt Nachtfalke"
    one = inspector(Named("strict", "Projekt"))
    assert len(one.inspect(text, Label.INTERNAL).spans) == 1
    assert len(one.inspect(text, Label.CONFIDENTIAL).spans) == 2


def test_the_fingerprint_tells_who_searched_and_how() -> None:
    strict = Named("strict", "Projekt")
    marks = {
        inspector().fingerprint(Label.INTERNAL),
        inspector(version="2").fingerprint(Label.INTERNAL),
        inspector(strict).fingerprint(Label.CONFIDENTIAL),
    }
    assert len(marks) == 3
    assert inspector().fingerprint(Label.INTERNAL) == inspector(strict).fingerprint(Label.PUBLIC)
    assert inspector().inspect("x", Label.PUBLIC).fingerprint == inspector().fingerprint(Label.PUBLIC)


def test_a_detector_that_fails_tells_no_text() -> None:
    with pytest.raises(BlockedByPolicy) as caught:
        Inspector(detectors=[Broken()], strict=(), policy=Policy()).inspect("a secret story", Label.PUBLIC)
    assert "story" not in caught.value.message + caught.value.hint
