"""Chat: questions that lean on what was said before, under one map of pseudonyms, kept where the user wants that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hybridrag.answering.followups import standalone
from hybridrag.answering.history import Past, past
from hybridrag.errors import UsageError
from hybridrag.privacy.conversation import Cited, Conversation, Spoken
from hybridrag.privacy.conversations import Kept
from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.types import Answer, Label, Portion, Turn

_STOPPED = "[…]"
"""Stands in the past at the end of an answer that was not whole."""


class Asked(Protocol):
    """A question ready to be answered. Nothing has left yet."""

    @property
    def label(self) -> Label:
        """The strictest label of what its answer can tell of, beyond what it cites; told once it was asked for."""

    @property
    def pseudonyms(self) -> Pseudonyms | None:
        """The map of the request, for the next turn; None where nothing is redacted."""

    def outbound(self) -> bytes:
        """The exact body that would leave. Raises UsageError where none would, BlockedByPolicy where it may not."""

    def answer(self, on_text: Callable[[str], None]) -> Answer:
        """The answer; `on_text` gets it as it comes. Raises as `ask` does."""


class Answerer(Protocol):
    """What answers the questions of a conversation."""

    @property
    def local(self) -> bool:
        """Whether everything may be told to whoever answers, what is labelled local-only too."""

    @property
    def texts_leave(self) -> bool:
        """Whether what is searched for reaches a machine that is not local."""

    def prepare(
        self,
        question: str,
        query: str,
        *,
        history: Sequence[Past],
        portions: Sequence[Portion],
        previous: Pseudonyms | None,
    ) -> Asked:
        """The question with what was found for `query`. `portions` are what `history` tells of documents."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    asked: Asked
    query: str
    history: Sequence[Past]

    @property
    def label(self) -> Label:
        """The strictest label of all that the answer can tell of, beyond what it cites; known once it was asked for."""
        return Label.strictest(Label.INTERNAL, self.asked.label, *(each.label for each in self.history))


