"""The main job: ingest, search, ask, and again after a change."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import CommandLine


def test_ingest_search_ask(cli: CommandLine, examples: Path) -> None:
    first = cli("ingest", str(examples), "--json")
    assert first.code == 0, first.err
    assert first.json["schema"] == "hybridrag.ingest/1"
    assert first.json["documents"]["added"] == 21
    assert first.json["documents"]["failed"] == 0

    again = cli("ingest", str(examples), "--json")
    assert again.json["documents"] == {
        "added": 0,
        "updated": 0,
        "unchanged": 21,
        "removed": 0,
        "moved": 0,
        "skipped": 0,
        "failed": 0,
    }
    assert again.json["chunks"]["embedded"] == 0

    found = cli("search", "meal allowance for travel", "-k", "3", "--json").json
    assert found["schema"] == "hybridrag.search/1"
    assert found["hits"][0]["document"]["uri"] == "company/handbook/travel-policy.md"
    assert found["hits"][0]["location"]["headings"] == ["Travel policy", "Meals"]

    answer = cli("ask", "What is the meal allowance for a full day of travel?", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["mode"] == "extractive"
    assert "62 euros" in answer.json["answer"]
    assert answer.json["citations"][0]["document"]["uri"] == "company/handbook/travel-policy.md"
    assert answer.json["grounded"] is True
    assert "--provider" in answer.err
