"""Labels: the strictest of place and document; what cannot be read is guarded most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.flows.labels import label_of, path_label
from hybridrag.types import Document, Label, Source

SOURCE = Source(name="handbook", kind="folder", root="/h")
_labels = st.sampled_from(list(Label))


def document(path: str = "hr/pay.md", *, declared: Any = None, record: bool = False) -> Document:
    return Document(
        source="handbook",
        path=path,
        text="",
        title="-",
        media_type="text/markdown",
        content_hash=b"",
        metadata={} if declared is None else {"label": declared},
        external_id="7" if record else None,
    )


@given(source=_labels, on_source=_labels, in_settings=_labels, declared=st.none() | _labels)
def test_the_strictest_wins(source: Label, on_source: Label, in_settings: Label, declared: Label | None) -> None:
    place = replace(SOURCE, label=source, label_globs=(("hr/**", on_source), ("other/**", Label.LOCAL_ONLY)))
    found, note = label_of(place, document(declared=declared and declared.value), [("*.md", in_settings)])
    assert found is Label.strictest(source, on_source, in_settings, declared or Label.PUBLIC)
    assert note == ""


@pytest.mark.parametrize(
    ("glob", "path", "holds"),
    [
        ("hr/**", "hr/pay.md", True),
        ("hr/**", "hr/a/b/pay.md", True),
        ("hr/*", "hr/a/pay.md", False),
        ("*.md", "hr/pay.md", True),
        ("pay.md", "hr/pay.md", True),
        ("handbook/hr/**", "hr/pay.md", True),
        ("**/pay.md", "pay.md", True),
        ("**", "a/b", True),
        ("HR/**", "hr/pay.md", False),
        ("h?/**", "hr/pay.md", True),
        ("hr", "hr/pay.md", False),
        ("[h]r/**", "hr/pay.md", False),
        ("hr/pay.md", "hr/pay_md", False),
    ],
)
def test_globs_are_over_the_path_or_the_uri(glob: str, path: str, holds: bool) -> None:
    expected = Label.CONFIDENTIAL if holds else Label.INTERNAL
    assert path_label(SOURCE, path, [(glob, Label.CONFIDENTIAL)]) is expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("public", Label.INTERNAL),
        ("Confidential", Label.CONFIDENTIAL),
        (" local only ", Label.LOCAL_ONLY),
        ("LOCAL_ONLY", Label.LOCAL_ONLY),
        ("restricted", Label.LOCAL_ONLY),
        ("Secret", Label.LOCAL_ONLY),
    ],
)
def test_what_a_document_says_of_itself(declared: str, expected: Label) -> None:
    assert label_of(SOURCE, document(declared=declared), []) == (expected, "")


@pytest.mark.parametrize(
    "declared", ["secrit", "", "for Ada only", 7, True, ["public"], {"a": 1}, ["public", "internal"]]
)
def test_an_unknown_label_in_front_matter_is_the_strictest(declared: Any) -> None:
    label, note = label_of(SOURCE, document(declared=declared), [])
    assert label is Label.LOCAL_ONLY
    assert "unknown label" in note


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("positive", Label.INTERNAL), (1, Label.INTERNAL), ("confidential", Label.CONFIDENTIAL), ("", Label.INTERNAL)],
)
def test_in_a_record_a_label_is_often_a_class(declared: Any, expected: Label) -> None:
    assert label_of(SOURCE, document(declared=declared, record=True), []) == (expected, "")
