"""Presidio's pattern recognisers as a detector, without a spaCy model and without a network.

Presidio's patterns are backtracking expressions. They see windows of at most 64 characters, and only those that hold a
digit or an at sign: all that the recognisers without a model look for has one, but addresses of web pages, which our
own detectors know.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ner.labels import entity_type
from hybridrag.types import Span

_WINDOW = 64
_STEP = 16
"""A value of up to 48 characters that begins a word lies in one window as a whole."""
_TELLING = re.compile(r"[\d@]")
_BLANK = re.compile(r"\s")
_LEAST_SCORE = 0.4
"""Presidio's own score of a telephone number. Below it are bare digits, which only a context word makes likely."""


def presidio() -> Presidio:
    """For the entry point."""
    return Presidio()


class Presidio:
    """Spans of what Presidio's English and language-independent patterns find. Threads take turns."""

    name = "presidio"

    def __init__(self) -> None:
        """Opens no connection. Raises BlockedByPolicy where the packages are not installed."""
        self._turn = threading.Lock()
        self._analyser = _analyser()
        self.version = f"1-{version('presidio-analyzer')}"

    def detect(self, text: str) -> list[Span]:
        """Spans of `text`, which may overlap. Raises what the library raises."""
        found: set[Span] = set()
        # spaCy takes UTF-8, which has no lone surrogates; each becomes a question mark.
        plain = text.encode("utf-8", "replace").decode()
        for start, end in _windows(plain):
            with self._turn:
                results = self._analyser.analyze(plain[start:end], language="en", score_threshold=_LEAST_SCORE)
            for result in results:
                kind = entity_type(result.entity_type)
                if kind is not None and result.start < result.end:
                    rule = f"presidio-{result.entity_type.lower()}"
                    found.add(Span(start + result.start, start + result.end, kind, rule))
        return sorted(found, key=lambda span: (span.start, span.end, span.type, span.rule))


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Windows of at most 64 characters, one every 16 around anything telling; cut at blanks if there are any."""
    done = 0
    for telling in _TELLING.finditer(text):
        if telling.start() < done:
            continue
        # The windows of the grid that hold this character: a value may begin before it and go on after it.
        first = max(0, telling.start() - _WINDOW + _STEP) // _STEP * _STEP
        for start in range(max(first, done), telling.start() + 1, _STEP):
            yield _at_blanks(text, start, min(len(text), start + _WINDOW))
        done = telling.start() // _STEP * _STEP + _STEP


def _at_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """The window without the words that its borders cut, as far as they have an end within 16 characters."""
    if start > 0 and (blank := _BLANK.search(text, start - 1, start + _STEP)):
        start = blank.end()
    if end < len(text):
        cut = max(text.rfind(" ", end - _STEP, end + 1), text.rfind("\n", end - _STEP, end + 1))
        end = cut if cut > start else end
    return start, end


def _analyser() -> Any:
    try:
        with _without("gliner", "torch", "transformers"):
            import spacy
            import spacy.language
            import tldextract.tldextract as suffixes
            from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
            from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError as exc:
        raise BlockedByPolicy(
            f"Presidio is chosen, and the package {exc.name} cannot be imported; nothing was sent.",
            hint="Install it with `pip install presidio-analyzer`, or take it out of `detectors`.",
        ) from exc
    # Its e-mail recogniser asks this object, which would fetch a list of suffixes; the package brings one along.
    suffixes.TLD_EXTRACTOR = suffixes.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine: Any = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    # `load()` would fetch a model; a blank one splits words, which is all that patterns need. Context words are
    # compared by their lemmas, of which a blank one has none, so each word is its own.
    words = spacy.blank("en")
    spacy.language.Language.component("own_lemmas", func=_own_lemmas)
    words.add_pipe("own_lemmas")
    engine.nlp = {"en": words}
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    registry.remove_recognizer("SpacyRecognizer")
    return AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])


@contextmanager
def _without(*libraries: str) -> Iterator[None]:
    """Has imports not find what Presidio loads for its own models, wherever that is installed: most of its start."""
    hidden = [name for name in libraries if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def _own_lemmas(document: Any) -> Any:
    for token in document:
        token.lemma_ = token.lower_
    return document
