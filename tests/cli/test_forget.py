"""`documents forget`: what is meant, what goes beside the database, what is told, and what a later ingest does."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridrag.config import Paths
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.conversations import Conversations
from hybridrag.store import PostgresStore
from tests.cli.terminals import on_a_terminal
from tests.conftest import CommandLine, Here, Prepared, Result
from tests.servers.chat import ChatServer, answer

ANN = "# Ann\n\nThe salary of Ann Lee is 4711 euros.\n"
RULES = "# Rules\n\nThe meal allowance is 62 euros a day.\n"


@pytest.fixture(scope="module")
def staff_once(prepared: Prepared) -> Prepared:
    folder = prepared.cli.home / "staff"
    (folder / "hr").mkdir(parents=True)
    (folder / "hr" / "ann.md").write_text(ANN)
    (folder / "hr" / "bob.md").write_text(ANN.replace("Ann", "Bob").replace("4711", "5822"))
    (folder / "rules.md").write_text(RULES)
    assert prepared.cli("ingest", str(folder)).code == 0
    return prepared


@pytest.fixture
def staff(staff_once: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    with staff_once.copy(tmp_path) as cli:
        yield here(cli)


def uris(cli: CommandLine) -> list[str]:
    return [each["uri"] for each in cli("documents", "list", "--json").json["documents"]]


def forgotten(done: Result) -> list[str]:
    assert done.code == 0, done.err
    return [each["uri"] for each in done.json["documents"]]


def folder_of(cli: CommandLine) -> Path:
    """Where the source's files are: in the home that was copied."""
    return Path(cli("sources", "list", "--json").json["sources"][0]["root"])


def test_a_document_is_meant_by_its_uri_or_its_file_and_several_by_globs_and_filters(staff: CommandLine) -> None:
    file = folder_of(staff) / "hr" / "ann.md"
    dry = ("--dry-run", "--json")
    one = ["staff/hr/ann.md"]
    assert forgotten(staff("documents", "forget", "staff/hr/ann.md", *dry)) == one
    assert forgotten(staff("documents", "forget", str(file), *dry)) == one
    assert forgotten(staff("documents", "forget", "staff/hr/*", *dry)) == [*one, "staff/hr/bob.md"]
    assert forgotten(staff("documents", "forget", "--filter", "path:rules.md", *dry)) == ["staff/rules.md"]
    assert forgotten(staff("documents", "forget", "nowhere/*", *dry)) == []
    assert len(uris(staff)) == 3
    assert staff("documents", "forget").code == 2
    assert staff("documents", "forget", "ann.md").code == 2
    several = staff("documents", "forget", "staff/hr/**")
    assert several.code == 2
    assert "--yes" in several.err
    assert forgotten(staff("documents", "forget", "staff/hr/**", "--yes", "--json")) == [*one, "staff/hr/bob.md"]
    assert uris(staff) == ["staff/rules.md"]


def test_on_a_terminal_it_asks_before_several_go(staff: CommandLine) -> None:
    code, shown = on_a_terminal(staff, "documents", "forget", "staff/hr/*", typed=b"n\n")
    assert code == 0
    assert "staff/hr/ann.md" in shown and "staff/hr/bob.md" in shown
    assert "Forget 2 documents everywhere? There is no way back." in shown
    assert len(uris(staff)) == 3


def test_what_is_forgotten_stays_away_until_it_is_named_again(staff: CommandLine) -> None:
    folder = folder_of(staff)
    done = staff("documents", "forget", "staff/hr/ann.md")
    assert done.code == 0, done.err
    assert f"still lies in {folder}/hr/ann.md; its source leaves it out from now on" in done.err
    assert "--purge" in done.err and "backups" in done.err
    assert "Ann" not in done.out + done.err
    for flags in ((), ("--exclude", "drafts/**")):
        assert staff("ingest", str(folder), *flags).code == 0
        assert "staff/hr/ann.md" not in uris(staff)
    for path in ("hr/ann.md", "."):
        assert staff("ingest", str(folder / path)).code == 0
        assert "staff/hr/ann.md" in uris(staff)
    assert staff("documents", "forget", "staff/hr/ann.md").code == 0
    again = staff("documents", "forget", "staff/hr/ann.md", "--no-keep-out", "--json")
    assert again.json["documents"][0]["source"] == "offered"
    assert staff("ingest", str(folder)).code == 0
    assert "staff/hr/ann.md" in uris(staff)


