"""Pictures: a PNG that shows every bar, or a reason why there is none, before anything is measured."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridrag.errors import ConfigError, UsageError
from hybridrag.evaluation.plots import Bar, Course, Moment, Panel, check_plot, draw_bars, draw_courses


def pixels(path: Path) -> list[tuple[int, int, int]]:
    """Every colour of a picture that is neither white nor black nor grey, once."""
    from PIL import Image

    with Image.open(path) as image:
        assert image.format == "PNG"
        colours = image.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    found = [colour for count, colour in colours if count > 2000 and isinstance(colour, tuple)]
    return [(r, g, b) for r, g, b in found if max(r, g, b) - min(r, g, b) > 20]


def test_bars_are_drawn_and_the_best_stands_out(tmp_path: Path) -> None:
    bars = [Bar("slow", 10), Bar("fast", 40, least=30, most=45, emphasised=True)]
    draw_bars(tmp_path / "p.png", title="t", panels=[Panel("speed", bars), Panel("none", [])], cache=tmp_path / "cache")
    assert len(pixels(tmp_path / "p.png")) == 2
    assert [file.name for file in tmp_path.glob("*.png")] == ["p.png"]
    assert [*tmp_path.glob(".p.png*")] == []

    draw_bars(tmp_path / "p.png", title="t", panels=[Panel("speed", bars[:1])], cache=tmp_path / "cache")
    assert len(pixels(tmp_path / "p.png")) == 1, "a picture takes the place of the one before"


def test_bars_of_nothing_are_drawn_too(tmp_path: Path) -> None:
    draw_bars(tmp_path / "p.png", title="", panels=[Panel("", [Bar("", 0.0)])], cache=tmp_path)
    assert pixels(tmp_path / "p.png") == []


def test_values_over_time_are_drawn_with_what_is_told_of_them(tmp_path: Path) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    moments = [Moment(noon, 0.9, 0.8, 1.0, baseline=True), Moment(noon + timedelta(days=1), 0.5, dropped=True)]
    courses = [Course("a $ b", moments, [(moments[1].at, "generation 2: m$")]), Course("alone", moments[:1])]
    draw_courses(tmp_path / "h.png", title="t", courses=courses, cache=tmp_path)
    assert len(pixels(tmp_path / "h.png")) >= 1
    draw_courses(tmp_path / "h.SVG", title="t", courses=courses, cache=tmp_path)
    page = (tmp_path / "h.SVG").read_text()
    assert page.startswith("<?xml")
    assert "generation 2" in page
    assert "matplotlib.org" not in page.partition("<svg")[2]
    with pytest.raises(UsageError, match="no PNG or SVG file"):
        draw_courses(tmp_path / "h.pdf", title="t", courses=courses, cache=tmp_path)


def test_a_place_where_no_picture_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for place in (tmp_path / "p.jpg", tmp_path / "nowhere" / "p.png", tmp_path / "folder.png"):
        with pytest.raises(UsageError):
            check_plot(place)
    check_plot(tmp_path / "p.PNG")


def test_a_missing_library_is_told_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as import finds it where it is not installed
    with pytest.raises(ConfigError) as told:
        check_plot(tmp_path / "p.png")
    assert "hybridrag[plots]" in told.value.hint
