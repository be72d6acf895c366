"""`models list|show|pull` as users run them: no database, and a hub on loopback."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridrag.models.catalogue import catalogue
from tests.conftest import CommandLine, Result, command_line
from tests.models.tiny import write_bert_model
from tests.servers import hub as servers
from tests.servers.hub import INFO, HubServer
from tests.test_imports import loaded

ENTRY = catalogue()["bge-small-en-v1.5"]
TOKEN = "hf_secretsecretsecret"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    """A hub that holds a catalogue model's name at its pinned revision, and one that the catalogue does not know."""
    tiny = write_bert_model(tmp_path / "tiny", seed=2, prompts={"query": "who:\n", "document": "\u202edoc "})
    repositories = {ENTRY.repository: write_bert_model(tmp_path / "bge"), "acme/tiny": tiny}
    with HubServer(repositories, commits={ENTRY.repository: ENTRY.revision}) as server:
        yield server


@pytest.fixture
def cli(tmp_path: Path, hub: HubServer, model_cache: Path) -> CommandLine:
    """Nothing answers at the database's address, so a command that asked it would fail."""
    made = command_line(tmp_path / "home", "postgresql://nobody@127.0.0.1:9/none", tmp_path)
    state = Path(made.environment["HYBRIDRAG_HOME"])
    state.mkdir()
    model_cache.mkdir(exist_ok=True)
    (state / "cache").symlink_to(model_cache)
    environment = {name: value for name, value in made.environment.items() if name != "HYBRIDRAG_EMBEDDER"}
    return CommandLine(
        made.home,
        {**environment, "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "HYBRIDRAG_DEVICE": "cpu"},
    )


def on_a_terminal(cli: CommandLine, *arguments: str, columns: int) -> str:
    """What a terminal of that width shows."""
    outer, inner = pty.openpty()
    environment = {**cli.environment, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(
        cli.command(*arguments), env=environment, cwd=cli.home, stdin=inner, stdout=inner, stderr=inner
    )
    os.close(inner)
    shown = b""
    while select.select([outer], [], [], 60)[0]:
        try:
            shown += os.read(outer, 65536)
        except OSError:  # the terminal was closed with the process
            break
    os.close(outer)
    assert process.wait() == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


# --- list ------------------------------------------------------------------------------------------------------------


def listed(done: Result) -> list[str]:
    assert done.code == 0, done.err
    return [line.split()[0] for line in done.out.splitlines()[1:]]


def test_list_shows_the_catalogue_a_line_each(cli: CommandLine, hub: HubServer) -> None:
    done = cli("models", "list")
    assert listed(done) == list(catalogue())
    line = next(line for line in done.out.splitlines() if line.startswith(ENTRY.name))
    assert line.split() == [ENTRY.name, "384", "512", "33M", "en", "MIT", "-", *ENTRY.good_for.split()]
    default = next(line for line in done.out.splitlines() if "(default)" in line)
    assert default.startswith("all-MiniLM-L6-v2 ")
    assert "yes" in default.split(), "its package is installed here"
    assert done.err == ""
    assert not hub.requests


def test_list_marks_the_model_of_the_settings(cli: CommandLine) -> None:
    done = cli("models", "list", env={"HYBRIDRAG_EMBEDDER": ENTRY.repository})
    assert [line.split()[0] for line in done.out.splitlines() if "(default)" in line] == [ENTRY.name]


def test_list_filters(cli: CommandLine) -> None:
    entries = catalogue().values()
    german = listed(cli("models", "list", "--language", "DE", "--language", "fr", "--max-parameters", "300M"))
    assert german == [e.name for e in entries if {"de", "fr"} <= set(e.languages) and e.parameters <= 300_000_000]
    assert 0 < len(german) < len(entries)
    free = listed(cli("models", "list", "--licence", "mit", "--license", "Apache-2.0"))
    assert free == [e.name for e in entries if e.licence in {"MIT", "Apache-2.0"}]
    assert len(free) < len(entries)
    assert listed(cli("models", "list", "--local")) == ["all-MiniLM-L6-v2"]
    none = cli("models", "list", "--max-parameters", "1k")
    assert (none.code, none.out) == (0, "")
    assert "no model of the catalogue" in none.err


def test_list_as_json_has_every_field(cli: CommandLine) -> None:
    found = cli("models", "list", "--json").json
    assert found["schema"] == "hybridrag.models/1"
    model = next(model for model in found["models"] if model["name"] == ENTRY.name)
    for field in ENTRY.__dataclass_fields__:
        value = getattr(ENTRY, field)
        assert model[field] == (list(value) if isinstance(value, tuple) else value), field
    assert (model["local"], model["default"]) == (None, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--language", "german"], "two letters"),
        (["--licence", "GPL"], "Apache-2.0"),
        (["--max-parameters", "many"], "600M"),
    ],
)
def test_list_refuses_what_it_cannot_read(cli: CommandLine, arguments: list[str], said: str) -> None:
    done = cli("models", "list", *arguments)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_list_fits_the_terminal(cli: CommandLine, columns: int) -> None:
    lines = on_a_terminal(cli, "models", "list", columns=columns).splitlines()
    assert all(len(line.rstrip()) <= columns for line in lines)
    text = "\n".join(lines)
    for entry in catalogue().values():
        assert entry.name in text, "a name is never broken"


# --- show ------------------------------------------------------------------------------------------------------------


def test_show_tells_of_a_model_that_is_not_here(cli: CommandLine, hub: HubServer) -> None:
    done = cli("models", "show", ENTRY.name)
    assert done.code == 0
    for fact in (ENTRY.repository, f"{ENTRY.revision} (pinned)", "512 tokens", "cls", "MIT", ENTRY.source, "float32"):
        assert fact in done.out
    assert f'query prompt     "{ENTRY.query_prompt}"' in done.out
    assert f"models pull {ENTRY.name}" in done.out
    assert not hub.requests
    found = cli("models", "show", ENTRY.name, "--json").json
    assert (found["schema"], found["local"], found["fingerprint"]) == ("hybridrag.model/1", None, None)
    assert found["query_prompt"] == ENTRY.query_prompt
    assert 100_000_000 < found["download_bytes"] < 200_000_000


def test_show_tells_of_a_folder(cli: CommandLine, tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "mine", prompts={"query": "who:\n"})
    found = cli("models", "show", str(folder), "--json").json
    assert (found["dimensions"], found["window"], found["pooling"]) == (32, 64, "mean")
    assert found["local"]["origin"] == "folder"
    assert found["local"]["path"] == str(folder)
    assert found["local"]["bytes"] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert len(found["fingerprint"]) == 64
    assert (found["runtime"], found["repository"]) == ("openvino", None)
    old = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({**old, "include_prompt": True}))
    assert cli("models", "show", str(folder), "--json").json["pooling"] == "mean"
    assert r'"who:\n"' in cli("models", "show", str(folder)).out, "line ends of a prompt are seen"


