"""One question to live objects: searched for once, made into a request for each provider that may answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.errors import UsageError
from hybridrag.types import Query
from hybridrag.wiring.provider import no_retry

if TYPE_CHECKING:
    from hybridrag.flows.request import Request
    from hybridrag.models import CheckedEmbedder, EndpointModel, ModelSpec
    from hybridrag.ports import ChatProvider
    from hybridrag.privacy.pseudonyms import Pseudonyms
    from hybridrag.types import Answer, Piece, Portion, Role, SearchResult, Vectors
    from hybridrag.wiring import Wiring

    Past = tuple[Sequence[tuple[Role, tuple[Piece, ...]]], Sequence[Portion]]
    """The messages of a conversation before this question, and what they tell of documents."""


class Inquiry:
    """A question on its way to the chosen providers. `query` is what is searched for; `question`, what is asked.

    In a conversation, `past` gives what was said before, for a provider that is local or one that is not, and
    `previous` is the map that it was redacted under. Raises where the first provider lacks its key, or
    where a name in the order is not known, before any work.
    """

    def __init__(
        self,
        wiring: Wiring,
        query: Query,
        *,
        question: str = "",
        past: Callable[[bool], Past] = lambda _: ((), ()),
        previous: Pseudonyms | None = None,
    ) -> None:
        self._wiring = wiring
        self._query = query
        self._question = question or query.text
        self._past = past
        self._previous = previous
        self._first = wiring.provider.open(no_retry)
        for name in wiring.provider.order():
            wiring.provider.named(name).settings()  # a name that is not known is told now, not when it is needed
        self._collection = wiring.collection()
        self.request: Request | None = None
        """The last request that was made."""

    @cached_property
    def found(self) -> SearchResult:
        return self._wiring.search(self._query)

    def outbound(self) -> bytes:
        """The exact body that the first provider would be sent. Nothing is sent, and nothing recorded.

        Raises UsageError where nothing was found, and BlockedByPolicy where it may not be sent.
        """
        from hybridrag.flows.request import check

        request = self._prepare(self._first, self._wiring.provider.plain)
        if request is None:
            raise UsageError("nothing was found, so nothing would be sent", hint="ask something the documents hold")
        check(request, gateway=self._wiring.gateway, destination=self._first.destination)
        return request.body

    def answer(self, on_text: Callable[[str], None]) -> Answer:
        """The answer of the first provider that gives one; `on_text` gets it as it streams."""
        wiring = self._wiring
        wiring.models.load_ahead(self._model, self._query.text)
        from hybridrag.flows.ask import Asking, nothing_to_answer_from

        if wiring.judged(self.found, collection=self._collection, measure=False).hopeless:
            return nothing_to_answer_from(self._question, self.found)
        asking = Asking(
            self.found,
            prepare=self._prepare,
            gateway=wiring.gateway,
            spending=wiring.spending,
            embed=self._compared,
            on_text=on_text,
            notify=wiring.notify,
        )
        return asking.answer(self._question, [wiring.provider.named(name) for name in wiring.provider.order()])

    def _prepare(self, provider: ChatProvider, plain: bool) -> Request | None:
        from hybridrag.flows.request import prepare

        wiring = self._wiring
        messages, portions = self._past(provider.destination.local)
        self.request = prepare(
            self._question,
            self.found,
            gateway=wiring.gateway,
            provider=provider,
            plain=plain,
            known=wiring.known(self._collection),
            open_embedder=self._embedder,
            texts_leave=wiring.models.texts_leave(self._model),
            history=messages,
            told=portions,
            previous=self._previous,
        )
        return self.request

    def _compared(self, texts: Sequence[str]) -> Vectors:
        """The vectors that answers are checked by. A model elsewhere is told none: there words alone decide."""
        import numpy as np

        if self._wiring.models.texts_leave(self._model):
            return np.zeros((len(texts), 1), dtype=np.float32)
        return self._embedder().embed_documents(texts)

    @cached_property
    def _model(self) -> ModelSpec | EndpointModel:
        return self._wiring.models.of(self._collection)

    def _embedder(self) -> CheckedEmbedder:
        return self._wiring.models.checked(self._model, self._collection.generation, keep=False)
