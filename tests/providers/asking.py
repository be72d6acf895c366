"""A provider with time and luck under the test's control, and a question for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hybridrag.providers import HttpChat, OpenAICompatible, Retry, Secret, Timeouts
from hybridrag.types import Completion, Message, Outbound, Prompt

KEY = "sk-test-4b1f8a77c0ffee"
NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
PROMPT = Prompt((Message("system", "Answer from the passages."), Message("user", "How long is parental leave?")))
PATIENT = Timeouts(connect=10, read=30, total=None)
HASTY = Timeouts(connect=10, read=0.05, total=None)
"""For a server that says nothing at all: as short as can be, since silence is certain."""
WATCHFUL = Timeouts(connect=10, read=1, total=None)
"""For a server that says something and then nothing more: long enough for the something on a busy machine."""


@dataclass
class Client:
    """A provider, and what it did besides sending."""

    provider: HttpChat
    retries: list[Retry] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def outbound(self, prompt: Prompt = PROMPT) -> Outbound:
        return Outbound(self.provider.encode(prompt), self.provider.destination, ledger_id="1")

    def send(self, prompt: Prompt = PROMPT) -> Iterator[str | Completion]:
        return self.provider.send(self.outbound(prompt))

    def ask(self, prompt: Prompt = PROMPT) -> tuple[str, Completion]:
        """The whole text, and how it ended."""
        *texts, completion = self.send(prompt)
        assert isinstance(completion, Completion)
        return "".join(text for text in texts if isinstance(text, str)), completion


def client(base_url: str, kind: Callable[..., HttpChat] = OpenAICompatible, **changes: Any) -> Client:
    """A client named `fireworks` with a key, no time limits, waits that are noted in place of slept, and no jitter.

    It speaks OpenAI's format unless `kind` says otherwise.
    """
    retries: list[Retry] = []
    waits: list[float] = []
    arguments: dict[str, Any] = {
        "name": "fireworks",
        "base_url": base_url,
        "model": "test-model",
        "key": Secret(KEY, origin="FIREWORKS_API_KEY"),
        "local": False,
        "timeouts": PATIENT,
        "on_retry": retries.append,
        "sleep": waits.append,
        "chance": lambda: 0.5,
        "now": lambda: NOON,
    }
    return Client(kind(**(arguments | changes)), retries, waits)
