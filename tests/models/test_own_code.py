"""Models with code of their own: it never runs unless the user's own file lists that model at that revision.

Every hostile file here writes a sentinel when it is imported, so a test sees whether it ran.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import ModelError
from hybridrag.models import ModelSpec, find_model
from hybridrag.models.convert_worker import convert
from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.locate import ModelFolder
from hybridrag.models.own_code import is_listed, lists_some_revision
from hybridrag.models.torch_model import load_model
from hybridrag.models.torch_runtime import TorchEmbedder

pytestmark = pytest.mark.filterwarnings("ignore")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_MODULE = """
from sentence_transformers.models import Normalize

class Folded(Normalize):
    def forward(self, features):
        features["sentence_embedding"] = features["sentence_embedding"].abs()
        return super().forward(features)
"""
_NETWORK = """
from transformers import BertConfig, BertModel

class OwnConfig(BertConfig):
    model_type = "own_bert"

class OwnModel(BertModel):
    config_class = OwnConfig

    def forward(self, *given, **options):
        output = super().forward(*given, **options)
        output.last_hidden_state = output.last_hidden_state.sin()
        return output
"""


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    """A file that is there once a model's code ran."""
    return tmp_path / "it ran"


@pytest.fixture
def bert(tmp_path: Path, tiny_bert: Path) -> Path:
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def change_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **values}))


def write_code(path: Path, sentinel: Path, code: str = "") -> None:
    path.write_text(f"open({str(sentinel)!r}, 'w').close()\n{code}")


@pytest.fixture
def own_module(bert: Path, sentinel: Path) -> Path:
    """A folder whose last module is a class in a file of its own."""
    write_code(bert / "folding.py", sentinel, _MODULE)
    modules = json.loads((bert / "modules.json").read_text())
    modules[-1]["type"] = "folding.Folded"
    (bert / "modules.json").write_text(json.dumps(modules))
    return bert


@pytest.fixture
def own_network(bert: Path, sentinel: Path) -> Path:
    """A folder whose network is a class in a file of its own, of an architecture that transformers has not."""
    write_code(bert / "own_network.py", sentinel, _NETWORK)
    change_json(
        bert / "config.json",
        model_type="own_bert",
        architectures=["OwnModel"],
        auto_map={"AutoConfig": "own_network.OwnConfig", "AutoModel": "own_network.OwnModel"},
    )
    return bert


# --- untrusted -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["own_module", "own_network"])
def test_code_that_is_not_listed_is_refused(kind: str, request: pytest.FixtureRequest, sentinel: Path) -> None:
    folder: Path = request.getfixturevalue(kind)
    with pytest.raises(ModelError, match="needs code of its own") as caught:
        find_model(str(folder), offline=True)
    assert f'trusted_code = ["{folder}"]' in caught.value.hint
    with pytest.raises(ModelError, match="needs code of its own"):
        find_model(str(folder), offline=True, trusted=[f"{folder}-other", f"acme/other@{COMMIT}"])
    assert not sentinel.exists()


@pytest.mark.parametrize("kind", ["own_module", "own_network"])
def test_the_libraries_refuse_it_too(kind: str, request: pytest.FixtureRequest, sentinel: Path) -> None:
    """What read_spec overlooked would still not run: nothing is loaded with trust that the user did not give."""
    folder: Path = request.getfixturevalue(kind)
    with pytest.raises(ModelError, match="needs code of its own") as caught:
        load_model(folder, name="acme/tiny", device="cpu", dtype="float32", trusted=False)
    assert "trusted_code" in caught.value.hint
    with pytest.raises(ModelError, match="needs code of its own"):
        convert(str(folder), str(folder / "model.xml"))
    assert not sentinel.exists()


