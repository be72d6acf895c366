"""Names by a token classifier that was exported to ONNX: BERT, RoBERTa, XLM-RoBERTa, DeBERTa, ELECTRA and their kin."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.privacy.finders.patterns import view
from hybridrag.privacy.ner.folders import digest, read_object, unfit
from hybridrag.privacy.ner.labels import entity_type, split_scheme
from hybridrag.privacy.ner.tokens import NerTokenizer, Tokens, windows
from hybridrag.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAPHS = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")
"""Where exporters put the network, the exact one first."""
_WINDOW = 256
"""Tokens: a name is told by its sentence, and the cost of attention grows with the square of the window."""
_BATCH = 8
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\xe9")


def onnx_ner(folder: Path) -> OnnxNer:
    """For the entry point: the model in `folder`, with the usual threshold."""
    return OnnxNer(folder)


class OnnxNer:
    """Spans of what a token classifier calls a person, a place, an organisation, or whatever its labels say.

    A token is part of a name where the model gives all its labels for names together at least `threshold`, in any of
    the windows it stands in. Threads may share it.
    """

    name = "onnx"

    def __init__(self, folder: Path, *, threshold: float = 0.5) -> None:
        """Opens no connection. Raises BlockedByPolicy where the folder holds no model that fits."""
        config = _configuration(folder)
        graph = next((folder / name for name in GRAPHS if (folder / name).is_file()), None)
        if graph is None:
            raise unfit(folder, f"holds none of {', '.join(GRAPHS)}", "Export the model: optimum-cli export onnx.")
        self._labels = _Labels(config["id2label"], folder)
        self._tokenizer = NerTokenizer(folder / "tokenizer.json")
        self._session = _session(graph, folder)
        self._types_of = {given.name: given.type for given in self._session.get_inputs()}
        if "input_ids" not in self._types_of or not _INPUTS.issuperset(self._types_of):
            raise unfit(folder, "wants other inputs than a token classifier's", "Export it for token-classification.")
        self._pad = int(config.get("pad_token_id") or 0)
        special = len(self._tokenizer.before) + len(self._tokenizer.after)
        # RoBERTa and its kin count positions from padding_idx + 1, so two of them are no places for tokens.
        self._body = min(_WINDOW, int(config.get("max_position_embeddings") or _WINDOW) - 2) - special
        if self._body < 8:
            raise unfit(folder, "has no room for a sentence", "Choose another model.")
        self._threshold = threshold
        self.version = digest((2, threshold, _WINDOW), _deciding(graph, folder))
        self.detect("Anna lives in Paris.")  # a model that cannot run is refused now, not at the first request

    def detect(self, text: str) -> list[Span]:
        """Spans of `text` in order, without overlaps. Raises ValueError for output that is no answer."""
        tokens = self._tokenizer.tokens(text)
        if not tokens.ids:
            return []
        mass, kinds, begins = self._classified(tokens.ids)
        found = self._joined(tokens, mass, kinds, begins)
        return list(_whole_words(text, found))

    def _classified(self, ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """For each token: how likely it is in a name, the number of the likeliest type, and whether one begins there.

        Where windows overlap, the one that sees a name counts.
        """
        import numpy as np

        mass = np.zeros(len(ids), np.float32)
        kinds = np.zeros(len(ids), np.int64)
        begins = np.zeros(len(ids), np.bool_)
        spread = windows(len(ids), size=self._body)
        for first in range(0, len(spread), _BATCH):
            places = spread[first : first + _BATCH]
            for (start, end), chances in zip(places, self._run(ids, places), strict=True):
                by_type = chances @ self._labels.kept
                total = by_type.sum(axis=1)
                kind = by_type.argmax(axis=1)
                opening = (chances @ self._labels.opening)[np.arange(len(kind)), kind]
                better = total > mass[start:end]
                mass[start:end][better] = total[better]
                kinds[start:end][better] = kind[better]
                begins[start:end][better] = (2 * opening > by_type.max(axis=1))[better]
        return mass, kinds, begins

    def _run(self, ids: Sequence[int], places: Sequence[tuple[int, int]]) -> Iterator[NDArray[np.float32]]:
        """The chances of each label, shape `(tokens of the window, labels)`, for each window."""
        import numpy as np

        before, after = self._tokenizer.before, self._tokenizer.after
        rows = [[*before, *ids[start:end], *after] for start, end in places]
        width = max(map(len, rows))
        padded = np.array([[*row, *[self._pad] * (width - len(row))] for row in rows], np.int64)
        mask = np.array([[1] * len(row) + [0] * (width - len(row)) for row in rows], np.int64)
        given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
        feed = {name: _as(given[name], type) for name, type in self._types_of.items()}
        logits = self._session.run([self._session.get_outputs()[0].name], feed)[0]
        if logits.shape != (len(rows), width, self._labels.count):
            raise ValueError("the names model's output has another shape than its labels")
        if not np.isfinite(logits).all():
            raise ValueError("the names model gave a number that is none")
        for row, (start, end) in zip(logits, places, strict=True):
            yield _softmax(row[len(before) : len(before) + end - start])

    def _joined(
        self, tokens: Tokens, mass: NDArray[np.float32], kinds: NDArray[np.int64], begins: NDArray[np.bool_]
    ) -> list[tuple[int, int, str]]:
        """(start, end, type) of neighbouring tokens of one type; a piece of a word never begins another name."""
        import numpy as np

        found: list[tuple[int, int, str]] = []
        previous = -2
        for index in map(int, np.flatnonzero(mass >= self._threshold)):
            start, end, kind = tokens.starts[index], tokens.ends[index], self._labels.types[int(kinds[index])]
            if previous == index - 1:
                first, last, before = found[-1]
                if start <= last or (kind == before and not begins[index]):
                    found[-1] = (first, max(last, end), before)
                    previous = index
                    continue
            found.append((start, end, kind))
            previous = index
        return found


class _Labels:
    """What the model's outputs mean: two matrices from labels to our types, 1 where a label is one of that type."""

    def __init__(self, names: Mapping[str, str], folder: Path) -> None:
        import numpy as np

        try:
            ordered = [names[str(number)] for number in range(len(names))]
        except KeyError:
            raise unfit(folder, "numbers its labels with gaps", "Fetch it again.") from None
        parts = [split_scheme(label) for label in ordered]
        if all(scheme != "O" for scheme, _ in parts) or any(label.startswith("LABEL_") for label in ordered):
            raise unfit(folder, "does not say what its labels mean", 'Its config.json needs "id2label", with an "O".')
        mapped = [None if scheme == "O" else entity_type(name) for scheme, name in parts]
        self.count = len(ordered)
        self.types = sorted({kind for kind in mapped if kind is not None})
        if not self.types:
            raise unfit(folder, "finds nothing that identifies anyone", "Choose a model for names.")
        self.kept = np.zeros((self.count, len(self.types)), np.float32)
        self.opening = np.zeros_like(self.kept)
        for number, (kind, (scheme, _)) in enumerate(zip(mapped, parts, strict=True)):
            if kind is not None:
                self.kept[number, self.types.index(kind)] = 1
                self.opening[number, self.types.index(kind)] = scheme in "BUS"


