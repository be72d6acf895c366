"""An embedding made of words: texts that share words are near. For tests of what is done with nearness."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hybridrag.types import Vectors

WIDTH = 256


def embed(texts: Sequence[str]) -> Vectors:
    """Vectors of shape `(len(texts), WIDTH)`: each word, by a hash of it, is a direction."""
    rows = np.full((len(texts), WIDTH), 1e-6, dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"\w+", text.casefold()):
            row[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % WIDTH] += 1
    found: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found