def test_show_tells_of_an_unknown_model_of_the_hub_once_it_is_here(cli: CommandLine, hub: HubServer) -> None:
    done = cli("models", "show", "acme/tiny")
    assert done.code == 5
    assert "models pull acme/tiny" in done.err
    assert not hub.requests
    assert cli("models", "pull", "acme/tiny", "--no-convert").code == 0
    found = cli("models", "show", "acme/tiny", "--json").json
    assert found["local"]["revision"] == hub.commit("acme/tiny")
    assert found["query_prompt"] == "who:\n"
    assert found["prepared"] is False
    shown = cli("models", "show", "acme/tiny").out
    assert "\u202e" not in shown, "a model's files do not turn the direction of writing"


def test_show_tells_why_files_that_are_here_cannot_be_used(cli: CommandLine, tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "e5-small-v2")
    (folder / "tokenizer.json").write_text("{")
    (folder / "modules.json").write_text("[]")
    done = cli("models", "show", str(folder))
    assert done.code == 0
    assert "cannot be used" in done.out
    assert "passage: " in done.out


@pytest.mark.parametrize("name", ["bge-smal-en-v1.5", "./nothing", "ollama:bge-m3"])
def test_show_refuses_what_it_does_not_know(cli: CommandLine, name: str) -> None:
    done = cli("models", "show", name)
    assert done.code in {2, 5}
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


