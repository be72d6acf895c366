"""Settings to what guards the way out: detectors, policy, key, ledger, gateway."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.config import Settings

if TYPE_CHECKING:
    from hybridrag.privacy import FileLedger, Gateway, Inspector
    from hybridrag.privacy.policy import Policy


class Privacy:
    """Nothing is loaded or made before it is needed. Whatever cannot be had raises BlockedByPolicy: nothing is sent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def policy(self) -> Policy:
        from hybridrag.privacy.policy import Policy

        return Policy()

    @cached_property
    def inspector(self) -> Inspector:
        """Searches documents; needs neither key nor ledger."""
        from hybridrag.privacy import Inspector, builtin_detectors

        return Inspector(detectors=builtin_detectors(), strict=(), policy=self.policy)

    @cached_property
    def gateway(self) -> Gateway:
        from hybridrag.privacy import Gateway, builtin_detectors

        return Gateway(
            detectors=builtin_detectors(),
            policy=self.policy,
            ledger=self.ledger,
            key=self._key,
            remote_embedding=self._settings.allow_remote_embedding,
        )

    @cached_property
    def ledger(self) -> FileLedger:
        from hybridrag.privacy import FileLedger

        return FileLedger(self._settings.paths.data / "ledger.jsonl", key=self._key)

    @cached_property
    def _key(self) -> bytes:
        from hybridrag.privacy import load_key

        return load_key(self._settings.paths.data / "key")
