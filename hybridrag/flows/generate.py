"""Questions made from a collection's own chunks: without a model, or by a chat model behind the privacy gateway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridrag.answering.sentences import sentence_spans
from hybridrag.errors import BlockedByPolicy, ProviderError, UsageError
from hybridrag.evaluation.generated import GeneratedQuestion, Material
from hybridrag.evaluation.pseudo_questions import Made, promising, pseudo_questions
from hybridrag.evaluation.question_request import MOST_REPLY, SYSTEM, question_of_reply, question_prompt
from hybridrag.flows.known import Known
from hybridrag.flows.sending import SKELETON, Sending, portion_of, received, redacted
from hybridrag.flows.spending import Spending
from hybridrag.ports import ChatProvider
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.session import Session
from hybridrag.providers import Retry
from hybridrag.providers.tokens import usage_of
from hybridrag.retrieval.analysis import analyser_of, document_terms
from hybridrag.types import Collection, Completion, Filter, Label, Passage, Prompt

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore

_LEAST_SAMPLE = 2_000
"""Chunks that tell which words are common. Also what is looked at for a few questions, since many chunks give none."""
_CHUNKS_PER_QUESTION = 4
_BLOCKED_AT_ONCE = 5
"""Requests refused one after another: then it is no single passage, and going on would not help."""
_FRAME_TOKENS = len(SYSTEM) // 4 + 60
"""Tokens of a request besides its passage, about."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Chunks of a collection, spread over its documents."""

    collection: Collection
    materials: tuple[Material, ...]

    @property
    def documents(self) -> int:
        return len({material.chunk.document.id for material in self.materials})


def draw(store: PostgresStore, collection: str, *, count: int, seed: int, wanted: Filter | None) -> Sample:
    """A sample large enough for `count` questions. Raises UsageError where there is no chunk to ask about."""
    from hybridrag.store.sampling import sample_chunks

    with store.snapshot(collection) as snapshot:
        most = max(_LEAST_SAMPLE, _CHUNKS_PER_QUESTION * count)
        found = sample_chunks(snapshot, most=most, seed=seed, wanted=wanted or None)
    if not found and wanted:
        raise UsageError(
            f"no document of the collection {collection} passes --filter",
            hint="`hybridrag documents list` shows what there is",
        )
    if not found:
        raise UsageError(
            f"the collection {collection} is empty: there is nothing to ask about",
            hint=f"fill it first: hybridrag ingest -c {collection} PATH",
        )
    return Sample(snapshot.collection, tuple(Material(row.chunk, row.language, row.sources) for row in found))


def made_locally(sample: Sample, *, count: int) -> Made:
    """Questions made without a model; nothing leaves this machine. Raises UsageError where none can be made."""

    def terms(text: str, language: str | None) -> Mapping[str, int]:
        return document_terms(text, analyser_of(language, sample.collection.text_search))

    made = pseudo_questions(sample.materials, count=count, terms=terms, sentences=sentence_spans)
    if not made.questions:
        raise UsageError(
            f"no question could be made from {len(sample.materials)} chunks: {counted(made.dropped)}",
            hint="ingest more text, or have a chat model write the questions: --provider NAME",
        )
    return made


def counted(reasons: Counter[str]) -> str:
    """Reasons with how often each was met, most first."""
    return ", ".join(f"{reason} ({number})" for reason, number in reasons.most_common()) or "they are too alike"


# --- by a chat model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent: one request for each of `materials`; `left_out` chunks are labelled `local-only`."""

    materials: tuple[Material, ...]
    left_out: int

    @property
    def tokens(self) -> int:
        """About how many tokens the requests hold, by the embedding model's count."""
        return sum(material.chunk.tokens + _FRAME_TOKENS for material in self.materials)


@dataclass(slots=True)
class Tally:
    """What a run has done so far."""

    requests: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0


def plan(sample: Sample, *, count: int, local: bool) -> Plan:
    """At most `count` requests. What is labelled `local-only` goes only to a provider that is local.

    Raises BlockedByPolicy where nothing remains.
    """
    allowed = [m for m in sample.materials if local or m.chunk.document.label is not Label.LOCAL_ONLY]
    if not allowed:
        raise BlockedByPolicy(
            "every chunk is labelled local-only; nothing was sent",
            hint="leave --provider out to make the questions on this machine, or use a local provider",
        )
    chosen = promising(allowed, sentence_spans)[:count]
    return Plan(tuple(chosen), left_out=len(sample.materials) - len(allowed))


