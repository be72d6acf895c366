"""What every `Reranker` keeps, whichever runtime it is."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridrag.errors import HybridragError
from hybridrag.models import find_reranker, open_reranker
from hybridrag.models.rerank_openvino import OpenVinoReranker
from hybridrag.models.rerank_torch import TorchReranker
from hybridrag.ports import Reranker
from hybridrag.wiring.rerankers import Rerankers
from tests.models.reaching import Reach
from tests.models.rerankers import convert_here, family
from tests.servers.rerank import RerankServer, scores

# The libraries warn while they load.
pytestmark = pytest.mark.filterwarnings("ignore")

KINDS = ["openvino", "torch", "automatic", "endpoint"]
QUESTION = "who approves the hotel"
TEXTS = [
    "the travel policy",
    "",
    "the manager approves the hotel",
    "検索 🙂",
    "a meal allowance " * 500,
    "\0\x01\n\t\ud800",
    "the travel policy",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return family("bert").write(tmp_path_factory.mktemp("reranker") / "tiny")


@pytest.fixture(scope="module")
def made(folder: Path, model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Reranker]]:
    spec = find_reranker(str(folder), offline=True)
    convert_here(spec, model_cache)
    reach = Reach(tmp_path_factory.mktemp("reach") / "home")
    rerankers = Rerankers(reach.settings, environ={}, notify=lambda _: None, gateway=lambda: reach.gateway)
    with RerankServer(scores()) as server:
        yield {
            "openvino": OpenVinoReranker(spec, cache=model_cache),
            "torch": TorchReranker(spec, cache=model_cache, device="cpu"),
            "automatic": open_reranker(spec, cache=model_cache, device="cpu"),
            "endpoint": rerankers.open(f"{server.url}#tiny"),
        }


@pytest.fixture(params=KINDS)
def reranker(request: pytest.FixtureRequest, made: dict[str, Reranker]) -> Reranker:
    return made[request.param]


def test_it_tells_its_name(reranker: Reranker) -> None:
    assert reranker.name


def test_each_text_has_a_finite_score_in_order(reranker: Reranker) -> None:
    found = reranker.rerank(QUESTION, TEXTS)
    assert len(found) == len(TEXTS)
    assert all(isinstance(score, float) and math.isfinite(score) for score in found)
    assert reranker.rerank(QUESTION, TEXTS[::-1]) == pytest.approx(found[::-1], abs=0.05)
    assert found[0] == pytest.approx(found[-1], abs=0.05)
    # Which two differ is chance: the training of the tiny tokenizer breaks ties anew in each process.
    assert max(found) - min(found) > 0.1


def test_a_text_has_one_score_alone_and_among_many(reranker: Reranker) -> None:
    alone = [reranker.rerank(QUESTION, [text])[0] for text in TEXTS]
    among = reranker.rerank(QUESTION, TEXTS * 30)
    assert among == pytest.approx(alone * 30, abs=0.05)


def test_no_texts_no_scores(reranker: Reranker) -> None:
    assert reranker.rerank(QUESTION, []) == []


def test_a_question_may_be_longer_than_the_window(reranker: Reranker) -> None:
    assert len(reranker.rerank("who approves the hotel " * 1000, TEXTS)) == len(TEXTS)


def test_several_threads_may_ask_at_once(reranker: Reranker) -> None:
    expected = reranker.rerank(QUESTION, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: reranker.rerank(QUESTION, TEXTS), range(8)):
            assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("kind", ["openvino", "torch", "automatic"])
def test_what_is_cancelled_ends_with_an_error(kind: str, folder: Path, model_cache: Path) -> None:
    spec = find_reranker(str(folder), offline=True)
    one: Reranker = open_reranker(spec, cache=model_cache, device="cpu")
    if kind != "automatic":
        one = (
            OpenVinoReranker(spec, cache=model_cache)
            if kind == "openvino"
            else TorchReranker(spec, cache=model_cache, device="cpu")
        )
    begun = threading.Event()

    def endless() -> None:
        while True:
            one.rerank(QUESTION, TEXTS)
            begun.set()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(endless)
        assert begun.wait(200)
        one.cancel()
        with pytest.raises(HybridragError, match="interrupted"):
            working.result(timeout=100)


def test_runtimes_of_one_model_agree(made: dict[str, Reranker]) -> None:
    first, second, third = (made[kind].rerank(QUESTION, TEXTS) for kind in ("openvino", "torch", "automatic"))
    assert first == pytest.approx(second, abs=0.1)
    assert first == pytest.approx(third, abs=0.1)
