"""Whole documents searched once, where they are ingested: what a chunk's border would hide is known afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hybridrag.ports import Detector
from hybridrag.privacy.occurrences import Occurrences
from hybridrag.privacy.policy import Policy
from hybridrag.privacy.pseudonyms import Value
from hybridrag.privacy.scanning import fail_closed, findings, merge
from hybridrag.types import Inspection, Label


class Inspector:
    """Searches documents. It needs no key and no ledger, and nothing it finds is replaced yet."""

    def __init__(self, *, detectors: Sequence[Detector], strict: Sequence[Detector], policy: Policy) -> None:
        self._usual = tuple(detectors)
        self._strict = tuple(strict)
        self._policy = policy

    def fingerprint(self, label: Label) -> str:
        """SHA-256 (hex) over what decides which values are found in a document under `label`."""
        with fail_closed("telling the detectors"):
            names = "\n".join(f"{detector.name} {detector.version}" for detector in self._detectors(label))
        return hashlib.sha256(f"{_VERSION}\n{names}".encode()).hexdigest()

    def inspect(self, text: str, label: Label) -> Inspection:
        """What a document holds. A value that one place gives away is found in all places of the document.

        Raises BlockedByPolicy where a detector fails.
        """
        with fail_closed("searching a document"):
            found = findings(text, self._detectors(label))
            values = (Value(text[span.start : span.end], span.type, span.rule) for span in merge(found))
            return Inspection(
                self.fingerprint(label), merge([*found, *Occurrences(values).find(text, rule="repeated")])
            )

    def _detectors(self, label: Label) -> tuple[Detector, ...]:
        return (*self._usual, *self._strict) if self._policy.strict(label) else self._usual


_VERSION = 2
"""Of how a document is searched, beyond the detectors."""
