"""JSON, YAML, TOML, XML: readable text under its key paths, and hostile files that cost only themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.sources.media import media_type
from tests.parsing.hostile_data import files as hostile_files

Values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


def _paths(parsed: Parsed) -> list[str]:
    """Each heading's whole path, as chunks get to know it."""
    path: list[str] = []
    found = []
    for heading in parsed.headings:
        path = [*path[: heading.level - 1], heading.title]
        found.append(" > ".join(path))
    return found


RULES = ["hotels", "hotels > 0", "hotels > 0 > limit", "hotels > 1", "hotels > 1 > limit"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rules.yaml", "application/yaml"),
        ("rules-one-line.json", "application/json"),
        ("rules-indented.json", "application/json"),
    ],
)
def test_key_paths_are_headings(files: Path, name: str, kind: str) -> None:
    content = (files / "text" / name).read_bytes()
    parsed = parse(content, kind)
    assert _paths(parsed) == RULES
    assert "Zürich" in parsed.text
    assert parsed.text[parsed.headings[2].start :].lstrip('"').startswith("limit")
    assert (parsed.text == content.decode()) is (name != "rules-one-line.json")


def test_one_line_becomes_lines_with_words_as_they_read(files: Path) -> None:
    text = parse((files / "text" / "rules-one-line.json").read_bytes(), "application/json").text
    assert '"city": "Zürich"' in text
    assert "Book early.\nStay late." in text
    tree = parse((files / "text" / "rules.json").read_bytes(), "application/json")
    assert max(map(len, tree.text.split("\n"))) <= 150
    assert "blocks" in _paths(tree)


@given(Values)
def test_laid_out_json_loses_nothing(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    try:
        laid_out = parse(b"[" * 3 + text.encode() + b"]" * 3 + b" " * 500, "application/json").text
    except (UnicodeEncodeError, UnreadableError):
        return
    if "\\" not in text and "\x7f" not in text:
        assert json.loads(laid_out, strict=False) == json.loads(f"[[[{text}]]]".replace("\r", "\n"), strict=False)


def test_what_is_no_json_stays_as_written() -> None:
    for text in ('{"a": 1} and more', "[1] started\n[2] ended\n", '{"a":', "{'a': 1}"):
        parsed = parse(text.encode(), "application/json")
        assert (parsed.text, parsed.headings) == (text, ())
        assert parsed.notes == ("not valid JSON: taken as it is written",)
    commented = '// settings\n{"a": {"b": 1,},}\n'
    assert _paths(parse(commented.encode(), "application/json")) == ["a"]


def test_twice_the_same_key_and_odd_numbers() -> None:
    text = '{"a": {"x": NaN},\n "a": {"y": 1e999999}}\n'
    parsed = parse(text.encode(), "application/json")
    assert parsed.text == text
    assert _paths(parsed) == ["a", "a"]


def test_json_lines() -> None:
    content = b'{"id": 1, "text": "caf\\u00e9\\nbar"}\n\nnot json\n{"id": 2, "of": {"k": "v"}}\n'
    parsed = parse(content, "application/x-ndjson")
    assert "café\nbar" in parsed.text
    assert "not json" in parsed.text
    assert _paths(parsed) == ["1", "3", "4", "4 > of"]
    assert parsed.notes == ("1 line not valid JSON: taken as written",)


def test_records_under_one_another_are_json_lines_under_any_name() -> None:
    content = b'{"id": 1, "of": {"k": 2}}\n{"id": 2}\n'
    assert parse(content, "application/json") == parse(content, "application/x-ndjson")


def test_yaml_of_a_workflow() -> None:
    text = (
        "# é\njobs:\n  build:\n    steps:\n      - name: a\n        run: |\n          no: key\n      - name: b\n"
        "base: &base\n  k: v\nuse: *base\n---\nsecond: {x: 1}\n"
    )
    parsed = parse(text.encode(), "application/yaml")
    assert parsed.text == text
    assert _paths(parsed) == [
        "jobs",
        "jobs > build",
        "jobs > build > steps",
        "jobs > build > steps > 0",
        "jobs > build > steps > 1",
        "base",
        "second",
    ]
    assert parsed.text[parsed.headings[3].start :].startswith("- name: a")


def test_sections() -> None:
    text = '[tool.ruff]\nx = """\n[no]\n"""\n\n[[bin]]  # one\nlist = [\n[1, 2],\n]\n'
    assert _paths(parse(text.encode(), "application/toml")) == ["tool.ruff", "bin"]
    assert _paths(parse(b"[main]\nkey = 1\n; note\n[other part]\n", "text/x-ini")) == ["main", "other part"]


@pytest.mark.parametrize("ending", ["dbk", "jats"])
def test_documents_in_xml(files: Path, ending: str) -> None:
    content = (files / "text" / f"rules.{ending}").read_bytes()
    parsed = parse(content, "application/xml")
    assert parsed.text == content.decode()
    assert parsed.title == "Travel & Expense Rules"
    titles = [heading.title for heading in parsed.headings]
    assert [title for title in titles if title in {"Booking", "Trains", "Refunds"}] == ["Booking", "Trains", "Refunds"]
    assert "para" not in titles


def test_data_in_xml() -> None:
    text = (
        '<project><deps><dep name="a &amp; b"><v>1</v></dep><dep><v>2</v></dep></deps><p>Some <b>bold</b> '
        "text</p></project>"
    )
    parsed = parse(text.encode(), "application/xml")
    assert _paths(parsed) == ["deps", "deps > dep a & b", "deps > dep"]
    long = parse(text.replace("</dep>", "</dep>" + "<dep><v>3</v></dep>" * 100).encode(), "application/xml")
    assert max(map(len, long.text.split("\n"))) < 100


@pytest.mark.parametrize("name", sorted(hostile_files()))
def test_a_hostile_file_costs_little(name: str) -> None:
    content = hostile_files()[name]
    kind = media_type(name, content)
    assert kind is not None
    began = time.process_time()
    try:
        parsed = parse(content, kind)
    except (UnreadableError, RecursionError):
        return
    finally:
        assert time.process_time() - began < 20
    assert "root:" not in parsed.text
    assert all(0 <= heading.start <= len(parsed.text) for heading in parsed.headings)
    assert all(0 <= it.start <= it.head <= it.end <= len(parsed.text) for it in parsed.blocks)


def test_no_alias_and_no_entity_is_followed() -> None:
    for name, kind in (("alias-bomb.yaml", "application/yaml"), ("entities.xml", "application/xml")):
        content = hostile_files()[name]
        assert parse(content, kind).text == content.decode()


def test_types_by_name_and_first_line() -> None:
    ask: Callable[[str, bytes], str | None] = media_type
    assert ask("a/fees.ipynb", b"{}") == "application/x-ipynb+json"
    assert ask("App.tsx", b"x") == "text/x-tsx"
    assert ask("bin/run", b"#!/usr/bin/env python3\nprint()\n") == "text/x-python"
    assert ask("bin/run", b"#!/bin/sh\necho\n") == "text/x-shellscript"
    assert ask("notes", b"plain words\n") == "text/plain"
    assert ask("main.dart", b"void main() {}\n") == "text/x-dart"
