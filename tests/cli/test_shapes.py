"""What programs read: one JSON object on stdout with the documented fields, and everything else on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, Here, Result, command_line, database
from tests.faults.conftest import copy_of
from tests.servers.chat import ChatServer, answer

DOCUMENT = {"id", "uri", "title", "label", "metadata", "external_id"}
LOCATION = {"start", "end", "page", "pages", "headings", "table"}
ANSWER = {
    *("schema", "question", "answer", "mode", "grounded", "abstained", "complete", "sentences", "warnings"),
    *("citations", "provider", "model", "usage", "redactions", "ledger_id", "timings_ms", "freshness"),
}


@pytest.fixture(scope="module")
def indexed(
    tmp_path_factory: pytest.TempPathFactory,
    server_url: str,
    template_database: str,
    tiny_model: Path,
) -> Iterator[CommandLine]:
    """A command line with a PDF, a Markdown file and two records indexed."""
    root = tmp_path_factory.mktemp("company")
    docs = root / "docs"
    docs.mkdir()
    (docs / "travel.md").write_text("---\nauthor: Ada\n---\n# Travel\n\n## Meals\n\nThe meal allowance is 62 euros.\n")
    (docs / "handbook.pdf").write_bytes((Path(__file__).parent.parent / "parsing/files/handbook.pdf").read_bytes())
    records = [{"_id": "q1", "title": "Leave", "text": "Leave is thirty days.", "team": "hr"}]
    (root / "faq.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with copy_of(server_url, template_database) as name:
        cli = command_line(root / "home", database(server_url, name), tiny_model)
        assert cli("ingest", str(docs), str(root / "faq.jsonl")).code == 0
        yield cli


@pytest.fixture
def company(indexed: CommandLine, here: Here) -> CommandLine:
    return here(indexed)


def only_object(done: Result, schema: str) -> dict[str, Any]:
    """The one JSON object on stdout, alone on its line."""
    assert done.code == 0, done.err
    assert done.out.endswith("\n")
    assert done.out.count("\n") == 1
    value: dict[str, Any] = json.loads(done.out)
    assert value["schema"] == f"hybridrag.{schema}/1"
    return value


def test_ingest(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nText.\n")
    (tmp_path / "b.md").write_bytes(bytes(range(256)))
    done = cli("ingest", str(tmp_path / "a.md"), str(tmp_path / "b.md"), "--json", "--verbose")
    report = only_object(done, "ingest")
    assert set(report) >= {"collection", "run_id", "documents", "chunks", "tokens_embedded", "bytes_read", "seconds"}
    assert set(report["documents"]) == {"added", "updated", "unchanged", "removed", "moved", "skipped", "failed"}
    assert set(report["chunks"]) == {"added", "removed", "embedded", "reused"}
    assert set(report["stages"]) >= {"parse", "chunk", "embed", "store"}
    assert set(report["problems"][0]) >= {"uri", "reason", "hint"}
    assert (report["documents"]["added"], report["documents"]["failed"]) == (1, 1)
    assert (report["chunks"]["added"], report["chunks"]["embedded"]) == (1, 1)
    assert report["tokens_embedded"] > 0
    assert report["bytes_read"] > 256
    assert "collection: default" in done.err


def test_search(company: CommandLine) -> None:
    done = company("search", "meal allowance", "-k", "3", "--json")
    found = only_object(done, "search")
    assert set(found) == {"schema", "query", "collection", "mode", "generation", "hits", "timings_ms"}
    assert (found["query"], found["collection"], found["mode"]) == ("meal allowance", "default", "hybrid")
    assert set(found["generation"]) == {"id", "model", "fingerprint"}
    assert set(found["timings_ms"]) == {"embed", "filter", "dense", "lexical", "fuse", "rerank", "total"}
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    for hit in found["hits"]:
        assert set(hit) == {"rank", "score", "chunk_id", "document", "location", "text", "arms", "also"}
        assert set(hit["document"]) == DOCUMENT
        assert set(hit["location"]) == LOCATION
        assert set(hit["arms"]) <= {"dense", "lexical", "rerank"}
        assert all(arm is None or set(arm) == {"rank", "score"} for arm in hit["arms"].values())
    best = found["hits"][0]
    assert best["document"]["uri"] == "docs/travel.md"
    assert best["document"]["metadata"]["author"] == "Ada"
    assert best["location"]["headings"] == ["Travel", "Meals"]
    assert "collection: default" in done.err
    quiet = company("search", "meal allowance", "--json", "--quiet")
    assert quiet.err == ""
    assert "explain" in only_object(company("search", "meal", "--explain", "--json"), "search")


def test_ask(company: CommandLine) -> None:
    done = company("ask", "What is the meal allowance?", "--json")
    told = only_object(done, "ask")
    assert set(told) == ANSWER
    assert (told["mode"], told["provider"], told["ledger_id"]) == ("extractive", None, None)
    assert (told["grounded"], told["abstained"], told["complete"]) == (True, False, True)
    assert set(told["sentences"][0]) == {"text", "supported", "markers", "claimed", "reason"}
    citation = told["citations"][0]
    assert set(citation) == {"marker", "chunk_id", "document", "location", "quote", "quotes"}
    assert all(set(quote) == {"start", "text"} for quote in citation["quotes"])
    assert set(citation["document"]) >= {"id", "uri", "title"}
    assert set(citation["location"]) == LOCATION | {"path", "line", "url"}
    assert set(told["usage"]) == {"prompt_tokens", "completion_tokens", "counted", "cost_usd"}
    stale = {"missing_files", "changed_files", "absent_sources"}
    assert set(told["freshness"]) == {"indexed_at", "age_seconds"} | stale
    assert set(told["timings_ms"]) == {"retrieve", "redact", "first_token", "total"}
    assert "no provider chosen" in done.err


def test_ask_a_provider(company: CommandLine) -> None:
    with ChatServer(answer("It is 62 euros [1]. It is paid in gold.")) as server:
        arguments = ("ask", "What is the meal allowance?", "--provider", server.url, "--llm", "any")
        told = only_object(company(*arguments, "--json"), "ask")
        streamed = company(*arguments)
        outbound = company(*arguments, "--show-outbound")
    assert set(told) == ANSWER
    assert (told["mode"], told["model"], told["complete"], told["grounded"]) == ("provider", "any", True, False)
    assert [sentence["supported"] for sentence in told["sentences"]] == [True, False]
    assert told["usage"]["prompt_tokens"] == 11
    assert told["ledger_id"]
    assert streamed.out.startswith("It is 62 euros [1]. It is paid in gold. [?]\n")
    assert outbound.out.encode() == server.bodies[1] + b"\n"


def test_documents(company: CommandLine) -> None:
    listed = only_object(company("documents", "list", "--json"), "documents")
    assert [row["uri"] for row in listed["documents"]] == ["docs/handbook.pdf", "docs/travel.md", "faq/q1"]
    assert listed["documents"][2]["external_id"] == "q1"
    shown = only_object(company("documents", "show", "docs/handbook.pdf", "--json"), "document")
    assert set(shown) >= {"uri", "title", "media_type", "label", "metadata", "text", "pages", "chunks"}
    assert [page["number"] for page in shown["pages"]] == [1, 2]
    assert all(set(page) == {"number", "start", "end"} for page in shown["pages"])
    assert shown["chunks"]
    assert all(
        set(chunk) == {"id", "start", "end", "page", "headings", "table", "tokens"}
        and chunk["end"] <= len(shown["text"])
        for chunk in shown["chunks"]
    )


def test_the_rest(company: CommandLine) -> None:
    settings = only_object(company("config", "show", "--json"), "config")
    assert all(set(entry) == {"value", "origin"} for entry in settings["settings"].values())
    assert settings["settings"]["embedder"]["origin"] == "HYBRIDRAG_EMBEDDER"
    doctor = only_object(company("doctor", "--json"), "doctor")
    assert doctor["ok"] is True
    assert all(set(check) == {"name", "state", "detail", "remedy"} for check in doctor["checks"])
    assert {check["state"] for check in doctor["checks"]} <= {"ok", "warning"}
    sources = only_object(company("sources", "list", "--json"), "sources")
    assert [(row["name"], row["kind"], row["documents"]) for row in sources["sources"]] == [
        ("docs", "folder", 2),
        ("faq", "jsonl", 1),
    ]
    collections = only_object(company("collections", "list", "--json"), "collections")
    assert [(row["name"], row["documents"]) for row in collections["collections"]] == [("default", 3)]
    assert only_object(company("db", "status", "--json"), "db")["running"] is True