# --- pull ------------------------------------------------------------------------------------------------------------


def test_pull_fetches_checks_and_prepares(cli: CommandLine, hub: HubServer) -> None:
    done = cli("models", "pull", ENTRY.name, "--json")
    assert done.code == 0, done.err
    assert f"fetching the model {ENTRY.name} from 127.0.0.1" in done.err
    [model] = done.json["models"]
    assert (model["revision"], model["runtime"], model["device"]) == (ENTRY.revision, "openvino", "cpu")
    assert model["fetched_bytes"] == model["bytes"] > 0
    assert listed(cli("models", "list", "--local")) == ["all-MiniLM-L6-v2", ENTRY.name]
    assert cli("models", "show", ENTRY.name, "--json").json["prepared"] is True

    before = len(hub.requests)
    again = cli("models", "pull", ENTRY.name, "all-MiniLM-L6-v2", "--no-convert")
    assert again.code == 0
    assert again.out.splitlines() == [
        f"{ENTRY.name}: here already at {ENTRY.revision[:12]}",
        "all-MiniLM-L6-v2: here already, in an installed package",
    ]
    assert len(hub.requests) == before, "a pinned model that is whole is not asked for"


def test_pull_asks_for_the_newest_where_nothing_is_pinned(cli: CommandLine, hub: HubServer) -> None:
    assert cli("models", "pull", "acme/tiny", "--no-convert").code == 0
    before = len(hub.requests)
    assert "here already" in cli("models", "pull", "acme/tiny", "--no-convert").out
    assert [request.file for request in hub.requests[before:]] == [INFO]
    hub.faults[INFO] = [servers.status(503)] * 2
    done = cli("models", "pull", "acme/tiny", "--no-convert")
    assert done.code == 0
    assert "the revision that is here stays" in done.err
    offline = cli("models", "pull", "acme/tiny", "--no-convert", "--offline")
    assert (offline.code, offline.err) == (0, "")


def test_pull_mends_what_was_damaged(cli: CommandLine, tmp_path: Path) -> None:
    path = Path(cli("models", "pull", ENTRY.name, "--no-convert", "--json").json["models"][0]["path"])
    weights = (path / "model.safetensors").resolve()
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + b"\xff")
    offline = cli("models", "pull", ENTRY.name, "--no-convert", "--offline")
    assert offline.code == 5
    assert "damaged and removed: model.safetensors" in offline.err
    assert "not whole" in offline.err
    assert cli("models", "pull", ENTRY.name, "--no-convert").code == 0
    assert weights.read_bytes() == good


def test_pull_of_damaged_content_ends_with_5_and_again_is_well(cli: CommandLine, hub: HubServer) -> None:
    hub.faults["model.safetensors"] = [servers.wrong_content()]
    done = cli("models", "pull", ENTRY.name, "--json")
    assert done.code == 5
    error = json.loads(done.err.splitlines()[-1])
    assert "model.safetensors" in error["message"]
    assert error["retryable"] is False
    assert cli("models", "pull", ENTRY.name, "--no-convert").code == 0


@pytest.mark.parametrize("names", [["bge-smal-en-v1.5"], [ENTRY.name, "bge-smal-en-v1.5"]])
def test_pull_tells_a_typo_before_anything_is_fetched(cli: CommandLine, hub: HubServer, names: list[str]) -> None:
    done = cli("models", "pull", *names)
    assert done.code == 5
    assert f"did you mean {ENTRY.name}" in done.err
    assert not hub.requests


