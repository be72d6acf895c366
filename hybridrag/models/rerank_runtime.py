"""What every local reranker is: pairs to scores that are checked, and an end that another thread may ask for."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.batches import padded
from hybridrag.models.rerank_pairs import Pair, PairTokenizer
from hybridrag.models.rerank_spec import RerankerSpec
from hybridrag.models.runtime import Precision
from hybridrag.models.torch_model import first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]
    """One score a pair: shape `(n,)`, float32."""


class RerankRuntime(ABC):
    """A `Reranker` that lacks only the computing.

    Its score is the model's logit: the log-odds, as the model sees them, that the text answers the question. Sigmoid
    and softmax, which some cards put behind it, change no order. `cache` is the folder for what is worth keeping
    between runs, `tokenizer` one that is shared with another runtime. May be used by several threads at once.
    """

    def __init__(
        self,
        spec: RerankerSpec,
        *,
        cache: Path,
        precision: Precision = "auto",
        tokenizer: PairTokenizer | None = None,
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.precision = precision
        self._cache = cache
        self._tokenizer = tokenizer or PairTokenizer(spec)
        self._cancelled = threading.Event()

    @property
    @abstractmethod
    def runtime(self) -> str:
        """`openvino` or `torch`."""

    @property
    @abstractmethod
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`."""

    @abstractmethod
    def load(self) -> None:
        """Makes everything ready for the first pair, which otherwise does it. Raises ModelError where that fails."""

    @abstractmethod
    def compute(self, pairs: list[Pair]) -> Scores:
        """The network's score of each pair, in order, unchecked. There is at least one."""

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text, in order. Raises ModelError where the network gives none."""
        import numpy as np

        if not texts:
            return []
        pairs = self._tokenizer.pairs(question, texts)
        try:
            scores = self.compute(pairs)
        except IndexError as exc:
            raise ModelError(
                f"the tokenizer of {self.name} has tokens, or its window places, that its network has not",
                hint="its files do not fit together; fetch it again",
            ) from exc
        except (ValueError, RuntimeError) as exc:  # what a network of another shape raises, and too little memory
            raise ModelError(
                f"the reranker {self.name} cannot be computed ({type(exc).__name__}: {first_line(exc)})",
                hint="where memory ran out, choose a smaller one or device = cpu; else its files do not fit together: "
                "fetch it again",
            ) from exc
        if not np.isfinite(scores).all():
            raise ModelError(
                f"the reranker {self.name} gave a score that is not a number",
                hint="its files may be damaged, or its number format too narrow here; try precision = float32",
            )
        return [float(score) for score in scores]

    def cancel(self) -> None:
        self._cancelled.set()

    def go_on(self) -> None:
        """Called by `compute` before each batch. Raises ModelError where the user interrupted."""
        if self._cancelled.is_set():
            raise ModelError("reranking was interrupted", hint="run again to go on")

    def put(self, scores: Scores, rows: list[int], found: Scores) -> None:
        """What the network found for a batch into its places. Raises ModelError where that is not a score a pair."""
        if found.shape != (len(rows),):
            raise ModelError(
                f"the reranker {self.name} does not give one score a pair",
                hint="its files are damaged, or it is no reranker; fetch it again",
            )
        scores[rows] = found

    def inputs(self, pairs: Sequence[Pair], *, multiple: int = 1) -> dict[str, Any]:
        """A batch by the names of the network's inputs, each `(n, length) int64`, padded on the right."""
        longest = self.spec.window
        tokens, mask = padded(
            [pair.ids for pair in pairs], padding_id=self._tokenizer.padding_id, multiple=multiple, most=longest
        )
        types, _ = padded([pair.types for pair in pairs], padding_id=0, multiple=multiple, most=longest)
        return {"input_ids": tokens, "attention_mask": mask, "token_type_ids": types}
