"""The only way out. Texts are redacted, the encoded request is checked again and sealed, and the ledger knows first."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hybridrag.errors import BlockedByPolicy, HybridragError
from hybridrag.ports import Detector, Ledger
from hybridrag.privacy.keys import derived, document_hash
from hybridrag.privacy.payload import decoded_strings
from hybridrag.privacy.policy import Policy, retention_problem
from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.privacy.scanning import fail_closed, scan
from hybridrag.privacy.session import Session, Text
from hybridrag.privacy.vault import Vault
from hybridrag.types import Destination, Label, Limits, Outbound, Portion

_OUTCOMES = frozenset({"sent", "failed", "retried"})


class Gateway:
    """Redacts, seals and records. Every failure on the way blocks: there is no path around a check that broke."""

    def __init__(
        self,
        *,
        detectors: Sequence[Detector],
        ledger: Ledger,
        key: bytes,
        added: Sequence[Detector] = (),
        strict: Sequence[Detector] = (),
        policy: Policy | None = None,
        names_model: bool = False,
        remote_embedding: bool = False,
    ) -> None:
        """`added` are the user's own, `strict` search where the policy is strict (see `Session`); `names_model` says
        that some detector is a model.

        `remote_embedding` says that the user lets texts be embedded on machines that are not local.
        """
        self._detectors = tuple(detectors)
        self._added = tuple(added)
        self._strict = tuple(strict)
        self._policy = policy or Policy()
        self._names_model = names_model
        with fail_closed("reading the policy"):
            names = [f"{detector.name} {detector.version}" for detector in self._all]
            self._fingerprint = hashlib.sha256("\n".join([self._policy.fingerprint, *names]).encode()).hexdigest()
        self._ledger = ledger
        self._remote_embedding = remote_embedding
        self._key = key
        self._nonce_key = derived(key, "pseudonyms")
        self._boundary_key = derived(key, "boundaries")

    @property
    def _all(self) -> tuple[Detector, ...]:
        return (*self._detectors, *self._added, *self._strict)

    @property
    def policy(self) -> Policy:
        return self._policy

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over what decides the redaction: the policy, names and versions of the detectors."""
        return self._fingerprint

    def open(self, texts: Sequence[Text], *, plain: bool = False, previous: Pseudonyms | None = None) -> Session:
        """A session for a request made of `texts` (all of them: prompt, history, question, passages, titles).

        `plain` is for destinations that are local: nothing is replaced, and only local destinations accept the result.
        `previous` is the map of the turn before, in a conversation: its values keep their pseudonyms.
        Raises BlockedByPolicy if a detector fails.
        """
        return Session(
            texts,
            detectors=self._detectors,
            added=self._added,
            strict=self._strict,
            policy=self._policy,
            key=self._nonce_key,
            plain=plain,
            previous=previous,
        )

    def keep(self, pseudonyms: Pseudonyms, context: str) -> bytes:
        """A conversation's map, encrypted with the local key for a file. It opens again for the same `context` only."""
        return self._vault.seal(json.dumps(pseudonyms.state()).encode(), context.encode())

    def kept(self, sealed: bytes, context: str) -> Pseudonyms:
        """The map that was kept. Raises BlockedByPolicy for another key or context, and for anything changed."""
        with fail_closed("opening a saved conversation"):
            return Pseudonyms.of_state(json.loads(self._vault.open(sealed, context.encode())), key=self._nonce_key)

    def seal(
        self,
        body: bytes,
        destination: Destination,
        session: Session,
        *,
        collection: str,
        portions: Sequence[Portion],
        chunks: Sequence[str],
        skeleton: bytes = b"{}",
    ) -> Outbound:
        """The request, ready to be sent once: seal again for a retry or another provider.

        Checks every decoded string of `body` with every detector and for every value of the session, then records the
        intent. Strings that an empty request (`skeleton`) has too are the protocol's words and tell nothing.

        Raises BlockedByPolicy, after recording that too, if anything is left that may not leave, a detector or the
        ledger fails, or `body` is not JSON; and BudgetSpent if what may leave of a document, or today, has left.
        """
        facts: dict[str, object] = {
            "collection": collection,
            "label": Label.strictest(*session.labels).value if session.labels else Label.PUBLIC.value,
            "documents": [self._hashed(portion.uri) for portion in portions],
            "shares": dict(self._shares(portions)),
            "chunks": list(chunks),
            "policy": self._fingerprint,
            "entities": {},
            "rules": dict(sorted(session.rules.items())),
            "plain": session.plain,
        }
        try:
            with fail_closed("checking the request"):
                strings = _said(body, skeleton)
                facts["entities"] = dict(sorted(session.marks(text for _, text in strings).items()))
                refusal = self._refusal(strings, session, destination, portions)
        except BlockedByPolicy:
            self._record_block(body, destination, facts, {"reason": "a check failed"})
            raise
        if refusal is not None:
            self._record_block(body, destination, facts, refusal.facts)
            raise BlockedByPolicy(refusal.message, hint=refusal.hint)
        limits = Limits() if session.plain else self._limits(portions)
        return Outbound(body=body, destination=destination, ledger_id=self._intent(destination, body, facts, limits))

    def check(
        self, body: bytes, destination: Destination, session: Session, *, portions: Sequence[Portion], skeleton: bytes
    ) -> None:
        """Raises BlockedByPolicy where `seal` would, budgets aside. Nothing is recorded."""
        with fail_closed("checking the request"):
            refusal = self._refusal(_said(body, skeleton), session, destination, portions)
        if refusal is not None:
            raise BlockedByPolicy(refusal.message, hint=refusal.hint)

    def seal_texts(
        self, body: bytes, destination: Destination, *, collection: str, texts: int, purpose: str = "embedding"
    ) -> Outbound:
        """A request to an embedding or rerank endpoint, ready to be sent once: raw texts, since redacted ones would
        find nothing. `texts` is how many there are, `purpose` what the ledger says of it.

        Raises BlockedByPolicy, after recording that, where the destination is not local and the user did not allow
        that, and where the ledger fails.
        """
        facts: dict[str, object] = {"purpose": purpose, "collection": collection, "texts": texts, "plain": True}
        if not destination.local and not self._remote_embedding:
            self._record_block(body, destination, facts, {"reason": "remote embedding is not allowed"})
            raise BlockedByPolicy(
                f"{destination.provider} at {destination.url} is not local, and would be sent the documents' raw text; "
                "nothing was sent.",
                hint="If that is meant, set allow_remote_embedding = true in your own settings file (`hybridrag config "
                "path`). An address of your own network can be listed in local_addresses instead.",
            )
        kept = self._kept_there(destination)
        if kept is not None:
            self._record_block(body, destination, facts, kept.facts)
            raise BlockedByPolicy(kept.message, hint=kept.hint)
        return Outbound(body=body, destination=destination, ledger_id=self._intent(destination, body, facts))

    def settle(self, outbound: Outbound, outcome: str, *, response_sha256: str | None = None, detail: str = "") -> None:
        """Records how it ended: `sent`, `failed` or `retried`. Values in `detail` are masked.

        Raises BlockedByPolicy if the ledger cannot be written (the request itself may have left).
        """
        if outcome not in _OUTCOMES:
            raise ValueError(f"unknown outcome {outcome!r}")
        facts: dict[str, object] = {}
        if response_sha256 is not None:
            facts["response_sha256"] = response_sha256
        if detail:
            facts["detail"] = self._masked(detail[:500])
        self._append_outcome(outbound.ledger_id, outcome, facts)

    def boundary(self, texts: Sequence[str]) -> str:
        """A word that marks where passages begin and end: the same for the same texts, unguessable without the key."""
        digest = hmac.new(self._boundary_key, "\0".join(texts).encode("utf-8", "surrogatepass"), hashlib.sha256)
        return "edge-" + "".join("bcdfghjklmnpqrst"[int(digit, 16)] for digit in digest.hexdigest()[:10])

    @cached_property
    def _vault(self) -> Vault:
        return Vault(self._key, "conversations")

    def _refusal(
        self,
        strings: Sequence[tuple[str, str]],
        session: Session,
        destination: Destination,
        portions: Sequence[Portion],
    ) -> _Refusal | None:
        """Why the request may not leave; None where it may."""
        if session.plain:
            if destination.local:
                return None
            return _Refusal(
                "A request with plain text was about to go to a destination that is not local.",
                "Choose a provider that is listed as local, or ask again so that the texts are redacted.",
                {"reason": "plain text"},
            )
        if not destination.local and Label.LOCAL_ONLY in {*session.labels, *(portion.label for portion in portions)}:
            return _Refusal(
                "A text labelled local-only was about to go to a destination that is not local; nothing was sent.",
                "This is a fault of the program: such passages are left out before. Report it.",
                {"reason": "local-only"},
            )
        return self._forbidden(session, destination) or self._left(strings, session, destination)

    def _forbidden(self, session: Session, destination: Destination) -> _Refusal | None:
        """What the policy has against the destination, or against what the texts hold."""
        if self._policy.require_ner and not self._names_model:
            return _Refusal(
                "The policy asks for a names model (require_ner), and none is configured; nothing was sent.",
                "Set [privacy] names_model to the folder of one, or ask without --provider.",
                {"reason": "no names model"},
            )
        kept = self._kept_there(destination)
        if kept is not None:
            return kept
        if session.blocked:
            types = sorted({span.type for span in session.blocked})
            return _Refusal(
                f"The policy blocks requests that hold values of type {', '.join(types)}; nothing was sent.",
                "Leave the document out with --filter, or ask without --provider.",
                {"reason": "blocked", "types": types, "blocking_rules": sorted({s.rule for s in session.blocked})},
            )
        return None

    def _kept_there(self, destination: Destination) -> _Refusal | None:
        """Why a destination that may keep what it gets is none for this policy."""
        problem = retention_problem(
            self._policy,
            provider=destination.provider,
            local=destination.local,
            zero_retention=destination.zero_retention,
            stated=destination.retention,
        )
        if problem is None:
            return None
        return _Refusal(
            f"{problem[0].upper()}{problem[1:]}; nothing was sent.",
            "Choose another provider, or a local one.",
            {"reason": "retention"},
        )

    def _left(self, strings: Sequence[tuple[str, str]], session: Session, destination: Destination) -> _Refusal | None:
        """What is left in the request; the name of the model is the user's choice, and no text."""
        texts = ((where, text) for where, text in strings if text != destination.model)
        found = next(((where, span) for where, text in texts for span in session.find(text)), None)
        if found is None:
            return None
        where, span = found
        return _Refusal(
            f"The request still holds a value of type {span.type} (rule {span.rule}, {where}); nothing was sent.",
            "Leave the document out with --filter. `ask --show-outbound` shows the redacted request.",
            {"reason": "residual", "rule": span.rule, "type": span.type},
        )

    def _record_block(
        self, body: bytes, destination: Destination, facts: dict[str, object], reason: Mapping[str, object]
    ) -> None:
        self._append_outcome(self._intent(destination, body, facts), "blocked", dict(reason))

    def _intent(
        self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits | None = None
    ) -> str:
        try:
            return self._ledger.intent(destination, body, facts, limits or Limits())
        except HybridragError:
            raise
        except Exception as exc:
            raise _unrecorded(exc) from exc

    def _append_outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        try:
            self._ledger.outcome(entry, outcome, facts)
        except BlockedByPolicy:
            raise
        except Exception as exc:
            raise _unrecorded(exc) from exc

    def _masked(self, text: str) -> str:
        for span in reversed(scan(text, self._detectors)):
            text = f"{text[: span.start]}[{span.type}]{text[span.end :]}"
        return text

    def _shares(self, portions: Sequence[Portion]) -> Mapping[str, int]:
        """Characters of each document, by the hash that the ledger knows it by."""
        shares: Counter[str] = Counter()
        for portion in portions:
            shares[self._hashed(portion.uri)] += portion.characters
        return shares

    def _limits(self, portions: Sequence[Portion]) -> Limits:
        budgets = self._policy.budgets
        return Limits(
            day=budgets.day,
            documents={self._hashed(portion.uri): budgets.of(portion.label) for portion in portions},
            names={self._hashed(portion.uri): portion.uri for portion in portions},
        )

    def _hashed(self, document: str) -> str:
        return document_hash(self._key, document)


def _said(body: bytes, skeleton: bytes) -> list[tuple[str, str]]:
    """The decoded strings of a request that an empty one has not, with their places."""
    protocol = {text for _, text in decoded_strings(skeleton)}
    return [(where, text) for where, text in decoded_strings(body) if text not in protocol]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a request may not leave, for the user and for the ledger."""

    message: str
    hint: str
    facts: Mapping[str, object]


def _unrecorded(exc: Exception) -> BlockedByPolicy:
    return BlockedByPolicy(
        f"The ledger cannot be written ({type(exc).__name__}).",
        hint="What is not recorded is not sent. Check the disk and the permissions of the data folder.",
    )
