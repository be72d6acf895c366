"""Rerankers found and understood: names, folders, what is refused, what is kept."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridrag.config import LEAST_WINDOW
from hybridrag.errors import ModelError
from hybridrag.models import find_model, find_reranker, open_reranker
from hybridrag.models.catalogue import catalogue
from hybridrag.models.rerank_catalogue import reranker_for, rerankers
from hybridrag.models.rerank_network import is_reranker_kept, reranker_network, reranker_place
from hybridrag.models.rerank_openvino import OpenVinoReranker
from hybridrag.models.rerank_pairs import Pair, PairTokenizer
from hybridrag.models.rerank_runtime import RerankRuntime
from hybridrag.models.rerank_scorer import load_scorer
from hybridrag.models.rerank_spec import is_reranker_folder, resolve_reranker
from hybridrag.models.rerank_templates import TEMPLATES
from hybridrag.models.rerank_torch import TorchReranker
from hybridrag.models.snapshots import CachedRepository, read_listing
from tests.models.rerankers import QUESTION, convert_here, family, write_json_over

if TYPE_CHECKING:
    from hybridrag.models.rerank_runtime import Scores

pytestmark = pytest.mark.filterwarnings("ignore")

TEXTS = ["the travel policy", "the manager approves the hotel", "x " * 300]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return family("bert").write(tmp_path_factory.mktemp("reranker") / "tiny")


@pytest.fixture(scope="module")
def kept(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the network of `bert`."""
    cache = tmp_path_factory.mktemp("kept")
    convert_here(find_reranker(str(bert), offline=True), cache)
    return cache


