"""Pictures of measurements: horizontal bars in panels, as a PNG. matplotlib draws, which the extra `plots` brings."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ConfigError, UsageError
from hybridrag.evaluation.files import check_place, whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 9.0
"""Inches; at `_DPI` 1,350 pixels, readable on a page and in a browser."""
_DPI = 150
_BAR = 0.36
_AROUND = 0.75
_HEADER = 0.6
"""Inches of height for a bar, for a panel's title and axis, and for the headline."""


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


def check_plot(path: Path) -> None:
    """Raises where no picture could be written to `path`, so that nobody measures in vain."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"the plot {path} is no PNG file", hint="give a name that ends in .png")
    check_place(path, "plot")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("plots need matplotlib, which is not installed", hint="pip install 'hybridrag[plots]'")


def draw_bars(path: Path, *, title: str, panels: Sequence[Panel], cache: Path) -> None:
    """Writes the panels, one below the other, to `path`, which appears whole or not at all.

    `cache` is a folder for matplotlib's list of fonts. Raises as `check_plot`, and UsageError where writing fails.
    """
    check_plot(path)
    _settle(cache)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [_AROUND + _BAR * max(len(panel.bars), 1) for panel in panels]
    figure = Figure(figsize=(_WIDTH, _HEADER + sum(heights)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(h_pad=0.1)  # type: ignore[union-attr,call-arg]
    axes = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    figure.suptitle(title, fontsize=12, fontweight="bold")
    for axis, panel in zip(axes[:, 0], panels, strict=True):
        _draw(axis, panel)
    with whole_file(path, "plot") as file:
        figure.savefig(file, format="png", metadata={"Software": None})


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
