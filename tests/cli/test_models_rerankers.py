"""`models list|show|pull` of rerankers as users run them: no database, and a hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridrag.models.rerank_catalogue import rerankers
from tests.conftest import CommandLine, command_line
from tests.models.rerankers import family
from tests.models.tiny import write_bert_model
from tests.servers.hub import HubServer

ENTRY = rerankers()["ms-marco-MiniLM-L6-v2"]
UNPINNED = rerankers()["mxbai-rerank-xsmall-v1"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Rerankers in folders, by family."""
    folder = tmp_path_factory.mktemp("rerankers")
    return {name: family(name).write(folder / name) for name in ("bert", "deberta-v2")}


@pytest.fixture
def hub(written: dict[str, Path]) -> Iterator[HubServer]:
    """A hub that holds two rerankers of the catalogue, one of them without a pinned revision."""
    folders = {ENTRY.repository: written["bert"], UNPINNED.repository: written["deberta-v2"]}
    with HubServer(folders, commits={ENTRY.repository: ENTRY.revision}) as server:
        yield server


@pytest.fixture
def cli(tmp_path: Path, hub: HubServer) -> CommandLine:
    """Nothing answers at the database's address, so a command that asked it would fail."""
    made = command_line(tmp_path / "home", "postgresql://nobody@127.0.0.1:9/none", tmp_path)
    environment = {name: value for name, value in made.environment.items() if name != "HYBRIDRAG_EMBEDDER"}
    more = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HYBRIDRAG_DEVICE": "cpu"}
    return CommandLine(made.home, environment | more)


def answer(cli: CommandLine, *arguments: str) -> Any:
    """What a command that succeeds gives as JSON."""
    done = cli(*arguments, "--json")
    assert done.code == 0, done.err
    return done.json


def test_a_reranker_is_fetched_at_its_pinned_revision_and_prepared(cli: CommandLine, hub: HubServer) -> None:
    pulled = answer(cli, "models", "pull", ENTRY.name)["models"][0]
    assert pulled["runtime"] == "openvino"
    assert hub.files_asked == {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}
    shown = answer(cli, "models", "show", ENTRY.name)
    assert (shown["schema"], shown["local"]["revision"]) == ("hybridrag.reranker/1", ENTRY.revision)
    assert shown["prepared"] and shown["problem"] is None
    (line,) = answer(cli, "models", "list", "--rerankers", "--local")["rerankers"]
    assert line["name"] == ENTRY.name
    asked = len(hub.requests)
    assert answer(cli, "models", "pull", ENTRY.name, "--no-convert")["models"][0]["fetched_bytes"] == 0
    assert len(hub.requests) == asked, "it is pinned and whole"


def test_one_that_nobody_pinned_tells_how_to(cli: CommandLine, hub: HubServer) -> None:
    told = cli("models", "pull", UNPINNED.name, "--no-convert").err
    assert f'reranker = "{UNPINNED.name}@{hub.commit(UNPINNED.repository)}"' in told


def test_what_is_damaged_is_fetched_again(cli: CommandLine, tmp_path: Path) -> None:
    cli("models", "pull", ENTRY.name, "--no-convert")
    (weights,) = (tmp_path / "hf").rglob("snapshots/*/model.safetensors")
    weights.resolve().write_bytes(b"\0" * weights.stat().st_size)
    told = cli("models", "pull", ENTRY.name, "--no-convert").err
    assert "damaged and removed: model.safetensors" in told
    assert answer(cli, "models", "show", ENTRY.name)["problem"] is None


def test_an_embedding_model_without_modules_is_still_refused(
    cli: CommandLine, tmp_path: Path, written: dict[str, Path]
) -> None:
    plain = write_bert_model(tmp_path / "plain")
    (plain / "modules.json").unlink()
    with HubServer({"acme/plain": plain, "acme/reranker": written["bert"]}) as other:
        failed = cli("models", "pull", "acme/plain", env={"HF_ENDPOINT": other.url})
        mistaken = cli("models", "pull", "acme/reranker", env={"HF_ENDPOINT": other.url})
        environment = {"HF_ENDPOINT": other.url, "HYBRIDRAG_RERANKER": "acme/reranker"}
        assert cli("models", "pull", "acme/reranker", "--no-convert", env=environment).code == 0
    assert failed.code == 5
    assert "its repository has no modules.json" in failed.err
    assert mistaken.code == 5
    assert 'set reranker = "acme/reranker" first' in mistaken.err
