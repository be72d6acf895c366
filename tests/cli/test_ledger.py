"""`hybridrag ledger` as people and programs use it: without a database, and without making anything by looking."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridrag.privacy.keys import load_key
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination
from tests.cli.terminals import on_a_terminal, without_colours
from tests.conftest import CommandLine, Here, Result, command_line

NOWHERE = "postgresql://127.0.0.1:1/nowhere"
CLOUD = Destination("together", "https://api.together.xyz/v1/chat/completions", "meta-llama/Llama-3.3-70B", False)
HERE = Destination("ollama", "http://127.0.0.1:11434/v1/embeddings", "nomic-embed-text", True)
BODY = '{"messages": [{"content": "⟦EMAIL_1·a7f3⟧ asks"}]}'.encode()


@pytest.fixture
def cli(tmp_path: Path, tiny_model: Path, here: Here) -> CommandLine:
    """A command line without a database behind it."""
    return here(command_line(tmp_path / "home", NOWHERE, tiny_model))


def data(cli: CommandLine) -> Path:
    return cli.home / "state" / "data"


class Filled:
    """A home with five requests: sent ten days ago; sent, failed, blocked and unfinished now. `ids` are theirs."""

    def __init__(self, cli: CommandLine) -> None:
        self.path = data(cli) / "ledger.jsonl"
        key = load_key(data(cli) / "key")
        old = FileLedger(self.path, key=key, clock=lambda: datetime.now(UTC) - timedelta(days=10))
        now = FileLedger(self.path, key=key, keep_payload=True)
        facts: dict[str, object] = {"collection": "c", "entities": {"EMAIL": 2, "PERSON": 1}, "rules": {"email": 2}}
        embedding: dict[str, object] = {"plain": True, "texts": 8, "purpose": "embedding"}
        self.ids = [old.intent(CLOUD, BODY, facts)]
        old.outcome(self.ids[0], "sent", {})
        for destination, outcome, told in (
            (CLOUD, "sent", {"response_sha256": "ab" * 32}),
            (HERE, "failed", {"detail": "ProviderUnavailable"}),
            (CLOUD, "blocked", {"reason": "residual", "rule": "iban"}),
            (CLOUD, None, {}),
        ):
            entry = now.intent(destination, BODY, embedding if destination is HERE else facts)
            if outcome is not None:
                now.outcome(entry, outcome, dict(told))
            self.ids.append(entry)


@pytest.fixture
def filled(cli: CommandLine) -> Filled:
    return Filled(cli)


def outcomes(done: Result) -> list[str]:
    assert done.code == 0, done.err
    assert done.json["schema"] == "hybridrag.ledger/1"
    return [entry["outcome"] for entry in done.json["entries"]]


# --- nothing there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [["list"], ["verify"], ["head"], ["export"], ["prune", "--keep-days", "3"]])
def test_where_nothing_has_left_that_is_said_and_nothing_made(cli: CommandLine, verb: list[str]) -> None:
    done = cli("ledger", *verb)
    assert done.code == 0, done.err
    assert not (cli.home / "state").exists()
    if verb in (["list"], ["verify"]):
        assert "nothing has left" in done.out + done.err


# --- list ------------------------------------------------------------------------------------------------------------


def test_list_shows_the_latest_first(cli: CommandLine, filled: Filled) -> None:
    done = cli("ledger", "list")
    assert done.code == 0, done.err
    title, *rows = done.out.splitlines()
    assert title.split() == ["entry", "time", "outcome", "provider", "model", "bytes", "replaced"]
    assert [row[:8] for row in rows] == [entry[:8] for entry in reversed(filled.ids)]
    assert "blocked (iban)" in rows[1]
    assert "nothing, 8 texts" in rows[2]
    assert "2 EMAIL, 1 PERSON" in rows[3]


def test_list_narrows(cli: CommandLine, filled: Filled) -> None:
    assert outcomes(cli("ledger", "list", "--json")) == ["unfinished", "blocked", "failed", "sent", "sent"]
    assert outcomes(cli("ledger", "list", "--json", "--since", "7d")) == ["unfinished", "blocked", "failed", "sent"]
    assert outcomes(cli("ledger", "list", "--json", "--outcome", "blocked")) == ["blocked"]
    assert outcomes(cli("ledger", "list", "--json", "--provider", "ollama")) == ["failed"]
    assert outcomes(cli("ledger", "list", "--json", "-n", "2")) == ["unfinished", "blocked"]
    assert outcomes(cli("ledger", "list", "--json", "--since", "2099")) == []


def test_list_as_json_holds_all_facts(cli: CommandLine, filled: Filled) -> None:
    entry = cli("ledger", "list", "--json", "--outcome", "sent", "-n", "1").json["entries"][0]
    assert entry["id"] == filled.ids[1]
    assert entry["payload_sha256"] == hashlib.sha256(BODY).hexdigest()
    assert entry["kept"] is True
    assert entry["entities"] == {"EMAIL": 2, "PERSON": 1}
    assert {"at", "ended", "user", "host", "provider", "address", "model", "local", "payload_bytes"} <= set(entry)
    assert not {"mac", "prev", "seq", "kind"} & set(entry)


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--since", "soon"),
        ("list", "--outcome", "lost"),
        ("list", "-n", "0"),
        ("show", "xyz"),
        ("show", "0" * 32),
        ("show", ""),
        ("verify", "--anchor", "3:abc"),
        ("verify", "--anchor", "/nowhere/heads"),
        ("export", "/nowhere/ledger.jsonl"),
        ("prune",),
        ("prune", "--keep-days", "0"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(cli: CommandLine, filled: Filled, arguments: tuple[str, ...]) -> None:
    done = cli("ledger", *arguments)
    assert done.code == 2, (done.out, done.err)
    assert "hint:" in done.err


def test_changed_lines_are_left_out_and_told(cli: CommandLine, filled: Filled) -> None:
    filled.path.write_bytes(filled.path.read_bytes().replace(b'"local":true', b'"local":null'))
    done = cli("ledger", "list", "--json")
    assert outcomes(done) == ["unfinished", "blocked", "sent", "sent"]
    assert "hybridrag ledger verify" in done.err


def test_a_terminal_shows_colours_and_no_line_too_long(cli: CommandLine, filled: Filled) -> None:
    code, shown = on_a_terminal(cli, "ledger", "list", columns=60)
    assert code == 0
    assert re.search("\x1b\\[31mblocked", shown)
    assert re.search("\x1b\\[32msent", shown)
    plain = without_colours(shown)
    assert all(len(line.rstrip()) <= 60 for line in plain.splitlines())
    assert all(entry[:8] in plain for entry in filled.ids)


def test_what_the_policy_blocks_is_named(cli: CommandLine) -> None:
    ledger = FileLedger(data(cli) / "ledger.jsonl", key=load_key(data(cli) / "key"))
    ledger.outcome(ledger.intent(CLOUD, BODY, {}), "blocked", {"reason": "blocked", "types": ["IBAN", "PHONE"]})
    ledger.outcome(ledger.intent(CLOUD, BODY, {}), "blocked", {"reason": "retention"})
    rows = cli("ledger", "list").out.splitlines()[1:]
    assert ["blocked (retention)" in rows[0], "blocked (IBAN, PHONE)" in rows[1]] == [True, True]
    assert cli("ledger", "verify").out.startswith("sound: 2 requests, ")


# --- show ------------------------------------------------------------------------------------------------------------


def test_show_takes_the_beginning_of_an_id(cli: CommandLine, filled: Filled) -> None:
    done = cli("ledger", "show", filled.ids[3][:10])
    assert done.code == 0, done.err
    assert filled.ids[3] in done.out
    assert "blocked (iban)" in done.out
    told = cli("ledger", "show", filled.ids[3][:10], "--json").json
    assert told["schema"] == "hybridrag.ledger_entry/1"
    assert (told["id"], told["outcome"], told["rule"], told["kept"]) == (filled.ids[3], "blocked", "iban", False)


def test_a_beginning_of_several_is_refused(cli: CommandLine) -> None:
    ledger = FileLedger(data(cli) / "ledger.jsonl", key=load_key(data(cli) / "key"))
    ids = [ledger.intent(CLOUD, BODY, {}) for _ in range(17)]  # two of them begin with the same of 16 digits
    first = next(entry[0] for entry in ids if sum(other[0] == entry[0] for other in ids) > 1)
    done = cli("ledger", "show", first)
    assert done.code == 2
    assert f"entries begin with {first}" in done.err


def test_show_payload_gives_the_very_bytes(cli: CommandLine, filled: Filled) -> None:
    done = cli("ledger", "show", filled.ids[1], "--payload")
    assert done.code == 0, done.err
    assert done.out.encode() == BODY
    assert hashlib.sha256(BODY).hexdigest() in done.err
    assert cli("ledger", "show", filled.ids[1], "--payload", "--json").json["payload"].encode() == BODY


def test_a_payload_that_was_not_kept_or_was_changed(cli: CommandLine, filled: Filled) -> None:
    for entry in (filled.ids[0], filled.ids[2], filled.ids[3]):
        done = cli("ledger", "show", entry, "--payload")
        assert done.code == 2
        assert "ledger_keep_payload" in done.err
    kept = data(cli) / "payloads" / f"{filled.ids[1]}.bin"
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert cli("ledger", "show", filled.ids[1], "--payload").code == 7
    kept.unlink()
    assert cli("ledger", "show", filled.ids[1], "--payload").code == 7


# --- verify and head -------------------------------------------------------------------------------------------------


def test_verify_tells_what_is_there(cli: CommandLine, filled: Filled) -> None:
    done = cli("ledger", "verify")
    assert done.code == 0, done.err
    assert "sound: 5 requests, head 9:" in done.out
    assert f"unfinished, still running or killed: 1 ({filled.ids[4][:8]})" in done.out
    found = cli("ledger", "verify", "--json").json
    assert (found["schema"], found["ok"], found["requests"]) == ("hybridrag.ledger_verification/1", True, 5)


def test_verify_finds_a_change(cli: CommandLine, filled: Filled) -> None:
    filled.path.write_bytes(filled.path.read_bytes().replace(b'"local":true', b'"local":null'))
    done = cli("ledger", "verify")
    assert done.code == 7
    assert "line 5: was changed" in done.err
    found = cli("ledger", "verify", "--json")
    assert found.code == 7
    assert found.json["ok"] is False
    assert json.loads(found.err)["error"] == "BlockedByPolicy"
    assert cli("ledger", "head").code == 7


def test_an_anchor_shows_what_was_rewound(cli: CommandLine, filled: Filled, tmp_path: Path) -> None:
    before = filled.path.read_bytes(), filled.path.with_suffix(".head").read_bytes()
    FileLedger(filled.path, key=load_key(data(cli) / "key")).outcome(filled.ids[4], "sent", {})
    done = cli("ledger", "head")
    assert re.fullmatch(r"10:[0-9a-f]{64}\n", done.out)
    assert "elsewhere" in done.err
    head = cli("ledger", "head", "--json").json
    assert done.out == f"{head['seq']}:{head['mac']}\n"
    heads = tmp_path / "heads.txt"
    heads.write_text(f"0:{'0' * 64}\n{done.out}")
    assert cli("ledger", "verify", "--anchor", str(heads)).code == 0
    filled.path.write_bytes(before[0])
    filled.path.with_suffix(".head").write_bytes(before[1])
    assert cli("ledger", "verify").code == 0
    for anchor in (str(heads), done.out.strip()):
        refused = cli("ledger", "verify", "--anchor", anchor)
        assert refused.code == 7
        assert "10:" in refused.err


def test_a_ledger_without_its_key_or_its_file(cli: CommandLine, filled: Filled) -> None:
    kept = filled.path.rename(filled.path.with_name("kept"))
    for verb in ("list", "verify"):
        assert cli("ledger", verb).code == 7
    kept.rename(filled.path)
    (data(cli) / "key").unlink()
    for verb in ("list", "verify", "head"):
        done = cli("ledger", verb)
        assert done.code == 7
        assert "key" in done.err
    assert not (data(cli) / "key").exists()


# --- export ----------------------------------------------------------------------------------------------------------


def test_export_gives_the_lines_as_they_stand(cli: CommandLine, filled: Filled, tmp_path: Path) -> None:
    assert cli("ledger", "export").out.encode() == filled.path.read_bytes()
    lines = cli("ledger", "export", "--since", "7d").out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(3, 10))
    file = tmp_path / "export.jsonl"
    done = cli("ledger", "export", str(file), "--json")
    assert done.json == {"schema": "hybridrag.ledger_export/1", "file": str(file), "lines": 9}
    assert file.read_bytes() == filled.path.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli("ledger", "export", str(file)).code == 2  # nothing is overwritten


# --- prune -----------------------------------------------------------------------------------------------------------


def test_prune_asks_first(cli: CommandLine, filled: Filled) -> None:
    before = filled.path.read_bytes()
    refused = cli("ledger", "prune", "--keep-days", "3")
    assert refused.code == 2
    assert "--yes" in refused.err
    code, shown = on_a_terminal(cli, "ledger", "prune", "--keep-days", "3", typed=b"n\n")
    assert code == 0
    assert "Remove 1 request " in shown
    assert filled.path.read_bytes() == before
    code, shown = on_a_terminal(cli, "ledger", "prune", "--keep-days", "3", typed=b"y\n")
    assert code == 0
    assert "removed 1 request " in shown


def test_prune_leaves_a_checkpoint_behind(cli: CommandLine, filled: Filled) -> None:
    anchor = cli("ledger", "head").out.strip()
    first = json.loads(filled.path.read_bytes().splitlines()[0])
    done = cli("ledger", "prune", "--keep-days", "3", "--yes", "--json")
    assert done.json == {"schema": "hybridrag.ledger_prune/1", "requests": 1, "lines": 2, "payloads": 0}
    sound = cli("ledger", "verify", "--anchor", anchor, "--anchor", f"{first['seq']}:{first['mac']}")
    assert sound.code == 0, sound.err
    assert "pruned before: 2 lines" in sound.out
    assert "before the checkpoint" in sound.out
    again = cli("ledger", "prune", "--keep-days", "3")
    assert again.code == 0
    assert "nothing in the ledger is older" in again.err
