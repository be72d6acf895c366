"""Fetching from a hub: what is asked for, what is refused, and what a broken download leaves. In processes of its own,
against a real server on loopback."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from hybridrag.models.catalogue import catalogue
from tests.models import hub_client
from tests.models.tiny import write_bert_model, write_static_model
from tests.servers import hub as servers
from tests.servers.hub import INFO, HubServer

NAME = "acme/tiny"
TOKEN = "hf_secretsecretsecret"
WEIGHTS = "model.safetensors"
NEEDED = {
    *("modules.json", "config.json", "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json"),
    *("config_sentence_transformers.json", "1_Pooling/config.json", WEIGHTS),
}
_FORKING = multiprocessing.get_context("forkserver")
# What the hub's library imports comes with it, but not that library, which reads its settings as it is imported.
_FORKING.set_forkserver_preload(["tests.models.hub_client", "fsspec", "httpx", "tqdm.auto", "yaml"])


@dataclass(frozen=True)
class Client:
    """A machine of its own: an empty cache, and the address of a hub."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return self.home / "hub" / "models--acme--tiny"

    @property
    def drafts(self) -> list[Path]:
        return sorted(self.cache.glob("blobs/*.incomplete"))

    def fetch(
        self, name: str = NAME, *, code: bool = False, reranker: bool = False, **environment: str
    ) -> dict[str, Any]:
        return self._run({"fetch": True, "name": name, "code": code, "reranker": reranker}, environment)

    def locate(
        self, name: str = NAME, *, offline: bool = False, code: bool = False, **environment: str
    ) -> dict[str, Any]:
        return self._run({"fetch": False, "name": name, "offline": offline, "code": code}, environment)

    def start(self, name: str = NAME) -> subprocess.Popen[str]:
        """Fetches, and tells on stdout how far it is."""
        return subprocess.Popen(
            self._command({"fetch": True, "name": name, "code": False, "reranker": False}),
            env=self.environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _run(self, asked: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
        if "PYTHONPATH" in environment:  # an interpreter reads it once
            return self._run_anew(asked, environment)
        out, err = (self.home / f"{name}-{uuid.uuid4().hex}" for name in ("out", "err"))
        given = (asked, {**self.environment, **environment}, str(self.home), str(out), str(err))
        process = _FORKING.Process(target=hub_client.run, args=given)
        process.start()
        process.join()
        return self._answer(process.exitcode, out.read_text(), err.read_text())

    def _run_anew(
        self, asked: dict[str, Any], environment: dict[str, str], preexec_fn: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        """In a process that is no fork."""
        done = subprocess.run(
            self._command(asked),
            env={**self.environment, **environment},
            cwd=self.home,
            capture_output=True,
            text=True,
            preexec_fn=preexec_fn,
        )
        return self._answer(done.returncode, done.stdout, done.stderr)

    @staticmethod
    def _answer(code: int | None, out: str, err: str) -> dict[str, Any]:
        assert code == 0, err
        assert err == "", "the library speaks to the user"
        assert TOKEN not in out
        answer: dict[str, Any] = json.loads(out.splitlines()[-1])
        return answer

    def fetch_with_files_of_at_most(self, size: int) -> dict[str, Any]:
        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        asked = {"fetch": True, "name": NAME, "code": False, "reranker": False}
        return self._run_anew(asked, {}, preexec_fn=limit)

    @staticmethod
    def _command(asked: dict[str, Any]) -> list[str]:
        return [sys.executable, "-m", "tests.models.hub_client", json.dumps(asked)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A repository as they are: the model, the same weights in other formats, and this and that."""
    folder = write_bert_model(tmp_path / "repository", prompts={"query": "find: "})
    for name in ("pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "onnx/model.onnx_data", "README.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(name.encode() * 100)
    for name in ("openvino/openvino_model.xml", "openvino/openvino_model.bin", "modeling_own.py", "data/train.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def hub(model: Path) -> Iterator[HubServer]:
    with HubServer({NAME: model}) as server:
        yield server


@pytest.fixture
def client(hub: HubServer, tmp_path: Path) -> Client:
    return client_of(hub, tmp_path / "machine")


def client_of(hub: HubServer, home: Path) -> Client:
    home.mkdir()
    return Client(
        home,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HF_HOME": str(home),
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DOWNLOAD_TIMEOUT": "5",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )


def without_torch(folder: Path, client: Client) -> dict[str, str]:
    """An environment in which torch is not found."""
    (folder / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n"
        "real = PathFinder.find_spec\n"
        "PathFinder.find_spec = staticmethod(\n"
        "    lambda name, path=None, target=None: None if name == 'torch' else real(name, path, target))\n"
    )
    return {"PYTHONPATH": f"{folder}:{client.environment['PYTHONPATH']}"}


# --- what is fetched -------------------------------------------------------------------------------------------------


def test_what_running_the_model_needs_is_fetched_and_nothing_else(hub: HubServer, client: Client, model: Path) -> None:
    done = client.fetch()
    folder = Path(done["path"])
    assert folder == client.cache / "snapshots" / hub.commit(NAME)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == NEEDED
    assert hub.files_asked == NEEDED
    for name in NEEDED:
        assert (folder / name).read_bytes() == (model / name).read_bytes()
    assert done["size"] == sum((model / name).stat().st_size for name in NEEDED)
    assert [note for note in done["notes"] if NAME in note and "MB" in note]
    assert not client.drafts


def test_afterwards_it_is_used_without_socket_and_library(client: Client) -> None:
    path = client.fetch()["path"]
    for offline in (True, False):
        found = client.locate(offline=offline)
        assert (found["path"], found["sockets"], found["hub"]) == (path, [], False)


def test_the_library_finds_what_we_fetched_and_we_what_it_fetched(hub: HubServer, client: Client) -> None:
    """So the layout is the library's, and the server speaks as it expects."""
    ours = client.fetch()["path"]
    script = (
        "import sys; from huggingface_hub import snapshot_download;"
        "print(snapshot_download(sys.argv[1], local_files_only=sys.argv[2] == 'here', "
        "allow_patterns=['*.json', '*.safetensors'], ignore_patterns=['data/*', 'onnx/*']))"
    )

    def by_the_library(home: Path, where: str) -> str:
        environment = {**client.environment, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        command = [sys.executable, "-c", script, NAME, where]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert by_the_library(client.home, "here") == ours

    other = client_of(hub, client.home.parent / "other")
    theirs = by_the_library(other.home, "hub")
    assert other.locate(offline=True)["path"] == theirs
    listed = [sorted(path.name for path in (c.cache / "blobs").iterdir()) for c in (client, other)]
    assert listed[0] == listed[1]


@pytest.mark.parametrize("installed", [True, False], ids=["torch installed", "no torch"])
def test_a_shipped_graph_is_fetched_only_where_torch_is_not_installed(
    hub: HubServer, client: Client, tmp_path: Path, installed: bool
) -> None:
    environment: dict[str, Any] = {} if installed else without_torch(tmp_path, client)
    client.fetch(**environment)
    graph = {"openvino/openvino_model.xml", "openvino/openvino_model.bin"}
    assert hub.files_asked == NEEDED | (set() if installed else graph)


def test_without_safetensors_the_graph_is_fetched_and_no_pickle(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "repository")
    weights = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).unlink()
    (folder / "onnx").mkdir()
    for name in ("pytorch_model.bin", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_O4.onnx"):
        (folder / name).write_bytes(name.encode() + weights)
    with HubServer({NAME: folder}) as hub:
        client = client_of(hub, tmp_path / "machine")
        assert "path" in client.fetch()
        assert hub.files_asked == {*NEEDED - {WEIGHTS}, "onnx/model.onnx", "onnx/model.onnx_data"}
        assert client.locate(offline=True)["sockets"] == []


def test_split_weights_are_fetched_as_their_index_says_and_none_twice(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "repository")
    (folder / WEIGHTS).rename(folder / "consolidated.safetensors")
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for number, shard in enumerate(shards):
        save_file({f"t{number}": np.zeros((4, 4), dtype=np.float32)}, str(folder / shard))
    index = {"weight_map": {f"t{number}": shard for number, shard in enumerate(shards)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with HubServer({NAME: folder}) as hub:
        client = client_of(hub, tmp_path / "machine")
        path = Path(client.fetch()["path"])
        assert hub.files_asked == {*NEEDED - {WEIGHTS}, "model.safetensors.index.json", *shards}
        (path / shards[1]).unlink()
        assert "not whole" in client.locate(offline=True)["error"]


def test_a_static_model_needs_no_graph(tmp_path: Path) -> None:
    folder = write_static_model(tmp_path / "repository", dimensions=8, seed=1)
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"graph")
    with HubServer({NAME: folder}) as hub:
        client = client_of(hub, tmp_path / "machine")
        environment: dict[str, Any] = without_torch(tmp_path, client)
        assert client.fetch(**environment)["path"] == client.locate(offline=True, **environment)["path"]
        assert hub.files_asked == {"config.json", "modules.json", "tokenizer.json", WEIGHTS}


def test_code_is_fetched_only_where_it_is_asked_for(hub: HubServer, client: Client) -> None:
    client.fetch()
    assert "modeling_own.py" not in hub.files_asked
    client.fetch(code=True)
    assert "modeling_own.py" in hub.files_asked


def test_a_model_whose_own_code_is_missing_is_not_whole_for_those_who_want_it(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "repository")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling_own.Own"}}))
    (folder / "modeling_own.py").write_text("class Own: ...")
    with HubServer({NAME: folder}) as hub:
        client = client_of(hub, tmp_path / "machine")
        client.fetch()
        assert "without its own code" in client.locate(offline=True, code=True)["error"]
        path = Path(client.locate(code=True)["path"])
        assert (path / "modeling_own.py").is_file()
        assert client.locate(offline=True, code=True)["sockets"] == []


@pytest.mark.parametrize("graph", [True, False], ids=["ships a graph", "ships none"])
def test_without_trust_a_graph_stands_in_for_a_models_own_code(tmp_path: Path, graph: bool) -> None:
    entry = next(entry for entry in catalogue().values() if entry.remote_code)
    folder = write_bert_model(tmp_path / "repository")
    (folder / "modeling_own.py").write_text("class Own: ...")
    if graph:
        (folder / "onnx").mkdir()
        (folder / "onnx" / "model.onnx").write_bytes(b"graph")
    with HubServer({entry.repository: folder}, commits={entry.repository: entry.revision}) as hub:
        done = client_of(hub, tmp_path / "machine").fetch(entry.name)
        if graph:
            assert (Path(done["path"]) / "onnx" / "model.onnx").is_file()
            assert "modeling_own.py" not in hub.files_asked
        else:
            assert "needs code of its own, which is not run" in done["error"]
            assert f'trusted_code = ["{entry.name}@{entry.revision}"]' in done["hint"]
            assert hub.files_asked == {"modules.json"}


# --- revisions -------------------------------------------------------------------------------------------------------


def test_a_catalogue_model_is_asked_for_at_its_pinned_revision(hub: HubServer, client: Client) -> None:
    entry = catalogue()["bge-small-en-v1.5"]
    client.fetch(entry.name)
    assert hub.requests[0].path.startswith(f"/api/models/{entry.repository}/revision/{entry.revision}?")
    client.fetch(f"{entry.name}@refs/pr/7")
    assert "/revision/refs%2Fpr%2F7?" in hub.requests[-1].path


@pytest.mark.parametrize("revision", ["main", "v1", "commit"])
def test_branch_tag_and_commit(hub: HubServer, client: Client, revision: str) -> None:
    name = f"{NAME}@{hub.commit(NAME) if revision == 'commit' else revision}"
    path = client.fetch(name)["path"]
    assert client.locate(name, offline=True)["path"] == path


def test_a_revision_that_does_not_exist(client: Client) -> None:
    told = client.fetch(f"{NAME}@v9")
    assert "no revision v9" in told["error"]
    assert "main" in told["hint"]
    assert not told["retryable"]


def test_offline_another_revision_that_is_here_is_named(hub: HubServer, client: Client) -> None:
    client.fetch()
    short = hub.commit(NAME)[:12]
    told = client.locate(f"{NAME}@{'a' * 40}", offline=True)
    assert "not at the revision" in told["error"]
    assert f"{NAME}@{short}" in told["hint"]
    found = client.locate(f"{NAME}@{short}", offline=True)
    assert (found["path"].rpartition("/")[2], found["sockets"]) == (hub.commit(NAME), [])


# --- broken off, and taken up again ----------------------------------------------------------------------------------


def test_a_cut_connection_is_taken_up_where_it_broke(hub: HubServer, client: Client, model: Path) -> None:
    hub.faults[WEIGHTS] = [servers.cut(after=5000), servers.cut(after=7000)]
    done = client.fetch()
    assert [request.headers.get("range") for request in hub.asked(WEIGHTS)] == [None, "bytes=5000-", "bytes=12000-"]
    assert done["size"] == sum((model / name).stat().st_size for name in NEEDED), "nothing came twice"


def test_a_killed_fetch_is_taken_up_by_the_next(hub: HubServer, client: Client, model: Path) -> None:
    hub.faults[WEIGHTS] = [servers.stall(after=1000)]
    process = client.start()
    assert process.stdout is not None
    while process.stdout.readline().split() != ["advance", "1000"]:
        pass
    process.kill()
    process.wait()
    process.stdout.close()

    told = client.locate(offline=True)
    assert "not whole" in told["error"]
    assert f"hybridrag models pull {NAME}" in told["hint"]
    assert (client.cache / "blobs" / f"{hub.stored(NAME)[WEIGHTS].sha256}.incomplete").stat().st_size == 1000
    done = client.fetch()
    assert hub.asked(WEIGHTS)[-1].headers["range"] == "bytes=1000-"
    assert (Path(done["path"]) / WEIGHTS).read_bytes() == (model / WEIGHTS).read_bytes()
    assert done["size"] <= sum((model / name).stat().st_size for name in NEEDED) - 1000
    assert any("the rest of the model" in note for note in done["notes"])
    assert not client.drafts


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 7, 10])
def test_killed_anywhere_it_is_whole_or_not_there(client: Client, model: Path, steps: int) -> None:
    process = client.start()
    assert process.stdout is not None
    for _ in range(steps):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    for found in (client.locate(offline=True), client.fetch()):
        for name in NEEDED if "path" in found else ():
            assert (Path(found["path"]) / name).read_bytes() == (model / name).read_bytes()
    assert "path" in client.locate(offline=True)


def test_an_interrupt_ends_at_once_and_leaves_nothing_that_counts(hub: HubServer, client: Client) -> None:
    hub.faults[WEIGHTS] = [servers.stall(after=100)]
    process = client.start()
    assert process.stdout is not None
    while process.stdout.readline().split() != ["advance", "100"]:
        pass
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    assert process.wait() == -signal.SIGINT
    process.stdout.close()
    assert "error" in client.locate(offline=True)
    assert "path" in client.fetch()


def test_a_snapshot_counts_only_when_its_last_link_is_made(hub: HubServer, client: Client) -> None:
    snapshot = client.cache / "snapshots" / hub.commit(NAME)
    snapshot.mkdir(parents=True)
    (snapshot / "1_Pooling").write_text("in the way of a folder")
    assert "could not be kept" in client.fetch()["error"]
    assert not (snapshot / "modules.json").exists()


def test_a_snapshot_that_lacks_a_file_is_completed(hub: HubServer, client: Client) -> None:
    path = Path(client.fetch()["path"])
    for name in ("tokenizer.json", "1_Pooling/config.json", "modules.json", WEIGHTS):
        (path / name).resolve().unlink()
        assert "not whole" in client.locate(offline=True)["error"], name
        before = len(hub.requests)
        assert client.locate()["path"] == str(path)
        assert {request.file for request in hub.requests[before:]} == {INFO, name}


def test_what_the_librarys_list_names_must_be_there(client: Client, hub: HubServer) -> None:
    """Without it nothing tells that a file with prompts is missing."""
    path = Path(client.fetch()["path"])
    (path / "config_sentence_transformers.json").unlink()
    assert "path" in client.locate(offline=True)
    trees = client.cache / "trees"
    trees.mkdir()
    listed = {name: {"size": 1, "blob_id": "0" * 40} for name in [*NEEDED, "README.md"]}
    (trees / f"{hub.commit(NAME)}.json").write_text(json.dumps({"format_version": 1, "files": listed}))
    assert "not whole" in client.locate(offline=True)["error"]


def test_a_server_that_knows_no_parts_sends_all_again(hub: HubServer, client: Client, model: Path) -> None:
    hub.faults[WEIGHTS] = [servers.cut(after=5000), servers.ignore_range()]
    path = Path(client.fetch()["path"])
    assert (path / WEIGHTS).read_bytes() == (model / WEIGHTS).read_bytes()


def test_a_server_that_fails_for_a_moment(hub: HubServer, client: Client) -> None:
    hub.faults = {INFO: [servers.status(503)], WEIGHTS: [servers.status(500), servers.status(429)]}
    assert "path" in client.fetch()


def test_a_server_that_fails_is_named_and_may_be_asked_again(hub: HubServer, client: Client) -> None:
    hub.faults[INFO] = [servers.status(500)] * 2
    told = client.fetch()
    assert f"{hub.url.removeprefix('http://')} answers 500" in told["error"]
    assert told["retryable"]


def test_a_silent_server(hub: HubServer, client: Client) -> None:
    hub.faults[INFO] = [servers.body(b"{}"), servers.body(b"<html>log in</html>")]
    assert "cannot be read" in client.fetch()["error"]
    told = client.fetch(HF_ENDPOINT="http://127.0.0.1:9")
    assert "127.0.0.1:9 cannot be reached" in told["error"]
    assert told["retryable"]


# --- what is not as it should be -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"], ids=["by its SHA-256", "by git's SHA-1"])
def test_content_that_came_damaged_is_refused_and_running_again_mends_it(
    hub: HubServer, client: Client, name: str
) -> None:
    hub.faults[name] = [servers.wrong_content()]
    told = client.fetch()
    assert f"{name} of the model {NAME} came damaged" in told["error"]
    assert "hybridrag models pull" in told["hint"]
    assert "error" in client.locate(offline=True)
    assert "path" in client.fetch()
    assert "range" not in hub.asked(name)[-1].headers, "nothing of the damaged file was kept"


def test_a_file_that_never_ends_is_refused(hub: HubServer, client: Client) -> None:
    hub.faults[WEIGHTS] = [servers.endless()]
    assert "came damaged" in client.fetch()["error"]


def test_a_part_that_does_not_fit_is_refused(hub: HubServer, client: Client) -> None:
    digest = hub.stored(NAME)[WEIGHTS].sha256
    (client.cache / "blobs").mkdir(parents=True)
    (client.cache / "blobs" / f"{digest}.incomplete").write_bytes(b"x" * 100)
    assert "came damaged" in client.fetch()["error"]
    assert hub.asked(WEIGHTS)[-1].headers["range"] == "bytes=100-"
    assert "path" in client.fetch()


def test_what_was_damaged_on_this_machine_is_fetched_again(hub: HubServer, client: Client) -> None:
    path = Path(client.fetch()["path"])
    blob = (path / WEIGHTS).resolve()
    blob.write_bytes(b"\0" * blob.stat().st_size)
    done = client.fetch()
    assert any(f"{WEIGHTS} was damaged" in note for note in done["notes"])
    assert done["size"] == blob.stat().st_size
    assert len(hub.asked("tokenizer.json")) == 1


def test_a_disk_that_is_too_small_is_told_before(hub: HubServer, client: Client) -> None:
    hub.claimed_sizes[WEIGHTS] = 10**18
    told = client.fetch()
    assert "1000000000.0 GB" in told["error"]
    assert "GB free" in told["error"]
    assert hub.files_asked == {"modules.json"}


def test_a_disk_that_fills_up(client: Client, model: Path) -> None:
    size = (model / WEIGHTS).stat().st_size
    told = client.fetch_with_files_of_at_most(size - 1000)
    assert "is full" in told["error"]
    assert client.fetch()["size"] < size


def test_a_folder_that_may_not_be_written(client: Client) -> None:
    (client.home / "hub").write_text("no folder")
    told = client.fetch()
    assert str(client.home / "hub") in told["error"]
    assert "HF_HOME" in told["hint"]


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("modules.json", "no modules.json"),
        ("tokenizer.json", "no tokenizer.json"),
        (WEIGHTS, "no weights as safetensors"),
        ("1_Pooling/config.json", "no 1_Pooling/config.json"),
    ],
)
def test_a_repository_that_cannot_be_used_is_refused_before_its_weights_come(
    tmp_path: Path, missing: str, named: str
) -> None:
    folder = write_bert_model(tmp_path / "repository")
    (folder / missing).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with HubServer({NAME: folder}) as hub:
        told = client_of(hub, tmp_path / "machine").fetch()
        assert named in told["error"]
        assert hub.files_asked <= {"modules.json", "config.json"}


def reranker_at(folder: Path, **changes: object) -> Path:
    """A repository as most rerankers' are: one network, no modules.json."""
    write_bert_model(folder)
    (folder / "modules.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    network = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    (folder / "config.json").write_text(json.dumps({**config, **network, **changes}))
    return folder


def test_a_reranker_asked_for_as_an_embedding_model_is_told(tmp_path: Path) -> None:
    with HubServer({NAME: reranker_at(tmp_path / "repository")}) as hub:
        client = client_of(hub, tmp_path / "machine")
        told = client.fetch()
        assert "but a classifier, as rerankers are" in told["error"]
        assert f'set reranker = "{NAME}" first' in told["hint"]
        assert hub.files_asked == {"config.json"}
        path = Path(client.fetch(reranker=True)["path"])
        assert (path / WEIGHTS).is_file() and (path / "tokenizer.json").is_file()


@pytest.mark.parametrize("graph", [True, False], ids=["ships a graph", "ships none"])
def test_without_trust_a_graph_stands_in_for_a_rerankers_own_code(tmp_path: Path, graph: bool) -> None:
    own = {"AutoModelForSequenceClassification": "modeling_own.Own"}
    folder = reranker_at(tmp_path / "repository", model_type="own", auto_map=own)
    (folder / "modeling_own.py").write_text("class Own: ...")
    if graph:
        (folder / "onnx").mkdir()
        (folder / "onnx" / "model.onnx").write_bytes(b"graph")
    with HubServer({NAME: folder}) as hub:
        client = client_of(hub, tmp_path / "machine")
        done = client.fetch(reranker=True)
        assert "modeling_own.py" not in hub.files_asked
        if graph:
            assert (Path(done["path"]) / "onnx" / "model.onnx").is_file()
        else:
            assert "needs code of its own, which is not run" in done["error"]
            assert hub.files_asked == {"config.json"}
            assert (Path(client.fetch(reranker=True, code=True)["path"]) / "modeling_own.py").is_file()


def test_names_that_lead_out_of_the_folder_are_not_followed(hub: HubServer, client: Client) -> None:
    files = hub.stored(NAME)
    for name in ("../../../../escaped.json", "/tmp/escaped.json", "1_Pooling/../../../../escaped.json"):
        files[name] = files["config.json"]
    path = Path(client.fetch()["path"])
    assert not list(client.home.rglob("escaped.json"))
    assert {name for name in hub.files_asked if "escaped" in name} == set()
    assert path.is_dir()


# --- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [INFO, WEIGHTS])
def test_a_gated_model_says_what_to_do(hub: HubServer, client: Client, at: str) -> None:
    hub.faults[at] = [servers.gated()]
    told = client.fetch(HF_TOKEN=TOKEN)
    assert "accepted its licence" in told["error"]
    assert f"{hub.url}/{NAME}" in told["hint"]
    assert "HF_TOKEN" in told["hint"]
    assert not told["retryable"]


def test_a_token_goes_to_the_hub_and_not_to_where_it_redirects(hub: HubServer, client: Client) -> None:
    client.fetch(HF_TOKEN=TOKEN)
    assert {request.headers.get("authorization") for request in hub.requests if not request.at_storage} == {
        f"Bearer {TOKEN}"
    }
    assert hub.asked(WEIGHTS)
    assert not any("authorization" in request.headers for request in hub.requests if request.at_storage)


def test_a_wrong_token_is_told(hub: HubServer, client: Client) -> None:
    hub.faults[INFO] = [servers.status(401, message="Invalid credentials in Authorization header")]
    told = client.fetch(HF_TOKEN=TOKEN)
    assert "does not know the token" in told["error"]
    assert "HF_TOKEN" in told["hint"]


def test_a_password_in_the_hubs_address_is_not_shown(hub: HubServer, client: Client) -> None:
    address = hub.url.replace("http://", f"http://user:{TOKEN}@")
    hub.faults[INFO] = [servers.status(404)]
    assert "path" not in client.fetch(HF_ENDPOINT=address)


def test_a_name_that_the_hub_does_not_know(client: Client) -> None:
    told = client.fetch("BAAI/bge-smal-en-v1.5")
    assert "shows no model BAAI/bge-smal-en-v1.5" in told["error"]
    assert "did you mean bge-small-en-v1.5" in told["hint"]
    assert not told["retryable"]


def test_a_file_that_the_hub_lost_is_not_taken_for_an_unknown_model(hub: HubServer, client: Client) -> None:
    hub.faults[WEIGHTS] = [servers.status(404)]
    told = client.fetch()
    assert "answers 404" in told["error"]
    assert not told["retryable"]


def test_nothing_is_told_about_this_machine(hub: HubServer, client: Client) -> None:
    client.fetch()
    agents = {request.headers["user-agent"] for request in hub.requests}
    assert all(agent.startswith("hybridrag/") and "torch" not in agent for agent in agents)
    assert all(request.path.startswith(("/api/models/", f"/{NAME}/resolve/")) for request in hub.requests)


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_the_librarys_own_switch_forbids_as_well(hub: HubServer, client: Client, variable: str) -> None:
    environment: dict[str, Any] = {variable: "1"}
    told = client.locate(**environment)
    assert "HF_HUB_OFFLINE forbids" in told["error"]
    assert f"without HF_HUB_OFFLINE: hybridrag models pull {NAME}" in told["hint"]
    assert not hub.requests
    assert told["sockets"] == []
