"""`hybridrag sync` as cron runs it: its exit codes, and what the history tells afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hybridrag.store import PostgresStore
from tests.conftest import CommandLine, Here


def folder(home: Path, name: str, *texts: str) -> Path:
    made = home / name
    made.mkdir()
    for number, text in enumerate(texts):
        (made / f"{number}.md").write_text(f"# Page {number}\n\n{text}\n")
    return made


def test_the_exit_code_tells_the_worst(cli: CommandLine, here: Here) -> None:
    run = here(cli)
    assert run("sync").code == 2, "there is no collection yet"
    docs = folder(cli.home, "docs", "The travel policy.", "The leave policy.")
    mount = folder(cli.home, "mount", "The hotel.", "The price.")
    assert run("ingest", str(docs), str(mount)).code == 0
    assert run("ingest", "-", "--stdin-name", "note.md", stdin=b"# Note\n\nA note.\n").code == 0
    nothing = run("sync", "--json", "-v")
    assert (nothing.code, nothing.json["schema"]) == (0, "hybridrag.ingest/1")
    assert nothing.json["documents"] | {"unchanged": 4, "moved": 0, "failed": 0} == nothing.json["documents"]
    assert "stdin came from standard input" in nothing.err
    assert run("sync", "--json", "-v", "docs").json["documents"]["unchanged"] == 2

    (docs / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing more")
    assert run("sync").code == 0
    strict = run("sync", "--strict")
    assert (strict.code, "broken.pdf" in strict.err) == (6, True)

    (docs / "0.md").rename(docs / "moved.md")
    for file in mount.iterdir():
        file.unlink()
    refused = run("sync", "--strict", "--json")
    assert refused.code == 8
    assert (refused.json["documents"]["moved"], refused.json["chunks"]["embedded"]) == (1, 0)
    assert [each["source"] for each in refused.json["refused"]] == ["mount"]
    assert "--allow-mass-delete" in json.loads(refused.err.splitlines()[-1])["hint"]
    assert run("sync", "mount", "--allow-mass-delete").code == 0

    shutil.rmtree(mount)  # nothing of it is indexed any more, and still it is missed
    missing = run("sync")
    assert (missing.code, "source mount could not be read: no such folder" in missing.err) == (6, True)
    assert run("sync", "docs").code == 0
    unknown = run("sync", "dogs")
    assert (unknown.code, "docs, mount, stdin" in unknown.err) == (2, True)
    assert run("sync", "docs", "--all").code == 2
    assert run("sync", "--all", "-c", "default").code == 2


def test_history_and_problems_are_shown(cli: CommandLine, here: Here) -> None:
    run = here(cli)
    docs = folder(cli.home, "docs", "The travel policy.")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing more")
    run("ingest", str(docs))
    synced = run("sync", "--json").json
    told: dict[str, Any] = run("collections", "show", "--json").json
    assert (told["last_run"]["id"], told["last_run"]["verb"]) == (synced["run_id"], "sync")
    assert told["last_success"] == told["last_run"] | {"age_seconds": told["last_success"]["age_seconds"]}
    assert (told["problems"], told["age_seconds"] >= 0, [each["verb"] for each in told["runs"]]) == (
        1,
        True,
        ["sync", "ingest"],
    )
    assert [each["state"] for each in told["generations"]] == ["active"]
    (problem,) = run("documents", "list", "--problems", "--json").json["problems"]
    assert (problem["uri"], problem["failed"]) == ("docs/broken.pdf", True)
    source = run("sources", "show", "docs", "--json").json
    assert (source["documents"], source["problems"], source["age_seconds"] >= 0) == (1, 1, True)
    shown = run("collections", "show").out
    assert "last run:    sync of" in shown
    assert "problems:    1 failed, 0 left out" in shown
    assert "docs/broken.pdf" in run("documents", "list", "--problems").out
    assert "up to date:" in run("sources", "show", "docs").out
    assert run("sources", "show", "none").code == 2


def test_all_collections_are_done_though_one_is_held(cli: CommandLine, here: Here) -> None:
    run = here(cli)
    for name in ("alpha", "beta", "gamma"):
        assert run("ingest", str(folder(cli.home, name, f"The policy of {name}.")), "-c", name).code == 0
    store = PostgresStore(cli.environment["HYBRIDRAG_DATABASE_URL"])
    held = store.find_collection("beta")
    assert held is not None
    with store.ingest_run(held):
        done = run("sync", "--all", "--json")
    store.close()
    assert done.code == 75
    assert [json.loads(line)["collection"] for line in done.out.splitlines()] == ["alpha", "gamma"]
    error = next(json.loads(line) for line in done.err.splitlines() if line.startswith("{"))
    assert (error["code"], "'beta': hybridrag, since 20" in error["message"]) == (75, True)
    shutil.rmtree(cli.home / "alpha")
    assert run("sync", "--all", "-q").code == 8
