"""The tokenizer: the limits in its file are not the model's."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hybridrag.errors import ModelError
from hybridrag.models import FastTokenizer, find_model
from hybridrag.models.fingerprint import fingerprint
from tests.models.tiny import write_bert_model


@pytest.fixture(scope="module")
def tokenizer(tiny_bert: Path) -> FastTokenizer:
    return FastTokenizer(find_model(str(tiny_bert), offline=True))


def test_counts_hold_the_prompt_and_the_special_tokens(tokenizer: FastTokenizer) -> None:
    words = "travel meal hotel " * 50
    assert tokenizer.count(["", "travel", words]) == [4, 5, 154]  # [CLS] policy : [SEP]


def test_the_model_is_given_its_window_and_not_the_files_limit(tokenizer: FastTokenizer) -> None:
    long, short = tokenizer.model_ids(["travel " * 300, "travel"])
    assert len(long) == 64
    assert len(short) == 3, "padding is the runtime's affair"


def test_offsets_are_those_of_the_whole_text() -> None:
    real = FastTokenizer(find_model("all-MiniLM-L6-v2", offline=True))
    rng = random.Random(4)
    words = ["travel", "Übernachtung", "検索文書", "🙂", "ERR-4012", "e\u0301", "circumlocution", "\n\n"]
    text = " ".join(rng.choice(words) for _ in range(20_000))
    assert len(text) > 100_000
    whole = Tokenizer.from_file(str(real.spec.path / "tokenizer.json"))
    whole.no_truncation()
    assert list(real.offsets(text)) == whole.encode(text, add_special_tokens=False).offsets


def test_offsets_of_solid_text_lie_in_order_and_lose_nothing() -> None:
    real = FastTokenizer(find_model("all-MiniLM-L6-v2", offline=True))
    text = "検索" * 100_000
    offsets = [*real.offsets(text)]
    assert offsets[0][0] == 0
    assert offsets[-1][1] == len(text)
    assert all(here[1] == there[0] for here, there in pairwise(offsets))


def test_what_the_models_other_files_say_is_done(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "model")
    plain = FastTokenizer(find_model(str(folder), offline=True))
    (long,) = plain.model_ids(["travel " * 100 + "hotel"])
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "LlamaTokenizer", "add_eos_token": true, "eos_token": "[UNK]", "truncation_side": "left"}'
    )
    told = FastTokenizer(find_model(str(folder), offline=True))
    first, *text, last, end = told.model_ids(["travel hotel"])[0]
    assert [first, *text, last] == plain.model_ids(["travel hotel"])[0]
    assert end == told.unknown_id
    (cut,) = told.model_ids(["travel " * 100 + "hotel"])
    assert len(cut) == len(long) == 64
    assert cut[-3] == plain.model_ids(["hotel"])[0][1], "the end of the text is kept"


def test_what_changes_the_tokens_changes_the_fingerprint(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "model")
    found = set()
    for told in ({}, {"do_lower_case": False}, {"truncation_side": "left"}, {"do_lower_case": True}):
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", **told}))
        found.add(fingerprint(find_model(str(folder), offline=True), cache=tmp_path / "cache"))
    assert len(found) == 3, "saying what is usual changes nothing"


@pytest.mark.parametrize(("told", "same"), [({}, True), ({"do_lower_case": False}, False)])
def test_capitals_are_as_tokenizer_config_says(tmp_path: Path, told: dict[str, bool], same: bool) -> None:
    folder = write_bert_model(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizerFast", **told}))
    small, great = FastTokenizer(find_model(str(folder), offline=True)).model_ids(["travel", "TRAVEL"])
    assert (small == great) == same


def test_an_end_token_that_is_none_is_an_error(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer", "add_eos_token": true}')
    with pytest.raises(ModelError, match="has no token '</s>'"):
        FastTokenizer(find_model(str(folder), offline=True)).count(["text"])


def test_the_length_of_a_prompt_leaves_out_what_ends_a_text(tokenizer: FastTokenizer) -> None:
    assert tokenizer.prompt_length("policy : ") == 3  # [CLS] policy :
    assert tokenizer.prompt_length("") == 1


def test_a_file_that_is_no_tokenizer_is_an_error(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "model")
    (folder / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(ModelError, match=r"tokenizer\.json is not a tokenizer"):
        FastTokenizer(find_model(str(folder), offline=True)).count(["text"])
