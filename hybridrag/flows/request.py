"""The request that a question leads to: passages chosen, reduced, redacted and encoded. Nothing is sent here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hybridrag.answering import Reduced, build_prompt, passages_of, reduced
from hybridrag.errors import BlockedByPolicy
from hybridrag.flows.evidence import usable
from hybridrag.flows.known import Known
from hybridrag.flows.sending import SKELETON, portion_of, redacted
from hybridrag.ports import ChatProvider, Embedder
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.privacy.session import Session
from hybridrag.types import Destination, Label, Outbound, Passage, Piece, Portion, Role, SearchResult


@dataclass(frozen=True, slots=True)
class Request:
    """A question on its way to a provider: the exact body, the session that can restore its answer, its passages.

    The passages are whole, for citations; `portions` and `chunks` are what of them is in the body.
    """

    question: str
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
    previous: Pseudonyms | None = None,
) -> Request | None:
    """The request that would be sent for these hits; None where there is nothing to answer from.

    The passages are reduced to what the question needs, and redacted unless `plain`, which only a local provider
    accepts. `known` tells what is known of them from their documents. `texts_leave` says that the embedding model is
    remote: what is labelled local-only is not shown to it, and so not reduced. `history` are the messages of a
    conversation before this one, none of them local-only for a provider that is not local, and `previous` the map that
    they were redacted under. Passages are reduced to what was searched for, which in a conversation says more.

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
    embedder = open_embedder()
    evidence = reduced(
        [passage for passage in numbered if passage not in hidden],
        found.query.text,
        spans=values,
        query=embedder.embed_query(found.query.text),
        embed=embedder.embed_documents,
        characters=_characters(gateway.policy, local=local),
    )
    kept = sorted(
        [*(each for each in evidence if each.kept), *map(Reduced.whole, hidden)], key=lambda each: each.passage.marker
    )
    draft = build_prompt(
        question,
        kept,
        boundary=gateway.boundary([question, *(passage.text for passage in numbered)]),
        known=values,
        history=history,
    )
    prompt, session = redacted(draft, gateway=gateway, plain=plain, previous=previous)
    return Request(
        question=question,
        body=provider.encode(prompt),
        skeleton=provider.encode(SKELETON),
        session=session,
        passages=numbered,
        portions=tuple(portion_of(each.passage.chunk.document, each.text) for each in kept),
        chunks=tuple(str(chunk.id) for each in kept for chunk in each.chunks),
        collection=found.collection,
        warnings=warnings,
        redact_ms=round((time.perf_counter() - started) * 1000, 2),
    )


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
