"""A conversation: what is told of its past, under which labels, and what becomes a turn."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hybridrag.answering.history import Past
from hybridrag.errors import BlockedByPolicy, NotGrounded, ProviderError, UsageError
from hybridrag.flows.chat import Asked, Chat
from hybridrag.privacy.conversation import Conversation
from hybridrag.privacy.conversations import Conversations
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger
from hybridrag.privacy.pseudonyms import Pseudonyms, Value
from hybridrag.types import (
    Answer,
    Citation,
    DocumentRef,
    Label,
    Portion,
    Quote,
    Sentence,
    StoredChunk,
)

KEY = bytes(range(32))


def citation(label: Label, path: str = "travel.md") -> Citation:
    document = DocumentRef(uuid.uuid5(uuid.NAMESPACE_URL, path), "notes", path, "T", "text/markdown", label, None, {})
    chunk = StoredChunk(uuid.uuid4(), document, 0, 0, 9, "Ann pays.", ("T",), None, 3)
    return Citation(1, chunk, (Quote(0, "Ann pays."),))


def answer_of(question: str, text: str = "Ann pays. [1]", *citations: Citation) -> Answer:
    return Answer(
        question=question,
        text=text,
        mode="provider",
        sentences=(Sentence("Ann pays.", (1,), supported=True),) if citations else (),
        citations=citations,
        abstained=not citations,
        complete=True,
        warnings=(),
        provider="p",
        model="m",
        usage=None,
        redactions={},
        ledger_id=None,
        timings_ms={},
    )


@dataclass
class Prepared:
    question: str
    reply: Callable[[str, Callable[[str], None]], Answer]
    label: Label
    pseudonyms: Pseudonyms | None

    def outbound(self) -> bytes:
        return self.question.encode()

    def answer(self, on_text: Callable[[str], None]) -> Answer:
        return self.reply(self.question, on_text)


@dataclass
class Scripted:
    """Answers as it is told, and remembers what it was asked with."""

    reply: Callable[[str, Callable[[str], None]], Answer] = lambda question, _: answer_of(question)
    local: bool = False
    texts_leave: bool = False
    label: Label = Label.PUBLIC
    queries: list[str] = field(default_factory=list)
    histories: list[tuple[Past, ...]] = field(default_factory=list)
    portions: list[list[Portion]] = field(default_factory=list)
    previous: list[Pseudonyms | None] = field(default_factory=list)

    def prepare(
        self,
        question: str,
        query: str,
        *,
        history: Sequence[Past],
        portions: Sequence[Portion],
        previous: Pseudonyms | None,
    ) -> Asked:
        self.queries.append(query)
        self.histories.append(tuple(history))
        self.portions.append(list(portions))
        self.previous.append(previous)
        made = previous.continued(previous.nonce) if previous else Pseudonyms("aaaa")
        made.mark(Value(question, "EMAIL", "test"))
        return Prepared(question, self.reply, self.label, made)


def accept(_: Answer) -> None:
    """Every answer will do."""


def begun(scripted: Scripted, notices: list[str] | None = None) -> Chat:
    return Chat(scripted, Conversation("default", 1), notify=(notices if notices is not None else []).append)


def test_each_turn_is_told_of_the_ones_before_and_has_their_map() -> None:
    scripted = Scripted()
    chat = begun(scripted)
    for question in ("What is the meal allowance?", "and who pays?", "Why?"):
        chat.ask(question, on_text=None, check=accept)
    assert [[past.question for past in history] for history in scripted.histories] == [
        [],
        ["What is the meal allowance?"],
        ["What is the meal allowance?", "and who pays?"],
    ]
    assert scripted.previous[0] is None
    assert [len(list(map_.values())) for map_ in scripted.previous[1:] if map_] == [1, 2]
    assert "allowance" in scripted.queries[1] and "allowance" in scripted.queries[2]
    assert [spoken.turn.query for spoken in chat.turns] == scripted.queries


def test_a_turn_has_the_strictest_label_of_all_that_it_may_tell_of() -> None:
    scripted = Scripted(label=Label.CONFIDENTIAL)
    chat = begun(scripted)
    chat.ask("Who pays?", on_text=None, check=accept)
    assert chat.turns[0].turn.label is Label.CONFIDENTIAL
    scripted.label = Label.PUBLIC
    chat.ask("Why?", on_text=None, check=accept)
    assert chat.turns[1].turn.label is Label.CONFIDENTIAL  # what came before may stand in its answer
    cited = begun(Scripted(lambda question, _: answer_of(question, "Ann pays. [1]", citation(Label.LOCAL_ONLY))))
    cited.ask("Who pays?", on_text=None, check=accept)
    assert cited.turns[0].turn.label is Label.LOCAL_ONLY


def test_what_is_local_only_is_told_to_local_providers_only_and_that_is_said_once() -> None:
    notices: list[str] = []
    scripted = Scripted(lambda question, _: answer_of(question, "Ann pays. [1]", citation(Label.LOCAL_ONLY)))
    chat = begun(scripted, notices)
    for question in ("Who pays for the meals?", "Who pays for flights?", "Why?"):
        chat.ask(question, on_text=None, check=accept)
    assert scripted.histories == [(), (), ()]
    assert len(notices) == 1
    scripted.local = True
    chat.ask("Who else?", on_text=None, check=accept)
    assert len(scripted.histories[-1]) == 3


@pytest.mark.parametrize("leave", [False, True])
def test_a_remote_embedder_is_told_no_word_of_what_is_local_only(leave: bool) -> None:
    scripted = Scripted(
        lambda question, _: answer_of(question, "Ann pays. [1]", citation(Label.LOCAL_ONLY)),
        local=True,
        texts_leave=leave,
    )
    chat = begun(scripted)
    chat.ask("What does the Zeppelin cost?", on_text=None, check=accept)
    chat.ask("Why?", on_text=None, check=accept)
    assert ("Zeppelin" in scripted.queries[1]) is not leave


def test_the_past_counts_what_its_answers_tell_of_documents() -> None:
    chat = begun(
        scripted := Scripted(lambda question, _: answer_of(question, "Ann pays. [1]", citation(Label.INTERNAL)))
    )
    chat.ask("Who pays?", on_text=None, check=accept)
    chat.ask("Why?", on_text=None, check=accept)
    assert scripted.portions == [[], [Portion("notes/travel.md", Label.INTERNAL, len("Ann pays."))]]


def test_an_answer_that_is_stopped_is_kept_as_far_as_it_was_shown() -> None:
    def stopped(_question: str, on_text: Callable[[str], None]) -> Answer:
        on_text("Ann pa")
        raise KeyboardInterrupt

    shown: list[str] = []
    chat = begun(scripted := Scripted(stopped))
    with pytest.raises(KeyboardInterrupt):
        chat.ask("Who pays?", on_text=shown.append, check=accept)
    assert shown == ["Ann pa"]
    assert [(spoken.turn.answer, spoken.complete) for spoken in chat.turns] == [("Ann pa", False)]
    with pytest.raises(KeyboardInterrupt):
        chat.ask("Who else?", on_text=None, check=accept)  # nothing of it was shown
    assert len(chat.turns) == 1
    assert scripted.histories[1][0].answer == "Ann pa […]"


def test_what_failed_or_was_refused_is_no_turn_but_its_marks_stay() -> None:
    def failing(_question: str, _on_text: Callable[[str], None]) -> Answer:
        raise ProviderError("no")

    def refuse(_: Answer) -> None:
        raise NotGrounded("no")

    chat = begun(scripted := Scripted(failing))
    with pytest.raises(ProviderError):
        chat.ask("Who pays?", on_text=None, check=accept)
    scripted.reply = lambda question, _: answer_of(question)
    with pytest.raises(NotGrounded):
        chat.ask("Who else?", on_text=None, check=refuse)
    assert chat.turns == ()
    chat.ask("Why?", on_text=None, check=accept)
    assert scripted.previous[2] is not None
    assert [value.text for value in scripted.previous[2].values()] == ["Who pays?", "Who else?"]


def test_outbound_is_that_of_the_last_question_or_of_the_one_given() -> None:
    chat = begun(Scripted())
    with pytest.raises(UsageError):
        chat.outbound(None)
    chat.ask("Who pays?", on_text=None, check=accept)
    assert chat.outbound("Why?") == b"Why?"
    assert chat.outbound(None) == b"Who pays?"
    assert len(chat.turns) == 1


def test_what_cannot_be_saved_is_not_lost_and_can_be_kept_elsewhere(tmp_path: Path) -> None:
    def gateway() -> Gateway:
        return Gateway(detectors=(), ledger=FileLedger(tmp_path / "ledger.jsonl", key=KEY), key=KEY)

    saved = Conversations(tmp_path / "chats", key=lambda: KEY, gateway=gateway)
    with saved.new("a") as first, saved.new("b") as second:
        chat = Chat(Scripted(), Conversation("default", 1), kept=first, notify=lambda _: None)
        chat.save()
        assert saved.listed() == []  # nothing was said yet
        chat.ask("Who pays?", on_text=None, check=accept)
        chat.save()
        (tmp_path / "chats" / "a.chat").write_bytes(b"changed by hand")
        chat.ask("Why?", on_text=None, check=accept)
        for _ in range(2):
            with pytest.raises(BlockedByPolicy, match="left as it is"):
                chat.save()
        chat.keep(second)
        chat.ask("Who else?", on_text=None, check=accept)
        chat.save()
        assert chat.name == "b"
    with saved.resumed("b") as (_, conversation):
        assert [spoken.turn.question for spoken in conversation.turns] == ["Who pays?", "Why?", "Who else?"]
        assert conversation.pseudonyms is not None
    assert (tmp_path / "chats" / "a.chat").read_bytes() == b"changed by hand"