def test_a_network_that_transformers_has_is_loaded_without_its_code(bert: Path, sentinel: Path, tmp_path: Path) -> None:
    """As nomic-embed-text: its `auto_map` names code, and transformers has the same architecture."""
    spec, cache = find_model(str(bert), offline=True), tmp_path / "cache"
    before = TorchEmbedder(spec, cache=cache, device="cpu").embed_query("travel")
    for name in ("hostile", "tokenization_hostile"):
        write_code(bert / f"{name}.py", sentinel)
    change_json(bert / "config.json", auto_map={"AutoConfig": "hostile.Config", "AutoModel": "hostile.Model"})
    change_json(bert / "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "tokenization_hostile.Tokenizer"]})
    for trusted in ([], [str(bert)]):  # there is no need for it, so trust changes nothing
        spec = find_model(str(bert), offline=True, trusted=trusted)
        assert not spec.trusted
        assert (TorchEmbedder(spec, cache=cache, device="cpu").embed_query("travel") == before).all()
    convert(str(bert), str(tmp_path / "model.xml"))
    assert not sentinel.exists()


@pytest.mark.parametrize("file", ["processor_config.json", "preprocessor_config.json"])
def test_code_that_only_the_libraries_know_of_does_not_run_either(bert: Path, sentinel: Path, file: str) -> None:
    write_code(bert / "processing_hostile.py", sentinel)
    change_json(bert / file, auto_map={"AutoProcessor": "processing_hostile.Processor"})
    with pytest.raises(ModelError, match="needs code of its own"):
        TorchEmbedder(find_model(str(bert), offline=True), cache=bert / "cache", device="cpu").load()
    assert not sentinel.exists()


def test_an_architecture_of_another_name_is_not_taken_for_the_librarys(bert: Path) -> None:
    """As jina-embeddings-v3: `xlm-roberta` with adapters, which transformers would leave out without a word."""
    change_json(bert / "config.json", architectures=["BertLoRA"], auto_map={"AutoModel": "modeling_lora.BertLoRA"})
    with pytest.raises(ModelError, match=r"needs code of its own \(modeling_lora\.BertLoRA\)"):
        find_model(str(bert), offline=True)


def test_the_catalogue_knows_whose_code_computes_another_thing(bert: Path) -> None:
    """As nomic-embed-text-v2-moe, whose experts the class of the same name in transformers does not have."""
    change_json(bert / "config.json", architectures=["BertModel"], auto_map={"AutoModel": "modeling.BertModel"})
    assert not find_model(str(bert), offline=True).trusted
    with pytest.raises(ModelError, match="needs code of its own"):
        find_model(str(bert.rename(bert.with_name("nomic-embed-text-v2-moe"))), offline=True)


# --- trusted ---------------------------------------------------------------------------------------------------------

_TRUSTED = """
import json, sys
from pathlib import Path
import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from hybridrag.models import find_model
from hybridrag.models.convert_worker import main
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder
folder, cache = sys.argv[1], Path(sys.argv[2])
texts = ["the travel policy", "who approves the hotel in germany?", "x", "a meal allowance " * 30]
spec = find_model(folder, offline=True, trusted=[folder])
runtimes = [
    TorchEmbedder(spec, cache=cache, device="cpu", precision="float32"),
    OpenVinoEmbedder(spec, cache=cache, precision="float32"),
]
found = [runtime.embed(texts) for runtime in runtimes]
model = SentenceTransformer(
    folder, device="cpu", trust_remote_code=True, local_files_only=True, model_kwargs={"dtype": torch.float32}
)
expected = model.encode(texts, normalize_embeddings=True)
kept = sorted(path.name for path in cache.glob("openvino/*/*"))
code = main([sys.argv[3], str(cache / "unlike.xml"), "--trusted"])
print(json.dumps([spec.trusted, *(float((vectors * expected).sum(axis=1).min()) for vectors in found), kept, code]))
"""


def test_code_that_is_listed_runs_in_both_runtimes(
    own_module: Path, own_network: Path, sentinel: Path, tmp_path: Path
) -> None:
    """In a process of its own: the libraries keep copies of such code in the home folder, and imported.

    Then the same with code that looks at the length of its input, and is traced for one length only: what was converted
    is compared, and refused.
    """
    assert own_module == own_network, "one model has both"
    folder, home = own_network, tmp_path / "home"
    unlike = Path(shutil.copytree(folder, tmp_path / "unlike"))
    code = _MODULE.replace(".abs()", ' * (-1 if features["attention_mask"].shape[1] > 12 else 1)')
    write_code(unlike / "folding.py", sentinel, code)
    done = subprocess.run(
        [sys.executable, "-c", _TRUSTED, str(folder), str(tmp_path / "cache"), str(unlike)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    trusted, torch, openvino, kept, converted = json.loads(done.stdout.splitlines()[-1])
    assert trusted
    assert sentinel.exists()
    assert min(torch, openvino) > 0.99999
    assert {name.partition("-")[0] for name in kept} <= {"model.xml", "model.bin", "compiled"}, (
        "the code's copies were kept with the network"
    )
    assert converted == 1
    assert "vectors are not torch's (cosine -1.0000" in done.stderr.splitlines()[-1]


def test_code_in_another_repository_is_refused_even_so(own_network: Path) -> None:
    """As jina-embeddings-v3: the listed revision says nothing of that repository's."""
    change_json(own_network / "config.json", auto_map={"AutoModel": "acme/network--own_network.OwnModel"})
    with pytest.raises(ModelError, match="from another repository"):
        find_model(str(own_network), offline=True, trusted=[str(own_network)])


def test_the_code_is_part_of_the_fingerprint(own_network: Path, bert: Path, tmp_path: Path) -> None:
    def identity(**options: Any) -> str:
        spec: ModelSpec = find_model(str(own_network), offline=True, **options)
        return fingerprint(spec, cache=tmp_path / "cache")

    trusted = {"trusted": [str(own_network)]}
    first = identity(**trusted)
    assert identity(**trusted) == first
    (own_network / "own_network.py").write_text(_NETWORK.replace("sin()", "cos()"))
    assert identity(**trusted) != first
    # What does not run has no part in a vector.
    change_json(bert / "config.json", model_type="bert", architectures=["BertModel"], auto_map={})
    native = identity()
    (bert / "own_network.py").unlink()
    assert identity() == native


# --- who is listed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "listed"),
    [
        (f"acme/tiny@{COMMIT}", True),
        (f"ACME/Tiny@{COMMIT}", True),
        (f"acme/tiny@{COMMIT[:12]}", False),
        (f"acme/tiny@{COMMIT[::-1]}", False),
        ("acme/tiny@main", False),
        ("acme/tiny@", False),
        ("acme/tiny", False),
        (f"@{COMMIT}", False),
        (f"acme/other@{COMMIT}", False),
    ],
)
def test_a_model_is_listed_at_its_very_commit(item: str, listed: bool, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--acme--tiny" / "snapshots" / COMMIT
    for name in ("acme/tiny", "acme/tiny@main"):
        assert is_listed(ModelFolder(name=name, path=snapshot, entry=None), [item]) == listed


def test_a_catalogue_model_is_listed_by_either_name(tmp_path: Path) -> None:
    snapshot = ModelFolder(name="jina-embeddings-v3", path=tmp_path / COMMIT, entry=None)
    assert is_listed(snapshot, [f"jinaai/jina-embeddings-v3@{COMMIT}"])
    assert is_listed(snapshot, [f"jina-embeddings-v3@{COMMIT}"])
    assert lists_some_revision([f"jinaai/jina-embeddings-v3@{COMMIT}"], "jina-embeddings-v3@main")
    assert not lists_some_revision([f"acme/tiny@{COMMIT}"], "jina-embeddings-v3")


def test_a_reranker_of_the_catalogue_is_listed_by_either_name(tmp_path: Path) -> None:
    snapshot = ModelFolder(name="bge-reranker-base", path=tmp_path / COMMIT, entry=None)
    assert is_listed(snapshot, [f"BAAI/bge-reranker-base@{COMMIT}"])
    assert lists_some_revision([f"bge-reranker-base@{COMMIT}"], "BAAI/bge-reranker-base@main")


def test_a_home_of_nobody_lists_nothing(tmp_path: Path) -> None:
    assert not is_listed(ModelFolder(name="x", path=tmp_path, entry=None), ["~no-such-user-here/model"])


def test_a_folder_is_listed_by_its_path_and_not_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project may bring a folder that is called like a model of the hub, and like its revision."""
    folder = tmp_path / "acme" / "tiny"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    here = ModelFolder(name="acme/tiny", path=folder, entry=None)
    assert not is_listed(here, [f"acme/tiny@{COMMIT}", "acme/tiny"])
    assert is_listed(here, [str(folder)])
    assert is_listed(here, ["~/acme/tiny"])
    assert not is_listed(here, [str(folder.parent), "~/acme"])
