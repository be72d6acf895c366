"""What `doctor` looks at of the way out: policy, detectors, key, ledger, provider, and a text that goes through it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hybridrag.errors import BlockedByPolicy

if TYPE_CHECKING:
    from hybridrag.privacy.policy import Policy
    from hybridrag.types import Label
    from hybridrag.wiring import Wiring
    from hybridrag.wiring.provider import ChosenProvider

_WHOLE = 16 << 20
"""Bytes of a ledger that is verified whole, in about a second; of a larger one the end."""
_SAMPLE = (
    ("EMAIL", "ada@example.com"),
    ("PHONE", "+44 20 7946 0958"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32"),
    ("CARD", "4111 1111 1111 1111"),
    ("SECRET", "kR7vX2mQ9tLw"),
)
"""Values from the documentation of their formats; the number is of the range that Ofcom keeps for fiction."""


class PrivacyProbes:
    """Each method tells what it found well, raises a Concern, or fails with a HybridragError."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def all(self) -> list[tuple[str, Callable[[], str]]]:
        names = ("policy", "detectors", "key", "ledger", "provider", "gateway")
        return [(name, getattr(self, name)) for name in names]

    def policy(self) -> str:
        from hybridrag.flows.doctor import Concern
        from hybridrag.privacy.policy_layers import layers_of

        settings = self._wiring.settings
        policy = self._wiring.privacy.policy
        origins = ", ".join(layer.origin for layer in layers_of(settings))
        told = "; ".join([f"from {origins}" if origins else "the defaults", *_required(policy)])
        if policy.require_ner and not settings.privacy_names_model:
            raise Concern(
                f"{told}. There is none, so nothing is sent", "set [privacy] names_model: docs/detectors.md tells how"
            )
        return told

    def detectors(self) -> str:
        """Loads them all, a names model too."""
        settings = self._wiring.settings
        found = self._wiring.privacy.detectors
        parts = [
            f"{len(found.for_label(strict=False))} for every text, {len(found.strict)} more where the policy is strict"
        ]
        parts.append(f"names model {settings.privacy_names_model}" if found.has_names_model else "no names model")
        if settings.privacy_dictionaries:
            parts.append(f"dictionaries {', '.join(settings.privacy_dictionaries)}")
        denied = len(settings.privacy_deny) + len(settings.privacy_deny_patterns)
        return "; ".join(parts + ([f"{denied} denied terms and patterns"] if denied else []))

    def key(self) -> str:
        from hybridrag.flows.doctor import Concern
        from hybridrag.privacy.keys import existing_key

        folder = self._wiring.settings.paths.data
        path = folder / "key"
        if existing_key(path) is None:
            return f"none yet: {path} is made when it is first needed"
        if stat.S_IMODE(folder.stat().st_mode) & 0o022:
            raise Concern(f"other users can write to {folder}, where key and ledger lie", f"chmod go-w {folder}")
        return f"{path} is readable by you alone; back it up together with the ledger"

    def ledger(self) -> str:
        from hybridrag.flows.ledger import Book

        settings = self._wiring.settings
        book = Book(settings.paths.data)
        days = settings.ledger_retention_days
        kept = f"kept for {days} days" if days else "kept for ever"
        if self._wiring.privacy.policy.keep_payload:
            kept += ", with the requests"
        if not book.begun:
            return f"nothing has left yet; entries are {kept}"
        if book.path.exists() and book.path.stat().st_size > _WHOLE:
            book.entries(count=1)
            if book.faults:
                raise _broken(f"the end of {book.path} is not as it was written")
            size = book.path.stat().st_size >> 20
            return f"its end is sound, {kept}; `hybridrag ledger verify` reads all {size} MB of it"
        found = book.verify()
        if not found.ok:
            raise _broken(f"{book.path} is not as it was written: {found.problems[0]}")
        requests = "1 request" if found.requests == 1 else f"{found.requests:,} requests"
        return f"sound: {requests}, {kept}; head {found.head.seq}:{found.head.mac[:8]}..."

    def provider(self) -> str:
        """The chosen one, and those that are asked where it fails: each must be ready before it is needed."""
        provider = self._wiring.provider
        told = [self._ready(provider.named(name)) for name in provider.order()]
        return "; then ".join(told) or "none chosen: answers are extractive and local"

    def _ready(self, provider: ChosenProvider) -> str:
        from hybridrag.privacy.policy import retention_problem

        chosen = provider.destination()
        told = f"{chosen.provider}, {chosen.model}"
        if chosen.local:
            return f"{told}, local, {'plain text' if provider.plain else 'redacted all the same'}"
        problem = retention_problem(
            self._wiring.privacy.policy,
            provider=chosen.provider,
            local=chosen.local,
            zero_retention=chosen.zero_retention,
            stated=chosen.retention,
        )
        if problem is not None:
            raise BlockedByPolicy(
                f"{told}: {problem}",
                hint=f"set [providers.{chosen.provider}] zdr = true if it is agreed with them, or choose another",
            )
        keeps = "keeps nothing" if chosen.zero_retention else "may keep what it gets"
        return f"{told}, remote, redacted; {keeps}: {chosen.retention}"

    def gateway(self) -> str:
        """Sends a text through, as it would be for a provider, and its marks back."""
        from hybridrag.types import Label

        text = "\n".join(f"{'password' if kind == 'SECRET' else kind} = {value}" for kind, value in _SAMPLE)
        session = self._wiring.gateway.open([text])
        redacted = session.redact(text)
        left = [kind for kind, value in self._guarded(Label.INTERNAL) if value in redacted.text]
        wanted, end = "", 0
        for each in redacted.replacements:
            span = each.span
            back = each.action in {"allow", "pseudonymise"}
            wanted += text[end : span.start] + (text[span.start : span.end] if back else each.text)
            end = span.end
        if left or session.restore(redacted.text) != wanted + text[end:]:
            what = f"lets through {', '.join(left)}" if left else "does not give back what it took out"
            raise BlockedByPolicy(f"the gateway {what}", hint="report this; do not use a provider")
        return f"redacts and gives back, and records to {self._wiring.settings.paths.data / 'ledger.jsonl'}"

    def _guarded(self, label: Label) -> Iterator[tuple[str, str]]:
        """The values of the sample that may not be readable under `label`."""
        policy = self._wiring.privacy.policy
        return ((kind, value) for kind, value in _SAMPLE if policy.action(kind, label) != "allow")


def _required(policy: Policy) -> Iterator[str]:
    """What a policy asks for beyond redaction, in words."""
    if policy.require_zdr:
        yield "requires zero data retention"
    if policy.require_ner:
        yield "requires a names model"
    bounds = {"a document": policy.budgets.document, "all documents": policy.budgets.day}
    for what, characters in bounds.items():
        if characters is not None:
            yield f"{characters:,} characters of {what} a day"


def _broken(what: str) -> BlockedByPolicy:
    return BlockedByPolicy(
        what,
        hint="nothing is sent. `hybridrag ledger verify` tells all; keep it as evidence, and move ledger.jsonl and "
        "ledger.head aside to begin a new one",
    )
