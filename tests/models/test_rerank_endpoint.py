"""Rerankers behind an address: their names, what is sent, what is believed, and what may not leave."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import EndpointSettings, Settings
from hybridrag.errors import BlockedByPolicy, ModelError, ProviderError, UsageError
from hybridrag.models import EndpointReranker, endpoint_reranker
from hybridrag.models.rerank_endpoint_runtime import decode, encode
from hybridrag.wiring.rerankers import Rerankers
from tests.models.reaching import Reach
from tests.servers.chat import Exchange, body, status
from tests.servers.embeddings import REMOTE_CERTIFICATE
from tests.servers.rerank import RemoteServer, RerankServer, TeiServer, overlap, scores

QUESTION = "who approves the hotel"
TEXTS = ["the policy", "the manager approves the hotel", "", "検索 🙂", "the hotel " * 40, "the hotel"]


def reranker(reach: Reach, name: str, environ: dict[str, str] | None = None) -> EndpointReranker:
    """The reranker of a name, with settings, gateway and ledger as in a command."""
    rerankers = Rerankers(reach.settings, environ=environ or {}, notify=lambda _: None, gateway=lambda: reach.gateway)
    opened = rerankers.open(name)
    assert isinstance(opened, EndpointReranker)
    return opened


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    return Reach(tmp_path / "home")


# --- names -----------------------------------------------------------------------------------------------------------


def test_names_lead_to_addresses() -> None:
    own = {"gpu": EndpointSettings(base_url="http://10.0.0.5:8000/v1", rerank_api="tei", window=1024)}
    vllm = endpoint_reranker("vllm:BAAI/bge-reranker-v2-m3", own)
    assert (vllm.base_url, vllm.served, vllm.api) == ("http://127.0.0.1:8000/v1", "BAAI/bge-reranker-v2-m3", "cohere")
    assert vllm.window == 8192, "the catalogue knows it"
    # The table's window may be another model's of that server.
    for told, least in ((1024, 1024), (32_768, 8192)):
        server = {"gpu": EndpointSettings(base_url="http://10.0.0.5:8000/v1", window=told)}
        assert endpoint_reranker("gpu:BAAI/bge-reranker-v2-m3", server).window == least
    assert "vllm serve BAAI/bge-reranker-v2-m3" in vllm.unreachable
    assert endpoint_reranker("TEI:x", own).api == "tei"
    gpu = endpoint_reranker("gpu:x", own)
    assert (gpu.base_url, gpu.api, gpu.window) == ("http://10.0.0.5:8000/v1", "tei", 1024)
    custom = endpoint_reranker("https://api.jina.ai/v1#jina-reranker-v2", own)
    assert (custom.base_url, custom.served, custom.window) == ("https://api.jina.ai/v1", "jina-reranker-v2", 512)


def test_an_unknown_endpoint_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        endpoint_reranker("vlm:x", {})
    assert "no rerank endpoint 'vlm'" in caught.value.message
    assert "did you mean vllm?" in caught.value.hint
    with pytest.raises(UsageError, match="names no model"):
        endpoint_reranker("vllm:", {})


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_the_request_is_coheres() -> None:
    model = endpoint_reranker("vllm:tiny", {})
    assert json.loads(encode(model, "who?", ["a", "\ud800"])) == {
        "model": "tiny",
        "query": "who?",
        "documents": ["a", "?"],
        "top_n": 2,
        "return_documents": False,
    }


def test_the_request_is_teis() -> None:
    sent = json.loads(encode(endpoint_reranker("tei:tiny", {}), "who?", ["a"]))
    assert sent == {"query": "who?", "texts": ["a"], "raw_scores": False, "truncate": True}


def test_scores_come_in_the_order_of_the_texts(reach: Reach) -> None:
    with RerankServer(scores()) as server:
        found = reranker(reach, f"{server.url}#tiny").rerank(QUESTION, TEXTS)
    assert found == pytest.approx([overlap(QUESTION, text or " ") for text in TEXTS])
    assert reach.outcomes == ["intent", "sent"]
    assert reach.ledger[0]["purpose"] == "reranking"


def test_a_tei_server_is_asked_in_its_form(tmp_path: Path) -> None:
    with TeiServer(scores()) as server:
        reach = Reach(tmp_path / "home", f'[endpoints.mine]\nbase_url = "{server.origin}"\nrerank_api = "tei"\n')
        found = reranker(reach, "mine:tiny").rerank(QUESTION, TEXTS)
    assert found.index(max(found)) == 1


def test_many_texts_go_in_several_requests(reach: Reach) -> None:
    texts = [f"text {number} of the hotel" for number in range(70)]
    with RerankServer(scores()) as server:
        found = reranker(reach, f"{server.url}#tiny").rerank(QUESTION, texts)
    assert sorted(len(json.loads(sent)["documents"]) for sent in server.bodies) == [6, 32, 32]
    assert found == pytest.approx([overlap(QUESTION, text) for text in texts])


def test_no_texts_ask_nobody(reach: Reach) -> None:
    with RerankServer(scores()) as server:
        assert reranker(reach, f"{server.url}#tiny").rerank(QUESTION, []) == []
    assert not server.requests


def test_long_texts_are_cut_to_the_window_and_the_question_to_half_of_it(reach: Reach) -> None:
    with RerankServer(scores()) as server:
        reranker(reach, f"{server.url}#tiny").rerank("approves " * 2000, ["hotel " * 4000, "short"])
    sent = json.loads(server.bodies[0])
    assert len(sent["query"].split()) <= 256
    assert len(sent["documents"][0].split()) <= 512
    assert sent["documents"][1] == "short"
    assert sent["query"].startswith("approves") and sent["documents"][0].startswith("hotel")


# --- what is believed ------------------------------------------------------------------------------------------------


def results(*items: Any) -> bytes:
    return json.dumps({"results": list(items)}).encode()


def item(index: object, score: object) -> dict[str, object]:
    return {"index": index, "relevance_score": score}


@pytest.mark.parametrize(
    "answer",
    [
        results(item(1, 0.5), item(0, -2)),
        json.dumps([{"index": 0, "score": -2}, {"index": 1, "score": 0.5}]).encode(),
        json.dumps({"data": [item(0, -2), {**item(1, 0.5), "document": {"text": "x"}}]}).encode(),
    ],
)
def test_the_forms_of_answers(answer: bytes) -> None:
    assert decode(answer, 2, model="tiny") == [-2.0, 0.5]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<html>login</html>", "no JSON"),
        (b'{"results":[{"index":0,', "cut short"),
        (b"[" * 100_000, "no JSON"),
        (b'{"error":"no reranker"}', "without scores"),
        (b'{"results":{"0":1}}', "without scores"),
        (b"7", "without scores"),
        (results(item(0, 1.0)), "scored 1 of 2"),
        (results(), "scored 0 of 2"),
        (results(item(0, 1.0), item(0, 2.0)), "twice"),
        (results(item(0, 1.0), item(2, 2.0)), "not asked"),
        (results(item(0, 1.0), item(-1, 2.0)), "not asked"),
        (results(item(0, 1.0), item("1", 2.0)), "not asked"),
        (results(item(0, 1.0), item(True, 2.0)), "not asked"),
        (results(item(0, 1.0), item(1.0, 2.0)), "not asked"),
        (results(item(0, 1.0), "x"), "not asked"),
        (results(item(0, 1.0), item(1, "0.5")), "not a number"),
        (results(item(0, 1.0), item(1, None)), "not a number"),
        (results(item(0, 1.0), item(1, True)), "not a number"),
        (results(item(0, 1.0), item(1, 10**400)), "not a number"),
        (b'{"results":[{"index":0,"relevance_score":NaN},{"index":1,"relevance_score":1}]}', "not a number"),
        (b'{"results":[{"index":0,"relevance_score":1e999},{"index":1,"relevance_score":1}]}', "not a number"),
    ],
)
def test_hostile_answers_are_refused_with_what_to_do(answer: bytes, told: str) -> None:
    with pytest.raises(ModelError, match=told) as caught:
        decode(answer, 2, model="tiny")
    assert "rerank server" in caught.value.hint


def test_an_answer_that_cannot_be_used_ends_the_search_with_an_error(reach: Reach) -> None:
    with RerankServer(scores(lambda found: found[1:])) as server, pytest.raises(ModelError, match="5 of 6"):
        reranker(reach, f"{server.url}#tiny").rerank(QUESTION, TEXTS)
    assert reach.outcomes == ["intent", "sent"], "it was an answer, if a bad one"


# --- what may not leave ----------------------------------------------------------------------------------------------


def test_a_remote_server_is_refused_before_anything_is_sent(reach: Reach) -> None:
    with RemoteServer(scores()) as server, pytest.raises(BlockedByPolicy, match="nothing was sent"):
        reranker(reach, f"{server.url}#tiny").rerank(QUESTION, TEXTS)
    assert not server.requests
    assert reach.outcomes == ["intent", "blocked"]


def test_a_remote_server_is_asked_where_the_user_allows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(REMOTE_CERTIFICATE))
    reach = Reach(tmp_path / "home", "allow_remote_embedding = true\n")
    with RemoteServer(scores()) as server:
        one = reranker(reach, f"{server.url}#tiny", {"HYBRIDRAG_RERANKER_KEY": "sk-secret-77"})
        assert len(one.rerank(QUESTION, TEXTS)) == len(TEXTS)
    assert server.requests[0].headers["authorization"] == "Bearer sk-secret-77"
    assert "sk-secret-77" not in reach.ledger_file.read_text()


def test_a_listed_address_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(REMOTE_CERTIFICATE))
    reach = Reach(tmp_path / "home", 'local_addresses = ["0.0.0.0"]\n')
    with RemoteServer(scores()) as server:
        assert len(reranker(reach, f"{server.url}#tiny").rerank(QUESTION, TEXTS)) == len(TEXTS)


def test_offline_forbids_a_remote_server_and_not_a_local_one(tmp_path: Path) -> None:
    reach = Reach(tmp_path / "home", "offline = true\nallow_remote_embedding = true\n")
    with RemoteServer(scores()) as server, pytest.raises(UsageError, match="--offline forbids"):
        reranker(reach, f"{server.url}#tiny").rerank(QUESTION, TEXTS)
    assert not server.requests
    with RerankServer(scores()) as here:
        reranker(reach, f"{here.url}#tiny").load()
    assert len(here.requests) == 1


def test_a_failed_request_is_recorded(reach: Reach) -> None:
    with RerankServer(status(404)) as server, pytest.raises(ProviderError):
        reranker(reach, f"{server.url}#tiny").rerank(QUESTION, TEXTS)
    assert reach.outcomes == ["intent", "failed"]


def test_cancelling_ends_a_request(reach: Reach) -> None:
    asked = threading.Event()

    def silent(exchange: Exchange) -> None:
        asked.set()
        exchange.wait()

    with RerankServer(silent, body(b"{}")) as server:
        one, failures = reranker(reach, f"{server.url}#tiny"), list[str]()

        def work() -> None:
            try:
                one.rerank(QUESTION, TEXTS)
            except ProviderError as exc:
                failures.append(exc.message)

        waiting = threading.Thread(target=work)
        waiting.start()
        assert asked.wait(timeout=30)
        one.cancel()
        waiting.join(timeout=30)
    assert len(failures) == 1 and "given up" in failures[0]


# --- the setting -----------------------------------------------------------------------------------------------------


def chosen(settings: Settings) -> Rerankers:
    def no_gateway() -> Any:
        raise AssertionError("nothing is sent")

    return Rerankers(settings, environ={}, notify=lambda _: None, gateway=no_gateway)


def test_no_setting_no_reranker(reach: Reach) -> None:
    rerankers = chosen(reach.settings)
    assert rerankers.chosen is None
    with pytest.raises(UsageError, match="no reranker is set") as caught:
        _ = rerankers.needed
    assert "ms-marco-MiniLM-L6-v2" in caught.value.hint and "reranker =" in caught.value.hint


def test_the_setting_names_one(tmp_path: Path) -> None:
    reach = Reach(tmp_path / "home", 'reranker = "vllm:tiny"\n')
    rerankers = chosen(reach.settings)
    assert rerankers.needed is rerankers.chosen
    assert rerankers.needed.name == "vllm:tiny"


@pytest.mark.parametrize(
    ("text", "leave"),
    [
        ("", False),
        ('reranker = "ms-marco-MiniLM-L6-v2"', False),
        ('reranker = "vllm:tiny"', False),
        ('reranker = "https://rerank.example/v1#tiny"', True),
        ('reranker = "https://rerank.example/v1#tiny"\nlocal_addresses = ["rerank.example"]', False),
        ('reranker = "https://rerank.example/v1#tiny"\nallow_remote_embedding = true', True),
    ],
)
def test_whether_texts_leave_is_known_beforehand(tmp_path: Path, text: str, leave: bool) -> None:
    assert chosen(Reach(tmp_path / "home", text).settings).texts_leave is leave