class Chat:
    """A conversation while it is held. `notify` shows a line to the user."""

    def __init__(
        self,
        answerer: Answerer,
        conversation: Conversation,
        *,
        kept: Kept | None = None,
        notify: Callable[[str], None],
    ) -> None:
        """`kept` is the file of `conversation`, where it is kept."""
        self._answerer = answerer
        self._conversation = self._saved = conversation
        self._kept = kept
        self._notify = notify
        self._left_out_told = False
        self._last: Asked | None = None

    @property
    def name(self) -> str | None:
        """The name that it is saved under; None where it is not."""
        return self._kept.name if self._kept else None

    @property
    def turns(self) -> Sequence[Spoken]:
        return self._conversation.turns

    def keep(self, kept: Kept) -> None:
        """Saves the conversation in a new file. It is that of all further turns, if that went well."""
        if self.turns:
            kept.save(self._conversation)
        self._kept, self._saved = kept, self._conversation

    def save(self) -> None:
        """Writes what is new, where the conversation is kept. Raises as `Kept.save` does: then it is still new."""
        if self._kept is not None and len(self.turns) > len(self._saved.turns):
            self._kept.save(self._conversation)
            self._saved = self._conversation

    def ask(
        self, question: str, *, on_text: Callable[[str], None] | None, check: Callable[[Answer], None]
    ) -> tuple[Answer, Spoken]:
        """The answer, and the turn that it became.

        `check` may refuse an answer by raising: then there is no turn. Without `on_text` nothing is shown before the
        answer is whole. Where the user stops an answer, what was shown of it is a turn, and KeyboardInterrupt raised
        again.
        """
        prepared = self._prepared(question)
        shown: list[str] = []

        def hear(text: str) -> None:
            shown.append(text)
            if on_text is not None:
                on_text(text)

        self._last = prepared.asked
        try:
            answer = prepared.asked.answer(hear)
        except KeyboardInterrupt:
            if on_text is not None and "".join(shown).strip():
                turn = Turn(question, prepared.query, "".join(shown), prepared.label)
                self._add(Spoken(turn, complete=False))
            raise
        finally:
            # Even of an answer that failed the provider may have seen the marks: they go on meaning the same.
            if prepared.asked.pseudonyms is not None:
                self._conversation = replace(self._conversation, pseudonyms=prepared.asked.pseudonyms)
        check(answer)
        label = Label.strictest(prepared.label, *(citation.chunk.document.label for citation in answer.citations))
        spoken = Spoken(
            Turn(question, prepared.query, answer.text, label),
            citations=_cited(answer),
            shares=_shares(answer),
            complete=answer.complete,
        )
        self._add(spoken)
        return answer, spoken

    def outbound(self, question: str | None) -> bytes:
        """The exact body of the last question; of one that is given, what would leave if it were asked now.

        Nothing is sent, recorded or remembered. Raises UsageError where nothing was asked, or nothing would leave.
        """
        if question is not None:
            return self._prepared(question).asked.outbound()
        if self._last is None:
            raise UsageError("nothing was asked yet", hint="/outbound QUESTION shows what would leave for a question")
        return self._last.outbound()

    def _prepared(self, question: str) -> _Prepared:
        """The question made to stand by itself, with the past that may be told."""
        turns = self._conversation.turns
        searched = [
            _for_past(spoken)
            for spoken in turns
            if not (self._answerer.texts_leave and spoken.turn.label is Label.LOCAL_ONLY)
        ]
        query = standalone(question, searched)
        told = [spoken for spoken in turns if self._answerer.local or spoken.turn.label is not Label.LOCAL_ONLY]
        if len(told) < len(turns) and not self._left_out_told:
            self._left_out_told = True
            self._notify(
                "earlier turns rest on passages labelled local-only; the provider is not told of them, now or later"
            )
        previous = self._conversation.pseudonyms
        history = past(
            [_for_past(spoken) for spoken in told],
            question,
            together=[value.text for value in previous.values()] if previous is not None else (),
        )
        asked = self._answerer.prepare(
            question, query, history=history, portions=_portions(history, told), previous=previous
        )
        return _Prepared(asked, query, history)

    def _add(self, spoken: Spoken) -> None:
        self._conversation = replace(self._conversation, turns=(*self.turns, spoken))


def _for_past(spoken: Spoken) -> Turn:
    turn = spoken.turn
    return turn if spoken.complete else replace(turn, answer=f"{turn.answer.rstrip()} {_STOPPED}")


def _cited(answer: Answer) -> tuple[Cited, ...]:
    return tuple(
        Cited(
            marker=citation.marker,
            document=citation.chunk.document.id,
            uri=citation.chunk.document.uri,
            label=citation.chunk.document.label,
            title=citation.chunk.document.title,
            page=citation.chunk.page,
            headings=citation.chunk.headings,
            quotes=citation.quotes,
        )
        for citation in answer.citations
    )


def _shares(answer: Answer) -> dict[str, tuple[Label, int]]:
    """The characters that an answer tells of each document: of the sentences that cite it, all."""
    documents = {citation.marker: citation.chunk.document for citation in answer.citations}
    characters: Counter[str] = Counter()
    for sentence in answer.sentences:
        for uri in {documents[marker].uri for marker in sentence.markers if marker in documents}:
            characters[uri] += len(sentence.text)
    return {
        document.uri: (document.label, characters[document.uri])
        for document in documents.values()
        if characters[document.uri]
    }


def _portions(history: Sequence[Past], told: Sequence[Spoken]) -> list[Portion]:
    """What the past takes from documents: as much as the answers told of each, and no more than is left of them."""
    return [
        Portion(uri, label, min(characters, len(each.answer)))
        for each in history
        for uri, (label, characters) in told[each.number].shares.items()
    ]