def test_a_forgotten_archive_stays_away_with_what_comes_into_it(staff: CommandLine) -> None:
    archive = folder_of(staff) / "old.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("cid.md", ANN.replace("Ann", "Cid"))
        made.writestr("dan.pdf", b"%PDF-1.7 broken")
    assert staff("ingest", str(archive.parent)).code == 0
    done = staff("documents", "forget", str(archive), "--json")  # one document: nobody is asked
    assert [(each["uri"], each["indexed"], each["source"]) for each in done.json["documents"]] == [
        ("staff/old.zip", False, "kept out"),
        ("staff/old.zip/cid.md", True, "kept out"),
    ]
    assert done.err.count(f"still lies in {archive}; its source leaves it out from now on") == 1
    assert staff("sources", "show", "staff", "--json").json["exclude"] == ["/old.zip"], "no name of what lay in it"
    assert staff("documents", "list", "--problems", "--json").json["problems"] == []
    with zipfile.ZipFile(archive, "a") as made:
        made.writestr("eve.md", ANN.replace("Ann", "Eve"))
    for again in (("sync",), ("ingest", str(archive.parent))):
        assert staff(*again).code == 0
        assert not [uri for uri in uris(staff) if "zip" in uri]
    assert staff("ingest", str(archive)).code == 0
    assert [uri for uri in uris(staff) if "zip" in uri] == ["staff/old.zip/cid.md", "staff/old.zip/eve.md"]


def test_a_forgotten_archive_in_an_archive_stays_away(staff: CommandLine) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as made:
        made.writestr("cid.md", ANN.replace("Ann", "Cid"))
    archive = folder_of(staff) / "old.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("inner.zip", inner.getvalue())
        made.writestr("hr/dan.md", ANN.replace("Ann", "Dan"))
    assert staff("ingest", str(archive)).code == 0
    for named in ("staff/old.zip/inner.zip", "staff/old.zip/hr"):
        assert staff("documents", "forget", named).code == 0
    rules = staff("sources", "show", "staff", "--json").json["exclude"]
    assert rules == ["/old.zip/inner.zip", "/old.zip/hr/dan.md"], "a folder in it is its files, as outside of it"


def test_what_is_forgotten_of_an_archive_stays_away(staff: CommandLine) -> None:
    archive = folder_of(staff) / "old.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("hr/cid.md", ANN.replace("Ann", "Cid"))
        made.writestr("hr/dan.md", ANN.replace("Ann", "Dan"))
    assert staff("ingest", str(archive.parent)).code == 0
    done = staff("documents", "forget", "staff/old.zip/hr/cid.md")
    assert f"staff/old.zip/hr/cid.md still lies in {archive}; its source leaves it out from now on" in done.err
    with zipfile.ZipFile(archive, "a") as made:  # so that it is opened again
        made.writestr("hr/eve.md", ANN.replace("Ann", "Eve"))
    assert staff("ingest", str(archive.parent)).code == 0
    assert [uri for uri in uris(staff) if "zip" in uri] == ["staff/old.zip/hr/dan.md", "staff/old.zip/hr/eve.md"]


