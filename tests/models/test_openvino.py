"""OpenVINO: networks made once and kept, numbers of threads and texts that change nothing, int8."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hybridrag.errors import ModelError
from hybridrag.models import ModelSpec, Precision, find_model
from hybridrag.models.network import installed_versions, is_kept, network_file, place_of
from hybridrag.models.openvino_library import import_openvino
from hybridrag.models.openvino_runtime import OpenVinoEmbedder, number_format
from hybridrag.models.quantise import quantise

TEXTS = ["the travel policy", "x", *(f"section {number} of the leave policy " * number for number in range(1, 40))]
_AT_ONCE = """
import sys, threading
from pathlib import Path
import numpy as np
from hybridrag.models import find_model
from hybridrag.models.openvino_library import import_openvino
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
embedder = OpenVinoEmbedder(find_model(sys.argv[1], offline=True), cache=Path(sys.argv[2]))
embedder.load()
texts = ["section %d of the leave policy " % n * n for n in range(1, 40)]
together, found = threading.Barrier(4), {}
def work(name):
    together.wait()
    found[name] = embedder.embed_documents(texts)
threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 4
assert all(np.allclose(found[0], found[name], atol=1e-3) for name in found)
print("done")
"""


@pytest.fixture
def spec(tiny_bert: Path) -> ModelSpec:
    return find_model(str(tiny_bert), offline=True)


@pytest.fixture(scope="module")
def minilm() -> ModelSpec:
    return find_model("all-MiniLM-L6-v2", offline=True)


def test_threads_that_begin_at_once_all_get_their_vectors(spec: ModelSpec, model_cache: Path) -> None:
    """Each in a new process: it is the first tensors of a process that could wait for each other."""
    network_file(spec, cache=model_cache)
    command = [sys.executable, "-c", _AT_ONCE, str(spec.path), str(model_cache)]
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert (done.stdout.strip(), done.returncode) == ("done", 0), done.stderr


def test_a_text_has_one_vector_alone_and_among_many(spec: ModelSpec, model_cache: Path) -> None:
    embedder = OpenVinoEmbedder(spec, cache=model_cache, precision="float32")
    alone = np.vstack([embedder.embed([text]) for text in TEXTS])  # one core after the other, all on one text
    among = embedder.embed(TEXTS * 30)  # one core a batch
    assert np.allclose(among, np.tile(alone, (30, 1)), atol=1e-5)


def test_no_texts_give_no_vectors(spec: ModelSpec, model_cache: Path) -> None:
    assert OpenVinoEmbedder(spec, cache=model_cache).embed([]).shape == (0, 32)


def test_what_is_cancelled_ends_with_an_error(spec: ModelSpec, model_cache: Path) -> None:
    embedder = OpenVinoEmbedder(spec, cache=model_cache)
    with ThreadPoolExecutor(1) as pool:
        begun = threading.Event()

        def endless() -> None:
            while True:
                embedder.embed(TEXTS)
                begun.set()

        working = pool.submit(endless)
        assert begun.wait(100)
        embedder.cancel()
        with pytest.raises(ModelError, match="interrupted"):
            working.result(timeout=100)


def test_what_compiling_kept_may_be_damaged(spec: ModelSpec, model_cache: Path, tmp_path: Path) -> None:
    made = network_file(spec, cache=model_cache)
    cache = tmp_path / "cache"
    shutil.copytree(made.parent, cache / "openvino" / made.parent.name)
    old = cache / "openvino" / made.parent.name / "compiled"  # an earlier version's, for all number formats
    old.mkdir()
    (old / "kept.blob").write_bytes(b"old")
    first = OpenVinoEmbedder(spec, cache=cache).embed(TEXTS)
    assert not old.exists()
    kept = [file for file in (cache / "openvino" / made.parent.name).glob("compiled-*/*") if file.is_file()]
    assert kept
    for damage in (b"", b"garbage " * 100):
        for file in kept:
            file.chmod(0o600)
            file.write_bytes(damage)
        assert np.allclose(OpenVinoEmbedder(spec, cache=cache).embed(TEXTS), first, atol=1e-3)


def test_a_network_is_the_same_for_every_cut(spec: ModelSpec, model_cache: Path) -> None:
    whole = OpenVinoEmbedder(spec, cache=model_cache, precision="float32")
    cut = OpenVinoEmbedder(spec.cut_to(8), cache=model_cache, precision="float32")
    assert network_file(cut.spec, cache=model_cache) == network_file(spec, cache=model_cache)
    assert cut.fingerprint != whole.fingerprint
    expected = whole.embed(TEXTS)[:, :8]
    assert np.allclose(cut.embed(TEXTS), expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-4)


# --- conversions that fail -------------------------------------------------------------------------------------------


def test_a_conversion_that_failed_is_tried_again_with_other_libraries_only(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "unknown"))
    (folder / "config.json").write_text('{"model_type": "no-such-network", "hidden_size": 32}')
    broken, cache = find_model(str(folder), offline=True), tmp_path / "cache"
    failure = place_of(broken, cache).parent.with_suffix(".failed")
    failure.parent.mkdir(parents=True)
    failure.write_text(f"{installed_versions()}\nits attention is not known\n")
    with pytest.raises(ModelError, match="cannot be converted: its attention is not known"):
        network_file(broken, cache=cache)
    failure.write_text("openvino 1999.1\nits attention is not known\n")
    with pytest.raises(ModelError, match="cannot be converted") as tried:
        network_file(broken, cache=cache)
    assert "its attention is not known" not in tried.value.message
    kept = failure.read_text()
    assert kept.startswith(f"{installed_versions()}\n")
    failure.write_text(f"{kept.strip()} (as was kept)\n")
    with pytest.raises(ModelError, match=r"\(as was kept\)"):
        network_file(broken, cache=cache)
    assert not is_kept(broken, cache=cache)


# --- number formats --------------------------------------------------------------------------------------------------


ALL = ("float32", "bfloat16", "float16")


@pytest.mark.parametrize(
    ("wanted", "capabilities", "tolerated", "format"),
    [
        ("auto", ["FP32", "BF16", "INT8"], ALL, "bfloat16"),
        ("auto", ["FP32", "FP16", "INT8"], ALL, "float32"),
        ("auto", ["FP32", "BF16"], ("float32",), "float32"),
        ("float32", ["FP32", "BF16"], ALL, "float32"),
        ("bfloat16", ["FP32", "BF16"], ALL, "bfloat16"),
        ("float16", ["FP32", "FP16"], ALL, "float16"),
    ],
)
def test_the_number_format_is_one_the_processor_computes_in(
    wanted: Precision, capabilities: list[str], tolerated: tuple[str, ...], format: str
) -> None:
    assert number_format(wanted, capabilities=capabilities, tolerated=tolerated) == format


def test_a_number_format_that_would_be_emulated_is_refused() -> None:
    with pytest.raises(ModelError, match="does not compute in float16"):
        number_format("float16", capabilities=["FP32", "BF16"], tolerated=ALL)


def test_a_number_format_that_spoils_the_model_is_refused() -> None:
    with pytest.raises(ModelError, match="does not tolerate float16"):
        number_format("float16", capabilities=["FP32", "FP16"], tolerated=("float32", "bfloat16"))


def test_int8_is_another_fingerprint_and_near(minilm: ModelSpec, model_cache: Path) -> None:
    whole = OpenVinoEmbedder(minilm, cache=model_cache, precision="float32")
    small = OpenVinoEmbedder(minilm.computed_as("int8"), cache=model_cache)
    assert small.fingerprint != whole.fingerprint
    texts = ["Travel is approved by the team lead.", "Die Reise genehmigt die Teamleitung.", "def f(x): return x + 1"]
    near = (whole.embed(texts) * small.embed(texts)).sum(axis=1)
    assert near.min() > 0.99
    assert near.max() < 0.99999  # otherwise nothing was quantised
    weights = [network_file(e.spec, cache=model_cache).with_suffix(".bin").stat().st_size for e in (whole, small)]
    assert weights[1] < 0.65 * weights[0]  # the token table, half of this small model, stays as it is


def test_a_network_in_half_precision_is_quantised_too(minilm: ModelSpec, model_cache: Path, tmp_path: Path) -> None:
    openvino = import_openvino()
    half = tmp_path / "half.xml"
    whole = openvino.Core().read_model(str(network_file(minilm, cache=model_cache)))
    openvino.save_model(whole, str(half), compress_to_fp16=True)
    quantise(half, tmp_path / "small.xml")
    sizes = [(tmp_path / name).stat().st_size for name in ("half.bin", "small.bin")]
    assert sizes[1] < 0.85 * sizes[0]


def test_a_network_without_matrices_is_not_quantised(spec: ModelSpec, model_cache: Path) -> None:
    with pytest.raises(ModelError, match="no weights to quantise"):
        network_file(spec.computed_as("int8"), cache=model_cache)