class Asking:
    """Asks a provider for one question after the other. `tally` tells how far it is, also after an error."""

    def __init__(
        self,
        *,
        collection: str,
        gateway: Gateway,
        open_provider: Callable[[Callable[[Retry], None]], ChatProvider],
        plain: bool,
        known: Known,
        spending: Spending,
        notify: Callable[[str], None],
    ) -> None:
        """`known` tells what is known of chunks from their documents. `plain` sends texts as they are, which only a
        provider at an address that the user listed may get."""
        self.tally = Tally()
        self._collection = collection
        self._gateway = gateway
        self._provider = open_provider(self._retried)
        self._plain = plain
        self._known = known
        self._spending = spending
        self._notify = notify
        self._sending: Sending | None = None

    def questions(self, materials: Sequence[Material]) -> Iterator[GeneratedQuestion]:
        """The questions as they come. What cannot be used, and what the gateway refuses, is counted and passed over.

        Every request is in the ledger before it leaves. Raises ProviderError where the provider fails, and
        BlockedByPolicy where one request after another is refused, or all.
        """
        asked: set[str] = set()
        refused = 0
        for material in materials:
            try:
                request = self._prepared(material)
            except BlockedByPolicy:
                refused += 1
                self.tally.skipped["refused by the privacy gateway"] += 1
                if refused == _BLOCKED_AT_ONCE or refused == len(materials):
                    raise
                continue
            refused = 0
            reply, ended = self._exchange(request)
            question = _taken(reply, ended, request, model=self._provider.destination.model)
            if isinstance(question, GeneratedQuestion) and question.question.casefold() in asked:
                question = "asked before"
            if isinstance(question, str):
                self.tally.skipped[question] += 1
            else:
                asked.add(question.question.casefold())
                yield question
        if not asked:
            reasons = counted(self.tally.skipped)
            raise ProviderError(
                f"none of {self.tally.requests} replies holds a question that can be used: {reasons}",
                hint="try another model with --llm",
            )

    def _prepared(self, material: Material) -> _Request:
        """The request, with its record opened. Raises BlockedByPolicy where it may not be sent."""
        gateway, provider = self._gateway, self._provider
        passage = Passage(marker=1, chunk=material.chunk, text=material.chunk.text)
        values = () if self._plain else self._known([passage])[1]
        written = question_prompt(material, boundary=gateway.boundary([material.text]), known=values)
        prompt, session = redacted(written, gateway=gateway, plain=self._plain)
        body = provider.encode(prompt)
        self._sending = sending = Sending(
            gateway,
            seal=lambda: gateway.seal(
                body,
                provider.destination,
                session,
                collection=self._collection,
                portions=[portion_of(material.chunk.document, material.chunk.text)],
                chunks=[str(material.chunk.id)],
                skeleton=provider.encode(SKELETON),
            ),
            reserve=lambda: self._spending.reserve(
                provider.destination, model=provider.chat_model, prompt=prompt.texts, max_tokens=prompt.max_tokens
            ),
            notify=self._notify,
        )
        sending.begin()
        return _Request(material, prompt, session, sending)

    def _exchange(self, request: _Request) -> tuple[str, Completion | None]:
        """What the provider replied, as much of it as is read, and how it ended."""
        self.tally.requests += 1
        self.tally.redactions.update(request.session.counts)
        pieces: list[str] = []
        length = 0
        ended: Completion | None = None
        try:
            for event in self._provider.send(request.sending.outbound):
                if isinstance(event, Completion):
                    ended = event
                    continue
                pieces.append(event)
                length += len(event)
                if length > MOST_REPLY:
                    break
        except BaseException as exc:
            request.sending.failed(exc, received=received(pieces))
            raise
        usage = usage_of(
            ended,
            destination=self._provider.destination,
            model=self._provider.chat_model,
            prompt=request.prompt.texts,
            reply="".join(pieces),
        )
        request.sending.sent(received(pieces), usage=usage)
        if ended is not None:
            self.tally.prompt_tokens += ended.prompt_tokens or 0
            self.tally.completion_tokens += ended.completion_tokens or 0
        return "".join(pieces), ended

    def _retried(self, retry: Retry) -> None:
        assert self._sending is not None  # nothing is sent before its record is opened
        self._sending.retried(retry)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request on its way: its chunk, its words, the session that can restore its reply, and its record."""

    material: Material
    prompt: Prompt
    session: Session
    sending: Sending


def _taken(reply: str, ended: Completion | None, request: _Request, *, model: str) -> GeneratedQuestion | str:
    """The question of a reply, or why there is none."""
    if len(reply) > MOST_REPLY:
        return "the reply is far too long"
    if ended is not None and ended.finish_reason not in {None, "stop"}:
        return "the reply was cut off"
    return question_of_reply(reply, request.material, restore=request.session.restore, model=model)
