"""Every detector over one text, fail closed: normalised, as it stands, and inside what it encodes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

from hybridrag.errors import BlockedByPolicy, HybridragError
from hybridrag.ports import Detector
from hybridrag.privacy.plaintext.encoded import decoded_blobs
from hybridrag.privacy.plaintext.normalise import BARRIER, Normalised, normalise
from hybridrag.types import Span

_LONGEST_WORD = 64
_BATCH = 1 << 20
_WALL = "\n" + f"{BARRIER}\n" * 4
SECRET = "SECRET"  # noqa: S105 - the name of a type


def scan(text: str, detectors: Sequence[Detector]) -> tuple[Span, ...]:
    """What the detectors find in `text`, overlaps merged, in order. Offsets in `text`.

    Raises BlockedByPolicy if a detector raises or gives a span outside the text: what could not be searched stays here.
    """
    return merge(findings(text, detectors))


def findings(text: str, detectors: Sequence[Detector]) -> list[Span]:
    """Everything that any detector finds in `text`, overlaps and all. Raises as `scan` does."""
    normal = normalise(text)
    # Where signs were joined or taken out, the text is searched as it stood too: that may have hidden something.
    parts = _Parts([_between_blanks(text, start, end) for start, end in normal.rewritten_parts(len(text))])
    found: list[Span] = []
    for detector in detectors:
        found += [_original(normal, span) for span in _detect(detector, normal.text)]
        if parts.text:
            found += [one for span in _detect(detector, parts.text) for one in parts.original(span)]
    for blobs in _batches(decoded_blobs(normal.text)):
        inside = _Parts([(number, plain) for number, (_, _, plain) in enumerate(blobs)])
        for detector in detectors:
            for span in _detect(detector, inside.text):
                for number in inside.touched(span):
                    start, end, _ = blobs[number]
                    found.append(Span(*normal.original(start, end), span.type, f"{span.rule}-encoded"))
    return found


def merge(spans: Iterable[Span], *, rank: Callable[[Span], int] = lambda _: 0) -> tuple[Span, ...]:
    """Spans without overlaps: overlapping ones become one, typed by the one of highest `rank`; among equals by a
    SECRET, then by the widest.
    """
    merged: list[Span] = []
    best: Span | None = None
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if best is None or span.start >= merged[-1].end:
            merged.append(span)
            best = span
            continue
        last = merged[-1]
        if _order(span, rank) > _order(best, rank):
            best = span
        merged[-1] = Span(last.start, max(last.end, span.end), best.type, best.rule)
    return tuple(merged)


def _batches(blobs: Iterable[tuple[int, int, str]]) -> Iterator[list[tuple[int, int, str]]]:
    """Decoded blobs, normalised, some of them at a time. Those without any capital are together: names are searched
    for differently in them."""
    waiting: dict[bool, list[tuple[int, int, str]]] = {True: [], False: []}
    lengths = {True: 0, False: 0}
    for start, end, plain in blobs:
        inside = normalise(plain).text
        lower = inside.islower()
        waiting[lower].append((start, end, inside))
        lengths[lower] += len(inside)
        if lengths[lower] > _BATCH:
            yield waiting[lower]
            waiting[lower], lengths[lower] = [], 0
    yield from filter(None, waiting.values())


class _Parts:
    """Several texts as one, so that detectors are called once for all of them. What stands between two of them lets no
    pattern through, and parts their lines."""

    def __init__(self, parts: Sequence[tuple[int, str]]) -> None:
        """Each part with where it begins in the original."""
        self.text = _WALL.join(part for _, part in parts)
        self._sources = [start for start, _ in parts]
        self._starts = list(accumulate((len(part) + len(_WALL) for _, part in parts), initial=0))

    def touched(self, span: Span) -> Iterator[int]:
        """The numbers of the parts that a span of `text` touches, walls aside."""
        number = bisect_right(self._starts, span.start) - 1
        while number < len(self._sources) and self._starts[number] < span.end:
            if span.start < self._starts[number + 1] - len(_WALL):
                yield number
            number += 1

    def original(self, span: Span) -> Iterator[Span]:
        """A span of `text` in the original: one for each part that it touches."""
        for number in self.touched(span):
            begin, end = self._starts[number], self._starts[number + 1] - len(_WALL)
            shift = self._sources[number] - begin
            yield Span(max(span.start, begin) + shift, min(span.end, end) + shift, span.type, span.rule)


@contextmanager
def fail_closed(what: str) -> Iterator[None]:
    """Turns any fault of our own in the block into a refusal: what could not be checked is not sent."""
    try:
        yield
    except HybridragError:
        raise
    except Exception as exc:
        raise BlockedByPolicy(
            f"The privacy gateway failed while {what} ({type(exc).__name__}); nothing was sent.",
            hint="This is a fault of the program. Run again with --debug, and report it.",
        ) from exc


def _order(span: Span, rank: Callable[[Span], int]) -> tuple[int, bool, int]:
    return rank(span), span.type == SECRET, span.end - span.start


def _between_blanks(text: str, start: int, end: int) -> tuple[int, str]:
    """Where a part begins, and the part: made longer, if not by much, so that it cuts no word."""
    first, last = max(0, start - _LONGEST_WORD), min(len(text), end + _LONGEST_WORD)
    while start > first and not text[start - 1].isspace():
        start -= 1
    while end < last and not text[end].isspace():
        end += 1
    return start, text[start:end]


def _original(normal: Normalised, span: Span) -> Span:
    start, end = normal.original(span.start, span.end)
    return Span(start, end, span.type, span.rule)


def _detect(detector: Detector, text: str) -> list[Span]:
    try:
        spans = list(detector.detect(text))
        for span in spans:
            if not 0 <= span.start < span.end <= len(text):
                raise ValueError("a span lies outside the text")
    except HybridragError:
        raise
    except Exception as exc:
        raise BlockedByPolicy(
            f"The detector {_name(detector)} failed ({type(exc).__name__}); nothing was sent.",
            hint="A text that could not be searched for personal data never leaves. Mend or deselect the detector.",
        ) from exc
    return spans


def _name(detector: Detector) -> str:
    name = getattr(detector, "name", None)
    return name if isinstance(name, str) else type(detector).__name__