def test_conversations_lose_what_was_told_of_it(staff: CommandLine) -> None:
    said = b"What is the meal allowance?\nWhat is the salary of Ann Lee?\nIs the meal allowance 62 euros?\n"
    assert staff("chat", "--name", "talk", stdin=said).code == 0
    assert staff("chat", "--name", "ann", stdin=b"What is the salary of Ann Lee?\n").code == 0
    done = staff("documents", "forget", "staff/hr/ann.md", "--json")
    assert (done.json["removed"]["conversations"], done.json["removed"]["turns"]) == (2, 3)
    assert [each["name"] for each in json.loads(staff("chat", "--list", "--json").out)["conversations"]] == ["talk"]
    with conversations(staff).resumed("talk") as (_, left):
        assert [spoken.turn.question for spoken in left.turns] == ["What is the meal allowance?"]
        assert left.pseudonyms is None


def test_nothing_is_changed_while_a_conversation_is_open_or_cannot_be_opened(staff: CommandLine) -> None:
    assert staff("chat", "--name", "talk", stdin=b"What is the salary of Ann Lee?\n").code == 0
    kept = conversations(staff)
    with kept.resumed("talk"):
        assert staff("documents", "forget", "staff/hr/ann.md").code == 75
    with kept.new("unsaved"):
        assert staff("documents", "forget", "staff/hr/ann.md").code == 75
    file = staff.home / "state" / "data" / "chats" / "talk.chat"
    file.write_bytes(file.read_bytes()[:-1])
    refused = staff("documents", "forget", "staff/hr/ann.md")
    assert refused.code == 7
    assert "chat --forget talk" in refused.err
    assert "staff/hr/ann.md" in uris(staff)
    assert staff("chat", "--forget", "talk").code == 0
    assert staff("documents", "forget", "staff/hr/ann.md").code == 0


def test_kept_requests_go_and_the_ledger_stays_whole(staff: CommandLine) -> None:
    settings = staff.home / "state" / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[ledger]\nkeep_payload = true\n")
    with ChatServer(answer("It is so [1].")) as server:
        for about, only in (("salary of Ann Lee", "path:hr/ann.md"), ("meal allowance", "path:rules.md")):
            question = f"What is the {about}?"
            asked = staff("ask", question, "--provider", server.url, "--llm", "any", "--filter", only)
            assert asked.code == 0, asked.err
    entries = staff("ledger", "list", "--json").json["entries"]
    assert len(entries) == 2
    done = staff("documents", "forget", "staff/hr/ann.md", "--json")
    assert done.json["removed"]["payloads"] == 1
    assert staff("ledger", "verify").code == 0
    shown = [staff("ledger", "show", entry["id"], "--payload") for entry in entries]
    assert [each.code for each in shown] == [0, 7]
    assert "is not there any more" in shown[1].err
    ledger = staff.home / "state" / "data" / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"outcome":"sent"', '"outcome":"lost"', 1))
    refused = staff("documents", "forget", "staff/rules.md")
    assert refused.code == 7
    assert "cannot tell which of the kept requests held" in refused.err
    assert "staff/rules.md" in uris(staff)


def test_it_waits_for_nobody_who_holds_the_collection(staff: CommandLine) -> None:
    store = PostgresStore(staff.environment["HYBRIDRAG_DATABASE_URL"])
    collection = store.find_collection("default")
    assert collection is not None
    with store.ingest_run(collection):
        assert staff("documents", "forget", "staff/hr/ann.md").code == 75
    store.close()


def test_what_left_no_trace_is_no_failure(staff: CommandLine) -> None:
    """So a run that was killed can be run again, whatever it had done."""
    for _ in range(2):
        done = staff("documents", "forget", "staff/hr/ann.md", "--json")
        assert done.code == 0, done.err
    assert not any(done.json["removed"].values())
    assert done.json["documents"][0]["indexed"] is False


def conversations(cli: CommandLine) -> Conversations:
    """The saved conversations of a home, read without their maps' gateway."""
    data = Paths.from_environment(cli.environment).data

    def no_gateway() -> None:
        raise BlockedByPolicy("no map is kept")

    return Conversations(data / "chats", key=(data / "key").read_bytes, gateway=no_gateway)  # type: ignore[arg-type]
