"""Providers as people look at them: what is known of one, and whether it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hybridrag.errors import ProviderError
from hybridrag.flows.exchange import Exchange
from hybridrag.flows.sending import SKELETON, redacted
from hybridrag.flows.spending import Spending
from hybridrag.ports import ChatProvider
from hybridrag.privacy.gateway import Gateway
from hybridrag.providers import ModelFacts, Preset, Retry
from hybridrag.types import ChatModel, Destination, Draft, Label, Outbound, Piece, Usage

QUESTION = "Write the numbers from one to twenty as English words, with a space between them and nothing else."
"""Asked to see whether a provider answers. Nothing of a document is in it."""
MOST_REPLY = 600
"""Tokens: the words, and what a model may think before it writes them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a provider. `origins` tells by a fact's name where it is from.

    `model` is empty where the user must choose. `retention` is what `keeps_nothing` rests on, as the end of a sentence,
    and `kept` says it in a few words. `format` is the wire format. `source` and `checked` tell where and when (ISO
    8601) the preset's address was read, and `facts` what it says of the model; empty and None for the user's own.
    `problem` is why it cannot be used.
    """

    name: str
    base_url: str
    key_variable: str
    key_set: bool
    model: str
    chat_model: ChatModel
    local: bool
    keeps_nothing: bool
    retention: str
    kept: str
    format: str = "openai"
    facts: ModelFacts | None = None
    source: str = ""
    checked: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """How a provider answered. Times are in milliseconds from the request on; `tokens_per_second` counts from there
    too, what a model thought included, and is None where tokens were only estimated."""

    provider: str
    model: str
    url: str
    local: bool
    reply: str
    first_token_ms: float
    total_ms: float
    tokens_per_second: float | None
    usage: Usage
    complete: bool
    ledger_id: str


def kept_in_short(destination: Destination | None, known: Preset | None, *, own: bool | None) -> str:
    """What a provider keeps of requests, in a few words. `own` is what the user's file says of that."""
    if own is not None:
        return f"{'keeps nothing' if own else 'keeps requests'}, you say"
    if destination is not None and destination.local:
        return "requests stay with you"
    if known is None or destination is None or not known.owns(destination.url):
        return "not known what it keeps"
    if known.retention.zero == "yes" and not destination.zero_retention:
        return "may keep requests to this model"
    return _SHORT[known.retention.zero]


def try_provider(
    *,
    gateway: Gateway,
    open_provider: Callable[[Callable[[Retry], None]], ChatProvider],
    spending: Spending,
    plain: bool,
    notify: Callable[[str], None],
) -> Tried:
    """Asks a provider for a few words: redacted, in the ledger, under the budget, as any request is.

    Raises ProviderError where no answer came, and what the gateway and the budget raise; then nothing was sent.
    """
    exchange = Exchange(open_provider, gateway=gateway, spending=spending, notify=notify)
    provider = exchange.provider
    draft = Draft((("user", (Piece(QUESTION, Label.PUBLIC, ours=True),)),))
    prompt, session = redacted(draft, gateway=gateway, plain=plain, max_tokens=MOST_REPLY)

    def sealed() -> Outbound:
        return gateway.seal(
            provider.encode(prompt),
            provider.destination,
            session,
            collection="",
            portions=[],
            chunks=[],
            skeleton=provider.encode(SKELETON),
        )

    reply = exchange.run(prompt, seal=sealed)
    reason = reply.ended.finish_reason
    if not reply.text.strip():
        raise ProviderError(
            f"{provider.destination.provider} answered, with no text in it ({reason or 'no reason given'})",
            hint="a model may have thought for longer than the test allows; try another with --llm",
        )
    exact = reply.usage.counted != "estimate"
    return Tried(
        provider=provider.destination.provider,
        model=provider.destination.model,
        url=provider.destination.url,
        local=provider.destination.local,
        reply=reply.text,
        first_token_ms=round(reply.first_token_ms, 1),
        total_ms=round(reply.total_ms, 1),
        tokens_per_second=round(reply.usage.completion_tokens / reply.total_ms * 1000, 1) if exact else None,
        usage=reply.usage,
        complete=reason in {None, "stop"},
        ledger_id=reply.ledger_id,
    )


_SHORT = {
    "yes": "keeps nothing",
    "optional": "keeps requests until you switch that off",
    "no": "keeps requests",
    "not stated": "does not say what it keeps",
}
