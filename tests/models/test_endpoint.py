"""Models behind an address: their names, what is sent for them, and what of an answer is believed."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.config import EndpointSettings, names_endpoint
from hybridrag.errors import BlockedByPolicy, ConfigError, HybridragError, ModelError, ProviderError, UsageError
from hybridrag.models import EndpointEmbedder, EndpointModel, endpoint_model
from hybridrag.models.catalogue import catalogue
from hybridrag.models.endpoint_runtime import decode, encode
from hybridrag.models.endpoints import PRESETS, UNKNOWN_WINDOW
from hybridrag.models.probes import PROBES
from hybridrag.privacy.ledger import verify
from hybridrag.providers import check_url, is_loopback
from tests.models.reaching import Reach
from tests.models.tiny import write_static_model
from tests.servers import chat
from tests.servers.chat import Behaviour, body, html, status
from tests.servers.embeddings import (
    REMOTE_CERTIFICATE,
    Embed,
    EmbeddingServer,
    RemoteServer,
    embedding,
    embeddings,
)

KEY = "sk-test-0123456789abcdef"
SECRET_TEXT = "the salary of Ada Lovelace is 90,000 euros, write to ada@example.com"


@pytest.fixture(scope="module")
def embed(tiny_model: Path, model_cache: Path) -> Embed:
    return embedding(tiny_model, model_cache)


@pytest.fixture(scope="module")
def embed_other(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Embed:
    """The same texts, other vectors."""
    folder = write_static_model(tmp_path_factory.mktemp("other-model"), dimensions=64, seed=2)
    return embedding(folder, model_cache)


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    return Reach(tmp_path / "home")


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base_url", "served", "endpoint"),
    [
        ("ollama:bge-m3", "http://127.0.0.1:11434/v1", "bge-m3", "ollama"),
        ("ollama:qwen3-embedding:0.6b", "http://127.0.0.1:11434/v1", "qwen3-embedding:0.6b", "ollama"),
        ("Ollama:hf.co/org/model:Q8_0", "http://127.0.0.1:11434/v1", "hf.co/org/model:Q8_0", "ollama"),
        ("vllm:BAAI/bge-m3", "http://127.0.0.1:8000/v1", "BAAI/bge-m3", "vllm"),
        ("tei:x", "http://127.0.0.1:8080/v1", "x", "tei"),
        ("openai:text-embedding-3-small", "https://api.openai.com/v1", "text-embedding-3-small", "openai"),
        ("https://gpu.lan:8000/v1#a/b:c#d", "https://gpu.lan:8000/v1", "a/b:c#d", "custom"),
        ("gpu:m", "https://gpu.lan/v1", "m", "gpu"),
        ("GPU:m", "https://gpu.lan/v1", "m", "gpu"),
    ],
)
def test_a_name_says_where_and_what(name: str, base_url: str, served: str, endpoint: str) -> None:
    assert names_endpoint(name)
    model = endpoint_model(name, {"gpu": EndpointSettings(base_url="https://gpu.lan/v1")})
    assert (model.name, model.base_url, model.served, model.endpoint) == (name, base_url, served, endpoint)


@pytest.mark.parametrize(
    "name",
    ["all-MiniLM-L6-v2", "BAAI/bge-m3", "BAAI/bge-m3@abc", "./ollama:x", "/models/a:b", "~/a:b", "../a:b", "a/b:c"],
)
def test_names_and_folders_are_no_endpoints(name: str) -> None:
    assert not names_endpoint(name)


@pytest.mark.parametrize(("name", "meant"), [("olama:bge-m3", "ollama"), ("vlm:x", "vllm"), ("opnai:x", "openai")])
def test_an_unknown_endpoint_is_refused_with_the_nearest_name(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match="there is no embedding endpoint") as caught:
        endpoint_model(name, {})
    assert f"did you mean {meant}?" in caught.value.hint


@pytest.mark.parametrize("name", ["ollama:", "ollama: ", "https://gpu.lan/v1", "https://gpu.lan/v1#"])
def test_a_name_without_a_model_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="names no model"):
        endpoint_model(name, {})


def test_the_presets_are_addresses_that_requests_may_be_sent_to() -> None:
    for name, preset in PRESETS.items():
        check_url(preset.base_url)
        assert is_loopback(preset.base_url) is (name != "openai")
        assert preset.source.startswith("https://") and preset.checked.startswith("20")
    assert {name for name, preset in PRESETS.items() if preset.key_variable} == {"openai"}


def test_a_presets_key_stays_with_its_address() -> None:
    own = {"openai": EndpointSettings(base_url="https://proxy.example/v1")}
    assert endpoint_model("openai:m", own).key_variable == ""
    own = {"openai": EndpointSettings(base_url="https://proxy.example/v1", key_variable="PROXY_KEY")}
    assert endpoint_model("openai:m", own).key_variable == "PROXY_KEY"
    assert endpoint_model("openai:m", {"openai": EndpointSettings(window=100)}).key_variable == "OPENAI_API_KEY"


# --- what is known of a model ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{name}", "{repository}", "{name}:latest", "{name}:q8_0"])
def test_a_model_of_the_catalogue_has_its_prompts_and_window(form: str) -> None:
    entry = catalogue()["e5-small-v2"]
    model = endpoint_model("ollama:" + form.format(name=entry.name, repository=entry.repository), {})
    assert (model.query_prompt, model.document_prompt) == (entry.query_prompt, entry.document_prompt)
    assert (model.query_prompt, model.document_prompt) == ("query: ", "passage: ")
    assert (model.window, model.known) == (entry.window, True)


def test_an_unknown_model_has_no_prompts_and_a_small_window() -> None:
    model = endpoint_model("ollama:somebody/something", {})
    assert (model.query_prompt, model.document_prompt, model.window, model.known) == ("", "", UNKNOWN_WINDOW, False)


def test_own_settings_overrule_the_catalogue_and_empty_prompts_count() -> None:
    own = EndpointSettings(
        base_url="https://gpu.lan/v1", query_prompt="", document_prompt="d: ", window=77, dimensions=8
    )
    model = endpoint_model("gpu:e5-small-v2", {"gpu": own})
    assert (model.query_prompt, model.document_prompt, model.window, model.requested) == ("", "d: ", 77, 8)
    assert endpoint_model("gpu:nobody", {"gpu": own}).known


def test_cutting_follows_the_catalogue() -> None:
    sized = next(entry for entry in catalogue().values() if entry.matryoshka)
    plain = next(entry for entry in catalogue().values() if not entry.matryoshka)
    model = endpoint_model(f"vllm:{sized.repository}", {})
    assert model.cut_to(sized.matryoshka[0]).dimensions == sized.matryoshka[0]
    assert model.cut_to(sized.dimensions).dimensions == sized.dimensions
    for name, size in ((sized.repository, sized.matryoshka[0] - 1), (plain.repository, plain.dimensions - 1)):
        with pytest.raises(UsageError, match="not trained"):
            endpoint_model(f"vllm:{name}", {}).cut_to(size)
    assert endpoint_model("vllm:nobody/knows", {}).cut_to(99).dimensions == 99


# --- requests --------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(), max_size=5), st.integers(0, 4000))
def test_a_request_is_json_that_says_what_was_meant(texts: list[str], requested: int) -> None:
    model = endpoint_model("gpu:m", {"gpu": EndpointSettings(base_url="https://gpu.lan/v1", dimensions=requested)})
    found = json.loads(encode(model, texts))
    expected: dict[str, Any] = {"model": "m", "input": texts, "encoding_format": "float"}
    assert found == (expected | {"dimensions": requested} if requested else expected)
    assert encode(model, texts) == encode(model, texts)


def test_a_lone_surrogate_does_not_stop_a_request() -> None:
    assert json.loads(encode(endpoint_model("ollama:m", {}), ["a\ud800b"]))["input"] == ["a?b"]


def test_vectors_are_those_of_the_model_whatever_order_length_and_encoding_they_come_in(
    reach: Reach, embed: Embed
) -> None:
    texts = [f"the travel policy of day {number} " * (1 + number % 7) for number in range(100)]
    behaviours = [
        embeddings(embed),
        embeddings(embed, scale=7.5, alter=lambda data: data[::-1]),
        embeddings(embed, as_base64=True, scale=0.01),
    ]
    for behaviour in behaviours:
        with EmbeddingServer(behaviour) as server:
            embedder = reach.embedder(f"{server.url}#tiny")
            found = embedder.embed_documents(texts)
            query = embedder.embed_query("who approves travel?")
        assert (embedder.dimensions, found.shape) == (64, (100, 64))
        assert found.dtype == np.float32
        assert np.allclose(found, embed(texts), atol=1e-6)
        assert np.allclose(query, embed(["who approves travel?"])[0], atol=1e-6)
        assert embedder.device == f"127.0.0.1:{server.port}"


def test_requests_are_small_and_carry_a_probe_along(tmp_path: Path, embed: Embed) -> None:
    texts = [f"day {number} " + "meal allowance " * (2000 if number < 20 else 1) for number in range(100)]
    with EmbeddingServer(embeddings(embed)) as server:
        table = f'[endpoints.gpu]\nbase_url = "{server.url}"\nwindow = 100000\n'
        embedder = Reach(tmp_path / "home", table).embedder("gpu:tiny")
        assert not server.requests
        embedder.embed_documents(texts)
    first, *others = server.inputs
    assert first == list(PROBES)
    assert all(len(request) <= 32 and request[-1] in PROBES for request in others)
    assert max(len(sent) for sent in server.bodies) < 140_000
    assert sorted(text for request in others for text in request[:-1]) == sorted(texts)


def test_prompts_go_before_questions_and_documents(tmp_path: Path, embed: Embed) -> None:
    with EmbeddingServer(embeddings(embed)) as server:
        table = f'[endpoints.gpu]\nbase_url = "{server.url}"\nquery_prompt = "q: "\ndocument_prompt = "d: "\n'
        embedder = Reach(tmp_path / "home", table).embedder("gpu:tiny")
        embedder.embed_documents(["hotel"])
        embedder.embed_query("night")
    assert server.inputs[0] == [f"d: {probe}" for probe in PROBES]
    assert [request[0] for request in server.inputs[1:]] == ["d: hotel", "q: night"]


def test_dimensions_are_asked_for_where_the_settings_say_so_and_vectors_cut_where_the_user_does(
    tmp_path: Path, embed: Embed
) -> None:
    with EmbeddingServer(embeddings(embed)) as server:
        reach = Reach(tmp_path / "home", f'[endpoints.gpu]\nbase_url = "{server.url}"\ndimensions = 48\n')
        asked = reach.embedder("gpu:tiny")
        assert asked.dimensions == 48
        cut = reach.embedder(reach.model("gpu:tiny").cut_to(16))
        vectors = cut.embed_documents(["the hotel", "a night"])
    assert server.requests[0].json()["dimensions"] == 48
    assert vectors.shape == (2, 16)
    whole = embed(["the hotel", "a night"])[:, :16]
    assert np.allclose(vectors, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)


def test_a_text_over_the_window_is_cut_before_it_is_sent(tmp_path: Path, embed: Embed) -> None:
    with EmbeddingServer(embeddings(embed)) as server:
        table = f'[endpoints.gpu]\nbase_url = "{server.url}"\nwindow = 40\ndocument_prompt = "d: "\n'
        embedder = Reach(tmp_path / "home", table).embedder("gpu:tiny")
        embedder.embed_documents(["hotel " * 500, "hotel night"])
        embedder.embed_documents([""])
    long, short, _ = server.inputs[1]
    assert long.startswith("d: hotel") and 80 < len(long) < 40 * 6
    assert short == "d: hotel night"
    assert server.inputs[2][0] == "d: "


def test_an_empty_text_is_sent_as_a_blank(reach: Reach, embed: Embed) -> None:
    with EmbeddingServer(embeddings(embed)) as server:
        reach.embedder(f"{server.url}#tiny").embed_documents([""])
    assert server.inputs[1][0] == " "


def test_several_threads_may_ask_at_once(reach: Reach, embed: Embed) -> None:
    both = threading.Barrier(2, timeout=30)
    serve = embeddings(embed)

    def together(exchange: chat.Exchange) -> None:
        both.wait()  # neither is answered before the other has asked
        serve(exchange)

    with EmbeddingServer(serve, together) as server:
        embedder = reach.embedder(f"{server.url}#tiny")
        embedder.load()
        texts = [["hotel"], ["travel policy"]]
        found: dict[int, Any] = {}
        threads = [
            threading.Thread(target=lambda i=i: found.update({i: embedder.embed_documents(texts[i])})) for i in (0, 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    for number in (0, 1):
        assert np.allclose(found[number], embed(texts[number]), atol=1e-6)


# --- identity --------------------------------------------------------------------------------------------------------


def fingerprint(model: EndpointModel, *, dimensions: int = 64) -> str:
    """The fingerprint of a model whose dimensions are known: no server is asked."""

    def send(body: bytes, texts: int) -> bytes:
        raise AssertionError("something was sent")

    def tokenizer() -> Any:
        raise AssertionError("a tokenizer was opened")

    return EndpointEmbedder(model.kept_to(dimensions), send=send, tokenizer=tokenizer, host="").fingerprint


def test_the_fingerprint_names_the_model_and_not_its_address() -> None:
    one = endpoint_model("ollama:bge-m3", {})
    assert len(fingerprint(one)) == 64
    assert fingerprint(endpoint_model("http://10.0.0.5/v1#bge-m3", {})) == fingerprint(one)
    assert fingerprint(endpoint_model("ollama:bge-m3:latest", {})) == fingerprint(one)
    own = {"ollama": EndpointSettings(query_prompt="q: ")}
    documents = {"ollama": EndpointSettings(document_prompt="d: ")}
    others = [
        endpoint_model("ollama:bge-m3:567m-fp16", {}),
        endpoint_model("ollama:bge-small-en-v1.5", {}),
        endpoint_model("ollama:bge-m3", own),
        endpoint_model("ollama:bge-m3", documents),
    ]
    assert len({fingerprint(one), *map(fingerprint, others)}) == 5
    assert fingerprint(one) != fingerprint(one, dimensions=32)


# --- answers that are not believed -----------------------------------------------------------------------------------


def replaced(number: int, **values: Any) -> Callable[[list[Any]], object]:
    return lambda data: [{**item, **values} if index == number else item for index, item in enumerate(data)]


FAULTS: dict[str, tuple[Callable[[list[Any]], object], str]] = {
    "fewer": (lambda data: data[:-1], "gave 15 vectors for 16 texts"),
    "none": (lambda data: [], "gave 0 vectors for 16 texts"),
    "more": (lambda data: [*data, {**data[0], "index": 16}], "for no text that was asked"),
    "twice": (lambda data: [*data[:-1], data[0]], "two vectors for text 0"),
    "negative": (replaced(3, index=-1), "for no text that was asked"),
    "no index": (lambda data: [{"embedding": item["embedding"]} for item in data], "for no text that was asked"),
    "index as text": (replaced(3, index="3"), "for no text that was asked"),
    "index as truth": (replaced(1, index=True), "for no text that was asked"),
    "no objects": (lambda data: [item["embedding"] for item in data], "for no text that was asked"),
    "shorter": (replaced(3, embedding=[0.5] * 63), "of different lengths"),
    "empty": (lambda data: [{**item, "embedding": []} for item in data], "not a number"),
    "null": (replaced(3, embedding=None), "gave 15 vectors for 16 texts"),
    "null inside": (replaced(3, embedding=[None, *[0.5] * 63]), "not a number"),
    "text inside": (replaced(3, embedding=["0.5", *[0.5] * 63]), "not a number"),
    "truth inside": (lambda data: [{**item, "embedding": [True] * 64} for item in data], "not a number"),
    "NaN": (replaced(3, embedding=[float("nan"), *[0.5] * 63]), "not a number"),
    "infinite": (replaced(3, embedding=[float("-inf"), *[0.5] * 63]), "not a number"),
    "too large": (replaced(3, embedding=[1e300, *[0.5] * 63]), "not a number"),
    "huge integer": (replaced(3, embedding=[10**400, *[0.5] * 63]), "not a number"),
    "zero": (replaced(3, embedding=[0.0] * 64), "a vector that is zero"),
    "no base64": (replaced(3, embedding="not base64!"), "not a number"),
    "half a number": (replaced(3, embedding=base64.b64encode(b"12345").decode()), "not a number"),
    "another kind": (lambda data: {"vectors": 1}, "without embeddings"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_is_not_a_vector_of_numbers_for_each_text_is_refused(
    reach: Reach, embed: Embed, fault: str
) -> None:
    alter, told = FAULTS[fault]
    told_so = pytest.raises(ModelError, match="nothing of it was stored")
    with EmbeddingServer(embeddings(embed, alter=alter)) as server, told_so as caught:
        reach.embedder(f"{server.url}#tiny").load()
    assert told in caught.value.message
    assert caught.value.hint
    assert reach.outcomes == ["intent", "sent"], "it was sent, and the ledger says so"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"data":[{"index":0,"embedding":[0.1,0.', "no JSON, or was cut short"),
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[1]", "without embeddings"),
        (b'{"error":{"message":"no"}}', "without embeddings"),
        (b'{"data":"none"}', "without embeddings"),
    ],
)
def test_what_is_no_answer_at_all_is_refused(reach: Reach, answer: bytes, told: str) -> None:
    with EmbeddingServer(body(answer)) as server, pytest.raises(ModelError) as caught:
        reach.embedder(f"{server.url}#tiny").load()
    assert told in caught.value.message


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_fail_otherwise(answer: bytes) -> None:
    with pytest.raises(ModelError):
        decode(answer, 1, model="m")


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), lambda x: st.lists(x, max_size=3))
)
def test_no_json_makes_decoding_fail_otherwise(embedding: Any) -> None:
    try:
        vectors = decode(json.dumps({"data": [{"index": 0, "embedding": embedding}]}).encode(), 1, model="m")
    except ModelError:
        return
    assert vectors.shape[0] == 1 and vectors.dtype == np.float32


def test_vectors_that_change_under_way_are_refused(reach: Reach, embed: Embed, embed_other: Embed) -> None:
    """Another model behind the same name, or replicas that differ: seen in the very answer that would be stored."""
    for spoiled in (embeddings(embed_other), embeddings(lambda texts: embed(texts)[:, :32])):
        with EmbeddingServer(embeddings(embed), embeddings(embed), spoiled) as server:
            embedder = reach.embedder(f"{server.url}#tiny")
            embedder.embed_documents(["hotel"])
            with pytest.raises(ModelError, match="changed while it was at work"):
                embedder.embed_documents(["hotel"])


def test_a_server_that_gives_less_than_is_kept_is_refused(reach: Reach, embed: Embed) -> None:
    told_so = pytest.raises(ModelError, match="64 dimensions where 128 are needed")
    with EmbeddingServer(embeddings(embed)) as server, told_so:
        reach.embedder(reach.model(f"{server.url}#tiny").kept_to(128)).load()


@pytest.mark.parametrize("behaviour", [html(), status(400, message="no"), chat.redirect("http://127.0.0.1:1/v1")])
def test_what_a_server_refuses_fails_at_once_and_is_recorded(reach: Reach, behaviour: Behaviour) -> None:
    with EmbeddingServer(behaviour) as server, pytest.raises(ProviderError):
        reach.embedder(f"{server.url}#tiny").load()
    assert len(server.requests) == 1
    assert reach.outcomes == ["intent", "failed"]


# --- what leaves, and with which key ---------------------------------------------------------------------------------


def test_every_request_is_in_the_ledger_with_its_size_and_without_its_text(reach: Reach, embed: Embed) -> None:
    with EmbeddingServer(status(503, retry_after="0"), embeddings(embed)) as server:
        reach.embedder(f"{server.url}#tiny").embed_documents([SECRET_TEXT, "hotel"])
    assert reach.outcomes == ["intent", "retried", "intent", "sent", "intent", "sent"]
    intents = [entry for entry in reach.ledger if entry["kind"] == "intent"]
    assert [entry["texts"] for entry in intents] == [16, 16, 3]
    assert [entry["payload_bytes"] for entry in intents] == [len(sent) for sent in server.bodies]
    assert {entry["purpose"] for entry in intents} == {"embedding"}
    assert {entry["address"] for entry in intents} == {f"{server.url}/embeddings"}
    assert {(entry["model"], entry["local"], entry["collection"]) for entry in intents} == {("tiny", True, "default")}
    text = reach.ledger_file.read_text()
    assert "Lovelace" not in text and "ada@example.com" not in text and "hotel" not in text
    assert verify(reach.ledger_file, key=(reach.home / "data" / "key").read_bytes()).ok


def test_what_cannot_be_recorded_is_not_sent(reach: Reach, embed: Embed) -> None:
    with EmbeddingServer(embeddings(embed)) as server:
        embedder = reach.embedder(f"{server.url}#tiny")
        _ = reach.gateway
        reach.ledger_file.mkdir()
        with pytest.raises(BlockedByPolicy, match="ledger"):
            embedder.load()
    assert not server.requests


def test_a_retry_that_cannot_be_recorded_is_not_sent(reach: Reach, embed: Embed) -> None:
    def broken(exchange: chat.Exchange) -> None:
        reach.ledger_file.unlink()
        reach.ledger_file.mkdir()
        status(503, retry_after="0")(exchange)

    with EmbeddingServer(broken, embeddings(embed)) as server, pytest.raises(BlockedByPolicy, match="ledger"):
        reach.embedder(f"{server.url}#tiny").load()
    assert len(server.requests) == 1


def test_a_remote_server_gets_nothing_unless_the_user_allows_it(
    tmp_path: Path, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(REMOTE_CERTIFICATE))
    with RemoteServer(embeddings(embed)) as server:
        name = f"{server.url}#tiny"
        refusing = Reach(tmp_path / "refusing", embedder_setting=name)
        with pytest.raises(BlockedByPolicy, match="is not local") as caught:
            refusing.embedder(name).load()
        assert "allow_remote_embedding = true" in caught.value.hint
        assert (server.requests, refusing.outcomes) == ([], ["intent", "blocked"])
        allowing = Reach(tmp_path / "allowing", "allow_remote_embedding = true\n", embedder_setting=name)
        assert allowing.embedder(name).dimensions == 64
        assert [entry["local"] for entry in allowing.ledger if entry["kind"] == "intent"] == [False]
        listing = Reach(tmp_path / "listing", 'local_addresses = ["0.0.0.0"]\n', embedder_setting=name)
        assert listing.embedder(name).dimensions == 64
    assert len(server.requests) == 2


def test_offline_refuses_a_remote_server_and_not_a_local_one(tmp_path: Path, embed: Embed) -> None:
    with EmbeddingServer(embeddings(embed)) as local, RemoteServer(embeddings(embed)) as remote:
        text = "offline = true\nallow_remote_embedding = true\n"
        reach = Reach(tmp_path / "home", text, embedder_setting=f"{remote.url}#tiny")
        assert reach.embedder(f"{local.url}#tiny").dimensions == 64
        with pytest.raises(UsageError, match="--offline forbids"):
            reach.embedder(f"{remote.url}#tiny").load()
    assert not remote.requests


def test_an_address_that_only_a_database_names_gets_neither_text_nor_key(
    tmp_path: Path, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(REMOTE_CERTIFICATE))
    environ = {"HYBRIDRAG_EMBEDDER_KEY": KEY}
    with RemoteServer(embeddings(embed)) as remote, EmbeddingServer(embeddings(embed)) as local:
        reach = Reach(tmp_path / "home", "allow_remote_embedding = true\n", environ, f"{remote.origin}/v2#tiny")
        with pytest.raises(BlockedByPolicy, match="only named by the database"):
            reach.embedder(f"{remote.url}#tiny").load()
        reach.embedder(f"{local.url}#tiny").load()
        assert "authorization" not in local.requests[0].headers, "loopback may have text, and no key"
        table = f'allow_remote_embedding = true\n[endpoints.gpu]\nbase_url = "{remote.url}"\n'
        named = Reach(tmp_path / "named", table, environ)
        named.embedder(f"{remote.url}#tiny").load()
    assert [request.headers["authorization"] for request in remote.requests] == [f"Bearer {KEY}"]


def test_the_key_of_an_endpoint_is_the_one_that_the_settings_name(tmp_path: Path, embed: Embed) -> None:
    environ = {"GPU_KEY": KEY, "OPENAI_API_KEY": "sk-openai", "HYBRIDRAG_EMBEDDER_KEY": "sk-custom"}
    with EmbeddingServer(embeddings(embed)) as server:
        table = f'[endpoints.gpu]\nbase_url = "{server.url}"\nkey_variable = "GPU_KEY"\n'
        plain = f'[endpoints.openai]\nbase_url = "{server.url}"\n'
        name = f"{server.url}#tiny"
        Reach(tmp_path / "a", table, environ).embedder("gpu:tiny").load()
        Reach(tmp_path / "b", plain, environ).embedder("openai:tiny").load()
        Reach(tmp_path / "c", "", environ, name).embedder(name).load()
        Reach(tmp_path / "d", "", {}, name).embedder(name).load()
        with pytest.raises(ConfigError, match="GPU_KEY is not set"):
            Reach(tmp_path / "e", table, {}).embedder("gpu:tiny").load()
    assert [request.headers.get("authorization") for request in server.requests] == [
        f"Bearer {KEY}",
        None,
        "Bearer sk-custom",
        None,
    ]


@pytest.mark.parametrize("behaviour", [status(401, message=f"bad key {KEY}"), status(500, message=KEY), html(text=KEY)])
def test_no_error_shows_the_key(tmp_path: Path, behaviour: Behaviour) -> None:
    with EmbeddingServer(behaviour) as server:
        name = f"{server.url}#tiny"
        reach = Reach(tmp_path / "home", "", {"HYBRIDRAG_EMBEDDER_KEY": KEY}, name)
        embedder = reach.embedder(name)
        with pytest.raises(HybridragError) as caught:
            embedder.load()
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in repr(error) + str(error) + getattr(error, "hint", "")
        error = error.__cause__ or error.__context__
    assert KEY not in reach.ledger_file.read_text()
