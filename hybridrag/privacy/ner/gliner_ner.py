"""Names by GLiNER, which finds what a label says in words. The package is not one of our dependencies."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ner.folders import digest, read_object, unfit
from hybridrag.privacy.ner.labels import entity_type
from hybridrag.types import Span

LABELS = ("person", "organization", "location", "street address", "date of birth")
_CHARACTERS = 256
"""A window. No text has more words than characters, so none is cut at the model's most words (384 as a rule)."""
_LEAST = 64
"""The smallest window, for text of which each character is a token for each of its four bytes."""
_WINDOWS_AT_ONCE = 8


def gliner_ner(folder: Path) -> GlinerNer:
    """For the entry point: the model in `folder`, asked for the usual labels."""
    return GlinerNer(folder)


class GlinerNer:
    """Spans of what a GLiNER model finds for `labels`, each named as `entity_type` has it. Threads take turns."""

    name = "gliner"

    def __init__(self, folder: Path, *, labels: Sequence[str] = LABELS, threshold: float = 0.4) -> None:
        """Loads from `folder` alone. Raises BlockedByPolicy where it is not whole, holds pickles or code of its own."""
        files = _files(folder)
        self._types = {label: kind for label in labels if (kind := entity_type(label)) is not None}
        self._threshold = threshold
        self._turn = threading.Lock()
        self._model = _loaded(folder)
        self._tokenizer: Any = self._model.data_processor.transformer_tokenizer
        self._room = _room(self._tokenizer, self._model, list(self._types))
        if self._room < 4 * _LEAST:
            raise unfit(folder, "has no room for a text beside its labels", "Choose another, or fewer labels.")
        self.version = digest((2, threshold, sorted(self._types.items()), _CHARACTERS, _LEAST), files)
        self.detect("Anna lives in Paris.")  # a model that cannot run is refused now, not at the first request

    def detect(self, text: str) -> list[Span]:
        """Spans of `text`, which may overlap. Raises what the library raises, ValueError for spans that are none."""
        places = [(start, end) for start, end in self._windows(text) if text[start:end].strip()]
        found: set[Span] = set()
        for first in range(0, len(places), _WINDOWS_AT_ONCE):
            some = places[first : first + _WINDOWS_AT_ONCE]
            texts = [_plain(text[start:end]) for start, end in some]
            for (start, end), entities in zip(some, self._predicted(texts), strict=True):
                found.update(self._span(entity, start, end) for entity in entities)
        return sorted(found, key=lambda span: (span.start, span.end, span.type))

    def _span(self, entity: dict[str, Any], start: int, end: int) -> Span:
        kind = self._types[entity["label"]]
        span = Span(start + int(entity["start"]), start + int(entity["end"]), kind, f"gliner-{kind.lower()}")
        if not start <= span.start < span.end <= end:
            raise ValueError("the names model gave a span outside the text")
        return span

    def _predicted(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        with self._turn, warnings.catch_warnings():
            # A text that the model cut is a text that was not searched.
            warnings.filterwarnings("error", message=".*truncated.*")
            answer: list[list[dict[str, Any]]] = self._model.inference(
                list(texts), list(self._types), threshold=self._threshold, flat_ner=False, batch_size=_WINDOWS_AT_ONCE
            )
        return answer

    def _windows(self, text: str) -> Iterator[tuple[int, int]]:
        """Windows over `text` that the model reads to their ends. Neighbours share a quarter."""
        start = 0
        while start < len(text):
            size = _CHARACTERS
            # Emoji and rare scripts have several tokens a character.
            while size > _LEAST and self._tokens(text[start : start + size]) > self._room:
                size //= 2
            stop = min(len(text), start + size)
            if stop < len(text):
                stop = _blank(text, stop - size // 4, stop)
            yield start, stop
            if stop == len(text):
                return
            start = _blank(text, stop - size // 4, stop - size // 8)

    def _tokens(self, text: str) -> int:
        return len(self._tokenizer.tokenize(_plain(text)))


def _blank(text: str, first: int, last: int) -> int:
    """The last blank in `text[first:last]`, so that words stay whole; `last` where there is none."""
    found = max(text.rfind(" ", first, last), text.rfind("\n", first, last))
    return found if found > 0 else last


def _plain(text: str) -> str:
    """The tokenizer takes UTF-8, which has no lone surrogates; each becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _files(folder: Path) -> list[Path]:
    """What is loaded from the folder. Raises BlockedByPolicy unless all of it is there, and no code or pickle is."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        pickles = (folder / "pytorch_model.bin").is_file()
        what = "holds its weights as a pickle, which can run code" if pickles else "holds no model.safetensors"
        raise unfit(folder, what, _REMEDY)
    config = read_object(folder, "gliner_config.json", remedy=_REMEDY)
    tokenizer = [folder / name for name in ("tokenizer.json", "tokenizer_config.json")]
    if not all(path.is_file() for path in tokenizer) or not config.get("encoder_config"):
        # The library would look for both on the hub.
        raise unfit(folder, "lacks its tokenizer or the configuration of its encoder", _REMEDY)
    if config.get("labels_encoder") and not config.get("labels_encoder_config"):
        raise unfit(folder, "lacks the configuration of its second encoder", _REMEDY)
    if any("auto_map" in path.read_text(encoding="utf-8") for path in (folder / "gliner_config.json", tokenizer[1])):
        raise unfit(folder, "brings code of its own", "Choose another model.")
    return [weights, folder / "gliner_config.json", *tokenizer]


def _loaded(folder: Path) -> Any:
    try:
        from gliner import GLiNER
    except ImportError as exc:
        raise BlockedByPolicy(
            f"A GLiNER model is chosen, and the package gliner cannot be imported ({exc.name}); nothing was sent.",
            hint="Install it with `pip install gliner`, or choose a model that was exported to ONNX.",
        ) from exc
    try:
        return GLiNER.from_pretrained(str(folder), local_files_only=True, map_location="cpu", strict=True).eval()
    except Exception as exc:  # whatever the library raises: there is no model
        raise unfit(folder, f"cannot be loaded by gliner ({type(exc).__name__})", _REMEDY) from exc


def _room(tokenizer: Any, model: Any, labels: Sequence[str]) -> int:
    """How many tokens of text the model reads beside its labels."""
    encoder = model.config.encoder_config
    absolute = getattr(encoder, "position_biased_input", True)  # DeBERTa's positions are relative, and have no end
    limit = min(int(tokenizer.model_max_length), encoder.max_position_embeddings if absolute else 1 << 20)
    prompt = sum(len(tokenizer.tokenize(label)) + 1 for label in labels) + 4
    return limit - prompt


_REMEDY = (
    "Save it whole on a machine that may fetch: "
    "GLiNER.from_pretrained(NAME).save_pretrained(FOLDER, safe_serialization=True), and its tokenizer beside it."
)