@pytest.fixture
def copy(bert: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the reranker whose config.json has changes."""

    def make(name: str = "copy", **changes: object) -> Path:
        folder = Path(shutil.copytree(bert, tmp_path / name))
        write_json_over(folder / "config.json", **changes)
        return folder

    return make


# --- catalogue -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", rerankers())
def test_entries_are_complete(name: str) -> None:
    entry = rerankers()[name]
    assert re.fullmatch(r"[0-9a-f]{40}|", entry.revision)
    assert entry.repository.partition("/")[2] == name
    assert entry.source == f"https://huggingface.co/{entry.repository}"
    assert entry.window >= 512 and 1_000_000 < entry.parameters < 10_000_000_000
    assert "float32" in entry.formats and entry.languages
    assert entry.licence in {"MIT", "Apache-2.0"}
    assert entry.template == "" or entry.template in TEMPLATES
    assert (entry.template != "") == (entry.architecture in {"qwen2", "qwen3"})


def test_no_name_means_two_models() -> None:
    entries = rerankers().values()
    names = [known.lower() for entry in entries for known in (entry.name, entry.repository, *entry.aliases)]
    assert len(names) == len(set(names))
    assert not set(names) & {name.lower() for name in catalogue()}
    revisions = [entry.revision for entry in rerankers().values() if entry.revision]
    assert len(revisions) == len(set(revisions))


def test_names_of_any_kind_and_case() -> None:
    assert reranker_for("baai/bge-reranker-BASE") is reranker_for("bge-reranker-base")
    assert reranker_for("cross-encoder/ms-marco-MiniLM-L-6-v2") is rerankers()["ms-marco-MiniLM-L6-v2"]


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_name_of_the_catalogue_is_pinned() -> None:
    entry = rerankers()["bge-reranker-base"]
    place = resolve_reranker("bge-reranker-base")
    assert (place.repository, place.revision) == (entry.repository, entry.revision)  # type: ignore[union-attr]
    assert resolve_reranker("bge-reranker-base@v2").revision == "v2"  # type: ignore[union-attr]
    assert resolve_reranker("mxbai-rerank-xsmall-v1").revision is None  # type: ignore[union-attr]
    assert resolve_reranker("some/other").revision is None  # type: ignore[union-attr]


def test_an_unknown_name_is_told_with_close_ones() -> None:
    with pytest.raises(ModelError, match="neither a model's name nor a folder") as caught:
        find_reranker("bge-rerankr-base", offline=True)
    assert "did you mean bge-reranker-base" in caught.value.hint
    with pytest.raises(ModelError, match="there is no model folder"):
        find_reranker("./no-such-folder", offline=True)


def test_the_two_kinds_are_not_mistaken_for_each_other(bert: Path, tiny_bert: Path) -> None:
    with pytest.raises(ModelError, match=r"bge-small-en-v1\.5 is an embedding model, not a reranker"):
        find_reranker("bge-small-en-v1.5", offline=True)
    with pytest.raises(ModelError, match="bge-reranker-base is a reranker, not an embedding model") as caught:
        find_model("bge-reranker-base", offline=True)
    assert 'reranker = "bge-reranker-base"' in caught.value.hint
    with pytest.raises(ModelError, match=r"is no reranker: its config\.json names BertModel"):
        find_reranker(str(tiny_bert), offline=True)
    assert is_reranker_folder(bert) and not is_reranker_folder(tiny_bert)
    assert not is_reranker_folder(Path("no\0where")) and not is_reranker_folder(bert / ("x" * 2000))


def test_a_reranker_that_is_not_here_is_told_with_how_to_fetch_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="is not on this machine") as caught:
        find_reranker("ms-marco-MiniLM-L6-v2", offline=True)
    assert "hybridrag models pull ms-marco-MiniLM-L6-v2" in caught.value.hint


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_is_understood(bert: Path) -> None:
    spec = find_reranker(str(bert), offline=True)
    assert (spec.window, spec.template, spec.graph, spec.entry) == (96, None, None, None)
    assert not spec.trusted


def test_one_that_sentence_transformers_saved_is_understood(bert: Path, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(bert), device="cpu", local_files_only=True).save_pretrained(str(tmp_path / "saved"))
    assert is_reranker_folder(tmp_path / "saved")
    with pytest.raises(ModelError) as caught:
        find_model(str(tmp_path / "saved"), offline=True)
    assert f'set reranker = "{tmp_path / "saved"}"' in caught.value.hint
    saved, first = (find_reranker(str(folder), offline=True) for folder in (tmp_path / "saved", bert))
    scores = [TorchReranker(spec, cache=tmp_path, device="cpu").rerank(QUESTION, TEXTS) for spec in (saved, first)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id2label": {"0": "no", "1": "maybe", "2": "yes"}}, "gives 3 numbers for a pair"),
        ({"id2label": None}, "gives 2 numbers for a pair"),
        ({"architectures": ["BertModel"]}, "names BertModel"),
        ({"architectures": []}, "names no network"),
        ({"architectures": ["Qwen3ForCausalLM"]}, "nothing says how it is asked"),
        ({"is_decoder": True}, r"\(bert\) is not one that is known to read a question and a text as a whole"),
        *(
            ({"architectures": [f"{network}ForSequenceClassification"], "model_type": kind}, rf"\({kind}\) is not one")
            for network, kind in (("GPT2", "gpt2"), ("OPT", "opt"), ("Bloom", "bloom"), ("GPTNeoX", "gpt_neox"))
        ),
        (
            {
                "architectures": ["GPT2ForSequenceClassification"],
                "model_type": "gpt2",
                "auto_map": {"AutoModelForSequenceClassification": "own.Own"},
            },
            r"\(gpt2\) is not one",
        ),
        ({"auto_map": {"AutoModelForSequenceClassification": "own.Own"}, "model_type": "own"}, "needs code of its own"),
    ],
)
def test_what_is_no_reranker_is_refused(copy: Callable[..., Path], changes: dict[str, object], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        find_reranker(str(copy(**changes)), offline=True)


def test_own_code_runs_only_where_the_folder_is_listed(copy: Callable[..., Path]) -> None:
    folder = copy(auto_map={"AutoModelForSequenceClassification": "own.Own"}, model_type="own")
    assert find_reranker(str(folder), offline=True, trusted=(str(folder),)).trusted


def test_a_shipped_graph_stands_in_for_own_code(copy: Callable[..., Path]) -> None:
    folder = copy(auto_map={"AutoModelForSequenceClassification": "own.Own"}, model_type="own")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"graph")
    spec = find_reranker(str(folder), offline=True)
    assert spec.graph == folder / "onnx" / "model.onnx" and not spec.trusted
    assert find_reranker(str(folder), offline=True, trusted=(str(folder),)).trusted


def test_padding_is_the_networks_own(bert: Path, copy: Callable[..., Path]) -> None:
    assert PairTokenizer(find_reranker(str(copy(pad_token_id=7)), offline=True)).padding_id == 7
    for name, damaged in (("negative", -1), ("text", "7"), ("truth", True)):
        spec = find_reranker(str(copy(name, pad_token_id=damaged)), offline=True)
        named = json.loads((bert / "tokenizer.json").read_text())["model"]["vocab"]["[PAD]"]
        assert PairTokenizer(spec).padding_id == named


def test_a_window_for_nothing_is_told(copy: Callable[..., Path]) -> None:
    folder = copy()
    write_json_over(folder / "tokenizer_config.json", model_max_length=LEAST_WINDOW)
    assert find_reranker(str(folder), offline=True).window == LEAST_WINDOW
    write_json_over(folder / "tokenizer_config.json", model_max_length=LEAST_WINDOW - 1)
    with pytest.raises(ModelError, match=f"takes {LEAST_WINDOW - 1} tokens, too few"):
        find_reranker(str(folder), offline=True)


def test_a_tokenizer_that_joins_no_pairs_is_told(copy: Callable[..., Path]) -> None:
    folder = copy()
    nothing = {"type": "Replace", "pattern": {"Regex": "."}, "content": ""}
    write_json_over(folder / "tokenizer.json", normalizer=nothing)
    write_json_over(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    with pytest.raises(ModelError, match="does not join a question and a text"):
        PairTokenizer(find_reranker(str(folder), offline=True)).pairs(QUESTION, TEXTS)


@pytest.mark.parametrize("code", [False, True])
def test_a_snapshot_is_whole_with_or_without_code_of_its_own(bert: Path, tmp_path: Path, code: bool) -> None:
    cached = CachedRepository(tmp_path, "config.json")
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = Path(shutil.copytree(bert, cached.snapshot(commit)))
    assert cached.find(commit, code=code) == folder
    write_json_over(folder / "config.json", auto_map={"AutoModelForSequenceClassification": "own.Own"})
    assert cached.find(commit, code=code) == (None if code else folder)
    (folder / "own.py").write_text("class Own: ...")
    assert cached.find(commit, code=code) == folder


@pytest.mark.parametrize("config", [b"[" * 200_000, b"[]", b"{", b'{"auto_map": 5}'])
def test_a_snapshot_whose_configuration_is_damaged_is_not_whole(bert: Path, tmp_path: Path, config: bytes) -> None:
    cached = CachedRepository(tmp_path, "config.json")
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = Path(shutil.copytree(bert, cached.snapshot(commit)))
    (folder / "config.json").write_bytes(config)
    assert cached.find(commit, code=True) is None
    if config[-1:] != b"}":
        with pytest.raises(ValueError):
            read_listing("config.json", config)


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.safetensors"])
def test_missing_files_are_told(copy: Callable[..., Path], missing: str) -> None:
    folder = copy()
    (folder / missing).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle is a program")
    with pytest.raises(ModelError, match=missing.replace("model.safetensors", "no weights as safetensors")):
        find_reranker(str(folder), offline=True)


def test_weights_that_would_be_made_up_are_refused(copy: Callable[..., Path]) -> None:
    from safetensors.numpy import load_file, save_file

    folder = copy()
    weights = load_file(folder / "model.safetensors")
    for name in ("classifier.weight", "bert.pooler.dense.weight"):
        rest = {known: tensor for known, tensor in weights.items() if known != name}
        save_file(rest, folder / "model.safetensors", metadata={"format": "pt"})
        spec = find_reranker(str(folder), offline=True)
        with pytest.raises(ModelError, match=f"lacks 1 weights.*{name}"):
            TorchReranker(spec, cache=folder, device="cpu").load()


def test_scores_that_are_no_numbers_are_refused(copy: Callable[..., Path], tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = copy()
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"] = np.array([np.nan], dtype=np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    spec = find_reranker(str(folder), offline=True)
    with pytest.raises(ModelError, match="score that is not a number"):
        TorchReranker(spec, cache=tmp_path, device="cpu").rerank(QUESTION, TEXTS)


def test_a_device_that_is_not_there_is_told(bert: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_scorer(bert, name="tiny", device="cuda:99", dtype="float32", answers=None, trusted=False)


class Failing(RerankRuntime):
    """One whose network raises."""

    device, runtime = "cpu", "torch"
    failure: Exception

    def load(self) -> None: ...

    def compute(self, pairs: list[Pair]) -> Scores:
        raise self.failure


@pytest.mark.parametrize("failure", [RuntimeError("out of memory"), ValueError("no shape"), IndexError("no row")])
def test_what_a_network_raises_is_told(bert: Path, tmp_path: Path, failure: Exception) -> None:
    runtime = Failing(find_reranker(str(bert), offline=True), cache=tmp_path)
    runtime.failure = failure
    with pytest.raises(ModelError, match="its network has not" if isinstance(failure, IndexError) else str(failure)):
        runtime.rerank(QUESTION, TEXTS)


def test_a_network_that_gives_several_scores_a_pair_is_refused(bert: Path, tmp_path: Path) -> None:
    runtime = Failing(find_reranker(str(bert), offline=True), cache=tmp_path)
    for shape in ((2, 1), (6,), (1,), ()):
        with pytest.raises(ModelError, match="does not give one score a pair"):
            runtime.put(np.zeros(2, dtype=np.float32), [0, 1], np.zeros(shape, dtype=np.float32))


def test_the_tokenizer_is_read_once(bert: Path, tmp_path: Path) -> None:
    spec = find_reranker(str(bert), offline=True)
    one = open_reranker(spec, cache=tmp_path, device="cpu", runtime="torch")
    one.rerank(QUESTION, TEXTS)
    assert one._chosen is not None and one._chosen._tokenizer is one._tokenizer
    shared = PairTokenizer(spec)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda _: shared._loaded(), range(32)))
    assert all(it is read[0] for it in read)


# --- networks --------------------------------------------------------------------------------------------------------


def test_a_network_is_made_once_and_another_model_has_another(
    bert: Path, copy: Callable[..., Path], tmp_path: Path
) -> None:
    told: list[str] = []
    spec = find_reranker(str(bert), offline=True)
    assert not is_reranker_kept(spec, cache=tmp_path)
    for _ in range(2):
        one = open_reranker(spec, cache=tmp_path, device="cpu", notify=told.append)
        one.rerank(QUESTION, TEXTS)
        assert one.runtime == "openvino"
    assert told == [f"preparing the reranker {spec.name} for this machine (once)"]
    other = find_reranker(str(copy(hidden_act="relu")), offline=True)
    assert reranker_place(other, tmp_path) != reranker_place(spec, tmp_path)
    same = find_reranker(str(shutil.copytree(bert, tmp_path / "elsewhere")), offline=True)
    assert reranker_place(same, tmp_path) == reranker_place(spec, tmp_path)


def test_a_network_that_cannot_be_converted_runs_on_torch(bert: Path, tmp_path: Path) -> None:
    from hybridrag.models.network import installed_versions

    spec = find_reranker(str(bert), offline=True)
    failure = reranker_place(spec, tmp_path).parent.with_suffix(".failed")
    failure.parent.mkdir(parents=True)
    failure.write_text(f"{installed_versions()}\nits attention is not known\n")
    told: list[str] = []
    one = open_reranker(spec, cache=tmp_path, device="cpu", notify=told.append)
    assert len(one.rerank(QUESTION, TEXTS)) == len(TEXTS)
    assert one.runtime == "torch"
    assert "its attention is not known; torch runs it instead" in told[-1]
    with pytest.raises(ModelError, match="its attention is not known"):
        open_reranker(spec, cache=tmp_path, device="cpu", runtime="openvino").rerank(QUESTION, TEXTS)


def test_a_shipped_graph_needs_neither_torch_nor_weights(bert: Path, kept: Path, tmp_path: Path) -> None:
    """With inputs of all three kinds, as cross-encoders on the hub ship it."""
    spec = find_reranker(str(bert), offline=True)
    expected = OpenVinoReranker(spec, cache=kept, precision="float32").rerank(QUESTION, TEXTS)
    made = reranker_network(spec, cache=kept)
    folder = Path(shutil.copytree(bert, tmp_path / "shipped"))
    (folder / "model.safetensors").unlink()
    (folder / "openvino").mkdir()
    _export(made, folder / "openvino" / "openvino_model.xml", columns=1)
    shipped = find_reranker(str(folder), offline=True)
    assert shipped.graph is not None
    found = OpenVinoReranker(shipped, cache=tmp_path / "two", precision="float32").rerank(QUESTION, TEXTS)
    assert found == pytest.approx(expected, abs=1e-4)
    with pytest.raises(ModelError, match="ships a graph only"):
        TorchReranker(shipped, cache=tmp_path, device="cpu").load()


def test_a_shipped_graph_of_several_classes_is_refused(bert: Path, kept: Path, tmp_path: Path) -> None:
    made = reranker_network(find_reranker(str(bert), offline=True), cache=kept)
    folder = Path(shutil.copytree(bert, tmp_path / "shipped"))
    (folder / "openvino").mkdir()
    _export(made, folder / "openvino" / "openvino_model.xml", columns=3)
    shipped = find_reranker(str(folder), offline=True)
    with pytest.raises(ModelError, match="does not give one score for each pair"):
        OpenVinoReranker(shipped, cache=tmp_path / "two").load()


def _export(made: Path, target: Path, *, columns: int) -> None:
    """A network of ours as others export it: `logits` of shape `(n, columns)`."""
    from hybridrag.models.openvino_library import import_openvino

    openvino = import_openvino()
    from openvino import opset13 as ops

    network = openvino.Core().read_model(str(made))
    scores = network.get_results()[0].input_value(0)
    logits = ops.unsqueeze(scores, ops.constant(np.array(1, dtype=np.int64)))
    logits = ops.concat([logits] * columns, axis=1)
    logits.output(0).set_names({"logits"})
    exported = openvino.Model([ops.result(logits)], network.get_parameters(), "exported")
    openvino.save_model(exported, str(target), compress_to_fp16=False)


def test_json_that_is_none_is_told(copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        find_reranker(str(folder), offline=True)
    (folder / "config.json").write_text(json.dumps([1]))
    with pytest.raises(ModelError, match="holds no JSON object"):
        find_reranker(str(folder), offline=True)