def _whole_words(text: str, found: Sequence[tuple[int, int, str]]) -> Iterator[Span]:
    """The spans widened to the words they stand in, where the script has blanks between words; no blank at an end."""
    data = view(text)
    done = 0
    for first, last, kind in found:
        start, end = max(first, done), last
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start >= end:
            continue
        while start > done and data[start] in _WORD and data[start - 1] in _WORD:
            start -= 1
        while end < len(data) and data[end - 1] in _WORD and data[end] in _WORD:
            end += 1
        yield Span(start, end, kind, f"onnx-{kind.lower()}")
        done = end


def _configuration(folder: Path) -> dict[str, Any]:
    config = read_object(folder, "config.json", remedy="Give the folder of an exported model.")
    if not isinstance(config.get("id2label"), dict):
        raise unfit(folder, "does not name its labels", 'Its config.json needs "id2label".')
    return config


def _session(graph: Path, folder: Path) -> Any:
    """The network, on few threads. No operators but the runtime's own; it refuses weights outside the folder itself."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.use_deterministic_compute = True
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # the runtime's exceptions have no root of their own
        raise unfit(
            folder, f"holds a network that cannot be loaded ({type(exc).__name__})", "Export it again."
        ) from exc


def _deciding(graph: Path, folder: Path) -> Iterator[Path]:
    """The files that decide what is found: network, weights beside it, tokenizer, labels."""
    yield graph
    # Outer weights may have any name; what is left out is other runtimes' copies, which no exporter puts weights into.
    yield from sorted(
        path
        for path in graph.parent.iterdir()
        if path.is_file() and path.suffix not in {".onnx", ".safetensors", ".h5", ".msgpack", ".md"}
    )
    yield folder / "tokenizer.json"
    yield folder / "config.json"


def _as(values: NDArray[np.int64], type: str) -> NDArray[Any]:
    import numpy as np

    return values.astype(np.int32) if type == "tensor(int32)" else values


def _softmax(logits: NDArray[Any]) -> NDArray[np.float32]:
    import numpy as np

    powers = np.exp(logits.astype(np.float32) - logits.max(axis=1, keepdims=True))
    chances: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return chances
