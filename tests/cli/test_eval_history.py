"""Quality watched night by night, as cron does it: `eval run --baseline`, and what `eval history` shows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_eval import beir, lines
from tests.conftest import CommandLine, Here
from tests.models.tiny import write_static_model


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


def night(cli: CommandLine, *arguments: str) -> tuple[int, dict[str, Any], str]:
    done = cli("eval", "run", "topics", "--mode", "lexical", "--baseline", "--json", *arguments)
    assert "Traceback" not in done.err
    return done.code, done.json, done.err


def test_an_alarm_rings_until_its_cause_is_mended_whatever_else_changes(cli: CommandLine, tmp_path: Path) -> None:
    another = write_static_model(tmp_path / "another", dimensions=32, seed=2)
    folder = beir(cli.home / "topics")
    code, first, told = night(cli)
    assert (code, first["verdict"], first["is_baseline"]) == (0, "first", True)
    assert "this run becomes the baseline" in told

    beir(folder, shifted=5)
    code, fallen, _ = night(cli)
    assert (code, fallen["verdict"], fallen["is_baseline"]) == (10, "dropped", False)
    judged = (folder / "qrels.tsv").read_text().splitlines()
    (folder / "qrels.tsv").write_text("\n".join(judged[:-1]) + "\n")
    code, fewer, told = night(cli)
    assert (code, fewer["queries"], fewer["verdict"]) == (10, 11, "dropped"), "one question less is no new beginning"
    assert "1 questions of run 1" in told
    assert {one["run"] for one in fewer["baseline"]} == {first["id"]}
    code, other, told = night(cli, "--embedder", str(another))
    assert (code, other["verdict"]) == (10, "dropped"), "nor is another model, which has a collection of its own"
    assert other["collection"] != first["collection"]
    assert "was made otherwise: fingerprint, model" in told
    beir(folder, shifted=5)
    code, accepted, told = night(cli, "--max-drop", "1")
    assert (code, accepted["verdict"], accepted["is_baseline"]) == (0, "accepted", True)
    assert "this run becomes the baseline" in told
    beir(folder)
    code, mended, _ = night(cli)
    assert (code, mended["verdict"], mended["baseline"][0]["run"]) == (0, "better", accepted["id"])

    shown = cli("eval", "history", "topics", "--json")
    assert shown.code == 0, shown.err
    runs = [(run["id"], run["verdict"], run["is_baseline"], run["queries"]) for run in shown.json["runs"]]
    assert (shown.json["schema"], shown.json["metric"]) == ("hybridrag.eval_history/1", "ndcg@10")
    assert runs == [
        *((1, "first", True, 12), (2, "dropped", False, 12), (3, "dropped", False, 11)),
        *((4, "dropped", False, 11), (5, "accepted", True, 12), (6, "better", True, 12)),
    ]
    third = shown.json["runs"][2]
    assert [(row["mode"], row["run"], row["verdict"]) for row in third["held"]] == [("lexical", 1, "dropped")]
    assert third["value"] == fewer["modes"]["lexical"]["ndcg@10"]
    assert "question" not in json.dumps(shown.json["runs"][0]["modes"])

    picture = cli.home / "h.svg"
    table = cli("eval", "history", "./topics", "-c", first["collection"], "--mode", "lexical", "--plot", str(picture))
    assert table.code == 0, table.err
    rows = [line.split() for line in table.out.splitlines()]
    assert [row[0] for row in rows[1:6]] == ["1", "2", "3", "5", "6"], "one run is of another collection"
    assert "dropped" in table.out
    assert "◆ baseline" in table.out
    assert "baseline" in picture.read_text()
    few = cli("eval", "history", "--limit", "2", "--since", "1d", "--metric", "recall@10")
    assert [line.split()[0] for line in few.out.splitlines()[1:3]] == ["5", "6"]

    kept = cli("eval", "history", "--prune", "0d", "--json")
    assert (kept.code, kept.json["pruned"]) == (0, 5)
    assert [run["id"] for run in cli("eval", "history", "--json").json["runs"]] == [6], "what guards stays"
    beir(folder, shifted=5)
    assert night(cli)[0] == 10


def test_answers_have_a_history_of_their_own(cli: CommandLine) -> None:
    (cli.home / "docs").mkdir()
    (cli.home / "docs" / "leave.md").write_text("# Leave\n\nEvery employee has 28 days of holiday a year.\n")
    assert cli("ingest", "docs").code == 0
    asked = [
        {"question": "How many days of holiday?", "sources": ["leave.md"], "answer": "28 days"},
        {"question": "Who won the cup?", "sources": []},
    ]
    file = str(lines(cli.home / "asked.jsonl", asked))
    assert cli("eval", "history", "--answers").out.startswith("nothing was measured yet: `hybridrag eval run QUESTIONS")
    assert cli("eval", "run", file, "--mode", "lexical", "--baseline").code == 0
    none = cli("eval", "history", "--answers")
    assert (none.code, "no run has" in none.out + none.err or "answers were judged in none" in none.out) == (0, True)
    done = cli("eval", "run", file, "--mode", "lexical", "--answers", "--baseline", "--json")
    assert done.code == 0, done.err
    shown = cli("eval", "history", "asked.jsonl", "--answers", "--json").json
    assert shown["metric"] == "correctness"
    assert [run["value"] for run in shown["runs"]] == [None, done.json["answers"]["correctness"]]
    assert "questions" not in shown["runs"][1]["answers"]
    table = cli("eval", "history", "--answers", "--metric", "declined")
    assert (table.code, len(table.out.splitlines())) == (0, 2), table.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "yesterday"), "--since does not take 'yesterday'"),
        (("--prune", "old"), "--prune does not take 'old'"),
        (("--mode", "sparse"), "'sparse' is no way to search"),
        (("--mode", "dense", "--answers"), "leave --mode or --answers out"),
        (("--plot", "h.pdf"), "no PNG or SVG file"),
        (("--plot", "nowhere/h.png"), "there is no folder"),
        (("-c", "nowhere"), "there is no collection 'nowhere'"),
        (("",), "the dataset has no name"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_what_cannot_be_shown_is_told(cli: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    done = cli("eval", "history", *arguments)
    assert (done.code, done.out) == (2, ""), done.err
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_history_without_runs_tells_how_to_begin(cli: CommandLine) -> None:
    plain = cli("eval", "history")
    assert (plain.code, "--baseline" in plain.out, "eval generate" in plain.out) == (0, True, True)
    assert cli("eval", "history", "x" * 5000, "--json").json["runs"] == []
    assert "there is no such run" in cli("eval", "history", "\x1b[31mred").out
