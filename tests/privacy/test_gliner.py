"""GLiNER from a folder: the very spans the library gives, at any place of a long text, and only whole, safe folders."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.confined import Confined
from hybridrag.privacy.ner.gliner_ner import GlinerNer, gliner_ner
from tests.privacy.ner_models import write_gliner

# torch and transformers warn while they load.
pytestmark = pytest.mark.filterwarnings("ignore")

TEXT = "Ada Lovelace met Grace Hopper in New York."
LABELS = ["person", "location"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gliner(tmp_path_factory.mktemp("gliner"))


@pytest.fixture(scope="module")
def threshold(folder: Path) -> float:
    """One that a part of the spans passes: the weights are random, and so are the scores."""
    scores = sorted(entity["score"] for entity in direct(folder, 0.0))
    return float(scores[len(scores) * 3 // 4])


@pytest.fixture(scope="module")
def model(folder: Path, threshold: float) -> GlinerNer:
    return GlinerNer(folder, labels=LABELS, threshold=threshold)


def direct(folder: Path, threshold: float) -> list[dict[str, Any]]:
    from gliner import GLiNER

    library = GLiNER.from_pretrained(str(folder), local_files_only=True).eval()
    entities: list[dict[str, Any]] = library.inference([TEXT], LABELS, threshold=threshold, flat_ner=False)[0]
    return entities


def test_it_gives_the_spans_of_the_library(folder: Path, model: GlinerNer, threshold: float) -> None:
    types = {"person": "PERSON", "location": "PLACE"}
    expected = {(found["start"], found["end"], types[str(found["label"])]) for found in direct(folder, threshold)}
    spans = model.detect(TEXT)
    assert {(span.start, span.end, span.type) for span in spans} == expected
    assert spans
    assert {span.rule for span in spans} <= {"gliner-person", "gliner-place"}


def test_spans_of_long_and_odd_texts_lie_on_words(model: GlinerNer) -> None:
    text = f"{TEXT} " * 40 + "🙂" * 300 + " \ud800 東京" * 100 + "x" * 700 + f" {TEXT}" * 8
    spans = model.detect(text)
    assert max(span.end for span in spans) > len(text) - 4 * len(TEXT)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert not text[span.start].isspace()
        assert not text[span.end - 1].isspace()


def test_windows_cover_all_and_share_a_quarter(model: GlinerNer) -> None:
    for text in (f"{TEXT} " * 50, "x" * 1000, "🙂 " * 500, "", "a"):
        places = list(model._windows(text))
        assert {at for start, end in places for at in range(start, end)} == set(range(len(text)))
        assert all(0 < end - start <= 256 for start, end in places)
        assert all(model._tokens(text[start:end]) <= model._room for start, end in places)
        for (_, end), (start, _) in pairwise(places):
            assert 7 <= end - start <= 64


def test_the_version_is_the_folder_and_what_is_asked(folder: Path, model: GlinerNer, threshold: float) -> None:
    assert GlinerNer(folder, labels=LABELS, threshold=threshold).version == model.version
    assert GlinerNer(folder, labels=["person"], threshold=threshold).version != model.version


def test_it_runs_in_a_process_of_its_own(folder: Path) -> None:
    """Without a network, a home and the environment that it might look for things in."""
    child = Confined("hybridrag.privacy.ner.gliner_ner:gliner_ner", label="gliner", argument=folder)
    here = gliner_ner(folder)
    assert (child.name, child.version) == (here.name, here.version)
    assert child.detect(TEXT) == here.detect(TEXT)


def test_a_pickle_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BlockedByPolicy, match="pickle"):
        GlinerNer(copy)


@pytest.mark.parametrize(
    "missing", ["tokenizer.json", "tokenizer_config.json", "gliner_config.json", "model.safetensors"]
)
def test_a_folder_that_is_not_whole_is_refused(folder: Path, tmp_path: Path, missing: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / missing).unlink()
    with pytest.raises(BlockedByPolicy, match=str(copy)) as caught:
        GlinerNer(copy)
    assert "save_pretrained" in caught.value.hint


@pytest.mark.parametrize("change", [{"encoder_config": None}, {"encoder_config": {"auto_map": {"AutoModel": "x.y"}}}])
def test_what_the_hub_or_other_code_would_be_asked_for_is_refused(
    folder: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = json.loads((copy / "gliner_config.json").read_text())
    (copy / "gliner_config.json").write_text(json.dumps(config | change))
    with pytest.raises(BlockedByPolicy):
        GlinerNer(copy)


def test_weights_that_do_not_fit_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = json.loads((copy / "gliner_config.json").read_text())
    (copy / "gliner_config.json").write_text(json.dumps(config | {"hidden_size": 48}))
    with pytest.raises(BlockedByPolicy, match="cannot be loaded by gliner"):
        GlinerNer(copy)
