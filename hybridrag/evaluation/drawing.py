"""Pictures inside a page: small SVG elements, written out. They need no library, no script and no other file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hybridrag.evaluation.plots import Panel

_WIDTH = 720
_LABELS = 150
_BAR = 26
_AXIS = 24
_STRONG, _WEAK, _INK, _GRID = "#1b6ca8", "#9db4c0", "#333333", "#dddddd"


def bars(panel: Panel) -> str:
    """Horizontal bars with the intervals that they have, as an SVG element."""
    room = _WIDTH - _LABELS - 70
    longest = max((bar.most if bar.most is not None else bar.value for bar in panel.bars), default=0.0) or 1.0
    parts = []
    for place, bar in enumerate(panel.bars):
        top = place * _BAR
        middle, end = top + _BAR / 2, _LABELS + room * bar.value / longest
        colour = _STRONG if bar.emphasised else _WEAK
        parts.append(_text(_LABELS - 8, middle, bar.label, anchor="end"))
        parts.append(
            f'<rect x="{_LABELS}" y="{top + 5}" width="{max(end - _LABELS, 0):.1f}" height="{_BAR - 10}" '
            f'fill="{colour}"/>'
        )
        if bar.least is not None and bar.most is not None:
            low, high = (_LABELS + room * edge / longest for edge in (bar.least, bar.most))
            parts.append(
                f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" '
                f'stroke="{_INK}" fill="none"/>'
            )
            end = high
        parts.append(_text(end + 6, middle, panel.shown.format(bar.value)))
    return _svg(_BAR * max(len(panel.bars), 1), panel.title, parts)


def histogram(values: Sequence[float], *, title: str, parts: int = 20) -> str:
    """How often values from -1 to 1 fall into each of `parts` equal steps, as an SVG element.

    Those that are exactly 0 are not drawn: they would hide the others.
    """
    counts = [0] * parts
    for value in values:
        if value:
            counts[min(int((value + 1) / 2 * parts), parts - 1)] += 1
    height, step, most = 130, (_WIDTH - 40) / parts, max(counts) or 1
    drawn = [f'<path d="M20 {height}H{_WIDTH - 20}M{_WIDTH / 2} 0V{height}" stroke="{_GRID}" fill="none"/>']
    for place, count in enumerate(counts):
        if count:
            tall = (height - 18) * count / most
            left = 20 + place * step
            colour = _STRONG if place >= parts / 2 else "#b5543c"
            drawn.append(
                f'<rect x="{left + 1:.1f}" y="{height - tall:.1f}" width="{step - 2:.1f}" height="{tall:.1f}" '
                f'fill="{colour}"/>'
            )
            drawn.append(_text(left + step / 2, height - tall - 7, str(count), anchor="middle"))
    for edge in (-1.0, -0.5, 0.0, 0.5, 1.0):
        drawn.append(
            _text(20 + (edge + 1) / 2 * (_WIDTH - 40), height + 12, f"{edge:+g}" if edge else "0", anchor="middle")
        )
    return _svg(height + _AXIS, title, drawn)


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    # Without a namespace, which would look like an address: inside a page none is needed.
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" height="{height:g}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle">{escape(text)}</text>'
