"""Pictures of measurements: horizontal bars in panels, or figures over time. matplotlib draws, by the extra `plots`."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ConfigError, UsageError
from hybridrag.evaluation.files import check_place, whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 9.0
"""Inches; at `_DPI` 1,350 pixels, readable on a page and in a browser."""
_DPI = 150
_BAR = 0.36
_AROUND = 0.75
_HEADER = 0.6
_COURSE = 3.0
"""Inches of height for a bar, for a panel's title and axis, for the headline, and for a value over time."""
COURSE_KINDS = ("png", "svg")
"""What a picture of values over time may be."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its length, and the least and the most that were measured where there are several."""

    label: str
    value: float
    least: float | None = None
    most: float | None = None
    emphasised: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one quantity. `shown` is how a value is written beside its bar, as `str.format` takes it."""

    title: str
    bars: Sequence[Bar]
    shown: str = "{:,.0f}"


@dataclass(frozen=True, slots=True)
class Moment:
    """A value at a time, with its interval where it has one, and what is to be seen of it besides."""

    at: datetime
    value: float
    low: float | None = None
    high: float | None = None
    dropped: bool = False
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """A value over time. `marks` are moments of which something is told, with a few words each."""

    title: str
    moments: Sequence[Moment]
    marks: Sequence[tuple[datetime, str]] = ()


def check_plot(path: Path, *, kinds: Sequence[str] = ("png",)) -> None:
    """Raises where no picture of one of the `kinds` could be written to `path`, so that nobody measures in vain."""
    if path.suffix.lower().removeprefix(".") not in kinds:
        names = " or ".join(kind.upper() for kind in kinds)
        endings = " or ".join(f".{kind}" for kind in kinds)
        raise UsageError(f"the plot {path} is no {names} file", hint=f"give a name that ends in {endings}")
    check_place(path, "plot")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("plots need matplotlib, which is not installed", hint="pip install 'hybridrag[plots]'")


def draw_bars(path: Path, *, title: str, panels: Sequence[Panel], cache: Path) -> None:
    """Writes the panels, one below the other, to `path`, which appears whole or not at all.

    `cache` is a folder for matplotlib's list of fonts. Raises as `check_plot`, and UsageError where writing fails.
    """
    check_plot(path)
    heights = [_AROUND + _BAR * max(len(panel.bars), 1) for panel in panels]
    figure, axes = _figure(title, heights, cache)
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel)
    _write(path, figure)


def draw_courses(path: Path, *, title: str, courses: Sequence[Course], cache: Path) -> None:
    """Writes values over time, one below the other, to `path`, a PNG or an SVG. As `draw_bars` otherwise."""
    check_plot(path, kinds=COURSE_KINDS)
    figure, axes = _figure(title, [_COURSE] * len(courses), cache)
    for axis, course in zip(axes, courses, strict=True):
        _draw_course(axis, course)
    _write(path, figure)


def _figure(title: str, heights: Sequence[float], cache: Path) -> tuple[Figure, Sequence[Axes]]:
    _settle(cache)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEADER + sum(heights)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(h_pad=0.1)  # type: ignore[union-attr,call-arg]
    axes = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    figure.suptitle(title, fontsize=12, fontweight="bold", parse_math=False)
    return figure, list(axes[:, 0])


def _write(path: Path, figure: Figure) -> None:
    kind = path.suffix.lower().removeprefix(".")
    # It tells neither when nor with what it was made.
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with whole_file(path, "plot") as file:
        figure.savefig(file, format=kind, metadata=metadata)


def _draw_course(axis: Axes, course: Course) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    at: Any = [moment.at for moment in course.moments]
    values = [moment.value for moment in course.moments]
    ends = [(m.value if m.low is None else m.low, m.value if m.high is None else m.high) for m in course.moments]
    axis.fill_between(
        at, [low for low, _ in ends], [high for _, high in ends], color="#9db4c0", alpha=0.35, linewidth=0
    )
    axis.plot(at, values, color="#1b6ca8", linewidth=1.2, marker="o", markersize=3.5)
    for wanted, marker, colour in (("baseline", "D", "#1b6ca8"), ("dropped", "X", "#b5543c")):
        chosen = [moment for moment in course.moments if getattr(moment, wanted)]
        where: Any = [moment.at for moment in chosen]
        axis.plot(where, [moment.value for moment in chosen], marker, color=colour, markersize=7, label=wanted)
    top: Any = axis.get_xaxis_transform()
    for place, words in course.marks:
        when: Any = place
        axis.axvline(when, color="#333333", linewidth=0.9, linestyle="--")
        axis.text(when, 0.02, f" {words}", transform=top, fontsize=7, rotation=90, va="bottom", parse_math=False)
    axis.set_title(course.title, fontsize=10, loc="left", parse_math=False)
    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.tick_params(labelsize=8)
    axis.grid(color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.legend(fontsize=8, loc="lower left", frameon=False)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _draw(axis: Axes, panel: Panel) -> None:
    places = range(len(panel.bars))
    longest = max((bar.most if bar.most is not None else bar.value for bar in panel.bars), default=1.0) or 1.0
    colours = ["#1b6ca8" if bar.emphasised else "#9db4c0" for bar in panel.bars]
    axis.barh(places, [bar.value for bar in panel.bars], height=0.62, color=colours)
    for place, bar in zip(places, panel.bars, strict=True):
        end = bar.value
        if bar.least is not None and bar.most is not None:
            around: Any = [[bar.value - bar.least], [bar.most - bar.value]]
            axis.errorbar(bar.value, place, xerr=around, fmt="none", ecolor="#333333", elinewidth=1, capsize=3)
            end = bar.most
        axis.text(end + longest * 0.012, place, panel.shown.format(bar.value), va="center", fontsize=9)
    axis.set_yticks(list(places), [bar.label for bar in panel.bars], fontsize=9)
    axis.invert_yaxis()
    axis.set_xlim(0, longest * 1.16)
    axis.set_title(panel.title, fontsize=10, loc="left")
    axis.tick_params(axis="x", labelsize=8)
    axis.xaxis.set_major_formatter(lambda value, _: panel.shown.format(value))
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _settle(cache: Path) -> None:
    """Before the first import: the list of fonts lies with our other caches, and matplotlib says nothing."""
    os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
