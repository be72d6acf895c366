"""Every detector over one text, fail closed: normalised, as it stands, and inside what it encodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy.encoded import decoded_blobs
from hybridrag.privacy.normalise import normalise
from hybridrag.types import Span

SECRET = "SECRET"  # noqa: S105 - the name of a type


def scan(text: str, detectors: Sequence[Detector]) -> tuple[Span, ...]:
    """What the detectors find in `text`, overlaps merged, in order. Offsets in `text`.

    Raises BlockedByPolicy if a detector raises or gives a span outside the text: what could not be searched stays here.
    """
    normal = normalise(text)
    found: list[Span] = []
    for detector in detectors:
        for span in _detect(detector, normal.text):
            start, end = normal.original(span.start, span.end)
            found.append(Span(start, end, span.type, span.rule))
        if normal.text != text:
            found.extend(_detect(detector, text))
    for start, end, plain in decoded_blobs(normal.text):
        inside = normalise(plain)
        for detector in detectors:
            for span in _detect(detector, inside.text):
                found.append(Span(*normal.original(start, end), span.type, f"{span.rule}-encoded"))
    return merge(found)


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans without overlaps: overlapping ones become one, typed by the widest, or SECRET if any of them is one."""
    merged: list[Span] = []
    widest: Span | None = None
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if widest is None or span.start >= merged[-1].end:
            merged.append(span)
            widest = span
            continue
        last = merged[-1]
        if _outranks(span, widest):
            widest = span
        merged[-1] = Span(last.start, max(last.end, span.end), widest.type, widest.rule)
    return tuple(merged)


def _outranks(span: Span, other: Span) -> bool:
    if (span.type == SECRET) != (other.type == SECRET):
        return span.type == SECRET
    return span.end - span.start > other.end - other.start


def _detect(detector: Detector, text: str) -> list[Span]:
    try:
        spans = list(detector.detect(text))
        for span in spans:
            if not 0 <= span.start < span.end <= len(text):
                raise ValueError("a span lies outside the text")
    except Exception as exc:
        raise BlockedByPolicy(
            f"The detector {_name(detector)} failed ({type(exc).__name__}); nothing was sent.",
            hint="A text that could not be searched for personal data never leaves. Mend or deselect the detector.",
        ) from exc
    return spans


def _name(detector: Detector) -> str:
    name = getattr(detector, "name", None)
    return name if isinstance(name, str) else type(detector).__name__
