"""One request to one provider and its reply: recorded, paid for, and timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hybridrag.flows.sending import Sending, received
from hybridrag.flows.spending import Spending
from hybridrag.ports import ChatProvider
from hybridrag.privacy.gateway import Gateway
from hybridrag.providers import Retry
from hybridrag.providers.tokens import usage_of
from hybridrag.types import Completion, Outbound, Prompt, Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, as it was sent: signs of redaction stand in it. Milliseconds count from the sending on."""

    text: str
    ended: Completion
    usage: Usage
    first_token_ms: float
    total_ms: float
    ledger_id: str


class Exchange:
    """Opens a provider, and asks it once. Every attempt is in the ledger before its first byte leaves."""

    def __init__(
        self,
        open_provider: Callable[[Callable[[Retry], None]], ChatProvider],
        *,
        gateway: Gateway,
        spending: Spending,
        notify: Callable[[str], None],
    ) -> None:
        self.provider = open_provider(self._retried)
        self._gateway = gateway
        self._spending = spending
        self._notify = notify
        self._sending: Sending | None = None

    def run(
        self, prompt: Prompt, *, seal: Callable[[], Outbound], on_text: Callable[[str], None] = lambda _: None
    ) -> Reply:
        """Sends what `seal` makes of the prompt; `on_text` gets the reply as it comes.

        Raises ProviderError, with the attempt recorded as failed, where no whole reply came, and what the gateway and
        the budget raise; then nothing was sent.
        """
        provider = self.provider
        self._sending = sending = Sending(
            self._gateway,
            seal=seal,
            reserve=lambda: self._spending.reserve(
                provider.destination, model=provider.chat_model, prompt=prompt.texts, max_tokens=prompt.max_tokens
            ),
            notify=self._notify,
        )
        pieces: list[str] = []
        ended = Completion(None, None, None)
        first = 0.0
        started = time.perf_counter()
        try:
            for event in provider.send(sending.begin()):
                if isinstance(event, Completion):
                    ended = event
                    continue
                first = first or time.perf_counter() - started
                pieces.append(event)
                on_text(event)
        except BaseException as exc:
            sending.failed(exc, received=received(pieces))
            raise
        total, text = time.perf_counter() - started, "".join(pieces)
        usage = usage_of(
            ended, destination=provider.destination, model=provider.chat_model, prompt=prompt.texts, reply=text
        )
        sending.sent(received(pieces), usage=usage)
        return Reply(text, ended, usage, first * 1000, total * 1000, sending.outbound.ledger_id)

    def _retried(self, retry: Retry) -> None:
        assert self._sending is not None  # nothing is sent before its record is opened
        self._sending.retried(retry)
