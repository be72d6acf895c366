"""An embedder on a server, with everything in between as it is in a command: settings, gateway, ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hybridrag.config import Settings, load
from hybridrag.flows.endpoint import Endpoint
from hybridrag.models import EndpointEmbedder, EndpointModel, endpoint_model
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.keys import load_key
from hybridrag.privacy.ledger import FileLedger, entries


@dataclass(frozen=True)
class Reach:
    """A home with settings (`text` is the user's own file) and what an embedder does there."""

    home: Path
    text: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    embedder_setting: str = ""

    @cached_property
    def settings(self) -> Settings:
        self.home.mkdir(exist_ok=True)
        (self.home / "config.toml").write_text(self.text)
        flags = {"embedder": self.embedder_setting} if self.embedder_setting else {}
        return load(flags=flags, environ={"HYBRIDRAG_HOME": str(self.home)}, cwd=self.home)

    def model(self, name: str) -> EndpointModel:
        return endpoint_model(name, self.settings.endpoints)

    def embedder(self, name: str | EndpointModel) -> EndpointEmbedder:
        model = self.model(name) if isinstance(name, str) else name
        return Endpoint(
            model, settings=self.settings, environ=self.environ, gateway=lambda: self.gateway, notify=lambda _: None
        ).embedder()

    @cached_property
    def gateway(self) -> Gateway:
        key = load_key(self.home / "data" / "key")
        return Gateway(
            detectors=builtin_detectors(),
            ledger=FileLedger(self.ledger_file, key=key),
            key=key,
            remote_embedding=self.settings.allow_remote_embedding,
        )

    @property
    def ledger_file(self) -> Path:
        return self.home / "data" / "ledger.jsonl"

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """The ledger's entries, oldest first."""
        return list(entries(self.ledger_file))

    @property
    def outcomes(self) -> list[str]:
        """Kinds and outcomes of the ledger's entries."""
        return [entry.get("outcome", "intent") for entry in self.ledger]
