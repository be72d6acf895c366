"""What every `Detector` keeps: the built-in ones, found as third-party ones are."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridrag.ports import Detector
from hybridrag.privacy import builtin_detectors
from hybridrag.types import Span

EXAMPLES = {
    "structured": "Write to ada@example.com or call +49 30 901820.",
    "secrets": "password = 'correct-horse-battery-9'",
}


def installed() -> Sequence[Detector]:
    """Those that the package declares, loaded as an entry point is."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"]["hybridrag.detectors"]
    return [EntryPoint(name, target, "hybridrag.detectors").load()() for name, target in declared.items()]


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def detector(request: pytest.FixtureRequest) -> Detector:
    return next(found for found in builtin_detectors() if found.name == request.param)


def test_the_builtin_ones_are_registered_like_others() -> None:
    registered = {(found.name, found.version) for found in installed()}
    assert {(found.name, found.version) for found in builtin_detectors()} <= registered


def test_it_has_a_name_and_a_version(detector: Detector) -> None:
    assert detector.name
    assert detector.version


def test_it_finds_its_own_example_exactly(detector: Detector) -> None:
    text = EXAMPLES[detector.name]
    spans = list(detector.detect(text))
    assert spans
    check(text, spans)
    shifted = list(detector.detect(f"Überall.\n{text}"))
    assert {(span.start - 9, span.end - 9, span.type) for span in shifted} >= {(s.start, s.end, s.type) for s in spans}


_pieces = st.sampled_from(
    [*EXAMPLES.values(), "ada@", "4111 1111 1111 1111", "-----BEGIN RSA PRIVATE KEY-----", "10.0.0.1"]
)


@settings(deadline=None)
@given(text=st.text(max_size=200) | st.lists(_pieces | st.text(max_size=9), max_size=8).map("".join))
@example(text="")
@example(text="\0\ud800\U0010ffff")
@example(text="a@" * 2000)
@example(text="1 " * 5000)
def test_any_text_has_spans_inside_it(text: str) -> None:
    for detector in builtin_detectors():
        spans = list(detector.detect(text))
        check(text, spans)
        assert spans == list(detector.detect(text))


def check(text: str, spans: Sequence[Span]) -> None:
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert span.type.isupper()
        assert span.rule
