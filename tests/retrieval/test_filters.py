"""The filter language: what it means, and where it points when it does not understand."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybridrag.errors import UsageError
from hybridrag.retrieval import parse_filter
from hybridrag.types import Clause


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", ()),
        ("  \t\n", ()),
        ("type:pdf", (Clause("type", "pdf"),)),
        ("path:docs/** type:md", (Clause("path", "docs/**"), Clause("type", "md"))),
        ("meta.author=Ada", (Clause("meta.author", "Ada"),)),
        ('meta.author="Ada Lovelace"', (Clause("meta.author", "Ada Lovelace"),)),
        (
            'meta.author = "Ada \\"the\\" first" type: md',
            (Clause("meta.author", 'Ada "the" first'), Clause("type", "md")),
        ),
        (r'path:"a\\b"', (Clause("path", r"a\b"),)),
        ("label:internal source:hand*", (Clause("label", "internal"), Clause("source", "hand*"))),
        ("meta.a.b-c=1", (Clause("meta.a.b-c", "1"),)),
        ("path:C:/x?y=z", (Clause("path", "C:/x?y=z"),)),
        ("meta.größe=groß", (Clause("meta.größe", "groß"),)),
        ("path:it's", (Clause("path", "it's"),)),
    ],
)
def test_conditions(text: str, clauses: tuple[Clause, ...]) -> None:
    assert parse_filter(text) == clauses


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("pth:docs", "unknown field 'pth'", 0),
        ("type:pdf lable:public", "unknown field 'lable'", 9),
        ("type:pdf and label:public", "expected FIELD:VALUE", 9),
        ("type:", "expected FIELD:VALUE", 0),
        ("type:pdf   meta.author=", "expected FIELD:VALUE", 11),
        ('meta.author="Ada', "expected FIELD:VALUE", 0),
        ('type:pdf meta.author="Ada"x', "expected FIELD:VALUE", 9),
        ('type:""', "empty value", 5),
        ("label:secrt", "unknown label 'secrt'", 6),
        ("meta.=x", "unknown field 'meta.'", 0),
        ("=x", "expected FIELD:VALUE", 0),
    ],
)
def test_an_error_points_at_its_place(text: str, message: str, at: int) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_filter(text)
    _, shown, caret = caught.value.message.split("\n")
    assert shown == f"  {text}"
    assert caret == " " * (at + 2) + "^"
    assert caught.value.hint


def test_a_close_field_is_suggested() -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter("pth:docs/**")
    assert caught.value.hint == "did you mean path?"


@given(
    st.lists(
        st.sampled_from(["path", "type:", "label", ":", "=", '"', "\\", " ", "\n", "a b", "\0", "\ud800", "é"])
        | st.text(max_size=5),
        max_size=10,
    ).map("".join)
)
@example('path:"\ud800"')
@example("path:\0")
@example("path:\udfff*")
@example("\ud800:x")
def test_anything_else_is_a_usage_error(text: str) -> None:
    try:
        clauses = parse_filter(text)
    except UsageError as exc:
        assert exc.message.startswith("--filter: ")
        assert "\0" not in exc.message
    else:
        for clause in clauses:
            assert clause.value
            assert "\0" not in clause.value
            assert clause.field.encode()
            assert clause.value.encode()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30))
def test_any_text_can_be_quoted(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_filter(f'meta.key="{quoted}" type:md') == (Clause("meta.key", value), Clause("type", "md"))
