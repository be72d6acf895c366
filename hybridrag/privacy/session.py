"""One request, or one conversation: its texts redacted under one map, and its answer restored."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy.normalise import BARRIER, shield
from hybridrag.privacy.occurrences import Occurrences
from hybridrag.privacy.pseudonyms import Pseudonyms, Value, derive_nonce
from hybridrag.privacy.restore import Restorer
from hybridrag.privacy.scanning import merge, scan
from hybridrag.types import Redacted, Replacement, Span

_ROUNDS = 8


class Session:
    """Made by `Gateway.open`. The map it holds never leaves memory."""

    def __init__(self, texts: Sequence[str], *, detectors: Sequence[Detector], key: bytes, plain: bool) -> None:
        self.plain = plain
        self._detectors = tuple(detectors)
        self._pseudonyms = Pseudonyms("" if plain else derive_nonce(texts, key))
        self._occurrences = Occurrences(())
        self._values_seen = 0
        self._redacted: dict[str, tuple[int, Redacted]] = {}
        if not plain:
            # Every value is known before the first text is redacted, so what one text shows is masked in all of them.
            for text in texts:
                self._learn(text)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many values were replaced in the texts redacted so far, by type."""
        return MappingProxyType(Counter(span.type for _, done in self._redacted.values() for span in done.spans))

    @property
    def rules(self) -> Mapping[str, int]:
        """The same by rule."""
        return MappingProxyType(Counter(span.rule for _, done in self._redacted.values() for span in done.spans))

    def redact(self, text: str) -> Redacted:
        """`text` with every value found replaced by its mark; unchanged in a plain session.

        Redacting the result finds nothing new, and neither does the gateway's scan of it. Redact a message as a whole,
        as it will stand in the request: context that only arises by joining redacted pieces blocks at sealing.
        Raises BlockedByPolicy if a detector fails or the text cannot be brought to rest.
        """
        if self.plain:
            return Redacted(text)
        at, known = self._redacted.get(text, (-1, None))
        if known is not None and at == self._pseudonyms.size:
            return known
        spans = self.find(text)
        for _ in range(_ROUNDS):
            rendered = self._render(text, spans)
            residual = self.find(rendered.text)
            if not residual:
                break
            spans = self._apart(text, merge([*spans, *(rendered.original(span) for span in residual)]))
        else:
            raise BlockedByPolicy(
                "A text still held personal data after it was redacted eight times; nothing was sent.",
                hint="Leave the document out with --filter, and report the case: `hybridrag redact FILE` shows it.",
            )
        redacted = Redacted(rendered.text, tuple(Replacement(span, "mask", "") for span in spans))
        # Valid while the map does not grow: a new value may stand in this text too.
        self._redacted[text] = (self._pseudonyms.size, redacted)
        return redacted

    def restorer(self) -> Restorer:
        """For an answer that arrives in pieces."""
        return Restorer(self._pseudonyms)

    def restore(self, text: str) -> str:
        """A whole answer with its values put back. Marks that are not of this session stay."""
        restorer = self.restorer()
        return restorer.feed(text) + restorer.flush()

    def find(self, text: str) -> tuple[Span, ...]:
        """What may not leave in `text`, this session's own marks aside. Raises BlockedByPolicy if a detector fails."""
        if self._values_seen != self._pseudonyms.size:
            self._occurrences = Occurrences(self._pseudonyms.values())
            self._values_seen = self._pseudonyms.size
        guarded = self._pseudonyms.guarded(shield(text))
        return self._apart(text, merge([*scan(guarded, self._detectors), *self._occurrences.find(guarded)]))

    def marks(self, texts: Iterable[str]) -> Mapping[str, int]:
        """How many marks of this session stand in `texts`, by type of value."""
        found: Counter[str] = Counter()
        for text in texts:
            for mark in self._pseudonyms.marks_in(text):
                value = self._pseudonyms.value(mark)
                found[value.type if value is not None else "SECRET"] += 1
        return found

    def _learn(self, text: str) -> None:
        guarded = shield(text)
        for span in scan(guarded, self._detectors):
            self._pseudonyms.mark(Value(text[span.start : span.end], span.type, span.rule))

    def _apart(self, text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
        """Spans cut where one of our marks stands, without blanks at their ends; what is only a mark vanishes."""
        guarded = self._pseudonyms.guarded(shield(text))
        pieces: list[Span] = []
        for span in spans:
            start = span.start
            for part in guarded[span.start : span.end].split(BARRIER):
                end = start + len(part)
                left, right = len(part) - len(part.lstrip()), len(part) - len(part.rstrip())
                if part.strip() and (len(part) == span.end - span.start or any(map(str.isalnum, part))):
                    pieces.append(Span(start + left, end - right, span.type, span.rule))
                start = end + 1
        return tuple(pieces)

    def _render(self, text: str, spans: Sequence[Span]) -> _Rendered:
        out: list[str] = []
        segments: list[tuple[int, int, int]] = []
        length = done = 0
        for span in spans:
            mark = self._pseudonyms.mark(Value(text[span.start : span.end], span.type, span.rule))
            out += (text[done : span.start], mark)
            segments.append((length, done, span.start))
            length += span.start - done
            segments.append((length, span.start, span.start))
            length += len(mark)
            done = span.end
        out.append(text[done:])
        segments.append((length, done, len(text)))
        return _Rendered("".join(out), tuple(segments))


@dataclass(frozen=True, slots=True)
class _Rendered:
    """Redacted text, and for each of its segments (start here, start and end in the original) where it came from."""

    text: str
    segments: tuple[tuple[int, int, int], ...]

    def original(self, span: Span) -> Span:
        """A span of the redacted text, which touches no mark, as a span of the original."""
        start, source, _ = self.segments[bisect_right(self.segments, span.start, key=lambda segment: segment[0]) - 1]
        return Span(source + span.start - start, source + span.end - start, span.type, span.rule)
