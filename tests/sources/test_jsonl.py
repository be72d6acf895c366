"""JSONL: a document a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybridrag.sources import Listing, Reader, open_source
from hybridrag.types import RawDocument, Skipped, Source


def opened(tmp_path: Path, content: bytes | str, *, only: tuple[str, ...] = (), limit: int = 10_000) -> Reader:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_source(Source("box", "jsonl", str(path), only=only), limit=limit)


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def everything(reader: Reader) -> tuple[Listing, list[RawDocument | Skipped]]:
    found = reader.list()
    return found, [reader.read(entry) for entry in found.entries]


def document(reader: Reader) -> RawDocument:
    _, (read,) = everything(reader)
    assert isinstance(read, RawDocument)
    return read


def problems(found: Listing) -> dict[str, str]:
    return {problem.uri: problem.reason for problem in found.problems}


def test_id_title_text_and_the_rest_as_metadata(tmp_path: Path) -> None:
    record = {
        "_id": "a/1",
        "title": "Füße",
        "text": "Ein Text.",
        "year": 2026,
        "tags": ["x", {"y": None}],
        "id": "other",
    }
    read = document(opened(tmp_path, lines(record)))
    assert (read.path, read.external_id, read.title) == ("a/1", "a/1", "Füße")
    assert (read.content, read.media_type) == (b"Ein Text.", "text/plain")
    assert read.metadata == {"year": 2026, "tags": ["x", {"y": None}], "id": "other"}
    assert read.modified is not None


@pytest.mark.parametrize("key", ["_id", "id"])
@pytest.mark.parametrize(("written", "expected"), [("x", "x"), (7, "7"), (10**30, "1" + "0" * 30)])
def test_ids(tmp_path: Path, key: str, written: str | int, expected: str) -> None:
    read = document(opened(tmp_path, lines({key: written, "text": "t"})))
    assert (read.path, read.external_id) == (expected, expected)


def test_without_an_id_the_path_follows_the_content_not_the_line(tmp_path: Path) -> None:
    first, _ = everything(opened(tmp_path, lines({"text": "a"}, {"title": "T", "text": "b"})))
    second, read = everything(opened(tmp_path, lines({"text": "new"}, {"text": "b", "title": "T"}, {"text": "a"})))
    assert {entry.path for entry in first.entries} < {entry.path for entry in second.entries}
    assert all(isinstance(one, RawDocument) and one.external_id is None for one in read)


def test_the_hash_sees_text_title_and_metadata(tmp_path: Path) -> None:
    variants: list[dict[str, Any]] = [
        {"_id": "1", "text": "t"},
        {"_id": "1", "text": "u"},
        {"_id": "1", "text": "t", "title": "T"},
        {"_id": "1", "text": "t", "year": 1},
        {"_id": "1", "text": "t", "year": "1"},
    ]
    hashes = {document(opened(tmp_path, lines(record))).content_hash for record in variants}
    assert len(hashes) == len(variants)
    shuffled = lines({"_id": "1", "a": 1, "text": "t", "b": 2}), lines({"b": 2, "text": "t", "a": 1, "_id": "1"})
    assert len({document(opened(tmp_path, text)).content_hash for text in shuffled}) == 1


def test_bad_lines_are_named_and_the_rest_comes_in(tmp_path: Path) -> None:
    bad = [
        b"not json",
        b'["a list"]',
        b'{"_id": "x"}',
        b'{"_id": "y", "text": 3}',
        b'{"_id": true, "text": "t"}',
        b'{"_id": [1], "text": "t"}',
        b'{"_id": "a\\u0000b", "text": "t"}',
        b'{"text": "t", "score": NaN}',
        b'{"text": "caf\xe9"}',
        b'{"text": ' + b"[" * 100_000,
        b'{"_id": ' + b"9" * 5_000 + b', "text": "t"}',
        b'{"text": "cut',
    ]
    content = b'{"_id": "1", "text": "first"}\n' + b"\n".join(bad) + b'\n\n{"_id": "2", "text": "last"}'
    found, read = everything(opened(tmp_path, content, limit=200_000))
    assert [one.path for one in read if isinstance(one, RawDocument)] == ["1", "2"]
    assert list(problems(found)) == [f"box/line-{number}" for number in range(2, 2 + len(bad))]
    assert all(problem.failed and problem.reason for problem in found.problems)
    assert not any("caf" in problem.reason for problem in found.problems)


def test_while_a_line_is_unreadable_nothing_counts_as_gone(tmp_path: Path) -> None:
    assert opened(tmp_path, '{"_id": "1", "text": "t"}\n{"_id": "2", "te').list().protects("2")
    assert not opened(tmp_path, '{"_id": "1", "text": "t"}\n').list().protects("2")


def test_of_two_lines_with_one_id_the_first_stays(tmp_path: Path) -> None:
    found, read = everything(opened(tmp_path, lines({"id": 1, "text": "a"}, {"_id": "1", "text": "b"})))
    assert [one.content for one in read if isinstance(one, RawDocument)] == [b"a"]
    assert problems(found) == {"box/line-2": "has the id of line 1, which was kept"}


def test_empty_text_is_no_failure(tmp_path: Path) -> None:
    _, (read,) = everything(opened(tmp_path, lines({"_id": "1", "title": "only", "text": " \n"})))
    assert isinstance(read, Skipped)
    assert (read.reason, read.failed) == ("empty text", False)


def test_byte_order_mark_carriage_returns_blank_lines_and_no_last_newline(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"_id": "1", "text": "a"}\r\n\r\n  \n{"_id": "2", "text": "b"}'
    found, read = everything(opened(tmp_path, content))
    assert found.problems == ()
    assert [(one.path, one.content) for one in read if isinstance(one, RawDocument)] == [("1", b"a"), ("2", b"b")]


def test_a_line_over_the_limit_is_passed_over(tmp_path: Path) -> None:
    content = lines({"_id": "1", "text": "a"}, {"_id": "2", "text": "x" * 1000}, {"_id": "3", "text": "c"})
    found, read = everything(opened(tmp_path, content, limit=100))
    assert [one.path for one in read if isinstance(one, RawDocument)] == ["1", "3"]
    assert problems(found)["box/line-2"].startswith("too large")
    exact = json.dumps({"_id": "1", "text": "a"})
    assert document(opened(tmp_path, exact + "\n", limit=len(exact))).content == b"a"


def test_lone_surrogates_do_not_leave_the_room(tmp_path: Path) -> None:
    content = '{"_id": "1", "text": "a\\ud800b \\ud83d\\ude00", "title": "T\\udfff", "m": {"k\\ud800": ["\\udc00v"]}}'
    read = document(opened(tmp_path, content))
    assert read.content.decode() == "ab \U0001f600"
    assert (read.title, read.metadata) == ("T", {"m": {"k": ["v"]}})


def test_titles_that_are_no_text(tmp_path: Path) -> None:
    content = lines(*({"_id": i, "title": title, "text": "t"} for i, title in enumerate([7, None, "", " ", ["x"]])))
    _, read = everything(opened(tmp_path, content))
    assert [one.title for one in read if isinstance(one, RawDocument)] == ["7", None, None, None, None]


def test_only_some_lines(tmp_path: Path) -> None:
    content = lines({"_id": "1", "text": "a"}, {"_id": "2", "text": "b"})
    found, read = everything(opened(tmp_path, content, only=("2", "3")))
    assert [one.path for one in read if isinstance(one, RawDocument)] == ["2"]
    assert found.missing == ("3",)
    assert problems(found) == {"box/3": "no line has this id"}


def test_a_file_that_changes_between_listing_and_reading(tmp_path: Path) -> None:
    reader = opened(tmp_path, lines({"_id": "1", "text": "a"}))
    (entry,) = reader.list().entries
    with (tmp_path / "corpus.jsonl").open("r+") as file:
        file.write('{"_id": "9"')
    read = reader.read(entry)
    assert isinstance(read, Skipped)
    assert read.failed


@pytest.mark.parametrize("make", ["missing", "folder"])
def test_a_file_that_is_not_there_protects_everything(tmp_path: Path, make: str) -> None:
    path = tmp_path / "corpus.jsonl"
    if make == "folder":
        path.mkdir()
    found = open_source(Source("box", "jsonl", str(path))).list()
    assert found.entries == ()
    assert found.protects("anything")
    assert [problem.uri for problem in found.problems] == ["box"]
