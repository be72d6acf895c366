"""Static embeddings (model2vec, potion): a table of token vectors and their mean. No torch, no network to run.

Encoding as in model2vec (github.com/MinishLab/model2vec, `StaticModel.encode`): no special tokens, unknown tokens left
out, mean of the rows. The library's own limit of 512 tokens is not one of the models: a mean takes any number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.runtime import Runtime
from hybridrag.models.spec import tokenizer_file
from hybridrag.models.tensors import Tensor, tensors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridrag.types import Vector, Vectors

_FORMATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1", "I32": "<i4", "I64": "<i8"}
"""safetensors' number formats as numpy's; it has no bfloat16, which is the upper half of a float32."""


class StaticEmbedder(Runtime):
    """An `Embedder` on a table of token vectors."""

    device = "cpu"
    runtime = "static"

    def load(self) -> None:
        """Opens the table now rather than at the first text."""
        _ = self._table

    def compute(self, texts: list[str]) -> Vectors:
        import numpy as np

        table = self._table
        vectors: Vectors = np.zeros((len(texts), table.width), dtype=np.float32)
        for row, ids in enumerate(self._tokenizer.plain_ids(texts)):
            if row % 1024 == 0:
                self.go_on()
            known = [token for token in ids if token != self._left_out]
            vectors[row] = table.rows(known).mean(axis=0) if known else 0
        # A text of unknown tokens only, or of such as the table knows nothing of, has no direction of its own; that of
        # all tokens together is the least wrong one.
        without = ~vectors.any(axis=1)
        if without.any():
            vectors[without] = table.centre
        return vectors

    @cached_property
    def _left_out(self) -> int | None:
        # sentence-transformers gives the unknown token a vector in models of its own making, model2vec does not.
        return self._tokenizer.unknown_id if self._table.name == "embeddings" else None

    @cached_property
    def _table(self) -> _Table:
        beside = tokenizer_file(self.spec).with_name("model.safetensors")
        file = beside if beside.is_file() else min(self.spec.path.rglob("*.safetensors"))
        try:
            found = {tensor.name: tensor for tensor in tensors(file)}
            for name in ("embeddings", "embedding.weight"):
                if name in found and len(found[name].shape) == 2:
                    parts = {part: _values(found[part], file) for part in ("mapping", "weights") if part in found}
                    table = _Table(name, _values(found[name], file), found[name].dtype == "BF16", **parts)
                    self._check(table, file)
                    return table
        except (OSError, ValueError, KeyError) as exc:
            raise ModelError(f"{file} cannot be loaded ({type(exc).__name__})", hint="fetch the model again") from exc
        raise ModelError(f"{file} holds no table of token vectors", hint="this is no static model")

    def _check(self, table: _Table, file: Path) -> None:
        rows, tokens = len(table.values), self._tokenizer.size
        known = rows if table.mapping is None else len(table.mapping)
        if known < tokens or (table.mapping is not None and table.mapping.max() >= rows):
            raise ModelError(
                f"{file} has vectors for {known:,} tokens, and its tokenizer {tokens:,} tokens",
                hint="the two are not of the same model; fetch it again",
            )


@dataclass(frozen=True)
class _Table:
    """Token vectors as they lie in the file, read where they are needed.

    Tables of clustered rows have a `mapping`, the row of each token, and may have each token's own weight.
    """

    name: str
    values: Any
    halved: bool
    mapping: Any = None
    weights: Any = None

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    @cached_property
    def centre(self) -> Vector:
        """The mean of all tokens' vectors."""
        mean: Vector = self.rows(range(len(self.values if self.mapping is None else self.mapping))).mean(axis=0)
        return mean

    def rows(self, tokens: Sequence[int]) -> Vectors:
        """The vectors of tokens, `(len(tokens), width) float32`."""
        import numpy as np

        rows = self.values[tokens if self.mapping is None else self.mapping[tokens]]
        whole: Vectors = (rows.astype(np.uint32) << 16).view(np.float32) if self.halved else rows.astype(np.float32)
        return whole if self.weights is None else whole * self.weights[tokens].astype(np.float32)[:, None]


def _values(tensor: Tensor, file: Path) -> Any:
    """A tensor's values, left in the file. Raises KeyError for a number format that tables are not made of."""
    import numpy as np

    return np.asarray(np.memmap(file, _FORMATS[tensor.dtype], "r", offset=tensor.start, shape=tensor.shape))
