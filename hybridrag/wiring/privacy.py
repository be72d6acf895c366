"""Settings to what guards the way out: detectors, policy, key, ledger, gateway."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.config import Settings

if TYPE_CHECKING:
    from hybridrag.privacy.conversations import Conversations
    from hybridrag.privacy.gateway import Gateway
    from hybridrag.privacy.inspection import Inspector
    from hybridrag.privacy.ledger import FileLedger
    from hybridrag.privacy.policy import Policy
    from hybridrag.privacy.registry import DetectorSet


class Privacy:
    """Nothing is loaded or made before it is needed. Whatever cannot be had raises BlockedByPolicy: nothing is sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def policy(self) -> Policy:
        from hybridrag.privacy.policy_layers import load_policy

        return load_policy(self._settings)

    @cached_property
    def detectors(self) -> DetectorSet:
        from hybridrag.privacy.registry import load_detectors

        settings = self._settings
        return load_detectors(
            detectors=settings.privacy_detectors,
            names_model=settings.privacy_names_model,
            dictionaries={
                name: [Path(file) for file in files] for name, files in settings.privacy_dictionaries.items()
            },
            deny=(*settings.privacy_deny, *(f"re:{pattern}" for pattern in settings.privacy_deny_patterns)),
            allow=settings.privacy_allow,
        )

    @cached_property
    def inspector(self) -> Inspector:
        """Searches documents; needs neither key nor ledger."""
        from hybridrag.privacy.inspection import Inspector

        found = self.detectors
        return Inspector(detectors=(*found.usual, *found.added), strict=found.strict, policy=self.policy)

    @cached_property
    def gateway(self) -> Gateway:
        from hybridrag.privacy.gateway import Gateway

        return Gateway(
            detectors=self.detectors.usual,
            added=self.detectors.added,
            strict=self.detectors.strict,
            names_model=self.detectors.has_names_model,
            policy=self.policy,
            ledger=self.ledger,
            key=self._key,
            remote_embedding=self._settings.allow_remote_embedding,
        )

    @cached_property
    def ledger(self) -> FileLedger:
        from hybridrag.privacy.ledger import FileLedger

        return FileLedger(
            self._settings.paths.data / "ledger.jsonl",
            key=self._key,
            keep_payload=self.policy.keep_payload,
            retention_days=self._settings.ledger_retention_days,
        )

    @cached_property
    def conversations(self) -> Conversations:
        from hybridrag.privacy.conversations import Conversations

        return Conversations(self._settings.paths.data / "chats", key=lambda: self._key, gateway=lambda: self.gateway)

    @cached_property
    def _key(self) -> bytes:
        from hybridrag.privacy.keys import load_key

        return load_key(self._settings.paths.data / "key")
