"""Names by an ONNX model: spans that can be told beforehand, window borders, and every way a folder can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ner.labels import entity_type, split_scheme
from hybridrag.privacy.ner.onnx_ner import OnnxNer
from hybridrag.privacy.ner.tokens import windows
from tests.privacy.hostile import is_linear
from tests.privacy.ner_models import LABELS, vocabulary, write_config, write_graph, write_lookup


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lookup(tmp_path_factory.mktemp("ner"))


@pytest.fixture(scope="module")
def model(folder: Path) -> OnnxNer:
    return OnnxNer(folder)


def found(model: OnnxNer, text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.type) for span in model.detect(text)]


def test_neighbouring_tokens_become_a_name(model: OnnxNer) -> None:
    text = "Ada Lovelace met Grace Hopper in New York on Monday."
    expected = [("Ada Lovelace", "PERSON"), ("Grace Hopper", "PERSON"), ("New York", "PLACE")]
    assert found(model, text) == expected
    assert {span.rule for span in model.detect(text)} == {"onnx-person", "onnx-place"}


def test_one_name_after_another_is_another_name(model: OnnxNer) -> None:
    assert found(model, "Ada Grace Hopper") == [("Ada", "PERSON"), ("Grace Hopper", "PERSON")]


def test_a_word_of_which_a_piece_is_a_name_is_one(model: OnnxNer) -> None:
    assert found(model, "in Londons") == [("Londons", "PLACE")]
    assert found(model, "the Hopx, Hopxxx") == [("Hopx", "PERSON"), ("Hopxxx", "PERSON")]


def test_offsets_are_characters_in_every_script(model: OnnxNer) -> None:
    text = "🙂🙂 — ａda? İİ 東京 Ada\u00a0Lovelace, \ud800 Grace\n\nHopper"
    assert ("Ada\u00a0Lovelace", "PERSON") in found(model, text)
    assert ("Grace\n\nHopper", "PERSON") in found(model, text)


def test_special_tokens_in_a_text_are_text(model: OnnxNer) -> None:
    assert found(model, "[SEP] Ada [PAD] [CLS]") == [("Ada", "PERSON")]


@settings(deadline=None, max_examples=60)
@given(
    before=st.integers(0, 400),
    between=st.integers(0, 70),
    glue=st.sampled_from([" the ", " x ", ", ", " xx xxxxxx "]),
)
def test_a_name_is_found_wherever_the_borders_of_windows_fall(
    model: OnnxNer, before: int, between: int, glue: str
) -> None:
    head = glue * before
    text = f"{head}Ada Lovelace{glue * between} in New York{glue * 3}"
    names = [(len(head), len(head) + 12), (text.index("New York"), text.index("New York") + 8)]
    assert [(span.start, span.end) for span in model.detect(text)] == names


@given(count=st.integers(0, 3000), size=st.integers(1, 300))
def test_windows_cover_all_and_share_a_quarter(count: int, size: int) -> None:
    places = windows(count, size=size)
    assert sorted({at for start, end in places for at in range(start, end)}) == list(range(count))
    assert all(end - start <= size for start, end in places)
    assert all(first[1] - second[0] == size // 4 for first, second in pairwise(places)) or size < 4


def test_time_grows_with_the_text_and_no_faster(model: OnnxNer) -> None:
    for text in ("Ada met a", "x", "   ", "xx-" * 3, "\u0301a"):
        assert is_linear(model.detect, text, size=10_000, times=8, bound=24)


def test_a_threshold_decides(folder: Path) -> None:
    unsure = write_lookup(folder.parent / "unsure", strength=1.0)  # e / (e + 5) = .35 for the label, .46 with the other
    assert OnnxNer(unsure, threshold=0.9).detect("Ada") == []
    assert OnnxNer(unsure, threshold=0.3).detect("Ada")
    assert OnnxNer(unsure, threshold=0.9).version != OnnxNer(unsure, threshold=0.3).version


@pytest.mark.parametrize("place", ["onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx"])
def test_where_exporters_put_the_network(tmp_path: Path, place: str) -> None:
    assert found(OnnxNer(write_lookup(tmp_path / "model", place=place)), "Ada") == [("Ada", "PERSON")]


def test_a_snapshot_of_the_hub_is_links(tmp_path: Path) -> None:
    """As huggingface_hub keeps them: `snapshots/COMMIT/FILE` is a link into `blobs`."""
    real = write_lookup(tmp_path / "blobs", outer="weights.data")
    snapshot = tmp_path / "snapshots" / "0a"
    snapshot.mkdir(parents=True)
    for file in real.iterdir():
        (snapshot / file.name).symlink_to(Path("../../blobs") / file.name)
    assert found(OnnxNer(snapshot), "Ada") == [("Ada", "PERSON")]


def test_weights_outside_the_folder_are_refused(tmp_path: Path) -> None:
    write_lookup(tmp_path / "inside", outer="weights.data")
    assert OnnxNer(tmp_path / "inside").detect("Ada")
    outside = write_lookup(tmp_path / "outside", outer="../weights.data")
    with pytest.raises(BlockedByPolicy, match="cannot be loaded"):
        OnnxNer(outside)


def test_operators_of_others_are_refused(tmp_path: Path) -> None:
    folder = write_lookup(tmp_path / "model")
    write_graph(folder / "model.onnx", [helper.make_node("Own", ["input_ids"], ["logits"], domain="their.own")], [])
    with pytest.raises(BlockedByPolicy, match="cannot be loaded"):
        OnnxNer(folder)


def test_the_version_tells_models_apart(folder: Path, model: OnnxNer, tmp_path: Path) -> None:
    assert OnnxNer(folder).version == model.version
    other = OnnxNer(write_lookup(tmp_path / "other", strength=7.0))
    assert other.version != model.version
    outer = OnnxNer(write_lookup(tmp_path / "outer", outer="weights.x"))
    assert OnnxNer(write_lookup(tmp_path / "outer", outer="weights.x", strength=7.0)).version != outer.version
    write_config(tmp_path / "other", [*LABELS[:-1], "ORG"])
    assert OnnxNer(tmp_path / "other").version not in {model.version, other.version}


def break_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def break_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def break_network(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no network")


def nameless(folder: Path) -> None:
    write_config(folder, [f"LABEL_{number}" for number in range(6)])


def no_outside(folder: Path) -> None:
    write_config(folder, ["B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"])


def nobody(folder: Path) -> None:
    write_config(folder, ["O", "DATE", "TIME", "MONEY", "PERCENT", "CARDINAL"])


def gaps(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"id2label": {"0": "O", "7": "B-PER"}}))


def no_room(folder: Path) -> None:
    write_config(folder, max_position_embeddings=8)


def other_inputs(folder: Path) -> None:
    inputs = [helper.make_tensor_value_info("pixels", 7, ["batch", "tokens"])]
    output = helper.make_tensor_value_info("logits", 7, ["batch", "tokens"])
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["logits"])], "tiny", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    "wrong",
    [break_json, break_tokenizer, break_network, nameless, no_outside, nobody, gaps, no_room, other_inputs],
    ids=lambda wrong: wrong.__name__,
)
def test_a_model_that_does_not_fit_is_refused(tmp_path: Path, wrong: Callable[[Path], None]) -> None:
    folder = write_lookup(tmp_path / "model")
    wrong(folder)
    with pytest.raises(BlockedByPolicy) as caught:
        OnnxNer(folder)
    assert str(folder) in caught.value.message or "tokenizer.json" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("missing", ["model.onnx", "config.json", "tokenizer.json"])
def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path, missing: str) -> None:
    folder = write_lookup(tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(BlockedByPolicy):
        OnnxNer(folder)


def test_output_of_another_shape_or_no_number_is_an_error(tmp_path: Path) -> None:
    folder = write_lookup(tmp_path / "model")
    narrow = numpy_helper.from_array(np.zeros((40, len(LABELS) - 1), np.float32), "table")
    gather = helper.make_node("Gather", ["table", "input_ids"], ["logits"])
    write_graph(folder / "model.onnx", [gather], [narrow], width=len(LABELS) - 1)
    with pytest.raises(ValueError, match="shape"):
        OnnxNer(folder)
    nothing = numpy_helper.from_array(np.full((40, len(LABELS)), np.nan, np.float32), "table")
    write_graph(folder / "model.onnx", [gather], [nothing])
    with pytest.raises(ValueError, match="number"):
        OnnxNer(folder)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("B-PER", "PERSON"),
        ("I-LOC", "PLACE"),
        ("U-GPE", "PLACE"),
        ("S-ORG", "ORG"),
        ("FIRSTNAME", "PERSON"),
        ("I-STREETADDRESS", "ADDRESS"),
        ("AGE", "AGE"),
        ("B_EMAIL", "EMAIL"),
        ("IPV4", "IP"),
        ("B-MISC", "MISC"),
        ("E-Some-Odd_Label", "SOMEODDLAB"),
        ("I-DATE", None),
        ("US_ITIN", "ID"),
        ("UK_NHS", "ID"),
    ],
)
def test_labels_become_types(label: str, expected: str | None) -> None:
    assert entity_type(split_scheme(label)[1]) == expected


@given(label=st.text(max_size=30))
def test_every_label_has_a_type_that_a_mark_can_hold(label: str) -> None:
    kind = entity_type(label)
    assert kind is None or (1 <= len(kind) <= 10 and kind.isascii() and kind.isalpha() and kind.isupper())


def test_it_agrees_with_the_network_it_was_exported_from(tmp_path: Path) -> None:
    """A random BERT classifier: our windows, padding and softmax against the library's own run of the same text."""
    import warnings

    import torch
    from transformers import BertConfig, BertForTokenClassification

    folder = write_lookup(tmp_path / "bert")
    torch.manual_seed(3)
    make: Any = BertConfig
    config = make(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=len(LABELS),
        initializer_range=0.5,
        attn_implementation="eager",
    )
    network: Any = BertForTokenClassification(config)
    network.eval()
    example = torch.tensor([[2, 5, 6, 7, 3]])
    names = ["input_ids", "attention_mask", "token_type_ids"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example, torch.ones_like(example), torch.zeros_like(example)),
            str(folder / "model.onnx"),
            input_names=names,
            output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in [*names, "logits"]},
            dynamo=False,
        )
    words = ["ada", "met", "grace", "hopper", "in", "new", "york", "and", "the", "lovelace", "x"]
    text = " ".join(words)
    ids = torch.tensor([[2, *(vocabulary().index(word) for word in words), 3]])
    with torch.no_grad():
        chances = network(ids).logits[0, 1:-1].softmax(-1).numpy()
    mass = chances[:, 1:5].sum(axis=1)
    low, high = sorted(mass)[5:7]
    assert high - low > 1e-3
    expected = [word for word, chance in zip(words, mass, strict=True) if chance >= high]
    model = OnnxNer(folder, threshold=float(low + high) / 2)
    assert " ".join(kept for kept, _ in found(model, text)).split() == expected
