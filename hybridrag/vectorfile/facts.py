"""What a file of vectors tells of itself, in the metadata of its Parquet."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hybridrag.config import MOST_DIMENSIONS

KEY = b"hybridrag.vectors"
"""The key of the Parquet metadata under which the facts stand, as JSON."""
FORMAT = 1
HASH_BYTES = 32
MOST_ROWS = 1 << 31
_SHA256 = re.compile("[0-9a-f]{64}")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in a file: `count` vectors of one model's fingerprint.

    `sha256` (hex) is over each text hash and its vector, float16, little-endian, in the order of the hashes. `probes`
    are the model's vectors for the probes whose hash is `probe_texts`; both are empty where none are kept. `chunking`
    decided the chunks. `made_by` is the version that wrote the file, `created_at` an ISO time.
    """

    fingerprint: str
    model: str
    dimensions: int
    count: int
    sha256: str
    chunking: Mapping[str, Any]
    probe_texts: bytes
    probes: bytes
    made_by: str
    created_at: str

    def to_json(self) -> str:
        binary = {name: base64.b64encode(getattr(self, name)).decode() for name in ("probe_texts", "probes")}
        return json.dumps({"format": FORMAT, **asdict(self), **binary}, sort_keys=True)

    @staticmethod
    def of_json(text: str | bytes) -> Facts:
        """Raises ValueError, with a reason for people, where it is none that this version reads."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("its metadata are damaged") from None
        if not isinstance(found, dict):
            raise ValueError("its metadata are damaged")
        if (version := found.pop("format", None)) != FORMAT:
            raise ValueError(f"its format is {str(version)[:20]!r}, and this version reads {FORMAT} only")
        try:
            for name in ("probe_texts", "probes"):
                found[name] = base64.b64decode(found[name], validate=True)
            facts = Facts(**found)
        except (KeyError, TypeError, ValueError):
            raise ValueError("its metadata are damaged") from None
        facts._check()
        return facts

    def _check(self) -> None:
        texts = (self.fingerprint, self.model, self.sha256, self.made_by, self.created_at)
        sound = (
            all(isinstance(text, str) and 0 < len(text) <= _LONGEST for text in texts)
            and _SHA256.fullmatch(self.sha256)
            and _is_number(self.dimensions, 1, MOST_DIMENSIONS)
            and _is_number(self.count, 0, MOST_ROWS)
            and isinstance(self.chunking, dict)
        )
        if not sound:
            raise ValueError("its metadata are damaged")


def _is_number(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
