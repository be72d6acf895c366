"""One request through its attempts: each is in the ledger before its first byte leaves, and so is how it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

from hybridrag.errors import HybridragError
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.privacy.session import Session
from hybridrag.providers import AnswerServer, Retry
from hybridrag.types import REPLY, DocumentRef, Draft, Message, Outbound, Portion, Prompt, Usage

SKELETON = Prompt((Message("system", ""), Message("user", ""), Message("assistant", "")))
"""A request that says nothing: what it holds once it is encoded, every request holds."""


class Reserved(Protocol):
    """What a request may cost, taken from a budget before it leaves. Neither end of it raises."""

    def settle(self, usage: Usage | None) -> None:
        """Charges what it did cost."""

    def failed(self, error: BaseException, *, replied: bool) -> None:
        """Charges what a request that failed may have cost."""


class Sending:
    """The record of one request. `seal` makes it ready to be sent once more, `reserve` takes what it may cost from the
    budget, and `notify` shows a line to the user."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        seal: Callable[[], Outbound],
        notify: Callable[[str], None],
        reserve: Callable[[], Reserved] | None = None,
    ) -> None:
        self._gateway = gateway
        self._seal = seal
        self._reserve = reserve
        self._notify = notify
        self._outbound: Outbound | None = None
        self._reserved: Reserved | None = None

    @property
    def outbound(self) -> Outbound:
        assert self._outbound is not None  # sealed before anything is sent
        return self._outbound

    def begin(self) -> Outbound:
        """Opens the record of an attempt. Raises BlockedByPolicy or BudgetSpent where it may not be made."""
        if self._reserved is None and self._reserve is not None:
            self._reserved = self._reserve()
        self._outbound = self._seal()
        return self._outbound

    def retried(self, retry: Retry) -> None:
        """Called before each further attempt: closes the record of the last one and opens the next."""
        self._gateway.settle(self.outbound, "retried", detail=retry.reason)
        self._outbound = None
        self._notify(f"{retry.reason}; trying again in {max(1, round(retry.wait))} s")
        self.begin()

    def sent(self, received: bytes, *, usage: Usage | None = None) -> None:
        """Closes the record: there was an answer."""
        self._settle("sent", received)
        if self._reserved is not None:
            self._reserved.settle(usage)

    def failed(self, error: BaseException, *, received: bytes = b"") -> None:
        """Closes the record, if one was opened: there was no answer, or no whole one."""
        if self._reserved is not None:
            self._reserved.failed(error, replied=bool(received))
        if self._outbound is not None:
            told = type(error).__name__ if isinstance(error, HybridragError) else "interrupted"
            self._settle("failed", received, detail=told)

    def _settle(self, outcome: str, received: bytes, *, detail: str = "") -> None:
        digest = hashlib.sha256(received).hexdigest() if received else None
        self._gateway.settle(self.outbound, outcome, response_sha256=digest, detail=detail)


def redacted(
    draft: Draft,
    *,
    gateway: Gateway,
    plain: bool,
    previous: Pseudonyms | None = None,
    max_tokens: int = REPLY,
) -> tuple[Prompt, Session]:
    """A prompt as it may be sent, and the session that restores its reply. It is redacted unless `plain`.

    Each message is redacted as a whole, as it will stand in the request: a seam could hide a value. `previous` is the
    map of the turn before, and `max_tokens` bounds the reply.
    """
    session = gateway.open([pieces for _, pieces in draft.messages], plain=plain, previous=previous)
    messages = tuple(Message(role, session.redact(pieces).text) for role, pieces in draft.messages)
    return Prompt(messages, max_tokens=max_tokens), session


def portion_of(document: DocumentRef, text: str) -> Portion:
    """What a request takes from a document, where `text` is all of it."""
    return Portion(document.uri, document.label, len(text))


def received(pieces: Sequence[str]) -> bytes:
    """What came of a reply, as its record tells it."""
    return "".join(pieces).encode("utf-8", "replace")


def send_texts(
    body: bytes,
    *,
    texts: int,
    server: AnswerServer,
    gateway: Gateway,
    collection: str,
    notify: Callable[[str], None],
    purpose: str = "embedding",
) -> bytes:
    """Sends a request to embed or rerank `texts` texts and returns the answer's body.

    Raises BlockedByPolicy where they may not leave, and ProviderError, with the attempt recorded as failed, where no
    answer came.
    """
    sending = Sending(
        gateway,
        seal=lambda: gateway.seal_texts(body, server.destination, collection=collection, texts=texts, purpose=purpose),
        notify=notify,
    )
    outbound = sending.begin()
    try:
        answer = server.send(outbound, on_retry=sending.retried)
    except BaseException as exc:
        sending.failed(exc)
        raise
    sending.sent(answer)
    return answer
