"""Embedding behind an address, as users run it: through a server that really embeds, and through faulty ones."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, Here
from tests.faults.conftest import url_of
from tests.faults.digest import Digest, assert_same, digest
from tests.models.tiny import write_static_model
from tests.servers import chat
from tests.servers.chat import html, status
from tests.servers.embeddings import (
    REMOTE_CERTIFICATE,
    Embed,
    EmbeddingServer,
    RemoteServer,
    embedding,
    embeddings,
)

KEY = "sk-test-0123456789abcdef"
TRUST = {"SSL_CERT_FILE": str(REMOTE_CERTIFICATE)}


@pytest.fixture(scope="module")
def embed(tiny_model: Path, model_cache: Path) -> Embed:
    return embedding(tiny_model, model_cache)


@pytest.fixture(scope="module")
def embed_other(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Embed:
    return embedding(write_static_model(tmp_path_factory.mktemp("other"), dimensions=64, seed=2), model_cache)


@pytest.fixture
def server(embed: Embed) -> Iterator[EmbeddingServer]:
    with EmbeddingServer(embeddings(embed)) as server:
        yield server


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def bare(cli: CommandLine) -> CommandLine:
    """A home with no model chosen."""
    return replace(cli, environment={k: v for k, v in cli.environment.items() if k != "HYBRIDRAG_EMBEDDER"})


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "travel.md").write_text(
        "# Travel\n\nThe meal allowance is 62 euros. The hotel price is 90 euros a night."
    )
    (folder / "backup.md").write_text("# Backup\n\nThe database server is backed up by the finance team every night.")
    return folder


def config(cli: CommandLine, text: str) -> None:
    home = Path(cli.environment["HYBRIDRAG_HOME"])
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)


def ledger(cli: CommandLine) -> list[dict[str, Any]]:
    file = Path(cli.environment["HYBRIDRAG_HOME"]) / "data" / "ledger.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def nothing(found: Digest) -> bool:
    return not (found.sources or found.documents or found.vectors)


# --- it works --------------------------------------------------------------------------------------------------------


def test_an_index_through_a_server_is_the_one_that_the_model_itself_makes(
    cli: CommandLine, bare: CommandLine, server: EmbeddingServer, docs: Path
) -> None:
    name = f"{server.url}#tiny"
    made = bare("ingest", "--json", "-c", "served", "--embedder", name, str(docs))
    assert made.code == 0, made.err
    assert made.json["documents"]["added"] == 2
    assert "nothing is known of the model tiny" in made.err
    assert cli("ingest", "-c", "here", str(docs)).code == 0
    served, here = digest(url_of(cli), "served"), digest(url_of(cli), "here")
    texts = {key: vector for key, vector in served.vectors.items() if key in here.vectors}
    assert texts
    for key, vector in texts.items():
        assert float(vector @ here.vectors[key]) > 0.999

    found = bare("search", "--json", "-c", "served", "meal allowance")
    assert found.code == 0, found.err
    assert found.json["hits"][0]["document"]["uri"] == "docs/travel.md"
    assert found.json["hits"][0]["arms"]["dense"]["rank"] == 1
    assert found.json["generation"]["model"] == name
    again = bare("ingest", "--json", "-c", "served", str(docs))
    assert (again.json["documents"]["unchanged"], again.json["chunks"]["embedded"]) == (2, 0)
    answer = bare("ask", "--json", "-c", "served", "what is the meal allowance?")
    assert "62 euros" in answer.json["answer"]
    assert bare("search", "-c", "served", "--mode", "lexical", "hotel", env={"HYBRIDRAG_OFFLINE": "1"}).code == 0
    assert bare("search", "-c", "served", "hotel", "--offline").code == 0, "loopback is local"


def test_every_request_is_recorded_and_none_holds_a_text(
    bare: CommandLine, server: EmbeddingServer, docs: Path
) -> None:
    assert bare("ingest", "-c", "hr", "--embedder", f"{server.url}#tiny", str(docs)).code == 0
    assert bare("search", "-c", "hr", "meal allowance").code == 0
    entries = ledger(bare)
    intents = [entry for entry in entries if entry["kind"] == "intent"]
    assert [entry["payload_bytes"] for entry in intents] == [len(sent) for sent in server.bodies]
    assert [entry["texts"] for entry in intents] == [len(texts) for texts in server.inputs]
    assert {entry["collection"] for entry in intents} == {"hr"}
    assert [entry["outcome"] for entry in entries if entry["kind"] == "outcome"] == ["sent"] * len(intents)
    assert "allowance" not in json.dumps(entries) and "hotel" not in json.dumps(entries)


def test_doctor_tells_of_the_server(bare: CommandLine, server: EmbeddingServer, docs: Path) -> None:
    env = {"HYBRIDRAG_EMBEDDER": f"{server.url}#tiny"}
    assert bare("ingest", str(docs), env=env).code == 0
    done = bare("doctor", "--json", env=env)
    assert done.code == 0, done.out
    checks = {check["name"]: check for check in done.json["checks"]}
    assert "64 dimensions" in checks["model"]["detail"]
    assert f"endpoint, local, 127.0.0.1:{server.port} answers in" in checks["model"]["detail"]
    assert "its probes agree" in checks["collection"]["detail"]


def test_only_a_command_that_asks_the_server_loads_an_http_client(
    cli: CommandLine, bare: CommandLine, server: EmbeddingServer, docs: Path
) -> None:
    assert bare("ingest", "-c", "served", "--embedder", f"{server.url}#tiny", str(docs)).code == 0
    assert cli("ingest", "-c", "here", str(docs)).code == 0
    code = (
        "import sys; from hybridrag.cli.main import run; assert run(sys.argv[1:]) == 0; "
        "sys.exit(10 if 'httpx' in sys.modules else 20)"
    )

    def loads(*arguments: str) -> bool:
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, env=dict(cli.environment), cwd=cli.home, capture_output=True)
        assert done.returncode in {10, 20}, done.stderr.decode()
        return done.returncode == 10

    assert loads("search", "-c", "served", "hotel")
    assert not loads("search", "-c", "served", "--mode", "lexical", "hotel")
    assert not loads("search", "-c", "here", "hotel")


# --- what is stored is what the model gave ---------------------------------------------------------------------------


def test_a_server_whose_vectors_changed_is_refused_before_anything_is_written(
    bare: CommandLine, embed: Embed, embed_other: Embed, docs: Path, tmp_path: Path
) -> None:
    with EmbeddingServer(embeddings(embed)) as server:
        assert bare("ingest", "--embedder", f"{server.url}#tiny", str(docs)).code == 0
        before = digest(url_of(bare))
        server.script = [embeddings(embed_other)]
        (docs / "travel.md").write_text("# Travel\n\nThe meal allowance is 70 euros now.")
        (docs / "backup.md").unlink()
        more = tmp_path / "more"
        more.mkdir()
        (more / "new.md").write_text("# New\n\nThe office is closed in August.")
        for arguments in (("ingest", str(docs)), ("ingest", str(more)), ("search", "meal allowance")):
            done = bare(*arguments)
            assert done.code == 5, done.err
            assert "have changed since the index was made" in done.err
            assert "into a new collection" in done.err
            assert_same(digest(url_of(bare)), before)
        assert bare("search", "--mode", "lexical", "meal allowance").code == 0
        failed = bare("doctor", "--json")
        assert failed.code == 11
        server.script = [embeddings(embed)]
        assert bare("ingest", str(docs)).code == 0
        assert "docs/backup.md" not in digest(url_of(bare)).documents


def test_a_server_that_changes_during_a_run_leaves_whole_documents_with_the_first_vectors(
    bare: CommandLine, embed: Embed, embed_other: Embed, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.md").write_text(f"# Note {number}\n\nThe hotel of day {number} costs {number} euros.")
    with EmbeddingServer(*[embeddings(embed)] * 10, embeddings(embed_other)) as server:
        done = bare("ingest", "--embedder", f"{server.url}#tiny", str(folder))
        assert done.code == 5
        assert "changed while it was at work" in done.err
    found = digest(url_of(bare))
    assert len(found.documents) < 400
    for document in found.documents.values():
        assert document["chunks"]
        for chunk in document["chunks"]:
            assert chunk["text_hash"] in found.vectors
    with EmbeddingServer(embeddings(embed)) as again:
        env = {"HYBRIDRAG_EMBEDDER": f"{again.url}#tiny"}  # the server moved, too
        assert bare("ingest", str(folder), env=env).code == 0
    assert len(digest(url_of(bare)).documents) == 400


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (html(), "text/html"),
        (status(404, message="model 'tiny' not found"), "knows no model 'tiny'"),
        (status(400, message="input is too long"), "input is too long"),
        (chat.redirect("https://elsewhere.example/"), "redirect"),
        (chat.body(b'{"data": []}'), "gave 0 vectors for 16 texts"),
        (chat.body(b'{"data": [{"index": 0, "embedding": [0.'), "cut short"),
    ],
)
def test_a_server_that_gives_no_vectors_leaves_no_trace(
    bare: CommandLine, behaviour: chat.Behaviour, told: str, docs: Path
) -> None:
    with EmbeddingServer(behaviour) as server:
        done = bare("ingest", "--embedder", f"{server.url}#tiny", str(docs))
    assert done.code == 5, done.err
    assert told in done.err and "hint:" in done.err and "Traceback" not in done.err
    assert nothing(digest(url_of(bare)))
    assert "default" not in bare("collections", "list").out


def test_nobody_there_is_told_with_what_to_start(bare: CommandLine, docs: Path) -> None:
    with chat.refused_address() as address:
        config(bare, f'[endpoints.ollama]\nbase_url = "{address}"\n')
        done = bare("ingest", "--json", "--embedder", "ollama:bge-m3", str(docs))
    assert done.code == 5
    error = json.loads(done.err.splitlines()[-1])
    assert error["retryable"] is True
    assert "ollama serve" in error["hint"] and "ollama pull bge-m3" in error["hint"]


@pytest.mark.parametrize("answered", [0, 1])
def test_whoever_interrupts_does_not_wait_for_a_silent_server(
    bare: CommandLine, embed: Embed, docs: Path, answered: int
) -> None:
    """While the probes are asked for, which the main thread does, and while texts are embedded, which others do."""
    asked = threading.Event()

    def silent(exchange: chat.Exchange) -> None:
        asked.set()
        exchange.wait()

    with EmbeddingServer(*[embeddings(embed)] * answered, silent) as server:
        running = bare.start("ingest", "--embedder", f"{server.url}#tiny", str(docs), stderr=subprocess.PIPE)
        assert asked.wait(timeout=60)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
        assert not server.released.is_set(), "the server never answered"
    assert running.returncode == 130, err.decode()
    assert [entry["outcome"] for entry in ledger(bare) if entry["kind"] == "outcome"] == ["sent"] * answered + [
        "failed"
    ]
    assert not digest(url_of(bare)).documents


def test_generations_made_before_probes_were_kept_get_them_at_the_next_ingest(
    cli: CommandLine, docs: Path, tmp_path: Path
) -> None:
    import psycopg

    assert cli("ingest", str(docs)).code == 0
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        assert connection.execute("delete from hybridrag.probe").rowcount == 1
        assert cli("search", "hotel").code == 0
        assert connection.execute("select count(*) from hybridrag.probe").fetchone() == (0,)
        (docs / "new.md").write_text("# New\n\nThe office is closed.")
        assert cli("ingest", str(docs)).code == 0
        assert connection.execute("select count(*) from hybridrag.probe").fetchone() == (1,)
        connection.execute("update hybridrag.probe set vectors = decode(repeat('0000803f', 16 * 64), 'hex')")
    done = cli("search", "hotel")
    assert done.code == 5
    assert "have changed since the index was made" in done.err


# --- who may be asked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["ollama:bge-m3", "openai:text-embedding-3-small", "https://gpu.example/v1#m", "gpu:m"]
)
def test_a_project_file_may_not_send_documents_anywhere(bare: CommandLine, docs: Path, name: str) -> None:
    (docs / "hybridrag.toml").write_text(f'embedder = "{name}"\n')
    done = bare("ingest", ".", cwd=docs)
    assert done.code == 3
    assert "a project file may not name an embedding endpoint" in done.err


@pytest.mark.parametrize(
    "text", ["allow_remote_embedding = true\n", '[endpoints.ollama]\nbase_url = "https://evil.example/v1"\n']
)
def test_a_project_file_may_not_loosen_what_protects(bare: CommandLine, docs: Path, text: str) -> None:
    (docs / "hybridrag.toml").write_text(text)
    done = bare("ingest", ".", cwd=docs)
    assert done.code == 3
    assert "a project file may not set" in done.err


def test_an_unknown_endpoint_is_refused_with_the_nearest(bare: CommandLine, docs: Path) -> None:
    done = bare("ingest", "--embedder", "olama:bge-m3", str(docs))
    assert done.code == 2
    assert "did you mean ollama?" in done.err


def test_a_remote_server_is_asked_only_if_the_users_own_settings_say_so(
    bare: CommandLine, embed: Embed, docs: Path
) -> None:
    with RemoteServer(embeddings(embed)) as server:
        arguments = ("ingest", "--embedder", f"{server.url}#tiny", str(docs))
        refused = bare(*arguments, env=TRUST)
        assert refused.code == 7
        assert "allow_remote_embedding = true" in refused.err
        assert not server.requests
        assert nothing(digest(url_of(bare)))
        assert [entry.get("outcome") for entry in ledger(bare)] == [None, "blocked"]
        offline = bare(*arguments, "--offline", env={**TRUST, "HYBRIDRAG_ALLOW_REMOTE_EMBEDDING": "true"})
        assert (offline.code, server.requests) == (2, [])
        config(bare, "allow_remote_embedding = true\n")
        done = bare(*arguments, env=TRUST)
        assert done.code == 0, done.err
        assert any("The meal allowance is 62 euros" in text for text in server.texts)
        assert {entry["local"] for entry in ledger(bare)[2:] if entry["kind"] == "intent"} == {False}

        asked = len(server.requests)
        unnamed = bare("search", "hotel", env=TRUST)
        assert unnamed.code == 7, "the address stands in the database only"
        assert "name it yourself" in unnamed.err
        assert len(server.requests) == asked
        named = bare("search", "hotel", env={**TRUST, "HYBRIDRAG_EMBEDDER": f"{server.url}#tiny"})
        assert named.code == 0, named.err


def test_what_is_labelled_local_only_is_not_sent_to_a_remote_server(
    bare: CommandLine, embed: Embed, docs: Path
) -> None:
    config(bare, "allow_remote_embedding = true\n")
    (docs / "salaries.md").write_text("---\nlabel: local-only\n---\n# Salaries\n\nAda earns 90000 euros.")
    with RemoteServer(embeddings(embed)) as server:
        env = {**TRUST, "HYBRIDRAG_EMBEDDER": f"{server.url}#tiny"}
        done = bare("ingest", "--json", str(docs), env=env)
        assert done.code == 0, done.err
        assert (done.json["documents"]["added"], done.json["documents"]["failed"]) == (2, 1)
        assert "local-only" in done.json["problems"][0]["reason"]
        (docs / "travel.md").write_text("---\nlabel: local-only\n---\n# Travel\n\nThe allowance is 70 euros.")
        assert bare("ingest", str(docs), env=env).code == 0
        assert "docs/travel.md" not in digest(url_of(bare)).documents
        relabelled = bare("ingest", "--label", "local-only", str(docs), env=env)
        assert relabelled.code == 0, relabelled.err
        asked = len(server.texts)
        answer = bare("ask", "--json", "who backs up the database server?", env=env)
        assert answer.code == 0, answer.err
        assert not any("finance team" in text for text in server.texts[asked:])
    assert not any("90000" in text or "70 euros" in text for text in server.texts)


def test_a_key_goes_to_the_server_that_the_user_names_and_nowhere_else(
    bare: CommandLine, server: EmbeddingServer, docs: Path
) -> None:
    key = {"HYBRIDRAG_EMBEDDER_KEY": KEY}
    first = bare("ingest", "--embedder", f"{server.url}#tiny", str(docs), env=key)
    assert first.code == 0, first.err
    assert {request.headers.get("authorization") for request in server.requests} == {f"Bearer {KEY}"}
    asked = len(server.requests)
    second = bare("search", "hotel", "--debug", env=key)
    assert second.code == 0, second.err
    assert {request.headers.get("authorization") for request in server.requests[asked:]} == {None}
    server.script = [status(401, message=f"no such key: {KEY}")]
    third = bare("search", "hotel", "--debug", env={**key, "HYBRIDRAG_EMBEDDER": f"{server.url}#tiny"})
    assert third.code == 5
    shown = first.out + first.err + second.err + third.out + third.err
    assert "HYBRIDRAG_EMBEDDER_KEY" in third.err
    assert KEY not in shown and KEY not in json.dumps(ledger(bare))


def test_an_address_with_a_password_in_it_is_refused_without_showing_it(bare: CommandLine, docs: Path) -> None:
    for env in ({}, {"HYBRIDRAG_EMBEDDER": "https://me:hunter2@gpu.example/v1#m"}):
        flag = () if env else ("--embedder", "https://me:hunter2@gpu.example/v1#m")
        done = bare("ingest", *flag, str(docs), "--debug", env=env)
        assert done.code in {2, 3}
        assert "HYBRIDRAG_EMBEDDER_KEY" in done.err
        assert "hunter2" not in done.err + done.out


def test_settings_of_endpoints_are_checked_and_shown(bare: CommandLine) -> None:
    config(bare, '[endpoints.gpu]\nbase_url = "https://gpu.lan/v1"\nquery_prompt = "q: "\nwindow = 8192\n')
    shown = bare("config", "show", "--json").json["settings"]["endpoints"]["value"]
    assert shown == {"gpu": {"base_url": "https://gpu.lan/v1", "query_prompt": "q: ", "window": 8192}}
    for wrong in ('urls = "x"', "window = 3", "dimensions = 0", "query_prompt = 1"):
        config(bare, f"[endpoints.gpu]\n{wrong}\n")
        done = bare("config", "show")
        assert (done.code, "endpoints.gpu" in done.err) == (3, True), done.err
