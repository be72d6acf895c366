"""Questions by a chat model: what leaves is redacted and recorded, and what comes back is counted or used."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import BlockedByPolicy, ProviderError, UsageError
from hybridrag.evaluation.generated import GeneratedQuestion, Material
from hybridrag.flows.generate import Asking, Sample, made_locally, plan
from hybridrag.flows.spending import Spending
from hybridrag.ports import Detector
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger, entries
from hybridrag.providers import OpenAICompatible, Retry
from hybridrag.store import PostgresStore
from hybridrag.types import Collection, Generation, Label, Span
from tests.evaluation.materials import handbook, material
from tests.servers.chat import Behaviour, ChatServer, answer, hang_up, status

KEY = bytes(range(32))
COLLECTION = Collection(1, "default", Generation(1, "none", "f" * 64, 16, 1))


class Desk:
    """A ledger, a gateway, and questions asked through them."""

    def __init__(self, folder: Path, *, detectors: tuple[Detector, ...] | None = None) -> None:
        self.ledger = folder / "ledger.jsonl"
        self.told: list[str] = []
        chosen = builtin_detectors() if detectors is None else detectors
        self.known: tuple[Span, ...] = ()
        self._gateway = Gateway(detectors=chosen, ledger=FileLedger(self.ledger, key=KEY), key=KEY)

    def asking(self, server: ChatServer, *, plain: bool = False) -> Asking:
        def opened(on_retry: Callable[[Retry], None]) -> OpenAICompatible:
            return OpenAICompatible(
                name="x",
                base_url=server.url,
                model="m",
                key=None,
                local=True,
                on_retry=on_retry,
                sleep=lambda _: None,
            )

        return Asking(
            collection="default",
            gateway=self._gateway,
            open_provider=opened,
            plain=plain,
            known=lambda passages: {passage.marker: self.known for passage in passages},
            spending=Spending(PostgresStore(""), limit=None),  # a local server costs nothing: it is not opened
            notify=self.told.append,
        )

    def outcomes(self) -> list[str]:
        return [entry.get("outcome", "intent") for entry in entries(self.ledger)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def asked_by(request: dict[str, Any]) -> str:
    """The passage of a request, as it left."""
    user = str(request["messages"][-1]["content"])
    return user.split("\n", 2)[2].rsplit("\n", 1)[0]


def good(about: str = "What does it say about {}?") -> Behaviour:
    """Asks about the first words of the passage, and answers with all of it."""

    def reply(request: dict[str, Any]) -> str:
        passage = asked_by(request)
        return json.dumps({"question": about.format(" ".join(passage.split()[:4])), "answer": passage})

    return answer(reply)


def chunks(*texts: str) -> list[Material]:
    return [material(f"{number}.md", text) for number, text in enumerate(texts)]


def test_values_are_redacted_on_the_way_out_and_back_in_the_question(desk: Desk) -> None:
    with ChatServer(good()) as server:
        asking = desk.asking(server)
        (question,) = asking.questions(chunks("Write to ada.lovelace@example.com, who approves travel."))
    assert "ada.lovelace" not in server.bodies[0].decode()
    assert "⟦EMAIL_" in server.requests[0].user_text()
    assert question.question == "What does it say about Write to ada.lovelace@example.com, who?"
    assert question.answer == "Write to ada.lovelace@example.com, who approves travel."
    assert question.method == "provider:m"
    assert asking.tally.redactions == {"EMAIL": 1}
    assert desk.outcomes() == ["intent", "sent"]


def test_what_is_recorded_is_what_was_sent(desk: Desk) -> None:
    import hashlib

    first, second = chunks("The first passage is short.", "The second passage is short.")
    with ChatServer(good()) as server:
        list(desk.asking(server).questions([first, second]))
    sent = [entry for entry in entries(desk.ledger) if "outcome" not in entry]
    assert [entry["chunks"] for entry in sent] == [[str(first.chunk.id)], [str(second.chunk.id)]]
    assert [entry["payload_sha256"] for entry in sent] == [hashlib.sha256(body).hexdigest() for body in server.bodies]


def test_plain_text_goes_to_an_address_that_the_user_listed(desk: Desk) -> None:
    with ChatServer(good()) as server:
        list(desk.asking(server, plain=True).questions(chunks("Write to ada.lovelace@example.com about it.")))
    assert "ada.lovelace@example.com" in server.requests[0].user_text()


def test_replies_that_cannot_be_used_are_counted_and_passed_over(desk: Desk) -> None:
    script = (
        good(),
        answer("I cannot do that."),
        answer(json.dumps({"question": None, "answer": None})),
        answer('{"question": "cut', finish_reason="length"),
        answer("x" * 50_000),
        answer(json.dumps({"question": "What is made up?", "answer": "Something that is not there"})),
        good(),
    )
    with ChatServer(*script) as server:
        asking = desk.asking(server)
        found = list(asking.questions(chunks(*(f"Passage {word} tells of it." for word in "abcdefg"))))
    assert [question.question for question in found] == [
        "What does it say about Passage a tells of?",
        "What does it say about Passage g tells of?",
    ]
    assert asking.tally.requests == len(server.bodies) == 7
    assert asking.tally.skipped == {
        "the reply is not the JSON that was asked for": 1,
        "the model found nothing worth asking": 1,
        "the reply was cut off": 1,
        "the reply is far too long": 1,
        "the answer is not in the passage": 1,
    }
    assert asking.tally.prompt_tokens == 6 * 11, "the reply that was broken off told no count"
    assert desk.outcomes() == ["intent", "sent"] * 7


def test_the_same_question_twice_is_one(desk: Desk) -> None:
    with ChatServer(good("Who pays?")) as server:
        asking = desk.asking(server)
        assert len(list(asking.questions(chunks("One passage here.", "Another passage here.")))) == 1
    assert asking.tally.skipped == {"asked before": 1}


def test_nothing_usable_at_all_is_an_error_that_says_why(desk: Desk) -> None:
    with ChatServer(answer("no")) as server, pytest.raises(ProviderError, match=r"none of 2 replies .* not the JSON"):
        list(desk.asking(server).questions(chunks("One passage here.", "Another passage here.")))


def test_what_came_before_a_failure_came(desk: Desk) -> None:
    got: list[GeneratedQuestion] = []
    with ChatServer(good(), good(), status(401)) as server:
        asking = desk.asking(server)
        with pytest.raises(ProviderError):
            for question in asking.questions(chunks(*(f"Passage {word} tells." for word in "abcd"))):
                got.append(question)  # what there is at the moment of the failure
    assert len(got) == 2
    assert len(server.bodies) == 3, "nothing is asked after a failure"
    assert desk.outcomes() == ["intent", "sent", "intent", "sent", "intent", "failed"]


def test_an_attempt_that_is_repeated_is_recorded_each_time(desk: Desk) -> None:
    with ChatServer(hang_up(), good(), good()) as server:
        assert len(list(desk.asking(server).questions(chunks("Passage a tells.", "Passage b tells.")))) == 2
    assert desk.outcomes() == ["intent", "retried", "intent", "sent", "intent", "sent"]
    assert len(desk.told) == 1


class Broken:
    """A detector that fails where a text holds a word."""

    name = "broken"
    version = "1"

    def __init__(self, word: str) -> None:
        self._word = word

    def detect(self, text: str) -> list[Span]:
        if self._word in text:
            raise RuntimeError("broken")
        return []


def test_a_chunk_that_the_gateway_refuses_is_passed_over_unsent(tmp_path: Path) -> None:
    desk = Desk(tmp_path, detectors=(Broken("poison"),))
    with ChatServer(good()) as server:
        asking = desk.asking(server)
        found = list(asking.questions(chunks("Passage a tells.", "This is poison.", "Passage c tells.")))
    assert len(found) == 2
    assert asking.tally.skipped == {"refused by the privacy gateway": 1}
    assert all(b"poison" not in body for body in server.bodies)


@pytest.mark.parametrize("number", [2, 30])
def test_where_every_chunk_is_refused_it_ends(tmp_path: Path, number: int) -> None:
    desk = Desk(tmp_path, detectors=(Broken("passage"),))
    with ChatServer(good()) as server:
        asking = desk.asking(server)
        with pytest.raises(BlockedByPolicy):
            list(asking.questions(chunks(*(f"A passage {n}." for n in range(number)))))
    assert server.bodies == []
    assert asking.tally.skipped["refused by the privacy gateway"] == min(number, 5)


def test_the_plan_leaves_out_what_is_local_only_unless_the_provider_is_local() -> None:
    mine = material("mine.md", "The salary of everybody is listed on this page.", label=Label.LOCAL_ONLY, tokens=100)
    sample = Sample(COLLECTION, (mine, *handbook()))
    remote = plan(sample, count=100, local=False)
    assert mine not in remote.materials
    assert remote.left_out == 1
    assert mine in plan(sample, count=100, local=True).materials
    with pytest.raises(BlockedByPolicy, match="local-only"):
        plan(Sample(COLLECTION, (mine,)), count=100, local=False)


def test_count_bounds_the_requests_and_the_tokens_told_are_about_right(desk: Desk) -> None:
    planned = plan(Sample(COLLECTION, tuple(handbook())), count=4, local=True)
    with ChatServer(good()) as server:
        list(desk.asking(server).questions(planned.materials))
    assert len(server.bodies) == len(planned.materials) == 4
    characters = sum(len(m["content"]) for request in server.requests for m in request.json()["messages"])
    assert 0.6 < planned.tokens / (characters / 4) < 1.6


def test_chunks_without_a_sentence_are_not_paid_for() -> None:
    table = material("t.md", "| a | b |\n|---|---|\n| 1 | 2 |")
    assert table not in plan(Sample(COLLECTION, (table, *handbook())), count=100, local=True).materials


def test_without_a_model_nothing_is_opened_and_too_little_is_told() -> None:
    made = made_locally(Sample(COLLECTION, tuple(handbook())), count=5)
    assert len(made.questions) == 5
    with pytest.raises(UsageError, match=r"from 1 chunks: no sentence worth a question \(1\)") as told:
        made_locally(Sample(COLLECTION, (material("t.md", "| a | b |"),)), count=5)
    assert "--provider" in told.value.hint


def test_what_is_known_from_the_whole_document_does_not_leave(desk: Desk) -> None:
    one = material("a.md", "Kowalczyk agreed to the plan of the harbour and signed it.")
    word = "Kowalczyk"
    desk.known = (Span(0, len(word), "PERSON", "names"),)
    with ChatServer(answer('{"question": null, "answer": null}')) as server, suppress(ProviderError):
        list(desk.asking(server).questions([one]))
    (request,) = server.requests
    assert word not in request.user_text()
    assert "⟦PERSON_1·" in request.user_text()
