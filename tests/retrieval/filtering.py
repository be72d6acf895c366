"""Filters at random, and filters as text."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from hybridrag.types import And, Clause, Comparison, Filter, Label, Not, Or

EQUALS: list[Comparison] = [":", "=", "!="]
ORDERS: list[Comparison] = [":", "=", "!=", "<", "<=", ">", ">="]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
DATES = [
    *("2024", "2025", "0001", "9999", "2025-01", "2025-02", "2024-12", "2025-01-01", "2024-12-31", "2024-02-29"),
    *("2025-01-01T00:00Z", "2025-01-01T01:30:00+02:00", "2025-01-01T00:00:00.000001Z", "2025-01-31T23:59"),
    "9999-12-31",
]
_globs = st.lists(st.sampled_from(["*", "**", "**/", "?", "a", "b", "/", ".md", "x"]), min_size=1, max_size=6).map(
    "".join
)
_labels = st.sampled_from([*(label.value for label in Label), "Local Only", "secret"])


def _clauses(field: str, comparisons: list[Comparison], values: st.SearchStrategy[str]) -> st.SearchStrategy[Filter]:
    return st.builds(Clause, st.just(field), st.sampled_from(comparisons), values)


def clauses(words: list[str], keys: list[str]) -> st.SearchStrategy[Filter]:
    """Conditions that are no error. `words` are likely values, `keys` likely names in metadata."""
    likely = st.sampled_from(words) | texts | _globs
    scalars = likely | st.sampled_from(["1", "2025", "-3", "0.5", "1.50", "true", "false", "null", "abc"])
    days = st.sampled_from(["2025", "2025-01", "2025-02", "2024-12-31", "2025-01-01", "0001-01", "9999", "9999-12"])
    names = st.sampled_from(keys) | texts
    return st.one_of(
        *(_clauses(field, EQUALS, likely) for field in ("path", "source", "title")),
        _clauses("type", EQUALS, st.sampled_from(["md", ".MD", "pdf", "m?", "text/*", "text/plain", "*"]) | likely),
        _clauses("language", EQUALS, st.sampled_from(["de", "EN", "fr"])),
        _clauses("label", ORDERS, _labels),
        _clauses("date", ORDERS, st.sampled_from(DATES)),
        st.builds(Clause, names.map("meta.{}".format), st.sampled_from(EQUALS), scalars),
        st.builds(Clause, names.map("meta.{}".format), st.sampled_from(ORDERS[3:]), days | scalars),
    ).filter(_sound)


def trees(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    def joined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, min_size=2, max_size=3).map(tuple)
        return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, parts)

    return st.recursive(leaves, joined, max_leaves=8)


def written(tree: Filter) -> str:
    """A text that means the tree."""
    if isinstance(tree, Not):
        return f"not {written(tree.part)}"
    if isinstance(tree, And | Or):
        return f"({(' and ' if isinstance(tree, And) else ' OR ').join(map(written, tree.parts))})"
    field = f"meta.{quoted(tree.field[5:])}" if tree.field.startswith("meta.") else tree.field
    return f"{field}{tree.comparison}{quoted(tree.value)}"


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _sound(clause: Filter) -> bool:
    """Metadata is ordered by whole days of the calendar."""
    assert isinstance(clause, Clause)
    return not (
        clause.comparison in ORDERS[3:]
        and clause.field.startswith("meta.")
        and (re.match(r"\d{4}-\d\d-\d\d[T ]", clause.value) or clause.value == "0000")
    )
