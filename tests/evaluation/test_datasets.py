"""BEIR folders: where their files may lie, and what is told of each that is missing or broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation import load_beir, missing
from hybridrag.evaluation.datasets import files_of


def folder(place: Path, **files: str) -> Path:
    """A whole dataset, with some files otherwise: `qrels__dev` is qrels/dev.tsv, `qrels_dev` is qrels.dev.tsv."""
    texts = {
        "corpus": '{"_id": "d1", "title": "T", "text": "x"}\n',
        "queries": '{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n',
        "qrels": "query-id\tcorpus-id\tscore\nq1\td1\t2\n",
        **files,
    }
    place.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        ending = ".tsv" if name.startswith("qrels") else ".jsonl"
        file = place / (name.replace("__", "/").replace("_", ".") + ending)
        file.parent.mkdir(exist_ok=True)
        if text:
            file.write_bytes(text.encode("utf-8", "surrogateescape"))
    return place


def test_judgements_may_lie_in_a_folder_of_splits(tmp_path: Path) -> None:
    judged = {"qrels": "", "qrels__test": "q1\td1\t1\n", "qrels__dev": "q2\td1\t1\n"}
    made = folder(tmp_path / "set", **judged)
    assert load_beir(made).qrels == {"q1": {"d1": 1}}
    assert load_beir(made, split="dev").qrels == {"q2": {"d1": 1}}
    with pytest.raises(UsageError, match="no judgements for the split 'train'") as told:
        load_beir(made, split="train")
    assert told.value.hint == "it has: dev, test"
    (made / "qrels" / "test.tsv").rename(made / "qrels" / "train.tsv")
    with pytest.raises(UsageError, match="several splits: dev, train"):
        load_beir(made)


def test_a_split_may_have_queries_of_its_own(tmp_path: Path) -> None:
    made = folder(tmp_path, qrels_dev="q9\td1\t1\n", queries_dev='{"_id": "q9", "text": "nine"}\n')
    assert load_beir(made, split="dev").queries == {"q9": "nine"}
    assert load_beir(made).queries == {"q1": "one"}


def test_four_columns_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    made = folder(
        tmp_path, qrels="q1\t0\td1\t2\r\nq1\t0\td2\t0\r\n", queries='\ufeff{"_id": "q1", "text": "a\u2028b"}\r\n'
    )
    assert load_beir(made).qrels == {"q1": {"d1": 2, "d2": 0}}
    assert load_beir(made).queries == {"q1": "a\u2028b"}


def test_an_id_is_the_same_in_all_files(tmp_path: Path) -> None:
    made = folder(
        tmp_path,
        corpus='{"_id": " d\\u0000 ", "text": "x"}\n',
        queries='{"_id": "q1 ", "text": "one"}\n',
        qrels="Query\tDoc\tRelevance\nq1\td\t1\n",
    )
    found = load_beir(made)
    assert found.qrels == {"q1": {"d": 1}}
    assert [*found.queries] == ["q1"]
    assert [key for key, _, _ in found.documents()] == ["d"]


def test_the_files_of_a_folder_are_known(tmp_path: Path) -> None:
    made = folder(tmp_path / "set", qrels__dev="q2\td1\t1\n", queries_dev='{"_id": "q9", "text": "nine"}\n')
    (made / "mine.jsonl").touch()
    names = ["corpus.jsonl", "qrels.tsv", "qrels/dev.tsv", "queries.dev.jsonl", "queries.jsonl"]
    assert sorted(str(file.relative_to(made)) for file in files_of(made)) == names
    assert files_of(made / "corpus.jsonl") == files_of(tmp_path / ("x" * 300)) == []


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    made = folder(tmp_path, qrels="q1\td1\t1\nq8\td1\t1\nq9\td1\t1\n")
    notes = load_beir(made).notes
    assert any("2 judged queries are not in queries.jsonl (the first: q8)" in note for note in notes)
    assert any("1 queries without judgements" in note for note in notes)
    made = folder(tmp_path, qrels="q1\td1\t0\nq2\td1\t1\n")
    assert any("1 queries have no relevant document" in note for note in load_beir(made).notes)


def test_the_name_says_which_of_several_it_is(tmp_path: Path) -> None:
    names = [
        load_beir(folder(tmp_path / place)).name for place in ("xquad/en", "xquad/de", "scifact", "nq/test", "cosqa")
    ]
    assert names == ["xquad/en", "xquad/de", "scifact", "nq/test", "cosqa"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"corpus": ""}, r"is no BEIR folder: it has no corpus\.jsonl"),
        ({"queries": ""}, r"it has no queries\.jsonl"),
        ({"qrels": ""}, r"it has no qrels\.tsv"),
        ({"queries": '{"_id": "q1", "text": "one"}\n{"text": "two"}\n'}, r"queries\.jsonl: line 2 is no record"),
        ({"queries": "[" * 100_000 + "\n"}, r"queries\.jsonl: line 1 is no record"),
        ({"queries": '{"_id": ["q1"], "text": "one"}\n'}, r"queries\.jsonl: line 1 is no record"),
        ({"queries": '{"_id": "q1", "text": ""}\n'}, r"queries\.jsonl: line 1 has no text"),
        ({"queries": '{"_id": "q1"}\n'}, r"queries\.jsonl: line 1 has no text"),
        (
            {"queries": '{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "b"}\n'},
            r"line 2 has the id q1 of an earlier",
        ),
        ({"queries": '{"_id": "q1", "text": "a"}\n{"_id": "q2", "text": "\udcff"}\n'}, r"line 2 is not UTF-8"),
        ({"queries": '{"_id": "q7", "text": "seven"}\n'}, r"qrels\.tsv judges none of the queries"),
        ({"qrels": "query-id\tcorpus-id\tscore\n"}, r"qrels\.tsv holds no judgement"),
        ({"qrels": "q1\td1\t1\nq1\td2\n"}, r"qrels\.tsv: line 2 is no judgement"),
        ({"qrels": "q1\td1\t1\nq1\td2\tgood\n"}, r"qrels\.tsv: line 2 is no judgement"),
        ({"qrels": "q1 d1 1\nq1 d2 1\n"}, r"qrels\.tsv: line 1 is no judgement"),
        ({"qrels": "q1\td1\tone\nq1\td2\t1\n"}, r"qrels\.tsv: line 1 is no judgement"),
        ({"qrels": "q1\td1\t1\nq1\td2\t" + "9" * 5000 + "\n"}, r"qrels\.tsv: line 2 is no judgement"),
        ({"queries": '{"_id": " ", "text": "one"}\n'}, r"queries\.jsonl: line 1 is no record"),
        ({"qrels": "q1\td1\t1\n\td2\t1\n"}, r"qrels\.tsv: line 2 is no judgement"),
        ({"qrels": "q1\td1\t1\nq1\td1\t2\n"}, r"line 2 judges the document d1 for q1 another time"),
    ],
)
def test_a_broken_folder_is_told_with_file_and_line(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        load_beir(folder(tmp_path / "set", **files))
    assert told.value.hint


def test_the_same_judgement_twice_is_none_too_many(tmp_path: Path) -> None:
    assert load_beir(folder(tmp_path, qrels="q1\td1\t1\nq1\td1\t1\n")).qrels == {"q1": {"d1": 1}}


def test_datasets_inside_a_folder_are_named(tmp_path: Path) -> None:
    for name in ("de", "en"):
        folder(tmp_path / "xquad" / name)
    with pytest.raises(UsageError, match="no BEIR folder") as told:
        load_beir(tmp_path / "xquad")
    assert told.value.hint == f"these inside it are: {tmp_path}/xquad/de, {tmp_path}/xquad/en"


def test_a_misspelt_path_is_asked_after(tmp_path: Path) -> None:
    folder(tmp_path / "scifact")
    assert missing(tmp_path / "scifcat").hint == f"did you mean {tmp_path}/scifact?"
    assert "BEIR folder" in missing(tmp_path / "elsewhere" / "x").hint
