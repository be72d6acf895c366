"""Settings to what answers the questions of a conversation: the chosen provider, or the documents' own sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridrag.errors import UsageError
from hybridrag.types import Label, Query

if TYPE_CHECKING:
    from hybridrag.answering import history as told
    from hybridrag.flows.chat import Asked
    from hybridrag.privacy.pseudonyms import Pseudonyms
    from hybridrag.types import Answer, Portion
    from hybridrag.wiring import Wiring
    from hybridrag.wiring.asking import Inquiry, Past


class Chatting:
    """Answers questions as `ask` would; `query` tells how to search, its text aside."""

    def __init__(self, wiring: Wiring, query: Query) -> None:
        self._wiring = wiring
        self._query = query

    @property
    def local(self) -> bool:
        wiring = self._wiring
        return not wiring.has_provider or wiring.provider.destination().local

    @property
    def texts_leave(self) -> bool:
        models = self._wiring.models
        return models.texts_leave(models.of(self._wiring.collection())) or (
            self._query.rerank and models.rerankers.texts_leave
        )

    def prepare(
        self,
        question: str,
        query: str,
        *,
        history: Sequence[told.Past],
        portions: Sequence[Portion],
        previous: Pseudonyms | None,
    ) -> Asked:
        searched = replace(self._query, text=query)
        if not self._wiring.has_provider:
            return _Extracted(self._wiring, question, searched)

        def past(local: bool) -> Past:
            """What one of the providers may be told; the next one may be further away than the first."""
            return (
                [m for each in history if local or each.label is not Label.LOCAL_ONLY for m in each.messages],
                [portion for portion in portions if local or portion.label is not Label.LOCAL_ONLY],
            )

        return _Inquired(self._wiring.inquiry(searched, question=question, past=past, previous=previous), previous)


@dataclass(frozen=True)
class _Extracted:
    """A question that the documents' own sentences answer. Nothing of the past is told to anybody."""

    wiring: Wiring
    question: str
    query: Query
    label: Label = Label.PUBLIC
    """It tells of nothing but what it cites."""
    pseudonyms: Pseudonyms | None = None

    def outbound(self) -> bytes:
        raise UsageError("no provider is chosen, so nothing leaves", hint="--provider together, for example")

    def answer(self, on_text: Callable[[str], None]) -> Answer:  # noqa: ARG002 - see below
        """The answer, which is there at once and so does not stream."""
        return replace(self.wiring.extract(self.query), question=self.question)


@dataclass(frozen=True)
class _Inquired:
    """A question on its way to providers."""

    inquiry: Inquiry
    previous: Pseudonyms | None

    @property
    def label(self) -> Label:
        request = self.inquiry.request
        passages = request.passages if request is not None else ()
        return Label.strictest(Label.PUBLIC, *(passage.chunk.document.label for passage in passages))

    @property
    def pseudonyms(self) -> Pseudonyms | None:
        """The last request's map; the one before where a request is plain, and has none."""
        request = self.inquiry.request
        return self.previous if request is None or request.session.plain else request.session.pseudonyms

    def outbound(self) -> bytes:
        return self.inquiry.outbound()

    def answer(self, on_text: Callable[[str], None]) -> Answer:
        return self.inquiry.answer(on_text)
