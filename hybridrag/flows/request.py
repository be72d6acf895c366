"""The request that a question leads to: passages chosen, reduced, redacted and encoded. Nothing is sent here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hybridrag.answering import Reduced, build_prompt, passages_of, reduced
from hybridrag.answering.ordering import ordered
from hybridrag.answering.prompt import SYSTEM, frame_of
from hybridrag.answering.selection import Room
from hybridrag.errors import BlockedByPolicy, UsageError
from hybridrag.flows.evidence import usable
from hybridrag.flows.known import Known
from hybridrag.flows.sending import SKELETON, portion_of, redacted
from hybridrag.ports import ChatProvider, Embedder
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.privacy.session import Session
from hybridrag.providers.tokens import likely_most
from hybridrag.types import (
    REPLY,
    ChatModel,
    Destination,
    Label,
    Outbound,
    Passage,
    Piece,
    Portion,
    Prompt,
    Role,
    SearchResult,
)

_FITTED = 4
"""Times that a request is made smaller before it is given up."""
_FRAMES = 300
"""Tokens that a chat template puts around the messages of a short conversation, and what stands before passages."""


@dataclass(frozen=True, slots=True)
class Request:
    """A question on its way to a provider: the exact body, the session that can restore its answer, its passages.

    The passages are whole, for citations; `portions` and `chunks` are what of them is in the body.
    """

    question: str
    prompt: Prompt
    body: bytes
    skeleton: bytes
    session: Session
    passages: tuple[Passage, ...]
    portions: tuple[Portion, ...]
    chunks: tuple[str, ...]
    collection: str
    warnings: tuple[str, ...]
    redact_ms: float


def prepare(
    question: str,
    found: SearchResult,
    *,
    gateway: Gateway,
    provider: ChatProvider,
    plain: bool,
    known: Known,
    open_embedder: Callable[[], Embedder],
    texts_leave: bool = False,
    history: Sequence[tuple[Role, tuple[Piece, ...]]] = (),
    told: Sequence[Portion] = (),
    previous: Pseudonyms | None = None,
) -> Request | None:
    """The request that would be sent for these hits; None where there is nothing to answer from.

    The passages are reduced to what the question needs, and redacted unless `plain`, which only a local provider
    accepts. `known` tells what is known of them from their documents. `texts_leave` says that the embedding model is
    remote: what is labelled local-only is not shown to it, and so not reduced. `history` are the messages of a
    conversation before this one, none of them local-only for a provider that is not local, `told` what they tell of
    documents, and `previous` the map that they were redacted under. Passages are reduced to what was searched for,
    which in a conversation says more than the question.

    Passages labelled `local-only` never reach a provider that is not local. Raises BlockedByPolicy where none remain.
    """
    local = provider.destination.local
    allowed, warnings = usable(passages_of(found.hits), local=local)
    if not allowed:
        if warnings:
            raise BlockedByPolicy(
                "every passage found is labelled local-only; nothing was sent",
                hint="leave --provider out for an extractive answer, or use a local provider",
            )
        return None
    started = time.perf_counter()
    numbered = tuple(
        Passage(marker=number, chunk=passage.chunk, text=passage.text)
        for number, passage in enumerate(allowed, start=1)
    )
    values = {} if plain else known(numbered)
    hidden = [passage for passage in numbered if texts_leave and passage.chunk.document.label is Label.LOCAL_ONLY]
    boundary = gateway.boundary([question, *(passage.text for passage in numbered)])
    embedder = open_embedder()
    query, window = embedder.embed_query(found.query.text), _Window.of(provider.chat_model)
    room = window.room(boundary, [SYSTEM, question, *(piece.text for _, pieces in history for piece in pieces)])
    for _ in range(_FITTED):
        evidence = reduced(
            [passage for passage in numbered if passage not in hidden],
            found.query.text,
            spans=values,
            query=query,
            embed=embedder.embed_documents,
            characters=_characters(gateway.policy, local=local),
            room=room,
        )
        kept = ordered([*(each for each in evidence if each.kept), *map(Reduced.whole, hidden)])
        draft = build_prompt(question, kept, boundary=boundary, known=values, history=history)
        prompt, session = redacted(draft, gateway=gateway, plain=plain, previous=previous, max_tokens=window.reply)
        if room is None or (over := window.over(prompt)) <= 0:
            break
        room = replace(room, tokens=room.tokens - over)  # signs of redaction may be longer than what they stand for
    else:
        raise _too_narrow(provider)
    if room is not None and not kept:
        raise _too_narrow(provider)
    return Request(
        question=question,
        prompt=prompt,
        body=provider.encode(prompt),
        skeleton=provider.encode(SKELETON),
        session=session,
        passages=numbered,
        portions=(*(portion_of(each.passage.chunk.document, each.text) for each in kept), *told),
        chunks=tuple(str(chunk.id) for each in kept for chunk in each.chunks),
        collection=found.collection,
        warnings=warnings,
        redact_ms=round((time.perf_counter() - started) * 1000, 2),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """The tokens that a model takes, None for unknown, and how many of them are its reply's."""

    tokens: int | None
    reply: int

    @staticmethod
    def of(model: ChatModel) -> _Window:
        return _Window(model.context, REPLY if model.context is None else min(REPLY, model.context // 4))

    def room(self, boundary: str, around: Sequence[str]) -> Room | None:
        """What is left for passages beside these texts; None where it is not known."""
        if self.tokens is None:
            return None
        taken = self.reply + _FRAMES + sum(map(likely_most, around))
        return Room(
            tokens=max(0, self.tokens - taken),
            count=likely_most,
            around=lambda passage: frame_of(passage, boundary),
        )

    def over(self, prompt: Prompt) -> int:
        """How many tokens a prompt has too many."""
        return sum(map(likely_most, prompt.texts)) + _FRAMES + self.reply - (self.tokens or 0)


def check(request: Request, *, gateway: Gateway, destination: Destination) -> None:
    """Raises BlockedByPolicy where the request would not be sent; what is spent of a budget is only known then."""
    gateway.check(request.body, destination, request.session, portions=request.portions, skeleton=request.skeleton)


def sealed(request: Request, *, gateway: Gateway, destination: Destination) -> Outbound:
    """The request, ready to be sent once. Raises as `Gateway.seal` does."""
    return gateway.seal(
        request.body,
        destination,
        request.session,
        collection=request.collection,
        portions=request.portions,
        chunks=request.chunks,
        skeleton=request.skeleton,
    )


def _characters(policy: Policy, *, local: bool) -> dict[Label, int]:
    """How much of the passages a request may hold, by label; a local provider may have of all what it may of any."""
    bounds = {label: policy.reduction(label).characters for label in Label}
    return dict.fromkeys(Label, max(bounds.values())) if local else bounds


def _too_narrow(provider: ChatProvider) -> UsageError:
    return UsageError(
        f"the window of {provider.destination.model} ({provider.chat_model.context:,} tokens) is too small for this "
        "question and its passages; nothing was sent",
        hint=f"choose another --llm; if it takes more, set context in [providers.{provider.destination.provider}]",
    )