def test_pull_refuses(cli: CommandLine, hub: HubServer) -> None:
    offline = cli("models", "pull", ENTRY.name, "--offline")
    assert offline.code == 5
    assert "--offline forbids" in offline.err
    endpoint = cli("models", "pull", "ollama:bge-m3")
    assert (endpoint.code, "behind an address" in endpoint.err) == (2, True)
    assert not hub.requests
    hub.faults[INFO] = [servers.gated()]
    gated = cli("models", "pull", ENTRY.name, env={"HF_TOKEN": TOKEN})
    assert gated.code == 5
    assert "licence" in gated.err
    assert "HF_TOKEN" in gated.err
    assert TOKEN not in gated.err
    unknown = cli("models", "pull", "acme/none", "--json")
    assert json.loads(unknown.err)["code"] == 5


def test_an_interrupted_pull_says_so_and_goes_on(cli: CommandLine, hub: HubServer) -> None:
    hub.faults["model.safetensors"] = [servers.stall(after=10_000)]
    process = cli.start("models", "pull", ENTRY.name, "--no-convert", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"fetching" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in err
    assert b"run it again to go on" in err
    assert cli("models", "list", "--local").out.count(ENTRY.name) == 0
    assert cli("models", "pull", ENTRY.name, "--no-convert", env={"HF_HUB_DOWNLOAD_TIMEOUT": "2"}).code == 0


def test_where_all_is_here_nothing_is_written(cli: CommandLine, tmp_path: Path) -> None:
    """So a cache that is part of an image, and read-only, will do."""

    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in (tmp_path / "hf").rglob("*")}

    assert cli("models", "pull", "acme/tiny", "--no-convert").code == 0
    before = state()
    assert "here already" in cli("models", "pull", "acme/tiny", "--no-convert").out
    assert state() == before


def test_pull_shows_a_bar_on_a_terminal_only(cli: CommandLine, hub: HubServer) -> None:
    shown = on_a_terminal(cli, "models", "pull", "acme/tiny", "--no-convert", columns=80)
    assert "acme/tiny" in shown
    assert "bytes" in shown or "kB" in shown
    assert "\r" in shown
    plain = cli("models", "pull", ENTRY.name, "--no-convert", "--quiet")
    assert plain.err == ""


def test_the_documented_way_to_a_machine_without_a_network(cli: CommandLine, hub: HubServer, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    section = page.partition("## Machines without a network")[2].partition("\n## ")[0]
    here, there = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    binaries = f"{Path(sys.executable).parent}:{cli.environment['PATH']}"

    def run(commands: str, home: Path, **more: str) -> str:
        home.mkdir()
        environment = {**cli.environment, "PATH": binaries, "HOME": str(home), **more}
        environment.pop("HF_HOME", None)
        command = ["bash", "-euc", commands]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(here, tmp_path / "one")
    before = len(hub.requests)
    said = run(there, tmp_path / "other", HF_ENDPOINT="http://127.0.0.1:9").splitlines()
    assert said[0].startswith(f"{ENTRY.name}: here already at {ENTRY.revision[:12]}")
    assert said[1].startswith(f"./stick/{ENTRY.name}: a folder of yours")
    assert len(hub.requests) == before


def test_list_and_show_load_nothing_heavy(cli: CommandLine) -> None:
    for arguments in (["models", "list"], ["models", "show", ENTRY.name], ["models", "show", "all-MiniLM-L6-v2"]):
        assert loaded(arguments, dict(cli.environment), cli.home).modules == set()


def test_a_first_use_without_pull_tells_what_it_waits_for(cli: CommandLine) -> None:
    done = cli("doctor", env={"HYBRIDRAG_EMBEDDER": ENTRY.name})
    assert f"fetching the model {ENTRY.name}" in done.err
    assert f"{ENTRY.name}: 32 dimensions" in done.out
