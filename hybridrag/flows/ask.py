"""Ask: retrieve, then either cite the documents' own sentences, or let a chat model answer from redacted passages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from hybridrag.answering import (
    Reduced,
    best_sentences,
    build_prompt,
    candidate_sentences,
    chunk_around,
    chunk_at,
    passages_of,
    reduced,
    resolve,
)
from hybridrag.answering.extractive import Candidate
from hybridrag.errors import BlockedByPolicy, ProviderError
from hybridrag.flows.known import Known
from hybridrag.flows.sending import SKELETON, Sending, portion_of, received, redacted
from hybridrag.ports import ChatProvider, Embedder
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.session import Session
from hybridrag.providers import Retry
from hybridrag.types import (
    Answer,
    Citation,
    Completion,
    Destination,
    Label,
    Outbound,
    Passage,
    Portion,
    SearchResult,
    Sentence,
)

NOTHING_FOUND = "The documents do not seem to answer this."
_WEAKEST = 0.15
"""Below this cosine between question and best passage nothing is offered as an answer."""


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


def extract(
    question: str, found: SearchResult, *, open_embedder: Callable[[], Embedder], texts_leave: bool = False
) -> Answer:
    """An answer made of the documents' own sentences, each with its citation. Needs no provider.

    `texts_leave` says that the embedding model is remote: it gets no sentence of what is labelled `local-only`.
    Otherwise nothing leaves.
    """
    started = time.perf_counter()
    passages, warnings = _allowed(passages_of(found.hits), local=not texts_leave)
    candidates = candidate_sentences(passages) if _promising(found) else []
    chosen = []
    if candidates:
        embedder = open_embedder()
        chosen = best_sentences(
            candidates,
            question,
            query=embedder.embed_query(question),
            vectors=embedder.embed_documents([candidate.context for candidate in candidates]),
        )
    cited: dict[UUID, list[Candidate]] = {}
    for candidate in chosen:
        cited.setdefault(chunk_at(candidate.passage, candidate.start, candidate.end).id, []).append(candidate)
    citations = tuple(
        Citation(
            marker=marker,
            chunk=chunk_around(candidates[0].passage, [(c.start, c.end) for c in candidates]),
            quote=" … ".join(c.text for c in candidates),
        )
        for marker, candidates in enumerate(cited.values(), start=1)
    )
    sentences = tuple(
        Sentence(text=" ".join(c.text.split()), markers=(marker,), supported=True)
        for marker, candidates in enumerate(cited.values(), start=1)
        for c in candidates
    )
    return Answer(
        question=question,
        text="\n".join(f"{s.text} [{s.markers[0]}]" for s in sentences) or NOTHING_FOUND,
        mode="extractive",
        sentences=sentences,
        citations=citations,
        abstained=not sentences,
        complete=True,
        warnings=warnings,
        provider=None,
        model=None,
        usage=None,
        redactions={},
        ledger_id=None,
        timings_ms=_timings(found, started=started),
    )


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
) -> Request | None:
    """The request that would be sent for these hits; None where there is nothing to answer from.

    The passages are reduced to what the question needs, and redacted unless `plain`, which only a local provider
    accepts. `known` tells what is known of them from their documents. `texts_leave` says that the embedding model is
    remote: what is labelled local-only is not shown to it, and so not reduced.

    Passages labelled `local-only` never reach a provider that is not local. Raises BlockedByPolicy where none remain.
    """
    local = provider.destination.local
    allowed, warnings = _allowed(passages_of(found.hits), local=local)
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
        question,
        spans=values,
        query=embedder.embed_query(question),
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
    )
    prompt, session = redacted(draft, gateway=gateway, plain=plain)
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


def complete(
    request: Request,
    found: SearchResult,
    *,
    gateway: Gateway,
    open_provider: Callable[[Callable[[Retry], None]], ChatProvider],
    on_text: Callable[[str], None],
    notify: Callable[[str], None],
) -> Answer:
    """Sends a request and returns the restored answer; `on_text` gets it as it streams.

    Every attempt is in the ledger before its first byte leaves. Raises ProviderError, with the attempt recorded as
    failed, where no whole answer came.
    """
    sending = Sending(gateway, seal=lambda: _seal(request, gateway, provider), notify=notify)
    provider = open_provider(sending.retried)
    started = time.perf_counter()
    first_token = 0.0
    restorer = request.session.restorer()
    raw: list[str] = []
    usage: Completion | None = None
    try:
        for event in provider.send(sending.begin()):
            if isinstance(event, Completion):
                usage = event
                continue
            first_token = first_token or (time.perf_counter() - started) * 1000
            raw.append(event)
            _emit(restorer.feed(event), on_text)
        _emit(restorer.flush(), on_text)
        if not "".join(raw).strip():
            raise ProviderError(
                f"the provider {provider.destination.provider} gave an empty answer", hint="ask again, or another model"
            )
    except BaseException as exc:
        sending.failed(exc, received=received(raw))
        raise
    sending.sent(received(raw))
    text, sentences, citations, warnings = resolve("".join(raw), request.passages, restore=request.session.restore)
    warnings = [*request.warnings, *warnings]
    unknown = len(restorer.unknown) + request.session.altered(text)
    if unknown:
        warnings.append(f"the answer holds {unknown} signs that stand for nothing; they were left as they are")
    cut = usage is not None and usage.finish_reason not in {None, "stop"}
    if cut and usage is not None:
        warnings.append(f"the provider ended the answer early ({usage.finish_reason})")
    return Answer(
        question=request.question,
        text=text,
        mode="provider",
        sentences=sentences,
        citations=citations,
        abstained=not citations,
        complete=not cut,
        warnings=tuple(warnings),
        provider=provider.destination.provider,
        model=provider.destination.model,
        usage=usage,
        redactions=dict(request.session.counts),
        ledger_id=sending.outbound.ledger_id,
        timings_ms=_timings(found, started=started, redact=request.redact_ms, first_token=first_token),
    )


def nothing_to_answer_from(question: str, found: SearchResult) -> Answer:
    """The answer where the search found nothing: no provider is asked."""
    return Answer(
        question=question,
        text=NOTHING_FOUND,
        mode="provider",
        sentences=(),
        citations=(),
        abstained=True,
        complete=True,
        warnings=(),
        provider=None,
        model=None,
        usage=None,
        redactions={},
        ledger_id=None,
        timings_ms=_timings(found, started=time.perf_counter()),
    )


def _allowed(passages: Sequence[Passage], *, local: bool) -> tuple[Sequence[Passage], tuple[str, ...]]:
    """The passages that may be sent, all of them where that is `local`, and what is to be said of the others."""
    allowed = [passage for passage in passages if local or passage.chunk.document.label is not Label.LOCAL_ONLY]
    left = len(passages) - len(allowed)
    if not left:
        return allowed, ()
    return allowed, (f"{left} of {len(passages)} passages are labelled local-only and were left out",)


def _timings(found: SearchResult, *, started: float, redact: float = 0.0, first_token: float = 0.0) -> dict[str, float]:
    """Milliseconds: `first_token` counts from the sending, `total` everything since the search began."""
    retrieve = found.timings_ms["total"]
    total = retrieve + redact + (time.perf_counter() - started) * 1000
    return {
        "retrieve": retrieve,
        "redact": redact,
        "first_token": round(first_token, 2),
        "total": round(total, 2),
    }


def _characters(policy: Policy, *, local: bool) -> dict[Label, int]:
    """How much of the passages a request may hold, by label; a local provider may have of all what it may of any."""
    bounds = {label: policy.reduction(label).characters for label in Label}
    return dict.fromkeys(Label, max(bounds.values())) if local else bounds


def _seal(request: Request, gateway: Gateway, provider: ChatProvider) -> Outbound:
    return gateway.seal(
        request.body,
        provider.destination,
        request.session,
        collection=request.collection,
        portions=request.portions,
        chunks=request.chunks,
        skeleton=request.skeleton,
    )


def _emit(text: str, on_text: Callable[[str], None]) -> None:
    if text:
        on_text(text)


def _promising(found: SearchResult) -> bool:
    dense = [hit.arms["dense"].score for hit in found.hits if "dense" in hit.arms]
    return bool(found.hits) and (not dense or max(dense) >= _WEAKEST)
